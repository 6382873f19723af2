"""The objects that the pointers of a repository need, which gc must keep.

Every string that looks like a digest in a pointer counts, also in both sides of a conflict and in invalid pointers.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import islice

from mvc.errors import CorruptObject, MissingObject, MvcError
from mvc.fs.files import READ, read_up_to
from mvc.objects.digest import check_object_name
from mvc.objects.dvc.imported import FILE as IMPORTED
from mvc.objects.dvc.imported import MAX_BYTES as MOST_IMPORTED
from mvc.objects.dvc.imported import names_in
from mvc.objects.pointer import MAX_BYTES, SUFFIX
from mvc.packages import UPGRADE
from mvc.scm.blobs import list_blobs, stream_blobs
from mvc.scm.commits import head
from mvc.scm.plumbing import Git
from mvc.scm.reachable import inside, main_worktree, reachable_blobs, staged, worktree_git_dirs
from mvc.store.cache.cache import Cache
from mvc.store.cache.inventory import quarantined_objects
from mvc.store.cache.layout import ARRIVED

PATTERN = f":(top)*{SUFFIX}"
_IMPORTED = f":(top)*{IMPORTED}"
_MOVED = "git worktree repair PATH  # where it was moved to; or, if it was deleted: git worktree prune"
_BATCH = 1000
"""Pointers searched at once: faster than one by one."""
_DIGEST = re.compile(r'"([0-9a-f]{64})"')
_WHOLE = re.compile(r'^blake3: "([0-9a-f]{64})"$', re.MULTILINE)
"""The digest of all content of a pointer: for a directory, its manifest."""
_LISTED = re.compile(r"^([0-9a-f]{64}) ", re.MULTILINE)
_NEWER = re.compile(r"^mvc: 0*(?:[2-9]|1\d)\d*$", re.MULTILINE | re.ASCII)
MANIFESTS = (b"mvc-manifest 1\n", b"mvc-manifest-index 1\n")
"""The first bytes of manifests; the longer one last."""


class PointerReader:
    """Finds the objects that pointers need."""

    def __init__(self, cache: Cache, elsewhere: Callable[[str], bytes] = lambda name: b"") -> None:  # noqa: ARG005
        """Read manifests from `cache`; `elsewhere` returns missing ones, verified, or nothing."""
        self._cache = cache
        self._elsewhere = elsewhere

    def needed_by(self, pointers: Iterable[bytes], read: set[str] | None = None) -> Iterator[str]:
        """Yield the names of all objects that pointers with these bytes need, with those in known manifests.

        Each manifest, and each shard of one, is read once; those in `read` are not read again, and are added there.

        Raises:
            MvcError: a pointer has a newer format, or a manifest that it names is damaged.
        """
        read = set() if read is None else read
        waiting = iter(pointers)
        while batch := list(islice(waiting, _BATCH)):
            text = b"\n".join(batch).decode("latin-1")
            if _NEWER.search(text):
                raise MvcError("a pointer was written by a newer mvc", UPGRADE)
            yield from _DIGEST.findall(text)
            for raw in batch:
                for name in self.manifests_in(raw):
                    yield from self._listed(name, read)

    def listed_as_imported(self, raw: bytes, read: set[str]) -> Iterator[str]:
        """Yield the names of all objects that a list of imported content needs; `read` as in `needed_by`.

        Raises:
            MvcError: a manifest that it names is damaged.
        """
        names, manifests = names_in(raw)
        yield from names
        for name in manifests:
            yield from self._listed(name, read)

    @staticmethod
    def named_in(raw: bytes) -> set[str]:
        """Return the objects that a pointer with these bytes names itself."""
        return set(_DIGEST.findall(raw.decode("latin-1")))

    @staticmethod
    def manifests_in(raw: bytes) -> list[str]:
        """Return the manifests that the pointer of a directory with these bytes names; several in a conflict."""
        return _WHOLE.findall(raw.decode("latin-1")) if b'kind: "dir"' in raw else []

    def listed_in(self, name: str) -> Iterator[str]:
        """Yield the objects that the manifest `name` lists, directly and through shards; none for other objects.

        Raises:
            MvcError: the manifest is damaged.
        """
        return self._listed(name, set())

    def _listed(self, name: str, read: set[str]) -> Iterator[str]:
        """Yield what a manifest lists, unless it was `read`; add it there."""
        if name in read:
            return
        read.add(name)
        body = self._manifest(name)
        found = _LISTED.findall(body.decode("latin-1"))
        yield from found
        for shard in found if body.startswith(MANIFESTS[1]) else ():
            yield from self._listed(shard, read)

    def _manifest(self, name: str) -> bytes:
        """Return the manifest's bytes, verified; none when it is missing or not a manifest.

        A missing manifest protects no objects, as its files cannot be used without it. A damaged one is an error.
        """
        unknown = "so the files it lists are not known"
        try:
            with self._cache.open(check_object_name(name)) as file:
                is_manifest = file.read(len(MANIFESTS[1])).startswith(MANIFESTS)
            if is_manifest:
                return self._cache.read_by_name(name)
            if not self._cache.matches(name):
                raise CorruptObject(name)
        except MissingObject:
            if body := self._elsewhere(name):
                return body
            quarantined = quarantined_objects(self._cache).get(name, ARRIVED)
            if not quarantined.endswith(ARRIVED):  # a damaged manifest that a remote sent was never used
                raise MvcError(f"the manifest {name} is in quarantine, {unknown}", "mvc verify  # says whose") from None
        except CorruptObject:
            raise MvcError(f"the manifest {name} is damaged, {unknown}", "mvc verify") from None
        return b""


def repository_roots(
    git: Git, common_dir: str, workspaces: Iterable[str], reader: PointerReader,
) -> Iterator[str]:
    """Yield every object that a repository needs: by history, index, and the pointers in its worktrees.

    `common_dir` is its common Git directory; `workspaces` are worktrees that Git does not list.

    Raises:
        MvcError: a root cannot be read.
    """
    git_dirs = worktree_git_dirs(common_dir)
    home = inside(git, common_dir)
    tops = sorted({*workspaces, *_workspaces(home, git_dirs)})
    read: set[str] = set()
    yield from _uncommitted(git, git_dirs, tops, reader, read)
    yield from _in_blobs(home, reachable_blobs(home, git_dirs, PATTERN), reader, read)
    yield from _imported(home, git_dirs, tops, reader, read)
    yield from _uncommitted(git, git_dirs, tops, reader, read)  # again: a stash may just have been popped


def current_roots(git: Git, common_dir: str, workspaces: Iterable[str], reader: PointerReader) -> Iterator[str]:
    """Yield every object that HEAD, index and workspace of all worktrees need; arguments as in `repository_roots`."""
    git_dirs = worktree_git_dirs(common_dir)
    home = inside(git, common_dir)
    heads = {commit for git_dir in git_dirs if (commit := head(inside(git, git_dir)))}
    oids = (blob.oid for commit in heads for blob in list_blobs(home, commit, SUFFIX))
    read: set[str] = set()
    yield from _in_blobs(home, oids, reader, read)
    yield from _uncommitted(git, git_dirs, sorted({*workspaces, *_workspaces(home, git_dirs)}), reader, read)


def _imported(git: Git, git_dirs: list[str], tops: list[str], reader: PointerReader, read: set[str]) -> Iterator[str]:
    """Yield the objects that were imported, by the lists in workspaces, indexes and the history."""
    for top in tops:
        with suppress(FileNotFoundError, NotADirectoryError):
            yield from reader.listed_as_imported(read_pointer(f"{top}/{IMPORTED}", MOST_IMPORTED), read)
    oids = [oid for git_dir in git_dirs for oid in staged(inside(git, git_dir), _IMPORTED)]
    oids += reachable_blobs(git, git_dirs, _IMPORTED)
    for raw in stream_blobs(git, dict.fromkeys(oids), MOST_IMPORTED):
        yield from reader.listed_as_imported(raw, read)


def _in_blobs(git: Git, oids: Iterable[str], reader: PointerReader, read: set[str]) -> Iterator[str]:
    """Yield the objects that pointers need; pointers and manifests in `read` are left out, others are added there."""
    new = [oid for oid in dict.fromkeys(oids) if oid not in read]  # in the order of the log: faster than sorted
    read.update(new)
    return reader.needed_by(stream_blobs(git, new, MAX_BYTES), read)


def _uncommitted(
    git: Git, git_dirs: list[str], tops: list[str], reader: PointerReader, read: set[str],
) -> Iterator[str]:
    """Yield the objects that index and workspace of every worktree need."""
    for top in tops:
        yield from reader.needed_by(lying_pointers(top), read)
    for git_dir in git_dirs:
        home = inside(git, git_dir)
        yield from _in_blobs(home, staged(home, PATTERN), reader, read)


def _workspaces(git: Git, git_dirs: list[str]) -> Iterator[str]:
    """Yield the top of every worktree.

    Raises:
        MvcError: one is not where Git expects it.
    """
    common_dir, *linked = git_dirs
    if main := main_worktree(git, common_dir):
        yield main
    for git_dir in linked:
        with open(f"{git_dir}/gitdir", encoding="utf-8", errors="surrogateescape") as file:
            top = os.path.dirname(os.path.join(git_dir, file.read().rstrip("\n")))
        if not os.path.isdir(top):
            raise MvcError(f"the worktree {top} does not exist, so its pointers cannot be read", _MOVED)
        yield top


def lying_pointers(top: str) -> Iterator[bytes]:
    """Yield the bytes of every pointer below the directory `top`, tracked by Git or not.

    Raises:
        MvcError: a directory or a pointer cannot be read.
    """
    try:
        for folder, folders, files in os.walk(top, onerror=_raise):
            folders[:] = [name for name in folders if name != ".git"]
            for name in files:
                if name.endswith(SUFFIX):
                    yield read_pointer(f"{folder}/{name}")
    except OSError as error:
        raise MvcError(f"{error.filename} cannot be read: {error.strerror}", f"ls -ld {error.filename}") from None


def _raise(error: OSError) -> None:
    raise error


def read_pointer(path: str, limit: int = MAX_BYTES) -> bytes:
    """Return the bytes of a pointer, or of another file of mvc; none for a symlink."""
    if os.path.islink(path):
        return b""
    fd = os.open(path, READ)
    try:
        return read_up_to(fd, limit)
    finally:
        os.close(fd)
