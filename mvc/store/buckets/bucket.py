"""What a remote is made of: bytes under keys, in a directory, in S3, or wherever fsspec leads.

A key is a path with `/` between its parts, as `mvc.store.remote.store` forms them; no user's name is in it.
Buckets know nothing of objects and digests. Everything in them is written once, whole or not at all.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol, TypeAlias, TypeVar

from mvc.errors import MvcError
from mvc.fs.copying import Reader, reader_of

T = TypeVar("T")
R = TypeVar("R")

PART = 16 << 20
"""Bytes of one request, where an object is sent or read in several."""


Check: TypeAlias = Callable[[Reader], None]
"""Reads something to its end, and raises when it is not what it should be."""


def read_first(fd: int, check: Check | None) -> None:
    """Let `check` read the file behind `fd` from its start, where sending it does not read it in order."""
    if check is not None:
        os.lseek(fd, 0, os.SEEK_SET)
        check(reader_of(fd))


class RemoteError(MvcError):
    """The remote said no, or nothing; the message says which, the fix what to type."""


class Transient(RemoteError):
    """What may go away by itself: an overloaded server, a reset connection, a timeout. Worth another try."""


class SlowDown(Transient):
    """The remote asks to be asked less at once."""


class Changed(RemoteError):
    """What lies under a key is not what was there a moment ago."""


class Item(NamedTuple):
    """What lies under a key."""

    key: str
    size: int
    etag: str = ""
    """Tells versions under one key apart; never a digest. Empty where there is none."""
    modified: float = 0
    """When it was written, in seconds since the epoch by the remote's clock."""


class Run(Protocol):
    """Calls a function for each of several items, some at once, within one budget of bytes for all."""

    def __call__(self, function: Callable[[T], R], items: Sequence[T], size: int) -> list[R]:
        """Return the results in order; `size` is what one call holds in memory, in bytes.

        The first exception ends the rest and comes out.
        """
        ...


class Bucket(Protocol):
    """Bytes under keys. All methods may be called from several threads.

    Each raises `Transient` for what may go away, `RemoteError` for what will not.
    """

    url: str
    """Where it is, for messages; never with a secret in it."""

    @property
    def requests(self) -> int:
        """How many requests were sent so far, tries that failed included; 0 where there are none, as in a directory."""
        ...

    def head(self, key: str) -> Item | None:
        """Return what lies under `key` now; None when nothing does."""
        ...

    def list(self, prefix: str) -> Iterator[Item]:
        """Yield everything whose key begins with `prefix`, in no order, asked anew each time.

        After `Transient` the same iterator may be asked again and goes on, unless it is a generator.
        """
        ...

    def read(self, item: Item, start: int, end: int) -> bytes:
        """Return the bytes from `start` up to `end`, exactly so many, of what `item` was when it was found.

        Raises:
            Changed: it is another one now.
            Transient: the answer has not the length it must have.
            MissingObject: it is gone.

        """
        ...

    def open_local(self, item: Item) -> int | None:
        """Return a descriptor of the file behind `item`, where it is one of this machine; the caller closes it.

        The kernel copies it quicker than it can be read. None where there is no such file.
        """
        ...

    def write(self, key: str, data: bytes, *, new: bool = False) -> bool:
        """Put `data` under `key`, durably; with `new`, only where nothing is: whether it was written."""
        ...

    def upload(self, key: str, fd: int, size: int, run: Run, check: Check | None = None) -> None:
        """Put the first `size` bytes of the file behind `fd` under `key`, durably, whole or not at all.

        `check` reads all of it, in order, before anybody sees it under `key`; what it raises comes out.

        Up to `PART` bytes are one request, made at once. More are several, and all of those go through `run`.
        """
        ...

    def delete(self, keys: Iterable[str]) -> None:
        """Remove what lies under `keys`; nothing there is no error."""
        ...

    def sweep(self, before: float) -> int:
        """Remove uploads that were begun before `before` (seconds since the epoch) and never finished; how many."""
        ...

    def close(self) -> None:
        """End what is under way, in any thread, with `RemoteError`; nothing is asked after that."""
        ...
