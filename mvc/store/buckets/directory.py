"""A bucket in a directory: on a local disk, a NAS, or any mounted file system.

The path of the directory may contain symlinks. Below it, none is followed.
"""

from __future__ import annotations

import errno
import os
import shlex
import stat
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

from mvc.errors import MissingObject
from mvc.fs.copying import Reader, copying, counted
from mvc.fs.durable_names import DurableNames
from mvc.fs.file_systems import reflink
from mvc.fs.files import CREATE_READABLE, DIRECTORY, READ, StatData, as_error, write_all
from mvc.fs.new_names import link_new
from mvc.fs.progress import SILENT, Progress
from mvc.fs.scratch import Scratch
from mvc.fs.shared_folders import make_folders
from mvc.store.buckets.bucket import Changed, Check, Item, RemoteError, RunAll, Transient, read_first

_GONE = (FileNotFoundError, NotADirectoryError)
_HERE = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM})
"""Resource limits of this machine, not errors of the remote."""
_BUFFER = 1 << 20


class DirectoryBucket:
    """Files below a directory, which the first write creates."""

    def __init__(self, root: str) -> None:
        """Use the directory `root`, an absolute path."""
        self.url = self._root = root
        self.requests = 0
        self._scratch: Scratch | None = None
        self._making = threading.Lock()
        self._names = _Names(root)

    def head(self, key: str) -> Item | None:
        with self._errors():
            self._check_there()
            try:
                with self._folder(key) as (folder, name):
                    status = os.lstat(name, dir_fd=folder)
                    self._names.ensure(status, folder, key)
            except _GONE:
                return None
        return _item(key, status) if stat.S_ISREG(status.st_mode) else None

    def list(self, prefix: str) -> Iterator[Item]:
        with self._errors():
            self._check_there()
            top = prefix.rpartition("/")[0]
            with suppress(*_GONE), self._folder(f"{top}/*" if top else "*") as (folder, _):
                for path, _, names, fd in os.fwalk(".", onerror=_raise_unless_gone, dir_fd=folder):
                    inside = f"{top}/{path[2:]}".strip("/")
                    for name in names:
                        key = f"{inside}/{name}" if inside else name
                        if key.startswith(prefix) and not key.startswith("tmp/"):
                            with suppress(FileNotFoundError):
                                status = os.lstat(name, dir_fd=fd)
                                if stat.S_ISREG(status.st_mode):
                                    self._names.ensure(status, fd, key)
                                    yield _item(key, status)

    def read(self, item: Item, start: int, end: int, progress: Progress = SILENT) -> bytes:
        with self._errors():
            fd = self._open(item)
            try:
                data = os.pread(fd, end - start, start)
                while len(data) < end - start and (more := os.pread(fd, end - start - len(data), start + len(data))):
                    data += more  # network file systems may return less
            finally:
                os.close(fd)
        if len(data) != end - start:
            raise Changed(f"{self.url}/{item.key} was truncated while it was read", "run the command again")
        progress.advance(len(data))
        return data

    def open_local(self, item: Item) -> int | None:
        with self._errors():
            return self._open(item)

    def write(self, key: str, data: bytes, *, new: bool = False) -> bool:
        with self._errors(), self._temporary(key) as (temp, fd):
            write_all(fd, data)
            return self._publish(fd, temp, key, new=new)

    def upload(
        self, key: str, fd: int, size: int, run: RunAll, check: Check | None = None, progress: Progress = SILENT,
    ) -> None:
        del run  # one stream is as fast as the disk
        with self._errors(), self._temporary(key) as (temp, target):
            if reflink(fd, target):
                read_first(target, check, progress)
            else:
                os.lseek(fd, 0, os.SEEK_SET)
                with copying(fd, target, size, durable=True) as read:
                    (check or _read_all)(counted(read, progress))
            if os.fstat(target).st_size != size:
                raise Changed(f"{key} changed while it was sent", "run the command again")
            self._publish(target, temp, key, new=False)

    def delete(self, keys: Iterable[str]) -> None:
        with self._errors():
            for key in keys:
                with suppress(*_GONE), self._folder(key) as (folder, name):
                    os.unlink(name, dir_fd=folder)

    def sweep(self, before: float) -> int:
        del before  # the next scratch directory removes those of dead processes
        return 0

    def close(self) -> None:
        with self._making:
            if self._scratch is not None:
                self._scratch.__exit__()
                self._scratch = None

    @contextmanager
    def _folder(self, key: str, *, make: bool = False) -> Iterator[tuple[int, str]]:
        """Yield the open directory of `key`, and its name there.

        Raises:
            RemoteError: a part of the path is a symlink.
            FileNotFoundError, NotADirectoryError: it does not exist, and `make` is not set.
        """
        *parts, name = key.split("/")
        if any(part in ("", ".", "..") for part in (*parts, name)):
            raise RemoteError(f"invalid key {key!r}")
        fd = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for depth in range(len(parts)):
                inner = self._enter(fd, "/".join(parts[: depth + 1]), make=make)
                os.close(fd)
                fd = inner
            yield fd, name
        finally:
            os.close(fd)

    def _enter(self, parent: int, path: str, *, make: bool) -> int:
        """Open the directory `path` of the bucket, below the open directory `parent`."""
        full, name = f"{self._root}/{path}", os.path.basename(path)
        try:
            return os.open(name, DIRECTORY, dir_fd=parent)
        except FileNotFoundError:
            if not make:
                raise
            make_folders(full)
            return os.open(name, DIRECTORY, dir_fd=parent)
        except NotADirectoryError:
            if not stat.S_ISLNK(os.lstat(name, dir_fd=parent).st_mode):
                raise
        raise RemoteError(
            f"{full} is a symlink: mvc does not follow symlinks below the remote directory",
            f"ls -l {shlex.quote(full)}  # replace it by a directory or a bind mount",
        )

    def _open(self, item: Item) -> int:
        try:
            with self._folder(item.key) as (folder, name):
                fd = os.open(name, READ, dir_fd=folder)
        except _GONE:
            raise MissingObject(f"{self.url}/{item.key}: object not found") from None
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode) or _item(item.key, status) != item:
            os.close(fd)
            raise Changed(f"{self.url}/{item.key} changed while it was read", "run the command again")
        return fd

    @contextmanager
    def _temporary(self, key: str) -> Iterator[tuple[str, int]]:
        """Yield a new file in the bucket's scratch directory, open for reading and writing."""
        temp = self._scratch_for(key).name()
        fd = os.open(temp, CREATE_READABLE, 0o600)
        try:
            yield temp, fd
        finally:
            os.close(fd)
            with suppress(FileNotFoundError):
                os.unlink(temp)

    def _scratch_for(self, key: str) -> Scratch:
        """Make the directories that a write needs; the scratch directory lives as long as the bucket object."""
        with self._making:
            if not os.path.isdir(self._root):
                os.mkdir(self._root)  # without its parent, a share may not be mounted
            with self._folder(key, make=True):  # fails before much is copied
                pass
            if self._scratch is None:
                with self._folder("tmp/*", make=True):  # this sweeps those of dead processes
                    self._scratch = Scratch(f"{self._root}/tmp")
            return self._scratch

    def _publish(self, fd: int, temp: str, key: str, *, new: bool) -> bool:
        os.fchmod(fd, 0o444 | stat.S_IWUSR)
        os.fsync(fd)
        written = True
        with self._folder(key, make=True) as (folder, name):
            if new:
                written = link_new(temp, name, folder)
            else:
                os.replace(temp, name, dst_dir_fd=folder)
            self._names.fsync_folder(key, folder)
        self._names.ensure_folders(key)
        os.fchmod(fd, 0o444)
        return written

    def _check_there(self) -> None:
        """Accept a missing directory as an empty remote if its parent exists: else a share is not mounted."""
        if os.path.isdir(self._root) or (
            not os.path.lexists(self._root) and os.path.isdir(os.path.dirname(self._root))
        ):
            return
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), self._root)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Translate system errors into errors of the remote."""
        try:
            yield
        except OSError as error:
            what = f"the remote directory {self._root}"
            fix = f"ls -ld {shlex.quote(self._root)}  # is it mounted?"
            if isinstance(error, _GONE):
                raise RemoteError(f"{what} cannot be reached: no such directory", fix) from None
            found = as_error(error, what)
            kind = Transient if error.errno in _HERE else RemoteError
            raise kind(found.message, found.fix or fix) from None


class _Names:
    """Makes the names of files and directories durable, each once.

    A read-only file has a durable name; a writable one may be incomplete, or left by a dead process.
    """

    def __init__(self, root: str) -> None:
        self._root = root
        self._durable_names = DurableNames()
        self._folders: set[str] = set()
        """Directories whose own names are durable."""
        self._ensured: set[str] = set()
        """Directories whose files were made durable by `ensure`."""

    def ensure(self, status: os.stat_result, folder: int, key: str) -> None:
        """Make the name of a file in the open directory `folder` durable, if necessary.

        Files that were copied into the remote by hand cost one fsync for each directory.
        """
        if status.st_mode & stat.S_IWUSR and (path := self._folder_of(key)) not in self._ensured:
            self.fsync_folder(key, folder)
            self.ensure_folders(key)
            self._ensured.add(path)

    def fsync_folder(self, key: str, folder: int) -> None:
        """Make the name of `key` durable, in the open directory `folder`."""
        self._durable_names.fsync_folder(self._folder_of(key), folder)

    def ensure_folders(self, key: str) -> None:
        """Make the names of the directories of `key` durable, if necessary."""
        path, root = self._folder_of(key), os.path.realpath(self._root)
        while path not in self._folders and len(path) >= len(root):
            parent = os.path.dirname(path)
            with suppress(PermissionError):
                self._durable_names.fsync_folder(parent)
            self._folders.add(path)
            path = parent

    def _folder_of(self, key: str) -> str:
        return os.path.dirname(f"{os.path.realpath(self._root)}/{key}")


def _read_all(read: Reader) -> None:
    buffer = memoryview(bytearray(_BUFFER))
    while read(buffer):
        pass


def _item(key: str, status: os.stat_result) -> Item:
    stat_data = StatData.of(status)
    return Item(key, status.st_size, f"{stat_data.ino:x}-{stat_data.mtime_ns:x}", status.st_mtime)


def _raise_unless_gone(error: OSError) -> None:
    if not isinstance(error, _GONE):
        raise error
