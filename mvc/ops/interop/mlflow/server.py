"""A tracking server of MLflow, by its REST API: the only module that speaks to one.

Nothing but MLFLOW_TRACKING_URI names the server, redirects are not followed, and each answer is bounded: docs/adr/0027.
API: https://mlflow.org/docs/latest/api_reference/rest-api.html
"""

from __future__ import annotations

import shlex
import ssl
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Literal, TypeVar
from urllib.parse import quote, unquote, urlencode, urlsplit

import msgspec

from mvc.errors import MvcError, UsageError
from mvc.store.buckets.bucket import RemoteError, Transient
from mvc.store.buckets.environment import problem_of
from mvc.store.buckets.session import AGAIN, PATIENCE, SLOWEST, text_of, unreachable, untrusted

if TYPE_CHECKING:
    from http.client import HTTPResponse
    from urllib.request import OpenerDirector

T = TypeVar("T")

_API = "/api/2.0/mlflow/"
_MOST = 16 << 20
"""Bytes of an answer that is not an artifact."""
_PART = 1 << 20
_URI = "MLFLOW_TRACKING_URI"
_LOGIN = ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN")
_CERTIFICATES = "MLFLOW_TRACKING_SERVER_CERT_PATH"
_SET = f"export {_URI}=http://127.0.0.1:5000"


class NotFound(RemoteError):
    """The server has no such thing."""


class _Error(msgspec.Struct):
    """What a server says instead of an answer."""

    error_code: str = ""
    message: str = ""


class Server:
    """A tracking server."""

    def __init__(self, environ: Mapping[str, str], patience: float = PATIENCE) -> None:
        """Use the server and the login that the environment names; nothing is requested yet.

        A request fails after `patience` seconds without an answer.

        Raises:
            UsageError: it names none, or a variable cannot be meant.
        """
        for name in (_URI, *_LOGIN):
            if problem := problem_of(environ.get(name, "")):
                raise UsageError(f"{name} {problem}", f"export {name}=VALUE")
        self.url, login = _address(environ)
        self._headers = _authorization(environ, login)
        self._patience = patience
        self._certificates = environ.get(_CERTIFICATES, "")
        self._look = f"curl -i {shlex.quote(f'{self.url}/version')}"
        self._opened: OpenerDirector | None = None

    def get(self, path: str, kind: type[T], /, **query: str) -> T:
        """Return what the API says at `path`.

        Raises:
            NotFound: there is none.
            RemoteError: the server refused, or did not answer.
        """
        return self._ask("GET", f"{_API}{path}?{urlencode(query)}", kind)

    def send(self, method: Literal["POST", "DELETE"], path: str, kind: type[T], /, **body: object) -> T:
        """Send `body`, and return the answer; errors are those of `get`."""
        return self._ask(method, f"{_API}{path}", kind, msgspec.json.encode(body))

    def _ask(self, method: str, path: str, kind: type[T], body: bytes | None = None) -> T:
        raw = b"".join(self._parts(method, path, body, _MOST))
        try:
            return msgspec.json.decode(raw, type=kind, strict=False)
        except (msgspec.MsgspecError, RecursionError, UnicodeError):
            raise RemoteError(f"{self.url}: the answer cannot be parsed", self._look) from None

    def content(self, path: str, size: int, /, **query: str) -> Iterator[bytes]:
        """Yield the content of an artifact, which has `size` bytes, in parts of at most 1 MiB.

        Raises:
            Transient: it has another size, which is known only at the end.
            RemoteError: as `get` does.
        """
        left = size
        for part in self._parts("GET", f"{path}?{urlencode(query)}", None, size):
            left -= len(part)
            yield part
        if left:
            raise Transient(f"{self.url}: the answer ended {left:,} bytes before its end", AGAIN)

    def _parts(self, method: str, path: str, body: bytes | None, most: int) -> Iterator[bytes]:
        """Yield an answer of at most `most` bytes, which must not come slower than `SLOWEST`."""
        start, got = time.monotonic(), 0
        with self._answer(method, path, body) as answer:
            while part := answer.read1(_PART):
                got += len(part)
                if got > most:
                    raise RemoteError(f"{self.url}: the answer has more than {most:,} bytes", AGAIN)
                if time.monotonic() - start > self._patience + got / SLOWEST:
                    raise TimeoutError
                yield part

    @contextmanager
    def _answer(self, method: str, path: str, body: bytes | None) -> Iterator[HTTPResponse]:
        from http.client import HTTPException  # noqa: PLC0415 - start-up time
        from urllib.request import Request  # noqa: PLC0415

        kind = {} if body is None else {"Content-Type": "application/json"}
        request = Request(f"{self.url}{path}", body, {**self._headers, **kind}, method=method)  # noqa: S310 - see _address
        try:
            with self._opener().open(request, timeout=self._patience) as answer:
                if answer.status != HTTPStatus.OK:
                    raise self._refusal(answer.status, answer.headers.get("Location", ""), answer.read(_PART))
                yield answer
        except (OSError, HTTPException, ValueError) as error:
            raise self._unanswered(error) from None

    def _opener(self) -> OpenerDirector:
        """Return what sends requests: nothing but HTTP; it follows no redirect, and passes every answer on."""
        from urllib import request  # noqa: PLC0415 - start-up time

        if self._opened is None:
            self._opened = request.OpenerDirector()
            https = request.HTTPSHandler(context=self._trust())
            for handler in (request.ProxyHandler(), request.HTTPHandler(), https):
                self._opened.add_handler(handler)
        return self._opened

    def _trust(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=self._certificates or None)
        except OSError as error:
            raise UsageError(f"{_CERTIFICATES}: {text_of(error)}", f"export {_CERTIFICATES}=FILE") from None

    def _refusal(self, status: int, location: str, raw: bytes) -> MvcError:
        try:
            said = msgspec.json.decode(raw, type=_Error)
        except (msgspec.MsgspecError, RecursionError, UnicodeError):
            said = _Error()
        reason = said.message.partition("\n")[0][:200] or f"status {status}"
        if said.error_code and status in (HTTPStatus.NOT_FOUND, HTTPStatus.BAD_REQUEST):
            kind = NotFound if status == HTTPStatus.NOT_FOUND else RemoteError
            return kind(f"{self.url}: {reason}", f"check the name, and {_URI}")
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            return RemoteError(f"{self.url} refuses the login: {reason}", f"export {_LOGIN[0]}=NAME {_LOGIN[1]}=VALUE")
        if location:
            host = without_secret(location)
            return RemoteError(f"{self.url} redirects to {host}, and no redirect is followed", f"export {_URI}=URL")
        return RemoteError(f"{self.url}: {reason}", self._look)

    def _unanswered(self, error: Exception) -> MvcError:
        inner = getattr(error, "reason", error)
        inner = inner if isinstance(inner, Exception) else error
        if known := untrusted(self.url, inner):
            return RemoteError(known.message, f"export {_CERTIFICATES}=FILE  # of the authority's certificate")
        if known := unreachable(self.url, urlsplit(self.url).netloc, inner):
            return RemoteError(known.message, f"check the network, and {_URI}")
        if isinstance(inner, ssl.SSLError):
            return RemoteError(f"{self.url}: the server does not speak TLS", f"check the network, and {_URI}")
        if isinstance(inner, TimeoutError):
            return Transient(f"{self.url}: no answer in time", AGAIN)
        return Transient(f"{self.url}: the connection was lost: {text_of(inner)}", AGAIN)

    def run_url(self, run: str) -> str:
        """Return the page of a run, for people."""
        return f"{self.url}/#/runs/{quote(run)}"


def run_url(environ: Mapping[str, str], run: str) -> str:
    """Return the page of a run on the server that the environment names; empty if it names none."""
    return Server(environ).run_url(run) if environ.get(_URI, "").lower().startswith(("http://", "https://")) else ""


def _address(environ: Mapping[str, str]) -> tuple[str, tuple[str, str]]:
    """Return the server's address without the login in it, and that login: user and password."""
    text = environ.get(_URI, "")
    if not text:
        raise UsageError(f"{_URI} is not set", _SET)
    try:
        parts = urlsplit(text)
        is_server = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise UsageError(f"{_URI} is not a URL", _SET) from None
    if not is_server:
        message = f"{_URI} is not the address of a server: expected http:// or https://"
        raise UsageError(message, f"mlflow server --backend-store-uri URI  # serves it; then: {_SET}")
    host = parts.netloc.rpartition("@")[2]
    login = unquote(parts.username or ""), unquote(parts.password or "")
    return f"{parts.scheme}://{host}{parts.path.rstrip('/')}", login


def without_secret(url: str) -> str:
    """Return scheme and host of a URL, where no secret can be."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "another address"
    return f"{parts.scheme}://{parts.hostname}" if parts.hostname else "another path"


def _authorization(environ: Mapping[str, str], login: tuple[str, str]) -> dict[str, str]:
    """Return the header that logs in; a user's name precedes a token, as in MLflow."""
    user, password, token = (environ.get(name, "") for name in _LOGIN)
    if not user and not password:
        user, password = login
    if user or password:
        return {"Authorization": f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"}
    return {"Authorization": f"Bearer {token}"} if token else {}
