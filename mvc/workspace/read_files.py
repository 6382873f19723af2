"""Reading workspace files, to hash or to store them."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from mvc.fs.files import UnsafePath, affordable, check_unchanged, open_regular, read_exactly, source_changed, vanished
from mvc.fs.progress import Progress, Share, Stoppable
from mvc.fs.tree import Tree
from mvc.objects.digest import Digest
from mvc.objects.hashing import hash_bytes, hash_stream
from mvc.store.cache.source_file import ReadFile, SourceFile
from mvc.store.cache.writer import LOOSE_AT, CacheWriter

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

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
    return FileReader(hash_bytes, _hash_large, progress)


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
    with _Pool(reader, progress := Stoppable(reader.progress)) as pool:
        for position, path in enumerate(paths):
            try:
                dir_fd, name = tree.parent(path)
                fd, status = _open_following(name, dir_fd, path) if follow else open_regular(name, dir_fd, path)
            except FileNotFoundError:
                raise vanished(path) from None
            if status.st_size < LOOSE_AT:
                yield position, _read_small(fd, status, path, reader)
            else:
                source = SourceFile(fd, status, dir_fd, name, path, status.st_size in reader.likely, progress)
                yield from pool.read(position, source)
        yield from pool.rest()


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


def _read_large(reader: FileReader, source: SourceFile) -> ReadFile:
    try:
        with Share(source.progress, source.status.st_size) as share:
            return reader.large(source._replace(progress=share))
    finally:
        os.close(source.fd)


def _read_large_and_close(reader: FileReader, source: SourceFile) -> ReadFile:
    try:
        return _read_large(reader, source)
    finally:
        os.close(source.dir_fd)


class _Pool:
    """Reads large files, a few at a time; with one job, in this thread."""

    def __init__(self, reader: FileReader, progress: Stoppable) -> None:
        self._reader = reader
        self._progress = progress
        self._executor: ThreadPoolExecutor | None = None
        self._running: deque[tuple[int, Future[ReadFile]]] = deque()

    def __enter__(self) -> _Pool:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._progress.stop()
        if self._executor is not None:
            self._executor.shutdown(wait=True)

    def read(self, position: int, source: SourceFile) -> Iterator[tuple[int, ReadFile]]:
        """Start to read a file; yield the oldest result if more than `jobs` are being read."""
        if self._reader.jobs <= 1:
            yield position, _read_large(self._reader, source)
            return
        # The tree may close the directory: a worker gets a descriptor of its own.
        source = source._replace(dir_fd=os.dup(source.dir_fd))
        self._running.append((position, self._threads().submit(_read_large_and_close, self._reader, source)))
        if len(self._running) > self._reader.jobs:
            yield self._oldest()

    def rest(self) -> Iterator[tuple[int, ReadFile]]:
        """Yield the remaining results."""
        while self._running:
            yield self._oldest()

    def _threads(self) -> ThreadPoolExecutor:
        from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - only large files need threads

        self._executor = self._executor or ThreadPoolExecutor(self._reader.jobs, "mvc-read")
        return self._executor

    def _oldest(self) -> tuple[int, ReadFile]:
        position, future = self._running.popleft()
        return position, future.result()
