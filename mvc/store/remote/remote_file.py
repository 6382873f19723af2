"""An object on a remote as a file, read in ranges."""

from __future__ import annotations

import io
import os

from mvc.store.buckets.bucket import PART, Bucket
from mvc.store.remote.location import ObjectLocation


class RemoteFile(io.RawIOBase):
    """The object at `location`, readable and seekable; each read is one request."""

    def __init__(self, bucket: Bucket, location: ObjectLocation) -> None:
        self._bucket, self._location, self._position = bucket, location, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._location.size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]  # a buffer, as typeshed says elsewhere
        end = min(self._position + min(len(view), PART), self._location.size)
        if end <= self._position:
            return 0
        start = self._location.start
        data = self._bucket.read(self._location.item, start + self._position, start + end)
        view[: len(data)] = data
        self._position += len(data)
        return len(data)
