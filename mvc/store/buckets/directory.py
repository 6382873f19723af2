"""A bucket in a directory: on this disk, a NAS, or whatever is mounted there.

The directory itself may be reached through symlinks. Below it none is followed, whoever put it there.
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
from mvc.fs.copying import Reader, copying
from mvc.fs.durable_names import DurableNames
from mvc.fs.file_systems import reflink
from mvc.fs.files import CREATE_READABLE, DIRECTORY, READ, StatData, as_error, write_all
from mvc.fs.new_names import link_new
from mvc.fs.scratch import Scratch
from mvc.fs.shared_folders import make_folders
from mvc.store.buckets.bucket import Changed, Check, Item, RemoteError, Run, Transient, read_first

_GONE = (FileNotFoundError, NotADirectoryError)
_HERE = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM})
"""What this process or machine lacks, which says nothing of the remote."""
_BUFFER = 1 << 20


class DirectoryBucket:
    """Files below a directory, which the first write makes."""

    def __init__(self, root: str) -> None:
        """Use the directory `root`, absolute."""
        self.url = self._root = root
        self.requests = 0
        self._scratch: Scratch | None = None
        self._making = threading.Lock()
        self._kept: set[str] = set()
        """Directories whose own names are durable, as far as we know."""
        self._seen: set[str] = set()
        """Directories in which what had not been marked as durable was made so."""
        self._durable_names = DurableNames()

    def head(self, key: str) -> Item | None:
        """See `Bucket.head`."""
        with self._told():
            self._check_there()
            try:
                with self._folder(key) as (folder, name):
                    status = os.lstat(name, dir_fd=folder)
                    self._keep_name(status, folder, key)
            except _GONE:
                return None
        return _item(key, status) if stat.S_ISREG(status.st_mode) else None

    def list(self, prefix: str) -> Iterator[Item]:
        """See `Bucket.list`."""
        with self._told():
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
                                    self._keep_name(status, fd, key)
                                    yield _item(key, status)

    def read(self, item: Item, start: int, end: int) -> bytes:
        """See `Bucket.read`."""
        with self._told():
            fd = self._open(item)
            try:
                data = os.pread(fd, end - start, start)
                while len(data) < end - start and (more := os.pread(fd, end - start - len(data), start + len(data))):
                    data += more  # network file systems stop short
            finally:
                os.close(fd)
        if len(data) != end - start:
            raise Changed(f"{self.url}/{item.key} is shorter than it was a moment ago", "run the command again")
        return data

    def open_local(self, item: Item) -> int | None:
        """See `Bucket.open_local`."""
        with self._told():
            return self._open(item)

    def write(self, key: str, data: bytes, *, new: bool = False) -> bool:
        """See `Bucket.write`."""
        with self._told(), self._shaping(key) as (temp, fd):
            write_all(fd, data)
            return self._publish(fd, temp, key, new=new)

    def upload(self, key: str, fd: int, size: int, run: Run, check: Check | None = None) -> None:
        """See `Bucket.upload`."""
        del run  # one stream is as quick as a disk can be
        with self._told(), self._shaping(key) as (temp, target):
            if reflink(fd, target):
                read_first(target, check)
            else:
                os.lseek(fd, 0, os.SEEK_SET)
                with copying(fd, target, size) as read:
                    (check or _read_all)(read)
            if os.fstat(target).st_size != size:
                raise Changed(f"{key} changed while it was sent", "run the command again")
            self._publish(target, temp, key, new=False)

    def delete(self, keys: Iterable[str]) -> None:
        """See `Bucket.delete`."""
        with self._told():
            for key in keys:
                with suppress(*_GONE), self._folder(key) as (folder, name):
                    os.unlink(name, dir_fd=folder)

    def sweep(self, before: float) -> int:
        """See `Bucket.sweep`: whoever makes a scratch directory removes those whose owner is gone."""
        del before
        return 0

    def close(self) -> None:
        """See `Bucket.close`."""
        with self._making:
            if self._scratch is not None:
                self._scratch.__exit__()
                self._scratch = None

    @contextmanager
    def _folder(self, key: str, *, make: bool = False) -> Iterator[tuple[int, str]]:
        """Yield the open directory that `key` lies in, and its name there.

        Raises:
            RemoteError: a symlink is on the way.
            FileNotFoundError, NotADirectoryError: there is none, and `make` is not set.

        """
        *parts, name = key.split("/")
        if any(part in ("", ".", "..") for part in (*parts, name)):
            raise RemoteError(f"{key!r} is no key")
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
        """Open the directory `path` of the bucket, which is in `parent`."""
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
            f"{full} is a symlink: mvc follows none below the remote directory",
            f"ls -l {shlex.quote(full)}  # a directory in its place, or a bind mount, will do",
        )

    def _open(self, item: Item) -> int:
        try:
            with self._folder(item.key) as (folder, name):
                fd = os.open(name, READ, dir_fd=folder)
        except _GONE:
            raise MissingObject(f"{self.url}/{item.key} is gone") from None
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode) or _item(item.key, status) != item:
            os.close(fd)
            raise Changed(f"{self.url}/{item.key} is not what it was a moment ago", "run the command again")
        return fd

    @contextmanager
    def _shaping(self, key: str) -> Iterator[tuple[str, int]]:
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
        """Make the directories that a write needs; the scratch directory among them lives as long as we do."""
        with self._making:
            if not os.path.isdir(self._root):
                os.mkdir(self._root)  # its parent must be there: an unmounted share is no place to write to
            with self._folder(key, make=True):  # before much is copied
                pass
            if self._scratch is None:
                with self._folder("tmp/*", make=True):  # whoever makes a scratch directory sweeps those of others
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
            self._durable_names.fsync_folder(self._folder_of(key), folder)
        self._keep_folders(key)
        os.fchmod(fd, 0o444)
        return written

    def _keep_name(self, status: os.stat_result, folder: int, key: str) -> None:
        """Make a name durable that is not marked as that: who gave it may have died just then, or may be about to.

        What has no such marks, because others copied it there, costs one call for each directory.
        """
        place = self._folder_of(key)
        if status.st_mode & stat.S_IWUSR and place not in self._seen:
            self._durable_names.fsync_folder(place, folder)
            self._keep_folders(key)
            self._seen.add(place)

    def _keep_folders(self, key: str) -> None:
        """Make the directories that `key` lies in durable, too, once: whoever made them may have died just then."""
        root, folder = os.path.realpath(self._root), self._folder_of(key)
        while folder not in self._kept and len(folder) >= len(root):
            parent = os.path.dirname(folder)
            with suppress(PermissionError):
                self._durable_names.fsync_folder(parent)
            self._kept.add(folder)
            folder = parent

    def _folder_of(self, key: str) -> str:
        return os.path.dirname(f"{os.path.realpath(self._root)}/{key}")

    def _check_there(self) -> None:
        """A directory that is not there holds nothing; but then its parent is: else a share is not mounted."""
        if os.path.isdir(self._root) or (
            not os.path.lexists(self._root) and os.path.isdir(os.path.dirname(self._root))
        ):
            return
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), self._root)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn what the system says into one line about the remote."""
        try:
            yield
        except OSError as error:
            place = f"the remote directory {self._root}"
            fix = f"ls -ld {shlex.quote(self._root)}  # is it mounted?"
            if isinstance(error, _GONE):
                raise RemoteError(f"{place} cannot be reached: no such directory", fix) from None
            told = as_error(error, place)
            kind = Transient if error.errno in _HERE else RemoteError
            raise kind(told.message, told.fix or fix) from None


def _read_all(read: Reader) -> None:
    buffer = memoryview(bytearray(_BUFFER))
    while read(buffer):
        pass


def _item(key: str, status: os.stat_result) -> Item:
    stamp = StatData.of(status)
    return Item(key, status.st_size, f"{stamp.ino:x}-{stamp.mtime_ns:x}", status.st_mtime)


def _raise_unless_gone(error: OSError) -> None:
    if not isinstance(error, _GONE):
        raise error
