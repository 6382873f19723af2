"""Objects on a remote: large ones under their names, small ones in packs, on top of any bucket.

The layout is the same in a directory and in a bucket: docs/formats.md, "Remote".
"""

from __future__ import annotations

import io
import os
import shlex
import tempfile
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import closing, suppress
from typing import BinaryIO, NamedTuple, TypeAlias, TypeVar
from uuid import uuid4

from mvc.errors import CorruptObject, InvalidFormat, MissingObject, MvcError, UsageError
from mvc.fs.files import write_all
from mvc.fs.scratch import Scratch
from mvc.objects.digest import Digest, check_object_name
from mvc.objects.hashing import hash_stream
from mvc.store.buckets.bucket import PART, Bucket, Item, RemoteError, RunAll
from mvc.store.buckets.open import MARKER
from mvc.store.cache.writer import LOOSE_AT
from mvc.store.packs.builder import Shaped, shaped
from mvc.store.packs.index import PackIndex, Record
from mvc.store.remote.packs import Pair, RemotePacks

FEW = 8
"""Objects up to which each is asked for by itself before anything is listed."""
GAP = 256 << 10
"""Bytes between two objects of a pack that are read along rather than left out by another request."""
PAGE = 1000
"""What one listing request of S3 yields."""
_MARKER_BYTES = 4096
SALT = 16
"""Random bytes before the bodies of a pack."""

T = TypeVar("T")
R = TypeVar("R")


class Place(NamedTuple):
    """Where an object lies: under a key of its own, or in a pack."""

    item: Item
    """What is to be read: the object, or its pack."""
    record: Record | None = None

    @property
    def start(self) -> int:
        """The first byte of the object."""
        return self.record.offset if self.record else 0

    @property
    def size(self) -> int:
        """Bytes of the object as stored."""
        return self.record.stored if self.record else self.item.size

    @property
    def fits(self) -> bool:
        """Whether its pack is as long as the index says, and the object no larger than those in packs are."""
        return self.start + self.size <= self.item.size and (self.record is None or self.size <= PART)

    def is_whole(self, size: int) -> bool:
        """Whether an object of `size` bytes can be there, as far as can be told without reading it."""
        return self.fits and self.size == size


Version: TypeAlias = tuple[str, float, str]
"""A file on a remote as it was written at some time: its key, that time, its ETag."""
Doomed: TypeAlias = Mapping[Version, AbstractSet[str]]
"""Files that a gc is going to delete, or to take these objects out of; see mvc.store.remote.gc."""


def version(item: Item) -> Version:
    """Return what changes when `item` is written anew."""
    return item.key, item.modified, item.etag


class Span(NamedTuple):
    """A stretch of a pack to be read at once, and the objects in it by name."""

    item: Item
    start: int
    end: int
    objects: list[tuple[str, Place]]

    def body(self, data: bytes, place: Place) -> bytes:
        """Return the bytes of one of the objects; `data` is what was read of the whole span."""
        start = place.start - self.start
        return data[start : start + place.size]


def spans(packed: Iterable[tuple[str, Place]]) -> Iterator[Span]:
    """Yield what to read: neighbours in a pack together, up to `PART` bytes."""
    span: Span | None = None
    for name, place in sorted(packed, key=lambda pair: (pair[1].item.key, pair[1].start)):
        end = place.start + place.size
        near = span and span.item == place.item and place.start - span.end <= GAP and end - span.start <= PART
        if span and near:
            span.objects.append((name, place))
            span = span._replace(end=max(end, span.end))
            continue
        if span:
            yield span
        span = Span(place.item, place.start, end, [(name, place)])
    if span:
        yield span


class Sent(NamedTuple):
    """A pack that was sent with its index, or was not; its files are gone."""

    pack: Shaped
    bytes: int
    error: MvcError | None = None


def one_by_one(function: Callable[[T], R], items: Sequence[T], size: int) -> list[R]:
    """Do without threads; see `RunAll`."""
    del size
    return [function(item) for item in items]


class RemoteStore:
    """A store on a bucket. `indexes` is a local directory that keeps pack indexes, which never change."""

    def __init__(self, bucket: Bucket, indexes: str, run: RunAll = one_by_one) -> None:
        """Use `bucket`; nothing is asked yet. `run` calls a function for several items, perhaps at once."""
        self.bucket = bucket
        self.run = run
        self._packs = RemotePacks(bucket, indexes, run)
        self.doomed: Doomed = {}
        """What counts as absent although it is still there."""
        self._id = ""

    @staticmethod
    def key(name: str) -> str:
        """Return the key of a large object."""
        return f"objects/{check_object_name(name)[:2]}/{name}"

    # The format.

    def check_format(self) -> str:
        """Return the remote's own id; empty when nothing was ever pushed to it.

        Raises:
            UsageError: it needs a newer mvc.

        """
        if not self._id and (found := read_marker(self.bucket)):
            self._id = found
            self._note_that_it_was_there()
        return self._id

    def prepare(self) -> str:
        """Make an empty remote one of ours, before anything else is written; its id.

        Raises:
            RemoteError: this clone knows that something was there.

        """
        if known := self.check_format():
            return known
        self._refuse_if_emptied()
        text = f'mvc-remote: 1\nid: "{uuid4()}"\nfeatures: {{read: [], write: []}}\n'
        self.bucket.write(MARKER, text.encode(), new=True)
        return self.check_format()  # another push may have been quicker

    def _note_that_it_was_there(self) -> None:
        with suppress(OSError):  # without the note an unmounted share is not told from a new remote
            os.makedirs(self.indexes, exist_ok=True)
            with open(self._note, "x", encoding="ascii") as file:
                file.write(f"{self._id}\n")

    def _refuse_if_emptied(self) -> None:
        """An empty directory may be the place where a share is not mounted now."""
        if os.path.exists(self._note) and next(iter(self.bucket.list("")), None) is None:
            why = "is it mounted?" if self.bucket.url.startswith("/") else "was all of it deleted?"
            message = f"{self.bucket.url} was a remote of this clone before, and is empty now: {why}"
            raise RemoteError(message, f"rm {shlex.quote(self._note)}  # and push again, if it is to begin anew")

    @property
    def _note(self) -> str:
        """The local file that says that the remote was one of ours; in it the remote's id."""
        return f"{self.indexes}/remote-id"

    # What is there.

    def locate(self, names: Iterable[str]) -> dict[str, Place]:
        """Return where those of `names` lie that are there now. All of it is asked, nothing inferred.

        What is not found is looked for once more: others may pack anew in the midst of a listing, and a part of an
        index may be damaged.
        """
        names = {*names}
        found = self.glance(names)
        missed = names - found.keys()
        if missed and self._packs.has_files():
            self.forget()
            found |= self._packed(missed, sure=True)
        return found

    def glance(self, names: Iterable[str]) -> dict[str, Place]:
        """Return the same at a first look, for whoever sends what it does not find: sent twice, nothing is lost."""
        wanted = {check_object_name(name) for name in names}
        found = self._packed(wanted)
        rest = sorted(wanted - found.keys())
        return found | {name: Place(item) for name, item in self._loose(rest).items()}

    def _packed(self, names: AbstractSet[str], *, sure: bool = False) -> dict[str, Place]:
        """Return which packs hold what; a pack that is cut short, only when there is no other."""
        keys = {bytes.fromhex(name): name for name in names}
        found: dict[str, Place] = {}
        for item, index in self._packs.finders(keys, sure=sure) if keys else ():
            for key, name in list(keys.items()):
                if (record := index.find(key)) is not None and not self._is_doomed(item, name):
                    found[name] = Place(item, record)
                    if found[name].fits:
                        del keys[key]
        return found

    def _loose(self, names: list[str]) -> dict[str, Item]:
        """Ask for each by itself, or list all: whichever is fewer requests, as far as that can be known."""
        keys = {self.key(name): name for name in names}
        found: dict[str, Item] = {}
        if len(keys) > FEW:
            for number, item in enumerate(self.bucket.list("objects/")):
                if item.key in keys and not self._is_doomed(item, keys[item.key]):
                    found[keys[item.key]] = item
                if number // PAGE >= len(keys):
                    break  # more pages than questions
            else:
                return found
        asked = [key for key, name in keys.items() if name not in found]
        items = [item for item in self.run(self.bucket.head, asked, 0) if isinstance(item, Item)]
        return found | {keys[item.key]: item for item in items if not self._is_doomed(item, keys[item.key])}

    def _is_doomed(self, item: Item, name: str) -> bool:
        return name in self.doomed.get(version(item), ())

    def packs(self, names: Collection[str] | None = None) -> dict[str, tuple[Item, PackIndex]]:
        """Return every pack that has its index, or those of `names`; the indexes are fetched once, for good."""
        return self._packs.whole(names)

    def pairs(self) -> dict[str, Pair]:
        """Return every pack that has its index, by its name; the index is not read."""
        return self._packs.pairs()

    @property
    def indexes(self) -> str:
        """The local directory that keeps what is known of this remote."""
        return self._packs.folder

    def forget(self, packs: Iterable[str] = ()) -> None:
        """Ask anew what packs there are; of `packs`, by their keys, the index that was kept is not to be believed."""
        self._packs.forget(packs)

    # The store protocol.

    def has(self, name: str) -> bool:
        """See `Store.has`."""
        return name in self.locate([name])

    def size(self, name: str) -> int:
        """See `Store.size`."""
        return self._place(name).size

    def open(self, name: str) -> BinaryIO:
        """See `Store.open`. What is read is fetched in ranges as it is asked for."""
        return io.BufferedReader(RemoteFile(self.bucket, self._place(name)), 1 << 20)

    def put(self, digest: Digest, source: BinaryIO) -> None:
        """See `Store.put`."""
        check_object_name(digest.blake3)
        self.prepare()
        with tempfile.TemporaryDirectory() as folder:
            with open(f"{folder}/object", "x+b", buffering=0) as file:
                while part := source.read(1 << 20):
                    write_all(file.fileno(), part)
                file.seek(0)
                if hash_stream(file.fileno(), digest.size) != digest:
                    raise CorruptObject(f"object {digest.blake3}: the bytes do not match their digest")
                if self.has(digest.blake3):
                    return
                if digest.size >= LOOSE_AT:
                    self.bucket.upload(self.key(digest.blake3), file.fileno(), digest.size, self.run)
                    return
                body = os.pread(file.fileno(), digest.size, 0)
            self.put_pack([(digest, body)], folder)

    def put_pack(self, bodies: Iterable[tuple[Digest, bytes]], folder: str) -> dict[str, int]:
        """Store small objects as packs, see `send_packs`; the bytes sent, by pack. The first that fails ends it."""
        made = {}
        with closing(self.send_packs(bodies, folder)) as packs:
            for sent in packs:
                if sent.error:
                    raise sent.error
                made[sent.pack.name] = sent.bytes
        return made

    def send_packs(self, bodies: Iterable[tuple[Digest, bytes]], folder: str) -> Generator[Sent]:
        """Send small objects as packs, each as soon as it is shaped in the local directory `folder`.

        One that fails stops none of the others. `bodies` is asked from another thread.

        No two packs ever have one name, even with the same bodies: what is deleted does not come back, so who
        deletes late deletes nothing that was sent since.
        """
        with Scratch(f"{folder}/scratch") as scratch, closing(shaped(bodies, scratch, os.urandom(SALT))) as packs:
            for pack in packs:
                try:
                    sent = Sent(pack, self._send_pack(pack))
                except MvcError as error:
                    sent = Sent(pack, 0, error)
                finally:
                    pack.discard()
                yield sent

    def _send_pack(self, pack: Shaped) -> int:
        """Send a pack, then its index: a pack without one is none."""
        total = 0
        for path, suffix in ((pack.pack_path, "pack"), (pack.index_path, "idx")):
            with open(path, "rb", buffering=0) as file:
                size = os.fstat(file.fileno()).st_size
                self.bucket.upload(f"packs/{pack.name}.{suffix}", file.fileno(), size, self.run)
                total += size
        self.forget()
        return total

    def list(self) -> Iterator[str]:
        """See `Store.list`."""
        seen: set[str] = set()
        for name, _ in self.loose():
            seen.add(name)
            yield name
        self.forget()
        for _, index in self.packs().values():
            new = {key.hex() for key in index.keys()} - seen  # noqa: SIM118 - no mapping
            seen |= new
            yield from new

    def loose(self) -> Iterator[tuple[str, Place]]:
        """Yield every object that has a key of its own."""
        for item in self.bucket.list("objects/"):
            with suppress(InvalidFormat):
                name = check_object_name(item.key.rpartition("/")[2])
                if item.key == self.key(name):
                    yield name, Place(item)

    def delete(self, name: str) -> None:
        """See `Store.delete`."""
        self.bucket.delete([self.key(name)])
        while (place := self._packed({name}, sure=True).get(name)) is not None:
            self.drop(place.item, {name})

    def drop(self, pack: Item, names: AbstractSet[str]) -> None:
        """Replace a pack by one without `names`; nothing when its index is gone, as after others packed anew."""
        _, index = self.packs([pack.key[6:-5]]).get(pack.key[6:-5], (pack, None))
        if index is None:
            return
        rest = {record.blake3.hex(): Place(pack, record) for record in index.records()}
        rest = {name: place for name, place in rest.items() if name not in names and place.fits}
        with tempfile.TemporaryDirectory() as folder:
            self.put_pack(self._bodies(rest), folder)
        self.bucket.delete([f"{pack.key[:-5]}.idx", pack.key])
        self.forget()

    def _bodies(self, places: Mapping[str, Place]) -> Iterator[tuple[Digest, bytes]]:
        """Yield objects out of packs as they are there, sound or not: who needs them may know better."""
        for span in spans(places.items()):
            data = self.bucket.read(span.item, span.start, span.end)
            for _, place in span.objects:
                if place.record is not None:
                    yield place.record.digest, span.body(data, place)

    def _place(self, name: str) -> Place:
        place = self.locate([name]).get(name)
        if place is None:
            raise MissingObject(f"object {name} is not on {self.bucket.url}")
        return place


class RemoteFile(io.RawIOBase):
    """An object on a remote as a file to read and seek in; each read is one request."""

    def __init__(self, bucket: Bucket, place: Place) -> None:
        """Read the object at `place`."""
        self._bucket, self._place, self._position = bucket, place, 0

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """See `io.IOBase.seek`."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._place.size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def readinto(self, buffer: object) -> int:
        """See `io.RawIOBase.readinto`."""
        view = memoryview(buffer)  # type: ignore[arg-type]  # a buffer, as typeshed says elsewhere
        end = min(self._position + min(len(view), PART), self._place.size)
        if end <= self._position:
            return 0
        start = self._place.start
        data = self._bucket.read(self._place.item, start + self._position, start + end)
        view[: len(data)] = data
        self._position += len(data)
        return len(data)


def read_marker(bucket: Bucket) -> str:
    """Return a remote's own id; empty when nothing was ever pushed to it.

    Raises:
        InvalidFormat: what should say so is damaged.
        UsageError: it needs a newer mvc.

    """
    item = bucket.head(MARKER)
    if item is None:
        return ""
    return _id_in(bucket.read(item, 0, min(item.size, _MARKER_BYTES + 1)), bucket.url)


def _id_in(text: bytes, url: str) -> str:
    from mvc.objects import strict_yaml  # noqa: PLC0415 - start-up time

    try:
        data = strict_yaml.load(text, what=f"{url}/{MARKER}", max_bytes=_MARKER_BYTES)
    except InvalidFormat as error:
        raise InvalidFormat(error.message, f"mvc push  # writes another, once {url}/{MARKER} is deleted") from None
    facts = data if isinstance(data, dict) else {}
    known = facts.get("mvc-remote") == 1 and facts.get("features") == {"read": [], "write": []}
    if not known or not isinstance(facts.get("id"), str):
        raise UsageError(f"the remote {url} needs a newer mvc, or is none of mvc's", "pip install --upgrade modelvc")
    return str(facts["id"])
