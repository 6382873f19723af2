"""Shared by the buckets on servers: a connection, and requests on the event loop's thread."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import nullcontext, suppress
from email.utils import parsedate_to_datetime
from ssl import SSLCertVerificationError
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeAlias, TypeVar

from mvc.errors import MvcError, UsageError
from mvc.fs.progress import SILENT, Progress
from mvc.objects.parsing.digits import whole_number
from mvc.store.buckets.bucket import Changed, Item, RemoteError, Transient
from mvc.store.buckets.environment import PROXIES, TRUST, both_cases, check_environment
from mvc.store.buckets.event_loop import event_loop

if TYPE_CHECKING:
    from aiohttp import ClientSession

C = TypeVar("C")
T = TypeVar("T")
R = TypeVar("R")

AGAIN = "run the command again: it goes on where it stopped"
PATIENCE = 60.0
"""Seconds without an answer after which a request fails."""
CONNECT_PATIENCE = 10.0
SLOWEST = 64 << 10
"""Bytes per second below which a transfer counts as stalled."""
_LARGE = 1 << 20
_LARGE_AT_ONCE = 4
"""SDKs hold several copies of what they transfer, each up to `PART` bytes."""
_CLOSE_PATIENCE = 0.5
_LOOK = 0.2
"""Seconds between two looks at how much was moved."""
_AT_ONCE = 16


class Backend(NamedTuple, Generic[C]):
    """How to reach a remote; `C` is a connection to it."""

    connect: Callable[[], Awaitable[C]]
    """Called for the first request, and again after the connection was lost."""
    end: Callable[[C], Awaitable[object]]
    translate: Callable[[Exception, str], Exception]
    """Translates an error about a key."""
    fragile: bool = False
    """Whether `Transient` ends the connection."""


class Session(Generic[C]):
    """Sends requests. All methods may be called from several threads."""

    def __init__(self, url: str, backend: Backend[C], patience: float = PATIENCE) -> None:
        self.requests = 0
        self._url = url
        self._backend = backend
        self._patience = patience
        self._lock, self._connecting = threading.Lock(), threading.Lock()
        self._room = threading.Semaphore(_LARGE_AT_ONCE)
        self._connection: C | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        """The loop of the connection: after a fork, the child has another."""
        self._running: set[Future[Any]] = set()
        self._tasks: set[asyncio.Future[Any]] = set()
        """The tasks on the loop; used there only."""
        self._closed = False

    def ask(
        self, work: Callable[[C], Awaitable[T]], key: str = "", size: int = 0, *,
        patience: float = 0, moved: Callable[[], int] = int, progress: Progress = SILENT,
    ) -> T:
        """Return the result of `work` on the connection.

        It may take `patience` seconds, and the time to transfer `size` bytes; longer while `moved` grows, of which
        `progress` is told.

        Raises:
            MvcError: the request failed.
        """
        limit = (patience or self._patience) + size / SLOWEST
        with self._room if size > _LARGE else nullcontext():
            connection = self._connected()
            with self._lock:
                self.requests += 1
            try:
                return self._run(self._within(limit, lambda: work(connection), moved, progress))
            except MvcError:
                raise
            except Exception as error:
                raise self._translated(error, key, connection) from error

    def _connected(self) -> C:
        with self._connecting:
            if (connection := self._connection) is None or self._loop is not event_loop():
                self._loop = event_loop()
                try:
                    connection = self._run(self._within(PATIENCE, self._connect))
                except MvcError:
                    raise
                except ImportError as error:
                    raise UsageError(f"{self._url}: a package is incomplete: {error}", "pip check") from error
                except Exception as error:
                    raise self._backend.translate(error, "") from error
            return connection

    async def _connect(self) -> C:
        self._connection = await self._backend.connect()
        return self._connection

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        with self._lock:
            if self._closed:
                work.close()
                raise RemoteError(f"{self._url}: stopped", AGAIN)
            future = asyncio.run_coroutine_threadsafe(work, event_loop())
            self._running.add(future)
        try:
            return future.result()
        except CancelledError:
            raise RemoteError(f"{self._url}: stopped", AGAIN) from None
        finally:
            future.cancel()
            self._running.discard(future)

    async def _within(
        self, patience: float, work: Callable[[], Awaitable[T]], moved: Callable[[], int] = int,
        progress: Progress = SILENT,
    ) -> T:
        """Return the result of `work`, unless `moved` does not grow for `patience` seconds."""
        task, seen, idle = asyncio.ensure_future(work()), 0, 0.0
        self._tasks.add(task)
        task.add_done_callback(self._over)
        look = min(patience, _LOOK)
        try:
            while not (await asyncio.wait({task}, timeout=look))[0]:
                if (now := moved()) != seen:
                    progress.advance(max(0, now - seen))
                    seen, idle = now, 0
                elif (idle := idle + look) >= patience:
                    raise TimeoutError
            result = task.result()
            progress.advance(max(0, moved() - seen))
            return result
        finally:
            task.cancel()

    def _over(self, task: asyncio.Future[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # after Ctrl-C no other code retrieves it

    def _translated(self, error: Exception, key: str, connection: C) -> Exception:
        translated = self._backend.translate(error, key)
        if self._backend.fragile and isinstance(translated, Transient):
            with self._connecting:
                if self._connection is connection:
                    self._connection = None
            _finish(self._end(connection))
        return translated

    async def _end(self, connection: C) -> None:
        with suppress(Exception):  # a broken connection cannot be closed
            await self._backend.end(connection)

    def close(self) -> None:
        """End all requests with `RemoteError`, then the connection."""
        with self._lock:
            self._closed = True
            running = tuple(self._running)
        for future in running:
            future.cancel()
        if self._loop is not None and self._loop is event_loop():
            _finish(self._end_all())

    async def _end_all(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        if self._connection is not None:
            connection, self._connection = self._connection, None
            await self._end(connection)


def _finish(work: Coroutine[Any, Any, None]) -> None:
    with suppress(TimeoutError, CancelledError):
        asyncio.run_coroutine_threadsafe(work, event_loop()).result(_CLOSE_PATIENCE)


Page: TypeAlias = tuple[list[Item], str]
"""Items, and the token of the next page; empty on the last page."""


class Pages:
    """Items of a paged listing. After an error, the next call requests the same page again."""

    def __init__(self, page: Callable[[str], Page]) -> None:
        """Call `page` with "" first, then with the token of each page."""
        self._page = page
        self._token: str | None = ""
        self._items: Iterator[Item] = iter(())

    def __iter__(self) -> Iterator[Item]:
        return self

    def __next__(self) -> Item:
        while (item := next(self._items, None)) is None:
            if self._token is None:
                raise StopIteration
            items, after = self._page(self._token)
            self._items, self._token = iter(items), after or None
        return item


async def each(work: Callable[[T], Awaitable[R]], items: Iterable[T]) -> list[R]:
    """Return the results of `work` for all items in order, run concurrently. Raises the first error."""
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


def checked(url: str, item: Item, data: bytes, size: int) -> bytes:
    """Return `data`, which must have `size` bytes.

    Raises:
        Transient: it has another size.
    """
    if len(data) != size:
        raise wrong_length(url, item.key)
    return data


def parsed(url: str, read: Callable[[], T]) -> T:
    """Return what `read` finds in an answer.

    Raises:
        Transient: it fails, because the answer is not what the server's documentation promises.
    """
    try:
        return read()
    except (ArithmeticError, AttributeError, LookupError, RecursionError, RuntimeError, TypeError, ValueError):
        raise unparsable(url) from None


def unparsable(url: str) -> Transient:
    """Return the error for an answer with invalid numbers or times, or without them."""
    return Transient(f"{url}: the answer cannot be parsed", AGAIN)


def size_in(value: object) -> int:
    """Return a size in bytes, which an answer has as a number or in digits.

    Raises:
        ValueError: it is not a size.
    """
    size = whole_number(str(value)) if isinstance(value, int | str) else None
    if size is None:
        raise ValueError("not a size")
    return size


def http_time(text: str) -> float:
    """Return the time in a header, in seconds since the epoch; 0 for anything else."""
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ArithmeticError, OSError, TypeError, ValueError):
        return 0


def wrong_length(url: str, key: str) -> Transient:
    """Return the error for a response of another length than requested."""
    return Transient(f"{url}/{key}: the response has the wrong length", AGAIN)


def not_whole(url: str, key: str) -> Transient:
    """Return the error for an upload that arrived with another length than sent."""
    return Transient(f"{url}/{key}: the upload arrived with the wrong length", AGAIN)


def changed(url: str, key: str) -> Changed:
    """Return the error for an object that was replaced during a read."""
    return Changed(f"{url}/{key} changed while it was read", "run the command again")


def range_of(fd: int, start: int, end: int) -> bytes:
    """Return the bytes from `start` up to `end` of a file.

    Raises:
        Changed: the file is shorter.
    """
    data = os.pread(fd, end - start, start)
    if len(data) != end - start:
        raise Changed("a file was truncated while it was sent", "run the command again")
    return data


def text_of(error: Exception) -> str:
    """Return the message of an error in one line, cut to 200 characters."""
    return (" ".join(str(error).split()) or type(error).__name__)[:200]


async def http_session(patience: float) -> ClientSession:
    """Return a session with the environment's proxies and ~/.netrc.

    Raises:
        RemoteError: a variable for these cannot be meant.
    """
    from aiohttp import ClientSession, ClientTimeout  # noqa: PLC0415 - start-up time

    check_environment([*both_cases(PROXIES), *TRUST, "NETRC"])
    limits = ClientTimeout(total=None, sock_connect=min(CONNECT_PATIENCE, patience), sock_read=patience)
    return ClientSession(timeout=limits, trust_env=True)


def untrusted(url: str, error: BaseException | None) -> RemoteError | None:
    """Translate an error that comes from a certificate which nobody vouches for; None for any other."""
    while error is not None:
        certificate = getattr(error, "certificate_error", error)
        if isinstance(certificate, SSLCertVerificationError):
            return RemoteError(f"{url}: the server's certificate is not trusted", "export SSL_CERT_FILE=FILE")
        error = error.__cause__ or getattr(error, "inner_exception", None) or error.__context__
    return None


def unreachable(url: str, host: str, error: BaseException) -> RemoteError | None:
    """Translate an error of connecting to a host; None for any other error."""
    if isinstance(error, socket.gaierror):
        return RemoteError(f"{url}: the name of {host} cannot be resolved", "check the network, and the URL")
    if isinstance(error, ConnectionRefusedError):
        return RemoteError(f"{url}: {host} does not answer: connection refused", "check the network, and the URL")
    return None


def unanswered(url: str, error: Exception) -> RemoteError | None:
    """Translate an error of a connection to a web server; None for any other error."""
    import aiohttp  # noqa: PLC0415 - the buckets have loaded it

    inner = getattr(error, "os_error", error)
    host = getattr(error, "host", "") or url
    if known := untrusted(url, error):
        return known
    if isinstance(error, aiohttp.ClientSSLError):
        return RemoteError(f"{url}: {host} does not speak TLS", "check the network, and the URL")
    if known := unreachable(url, host, inner):
        return known
    if isinstance(error, TimeoutError):
        return Transient(f"{url}: no answer in time", AGAIN)
    if isinstance(error, aiohttp.ClientError | ConnectionError | OSError) and not hasattr(error, "status"):
        return Transient(f"{url}: the connection was lost", AGAIN)
    return None
