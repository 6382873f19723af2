"""A bucket in S3, or a server that speaks its protocol: MinIO, Ceph, R2, SeaweedFS."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from io import BytesIO
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from mvc.fs.progress import SILENT, Progress
from mvc.store.buckets.bucket import PART, Changed, Check, Item, RemoteError, RunAll, Transient, read_first
from mvc.store.buckets.s3.client import S3Client, S3Connection
from mvc.store.buckets.s3.errors import code_of, refused_part
from mvc.store.buckets.session import AGAIN, PATIENCE, Page, Pages, changed, parsed, range_of, size_in, wrong_length

if TYPE_CHECKING:
    from datetime import datetime

_COMPLETE_PATIENCE = 600.0
"""Amazon may take minutes to assemble many parts."""
_ABORT_PATIENCE = 0.5
"""Ctrl-C takes a second at most; parts not removed in time are swept later."""
_MIB = 1 << 20
_MOST_PARTS = 10_000
_MOST_KEYS = 1000
"""Keys in one DeleteObjects request."""
_GONE = frozenset({"404", "NoSuchKey"})
_NO_REASON = frozenset({"301", "307", "400", "403"})
"""A response to HEAD has no body, so no reason."""


class _Parts(NamedTuple):
    """A file that is sent in parts of `step` bytes, and the upload's id."""

    key: str
    upload: str
    fd: int
    size: int
    step: int


class S3Bucket:
    """Objects below `s3://BUCKET/PREFIX`."""

    def __init__(
        self, url: str, options: Mapping[str, str] | None = None, patience: float = PATIENCE, name: str = "NAME",
    ) -> None:
        """Use `url` with `options`, by the names in docs/remotes.md; nothing is requested yet.

        `name` is the remote's, for fixes in errors.

        Raises:
            UsageError: aiobotocore is not installed.
        """
        self.url = url.rstrip("/")
        self._client = S3Client(self.url, options or {}, patience, name)
        self._prefix = self._client.prefix
        self._call = self._client.call
        self._patience = patience
        self._confirmed = False

    @property
    def requests(self) -> int:
        return self._client.session.requests

    def identity(self) -> str:
        """Return the identity that signs requests, and the origin of its credentials.

        Raises:
            RemoteError: there are no credentials.
        """
        from mvc.store.buckets.s3.identity import identity  # noqa: PLC0415 - only `mvc remote test` asks

        return self._client.session.ask(partial(identity, self._client.options))

    # Lookup.

    def head(self, key: str) -> Item | None:
        try:
            found = self._call("head_object", key)
        except RemoteError as error:
            listed = self._ask_why(key) if code_of(error) in _NO_REASON else None
            if code_of(error) not in _GONE and not (code_of(error) == "403" and listed is False):
                raise
        else:
            about = {"Key": self._prefix + key, "Size": found.get("ContentLength")}
            return parsed(self.url, lambda: self._item({**found, **about}))
        if not self._confirmed:
            self._ask_why()  # the bucket may be missing
            self._confirmed = True
        return None

    def _ask_why(self, key: str = "") -> bool | None:
        """Send a request whose error response has a reason, and raise it; else return whether `key` exists.

        An identity that may list only below a prefix gets 403 for missing keys. None: it may read, not list.
        """
        try:
            page = self._call("list_objects_v2", Prefix=self._prefix + key, MaxKeys=1)
        except RemoteError as error:
            if code_of(error) != "AccessDenied":
                raise
            return None
        return any(found["Key"] == self._prefix + key for found in page.get("Contents", []))

    def list(self, prefix: str) -> Iterator[Item]:
        return Pages(partial(self._page, self._prefix + prefix))

    def _page(self, prefix: str, token: str) -> Page:
        start: dict[str, Any] = {"ContinuationToken": token} if token else {}
        page = self._call("list_objects_v2", Prefix=prefix, **start)
        found = page.get("Contents", [])
        after = str(page.get("NextContinuationToken", "")) if page.get("IsTruncated") else ""
        items = parsed(self.url, lambda: [self._item(one) for one in found])
        lacking = page.get("KeyCount", len(found)) != len(found) or (page.get("IsTruncated") and after in ("", token))
        if lacking or any(not one["Key"].startswith(prefix) for one in found):
            raise Transient(f"{self.url}: a listing is incomplete", AGAIN)
        return items, after

    def _item(self, found: Mapping[str, Any]) -> Item:
        key = found["Key"].removeprefix(self._prefix)
        return Item(key, size_in(found["Size"]), found["ETag"], _seconds(found["LastModified"]))

    # Reading.

    def read(self, item: Item, start: int, end: int, progress: Progress = SILENT) -> bytes:
        if start == end:
            return b""
        with BytesIO() as buffer:
            buffer.seek(end - start - 1)
            buffer.write(b"\0")  # allocates all of it at once; its position is the filled size
            buffer.seek(0)
            fetch = partial(self._fetch, item, start, end, buffer)
            self._client.session.ask(fetch, item.key, moved=buffer.tell, progress=progress)
            if buffer.tell() != end - start:
                raise wrong_length(self.url, item.key)
            return buffer.getvalue()

    async def _fetch(self, item: Item, start: int, end: int, buffer: BytesIO, connection: S3Connection) -> None:
        match = {"IfMatch": item.etag} if item.etag else {}
        params = {"Key": self._prefix + item.key, "Range": f"bytes={start}-{end - 1}", **match}
        answer = await self._client.request("get_object", params, connection)
        try:
            self._check(answer, item, start, end)
            content = answer["Body"].raw_stream.content
            while buffer.tell() <= end - start and (data := await content.readany()):
                buffer.write(data)
        finally:
            answer["Body"].close()

    def _check(self, answer: Mapping[str, Any], item: Item, start: int, end: int) -> None:
        """Compare the headers of a response with the request."""
        if item.etag and answer.get("ETag", item.etag) != item.etag:
            raise changed(self.url, item.key)
        status = answer["ResponseMetadata"]["HTTPStatusCode"]
        ranges = (f"bytes {start}-{end - 1}/{item.size}", f"bytes {start}-{end - 1}/*")
        part = status == HTTPStatus.PARTIAL_CONTENT and answer.get("ContentRange") in ranges
        whole = status == HTTPStatus.OK and end - start == item.size  # from a server without ranges
        if not (part or whole) or answer.get("ContentLength", end - start) != end - start:
            raise wrong_length(self.url, item.key)

    def open_local(self, item: Item) -> None:
        del item

    # Writing.

    def write(self, key: str, data: bytes, *, new: bool = False) -> bool:
        body = BytesIO(data)
        condition: dict[str, Any] = {"IfNoneMatch": "*"} if new else {}
        try:
            self._call("put_object", key, moved=body.tell, Body=body, **condition)
        except Changed:
            if not new:
                raise
            return False
        return True

    def upload(
        self, key: str, fd: int, size: int, run: RunAll, check: Check | None = None, progress: Progress = SILENT,
    ) -> None:
        read_first(fd, check, progress)
        if size <= PART:
            self.write(key, range_of(fd, 0, size))
            return
        step = _part_size(size)
        upload = run(lambda _: self._call("create_multipart_upload", key)["UploadId"], [key], 0)[0]
        try:
            send = partial(self._send, _Parts(key, upload, fd, size, step), progress)
            tags = run(send, range(0, size, step), step)
            parts = [{"PartNumber": number, "ETag": tag} for number, tag in enumerate(tags, 1)]
            run(partial(self._complete, key, upload, size), [parts], 0)
        except BaseException:
            with suppress(RemoteError):
                self._call("abort_multipart_upload", key, patience=_ABORT_PATIENCE, UploadId=upload)
            raise

    def _send(self, parts: _Parts, progress: Progress, start: int) -> str:
        """Send the part at `start`, and return its ETag."""
        number, count = start // parts.step + 1, -(-parts.size // parts.step)
        try:
            with BytesIO(range_of(parts.fd, start, min(start + parts.step, parts.size))) as body:  # freed at once
                sent = self._call(
                    "upload_part", parts.key, moved=body.tell, progress=progress,
                    UploadId=parts.upload, PartNumber=number, Body=body,
                )
        except RemoteError as error:
            error.message += f", part {number} of {count} of {parts.key}"
            raise
        return str(sent["ETag"])

    def _complete(self, key: str, upload: str, size: int, parts: Sequence[Mapping[str, Any]]) -> None:
        whole: dict[str, Any] = {"UploadId": upload, "MultipartUpload": {"Parts": parts}}
        try:
            self._call("complete_multipart_upload", key, patience=max(_COMPLETE_PATIENCE, self._patience), **whole)
        except RemoteError as error:
            if code_of(error) != "NoSuchUpload":
                raise
            found = self.head(key)  # the response to an earlier try was lost
            if found is None or found.size != size or not found.etag.strip('"').endswith(f"-{len(parts)}"):
                raise

    # Removing.

    def delete(self, keys: Iterable[str]) -> None:
        rest = iter(keys)
        while some := list(islice(rest, _MOST_KEYS)):
            objects = [{"Key": self._prefix + key} for key in some]
            for error in self._call("delete_objects", Delete={"Objects": objects, "Quiet": True}).get("Errors", []):
                key = error.get("Key", "").removeprefix(self._prefix)
                raise self._client.translate(refused_part(error, "DeleteObjects"), key)

    def sweep(self, before: float) -> int:
        swept = 0
        marker: dict[str, Any] = {}
        while True:
            page = self._call("list_multipart_uploads", Prefix=self._prefix, **marker)
            for found in page.get("Uploads", []):
                if parsed(self.url, found["Initiated"].timestamp) < before:
                    key = found["Key"].removeprefix(self._prefix)
                    self._call("abort_multipart_upload", key, UploadId=found["UploadId"])
                    swept += 1
            after = {"KeyMarker": page.get("NextKeyMarker"), "UploadIdMarker": page.get("NextUploadIdMarker")}
            if not page.get("IsTruncated") or after == marker or not after["KeyMarker"]:
                return swept
            marker = after

    def close(self) -> None:
        self._client.session.close()


def _seconds(when: datetime) -> float:
    """Return a time in whole seconds since the epoch: some servers are more precise in listings than at HEAD."""
    return float(int(when.timestamp()))


def _part_size(size: int) -> int:
    """Return the bytes of one part of an object: `PART`, more where that would be too many parts."""
    return max(PART, -(-size // _MOST_PARTS // _MIB) * _MIB)
