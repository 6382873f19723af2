"""The folder of a prediction log: the names of its parts, its size, and its key. Others may write to it as well."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import quote

from mvc.errors import InvalidFormat
from mvc.evaluation.live.prediction_log import ENDING
from mvc.fs.new_names import link_new, rename_new
from mvc.fs.scratch import Scratch
from mvc.fs.tree import write_durable

KEY = ".key"
_KEY_BYTES = 32
_SCRATCH = ".tmp"
_PRIVATE, _GROUP_READS = 0o600, 0o640
_PART = "part-"


class TooLarge(Exception):
    """A part has more bytes than all parts may have."""


class _File(NamedTuple):
    name: str
    """It begins with the time, so that the oldest part is the least."""
    path: str
    size: int


class LogFolder:
    """The folder, as one server writes to it."""

    def __init__(self, path: str, limit: int) -> None:
        """Keep at most `limit` bytes of parts."""
        self.path, self.limit = os.path.abspath(path), limit
        self._scratch: Scratch | None = None
        self._numbers = itertools.count()

    def open(self) -> None:
        """Make the folder, and remove temporary files of dead processes.

        Raises:
            OSError: it cannot be made or written.
        """
        if self._scratch is None or not os.path.isdir(f"{self.path}/{_SCRATCH}"):  # somebody removed it
            self.close()
            self._scratch = Scratch(f"{self.path}/{_SCRATCH}")

    def close(self) -> None:
        """Remove temporary files; `add` makes them anew."""
        if self._scratch:
            self._scratch.__exit__()
        self._scratch = None

    def add(self, model: str, time: float, content: bytes) -> int:
        """Write a part that begins at `time`, in seconds since the epoch, and return the bytes of all parts.

        It appears complete, or not at all. The oldest parts are removed if there is no room for it.

        Raises:
            TooLarge: it alone has more bytes than all parts may have.
            OSError: it cannot be written.
        """
        if len(content) > self.limit:
            raise TooLarge(f"{len(content):,} bytes, and --log-limit is {self.limit:,}")
        try:
            self.open()
            return self._add(model, datetime.fromtimestamp(time, UTC), content)
        except OSError:
            self.close()
            raise

    def _add(self, model: str, time: datetime, content: bytes) -> int:
        if self._scratch is None:
            raise ValueError("not open")
        temporary = self._scratch.name()
        try:
            write_durable(temporary, content, _GROUP_READS)
            folder = f"{self.path}/{_folder_name(model)}/{time:%Y-%m-%d}"
            os.makedirs(folder, exist_ok=True)
            size = self._trim(self.limit - len(content)) + len(content)
            while not rename_new(temporary, f"{folder}/{self._name(time)}"):  # containers share the number of a process
                continue
        except OSError:
            with suppress(OSError):
                os.unlink(temporary)
            raise
        return size

    def _name(self, time: datetime) -> str:
        return f"{_PART}{time:%Y%m%dT%H%M%SZ}-{os.getpid()}-{next(self._numbers)}{ENDING}"

    def _trim(self, most: int) -> int:
        """Remove the oldest parts until all have at most `most` bytes, and return how many they have."""
        files = sorted(_parts(self.path))
        total = sum(file.size for file in files)
        for file in files:
            if total <= most:
                break
            with suppress(FileNotFoundError):  # another server removed it
                os.unlink(file.path)
            total -= file.size
        return total

    def key(self) -> bytes:
        """Return the key for hashed columns; the first server makes it, and only its user can read it.

        Raises:
            OSError: it can neither be read nor made.
            InvalidFormat: the file is not a key.
        """
        path = f"{self.path}/{KEY}"
        if not os.path.exists(path):
            self.open()
            if self._scratch is None:
                raise ValueError("not open")
            temporary = self._scratch.name()
            write_durable(temporary, os.urandom(_KEY_BYTES), _PRIVATE)
            link_new(temporary, path)
            os.unlink(temporary)
        with open(path, "rb") as file:
            key = file.read(_KEY_BYTES + 1)
        if len(key) != _KEY_BYTES:
            raise InvalidFormat(f"{path} has {len(key)} bytes, expected a key of {_KEY_BYTES}", "choose another folder")
        return key


def _folder_name(model: str) -> str:
    """Return a model's name as that of a folder which is not hidden."""
    name = quote(model, safe="")
    return f"%2E{name[1:]}" if name.startswith(".") else name


def _parts(folder: str) -> Iterator[_File]:
    """Yield the parts of all models: `<model>/<date>/part-…`."""
    for top, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            if name.startswith(_PART) and name.endswith(ENDING):
                with suppress(FileNotFoundError):
                    yield _File(name, f"{top}/{name}", os.lstat(f"{top}/{name}").st_size)
