"""Reading workspace files: to know their digests, or to store them as well."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

from mvc.fsutil import READ, UnsafePath, check_unchanged, open_regular, read_up_to
from mvc.objects.digest import Digest
from mvc.objects.hashing import hash_bytes, hash_stream
from mvc.store.writer import LOOSE_AT, CacheWriter, ReadFile, Source
from mvc.tree import Tree
from mvc.workspace.progress import Progress

Large = Callable[[Source], ReadFile]
Small = Callable[[bytes], Digest]


class Reader(NamedTuple):
    """What happens to the bytes of a file: `small` gets all of them, `large` an open file.

    `jobs` large files are read at once.
    """

    small: Small
    large: Large
    progress: Progress
    jobs: int = 1
    likely: frozenset[int] = frozenset()
    """Sizes of content known before: such a file may be one that was only touched."""


def hashing(progress: Progress) -> Reader:
    """Return a reader that only hashes."""
    return Reader(hash_bytes, _hash_large, progress)


def storing(writer: CacheWriter, progress: Progress, jobs: int, likely: Iterable[int]) -> Reader:
    """Return a reader that stores into the cache."""
    return Reader(writer.put_bytes, writer.put_file, progress, jobs, frozenset(likely))


def _hash_large(source: Source) -> ReadFile:
    digest = hash_stream(source.fd, source.status.st_size)
    check_unchanged(source.fd, source.status, source.path)
    return ReadFile(digest, source.status)


def read_files(tree: Tree, paths: Sequence[str], reader: Reader, *, follow: bool = False) -> list[ReadFile]:
    """Read the files at `paths` and return what each held, in order.

    `follow` reads what a symlink points at.

    Raises:
        SourceChanged: a file changed while it was read.
        UnsafePath: one is no regular file.
        OSError: one cannot be read.

    """
    results: list[ReadFile | None] = [None] * len(paths)
    with _Pool(reader.jobs) as pool:
        for position, path in enumerate(paths):
            dir_fd, name = tree.parent(path)
            fd = _open_following(name, dir_fd, path) if follow else open_regular(name, dir_fd, path)
            status = os.fstat(fd)
            if status.st_size < LOOSE_AT:
                results[position] = _read_small(fd, status, path, reader)
                continue
            source = Source(fd, status, dir_fd, name, path, status.st_size in reader.likely)
            pool.submit(position, source, reader, results)
    return [result for result in results if result is not None]


def _open_following(name: str, dir_fd: int, path: str) -> int:
    target = os.path.realpath(f"/proc/self/fd/{dir_fd}/{name}")
    if not os.path.isfile(target):
        raise UnsafePath(f"{path} points at {target}, which is no file")
    return os.open(target, READ)


def _read_small(fd: int, status: os.stat_result, path: str, reader: Reader) -> ReadFile:
    try:
        data = read_up_to(fd, LOOSE_AT + 1)
        check_unchanged(fd, status, path)
    finally:
        os.close(fd)
    reader.progress.advance(len(data))
    return ReadFile(reader.small(data), status)


class _Pool:
    """Large files, a few at a time. With one job they are read at once, in this thread."""

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs
        self._executor: ThreadPoolExecutor | None = None
        self._running: deque[Future[None]] = deque()

    def __enter__(self) -> _Pool:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._executor is not None:
            self._executor.shutdown(wait=True, cancel_futures=kind is not None)
        while self._running and kind is None:
            self._running.popleft().result()

    def submit(self, position: int, source: Source, reader: Reader, results: list[ReadFile | None]) -> None:
        """Read a file and put the result at `position`; blocks while `jobs` files are being read."""
        if self._jobs <= 1:
            _read_large(position, source, reader, results)
            return
        # The tree may close the directory meanwhile: a worker gets a descriptor of its own.
        source = source._replace(dir_fd=os.dup(source.dir_fd))
        self._executor = self._executor or ThreadPoolExecutor(self._jobs, "mvc-read")
        self._running.append(self._executor.submit(_read_large_and_close, position, source, reader, results))
        if len(self._running) > self._jobs:
            self._running.popleft().result()


def _read_large(position: int, source: Source, reader: Reader, results: list[ReadFile | None]) -> None:
    try:
        results[position] = reader.large(source)
    finally:
        os.close(source.fd)
    reader.progress.advance(source.status.st_size)


def _read_large_and_close(position: int, source: Source, reader: Reader, results: list[ReadFile | None]) -> None:
    try:
        _read_large(position, source, reader, results)
    finally:
        os.close(source.dir_fd)
