"""The interface of a remote's storage: content under keys, in a directory or on a server.

A key is a path with `/` between its parts, as `mvc.store.remote.store` makes them; it contains no user's name.
Buckets know nothing of objects and digests. Content is written once, completely or not at all.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol, TypeAlias, TypeVar

from mvc.errors import MvcError
from mvc.fs.copying import Reader, counted, reader_of
from mvc.fs.progress import SILENT, Progress

T = TypeVar("T")
R = TypeVar("R")

PART = 16 << 20
"""Bytes of one request of a multipart transfer."""


Check: TypeAlias = Callable[[Reader], None]
"""Reads content to its end, and raises if it does not match."""


def read_first(fd: int, check: Check | None, progress: Progress) -> None:
    """Let `check` read a file from its start, where sending does not read it in order; `progress` did not expect it."""
    if check is not None:
        progress.expect(os.fstat(fd).st_size)
        os.lseek(fd, 0, os.SEEK_SET)
        check(counted(reader_of(fd), progress))


class RemoteError(MvcError):
    """The remote refused, or did not answer."""


class Transient(RemoteError):
    """A failure that may pass: an overloaded server, a reset connection, a timeout. It is worth a retry."""


class SlowDown(Transient):
    """The remote asks for fewer requests at once."""


class Changed(RemoteError):
    """The content of a key was replaced during the operation."""


class Item(NamedTuple):
    """What is stored under a key."""

    key: str
    size: int
    etag: str = ""
    """Identifies the version of a key's content; never a digest. Empty without versions."""
    modified: float = 0
    """Time of the write, in seconds since the epoch by the remote's clock."""


class RunAll(Protocol):
    """Calls a function for several items, some at once, with one memory limit for all."""

    def __call__(self, function: Callable[[T], R], items: Sequence[T], size: int) -> list[R]:
        """Return the results in order; `size` is the memory of one call, in bytes.

        Raises the first exception, and skips the rest.
        """
        ...


class Bucket(Protocol):
    """Content under keys. All methods may be called from several threads.

    Each raises `Transient` for failures that may pass, `RemoteError` for others.
    """

    url: str
    """For messages; never contains a secret."""

    @property
    def requests(self) -> int:
        """The number of requests sent, including failed ones; 0 for a directory."""
        ...

    def head(self, key: str) -> Item | None:
        """Return the item stored under `key` now; None if there is no item."""
        ...

    def list(self, prefix: str) -> Iterator[Item]:
        """Yield all items whose key begins with `prefix`, unordered, never from a cache.

        After `Transient` the same iterator can continue, unless it is a generator.
        """
        ...

    def read(self, item: Item, start: int, end: int, progress: Progress = SILENT) -> bytes:
        """Return the bytes from `start` up to `end`, exactly, of the version in `item`; `progress` expects them.

        Raises:
            Changed: the content was replaced.
            Transient: the answer has another length.
            MissingObject: the content was deleted.
        """
        ...

    def open_local(self, item: Item) -> int | None:
        """Return a descriptor of the file of `item`, if it is local; the caller closes it.

        The kernel copies it faster than `read`.
        """
        ...

    def write(self, key: str, data: bytes, *, new: bool = False) -> bool:
        """Store `data` under `key`, durably; with `new`, only if `key` is free. Return whether it was written."""
        ...

    def upload(
        self, key: str, fd: int, size: int, run: RunAll, check: Check | None = None, progress: Progress = SILENT,
    ) -> None:
        """Store the first `size` bytes of a file under `key`, durably, completely or not at all.

        `check` reads all of it, in order, before it is visible under `key`; its exceptions propagate. `progress`
        expects `size` bytes; more are announced to it where `check` reads before anything is sent.

        Up to `PART` bytes are one request, sent at once. More are several requests, all through `run`.
        """
        ...

    def delete(self, keys: Iterable[str]) -> None:
        """Delete `keys`; missing ones are ignored."""
        ...

    def sweep(self, before: float) -> int:
        """Delete unfinished uploads begun before `before` (seconds since the epoch); return their number."""
        ...

    def close(self) -> None:
        """End all requests, of all threads, with `RemoteError`; refuse further ones."""
        ...
