"""The Open Inference Protocol over HTTP, by Starlette, which is imported only here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from mvc.serving.inference import Inference
from mvc.serving.metrics import CONTENT_TYPE
from mvc.serving.problem import Problem, invalid
from mvc.serving.protocols.http_server import HttpServer, Memory
from mvc.serving.protocols.metadata import model_metadata, server_metadata
from mvc.serving.protocols.oip_json import Encoded, decode, dumps, encode
from mvc.serving.work import GONE, Limits, too_many_bytes, too_much_listed

_JSON_LENGTH = "inference-header-content-length"


class Rest(HttpServer):
    """The server for HTTP."""

    def __init__(self, inference: Inference, limits: Limits) -> None:
        memory = Memory()
        super().__init__(_App(inference, limits, memory).routes(), limits, memory)


class _App:
    """The endpoints."""

    def __init__(self, inference: Inference, limits: Limits, memory: Memory) -> None:
        self._inference, self._limits, self._memory = inference, limits, memory

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
            *(Route(path, self._answering(answer), methods=["GET"]) for path, answer in gets.items()),
            Route("/metrics", self._metrics, methods=["GET"]),
        ], exception_handlers={404: self._unknown, 405: self._unknown})
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

    async def _metrics(self, request: Request) -> Response:
        text = await asyncio.to_thread(self._inference.metrics.text)
        return await self._drained(request, Response(text, media_type=CONTENT_TYPE))

    async def _infer(self, request: Request) -> Response:
        body, is_whole = bytearray(), False
        try:
            loaded = self._inference.find(**_names(request))
            length = _json_length(request)
            await self._read(request, length, body)
            is_whole = True
            found = await self._inference.infer(
                loaded, "rest", lambda: decode(body, length), encode, len(body), request.is_disconnected)
            return _encoded(found)
        except Problem as problem:
            if is_whole:
                return _problem(problem)
            size = len(body)
            self._memory.bytes -= size
            body.clear()
            return await self._drained(request, _problem(problem), size)
        except (ClientDisconnect, asyncio.CancelledError):
            return Response(status_code=GONE)
        finally:
            self._memory.bytes -= len(body)

    async def _read(self, request: Request, json_length: int | None, body: bytearray) -> None:
        most, too_large = _most(self._limits, json_length)
        if int(request.headers.get("content-length", 0)) > most:
            raise too_large(most)
        if request.headers.get("content-encoding", "identity") != "identity":
            raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "the body is compressed, which is not supported")
        async for part in request.stream():
            if len(body) + len(part) > most:
                raise too_large(most)
            body += part
            self._memory.bytes += len(part)
            if self._memory.bytes > self._limits.bodies:
                raise too_many_bytes()

    def _answering(self, answer: Callable[[Request], Response]) -> Any:
        async def endpoint(request: Request) -> Response:
            try:
                return await self._drained(request, answer(request))
            except Problem as problem:
                return await self._drained(request, _problem(problem))

        return endpoint

    async def _unknown(self, request: Request, error: Any) -> Response:
        what = f"{request.method} {request.scope['path'][:200]!r}: there is no such endpoint"
        return await self._drained(request, _json({"error": what}, HTTPStatus(error.status_code)))

    async def _drained(self, request: Request, response: Response, size: int = 0) -> Response:
        """Return an answer after the rest of the body was read: a client that still sends may not read an answer."""
        length = request.headers.get("content-length", "0")
        if length == "0" and "transfer-encoding" not in request.headers:
            return response
        if int(length) > self._limits.body or not await self._drain(request, size):
            response.headers["connection"] = "close"
        return response

    async def _drain(self, request: Request, size: int) -> bool:
        """Read a body to its end, after the first `size` bytes, and return whether it is not too large."""
        with suppress(ClientDisconnect):
            async for part in request.stream():
                size += len(part)
                if size > self._limits.body:
                    return False
        return True


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


def _json(document: object, status: HTTPStatus = HTTPStatus.OK) -> Response:
    return Response(dumps(document), status, media_type="application/json")


def _encoded(found: Encoded) -> Response:
    if found.json_length is None:
        return Response(found.body, media_type="application/json")
    headers = {_JSON_LENGTH: str(found.json_length)}
    return Response(found.body, headers=headers, media_type="application/octet-stream")


def _problem(problem: Problem) -> Response:
    response = _json({"error": problem.message}, problem.status)
    if problem.status == HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["retry-after"] = "1"
    return response
