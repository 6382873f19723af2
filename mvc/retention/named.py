"""Whether a pointer names an object: asked before content in the workspace is overwritten or deleted.

The cache also holds objects that no pointer names, such as those of a refused `add`. Nobody finds them by path or
commit, and `gc` may free them, so they are not a safe copy.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from itertools import chain, groupby

from mvc.errors import MvcError
from mvc.objects.digest_table import NameTable
from mvc.objects.manifest import Entry, Manifest, Shard, open_manifest
from mvc.objects.manifest_lines import files_at
from mvc.objects.pointer import MAX_BYTES, SUFFIX
from mvc.retention.roots import PATTERN, PointerReader, read_pointer, repository_roots
from mvc.scm.blobs import stream_blobs
from mvc.scm.changes import changed_in_index
from mvc.scm.plumbing import Git
from mvc.scm.reachable import mentions
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
        self._top = top
        self._cache = cache
        self._reader = PointerReader(cache)
        self._known = NameTable()
        near = (partial(self._replaced_since, commit) for commit in _NEAR)
        everywhere = partial(repository_roots, git, common_dir, [top], self._reader)
        self._steps: list[Callable[[], Iterator[str]]] = [*near, everywhere]

    def lacking(self, names: set[str], pointer: bytes) -> set[str]:
        """Return the `names` that no pointer names; `pointer` is the most likely one to do so."""
        lacking = self._unknown(names)
        if lacking:
            self._learn(name for name in self._reader.needed_by([pointer]) if name in lacking)
            lacking = self._unknown(names)
        while lacking and self._steps:
            self._learn(self._steps.pop(0)())
            lacking = self._unknown(names)
        return lacking

    def _unknown(self, names: set[str]) -> set[str]:
        return {name for name in names if name not in self._known}

    def _learn(self, names: Iterable[str]) -> None:
        with suppress(MvcError, OSError):
            self._known.update(names)

    def unlisted(self, path: str, files: Iterable[Entry], pointer: bytes) -> list[Entry]:
        """Return those `files` of a directory that no version of its pointer lists at their paths.

        `files` are sorted by path. Only shards that could list them are read, so this is fast for few files of many;
        `lacking` reads all.
        """
        read: set[str] = set()
        left: Iterable[Entry] = (entry for entry in files if entry.blake3 not in self._known)
        for raw in chain([pointer], self._versions(path + SUFFIX)):
            for name in {*self._reader.manifests_in(raw)} - read if left else ():
                read.add(name)
                left = list(self._not_listed(left, name))
        return list(left)

    def _versions(self, path: str) -> Iterator[bytes]:
        """Yield a pointer as it is in the workspace, and as it was in commits, newest first."""
        with suppress(MvcError, OSError):
            yield read_pointer(f"{self._top}/{path}")
        with suppress(MvcError):
            oids = dict.fromkeys(version.oid for version in mentions(self._git, f":(top,literal){path}"))
            yield from stream_blobs(self._git, oids, MAX_BYTES)

    def _not_listed(self, files: Iterable[Entry], name: str) -> Iterator[Entry]:
        """Yield those of `files` that the manifest `name` does not list at their paths; one not there lists nothing.

        The others are known from now on: a command may replace the pointer that lists them.
        """
        manifest = Manifest((), lambda _: b"")
        with suppress(MvcError, OSError):
            manifest = open_manifest(self._cache.read_by_name(name), self._cache.read)
        firsts = [shard.first for shard in manifest.shards]
        for end, group in groupby(files, lambda entry: bisect_right(firsts, entry.path)):
            here = list(group)
            paths = [entry.path for entry in here]
            listed = {content for shard in manifest.shards[:end][-1:] for content in _contents(manifest, shard, paths)}
            self._learn(entry.blake3 for entry in here if (entry.path, entry.blake3) in listed)
            yield from (entry for entry in here if (entry.path, entry.blake3) not in listed)

    def _replaced_since(self, commit: str) -> Iterator[str]:
        """Yield what the pointers of `commit` name that the index has replaced."""
        changes = changed_in_index(self._git, commit, PATTERN)
        oids = [item.old for item in changes if item.old]
        yield from self._reader.needed_by(stream_blobs(self._git, oids, MAX_BYTES))


def _contents(manifest: Manifest, shard: Shard, paths: list[str]) -> Iterator[tuple[str, str]]:
    """Yield path and object of each file in a shard at these paths; none if it cannot be read."""
    with suppress(MvcError, OSError):
        yield from ((entry.path, entry.blake3) for entry in files_at(manifest, shard, paths))
