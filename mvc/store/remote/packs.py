"""Which packs a remote has, and what their indexes say. Indexes never change, so a clone keeps what it fetched."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from typing import NamedTuple, Protocol, TypeVar

from mvc.errors import CorruptObject, InvalidFormat, MissingObject
from mvc.store.buckets.bucket import Bucket, Changed, Item, RunAll
from mvc.store.packs.index import HEAD, MAX_INDEX, PackIndex, Record
from mvc.store.packs.ranged_index import RangedIndex

_INDEX = re.compile(r"packs/([0-9a-f]{64})\.idx")
_GONE = (MissingObject, Changed)
_WRONG = (CorruptObject, InvalidFormat)
_TRIES = 3
_NEW = "new-"
"""Before the name of an index that is being kept."""

T = TypeVar("T")


class Pair(NamedTuple):
    """A pack, and its index."""

    pack: Item
    index_item: Item


class Finder(Protocol):
    """An index, or what is known of one."""

    def find(self, key: bytes) -> Record | None:
        """Return the record of the object named by these 32 bytes."""
        ...


class RemotePacks:
    """The packs of a remote. `folder` is a local directory that keeps their indexes."""

    def __init__(self, bucket: Bucket, folder: str, run: RunAll) -> None:
        """Use `bucket`; nothing is asked yet."""
        self._bucket, self.folder, self._run = bucket, folder, run
        self._pairs: dict[str, Pair] | None = None
        self._whole: dict[str, PackIndex] = {}
        self._parts: dict[str, RangedIndex] = {}
        self._damaged: set[str] = set()
        """Those whose index is damaged on the remote."""
        self._has_files = False
        self._doubted: set[str] = set()
        """Those whose index is to be read whole."""

    def pairs(self) -> dict[str, Pair]:
        """Return every pack that has its index, by its name, as last listed."""
        if self._pairs is None:
            items = {item.key: item for item in self._bucket.list("packs/")}
            names = [match[1] for key in items if (match := _INDEX.fullmatch(key))]
            self._pairs = {
                name: Pair(items[f"packs/{name}.pack"], items[f"packs/{name}.idx"])
                for name in names
                if f"packs/{name}.pack" in items
            }
            self._drop_kept(self._pairs.keys())
            self._has_files = bool(items)
        return self._pairs

    def has_files(self) -> bool:
        """Whether a pack, or half of one, was listed: a listing is not made at one moment."""
        self.pairs()
        return self._has_files

    def forget(self, packs: Iterable[str] = ()) -> None:
        """List anew; what is known of the indexes of `packs`, by their keys, is not to be believed."""
        self._pairs = None
        self._damaged.clear()
        for key in packs:
            name = key.removeprefix("packs/").removesuffix(".pack")
            self._whole.pop(name, None)
            self._doubted.add(name)
            with suppress(FileNotFoundError):
                os.unlink(self._kept(name))

    def whole(self, names: Collection[str] | None = None) -> dict[str, tuple[Item, PackIndex]]:
        """Return the packs `names`, or all, with their indexes; a pack whose index is damaged holds nothing."""
        return self._settled(lambda: self._load(names))

    def finders(self, keys: Collection[bytes], *, sure: bool) -> list[tuple[Item, Finder]]:
        """Return every pack, large ones first, and what to ask for `keys`.

        Of a large index only parts are read when the keys are few. Then damage can hide a key: `sure` reads
        all of it, which is proven by its checksum.
        """
        return self._settled(lambda: self._finders(keys, sure=sure))

    def _finders(self, keys: Collection[bytes], *, sure: bool) -> list[tuple[Item, Finder]]:
        found: dict[str, Finder] = {} if sure else dict(self._read_parts(keys))
        rest = [name for name in self.pairs() if name not in found]
        found.update((name, index) for name, (_, index) in self._load(rest).items())
        packs = sorted(((self.pairs()[name].pack, finder) for name, finder in found.items()), key=_by_size)
        return packs[::-1]

    def _settled(self, look: Callable[[], T]) -> T:
        """Look again when others have replaced packs between the listing and the reading."""
        for _ in range(_TRIES - 1):
            with suppress(*_GONE):
                return look()
            self.forget()
        return look()

    # Whole indexes.

    def _load(self, names: Collection[str] | None) -> dict[str, tuple[Item, PackIndex]]:
        pairs = self.pairs()
        names = [name for name in (pairs if names is None else names) if name in pairs]
        absent = [name for name in names if name not in self._whole and name not in self._damaged]
        largest = max((pairs[name].index_item.size for name in absent), default=0)
        for name, index in zip(absent, self._run(self._index, absent, largest), strict=True):
            if index is None:
                self._damaged.add(name)
            else:
                self._whole[name] = index
                self._parts.pop(name, None)
        return {name: (pairs[name].pack, self._whole[name]) for name in names if name in self._whole}

    def _index(self, name: str) -> PackIndex | None:
        """Return a pack's index, kept from before or fetched; None when it is damaged."""
        item = self.pairs()[name].index_item
        with suppress(FileNotFoundError, *_WRONG), open(self._kept(name), "rb") as file:
            return PackIndex(file.read(), item.key)
        with suppress(*_WRONG):
            data = index_bytes(self._bucket, item)
            index = PackIndex(data, item.key)
            self._keep(name, data)
            return index
        return None

    def _keep(self, name: str, data: bytes) -> None:
        """Keep the index of the pack `name` for the next command."""
        with suppress(OSError):  # it only saves a request
            os.makedirs(self.folder, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self.folder, prefix=_NEW, delete=False) as file:
                file.write(data)
            os.rename(file.name, self._kept(name))

    def _kept(self, name: str) -> str:
        return f"{self.folder}/{name}.idx"

    def _drop_kept(self, names: Collection[str]) -> None:
        """Remove the indexes of packs that are gone, and what a killed command left; who writes now does without."""
        with suppress(OSError):
            for file in os.listdir(self.folder):
                if file.startswith(_NEW) or (file.endswith(".idx") and file.removesuffix(".idx") not in names):
                    os.unlink(f"{self.folder}/{file}")

    # Parts of large indexes.

    def _read_parts(self, keys: Collection[bytes]) -> dict[str, RangedIndex]:
        """Read what is needed of the indexes of which that is little; those in which nothing looked wrong."""
        some = {name: index for name, index in self._ranged().items() if index.is_cheaper(keys)}
        heads = [name for name, index in some.items() if index.needs_head()]
        bad = {name for name, sound in zip(heads, self._run(self._read_head, heads, HEAD), strict=True) if not sound}
        wanted = [(name, byte) for name, index in some.items() if name not in bad for byte in index.unread(keys)]
        size = max((some[name].item.size for name, _ in wanted), default=0)
        sound = self._run(self._read_part, wanted, size >> 4)  # a part may be large when the names are not even
        bad |= {name for (name, _), good in zip(wanted, sound, strict=True) if not good}
        self._doubted |= bad
        return {name: index for name, index in some.items() if name not in bad}

    def _ranged(self) -> dict[str, RangedIndex]:
        """Return the indexes that are not at hand, as far as their parts are known."""
        for name, pair in self.pairs().items():
            large = pair.index_item.size > MAX_INDEX
            if large or name in self._whole or name in self._doubted or os.path.exists(self._kept(name)):
                self._parts.pop(name, None)
            elif name not in self._parts or self._parts[name].item != pair.index_item:
                self._parts[name] = RangedIndex(pair.index_item, name)
        return {name: self._parts[name] for name in self.pairs() if name in self._parts}

    def _read_head(self, name: str) -> bool:
        """Read the fanout of an index; whether it is sound."""
        index = self._parts[name]
        with suppress(*_WRONG):
            index.take_head(self._bucket.read(index.item, 0, HEAD))
            return True
        return False

    def _read_part(self, wanted: tuple[str, int]) -> bool:
        """Read the records of a first byte; whether they are sound."""
        name, byte = wanted
        index = self._parts[name]
        with suppress(*_WRONG):
            start, end = index.stretch(byte)
            index.take(byte, self._bucket.read(index.item, start, end) if end > start else b"")
            return True
        return False


def index_bytes(bucket: Bucket, item: Item) -> bytes:
    """Return the bytes of an index.

    Raises:
        CorruptObject: they are more than mvc writes.

    """
    if item.size > MAX_INDEX:
        raise CorruptObject(f"{item.key} is damaged: {item.size} bytes are too many")
    return bucket.read(item, 0, item.size)


def _by_size(pack: tuple[Item, Finder]) -> tuple[int, str]:
    return pack[0].size, pack[0].key
