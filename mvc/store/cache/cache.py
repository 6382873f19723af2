"""The cache: finding and reading local objects. Large objects are loose files, small ones are in packs.

`mvc.store.cache.writer` writes it; an object is never overwritten.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import BinaryIO, NamedTuple

from mvc.errors import CorruptObject, MissingObject
from mvc.fs.durable_names import DurableNames
from mvc.fs.files import exists
from mvc.fs.progress import SILENT, Progress, Share
from mvc.fs.scratch import Scratch
from mvc.objects.digest import Digest, check_object_name
from mvc.objects.hashing import hash_bytes, hash_stream
from mvc.store.cache.layout import naming_cache
from mvc.store.packs.pack_set import PackSet


class Stored(NamedTuple):
    """What the cache knows of an object without reading it."""

    pack: str
    """The pack that holds it; empty when it is loose."""
    size: int
    xxh128: str = ""
    """In hex; empty when it is loose."""

    def disagrees(self, digest: Digest) -> str:
        """Return how the object differs from `digest`, which has its name; empty when it does not."""
        if digest.size != self.size:
            return f"size {digest.size:,}, but the object has {self.size:,} bytes"
        if self.xxh128 not in ("", digest.xxh128):
            return f"xxh128 {digest.xxh128}, but the object has {self.xxh128}"
        return ""


class Cache:
    """Objects in a directory, which the first write creates: see `mvc.store.cache.layout`.

    Every method raises `InvalidName`, before any I/O, for an invalid object name.
    """

    def __init__(self, root: str) -> None:
        self.root = root
        self.packs = PackSet(f"{root}/packs")
        self.durable_names = DurableNames()
        self.valid_manifests: set[str] = set()
        """Names of manifests that this process, or an earlier one, has found to be valid."""
        self._proven: dict[Digest, tuple[int, ...]] = {}

    def scratch(self) -> Scratch:
        """Make a scratch directory on the cache's file system.

        Raises:
            MvcError: the cache cannot be written.
        """
        try:
            return Scratch(f"{self.root}/tmp")
        except OSError as error:
            raise naming_cache(self.root, error) from None

    # Lookup.

    def loose_path(self, name: str) -> str:
        """Return the path of the object as a loose one."""
        check_object_name(name)
        return f"{self.root}/objects/{name[:2]}/{name}"

    def is_loose(self, name: str) -> bool:
        return exists(self.loose_path(name))

    def is_only_loose(self, name: str) -> bool:
        """Whether the object is loose, and in no pack, as last listed."""
        return self.packs.holder(bytes.fromhex(name)) is None and self.is_loose(name)

    def has(self, name: str) -> bool:
        return not self.missing([name])

    def missing(self, names: Iterable[str]) -> set[str]:
        """Return the `names` that the cache does not have now."""
        return {*self.absent(names)}

    def absent(self, names: Iterable[str]) -> Iterator[str]:
        """Yield the `names` that the cache does not have now."""
        listed = False
        for name in names:
            if not self._is_known(name):
                changed, listed = not listed and self.packs.refresh(), True  # other processes write packs too
                if not (changed and self._is_known(name)):
                    yield name

    def _is_known(self, name: str) -> bool:
        loose = self.loose_path(name)
        return self.packs.holder(bytes.fromhex(name)) is not None or exists(loose)

    def look_up(self, name: str) -> Stored | None:
        """Return what is known of the object without reading it; None when it is missing, as last listed."""
        if (found := self.packs.find(bytes.fromhex(name))) is not None:
            pack, record = found
            return Stored(pack, record.size, record.xxh128.hex())
        try:
            return Stored("", os.stat(self.loose_path(name)).st_size)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def folders_of(self, name: str) -> set[str]:
        """Return the directories whose names lead to the object; none when it is missing."""
        if self.packs.holder(bytes.fromhex(name)) is not None:
            return {self.packs.folder}
        path = self.loose_path(name)
        folder = os.path.dirname(path)
        return {folder, os.path.dirname(folder)} if exists(path) else set()

    # Content.

    def open(self, name: str) -> io.FileIO | io.BytesIO:
        """Return a readable stream of the object's bytes, not verified.

        Raises:
            MissingObject: it is not there.
        """
        try:
            return open(self.loose_path(name), "rb", buffering=0)
        except FileNotFoundError:
            return io.BytesIO(self.packed_bytes(name))

    def buffered(self, name: str) -> BinaryIO:
        """Return the same, for reading few bytes at a time.

        Raises:
            MissingObject: as for `open`.
        """
        found = self.open(name)
        return found if isinstance(found, io.BytesIO) else io.BufferedReader(found)

    def packed_bytes(self, name: str) -> bytes:
        """Return a packed object's bytes, not verified.

        Raises:
            MissingObject: no pack has it.
        """
        key = bytes.fromhex(check_object_name(name))
        for _ in range(2):
            if (found := self.packs.find(key)) is not None:
                with suppress(MissingObject):  # just compacted: the next lookup finds the new pack
                    return self.packs.read(*found)
            if not self.packs.refresh():
                break
        raise MissingObject(f"object {name} is not in the cache")

    def small_bytes(self, name: str) -> bytes | None:
        """Return a packed object's bytes, not verified; None if it is loose.

        Raises:
            MissingObject: it is not there.
        """
        if (found := self.packs.find(bytes.fromhex(check_object_name(name)))) is not None:
            with suppress(MissingObject):  # just compacted
                return self.packs.read(*found)
        return None if self.is_loose(name) else self.packed_bytes(name)

    def read(self, digest: Digest) -> bytes:
        """Return an object's bytes, verified: for manifests, which mvc parses.

        Raises:
            MissingObject: it is not there.
            CorruptObject: the bytes do not match `digest`.
        """
        with self.open(digest.blake3) as file:
            data = file.read(digest.size + 1)
        if hash_bytes(data) != digest:
            raise damaged(digest.blake3)
        return data

    def read_by_name(self, name: str) -> bytes:
        """Return the bytes of an object, verified by its name only.

        Raises:
            MissingObject: it is not there.
            CorruptObject: the bytes do not match.
        """
        return self.read_stored(name)[1]

    def read_stored(self, name: str) -> tuple[Digest, bytes]:
        """Return an object's digest and bytes, verified by its name only: sizes in pointers may be wrong.

        Raises:
            MissingObject: it is not there.
            CorruptObject: the bytes do not match.
        """
        if (data := self.small_bytes(name)) is None:
            with self.open(name) as file:
                data = file.read()
        if (digest := hash_bytes(data)).blake3 != name:
            raise damaged(name)
        return digest, data

    # Verification.

    def intact(self, digest: Digest, progress: Progress = SILENT) -> bool:
        """Whether the cache has `digest` intact: its bytes are read and hashed, which `progress` did not expect."""
        if not self.has(digest.blake3):
            return False
        progress.expect(digest.size)
        with Share(progress, digest.size) as share, suppress(MissingObject, CorruptObject):
            return self._hashed(digest.blake3, digest.size, share) == digest
        return False

    def digest_of(self, name: str) -> Digest:
        """Return the digest of an object, verified by its name only.

        Raises:
            MissingObject: it is not there.
            CorruptObject: the bytes do not match.
        """
        digest = self._hashed(name)
        if digest.blake3 != name:
            raise damaged(name)
        return digest

    def matches(self, name: str) -> bool:
        """Whether the bytes of the object match its name.

        Raises:
            MissingObject: it is not there.
        """
        return self._hashed(name).blake3 == name

    def _hashed(self, name: str, size: int | None = None, progress: Progress = SILENT) -> Digest:
        with self.open(name) as file:
            if isinstance(file, io.BytesIO):
                return hash_bytes(file.getvalue())
            return hash_stream(file.fileno(), os.fstat(file.fileno()).st_size if size is None else size, progress)

    def make_durable(self, digests: Iterable[Digest], progress: Progress) -> set[Digest]:
        """Make these objects durable; return those that are missing or damaged.

        For content about to be destroyed elsewhere: the process that stored it may have died before its name was
        durable.
        """
        absent: set[Digest] = set()
        folders: set[str] = set()
        for digest in digests:
            if self.intact(digest, progress):
                folders |= self.folders_of(digest.blake3)
            else:
                absent.add(digest)
        for folder in sorted(folders):
            self.durable_names.fsync_folder(folder)
        return absent

    def note_proven(self, digest: Digest, fd: int) -> None:
        """Remember that this process has verified the bytes behind `fd`, now a loose object."""
        self._proven[digest] = stat_without_links(os.fstat(fd))

    def is_proven(self, digest: Digest, fd: int) -> bool:
        """Whether this process has verified the bytes behind `fd` as `digest`, and they are unchanged since."""
        return self._proven.get(digest) == stat_without_links(os.fstat(fd))


def damaged(name: str) -> CorruptObject:
    """Return the error for an object of the cache that does not match its name."""
    return CorruptObject(f"object {name} is damaged in the cache", "mvc verify")


def stat_without_links(status: os.stat_result) -> tuple[int, ...]:
    """Return the stat data that links and modes do not change."""
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
