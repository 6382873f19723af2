"""Reading workspace files, to hash or to store them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import NamedTuple

from mvc.fs.files import UnsafePath, affordable, check_unchanged, open_regular, read_exactly, source_changed, vanished
from mvc.fs.progress import Progress, Share
from mvc.fs.tree import Tree
from mvc.fs.workers import Workers
from mvc.objects.digest import Digest
from mvc.objects.hashing import CORES, hash_bytes, hash_stream
from mvc.store.cache.source_file import ReadFile, SourceFile
from mvc.store.cache.writer import LOOSE_AT, CacheWriter

Large = Callable[[SourceFile], ReadFile]
Small = Callable[[bytes], Digest]
Check = Callable[[str, bytes], object]


class FileReader(NamedTuple):
    """Processes files: `small` gets the bytes of one, `large` an open file."""

    small: Small
    large: Large
    progress: Progress
    jobs: int = 1
    """Large files read concurrently."""
    likely: frozenset[int] = frozenset()
    """Sizes of known content: a file of that size may be unchanged."""
    check: Check | None = None
    """Called with path and bytes of a small file, before it is processed; may raise to refuse it."""


def hashing(progress: Progress) -> FileReader:
    """Return a reader that only hashes."""
    return FileReader(hash_bytes, _hash_large, progress, affordable(CORES))


def storing(
    writer: CacheWriter, progress: Progress, jobs: int, likely: Iterable[int], check: Check | None = None,
) -> FileReader:
    """Return a reader that stores in the cache."""
    return FileReader(writer.put_bytes, writer.put_file, progress, affordable(jobs), frozenset(likely), check)


def _hash_large(source: SourceFile) -> ReadFile:
    digest = hash_stream(source.fd, source.status.st_size, source.progress)
    check_unchanged(source.fd, source.status, source.path)
    return ReadFile(digest, source.status)


def read_files(
    tree: Tree, paths: Iterable[str], reader: FileReader, *, follow: bool = False,
) -> Iterator[tuple[int, ReadFile]]:
    """Read the files at `paths`; yield position and content of each as it is done.

    `follow` reads the target of a symlink.

    Raises:
        SourceChanged: a file changed while it was read.
        UnsafePath: one is not a regular file.
        OSError: one cannot be read.
    """
    with Workers[tuple[int, ReadFile]](reader.jobs, reader.progress) as workers:
        for position, path in enumerate(paths):
            try:
                dir_fd, name = tree.parent(path)
                fd, status = _open_following(name, dir_fd, path) if follow else open_regular(name, dir_fd, path)
            except FileNotFoundError:
                raise vanished(path) from None
            if status.st_size < LOOSE_AT:
                yield position, _read_small(fd, status, path, reader)
            else:
                source = SourceFile(
                    fd, status, os.dup(dir_fd), name, path, status.st_size in reader.likely, workers.progress,
                )  # the tree may close the directory meanwhile
                yield from workers.do(partial(_read_large, position, reader, source))
        yield from workers.rest()


def _open_following(name: str, dir_fd: int, path: str) -> tuple[int, os.stat_result]:
    target = os.path.realpath(f"/proc/self/fd/{dir_fd}/{name}")
    if not os.path.isfile(target):
        raise UnsafePath(f"{path} points at {target}, which is not a file")
    return open_regular(target, None, path)


def _read_small(fd: int, status: os.stat_result, path: str, reader: FileReader) -> ReadFile:
    try:
        data = read_exactly(fd, status.st_size)
        if data is None:
            raise source_changed(path)
        check_unchanged(fd, status, path)
    finally:
        os.close(fd)
    if reader.check is not None:
        reader.check(path, data)
    reader.progress.advance(len(data))
    return ReadFile(reader.small(data), status)


def _read_large(position: int, reader: FileReader, source: SourceFile) -> tuple[int, ReadFile]:
    try:
        with Share(source.progress, source.status.st_size) as share:
            return position, reader.large(source._replace(progress=share))
    finally:
        os.close(source.fd)
        os.close(source.dir_fd)
