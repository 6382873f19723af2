"""A registry, by the API of the OCI distribution specification: the only module that speaks to one.

oras knows the logins of Docker. Its own transfers read a blob into memory, follow a redirect anywhere, wait without
a limit, and repeat what cannot succeed for two minutes: docs/adr/0029-oci.md.
API: https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from ssl import SSLError
from typing import Any, TypeVar
from urllib.parse import urlencode, urljoin, urlsplit

from oras.auth.token import TokenAuth
from oras.auth.utils import parse_auth_header
from oras.container import Container
from requests import RequestException, Response, Session
from requests.adapters import HTTPAdapter
from requests.exceptions import InvalidSchema
from urllib3.exceptions import HTTPError

from mvc.errors import CorruptObject, MissingObject, MvcError, UsageError
from mvc.oci.answers import Token, parsed, reason
from mvc.oci.layout import MANIFEST, MAX_MANIFEST, sha256
from mvc.oci.login import read_logins
from mvc.oci.reference import Reference
from mvc.store.buckets.bucket import RemoteError, Transient
from mvc.store.buckets.environment import certificates
from mvc.store.buckets.session import AGAIN, CONNECT_PATIENCE, PATIENCE, SLOWEST, unreachable, untrusted

T = TypeVar("T")

AT_ONCE = 8
"""Blobs that are sent or fetched at the same time: a session keeps ten connections."""
TRIES = 5
_PAUSE = 0.5
"""Seconds before the second try; each later pause is twice as long."""
_WORTH_ONE_TRY = 64 << 20
"""Bytes of a download for which one more lost connection is borne."""
_STORED = 10_000_000
"""Bytes per second at which a registry stores a blob that it got, if it is slow."""
_PART = 1 << 20
_MESSAGE = 64 << 10
"""Bytes of an answer that is neither a manifest nor a blob."""
_HOPS = 5
"""Requests that one may lead to by redirects."""
_BUSY = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)

logging.getLogger("oras").setLevel(logging.CRITICAL)


class Body:
    """Content to send; a request that is repeated reads it again."""

    def __init__(self, size: int, parts: Callable[[], Iterator[bytes]]) -> None:
        """`parts` yields `size` bytes from the start, each time it is called."""
        self._size, self._parts = size, parts

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        return self._parts()


class Registry:
    """A repository in a registry."""

    def __init__(
        self, reference: Reference, environ: Mapping[str, str], patience: float = PATIENCE,
        wait: Callable[[float], object] = time.sleep,
    ) -> None:
        """Use the logins that the environment names; nothing is requested yet.

        A request fails after `patience` seconds without an answer. `wait` pauses before another try.

        Raises:
            UsageError: the file of logins, or what a credential helper prints, is invalid.
        """
        self.name = reference.name
        self._host, self._url = reference.host, reference.url
        self._patience, self._wait = patience, wait
        self._session = _session(reference)
        self._login = _Login(reference.host, environ, self._token)

    # Reading.

    def manifest(self, name: str) -> bytes:
        """Return the manifest with a tag or a digest. It is not compared with the digest.

        Raises:
            MissingObject: there is none.
            RemoteError: the registry refused, or did not answer.
        """
        return self._again(lambda: self._manifest(name))

    def _manifest(self, name: str) -> bytes:
        with self._answer("GET", f"{self._url}/manifests/{name}", {"Accept": MANIFEST}) as answer:
            self._expect(answer, HTTPStatus.OK, f"{self.name} has no artifact {name}")
            return b"".join(self._parts(answer, MAX_MANIFEST))

    def blob(self, digest: str, size: int) -> Iterator[bytes]:
        """Yield the content of a blob of `size` bytes, not compared with the digest, in parts of at most 1 MiB.

        After a lost connection it goes on where it stopped.

        Raises:
            CorruptObject: it has another size.
            RemoteError: as for `manifest`.
        """
        got = lost = 0
        while True:
            try:
                for part in self._rest(digest, got, size):
                    got += len(part)
                    yield part
            except Transient:
                lost += 1
                if lost >= TRIES + size // _WORTH_ONE_TRY:
                    raise
                self._pause(lost)
            else:
                return

    def _rest(self, digest: str, start: int, size: int) -> Iterator[bytes]:
        """Yield a blob from `start` on, also from registries that always send all of it."""
        headers = {"Range": f"bytes={start}-"} if start else {}
        with self._answer("GET", f"{self._url}/blobs/{digest}", headers) as answer:
            resumed = bool(start) and answer.status_code == HTTPStatus.PARTIAL_CONTENT
            if not resumed:
                self._expect(answer, HTTPStatus.OK, f"{self.name} lacks {digest}")
            skip, left = (0, size - start) if resumed else (start, size)
            for part in self._parts(answer, left):
                left -= len(part)
                if new := part[skip:]:
                    yield new
                skip = max(0, skip - len(part))
            if left:
                raise Transient(f"{self.name}: the answer ended {left:,} bytes before its end", AGAIN)

    # Writing.

    def has(self, digest: str) -> bool:
        """Whether the repository has a blob.

        Raises:
            RemoteError: the registry refused, or did not answer.
        """
        def ask() -> bool:
            with self._answer("HEAD", f"{self._url}/blobs/{digest}") as answer:
                if answer.status_code == HTTPStatus.NOT_FOUND:
                    return False
                self._expect(answer, HTTPStatus.OK)
                return True

        return self._again(ask)

    def upload(self, digest: str, body: Body) -> None:
        """Store a blob in one request.

        Raises:
            CorruptObject: the registry stored something else.
            RemoteError: it refused, or did not answer.
        """
        def send() -> None:
            with self._answer("POST", f"{self._url}/blobs/uploads/") as answer:
                self._expect(answer, HTTPStatus.ACCEPTED)
                place = urljoin(f"{self._url}/", answer.headers.get("Location", ""))
                place += ("&" if urlsplit(place).query else "?") + urlencode({"digest": digest})
            headers = {"Content-Type": "application/octet-stream"}
            with self._answer("PUT", place, headers, body if len(body) else b"") as answer:
                self._expect(answer, HTTPStatus.CREATED)
                self._check_digest(answer, digest)

        self._again(send)

    def put_manifest(self, raw: bytes, tag: str = "") -> None:
        """Store a manifest, and give it the tag, if there is one.

        Raises:
            CorruptObject: the registry stored something else.
            RemoteError: it refused, or did not answer.
        """
        digest = sha256(raw)

        def send() -> None:
            place = f"{self._url}/manifests/{tag or digest}"
            with self._answer("PUT", place, {"Content-Type": MANIFEST}, raw) as answer:
                self._expect(answer, HTTPStatus.CREATED)
                self._check_digest(answer, digest)

        self._again(send)
        if self.manifest(digest) != raw:
            raise CorruptObject(f"{self.name} stored another manifest than {digest}", AGAIN)

    def _check_digest(self, answer: Response, digest: str) -> None:
        if (told := answer.headers.get("Docker-Content-Digest", digest)) != digest:
            raise CorruptObject(f"{self.name} stored {told!r}, sent was {digest}", AGAIN)

    # Requests.

    def _again(self, ask: Callable[[], T]) -> T:
        """Return what `ask` does, which is tried again after failures that may pass."""
        for tries in range(1, TRIES):
            try:
                return ask()
            except Transient:
                self._pause(tries)
        return ask()

    def _pause(self, tries: int) -> None:
        self._wait(_PAUSE * 2 ** min(tries - 1, TRIES))

    @contextmanager
    def _answer(
        self, method: str, url: str, headers: Mapping[str, str] = {}, body: Body | bytes | None = None,
    ) -> Iterator[Response]:
        try:
            with self._send(method, url, headers, body) as answer:
                yield answer
        except (RequestException, HTTPError, OSError, ValueError) as error:  # ValueError: an address of the registry's
            raise self._unanswered(error) from None

    def _send(self, method: str, url: str, headers: Mapping[str, str], body: Body | bytes | None) -> Response:
        """Send a request, once more after a login. Only a request to read follows redirects, without the login."""
        asked = False
        for _ in range(_HOPS):
            ours = _origin(url) == _origin(self._url)
            login = self._login.get_auth_header() if ours else {}
            answer = self._ask(method, url, {**headers, **login}, data=body)
            if answer.is_redirect and method in ("GET", "HEAD"):
                answer.close()
                url = urljoin(url, answer.headers["Location"])
            elif answer.status_code == HTTPStatus.UNAUTHORIZED and ours and not asked:
                if not self._login.accepts(answer, login):
                    return answer
                answer.close()
                asked = True
            else:
                return answer
        raise RemoteError(f"{self.name}: too many redirects", f"check the name {self._host}")

    def _ask(self, method: str, url: str, headers: Mapping[str, str], **content: Any) -> Response:
        size = len(content.get("data") or b"")
        connect = self._patience if size else min(CONNECT_PATIENCE, self._patience)  # it limits each write, too
        patience = connect, self._patience + size / _STORED
        plain = {**headers, "Accept-Encoding": "identity"}  # no bytes that become more
        return self._session.request(
            method, url, headers=plain, timeout=patience, stream=True, allow_redirects=False, **content,
        )

    def _token(self, realm: str, query: Mapping[str, str], headers: Mapping[str, str]) -> str:
        """Return the token that the server of logins gives; empty if it refuses."""
        with self._ask("GET", realm, headers, params=query) as answer:
            raw = b"".join(self._parts(answer, _MESSAGE)) if answer.status_code == HTTPStatus.OK else b""
        given = parsed(raw, Token)
        return given.token or given.access_token

    def _parts(self, answer: Response, most: int) -> Iterator[bytes]:
        """Yield an answer of at most `most` bytes as it is, which must not come slower than `SLOWEST`."""
        start, got = time.monotonic(), 0
        while part := answer.raw.read1(_PART, decode_content=False):
            got += len(part)
            if got > most:
                raise CorruptObject(f"{self.name}: the answer has more than {most:,} bytes", AGAIN)
            if time.monotonic() - start > self._patience + got / SLOWEST:
                raise TimeoutError
            yield part

    def _expect(self, answer: Response, status: HTTPStatus, missing: str = "") -> None:
        """Raise the error for any other status; `missing` says what is not there."""
        found = answer.status_code
        if found == status:
            return
        if missing and found == HTTPStatus.NOT_FOUND:
            raise MissingObject(missing, f"check the name {self.name}")
        why = reason(b"".join(self._parts(answer, _MESSAGE))) or f"status {found}"
        if found in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            message = f"{self.name} refuses the login, or there is none: {why}"
            raise RemoteError(message, f"docker login {self._host}")
        if answer.is_redirect:
            place = urlsplit(answer.headers["Location"])
            raise RemoteError(f"{self.name} redirects to {place.netloc or 'another path'}", f"check {self._host}")
        kind = Transient if found in _BUSY or found >= HTTPStatus.INTERNAL_SERVER_ERROR else RemoteError
        raise kind(f"{self.name}: {why}", f"curl -i {self._url.partition('/v2/')[0]}/v2/")

    def _unanswered(self, error: Exception) -> MvcError:
        """Translate an error of a connection."""
        fix = "check the network, and the name of the registry"
        if isinstance(error, InvalidSchema):
            return RemoteError(f"{self.name} leads to another server without TLS", fix)
        if isinstance(error, ValueError):
            return RemoteError(f"{self.name} names an invalid address", fix)
        if known := untrusted(self.name, error):
            return known
        if any(isinstance(cause, SSLError) for cause in _causes(error)):
            return RemoteError(f"{self.name}: {self._host} does not speak TLS", fix)
        for cause in _causes(error):
            if known := unreachable(self.name, self._host, cause):
                return RemoteError(known.message, fix)
            if isinstance(cause, TimeoutError):
                return Transient(f"{self.name}: no answer in time", AGAIN)
        return Transient(f"{self.name}: the connection was lost", AGAIN)


class _Login(TokenAuth):  # type: ignore[misc]
    """The login to a host: with a token, or with the password itself if the registry asks for that."""

    def __init__(self, host: str, environ: Mapping[str, str], ask: Callable[..., str]) -> None:
        super().__init__()
        self._auth_config = read_logins(environ)
        repository = Container(f"{host}/any")
        try:
            self.load_configs(repository)
        except (ValueError, KeyError, TypeError):  # oras does not check what a helper prints
            raise UsageError(f"the credential helper for {host} printed no login", f"docker login {host}") from None
        self._known: str = getattr(self, "_basic_auth", "")
        self._ask = ask
        self._asking = threading.Lock()
        self._header: dict[str, str] = {}

    def get_auth_header(self) -> dict[str, str]:
        return self._header

    def accepts(self, answer: Response, sent: dict[str, str]) -> bool:
        """Whether there is another login than was `sent` for what an answer asks for; the next header has it."""
        with self._asking:
            if self._header == sent:  # else another thread was told the same
                self._header = self._asked(answer.headers.get("WWW-Authenticate", ""))
            return bool(self._header) and self._header != sent

    def _asked(self, challenge: str) -> dict[str, str]:
        basic = {"Authorization": f"Basic {self._known}"} if self._known else {}
        if challenge.lower().startswith("basic"):
            return basic
        asked = parse_auth_header(challenge)
        if not challenge.lower().startswith("bearer") or not asked.realm:
            return {}
        query = {name: text for name in ("service", "scope") if (text := getattr(asked, name))}
        token = self._ask(asked.realm, query, basic)
        return {"Authorization": f"Bearer {token}"} if token else {}


def _session(reference: Reference) -> Session:
    """Return what sends requests: with TLS, or to a registry on this machine. It adds no login of ~/.netrc."""
    session = Session()
    session.adapters.clear()
    session.mount("https://", HTTPAdapter())
    if reference.is_local:
        session.mount(f"http://{reference.host}/", HTTPAdapter())
        session.trust_env = False  # no proxy
    session.auth = lambda request: request
    session.verify = certificates() or True
    return session


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.lower()


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        reason = getattr(error, "reason", None)
        error = reason if isinstance(reason, BaseException) else error.__cause__ or error.__context__
