"""`mvc verify FILE`: which version of a tracked path a file is, wherever it lies."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from typing import NamedTuple

from mvc.errors import InvalidFormat, UsageError
from mvc.fs.files import as_error
from mvc.fs.tree import Tree
from mvc.objects.digest import Digest
from mvc.ops.shared.object_users import Use, lost_uses, objects_in_use, uses_in_history
from mvc.ops.shared.selection import tracks
from mvc.project import Project
from mvc.quality.files import MAX_BYTES, SUFFIX
from mvc.quality.reports.glance import glance
from mvc.scm.blobs import stream_blobs
from mvc.scm.file_history import changes_in
from mvc.scm.index import index_paths
from mvc.scm.plumbing import Git
from mvc.workspace.read_files import hashing, read_files
from mvc.workspace.tracked import select


class Identified(NamedTuple):
    """A file, and the versions of tracked paths with its content; `size` in bytes."""

    path: str
    """As typed."""
    blake3: str
    size: int
    tag: str
    """The tag of a report of this content; empty without one."""
    versions: tuple[Use, ...]
    """Newest first; empty if there is none."""


def untracked_among(project: Project, words: Iterable[str]) -> list[str]:
    """Return the typed words that are files, but not tracked by mvc or Git."""
    files = [word for word in words if os.path.isfile(os.path.join(project.around.cwd, word))]
    if not files:
        return []
    tracked, in_git = project.tracked(), index_paths(project.git)

    def is_tracked(word: str) -> bool:
        with suppress(UsageError):  # outside the worktree
            path = project.shell.path(word)
            return tracks(tracked, path) or bool(in_git.at_or_below(path))
        return False

    return [word for word in files if not is_tracked(word)]


def identify(project: Project, files: Iterable[str]) -> tuple[Identified, ...]:
    """Hash the typed `files`, and return the versions with their content: in the workspace, the history, or lost.

    Raises:
        MvcError: a file or the history cannot be read.
    """
    digests = {file: _digest(project, file) for file in files}
    names = {digest.blake3 for digest in digests.values()}
    users = lost_uses(project, names) | _current(project, names) | uses_in_history(project, names) if names else {}
    return tuple(_identified(project, file, digest, users.get(digest.blake3, ())) for file, digest in digests.items())


def _digest(project: Project, file: str) -> Digest:
    folder, name = os.path.split(os.path.join(project.around.cwd, file))
    try:
        project.around.progress.expect(os.path.getsize(f"{folder}/{name}"))
        with Tree(folder) as tree:
            ((_, found),) = read_files(tree, [name], hashing(project.around.progress), follow=True)
    except OSError as error:
        raise as_error(error, file) from None
    return found.digest


def _current(project: Project, names: set[str]) -> dict[str, tuple[Use, ...]]:
    found = objects_in_use(project.cache, select(project.tracked(), []))
    return {name: tuple(map(Use, found[name].paths)) for name in names & found.keys()}


def _identified(project: Project, file: str, digest: Digest, versions: tuple[Use, ...]) -> Identified:
    tags = (_tag(project.git, path, digest.blake3) for path in {use.path: None for use in versions})
    return Identified(file, digest.blake3, digest.size, next(filter(None, tags), ""), versions)


def _tag(git: Git, path: str, blake3: str) -> str:
    """Return the tag of the newest report of `path` that is for this content."""
    oids = dict.fromkeys(item.oid for item in changes_in(git, ("--all",), f":(top,literal){path}{SUFFIX}"))
    for raw in stream_blobs(git, oids, MAX_BYTES):
        with suppress(InvalidFormat):
            found = glance(raw, path)
            if found.blake3 == blake3:
                return found.tag
    return ""
