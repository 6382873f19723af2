"""What to type for tracked paths that are not clean."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from mvc.objects.pointer import MAX_BYTES, SUFFIX, Pointer
from mvc.ops.shared.checkout import content_line, has_content
from mvc.ops.shared.remotes import configured_remotes
from mvc.ops.shared.workspace_content import has_unsaved, pointer_id, was_updated
from mvc.ops.workspace.reading.status import State, StatusItem
from mvc.project import Project
from mvc.workspace.tracked import parsed

_FEW = 10
"""Paths of a state that are looked at; more are advised in the same way."""


class Advice(NamedTuple):
    """A command line that changes the state of paths, and its effect."""

    line: str
    effect: str


def advice(project: Project, items: Iterable[StatusItem], state: State) -> list[Advice]:
    """Return the lines to type for the `items` in a state; with several, `PATH` stands for each of them."""
    paths = [item.path for item in items if item.state == state and not item.unreadable]
    refused = {item.path for item in items if any(change.change == "refused" for change in item.changes)}
    found = [pair for path in paths[:_FEW] if path not in refused for pair in _advice(project, path, state)]
    if len(paths) == 1:
        return found
    return list(dict.fromkeys(Advice(_general(project, item.line, paths), item.effect) for item in found))


def _general(project: Project, line: str, paths: list[str]) -> str:
    words = "|".join(re.escape(project.shell.line("", path)) for path in paths)
    return re.sub(f"({words})(?= |$)", " PATH", line)


def _advice(project: Project, path: str, state: State) -> Iterator[Advice]:
    pointer = parsed(path, project.tree.read(path + SUFFIX, MAX_BYTES) or b"").pointer
    if pointer is None:
        return
    if state == "modified":
        yield from _of_modified(project, path, pointer)
    if state == "behind":
        unsaved = _is_unsaved(project, path)
        yield Advice(
            content_line(project, path, pointer, force=unsaved),
            "updates the content, after saving the present one" if unsaved else "updates the content",
        )
    if state == "missing":
        yield Advice(content_line(project, path, pointer), "restores the content")
    if state == "not-in-cache":
        yield from _of_absent(project, path, pointer)


def _of_modified(project: Project, path: str, pointer: Pointer) -> Iterator[Advice]:
    updated = was_updated(project, path, pointer)
    if not updated:
        yield Advice(project.shell.line("mvc add", path), "keeps the change")
    if has_content(project, pointer) or configured_remotes(project.settings):
        effect = "takes the update; mvc log --lost lists the change" if updated else "discards it, after saving it"
        yield Advice(content_line(project, path, pointer, force=True), effect)


def _of_absent(project: Project, path: str, pointer: Pointer) -> Iterator[Advice]:
    if project.catalog.synced(path) == pointer_id(pointer) and project.tree.lstat(path) is not None:
        yield Advice(project.shell.line("mvc add", path), "stores it again")
    if configured_remotes(project.settings):
        yield Advice(project.shell.line("mvc pull", path), "fetches it from the remote")


def _is_unsaved(project: Project, path: str) -> bool:
    """Whether some of the content that the catalog knows at `path` is not saved."""
    snapshot = project.catalog.snapshot(path)
    names = {name for group in snapshot.groups for name in group.names} if snapshot else set()
    return has_unsaved(project, names)
