"""`mvc status --pushed`: checks that the remotes have all objects that the pointers need."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from mvc.errors import CorruptObject, InvalidFormat, MissingObject
from mvc.ops.shared.selection import chosen
from mvc.ops.shared.transfers.by_remote import by_remote
from mvc.ops.shared.transfers.needed import needed
from mvc.ops.shared.transfers.open_remote import bring_manifests, transferring
from mvc.ops.shared.transfers.results import TransferFailure
from mvc.ops.workspace.reading.status import SETTLED, Status, StatusItem, status
from mvc.project import Project
from mvc.retention.available import load_manifest
from mvc.store.cache.cache import Cache
from mvc.transfer.pool import JOBS
from mvc.transfer.send import missing_there
from mvc.workspace.tracked import Selection, pointers_of

_ABSENT = ("missing", "not-in-cache")


def pushed_status(project: Project, paths: Iterable[str] = (), remote: str | None = None) -> Status:
    """Return the state of the tracked `paths`, and whether their remotes hold them now.

    Content that is only missing here counts as clean if the remote has it.

    Raises:
        UsageError: no such remote.
        MvcError: a path is not tracked, or a remote cannot be reached.
    """
    paths = [*paths]
    local = status(project, paths)
    selections = [item for item in chosen(project, project.tracked(), paths) if item.item.pointer is not None]
    answers, problems = _ask(project, selections, remote)
    items = tuple(_answered(item, answers, problems) for item in local.items)
    clean = all(item.state in (*SETTLED, *_ABSENT) if item.pushed else item.state in SETTLED for item in items)
    return Status(clean and all(item.pushed is not False for item in items), items, local.left)


def _answered(
    item: StatusItem, answers: dict[str, bool], problems: dict[str, TransferFailure],
) -> StatusItem:
    item = item._replace(pushed=answers.get(item.path))
    problem = problems.get(item.path)
    return item._replace(problem=problem.error, fix=problem.fix) if problem and not item.problem else item


def _ask(
    project: Project, selections: list[Selection], remote: str | None,
) -> tuple[dict[str, bool], dict[str, TransferFailure]]:
    """Return by path whether its remote holds it, and problems that prevented an answer."""
    groups, unknown = by_remote(project, selections, remote)
    answers = {failure.path: False for failure in unknown}
    problems = list(unknown)
    with project.locks.store():
        for name, group in groups.items():
            answers.update(_ask_one(project, name, group, problems) if group else ())
    return answers, {failure.path: failure for failure in problems}


def _ask_one(
    project: Project, remote: str, selections: tuple[Selection, ...], problems: list[TransferFailure],
) -> list[tuple[str, bool]]:
    with transferring(project, remote, JOBS) as tools:
        bring_manifests(tools, pointers_of(selections))
        needs = [(selection, needed(project, [selection])) for selection in selections]
        lacking = missing_there(tools.remote, chain.from_iterable(found.objects.digests() for _, found in needs))
    problems += [failure for _, found in needs for failure in found.failed]
    return [
        (item.item.path, _is_listed(project.cache, item) and not any(name in found.objects for name in lacking))
        for item, found in needs
    ]


def _is_listed(cache: Cache, selection: Selection) -> bool:
    """Whether the manifest, which lists the objects of the pointer, can be read."""
    pointer = selection.item.pointer
    try:
        return pointer is not None and (pointer.kind == "file" or bool(load_manifest(cache, pointer)))
    except (MissingObject, CorruptObject, InvalidFormat):
        return False
