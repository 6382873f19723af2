"""A bucket wherever else fsspec leads: WebDAV, HDFS, Dropbox, whatever is installed.

What fsspec's backends have in common is little: a read is not tied to one version of an object, and
"only where nothing is" means to look first. Objects are proven by their digest in any case.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from mvc.errors import MissingObject, UsageError
from mvc.store.buckets.bucket import PART, Changed, Check, Item, RemoteError, Run, Transient, read_first
from mvc.store.buckets.session import AGAIN

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

_TEMPORARY = "tmp/"
_TIMES = ("mtime", "updated", "LastModified", "last_modified", "created")


class FsspecBucket:
    """Files below a URL that fsspec opens."""

    def __init__(self, url: str, options: Mapping[str, Any] | None = None) -> None:
        """Use `url`; `options` are those of fsspec's backend. Nothing is asked yet."""
        self.url = url.rstrip("/")
        self.requests = 0
        """Not known: fsspec does not tell."""
        self._protocol = url.partition("://")[0]
        self._options = options or {}

    @cached_property
    def _opened(self) -> tuple[AbstractFileSystem, str]:
        """The backend, and the path in it that is our root."""
        from fsspec.core import url_to_fs  # noqa: PLC0415 - start-up time

        plain = {"skip_instance_cache": True, "use_listings_cache": False}
        try:
            backend, root = url_to_fs(self.url, **plain, **self._options)
        except ImportError as error:
            raise UsageError(f"{self._protocol}:// is not installed: {error}", "pip install fsspec[full]") from None
        except ValueError as error:  # no such protocol, or no such account
            raise UsageError(f"{self.url}: {error}", "mvc remote list") from None
        return backend, root.rstrip("/")

    def head(self, key: str) -> Item | None:
        """See `Bucket.head`."""
        backend, root = self._opened
        with self._told(key):
            try:
                found = backend.info(f"{root}/{key}")
            except (FileNotFoundError, NotADirectoryError):
                return None
            return self._item(key, found) if found["type"] == "file" else None

    def list(self, prefix: str) -> Iterator[Item]:
        """See `Bucket.list`."""
        backend, root = self._opened
        with self._told(prefix):
            top = f"{root}/{prefix.rpartition('/')[0]}".rstrip("/")
            try:
                found = backend.find(top, detail=True)
            except FileNotFoundError:
                found = {}
            start = len(root.lstrip("/")) + 1
            items = {path.lstrip("/")[start:]: about for path, about in found.items()}
        for key, about in items.items():
            if key.startswith(prefix) and not key.startswith(_TEMPORARY):
                yield self._item(key, about)

    def _item(self, key: str, found: Mapping[str, Any]) -> Item:
        if found.get("size") is None:
            raise RemoteError(f"{self.url}/{key}: the server does not tell its size", "use another server")
        time = next((found[name] for name in _TIMES if found.get(name) is not None), 0)
        return Item(key, int(found["size"]), str(found.get("etag") or found.get("ETag") or ""), _seconds(time))

    def read(self, item: Item, start: int, end: int) -> bytes:
        """See `Bucket.read`."""
        if start == end:
            return b""
        backend, root = self._opened
        with self._told(item.key):
            data: bytes = backend.cat_file(f"{root}/{item.key}", start=start, end=end)
        if len(data) != end - start:
            raise Transient(f"{self.url}/{item.key}: the answer has not the length it must have", AGAIN)
        return data

    def open_local(self, item: Item) -> None:
        """See `Bucket.open_local`: there is none."""

    def write(self, key: str, data: bytes, *, new: bool = False) -> bool:
        """See `Bucket.write`."""
        return self._put(key, lambda file: file.write(data), len(data), new=new)

    def upload(self, key: str, fd: int, size: int, run: Run, check: Check | None = None) -> None:
        """See `Bucket.upload`."""
        del run  # one stream: backends are not alike in more
        read_first(fd, check)

        def send(file: Any) -> None:
            for start in range(0, size, PART):
                data = os.pread(fd, min(PART, size - start), start)
                if len(data) != min(PART, size - start):
                    raise Changed("a file became shorter while it was sent", "run the command again")
                file.write(data)

        self._put(key, send, size, new=False)

    def _put(self, key: str, send: Callable[[Any], object], size: int, *, new: bool) -> bool:
        """Write what `send` sends under a temporary name first: not all backends write all or nothing."""
        backend, root = self._opened
        with self._told(key):
            if new and backend.exists(f"{root}/{key}"):
                return False
            path = f"{root}/{_TEMPORARY}{uuid4().hex}"
            backend.makedirs(os.path.dirname(path), exist_ok=True)
            self._send(path, send, size)
            return self._rename(path, f"{root}/{key}", new=new)

    def _send(self, path: str, send: Callable[[Any], object], size: int) -> None:
        backend, _ = self._opened
        file = backend.open(path, "wb", block_size=PART)
        try:
            send(file)
        except BaseException:
            with suppress(Exception):
                file.close()
                backend.rm_file(path)
            raise
        file.close()
        if backend.info(path)["size"] != size:
            raise Transient(f"{self.url}: what arrived has not the length it must have", AGAIN)

    def _rename(self, temporary: str, path: str, *, new: bool) -> bool:
        """Give a complete file its name, which not every backend does where something has it."""
        backend, _ = self._opened
        backend.makedirs(os.path.dirname(path), exist_ok=True)
        if backend.exists(path):
            if new:
                backend.rm_file(temporary)
                return False
            backend.rm_file(path)
        backend.mv(temporary, path)
        return True

    def delete(self, keys: Iterable[str]) -> None:
        """See `Bucket.delete`."""
        backend, root = self._opened
        for key in keys:
            with self._told(key), suppress(FileNotFoundError):
                backend.rm_file(f"{root}/{key}")

    def sweep(self, before: float) -> int:
        """See `Bucket.sweep`."""
        backend, root = self._opened
        with self._told(_TEMPORARY):
            found = backend.find(f"{root}/{_TEMPORARY}", detail=True)
            old = [path for path, about in found.items() if 0 < self._item(path, about).modified < before]
            for path in old:
                backend.rm_file(path)
        return len(old)

    def close(self) -> None:
        """See `Bucket.close`: fsspec ends its backends itself."""

    @contextmanager
    def _told(self, key: str) -> Iterator[None]:
        """Turn what a backend says into one line about the remote."""
        try:
            yield
        except (RemoteError, MissingObject, UsageError):
            raise
        except FileNotFoundError:
            raise MissingObject(f"{self.url}/{key} is gone") from None
        except PermissionError as error:
            raise RemoteError(f"{self.url}/{key}: access denied{_reason(error)}", "mvc remote test") from None
        except (TimeoutError, ConnectionError) as error:
            raise Transient(f"{self.url}: no answer{_reason(error)}", AGAIN) from None
        except Exception as error:  # each backend has errors of its own
            raise RemoteError(f"{self.url}/{key}: failed{_reason(error)}", "mvc remote test") from error


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())[:200]
    return f": {text or type(error).__name__}"


def _seconds(time: Any) -> float:
    """Return a time as seconds since the epoch: backends have it in three forms."""
    if isinstance(time, str):
        with suppress(ValueError):
            time = datetime.fromisoformat(time)
    if isinstance(time, datetime):
        return time.timestamp()
    return float(time) if isinstance(time, int | float) else 0
