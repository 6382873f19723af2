"""A bucket in Google Cloud Storage.

gcsfs gives the session, the credentials and the address. The requests are the JSON API's: a write is one
request that can be conditional, a read is tied to one version. gcsfs's own retries are left out:
mvc.store.buckets.retry has them. https://cloud.google.com/storage/docs/json_api
"""

from __future__ import annotations

import json
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
from mvc.store.buckets.bucket import PART, Check, Item, RemoteError, Run, SlowDown, Transient, read_first
from mvc.store.buckets.session import (
    AGAIN,
    CONNECT_PATIENCE,
    PATIENCE,
    Backend,
    Page,
    Pages,
    Session,
    changed,
    checked,
    each,
    need,
    range_of,
    unanswered,
)

if TYPE_CHECKING:
    from gcsfs.core import GCSFileSystem

_LOGIN = "gcloud auth application-default login  # or: export GOOGLE_APPLICATION_CREDENTIALS=FILE"
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


class GoogleBucket:
    """Objects below `gs://BUCKET/PREFIX`."""

    def __init__(self, url: str, patience: float = PATIENCE) -> None:
        """Use `url`; nothing is asked yet.

        Raises:
            UsageError: gcsfs is not installed.

        """
        need(url, "gcsfs", "gs")
        self.url = url.rstrip("/")
        self._bucket, _, prefix = self.url.partition("://")[2].partition("/")
        self._prefix = f"{prefix}/" if prefix else ""
        self._session = Session(self.url, Backend(partial(_connect, patience), _end, self._translate), patience)
        self._uploads = f"upload/storage/v1/b/{self._bucket}/o"
        self._confirmed = False

    @property
    def requests(self) -> int:
        """See `Bucket.requests`."""
        return self._session.requests

    # Finding.

    def head(self, key: str) -> Item | None:
        """See `Bucket.head`."""
        try:
            return self._item(self._ask("GET", self._object(key), key, fields="name,size,generation,updated").json)
        except MissingObject:
            if not self._confirmed:  # nothing is there, or not even the bucket
                self._page(self._prefix, "", most=1)
                self._confirmed = True
            return None

    def list(self, prefix: str) -> Iterator[Item]:
        """See `Bucket.list`."""
        return Pages(partial(self._page, self._prefix + prefix))

    def _page(self, prefix: str, token: str, most: int = 0) -> Page:
        path = f"storage/v1/b/{self._bucket}/o"
        try:
            page = self._ask(
                "GET", path, prefix=prefix, pageToken=token or None, maxResults=most or PAGE, fields=_FIELDS,
            ).json
        except MissingObject:
            fix = f"gcloud storage buckets create gs://{self._bucket}"
            raise RemoteError(f"there is no bucket {self._bucket} in Google Cloud Storage", fix) from None
        return [self._item(found) for found in page.get("items", [])], str(page.get("nextPageToken", ""))

    def _item(self, found: Mapping[str, Any]) -> Item:
        key = found["name"].removeprefix(self._prefix)
        return Item(key, int(found["size"]), found["generation"], datetime.fromisoformat(found["updated"]).timestamp())

    # Reading.

    def read(self, item: Item, start: int, end: int) -> bytes:
        """See `Bucket.read`."""
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
        return checked(self.url, item, answer.body if part or whole else b"", end - start)

    def open_local(self, item: Item) -> None:
        """See `Bucket.open_local`: there is none."""

    # Writing.

    def write(self, key: str, data: bytes, *, new: bool = False) -> bool:
        """See `Bucket.write`."""
        try:
            sent = self._write_new(key, data) if new else self._ask(
                "POST", self._uploads, key, size=len(data), data=data,
                headers={"Content-Type": _BINARY}, uploadType="media", name=self._prefix + key,
            )
        except FileExistsError:
            return False
        except MissingObject:
            self._page(self._prefix, "", most=1)  # says it when there is no bucket
            raise
        if int(sent.json.get("size", -1)) != len(data):
            raise Transient(f"{self.url}/{key}: what arrived has not the length it must have", AGAIN)
        return True

    def _write_new(self, key: str, data: bytes) -> _Answer:
        """Write on the condition that nothing is there, in the form of request that all servers know it in."""
        boundary = uuid4().hex
        about = json.dumps({"name": self._prefix + key})
        lines = [f"--{boundary}", "Content-Type: application/json", "", about, f"--{boundary}"]
        head = "\r\n".join([*lines, f"Content-Type: {_BINARY}", "", ""])
        return self._ask(
            "POST", self._uploads, key, size=len(data), data=head.encode() + data + f"\r\n--{boundary}--".encode(),
            headers={"Content-Type": f'multipart/related; boundary="{boundary}"'},
            uploadType="multipart", ifGenerationMatch="0",
        )

    def upload(self, key: str, fd: int, size: int, run: Run, check: Check | None = None) -> None:
        """See `Bucket.upload`. The parts of one object follow each other: Google takes them in no other way."""
        read_first(fd, check)
        if size <= PART:
            self.write(key, range_of(fd, 0, size))
            return
        place = run(lambda _: self._begin(key), [key], 0)[0]
        try:
            position = 0
            while position < size:
                position = run(partial(self._send, key, place, fd, size), [position], PART)[0]
        except BaseException:
            with suppress(RemoteError, MissingObject):
                self._ask("DELETE", place, key)
            raise

    def _begin(self, key: str) -> str:
        """Begin an upload in parts; where they go to."""
        answer = self._ask(
            "POST", self._uploads, key, headers={"X-Upload-Content-Type": _BINARY}, json={},
            uploadType="resumable", name=self._prefix + key,
        )
        return answer.headers["Location"]

    def _send(self, key: str, place: str, fd: int, size: int, start: int) -> int:
        """Send the part from `start` on; where the next begins, as the server tells."""
        end = min(start + PART, size)
        about = {"Content-Range": f"bytes {start}-{end - 1}/{size}"}
        answer = self._ask("PUT", place, key, size=end - start, headers=about, data=range_of(fd, start, end))
        if answer.status in (HTTPStatus.OK, HTTPStatus.CREATED):
            return size
        after = int(answer.headers.get("Range", "0--1").rpartition("-")[2]) + 1 if "Range" in answer.headers else 0
        if after <= start:
            raise Transient(f"{self.url}/{key}: a part did not arrive", AGAIN)
        return after

    # Removing.

    def delete(self, keys: Iterable[str]) -> None:
        """See `Bucket.delete`."""

        async def remove(backend: GCSFileSystem, key: str) -> None:
            with suppress(FileNotFoundError):
                await _request(backend, "DELETE", self._object(key))

        self._session.ask(lambda backend: each(partial(remove, backend), keys))

    def sweep(self, before: float) -> int:
        """See `Bucket.sweep`: after a week Google forgets by itself what was never finished."""
        del before
        return 0

    def close(self) -> None:
        """See `Bucket.close`."""
        self._session.close()

    # Asking.

    def _object(self, key: str) -> str:
        return f"storage/v1/b/{self._bucket}/o/{quote(self._prefix + key, safe='')}"

    def _ask(self, method: str, path: str, key: str = "", *, size: int = 0, **params: Any) -> _Answer:
        return self._session.ask(lambda backend: _request(backend, method, path, **params), key, size)

    def _translate(self, error: Exception, key: str) -> Exception:
        """Return what to raise instead of an error of gcsfs's."""
        about = f"{self.url}/{key}".rstrip("/")
        if isinstance(error, FileNotFoundError):
            return MissingObject(f"{about} is gone")
        if isinstance(error, FileExistsError):
            return FileExistsError(about)  # a condition did not hold: whoever set it knows
        code, text = str(getattr(error, "code", "")), _text(error)
        if code in ("429", "503"):
            return SlowDown(f"{self.url}: Google Cloud Storage asks to be asked less ({code})", AGAIN)
        if code == "401" or "Anonymous caller" in text:
            return RemoteError(f"{self.url}: no valid login for Google Cloud Storage", _LOGIN)
        if text.startswith("Forbidden") or code == "403":
            message = f"{about}: access denied; the login in use lacks a permission, such as storage.objects.get"
            return RemoteError(message, f"gcloud storage buckets get-iam-policy gs://{self._bucket}")
        if code == "416":
            return changed(self.url, key)
        if code.startswith("5") or code == "408" or type(error).__name__ == "ProxyError":
            return Transient(f"{self.url}: Google Cloud Storage has failed ({code or 502})", AGAIN)
        return unanswered(self.url, error) or RemoteError(f"{about}: {text}", "mvc remote test")


def _text(error: Exception) -> str:
    return (" ".join(str(error).split()) or type(error).__name__)[:200]


async def _request(backend: GCSFileSystem, method: str, path: str, **params: Any) -> _Answer:
    """Send one request, once. A path counts from the address of the service; `params` are gcsfs's and the query."""
    url = path if path.startswith("http") else f"{backend._location}/{path}"  # noqa: SLF001 - it has no other way
    once = type(backend)._request.__wrapped__  # noqa: SLF001 - without its retries
    if "data" in params:  # as a stream, so that others get their turn while it is sent
        params["data"] = BytesIO(params["data"])
    status, headers, _, body = await once(backend, method, url, **params)
    return _Answer(status, headers, body)


def _connect(patience: float) -> GCSFileSystem:
    from aiohttp import ClientTimeout  # noqa: PLC0415 - start-up time
    from gcsfs.core import GCSFileSystem  # noqa: PLC0415 - as above

    # What was sent is not looked at: then only Session's patience counts.
    limits = ClientTimeout(total=None, sock_connect=min(CONNECT_PATIENCE, patience), sock_read=patience)
    return GCSFileSystem(
        skip_instance_cache=True, use_listings_cache=False, requests_timeout=limits, session_kwargs={"trust_env": True},
    )


async def _end(backend: GCSFileSystem) -> None:
    if backend.session is not None:
        await backend.session.close()
