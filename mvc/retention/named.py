"""Whether a pointer names an object: asked before content in the workspace is overwritten or deleted.

The cache also holds objects that no pointer names, such as those of a refused `add`. Nobody finds them by path or
commit, and `gc` may free them, so they are not a safe copy.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial

from mvc.errors import MvcError
from mvc.objects.pointer import MAX_BYTES
from mvc.retention.roots import PATTERN, PointerReader, repository_roots
from mvc.scm.blobs import stream_blobs
from mvc.scm.changes import changed_in_index
from mvc.scm.plumbing import Git
from mvc.store.cache.cache import Cache

_NEAR = ("HEAD", "HEAD@{1}", "ORIG_HEAD")
"""The commits that name the present content of a workspace, unless Git moved several times since."""


class NamedObjects:
    """The objects that pointers in the workspace, the index, a commit or a stash name.

    They are read step by step, as far as needed. Pointers that cannot be read name nothing.
    """

    def __init__(self, git: Git, common_dir: str, top: str, cache: Cache) -> None:
        """Search the repository with this common Git directory and the worktree `top`."""
        self._git = git
        self._reader = PointerReader(cache)
        self._known: set[str] = set()
        near = (partial(self._replaced_since, commit) for commit in _NEAR)
        everywhere = partial(repository_roots, git, common_dir, [top], self._reader)
        self._steps: list[Callable[[], set[str]]] = [*near, everywhere]

    def lacking(self, names: set[str], pointer: bytes) -> set[str]:
        """Return the `names` that no pointer names; `pointer` is the most likely one to do so."""
        if names - self._known:
            self._read(lambda: self._reader.needed_by([pointer]))
        while names - self._known and self._steps:
            self._read(self._steps.pop(0))
        return names - self._known

    def _read(self, step: Callable[[], set[str]]) -> None:
        with suppress(MvcError, OSError):
            self._known |= step()

    def _replaced_since(self, commit: str) -> set[str]:
        """Return what the pointers of `commit` name that the index has replaced."""
        changes = changed_in_index(self._git, commit, PATTERN)
        return self._reader.needed_by(stream_blobs(self._git, [item.old for item in changes if item.old], MAX_BYTES))
