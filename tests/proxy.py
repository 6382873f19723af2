"""A proxy on loopback that spoils answers: it stands between mvc and a real S3 server.

`Proxy.rule` looks at each request and returns the `Fault` to make of it, or None to pass it on.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any, Literal, NamedTuple


class Request(NamedTuple):
    """What a client asks."""

    method: str
    path: str
    """With the query."""
    headers: dict[str, str]
    body: bytes = b""

    @property
    def is_range(self) -> bool:
        """Whether it reads bytes of an object."""
        return self.method == "GET" and "range" in self.headers


class Answer(NamedTuple):
    """What the client is told, and how it ends."""

    status: int
    headers: dict[str, str]
    body: bytes = b""
    ending: Literal["", "reset", "stall", "endless"] = ""

    def with_body(self, body: bytes, length: int | None = None) -> Answer:
        """Return the answer with another body, and the length that is announced for it."""
        size = str(len(body) if length is None else length)
        return self._replace(body=body, headers={**self.headers, "content-length": size})


class Fault(NamedTuple):
    """What to spoil: the request's body on its way, the answer, or all of it."""

    instead: Answer | None = None
    """Said at once; the server is not asked."""
    unread: bool = False
    """Whether it is said before the request's body was taken."""
    taken: int | None = None
    """Bytes of the request's body after which no more is taken, and nothing said."""
    request: Callable[[bytes], bytes] = bytes
    answer: Callable[[Answer], Answer] = lambda answer: answer


_SMALL = 1 << 16
"""Bytes that the system takes for a proxy that does not."""
Rule = Callable[[Request], Fault | None]


def refusal(status: int, code: str, **headers: str) -> Fault:
    """Return the fault that answers with an error of S3's."""
    text = f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>{code}</Message></Error>'
    about = {"content-type": "application/xml", "date": formatdate(usegmt=True), **headers}
    return Fault(instead=Answer(status, about).with_body(text.encode()))


def flip(data: bytes) -> bytes:
    """Return `data` with one bit in the middle the other way round."""
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :] if data else data


@dataclass
class Proxy:
    """Where it listens, what it does, and what it saw."""

    upstream: int
    port: int = 0
    rule: Rule = lambda _: None
    passed_on: Callable[[Request], Request] = lambda request: request
    """What the real server is asked instead."""
    seen: list[Request] = field(default_factory=list)
    _serving: set[asyncio.Task[Any]] = field(default_factory=set)
    """The loop itself forgets who waits for ever, once the client has gone."""
    _open: list[asyncio.StreamWriter] = field(default_factory=list)

    @property
    def endpoint(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def first(self, count: int, fault: Fault, which: Callable[[Request], bool] = lambda _: True) -> None:
        """Spoil the first `count` requests of a kind."""
        left = count

        def rule(request: Request) -> Fault | None:
            nonlocal left
            if not which(request) or not left:
                return None
            left -= 1
            return fault

        self.rule = rule

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Begin to answer."""
        self._open.append(writer)
        self._serving.add(asyncio.get_running_loop().create_task(self._serve(reader, writer)))

    async def end(self, server: asyncio.Server) -> None:
        """Take no more connections than are just being taken, for a closed server forgets those; end all of them."""
        for listening in server.sockets:
            asyncio.get_running_loop().remove_reader(listening.fileno())
        while taking := self._others() - self._serving:
            await asyncio.gather(*taking)
        server.close()
        while others := self._others():
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
        for writer in self._open:
            if writer.transport.get_write_buffer_size() or not writer.is_closing():  # else it is closed, or about to be
                writer.transport.abort()
        await asyncio.sleep(0)  # as the loop closes them

    @staticmethod
    def _others() -> set[asyncio.Task[Any]]:
        return asyncio.all_tasks() - {asyncio.current_task()}

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request; each has a connection of its own."""
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            line, headers = await _head(reader)
            method, path, _ = line.split(" ", 2)
            request = Request(method, path, headers)
            fault = self.rule(request) or Fault()
            self.seen.append(request)
            if fault.instead is None or not fault.unread:
                if headers.pop("expect", ""):
                    writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                if fault.taken is not None:
                    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL)
                    await reader.readexactly(fault.taken)
                    await asyncio.Event().wait()
                request = request._replace(body=await reader.readexactly(int(headers.get("content-length", 0))))
            answer = fault.instead or fault.answer(await self._ask(request._replace(body=fault.request(request.body))))
            await _tell(writer, answer, head=method == "HEAD")
        writer.close()

    async def _ask(self, request: Request) -> Answer:
        """Return what the real server answers."""
        request = self.passed_on(request)
        reader, writer = await asyncio.open_connection("127.0.0.1", self.upstream)
        self._open.append(writer)
        lines = [f"{request.method} {request.path} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in {**request.headers, "connection": "close"}.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode() + request.body)
        line, headers = await _head(reader)
        body = b"" if request.method == "HEAD" else await reader.read()
        writer.close()
        if headers.pop("transfer-encoding", "") == "chunked":
            body = _unchunked(body)
            headers["content-length"] = str(len(body))
        return Answer(int(line.split(" ")[1]), headers, body)


async def _head(reader: asyncio.StreamReader) -> tuple[str, dict[str, str]]:
    text = (await reader.readuntil(b"\r\n\r\n")).decode()
    line, *rest = text.rstrip("\r\n").split("\r\n")
    pairs = (header.partition(":") for header in rest)
    return line, {name.lower(): value.strip() for name, _, value in pairs}


def _unchunked(data: bytes) -> bytes:
    parts = []
    while data:
        size, _, data = data.partition(b"\r\n")
        parts.append(data[: int(size, 16)])
        data = data[int(size, 16) + 2 :]
    return b"".join(parts)


async def _tell(writer: asyncio.StreamWriter, answer: Answer, *, head: bool) -> None:
    lines = [f"HTTP/1.1 {answer.status} Told"]
    lines += [f"{name}: {value}" for name, value in {**answer.headers, "connection": "close"}.items()]
    writer.write("\r\n".join([*lines, "", ""]).encode() + (b"" if head else answer.body))
    await writer.drain()
    if answer.ending == "reset":
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
    while answer.ending == "endless":
        writer.write(bytes(1 << 16))
        await writer.drain()
    if answer.ending == "stall":
        await asyncio.Event().wait()


@contextmanager
def proxying(upstream: int) -> Iterator[Proxy]:
    """Run a proxy to the port `upstream`."""
    proxy, loop = Proxy(upstream), asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(proxy.accept, "127.0.0.1", 0))
    proxy.port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        asyncio.run_coroutine_threadsafe(proxy.end(server), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
