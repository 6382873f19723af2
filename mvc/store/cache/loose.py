"""Writing loose objects: durable before they get their name, never replacing a file.

Write protocol: docs/architecture.md, "Publishing an object".
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress

from mvc.fs.files import CREATE_READABLE
from mvc.fs.new_names import link_new
from mvc.fs.progress import SILENT, Progress
from mvc.fs.scratch import Scratch
from mvc.fs.shared_folders import make_folders
from mvc.objects.digest import Digest
from mvc.store.cache.cache import Cache
from mvc.store.cache.layout import ARRIVED, move_aside


class LooseWriter:
    """Publishes loose objects; they are durable once `fsync_folders` has returned. Several threads may use it."""

    def __init__(self, cache: Cache, scratch: Scratch) -> None:
        self.cache = cache
        self.scratch = scratch
        self._folders: set[str] = set()
        """Directories whose entries are not durable yet."""

    # Temporary files.

    def new_file(self) -> tuple[str, int]:
        """Make a temporary file. Return its path and descriptor."""
        path = self.scratch.name()
        return path, os.open(path, CREATE_READABLE, 0o600)

    def resumed_file(self, digest: Digest) -> tuple[str, int]:
        """Return the partial file of an earlier process, locked; a new one when it is in use or sealed."""
        path = f"{self.cache.root}/tmp/{digest.blake3}.part"
        try:
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError:  # another user's, or sealed by a process that died
            with suppress(OSError):
                os.unlink(path)
            return self.new_file()
        with suppress(OSError):
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            status = os.fstat(fd)
            if status.st_nlink == 1 and os.path.samestat(status, os.lstat(path)):
                return path, fd
            os.unlink(path)  # it is, or will be, published: never write to it again
        os.close(fd)
        return self.new_file()

    # Objects.

    def seal_and_publish(self, fd: int, temp: str, digest: Digest, progress: Progress = SILENT) -> None:
        """Make a temporary file read-only and durable, and publish it."""
        os.fchmod(fd, 0o444)
        os.fsync(fd)
        if self.publish(temp, digest, progress):
            self.cache.note_proven(digest, fd)

    def publish(self, temp: str, digest: Digest, progress: Progress = SILENT) -> bool:
        """Give `temp` its object name; False when that object exists intact."""
        target = self.cache.loose_path(digest.blake3)
        make_folders(os.path.dirname(target))
        while not link_new(temp, target):
            if self.cache.intact(digest, progress):
                self.reuse(digest.blake3)
                return False
            with suppress(FileNotFoundError):  # another command was faster
                move_aside(self.cache.root, target, "quarantine", digest.blake3)
        self._note_folders(target)
        return True

    def reuse(self, name: str) -> None:
        """Count an object of the cache as stored now: set its mtime for `gc`, and make its name durable.

        The process that stored it may have died before that, or not have got there yet.
        """
        path = self.cache.loose_path(name)
        try:
            with suppress(PermissionError):
                os.utime(path, follow_symlinks=False)
            self._note_folders(path)
        except FileNotFoundError:
            self.reuse_packed()

    def reuse_packed(self) -> None:
        """Do the same for an object in a pack, but keep the age of the pack."""
        self._folders.add(self.cache.packs.folder)

    def holds(self, name: str) -> bool:
        """Whether the cache has the object, which then counts as stored now; a loose one keeps its age."""
        folders = self.cache.folders_of(name)
        if not folders and self.cache.packs.refresh():
            folders = self.cache.folders_of(name)
        self._folders |= folders
        return bool(folders)

    def _note_folders(self, path: str) -> None:
        folder = os.path.dirname(path)
        self._folders |= {folder, os.path.dirname(folder)}

    def fsync_folders(self) -> None:
        """Make the names of all objects durable."""
        for folder in sorted(self._folders):
            self.cache.durable_names.fsync_folder(folder)
        self._folders.clear()

    # Quarantine.

    def quarantine_arrival(self, fd: int, temp: str, digest: Digest) -> None:
        """Move a file that a remote sent for `digest` to quarantine: one for each object, and no larger one."""
        if os.fstat(fd).st_size <= digest.size:
            with suppress(OSError):
                os.fchmod(fd, 0o444)  # independent of the umask: a cache may be shared
                link_new(temp, f"{self.cache.root}/quarantine/{digest.blake3}{ARRIVED}")
