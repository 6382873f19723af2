"""A bucket in Google Cloud Storage, accessed by the JSON API.

A write is one request that can be conditional, a read is tied to one version.
https://cloud.google.com/storage/docs/json_api
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from functools import partial
from http import HTTPStatus
from io import BytesIO
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote
from uuid import uuid4

from mvc.errors import MissingObject
from mvc.fs.progress import SILENT, Progress
from mvc.objects.parsing.digits import whole_number
from mvc.store.buckets.bucket import PART, Check, Item, RemoteError, RunAll, SlowDown, Transient, read_first
from mvc.store.buckets.environment import certificates, check_environment
from mvc.store.buckets.extras import need
from mvc.store.buckets.session import (
    AGAIN,
    PATIENCE,
    Backend,
    Page,
    Pages,
    Session,
    changed,
    checked,
    each,
    http_session,
    not_whole,
    parsed,
    range_of,
    size_in,
    text_of,
    unanswered,
    untrusted,
)

if TYPE_CHECKING:
    from aiohttp import ClientSession
    from google.auth.transport.requests import Request

_LOGIN = "gcloud auth application-default login  # or: export GOOGLE_APPLICATION_CREDENTIALS=FILE"
_SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"
_BINARY = "application/octet-stream"
PAGE = 1000
"""Items of one listing request."""
_FIELDS = "items(name,size,generation,updated),nextPageToken"


class _Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        found = json.loads(self.body)
        if not isinstance(found, dict):
            raise TypeError
        return found


class _Refused(Exception):
    """An error response, with the server's reason."""

    def __init__(self, answer: _Answer) -> None:
        try:
            reason = json.loads(answer.body)["error"]["message"]
        except (ValueError, LookupError, TypeError):
            reason = answer.body.decode(errors="replace")
        super().__init__(f"{reason or answer.status}")
        self.status = answer.status


class _Service(NamedTuple):
    """Google Cloud Storage, or an emulator, and the credentials."""

    http: ClientSession
    address: str
    credentials: Any
    """From google-auth, which has no types; None: anonymous."""
    refresh: Request

    async def request(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None,
        data: bytes | None = None, json: Any = None, **query: Any,
    ) -> _Answer:
        """Send one request, once; a path is relative to the address.

        Raises:
            _Refused: the response is an error.
        """
        url = path if path.startswith("http") else f"{self.address}/{path}"
        signed = dict(headers or {})
        if self.credentials is not None:
            self.credentials.before_request(self.refresh, method, url, signed)
        params = {name: value for name, value in query.items() if value is not None}
        stream = None if data is None else BytesIO(data)  # so that other requests take turns
        async with self.http.request(method, url, headers=signed, params=params, json=json, data=stream) as found:
            answer = _Answer(found.status, found.headers, await found.read())
        if answer.status >= HTTPStatus.BAD_REQUEST:
            raise _Refused(answer)
        return answer


async def _connect(patience: float) -> _Service:
    import google.auth  # noqa: PLC0415 - start-up time
    from google.auth.exceptions import DefaultCredentialsError  # noqa: PLC0415 - as above
    from google.auth.transport.requests import Request  # noqa: PLC0415 - as above

    check_environment(("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_UNIVERSE_DOMAIN", "STORAGE_EMULATOR_HOST"))
    credentials = None
    with suppress(DefaultCredentialsError):  # public buckets need none
        credentials, _ = google.auth.default(scopes=[_SCOPE])
    universe = os.environ.get("GOOGLE_CLOUD_UNIVERSE_DOMAIN") or "googleapis.com"
    address = os.environ.get("STORAGE_EMULATOR_HOST") or f"https://storage.{universe}"
    if "://" not in address:
        address = f"http://{address}"
    return _Service(await http_session(patience), address, credentials, Request(_login_session()))


def _login_session() -> Any:
    """Return the session that renews a login: it trusts the system's certificates, as all other requests do."""
    from requests import Session  # noqa: PLC0415 - start-up time

    session = Session()
    session.verify = certificates() or True
    return session


class GoogleBucket:
    """Objects below `gs://BUCKET/PREFIX`."""

    def __init__(self, url: str, patience: float = PATIENCE) -> None:
        """Use `url`; nothing is requested yet.

        Raises:
            UsageError: google-auth is not installed.
        """
        need(url)
        self.url = url.rstrip("/")
        self._bucket, _, prefix = self.url.partition("://")[2].partition("/")
        self._prefix = f"{prefix}/" if prefix else ""
        backend = Backend(partial(_connect, patience), lambda service: service.http.close(), self._translate)
        self._session = Session(self.url, backend, patience)
        self._uploads = f"upload/storage/v1/b/{self._bucket}/o"
        self._confirmed = False

    @property
    def requests(self) -> int:
        return self._session.requests

    # Lookup.

    def head(self, key: str) -> Item | None:
        try:
            found = self._ask("GET", self._object(key), key, fields="name,size,generation,updated")
        except MissingObject:
            if not self._confirmed:  # the bucket may be missing
                self._page(self._prefix, "", most=1)
                self._confirmed = True
            return None
        return parsed(self.url, lambda: self._item(found.json))

    def list(self, prefix: str) -> Iterator[Item]:
        return Pages(partial(self._page, self._prefix + prefix))

    def _page(self, prefix: str, token: str, most: int = 0) -> Page:
        path = f"storage/v1/b/{self._bucket}/o"
        try:
            page = self._ask(
                "GET", path, prefix=prefix, pageToken=token or None, maxResults=most or PAGE, fields=_FIELDS,
            )
        except MissingObject:
            fix = f"gcloud storage buckets create gs://{self._bucket}"
            raise RemoteError(f"there is no bucket {self._bucket} in Google Cloud Storage", fix) from None
        return parsed(self.url, lambda: self._items(page.json))

    def _items(self, page: Mapping[str, Any]) -> Page:
        return [self._item(found) for found in page.get("items", [])], str(page.get("nextPageToken", ""))

    def _item(self, found: Mapping[str, Any]) -> Item:
        key, modified = found["name"].removeprefix(self._prefix), datetime.fromisoformat(found["updated"]).timestamp()
        return Item(key, size_in(found["size"]), str(found["generation"]), modified)

    # Reading.

    def read(self, item: Item, start: int, end: int, progress: Progress = SILENT) -> bytes:
        if start == end:
            return b""
        try:
            answer = self._ask(
                "GET", f"download/{self._object(item.key)}", item.key, size=end - start,
                headers={"Range": f"bytes={start}-{end - 1}", "Accept-Encoding": "identity"},
                alt="media", generation=item.etag or None,
            )
        except MissingObject:
            if self.head(item.key) is None:
                raise
            raise changed(self.url, item.key) from None
        part = answer.headers.get("Content-Range", "").startswith(f"bytes {start}-{end - 1}/")
        whole = answer.status == HTTPStatus.OK and end - start == item.size
        progress.advance(len(answer.body))
        return checked(self.url, item, answer.body if part or whole else b"", end - start)

    def open_local(self, item: Item) -> None:
        del item

    # Writing.

    def write(self, key: str, data: bytes, *, new: bool = False) -> bool:
        try:
            sent = self._write_new(key, data) if new else self._ask(
                "POST", self._uploads, key, size=len(data), data=data,
                headers={"Content-Type": _BINARY}, uploadType="media", name=self._prefix + key,
            )
        except FileExistsError:
            return False
        except MissingObject:
            self._page(self._prefix, "", most=1)  # raises for a missing bucket
            raise
        if parsed(self.url, lambda: size_in(sent.json["size"])) != len(data):
            raise not_whole(self.url, key)
        return True

    def _write_new(self, key: str, data: bytes) -> _Answer:
        """Write if `key` is free, with the only form of conditional request that all servers accept."""
        boundary = uuid4().hex
        about = json.dumps({"name": self._prefix + key})
        lines = [f"--{boundary}", "Content-Type: application/json", "", about, f"--{boundary}"]
        head = "\r\n".join([*lines, f"Content-Type: {_BINARY}", "", ""])
        return self._ask(
            "POST", self._uploads, key, size=len(data), data=head.encode() + data + f"\r\n--{boundary}--".encode(),
            headers={"Content-Type": f'multipart/related; boundary="{boundary}"'},
            uploadType="multipart", ifGenerationMatch="0",
        )

    def upload(
        self, key: str, fd: int, size: int, run: RunAll, check: Check | None = None, progress: Progress = SILENT,
    ) -> None:
        read_first(fd, check, progress)
        if size <= PART:
            self.write(key, range_of(fd, 0, size))
            return
        address = run(lambda _: self._begin(key), [key], 0)[0]
        try:
            position = 0  # Google accepts parts in order only
            while position < size:
                after = run(partial(self._send, key, address, fd, size), [position], PART)[0]
                progress.advance(after - position)
                position = after
        except BaseException:
            with suppress(RemoteError, MissingObject):
                self._ask("DELETE", address, key)
            raise

    def _begin(self, key: str) -> str:
        """Begin an upload in parts, and return its URL."""
        answer = self._ask(
            "POST", self._uploads, key, headers={"X-Upload-Content-Type": _BINARY}, json={},
            uploadType="resumable", name=self._prefix + key,
        )
        return parsed(self.url, lambda: answer.headers["Location"])

    def _send(self, key: str, address: str, fd: int, size: int, start: int) -> int:
        """Send the part at `start`, and return the next start as the server reports it."""
        end = min(start + PART, size)
        about = {"Content-Range": f"bytes {start}-{end - 1}/{size}"}
        answer = self._ask("PUT", address, key, size=end - start, headers=about, data=range_of(fd, start, end))
        if answer.status in (HTTPStatus.OK, HTTPStatus.CREATED):
            return size
        last = whole_number(answer.headers.get("Range", "").rpartition("-")[2])
        after = 0 if last is None else last + 1
        if not start < after <= size:
            raise Transient(f"{self.url}/{key}: the server did not receive a part", AGAIN)
        return after

    # Removing.

    def delete(self, keys: Iterable[str]) -> None:

        async def remove(service: _Service, key: str) -> None:
            try:
                await service.request("DELETE", self._object(key))
            except _Refused as error:
                if error.status != HTTPStatus.NOT_FOUND:
                    raise

        self._session.ask(lambda service: each(partial(remove, service), keys))

    def sweep(self, before: float) -> int:
        del before  # Google removes unfinished uploads after a week
        return 0

    def close(self) -> None:
        self._session.close()

    # Requests.

    def _object(self, key: str) -> str:
        return f"storage/v1/b/{self._bucket}/o/{quote(self._prefix + key, safe='')}"

    def _ask(self, method: str, path: str, key: str = "", *, size: int = 0, **params: Any) -> _Answer:
        return self._session.ask(lambda service: service.request(method, path, **params), key, size)

    def _translate(self, error: Exception, key: str) -> Exception:
        """Translate an error of aiohttp or Google."""
        from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415 - it is loaded

        if isinstance(error, _Refused):
            return self._refused(error, key)
        if known := untrusted(self.url, error):
            return known
        if isinstance(error, GoogleAuthError):
            return RemoteError(f"{self.url}: no valid login for Google Cloud Storage", _LOGIN)
        about = f"{self.url}/{key}".rstrip("/")
        return unanswered(self.url, error) or RemoteError(f"{about}: {text_of(error)}", "mvc remote test")

    def _refused(self, error: _Refused, key: str) -> Exception:
        about, status = f"{self.url}/{key}".rstrip("/"), error.status
        if status == HTTPStatus.NOT_FOUND:
            return MissingObject(f"{about}: object not found")
        if status == HTTPStatus.PRECONDITION_FAILED:
            return FileExistsError(about)
        if status in (429, 503):
            return SlowDown(f"{self.url}: Google Cloud Storage asks for fewer requests ({status})", AGAIN)
        if status == HTTPStatus.UNAUTHORIZED or "Anonymous caller" in str(error):
            return RemoteError(f"{self.url}: no valid login for Google Cloud Storage", _LOGIN)
        if status == HTTPStatus.FORBIDDEN:
            message = f"{about}: access denied; the login in use lacks a permission, such as storage.objects.get"
            return RemoteError(message, f"gcloud storage buckets get-iam-policy gs://{self._bucket}")
        if status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return changed(self.url, key)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
            return Transient(f"{self.url}: Google Cloud Storage failed ({status})", AGAIN)
        return RemoteError(f"{about}: {text_of(error)}", "mvc remote test")
