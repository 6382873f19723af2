"""A bucket in S3, or in whatever speaks as S3 does: MinIO, Ceph, R2, SeaweedFS.

s3fs gives the session and the calls. Its own transfers are not used: after a short answer or a reset
`get_file` leaves a file of zeros and says nothing. Its retries are off: mvc.store.buckets.retry has them.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from io import BytesIO
from itertools import islice
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeVar

from mvc.errors import MvcError
from mvc.store.buckets.bucket import PART, Changed, Check, Item, RemoteError, Run, Transient, read_first
from mvc.store.buckets.s3.errors import Asked, Redirected, code_of, translate
from mvc.store.buckets.session import AGAIN, CONNECT_PATIENCE, PATIENCE, Page, Pages, need, range_of

if TYPE_CHECKING:
    from datetime import datetime

    from s3fs import S3FileSystem

T = TypeVar("T")

_COMPLETE_PATIENCE = 600.0
"""Amazon may take minutes to put many parts together."""
_ABORT_PATIENCE = 0.5
"""Ctrl-C ends within a second; what could not be removed in time is swept another day."""
_MIB = 1 << 20
_MOST_PARTS = 10_000
_MOST_KEYS = 1000
"""What one request may delete."""
_CONNECTIONS = 64
_PROOF = {
    "complete_multipart_upload": "ETag", "create_multipart_upload": "UploadId", "get_object": "ETag",
    "head_object": "ETag", "list_multipart_uploads": "IsTruncated", "list_objects_v2": "IsTruncated",
    "put_object": "ETag", "upload_part": "ETag",
}
"""What S3 always says. A page that wants a login says nothing of the kind, yet 200."""
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_GONE = frozenset({"404", "NoSuchKey"})
_NO_REASON = frozenset({"301", "307", "400", "403"})
"""The answer to HEAD has no body, which would say why."""


class S3Bucket:
    """Objects below `s3://BUCKET/PREFIX`."""

    def __init__(
        self, url: str, options: Mapping[str, str] | None = None, patience: float = PATIENCE, name: str = "NAME",
    ) -> None:
        """Use `url` with `options`, by the names in docs/remotes.md; nothing is asked yet.

        `name` is the remote's, for what to type when something is wrong.

        Raises:
            UsageError: s3fs is not installed.

        """
        need(url, "s3fs", "s3")
        self.url = url.rstrip("/")
        self._bucket, _, prefix = self.url.removeprefix("s3://").partition("/")
        self._prefix = f"{prefix}/" if prefix else ""
        self._options = options or {}
        self._patience = patience
        self._name = name
        self.requests = 0
        self._lock = threading.Lock()
        self._made: S3FileSystem | None = None
        self._running: set[Future[Any]] = set()
        self._closed = self._reached = self._confirmed = False

    # Finding.

    def head(self, key: str) -> Item | None:
        """See `Bucket.head`."""
        try:
            found = self._call("head_object", key)
        except RemoteError as error:
            listed = self._ask_why(key) if code_of(error) in _NO_REASON else None
            if code_of(error) not in _GONE and not (code_of(error) == "403" and listed is False):
                raise
        else:
            return Item(key, found["ContentLength"], found["ETag"], _seconds(found["LastModified"]))
        if not self._confirmed:
            self._ask_why()  # nothing is there, or not even the bucket
            self._confirmed = True
        return None

    def _ask_why(self, key: str = "") -> bool | None:
        """Ask something whose refusal has a reason in it, and raise that; else whether `key` is there.

        Who may list only below a prefix is told 403 of what is not there. None: who may read may not list.
        """
        try:
            page = self._call("list_objects_v2", Prefix=self._prefix + key, MaxKeys=1)
        except RemoteError as error:
            if code_of(error) != "AccessDenied":
                raise
            return None
        return any(found["Key"] == self._prefix + key for found in page.get("Contents", []))

    def list(self, prefix: str) -> Iterator[Item]:
        """See `Bucket.list`."""
        return Pages(partial(self._page, self._prefix + prefix))

    def _page(self, prefix: str, token: str) -> Page:
        start: dict[str, Any] = {"ContinuationToken": token} if token else {}
        page = self._call("list_objects_v2", Prefix=prefix, **start)
        found = page.get("Contents", [])
        after = str(page.get("NextContinuationToken", "")) if page.get("IsTruncated") else ""
        lacking = page.get("KeyCount", len(found)) != len(found) or (page.get("IsTruncated") and after in ("", token))
        if lacking or any(not one["Key"].startswith(prefix) for one in found):
            raise Transient(f"{self.url}: a listing was cut short", AGAIN)
        return [self._item(one) for one in found], after

    def _item(self, found: Mapping[str, Any]) -> Item:
        key = found["Key"].removeprefix(self._prefix)
        return Item(key, found["Size"], found["ETag"], _seconds(found["LastModified"]))

    # Reading.

    def read(self, item: Item, start: int, end: int) -> bytes:
        """See `Bucket.read`."""
        if start == end:
            return b""
        return self._wait(partial(self._read, item, start, end), self._asked("get_object", item.key))

    async def _read(self, item: Item, start: int, end: int) -> bytes:
        buffer = BytesIO()
        buffer.seek(end - start - 1)
        buffer.write(b"\0")  # all of its memory at once; what counts is how far it was filled
        buffer.seek(0)
        match = {"IfMatch": item.etag} if item.etag else {}
        params = {"Key": self._prefix + item.key, "Range": f"bytes={start}-{end - 1}", **match}
        answer = await self._request("get_object", self._patience, int, **params)
        try:
            self._check(answer, item, start, end)
            await _within(self._patience, _drain(answer["Body"], buffer, end - start), buffer.tell)
        finally:
            answer["Body"].close()
        if buffer.tell() != end - start:
            raise self._other_length(item)
        return buffer.getvalue()

    def _check(self, answer: Mapping[str, Any], item: Item, start: int, end: int) -> None:
        """Hold what the server announces against what was asked."""
        if item.etag and answer.get("ETag", item.etag) != item.etag:
            raise Changed(f"{self.url}/{item.key} is not what it was a moment ago", "run the command again")
        status = answer["ResponseMetadata"]["HTTPStatusCode"]
        ranges = (f"bytes {start}-{end - 1}/{item.size}", f"bytes {start}-{end - 1}/*")
        part = status == HTTPStatus.PARTIAL_CONTENT and answer.get("ContentRange") in ranges
        whole = status == HTTPStatus.OK and end - start == item.size  # the server knows no ranges, and need not
        if not (part or whole) or answer.get("ContentLength", end - start) != end - start:
            raise self._other_length(item)

    def _other_length(self, item: Item) -> Transient:
        return Transient(f"{self.url}/{item.key}: the answer has not the length it must have", AGAIN)

    def open_local(self, item: Item) -> None:
        """See `Bucket.open_local`: there is none."""

    # Writing.

    def write(self, key: str, data: bytes, *, new: bool = False) -> bool:
        """See `Bucket.write`."""
        body = BytesIO(data)
        condition: dict[str, Any] = {"IfNoneMatch": "*"} if new else {}
        try:
            self._call("put_object", key, moved=body.tell, Body=body, **condition)
        except Changed:
            if not new:
                raise
            return False
        return True

    def upload(self, key: str, fd: int, size: int, run: Run, check: Check | None = None) -> None:
        """See `Bucket.upload`."""
        read_first(fd, check)
        if size <= PART:
            self.write(key, range_of(fd, 0, size))
            return
        step = _part_size(size)
        starts = range(0, size, step)
        upload = run(lambda _: self._call("create_multipart_upload", key)["UploadId"], [key], 0)[0]
        try:
            tags = run(partial(self._send, key, upload, fd, size, step), starts, step)
            parts = [{"PartNumber": number, "ETag": tag} for number, tag in enumerate(tags, 1)]
            run(partial(self._complete, key, upload, size), [parts], 0)
        except BaseException:
            with suppress(RemoteError):
                self._call("abort_multipart_upload", key, patience=_ABORT_PATIENCE, UploadId=upload)
            raise

    def _send(self, key: str, upload: str, fd: int, size: int, step: int, start: int) -> str:
        """Send one part; its ETag."""
        body = BytesIO(range_of(fd, start, min(start + step, size)))
        number = start // step + 1
        sent = self._call("upload_part", key, moved=body.tell, UploadId=upload, PartNumber=number, Body=body)
        return str(sent["ETag"])

    def _complete(self, key: str, upload: str, size: int, parts: Sequence[Mapping[str, Any]]) -> None:
        whole: dict[str, Any] = {"UploadId": upload, "MultipartUpload": {"Parts": parts}}
        try:
            self._call("complete_multipart_upload", key, patience=max(_COMPLETE_PATIENCE, self._patience), **whole)
        except RemoteError as error:
            if code_of(error) != "NoSuchUpload":
                raise
            found = self.head(key)  # the answer to an earlier try was lost
            if found is None or found.size != size or not found.etag.strip('"').endswith(f"-{len(parts)}"):
                raise

    # Removing.

    def delete(self, keys: Iterable[str]) -> None:
        """See `Bucket.delete`."""
        rest = iter(keys)
        while some := list(islice(rest, _MOST_KEYS)):
            doomed = {"Objects": [{"Key": self._prefix + key} for key in some], "Quiet": True}
            for error in self._call("delete_objects", Delete=doomed).get("Errors", []):
                answer = _Refused({"Error": error})
                raise translate(answer, self._asked("delete_objects", error.get("Key", "").removeprefix(self._prefix)))

    def sweep(self, before: float) -> int:
        """See `Bucket.sweep`."""
        swept = 0
        marker: dict[str, Any] = {}
        while True:
            page = self._call("list_multipart_uploads", Prefix=self._prefix, **marker)
            for found in page.get("Uploads", []):
                if found["Initiated"].timestamp() < before:
                    key = found["Key"].removeprefix(self._prefix)
                    self._call("abort_multipart_upload", key, UploadId=found["UploadId"])
                    swept += 1
            after = {"KeyMarker": page.get("NextKeyMarker"), "UploadIdMarker": page.get("NextUploadIdMarker")}
            if not page.get("IsTruncated") or after == marker or not after["KeyMarker"]:
                return swept
            marker = after

    def close(self) -> None:
        """See `Bucket.close`."""
        with self._lock:
            self._closed = True
            made, running = self._made, tuple(self._running)
        for future in running:
            future.cancel()
        if made is not None and made._s3 is not None:  # noqa: SLF001 - s3fs closes no other way
            made.close_session(made.loop, made._s3creator)  # noqa: SLF001

    # Asking.

    def identity(self) -> str:
        """Return as whom requests are signed, and where the credentials come from.

        Raises:
            RemoteError: there are no credentials.

        """
        from mvc.store.buckets.s3.identity import identity  # noqa: PLC0415 - only `mvc remote test` asks

        filesystem = self._filesystem()
        return self._wait(lambda: identity(filesystem), self._asked("get_caller_identity"))

    def _call(
        self, method: str, key: str = "", *, patience: float = 0, moved: Callable[[], int] = int, **params: Any
    ) -> dict[str, Any]:
        """Return the answer to a request; `moved` counts the bytes that are on their way."""
        if key:
            params["Key"] = self._prefix + key
        ask = partial(self._request, method, patience or self._patience, moved, **params)
        return self._wait(ask, self._asked(method, key))

    async def _request(self, method: str, patience: float, moved: Callable[[], int], **params: Any) -> dict[str, Any]:
        self.requests += 1  # on the one thread of the event loop
        call = self._filesystem()._call_s3(method, Bucket=self._bucket, **params)  # noqa: SLF001 - as it is documented
        answer: dict[str, Any] = await _within(patience, call, moved)
        if _PROOF.get(method, "ResponseMetadata") not in answer:
            raise Transient(f"{self.url}: what was answered is not what S3 answers", AGAIN)
        self._reached = True
        return answer

    def _asked(self, method: str, key: str = "") -> Asked:
        endpoint = self._options.get("endpoint_url", "")
        signer = _signer(self._options)
        return Asked(self.url, self._bucket, endpoint, method, key, self._reached, self._name, signer)

    def _wait(self, work: Callable[[], Coroutine[Any, Any, T]], asked: Asked) -> T:
        """Have fsspec's thread do `work`; whatever goes wrong comes out as an error of ours."""
        loop = self._filesystem().loop
        with self._lock:
            if self._closed:
                raise RemoteError(f"{self.url}: stopped", AGAIN)
            future = asyncio.run_coroutine_threadsafe(work(), loop)
            self._running.add(future)
        try:
            return future.result()
        except CancelledError:
            raise RemoteError(f"{self.url}: stopped", AGAIN) from None
        except MvcError:
            raise
        except Exception as error:
            raise translate(error, asked) from error
        finally:
            future.cancel()
            self._running.discard(future)

    def _filesystem(self) -> S3FileSystem:
        with self._lock:
            if self._made is None:
                self._made = _filesystem(self._options, self._patience)
            return self._made


class _Refused(Exception):
    """An error in the midst of an answer, in the form of the SDK's."""

    def __init__(self, response: Mapping[str, Any]) -> None:
        super().__init__()
        self.response = response


async def _within(patience: float, work: Coroutine[Any, Any, T], moved: Callable[[], int] = int) -> T:
    """Return what `work` does, unless nothing `moved` for `patience` seconds: the SDK does not look at what is sent."""
    task, seen = asyncio.ensure_future(work), 0
    try:
        while not (await asyncio.wait({task}, timeout=patience))[0]:
            if (now := moved()) == seen:
                raise TimeoutError
            seen = now
        return task.result()
    finally:
        task.cancel()


async def _drain(body: Any, buffer: BytesIO, size: int) -> None:
    """Read `body` until its end, or until it has more than `size` bytes."""
    content = body.raw_stream.content
    while buffer.tell() <= size and (data := await content.readany()):
        buffer.write(data)


def _seconds(when: datetime) -> float:
    """Return a time in whole seconds since the epoch: some servers tell more in listings than at HEAD."""
    return float(int(when.timestamp()))


def _part_size(size: int) -> int:
    """Return the bytes of one part of an object: `PART`, more where that would be too many parts."""
    return max(PART, -(-size // _MOST_PARTS // _MIB) * _MIB)


def _filesystem(options: Mapping[str, str], patience: float) -> S3FileSystem:
    """Return s3fs's session, not connected yet."""
    from s3fs import S3FileSystem  # noqa: PLC0415 - it takes half a second

    extra = {"sse": "ServerSideEncryption", "kms_key_id": "SSEKMSKeyId", "acl": "ACL"}
    made = S3FileSystem(
        anon=options.get("anon") == "true",
        endpoint_url=options.get("endpoint_url") or None,
        key=options.get("access_key_id") or None,
        secret=options.get("secret_access_key") or None,
        token=options.get("session_token") or None,
        client_kwargs=_given(options, {"region": "region_name", "ca_bundle": "verify"}),
        config_kwargs={**_config(options, patience), "http_session_cls": _session_class(options)},
        s3_additional_kwargs=_given(options, extra),
        skip_instance_cache=True,
        use_listings_cache=False,
        **_given(options, {"profile": "profile"}),
    )
    made.retries = 1  # mvc.store.buckets.retry has its own
    return made


def _session_class(options: Mapping[str, str]) -> type[Any]:
    """Return the SDK's HTTP session, but one that follows no redirect: headers with a token would go along.

    Amazon's own are for the SDK, which asks another region of Amazon's then.
    """
    from aiobotocore.httpsession import AIOHTTPSession  # noqa: PLC0415 - s3fs has loaded it

    class Session(AIOHTTPSession):  # type: ignore[misc]  # has no types
        async def _get_session(self, proxy_url: str | None) -> Any:
            session = await super()._get_session(proxy_url)
            return SimpleNamespace(request=partial(session.request, allow_redirects=False))

        async def send(self, request: Any) -> Any:
            answer = await super().send(request)
            place = answer.headers.get("location") if answer.status_code in _REDIRECTS else None
            if place and options.get("endpoint_url") and "x-amz-bucket-region" not in answer.headers:
                answer.raw.close()
                raise Redirected(place)
            return answer

    return Session


def _signer(options: Mapping[str, str]) -> str:
    """Return what of the options decides about credentials; see `Asked.signer`."""
    if options.get("anon") == "true":
        return "anon"
    if options.get("access_key_id"):
        return "keys"
    return f"profile {options['profile']}" if options.get("profile") else ""


def _given(options: Mapping[str, str], names: Mapping[str, str]) -> dict[str, str]:
    """Return those of `options` that are set, under the SDK's names."""
    return {name: options[option] for option, name in names.items() if options.get(option)}


def _config(options: Mapping[str, str], patience: float) -> dict[str, Any]:
    """Return the SDK's settings. Not every server holds what it got against the signature, so there are checksums."""
    return {
        "connect_timeout": min(CONNECT_PATIENCE, patience),
        "read_timeout": patience,
        "retries": {"total_max_attempts": 1, "mode": "standard"},
        "max_pool_connections": _CONNECTIONS,
        "request_checksum_calculation": options.get("checksums") or "when_supported",
        "response_checksum_validation": "when_required",
        "s3": {"addressing_style": options.get("addressing_style") or "auto"},
    }
