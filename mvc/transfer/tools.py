"""Shared by sending and receiving: the tools of a transfer, its result, and moving large objects."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple, TypeVar

from mvc.errors import MvcError
from mvc.fs.files import as_error
from mvc.fs.progress import Progress, Share
from mvc.objects.digest import Digest
from mvc.store.buckets.bucket import PART
from mvc.store.cache.cache import Cache
from mvc.store.remote.store import RemoteStore
from mvc.transfer.pool import Pool

T = TypeVar("T")


class Tools(NamedTuple):
    """The cache, the remote and the helpers of a transfer."""

    cache: Cache
    remote: RemoteStore
    pool: Pool
    progress: Progress
    folder: str
    """A local directory for temporary files; it exists."""


@contextmanager
def expected(tools: Tools, size: int) -> Iterator[Tools]:
    """Expect `size` bytes of progress; at the end all of them count as done."""
    tools.progress.expect(size)
    with Share(tools.progress, size) as share:
        yield tools._replace(progress=share)


class Lost(NamedTuple):
    """An object that did not arrive."""

    name: str
    error: MvcError


class Moved(NamedTuple):
    """The result of a transfer: objects moved, their bytes, and failures."""

    objects: int = 0
    bytes: int = 0
    failed: tuple[Lost, ...] = ()
    alone: tuple[Digest, ...] = ()
    """Those that a push sent under their own key."""

    def then(self, other: Moved, tried: Container[str] = ()) -> Moved:
        """Return both results combined; `other` was a second try for the names `tried`."""
        failed = tuple(item for item in self.failed if item.name not in tried)
        alone = self.alone + other.alone
        return Moved(self.objects + other.objects, self.bytes + other.bytes, failed + other.failed, alone)


def move_loose(
    pool: Pool, move: Callable[[T], Lost | None], objects: Sequence[T], size: Callable[[T], int],
) -> list[Lost]:
    """Move objects of up to `PART` bytes several at a time, then larger ones one after the other, each in parts."""
    medium = [item for item in objects if size(item) <= PART]
    done = pool(move, medium, max(map(size, medium), default=0))
    return [lost for lost in (*done, *(move(item) for item in objects if size(item) > PART)) if lost]


def attempt(name: str, move: Callable[[], None]) -> Lost | None:
    """Move an object; return it with the error when that fails."""
    try:
        move()
    except MvcError as error:
        return Lost(name, error)
    except OSError as error:
        return Lost(name, as_error(error, f"object {name}"))
    return None
