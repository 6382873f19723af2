"""The folder of a prediction log: the names of its parts, its size, and its key. Others may write to it as well."""

from __future__ import annotations

import itertools
import os
import shlex
import stat
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import quote

from mvc.errors import InvalidFormat
from mvc.evaluation.live.prediction_log import ENDING
from mvc.fs.files import UnsafePath, open_regular
from mvc.fs.new_names import link_new, rename_new
from mvc.fs.scratch import Scratch
from mvc.fs.tree import write_durable

KEY = ".key"
_KEY_BYTES = 32
_OTHER_FOLDER = "choose another folder"
_SCRATCH = ".tmp"
_PRIVATE, _GROUP_READS = 0o600, 0o640
_OTHERS, _OTHERS_READ = 0o066, 0o044
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

    def open(self) -> Scratch:
        """Make the folder, remove temporary files of dead processes, and return where new ones are made.

        Raises:
            OSError: it cannot be made or written.
        """
        if self._scratch is None or not os.path.isdir(f"{self.path}/{_SCRATCH}"):  # somebody removed it
            self.close()
            self._scratch = Scratch(f"{self.path}/{_SCRATCH}")
        return self._scratch

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
            return self._add(self.open().name(), model, datetime.fromtimestamp(time, UTC), content)
        except OSError:
            self.close()
            raise

    def _add(self, temporary: str, model: str, time: datetime, content: bytes) -> int:
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
            InvalidFormat: the file is not a key, or others could read or replace it.
        """
        path = f"{self.path}/{KEY}"
        if not os.path.lexists(path):
            temporary = self.open().name()
            write_durable(temporary, os.urandom(_KEY_BYTES), _PRIVATE)
            link_new(temporary, path)
            with suppress(FileNotFoundError):  # without hard links it was renamed
                os.unlink(temporary)
        try:
            fd, status = open_regular(path, None, path)  # a pipe would make the start wait for ever
        except UnsafePath as error:
            raise InvalidFormat(f"{error.message}, expected a key", _OTHER_FOLDER) from None
        with open(fd, "rb") as file:
            _check_key(path, status)
            return file.read(_KEY_BYTES)


def _check_key(path: str, status: os.stat_result) -> None:
    if status.st_uid != os.geteuid():
        raise InvalidFormat(f"{path} is of another user, who knows the key of hashed columns", _OTHER_FOLDER)
    if others := stat.S_IMODE(status.st_mode) & _OTHERS:
        what = "be read" if others & _OTHERS_READ else "be changed"
        message = f"{path} can {what} by others, who may know the key of hashed columns"
        raise InvalidFormat(message, f"chmod 600 {shlex.quote(path)}  # or choose another folder")
    if status.st_size != _KEY_BYTES:
        raise InvalidFormat(f"{path} has {status.st_size} bytes, expected a key of {_KEY_BYTES}", _OTHER_FOLDER)


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
