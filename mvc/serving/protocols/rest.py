"""The Open Inference Protocol over HTTP, by Starlette and uvicorn, which are imported only here."""

from __future__ import annotations

import asyncio
import resource
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from typing import Any

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from uvicorn import Config, Server
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from mvc.serving.inference import Inference
from mvc.serving.metrics import CONTENT_TYPE
from mvc.serving.problem import Problem, invalid
from mvc.serving.protocols.metadata import model_metadata, server_metadata
from mvc.serving.protocols.oip_json import Encoded, decode, dumps, encode
from mvc.serving.work import GONE, Limits, too_many_bytes, too_much_listed

_JSON_LENGTH = "inference-header-content-length"
_MOST_HEAD = 64 << 10
"""Bytes of a request's head."""
_OTHER_FILES = 200
"""File descriptors for all but connections of HTTP: gRPC, Git, the log."""


class Rest:
    """The server for HTTP."""

    def __init__(self, inference: Inference, limits: Limits) -> None:
        app = _App(inference, limits)
        self._server = _Server(Config(
            app.routes(),
            http=partial(_Protocol, limits.arrival, _most_connections()),  # type: ignore[arg-type]  # called as a class
            ws="none", lifespan="off", log_config=None,
            log_level="error",  # its warnings are lines on stderr that a client can make
            access_log=False, server_header=False, timeout_keep_alive=65,
            timeout_graceful_shutdown=max(1, int(limits.drain)),
        ))

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


def _most_connections() -> int:
    return max(resource.getrlimit(resource.RLIMIT_NOFILE)[0] - _OTHER_FILES, _OTHER_FILES)


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
    """A connection on which a head must arrive in time, and has a limit."""

    def __init__(self, seconds: float, most: int, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._seconds, self._most = seconds, most
        self._late: asyncio.TimerHandle | None = None
        self._head = 0

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._expect()
        if len(self.connections) > self._most:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE)

    def connection_lost(self, exc: Exception | None) -> None:
        self._expect_no_more()
        super().connection_lost(exc)

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

    def on_headers_complete(self) -> None:
        self._expect_no_more()
        super().on_headers_complete()

    def _count(self, size: int) -> None:
        self._head += size
        if self._head > _MOST_HEAD:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
            raise ValueError("the head is too large")

    def _expect(self) -> None:
        self._late = self.loop.call_later(self._seconds, self._refuse, HTTPStatus.REQUEST_TIMEOUT)

    def _expect_no_more(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _refuse(self, status: HTTPStatus) -> None:
        line = f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        if not self.transport.is_closing():
            self.transport.write(line.encode())
            self.transport.close()


class _App:
    """The endpoints."""

    def __init__(self, inference: Inference, limits: Limits) -> None:
        self._inference, self._limits = inference, limits
        self._bodies = 0
        """Bytes of bodies in memory."""

    def routes(self) -> Starlette:
        model = "/v2/models/{model}"
        gets: dict[str, Callable[[Request], Response]] = {
            "/v2": self._server,
            "/v2/health/live": lambda _: _json({"live": True}),
            "/v2/health/ready": self._ready,
            "/v2/models": lambda _: _json({"models": [*self._inference.served]}),
            model: self._model,
            f"{model}/versions/{{version}}": self._model,
            f"{model}/ready": self._model_ready,
            f"{model}/versions/{{version}}/ready": self._model_ready,
        }
        posts = (f"{model}/infer", f"{model}/versions/{{version}}/infer")
        app = Starlette(routes=[
            *(Route(path, self._infer, methods=["POST"]) for path in posts),
            *(Route(path, _answering(answer), methods=["GET"]) for path, answer in gets.items()),
            Route("/metrics", self._metrics, methods=["GET"]),
        ], exception_handlers={404: _unknown, 405: _unknown})
        app.router.redirect_slashes = False
        return app

    def _server(self, _: Request) -> Response:
        return _json(server_metadata())

    def _ready(self, _: Request) -> Response:
        ready = self._inference.is_ready
        return _json({"ready": ready}, HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE)

    def _model(self, request: Request) -> Response:
        return _json(model_metadata(self._inference.find(**_names(request))))

    def _model_ready(self, request: Request) -> Response:
        name = self._inference.find(**_names(request)).address
        ready = self._inference.is_ready
        return _json({"name": name, "ready": ready}, HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE)

    async def _metrics(self, _: Request) -> Response:
        text = await asyncio.to_thread(self._inference.metrics.text)
        return Response(text, media_type=CONTENT_TYPE)

    async def _infer(self, request: Request) -> Response:
        size = 0
        try:
            loaded = self._inference.find(**_names(request))
            length = _json_length(request)
            body, size = bytearray(), 0
            async for part in self._parts(request, length):
                body += part
                size += len(part)
            found = await self._inference.infer(
                loaded, "rest", lambda: decode(body, length), encode, size, request.is_disconnected)
            return _encoded(found)
        except Problem as problem:
            return _problem(problem)
        except (ClientDisconnect, asyncio.CancelledError):
            return Response(status_code=GONE)
        finally:
            self._bodies -= size

    async def _parts(self, request: Request, json_length: int | None) -> AsyncIterator[bytes]:
        most, too_large = _most(self._limits, json_length)
        size = 0
        if int(request.headers.get("content-length", 0)) > most:
            raise too_large(most)
        if request.headers.get("content-encoding", "identity") != "identity":
            raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "the body is compressed, which is not supported")
        try:
            async with asyncio.timeout(self._limits.arrival):
                async for part in request.stream():
                    size += len(part)
                    if size > most:
                        raise too_large(most)
                    self._bodies += len(part)
                    yield part
                    if self._bodies > self._limits.bodies:
                        raise too_many_bytes()
        except TimeoutError:
            what = f"the body did not arrive within {self._limits.arrival:g} s"
            raise Problem(HTTPStatus.REQUEST_TIMEOUT, what) from None


def _names(request: Request) -> dict[str, str]:
    found = {"name": request.path_params["model"]}
    if (version := request.path_params.get("version")) is not None:
        found["version"] = version
    return found


def _json_length(request: Request) -> int | None:
    text = request.headers.get(_JSON_LENGTH)
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 18:  # noqa: PLR2004 - digits of a number of bytes
        raise invalid(f"{_JSON_LENGTH}: expected a number of bytes")
    return int(text)


def _most(limits: Limits, json_length: int | None) -> tuple[int, Callable[[int], Problem]]:
    """Return how many bytes the body may have, and the problem of more."""
    if json_length is not None and json_length > limits.listed:
        raise too_much_listed(limits.listed)
    if json_length is None and limits.listed < limits.body:
        return limits.listed, too_much_listed
    return limits.body, _too_large


def _too_large(most: int) -> Problem:
    return Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the request has more than {most:,} bytes")


def _answering(answer: Callable[[Request], Response]) -> Any:
    async def endpoint(request: Request) -> Response:
        try:
            return answer(request)
        except Problem as problem:
            return _problem(problem)

    return endpoint


def _json(document: object, status: HTTPStatus = HTTPStatus.OK) -> Response:
    return Response(dumps(document), status, media_type="application/json")


def _encoded(found: Encoded) -> Response:
    if found.json_length is None:
        return Response(found.body, media_type="application/json")
    headers = {_JSON_LENGTH: str(found.json_length)}
    return Response(found.body, headers=headers, media_type="application/octet-stream")


_CLOSING = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
"""Answers that are given before the body was read."""


def _problem(problem: Problem) -> Response:
    response = _json({"error": problem.message}, problem.status)
    if problem.status in _CLOSING:
        response.headers["connection"] = "close"
    if problem.status == HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["retry-after"] = "1"
    return response


async def _unknown(request: Request, error: Any) -> Response:
    return _json({"error": f"{request.method} {request.scope['path'][:200]!r}: there is no such endpoint"},
                 HTTPStatus(error.status_code))
