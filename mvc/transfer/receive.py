"""Receiving objects from a remote into the cache: each is verified before it is published.

Small objects travel in packs, medium ones several at a time, large ones one after the other in parts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

from mvc.errors import CorruptObject, MissingObject, MvcError
from mvc.fs.progress import Share
from mvc.objects.digest import Digest
from mvc.objects.digest_table import DigestTable
from mvc.objects.hashing import hash_bytes
from mvc.store.buckets.bucket import PART, Bucket, Changed, Item
from mvc.store.cache.writer import CacheWriter
from mvc.store.packs.pack_writer import STEP
from mvc.store.remote.location import SPAN, FileVersion, Locations, ObjectLocation, Span, spans
from mvc.transfer.download import fill
from mvc.transfer.tools import Lost, Moved, Tools, attempt, expected, move_loose

_GONE = (MissingObject, Changed)
"""Errors of reading during a concurrent compaction, gc or repair of the remote."""


def fetch_objects(tools: Tools, digests: DigestTable) -> Moved:
    """Fetch objects that the cache is known to lack.

    Objects that were moved or replaced on the remote meanwhile are looked up once more. So are packed objects that do
    not match: the local copy of the index may be wrong. Then other packs that have them are tried.
    """
    locations = tools.remote.locate(digests)
    moved = _fetch_from(tools, digests, locations)
    again = DigestTable(digests[name] for name, error in moved.failed if _may_be_found(error, locations.get(name)))
    if not again:
        return moved
    tools.remote.forget({locations[name].item.key for name in again})
    locations = tools.remote.locate(again)
    moved = moved.then(_fetch_from(tools, again, locations, last=True), again)
    return _fetch_copies(tools, again, moved, locations)


def _fetch_copies(tools: Tools, digests: DigestTable, moved: Moved, locations: Locations) -> Moved:
    """Fetch objects that are damaged at `locations` from other copies on the remote."""
    avoided: dict[FileVersion, set[str]] = {}
    while True:
        wrong = [name for name, error in moved.failed if name in locations and isinstance(error, CorruptObject)]
        for name in wrong:
            avoided.setdefault(FileVersion.of(locations[name].item), set()).add(name)
        digests = DigestTable(map(digests.__getitem__, wrong))
        locations = tools.remote.locate(digests, without=avoided)
        if not locations:
            return moved
        fetched = _fetch_from(tools, digests, locations, last=True)
        failed = tuple(item for item in fetched.failed if item.name in locations)
        moved = moved.then(fetched._replace(failed=failed), locations)


def _may_be_found(error: MvcError, location: ObjectLocation | None) -> bool:
    """Whether another lookup may find an object that failed with `error`."""
    if location is None:
        return False
    return isinstance(error, _GONE) or (isinstance(error, CorruptObject) and location.record is not None)


def _fetch_from(tools: Tools, digests: DigestTable, locations: Locations, *, last: bool = False) -> Moved:
    """Fetch objects from `locations` of the same table; in the `last` try, damage in a pack goes to quarantine."""
    url = tools.remote.bucket.url
    lost = [Lost(name, MissingObject(f"object {name} is not on {url}")) for name in map(bytes.hex, locations.absent())]
    with (
        expected(tools, _total(digests, lost)) as told,
        CacheWriter(tools.cache, step=STEP) as writer,
    ):
        arriving = _Arriving(told, writer, digests, locations, last)
        lost += _receive_packed(arriving)
        loose = [(digests[name], item) for name, item in locations.loose.items()]
        lost += move_loose(told.pool, partial(_receive_loose, arriving), loose, lambda pair: pair[0].size)
    return Moved(len(digests) - len(lost), _total(digests, lost), tuple(lost))


def _total(digests: DigestTable, but: list[Lost]) -> int:
    """Return the bytes of the objects without those that are lost."""
    return sum(digests.sizes()) - sum(digests[item.name].size for item in but)


class _Arriving(NamedTuple):
    """Objects on their way into the cache."""

    tools: Tools
    writer: CacheWriter
    digests: DigestTable
    locations: Locations
    """Of the same table."""
    last: bool
    """Damage in a pack goes to quarantine."""


def _damaged(tools: Tools, digest: Digest) -> Lost:
    message = f"object {digest.blake3} is damaged on {tools.remote.bucket.url}: its bytes do not match its name"
    return Lost(digest.blake3, CorruptObject(message))


# Small objects.


def _receive_packed(arriving: _Arriving) -> list[Lost]:
    """Fetch objects from packs. Return those that failed.

    One thread stores them: Ctrl-C, which only the main thread sees, leaves no partial object in a pack.
    """
    lost: list[Lost] = []
    tools = arriving.tools
    storing: Future[list[Lost]] | None = None
    with ThreadPoolExecutor(1, thread_name_prefix="mvc-write") as thread:
        ranges = _ranges(arriving, lost)
        for span, data in tools.pool.in_order(partial(_read_span, tools.remote.bucket), ranges, SPAN):
            lost += storing.result() if storing else []
            storing = thread.submit(_store_span, arriving, span, data)
        lost += storing.result() if storing else []
    return lost


def _ranges(arriving: _Arriving, lost: list[Lost]) -> Iterator[Span]:
    """Yield the ranges of packs to read; `lost` gets the objects that are not whole there."""
    for item, positions in arriving.locations.by_pack():
        yield from spans(item, _extents(arriving, positions, lost))


def _extents(arriving: _Arriving, positions: Iterable[int], lost: list[Lost]) -> Iterator[tuple[int, int, int]]:
    for position in positions:
        location = arriving.locations.packed_at(position)
        if location.fits:
            yield location.start, location.size, position
        else:
            lost.append(_damaged(arriving.tools, arriving.digests.at(position)))


def _read_span(bucket: Bucket, span: Span) -> tuple[Span, bytes | MvcError]:
    try:
        return span, bucket.read(span.item, span.start, span.end)
    except MvcError as error:
        return span, error


def _store_span(arriving: _Arriving, span: Span, data: bytes | MvcError) -> list[Lost]:
    """Store the objects of a span. Return those that failed."""
    tools, writer, digests, locations, last = arriving
    if isinstance(data, MvcError):
        return [Lost(digests.at(position).blake3, data) for position in span.objects]
    lost = []
    for position in span.objects:
        location, digest = locations.packed_at(position), digests.at(position)
        body = span.body(data, location)
        found = hash_bytes(body)
        if found.blake3 == digest.blake3:  # the size or xxh128 in a pointer may be wrong
            writer.put_bytes(body, found)
        else:
            lost.append(_damaged(tools, digest))
            if last:
                writer.quarantine(digest, body)
        tools.progress.advance(location.size)
    return lost


# Large objects.


def _receive_loose(arriving: _Arriving, found: tuple[Digest, Item]) -> Lost | None:
    tools, (digest, item) = arriving.tools, found
    if item.size != digest.size:
        return _damaged(tools, digest)
    resume = item.size > PART
    with Share(tools.progress, item.size) as share:
        filled = partial(fill, tools._replace(progress=share), item)
        lost = attempt(digest.blake3, lambda: arriving.writer.put_filled(digest, filled, resume=resume))
    return _damaged(tools, digest) if lost and isinstance(lost.error, CorruptObject) else lost
