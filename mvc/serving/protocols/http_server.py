"""A server for HTTP by uvicorn, which is imported only here: requests arrive, and answers are read, in time."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

from uvicorn import Config, Server
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from mvc.serving.protocols.address import most_connections
from mvc.serving.work import Limits

_MOST_HEAD = 64 << 10
"""Bytes of a request's head."""


class Memory:
    """Bytes of requests, and of answers that were not read yet."""

    bytes = 0


class HttpServer:
    """The server for HTTP."""

    def __init__(self, app: Any, limits: Limits, memory: Memory) -> None:
        self.memory = memory
        self._server = _Server(_Config(app, limits, memory))

    async def serve(self, listener: socket.socket) -> None:
        """Answer requests until `stop`."""
        await self._server.serve([listener])

    async def listening(self) -> None:
        """Wait until it takes connections."""
        await self._server.listening.wait()

    def stop(self, *, now: bool = False) -> None:
        """Take no more connections, and end when all are answered, or `now`."""
        self._server.should_exit = True
        self._server.force_exit = now


class _Config(Config):
    """What a connection is given: the options of uvicorn, and the limits of this server."""

    def __init__(self, app: Any, limits: Limits, memory: Memory) -> None:
        super().__init__(
            app, http=_Protocol, ws="none", lifespan="off", log_config=None,
            log_level="error",  # its warnings are lines on stderr that a client can make
            access_log=False, server_header=False, timeout_keep_alive=65,
            timeout_graceful_shutdown=max(1, int(limits.drain)),
        )
        self.seconds, self.most, self.memory = limits.arrival, most_connections(), memory


class _Server(Server):
    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:  # the process has other servers to stop
        yield


class _Protocol(HttpToolsProtocol):
    """A connection on which a request must arrive, and an answer be read, in time; a head has a limit."""

    def __init__(self, config: _Config, *args: Any, **options: Any) -> None:
        super().__init__(config, *args, **options)
        self._seconds, self._most, self._memory = config.seconds, config.most, config.memory
        self._late: asyncio.TimerHandle | None = None
        """Until a request is here: from its first byte, or the begin of the connection."""
        self._unread: asyncio.TimerHandle | None = None
        """Until an answer is read that does not fit into the buffers of sockets, or is the last."""
        self._head = self._kept = 0
        """Bytes of the head, and of an answer in memory."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._expect()
        if len(self.connections) > self._most:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE)

    def connection_lost(self, exc: Exception | None) -> None:
        self._expect_no_more()
        self._release()
        if self._unread is not None:
            self._unread.cancel()
        super().connection_lost(exc)

    # A request.

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._late is None and self._is_forgotten():
            self._expect()

    def _is_forgotten(self) -> bool:
        """Return whether no timer runs: bytes before a request end the one of an idle connection."""
        is_idle = self.cycle is None or self.cycle.response_complete
        return is_idle and self.timeout_keep_alive_task is None and not self.transport.is_closing()

    def on_message_begin(self) -> None:
        self._head = 0
        super().on_message_begin()
        if self._late is None:
            self._expect()

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value))
        super().on_header(name, value)

    def on_message_complete(self) -> None:
        self._expect_no_more()
        super().on_message_complete()

    def _count(self, size: int) -> None:
        self._head += size
        if self._head > _MOST_HEAD:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
            raise ValueError("the head is too large")

    def _expect(self) -> None:
        self._late = self.loop.call_later(self._seconds, self._too_late)

    def _expect_no_more(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _too_late(self) -> None:
        self._late = None
        cycle = self.cycle
        is_running = cycle is not None and not cycle.response_complete and not cycle.more_body
        if is_running or self.flow.read_paused:
            self._expect()  # the request before it is not answered yet
        elif cycle is not None and cycle.more_body and cycle.response_started:
            self._close()
        else:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)

    def _refuse(self, status: HTTPStatus) -> None:
        body = f'{{"error":"{status.phrase}"}}'
        head = f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: application/json\r\n"
        line = f"{head}content-length: {len(body)}\r\nconnection: close\r\n\r\n{body}"
        if not self.transport.is_closing():
            self.transport.write(line.encode())
            self._close()

    # An answer.

    def pause_writing(self) -> None:
        super().pause_writing()
        self._kept = self.transport.get_write_buffer_size()
        self._memory.bytes += self._kept
        self._expect_reading()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._release()
        if self._unread is not None and not self.transport.is_closing():
            self._unread.cancel()
            self._unread = None

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing():
            self._expect_reading()

    def send_400_response(self, msg: str) -> None:
        super().send_400_response(msg)
        self._expect_reading()

    def timeout_keep_alive_handler(self) -> None:
        self._close()

    def _close(self) -> None:
        """Close as soon as the last answer is read."""
        self.transport.close()
        self._expect_reading()

    def _expect_reading(self) -> None:
        if self._unread is None:
            self._unread = self.loop.call_later(self._seconds, self.transport.abort)

    def _release(self) -> None:
        self._memory.bytes -= self._kept
        self._kept = 0
