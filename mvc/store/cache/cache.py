"""The cache: the local store. Large objects lie loose, small ones in packs.

Writing is `mvc.store.cache.writer`; nothing overwrites an object.
"""

from __future__ import annotations

import io
import os
import shlex
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import BinaryIO, Literal

from blake3 import blake3

from mvc.errors import CorruptObject, InvalidFormat, MissingObject, MvcError, UsageError
from mvc.fs.durable_names import DurableNames, fsync_upward
from mvc.fs.files import exists
from mvc.fs.new_names import link_new
from mvc.fs.scratch import Scratch, sweep
from mvc.fs.shared_folders import make_folders
from mvc.objects.digest import Digest, check_object_name
from mvc.objects.hashing import hash_bytes, hash_stream
from mvc.store.cache.writer import ARRIVED, CacheWriter
from mvc.store.packs.index import Record
from mvc.store.packs.pack import MANY_PACKS, SMALL_PACK, SUFFIXES, PackSet
from mvc.store.stored import Stored

STORE_FILE = "store.yaml"
STORE_TEXT = b"mvc-store: 1\nfeatures: {read: [], write: []}\n"


class Cache:
    """Objects in a directory: `objects/ab/…`, `packs/`, and `tmp/ quarantine/ trash/` beside them."""

    def __init__(self, root: str) -> None:
        """Use the directory `root`, which need not exist before something is stored."""
        self.root = root
        self.packs = PackSet(f"{root}/packs")
        self.durable_names = DurableNames()
        self._proven: dict[Digest, tuple[int, ...]] = {}

    def prepare(self) -> None:
        """Make the directories of an empty cache.

        Raises:
            UsageError: the cache needs a newer mvc.
            MvcError: it cannot be written to.

        """
        try:
            for name in ("objects", "packs", "tmp", "quarantine", "trash", "locks"):
                make_folders(f"{self.root}/{name}")
            self._write_store_file()
        except OSError as error:
            raise MvcError(
                f"the cache {self.root} cannot be written to: {error.strerror}",
                f"ls -ld {self.root}",
            ) from None

    def check_format(self) -> None:
        """Make sure that this mvc can read the cache.

        Raises:
            UsageError: it was written by a newer mvc.

        """
        try:
            with open(f"{self.root}/{STORE_FILE}", "rb") as file:
                text = file.read(4096)
        except FileNotFoundError:
            return
        if text != STORE_TEXT:
            _check_store_features(text, f"{self.root}/{STORE_FILE}")

    def note_proven(self, digest: Digest, fd: int) -> None:
        """Remember that this process has just proven the bytes behind `fd`, which are a loose object now."""
        self._proven[digest] = _unchanging(os.fstat(fd))

    def is_proven(self, digest: Digest, fd: int) -> bool:
        """Whether this process has proven the bytes behind `fd` to be just `digest`, and nobody wrote to them since."""
        return self._proven.get(digest) == _unchanging(os.fstat(fd))

    def scratch(self) -> Scratch:
        """Return a scratch directory on the cache's file system."""
        return Scratch(f"{self.root}/tmp")

    def sweep(self) -> None:
        """Remove the scratch directories of processes that were killed, where that is possible."""
        with suppress(OSError):
            sweep(f"{self.root}/tmp")

    def now(self) -> float:
        """Return the time by the clock that stamps the cache's files, in seconds since the epoch: a NAS has its own."""
        try:
            with self.scratch() as scratch:
                return os.stat(scratch.path).st_mtime
        except OSError:  # read-only
            return time.time()

    # The store protocol.

    def has(self, name: str) -> bool:
        """See `Store.has`."""
        return not self.missing([name])

    def size(self, name: str) -> int:
        """See `Store.size`."""
        with self.open(name) as file:
            return file.seek(0, os.SEEK_END)

    def open(self, name: str) -> BinaryIO:
        """See `Store.open`."""
        try:
            return open(self.loose_path(name), "rb", buffering=0)
        except FileNotFoundError:
            return io.BytesIO(self.packed_bytes(name))

    def put(self, digest: Digest, source: BinaryIO) -> None:
        """See `Store.put`."""
        with CacheWriter(self) as writer:
            writer.put_stream(digest, source)

    def list(self) -> Iterator[str]:
        """See `Store.list`."""
        seen = set(self._loose_names())
        yield from seen
        for pack in self.packs.names():
            names = {key.hex() for key in self.packs.index(pack).keys()} - seen  # noqa: SIM118 - no mapping
            seen |= names
            yield from names

    def delete(self, name: str) -> None:
        """See `Store.delete`. The bytes go to `trash/`."""
        with suppress(FileNotFoundError):
            self.move(self.loose_path(name), "trash", name)
        while packed := self._packed(name):
            self.rewrite(packed[0], without={bytes.fromhex(name)}, to="trash")

    # What the commands ask besides.

    def loose_path(self, name: str) -> str:
        """Return where the object lies when it is loose."""
        check_object_name(name)
        return f"{self.root}/objects/{name[:2]}/{name}"

    def is_loose(self, name: str) -> bool:
        """Whether the object is a file of its own."""
        return exists(self.loose_path(name))

    def missing(self, names: Iterable[str]) -> set[str]:
        """Return those of `names` that the cache does not hold now."""
        missing = {name for name in names if not self._known(name)}
        if missing and self.packs.refresh():  # others write packs too: look once more
            missing = {name for name in missing if not self._known(name)}
        return missing

    def read(self, digest: Digest) -> bytes:
        """Return an object's bytes, verified: for manifests, which mvc itself reads.

        Raises:
            MissingObject: it is not there.
            CorruptObject: the bytes do not match `digest`.

        """
        with self.open(digest.blake3) as file:
            data = file.read(digest.size + 1)
        if hash_bytes(data) != digest:
            raise CorruptObject(f"object {digest.blake3} is damaged in the cache", "mvc verify")
        return data

    def proven(self, name: str) -> bytes:
        """Return the bytes of the object `name`, held against that name alone.

        Raises:
            MissingObject: it is not there.
            CorruptObject: the bytes do not match.

        """
        with self.open(name) as file:
            data = file.read()
        if blake3(data).hexdigest() != name:
            raise CorruptObject(f"object {name} is damaged in the cache", "mvc verify")
        return data

    def packed_bytes(self, name: str) -> bytes:
        """Return a packed object's bytes, not verified.

        Raises:
            MissingObject: no pack has it.

        """
        for _ in range(2):
            if (found := self._packed(name)) is not None:
                with suppress(MissingObject):  # compacted meanwhile: the next look finds the new pack
                    return self.packs.read(*found)
            if not self.packs.refresh():
                break
        raise MissingObject(f"object {name} is not in the cache")

    def intact(self, digest: Digest) -> bool:
        """Whether the cache holds exactly `digest`: its bytes are read and hashed."""
        try:
            with self.open(digest.blake3) as file:
                if isinstance(file, io.BytesIO):
                    return hash_bytes(file.getvalue()) == digest
                return hash_stream(file.fileno(), digest.size) == digest
        except MissingObject:
            return False

    def lacking(self, digests: Iterable[Digest]) -> set[Digest]:
        """Return those that the cache does not hold, told by reading; the others are durable then.

        For what is about to be destroyed elsewhere: who stored it may have died before its name was durable.
        """
        lacking: set[Digest] = set()
        folders: set[str] = set()
        for digest in digests:
            if self.intact(digest):
                folders |= self.folders_of(digest.blake3)
            else:
                lacking.add(digest)
        for folder in sorted(folders):
            self.durable_names.fsync_folder(folder)
        return lacking

    def folders_of(self, name: str) -> set[str]:
        """Return the directories by which the object `name` is found; none when it is not there."""
        if self.packs.holder(bytes.fromhex(name)) is not None:
            return {self.packs.folder}
        path = self.loose_path(name)
        folder = os.path.dirname(path)
        return {folder, os.path.dirname(folder)} if exists(path) else set()

    def matches(self, name: str) -> bool:
        """Whether the bytes of the object `name` are what its name says.

        Raises:
            MissingObject: it is not there.

        """
        with self.open(name) as file:
            if isinstance(file, io.BytesIO):
                return blake3(file.getvalue()).hexdigest() == name
            return hash_stream(file.fileno(), os.fstat(file.fileno()).st_size).blake3 == name

    def quarantine(self, name: str) -> str:
        """Put the object's bytes aside, out of reach of every command; where they are now."""
        return self.move(self.loose_path(name), "quarantine", name)

    def quarantined(self) -> dict[str, str]:
        """Return the names of objects whose damaged bytes lie in quarantine, and where.

        Bytes that were the cache's own are named rather than such that came from a remote.
        """
        try:
            files = sorted(os.listdir(f"{self.root}/quarantine"), key=lambda file: (not file.endswith(ARRIVED), file))
        except FileNotFoundError:
            return {}
        return {file.partition(".")[0]: f"{self.root}/quarantine/{file}" for file in files}

    def loose(self) -> Iterator[Stored]:
        """Yield every loose object."""
        for name in self._loose_names():
            with suppress(FileNotFoundError):
                status = os.stat(self.loose_path(name))
                yield Stored(name, status.st_size, status.st_mtime)

    def packed(self) -> Iterator[Stored]:
        """Yield every object in every pack.

        Raises:
            CorruptObject: a pack's index is damaged.

        """
        self.packs.refresh()
        for pack in sorted(self.packs.names()):
            since = self._pack_time(pack)
            for record in self.packs.index(pack).records():
                yield Stored(record.blake3.hex(), record.stored, since, pack)

    def rewrite(self, pack: str, without: set[bytes], to: Literal["trash", "quarantine"]) -> None:
        """Replace a pack by one that lacks the objects in `without`; the old one moves to `to`."""
        since = self._pack_time(pack)
        with CacheWriter(self) as writer:
            for record in self.packs.records(pack):
                if record.blake3 not in without and (body := self.packs.body(pack, record)) is not None:
                    writer.repack(_proven(record, body), body)
        self._replace([pack], writer.published, since, to)

    def compact(self, above: int = MANY_PACKS) -> None:
        """Merge the small packs into one, once there are more than `above` of them."""
        self.packs.refresh()
        small = [name for name in self.packs.names() if self._pack_size(name) < SMALL_PACK]
        if len(small) <= above:
            return
        since = max(map(self._pack_time, small))
        with CacheWriter(self) as writer:
            done = [name for name in sorted(small) if self._merge(name, writer)]
        self._replace(done, writer.published, since, "trash")

    def _replace(self, old: Iterable[str], new: frozenset[str], since: float, to: str) -> None:
        """Retire packs whose objects others hold now; those take their age over."""
        for pack in new:
            with suppress(FileNotFoundError, PermissionError):
                os.utime(f"{self.packs.folder}/{pack}.pack", (since, since))
        for pack in old:
            if pack in new:  # the same bodies in the same order: only its index was wrong
                self.packs.forget(pack)
            else:
                self._retire(pack, to)

    def _merge(self, pack: str, writer: CacheWriter) -> bool:
        """Copy a pack's objects; False when one is damaged: that pack stays for `verify` to see."""
        try:
            bodies = [(record, self.packs.read(pack, record)) for record in self.packs.index(pack).records()]
        except (CorruptObject, MissingObject):
            return False
        if any(blake3(body).digest() != record.blake3 for record, body in bodies):
            return False
        for record, body in bodies:
            writer.repack(record, body)
        return True

    def _retire(self, pack: str, to: str) -> None:
        """Take a pack out of use."""
        for suffix in SUFFIXES:
            with suppress(FileNotFoundError):
                self.move(f"{self.packs.folder}/{pack}.{suffix}", to, f"{pack}.{suffix}")
        self.packs.refresh()

    def _pack_size(self, pack: str) -> int:
        try:
            return os.stat(f"{self.packs.folder}/{pack}.pack").st_size
        except FileNotFoundError:
            return SMALL_PACK

    def _pack_time(self, pack: str) -> float:
        try:
            return os.stat(f"{self.packs.folder}/{pack}.pack").st_mtime
        except FileNotFoundError:
            return 0

    def move(self, path: str, to: str, name: str) -> str:
        """Move a file of the cache to `trash` or `quarantine` under `name`; where it is now."""
        make_folders(f"{self.root}/{to}")
        target = f"{self.root}/{to}/{name}.{os.urandom(4).hex()}"
        os.rename(path, target)
        return target

    def _known(self, name: str) -> bool:
        loose = self.loose_path(name)
        return self.packs.holder(bytes.fromhex(name)) is not None or exists(loose)

    def _packed(self, name: str) -> tuple[str, Record] | None:
        return self.packs.find(bytes.fromhex(check_object_name(name)))

    def _loose_names(self) -> Iterator[str]:
        root = f"{self.root}/objects"
        for folder in _listdir(root):
            if len(folder) != 2:  # noqa: PLR2004 - the fan-out
                continue
            for name in _listdir(f"{root}/{folder}"):
                if name.startswith(folder) and _is_object_name(name):
                    yield name

    def _write_store_file(self) -> None:
        path = f"{self.root}/{STORE_FILE}"
        if exists(path):
            self.check_format()
            return
        fsync_upward(os.path.realpath(self.root))  # once it is there, so are the directories
        with self.scratch() as scratch:
            temp = scratch.name()
            with open(temp, "xb") as file:
                file.write(STORE_TEXT)
                file.flush()
                os.fchmod(file.fileno(), 0o444)  # whatever the umask: a cache may be shared
                os.fsync(file.fileno())
            link_new(temp, path)


def _proven(record: Record, body: bytes) -> Record:
    """Return `record` as its body has it; one that is damaged stays so, for `verify` to see."""
    digest = hash_bytes(body)
    if bytes.fromhex(digest.blake3) != record.blake3:
        return record
    return record._replace(xxh128=bytes.fromhex(digest.xxh128), size=digest.size)


def _check_store_features(text: bytes, path: str) -> None:
    from mvc.objects import strict_yaml  # noqa: PLC0415 - only a cache of another format needs YAML

    try:
        data = strict_yaml.load(text, what=path, max_bytes=4096)
    except InvalidFormat as error:
        raise InvalidFormat(error.message, f"rm {shlex.quote(path)} && mvc gc --yes  # writes another") from None
    if data not in ({"mvc-store": 1}, {"mvc-store": 1, "features": {"read": [], "write": []}}):
        raise UsageError(f"the cache needs a newer mvc: {path}", "pip install --upgrade modelvc")


def _is_object_name(name: str) -> bool:
    return len(name) == 64 and not name.strip("0123456789abcdef")  # noqa: PLR2004 - hex digits of 32 bytes


def _listdir(path: str) -> list[str]:
    try:
        return os.listdir(path)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _unchanging(status: os.stat_result) -> tuple[int, ...]:
    """Return what stays when a file gets another link."""
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
