"""The packs of a remote, and their indexes. An index never changes, so clones keep copies."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Collection, Iterable
from collections.abc import Set as AbstractSet
from contextlib import suppress
from typing import NamedTuple, TypeVar

from mvc.errors import CorruptObject, InvalidFormat, MissingObject
from mvc.store.buckets.bucket import Bucket, Changed, Item, RunAll
from mvc.store.packs.index import HEAD, MAX_INDEX, PackIndex
from mvc.store.packs.ranged_index import RangedIndex
from mvc.store.remote.location import Finder, index_key, pack_key, pack_name

_INDEX = re.compile(r"packs/([0-9a-f]{64})\.idx")
_GONE = (MissingObject, Changed)
_WRONG = (CorruptObject, InvalidFormat)
_TRIES = 3
_NEW = "new-"
"""The prefix of a temporary index file."""

T = TypeVar("T")


class PackFiles(NamedTuple):
    """A pack, and its index."""

    pack: Item
    index_item: Item


class RemotePacks:
    """The packs of a remote. `folder` is a local directory that keeps their indexes."""

    def __init__(self, bucket: Bucket, folder: str, run: RunAll) -> None:
        self._bucket, self._folder, self._run = bucket, folder, run
        self._files: dict[str, PackFiles] | None = None
        self._whole: dict[str, PackIndex] = {}
        self._parts: dict[str, RangedIndex] = {}
        self._damaged: set[str] = set()
        """Packs whose index is damaged on the remote."""
        self._has_files = False
        self._doubted: set[str] = set()
        """Packs whose index must be read whole."""

    def files(self) -> dict[str, PackFiles]:
        """Return every pack that has its index, by name, as last listed."""
        if self._files is None:
            items = {item.key: item for item in self._bucket.list("packs/")}
            names = [match[1] for key in items if (match := _INDEX.fullmatch(key))]
            self._files = {
                name: PackFiles(items[pack_key(name)], items[index_key(name)])
                for name in names
                if pack_key(name) in items
            }
            self._remove_old_indexes(self._files.keys())
            self._has_files = bool(items)
        return self._files

    def has_files(self) -> bool:
        """Whether any pack or index was listed; halves count, as a listing is not atomic."""
        self.files()
        return self._has_files

    def forget(self, packs: Iterable[str] = ()) -> None:
        """List again; also read the indexes of `packs`, by their keys, again: the local copies may be wrong."""
        self._files = None
        self._damaged.clear()
        for name in map(pack_name, packs):
            self._whole.pop(name, None)
            self._doubted.add(name)
            with suppress(FileNotFoundError):
                os.unlink(self._local_path(name))

    def whole(self, names: Collection[str] | None = None) -> dict[str, tuple[Item, PackIndex]]:
        """Return the packs `names`, or all, with their indexes; omit those whose index is damaged."""
        return self._settled(lambda: self._load(names))

    def finders(self, first: AbstractSet[int], *, sure: bool) -> list[tuple[Item, Finder]]:
        """Return every pack, large ones first, and its index, or the parts of it for names that begin with these bytes.

        Damage can hide a name in a part: `sure` reads whole indexes, which have a checksum.
        """
        return self._settled(lambda: self._finders(first, sure=sure))

    def _finders(self, first: AbstractSet[int], *, sure: bool) -> list[tuple[Item, Finder]]:
        found: dict[str, Finder] = {} if sure else dict(self._read_parts(first))
        rest = [name for name in self.files() if name not in found]
        found.update((name, index) for name, (_, index) in self._load(rest).items())
        packs = [(self.files()[name].pack, finder) for name, finder in found.items()]
        return sorted(packs, key=lambda pair: (pair[0].size, pair[0].key), reverse=True)

    def _settled(self, look: Callable[[], T]) -> T:
        """Try again when a compaction has replaced packs between listing and reading."""
        for _ in range(_TRIES - 1):
            with suppress(*_GONE):
                return look()
            self.forget()
        return look()

    # Whole indexes.

    def _load(self, names: Collection[str] | None) -> dict[str, tuple[Item, PackIndex]]:
        files = self.files()
        names = [name for name in (files if names is None else names) if name in files]
        absent = [name for name in names if name not in self._whole and name not in self._damaged]
        largest = max((files[name].index_item.size for name in absent), default=0)
        for name, index in zip(absent, self._run(self._index, absent, largest), strict=True):
            if index is None:
                self._damaged.add(name)
            else:
                self._whole[name] = index
                self._parts.pop(name, None)
        return {name: (files[name].pack, self._whole[name]) for name in names if name in self._whole}

    def _index(self, name: str) -> PackIndex | None:
        """Return a pack's index, from this disk or fetched; None when it is damaged."""
        item = self.files()[name].index_item
        with suppress(FileNotFoundError, *_WRONG), open(self._local_path(name), "rb") as file:
            return PackIndex(file.read(), item.key)
        with suppress(*_WRONG):
            data = index_bytes(self._bucket, item)
            index = PackIndex(data, item.key)
            self._keep(name, data)
            return index
        return None

    def _keep(self, name: str, data: bytes) -> None:
        with suppress(OSError):  # this only saves a request
            os.makedirs(self._folder, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self._folder, prefix=_NEW, delete=False) as file:
                file.write(data)
            os.rename(file.name, self._local_path(name))

    def _local_path(self, name: str) -> str:
        return f"{self._folder}/{name}.idx"

    def _remove_old_indexes(self, names: Collection[str]) -> None:
        """Remove the indexes of deleted packs, and temporary files of killed commands."""
        with suppress(OSError):
            for file in os.listdir(self._folder):
                if file.startswith(_NEW) or (file.endswith(".idx") and file.removesuffix(".idx") not in names):
                    os.unlink(f"{self._folder}/{file}")

    # Parts of large indexes.

    def _read_parts(self, first: AbstractSet[int]) -> dict[str, RangedIndex]:
        """Read the parts for these bytes, where that is cheaper. Return the indexes that show no damage."""
        some = {name: index for name, index in self._ranged().items() if index.is_cheaper(first)}
        heads = [name for name, index in some.items() if index.needs_head()]
        bad = {name for name, sound in zip(heads, self._run(self._read_head, heads, HEAD), strict=True) if not sound}
        wanted = [(name, byte) for name, index in some.items() if name not in bad for byte in index.unread(first)]
        size = max((some[name].item.size for name, _ in wanted), default=0)
        sound = self._run(self._read_part, wanted, size >> 4)  # unevenly distributed names make a part large
        bad |= {name for (name, _), good in zip(wanted, sound, strict=True) if not good}
        self._doubted |= bad
        return {name: index for name, index in some.items() if name not in bad}

    def _ranged(self) -> dict[str, RangedIndex]:
        """Return the indexes that may be read in parts: those without a complete local copy."""
        for name, (_, index) in self.files().items():
            large = index.size > MAX_INDEX
            if large or name in self._whole or name in self._doubted or os.path.exists(self._local_path(name)):
                self._parts.pop(name, None)
            elif name not in self._parts or self._parts[name].item != index:
                self._parts[name] = RangedIndex(index, name)
        return {name: self._parts[name] for name in self.files() if name in self._parts}

    def _read_head(self, name: str) -> bool:
        """Read the fanout of an index. Return whether it is sound."""
        index = self._parts[name]
        with suppress(*_WRONG):
            index.take_head(self._bucket.read(index.item, 0, HEAD))
            return True
        return False

    def _read_part(self, wanted: tuple[str, int]) -> bool:
        """Read the records of a first byte. Return whether they are sound."""
        name, byte = wanted
        index = self._parts[name]
        with suppress(*_WRONG):
            start, end = index.file_range(byte)
            index.take(byte, self._bucket.read(index.item, start, end) if end > start else b"")
            return True
        return False


def index_bytes(bucket: Bucket, item: Item) -> bytes:
    """Return the bytes of an index.

    Raises:
        CorruptObject: it is larger than any that mvc writes.
    """
    if item.size > MAX_INDEX:
        raise CorruptObject(f"{item.key} is damaged: it has {item.size} bytes, expected at most {MAX_INDEX}")
    return bucket.read(item, 0, item.size)
