"""What the buckets on fsspec's backends share: a connection, and questions asked of it on fsspec's thread."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import nullcontext, suppress
from importlib.util import find_spec
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

from mvc.errors import MvcError, UsageError
from mvc.store.buckets.bucket import Changed, Item, RemoteError, Transient

B = TypeVar("B")
T = TypeVar("T")
R = TypeVar("R")

AGAIN = "run the command again: it goes on where it stopped"
PATIENCE = 60.0
"""Seconds in which an answer must come."""
CONNECT_PATIENCE = 10.0
SLOWEST = 64 << 10
"""Bytes in a second: what comes slower counts as stalled."""
_LARGE = 1 << 20
_LARGE_AT_ONCE = 4
"""Backends hold what travels more than once, up to `PART` each time."""
_CLOSE_PATIENCE = 0.5
_AT_ONCE = 16


async def _within(patience: float, work: Callable[[B], Awaitable[T]], made: B) -> T:
    task = asyncio.ensure_future(work(made))
    task.add_done_callback(lambda task: task.cancelled() or task.exception())  # nobody waits for it after Ctrl-C
    return await asyncio.wait_for(task, patience)


class Backend(NamedTuple, Generic[B]):
    """How to reach a remote."""

    connect: Callable[[], B]
    """Called in the thread that asks first, and again after the connection was lost."""
    end: Callable[[B], Awaitable[object]]
    translate: Callable[[Exception, str], Exception]
    """Returns what to raise instead of an error, about a key."""
    fragile: bool = False
    """Whether a connection is of no use after a `Transient`."""


class Session(Generic[B]):
    """Asks a backend. All methods may be called from several threads."""

    def __init__(self, url: str, backend: Backend[B], patience: float = PATIENCE) -> None:
        """Use `backend`; nothing is asked yet."""
        self.requests = 0
        self._url = url
        self._backend = backend
        self._patience = patience
        self._lock, self._making = threading.Lock(), threading.Lock()
        self._room = threading.Semaphore(_LARGE_AT_ONCE)
        self._made: B | None = None
        self._running: set[Future[Any]] = set()
        self._closed = False

    def ask(self, work: Callable[[B], Awaitable[T]], key: str = "", size: int = 0) -> T:
        """Return what `work` does with the backend; `size` is how many bytes travel.

        Raises:
            MvcError: whatever goes wrong.

        """
        with self._room if size > _LARGE else nullcontext():
            return self._ask(work, key, size)

    def _ask(self, work: Callable[[B], Awaitable[T]], key: str, size: int) -> T:
        made = self._connected()
        future = self._begin(_within(self._patience + size / SLOWEST, work, made))
        try:
            return future.result()
        except CancelledError:
            raise RemoteError(f"{self._url}: stopped", AGAIN) from None
        except MvcError:
            raise
        except Exception as error:
            raise self._told(error, key, made) from error
        finally:
            future.cancel()
            self._running.discard(future)

    def _begin(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        from fsspec.asyn import get_loop  # noqa: PLC0415 - start-up time

        with self._lock:
            if self._closed:
                work.close()
                raise RemoteError(f"{self._url}: stopped", AGAIN)
            self.requests += 1
            future = asyncio.run_coroutine_threadsafe(work, get_loop())
            self._running.add(future)
            return future

    def _connected(self) -> B:
        with self._making:
            if self._made is None:
                try:
                    self._made = self._backend.connect()
                except MvcError:
                    raise
                except ImportError as error:
                    raise UsageError(f"{self._url}: a package is not complete: {error}", "pip check") from error
                except Exception as error:
                    raise self._backend.translate(error, "") from error
            return self._made

    def _told(self, error: Exception, key: str, made: B) -> Exception:
        told = self._backend.translate(error, key)
        if self._backend.fragile and isinstance(told, Transient):
            with self._making:
                if self._made is made:
                    self._made = None
            self._end(made)
        return told

    def _end(self, made: B) -> None:
        from fsspec.asyn import get_loop  # noqa: PLC0415 - as above

        async def end() -> None:
            with suppress(Exception):  # a connection that is broken cannot be closed
                await self._backend.end(made)

        with suppress(TimeoutError, CancelledError):
            asyncio.run_coroutine_threadsafe(end(), get_loop()).result(_CLOSE_PATIENCE)

    def close(self) -> None:
        """See `Bucket.close`."""
        with self._lock:
            self._closed = True
            running = tuple(self._running)
        for future in running:
            future.cancel()
        made, self._made = self._made, None
        if made is not None:
            self._end(made)


Page: TypeAlias = tuple[list[Item], str]
"""Items, and where to go on; empty at the end."""


class Pages:
    """Items page by page. When a page fails, the next call asks for it again."""

    def __init__(self, page: Callable[[str], Page]) -> None:
        """Call `page` with "" first, then with what it returned beside the items, until that is empty."""
        self._page = page
        self._token: str | None = ""
        self._items: Iterator[Item] = iter(())

    def __iter__(self) -> Iterator[Item]:
        """Return itself."""
        return self

    def __next__(self) -> Item:
        """Return the next item."""
        while (item := next(self._items, None)) is None:
            if self._token is None:
                raise StopIteration
            items, after = self._page(self._token)
            self._items, self._token = iter(items), after or None
        return item


async def each(work: Callable[[T], Awaitable[R]], items: Iterable[T]) -> list[R]:
    """Return the results of `work` for all items in order; some are under way at once. The first error comes out."""
    room = asyncio.Semaphore(_AT_ONCE)

    async def one(item: T) -> R:
        async with room:
            return await work(item)

    tasks = [asyncio.ensure_future(one(item)) for item in items]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()


def need(url: str, package: str, extra: str) -> None:
    """Refuse to go on without `package`, which an extra of ours brings; and have what it logs kept from the terminal.

    Raises:
        UsageError: it is not installed.

    """
    if find_spec(package) is None:
        raise UsageError(f"{url.partition('://')[0]}:// needs the package {package}", f"pip install 'modelvc[{extra}]'")
    for name in (package, "aiobotocore", "asyncio", "asyncssh", "azure", "botocore", "google", "fsspec"):
        if not (logger := logging.getLogger(name)).handlers:
            logger.addHandler(logging.NullHandler())


def checked(url: str, item: Item, data: bytes, size: int) -> bytes:
    """Return `data`, which must have `size` bytes.

    Raises:
        Transient: it has not.

    """
    if len(data) != size:
        raise Transient(f"{url}/{item.key}: the answer has not the length it must have", AGAIN)
    return data


def changed(url: str, key: str) -> Changed:
    """Return the error that says that what lies under `key` is another one now."""
    return Changed(f"{url}/{key} is not what it was a moment ago", "run the command again")


def range_of(fd: int, start: int, end: int) -> bytes:
    """Return the bytes from `start` up to `end` of a file.

    Raises:
        Changed: it is shorter.

    """
    data = os.pread(fd, end - start, start)
    if len(data) != end - start:
        raise Changed("a file became shorter while it was sent", "run the command again")
    return data


def unanswered(url: str, error: Exception) -> RemoteError | None:
    """Turn what happened before a web server answered, or in the midst of it, into ours; None when it is none of that.

    What is answered with an error is no business of this function.
    """
    import aiohttp  # noqa: PLC0415 - the backends have loaded it

    inner = getattr(error, "os_error", error)
    host = getattr(error, "host", "") or url
    if isinstance(error, aiohttp.ClientSSLError):
        return RemoteError(f"{url}: the certificate of {host} is not trusted", "export SSL_CERT_FILE=FILE")
    if isinstance(inner, socket.gaierror):
        return RemoteError(f"{url}: the name of {host} cannot be resolved", "check the network, and the URL")
    if isinstance(inner, ConnectionRefusedError):
        return RemoteError(f"{url}: nobody answers at {host}: connection refused", "check the network, and the URL")
    if isinstance(error, TimeoutError):
        return Transient(f"{url}: no answer in time", AGAIN)
    if isinstance(error, aiohttp.ClientError | ConnectionError | OSError) and not hasattr(error, "status"):
        return Transient(f"{url}: the connection was broken off", AGAIN)
    return None
