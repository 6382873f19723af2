"""Receiving objects from a remote into the cache: each is verified before it is published.

Small objects travel in packs, medium ones several at a time, large ones one after the other in parts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TypeAlias

from mvc.errors import CorruptObject, MissingObject, MvcError
from mvc.fs.progress import Share
from mvc.objects.digest import Digest
from mvc.objects.hashing import hash_bytes
from mvc.store.buckets.bucket import PART, Bucket, Changed, Item
from mvc.store.cache.writer import CacheWriter
from mvc.store.packs.pack_writer import STEP
from mvc.store.remote.location import FileVersion, ObjectLocation, Span, spans
from mvc.transfer.download import fill
from mvc.transfer.tools import Lost, Moved, Tools, attempt, expected, move_loose

Locations: TypeAlias = Mapping[str, ObjectLocation]

_GONE = (MissingObject, Changed)
"""Errors of reading during a concurrent compaction, gc or repair of the remote."""


def fetch_objects(tools: Tools, digests: Sequence[Digest]) -> Moved:
    """Fetch objects that the cache is known to lack.

    Objects that were moved or replaced on the remote meanwhile are looked up once more. So are packed objects that do
    not match: the local copy of the index may be wrong. Then other packs that have them are tried.
    """
    locations = tools.remote.locate(digest.blake3 for digest in digests)
    moved = _fetch_from(tools, digests, locations)
    lost = _errors(moved)
    again = [digest for digest in digests if _may_be_found(lost.get(digest.blake3), locations.get(digest.blake3))]
    if not again:
        return moved
    tools.remote.forget({locations[digest.blake3].item.key for digest in again})
    locations = tools.remote.locate(digest.blake3 for digest in again)
    moved = moved.then(_fetch_from(tools, again, locations, last=True), again)
    return _fetch_copies(tools, again, moved, locations)


def _fetch_copies(tools: Tools, digests: Sequence[Digest], moved: Moved, locations: Locations) -> Moved:
    """Fetch objects that are damaged at `locations` from other copies on the remote."""
    avoided: dict[FileVersion, set[str]] = {}
    while True:
        lost = _errors(moved)
        there = [digest for digest in digests if digest.blake3 in locations]
        wrong = [digest for digest in there if isinstance(lost.get(digest.blake3), CorruptObject)]
        for digest in wrong:
            avoided.setdefault(FileVersion.of(locations[digest.blake3].item), set()).add(digest.blake3)
        locations = tools.remote.locate((digest.blake3 for digest in wrong), without=avoided)
        digests = [digest for digest in wrong if digest.blake3 in locations]
        if not digests:
            return moved
        moved = moved.then(_fetch_from(tools, digests, locations, last=True), digests)


def _errors(moved: Moved) -> dict[str, MvcError]:
    return {item.name: item.error for item in moved.failed}


def _may_be_found(error: MvcError | None, location: ObjectLocation | None) -> bool:
    """Whether another lookup may find an object that failed with `error`."""
    if error is None or location is None:
        return False
    return isinstance(error, _GONE) or (isinstance(error, CorruptObject) and location.record is not None)


def _fetch_from(tools: Tools, digests: Sequence[Digest], locations: Locations, *, last: bool = False) -> Moved:
    """Fetch objects from `locations`; in the `last` try, damage in a pack goes to quarantine."""
    with expected(tools, sum(location.size for location in locations.values())) as told:
        return _fetch_expected(told, digests, locations, last=last)


def _fetch_expected(tools: Tools, digests: Sequence[Digest], locations: Locations, *, last: bool) -> Moved:
    found = [digest for digest in digests if digest.blake3 in locations]
    whole = [digest for digest in found if _is_whole(locations[digest.blake3], digest)]
    url = tools.remote.bucket.url
    lost = [
        Lost(digest.blake3, MissingObject(f"object {digest.blake3} is not on {url}"))
        for digest in digests
        if digest.blake3 not in locations
    ]
    lost += [_damaged(tools, digest) for digest in sorted({*found}.difference(whole))]
    with CacheWriter(tools.cache, step=STEP) as writer:
        packed = [digest for digest in whole if locations[digest.blake3].record]
        lost += _receive_packed(tools, writer, packed, locations, last=last)
        loose = [(digest, locations[digest.blake3].item) for digest in whole if not locations[digest.blake3].record]
        lost += move_loose(tools.pool, partial(_receive_loose, tools, writer), loose, lambda pair: pair[0].size)
    failed = {item.name for item in lost}
    arrived = [digest for digest in whole if digest.blake3 not in failed]
    return Moved(len(arrived), sum(digest.size for digest in arrived), tuple(lost))


def _is_whole(location: ObjectLocation, digest: Digest) -> bool:
    """Whether the object may be whole there. The index of a pack has its size; a pointer may be wrong."""
    return location.fits if location.record else location.is_whole(digest.size)


def _damaged(tools: Tools, digest: Digest) -> Lost:
    message = f"object {digest.blake3} is damaged on {tools.remote.bucket.url}: its bytes do not match its name"
    return Lost(digest.blake3, CorruptObject(message))


# Small objects.


def _receive_packed(
    tools: Tools, writer: CacheWriter, digests: Iterable[Digest], locations: Locations, *, last: bool,
) -> list[Lost]:
    """Fetch objects from packs. Return those that failed.

    One thread stores them: Ctrl-C, which only the main thread sees, leaves no partial object in a pack.
    """
    packed = {digest.blake3: digest for digest in digests}
    ranges = spans((name, locations[name]) for name in packed)
    store = partial(_store_span, tools, writer, packed, last=last)
    lost: list[Lost] = []
    storing: Future[list[Lost]] | None = None
    with ThreadPoolExecutor(1, thread_name_prefix="mvc-write") as thread:
        for span, data in tools.pool.in_order(partial(_read_span, tools.remote.bucket), ranges, PART):
            lost += storing.result() if storing else []
            storing = thread.submit(store, span, data)
        lost += storing.result() if storing else []
    return lost


def _read_span(bucket: Bucket, span: Span) -> tuple[Span, bytes | MvcError]:
    try:
        return span, bucket.read(span.item, span.start, span.end)
    except MvcError as error:
        return span, error


def _store_span(
    tools: Tools, writer: CacheWriter, digests: Mapping[str, Digest], span: Span, data: bytes | MvcError, *, last: bool,
) -> list[Lost]:
    """Store the objects of a span. Return those that failed."""
    if isinstance(data, MvcError):
        return [Lost(name, data) for name, _ in span.objects]
    lost = []
    for name, location in span.objects:
        body, digest = span.body(data, location), digests[name]
        found = hash_bytes(body)
        if found.blake3 == name:  # the size or xxh128 in a pointer may be wrong
            writer.put_bytes(body, found)
        else:
            lost.append(_damaged(tools, digest))
            if last:
                writer.quarantine(digest, body)
        tools.progress.advance(location.size)
    return lost


# Large objects.


def _receive_loose(tools: Tools, writer: CacheWriter, found: tuple[Digest, Item]) -> Lost | None:
    digest, item = found
    if item.size != digest.size:
        return _damaged(tools, digest)
    resume = item.size > PART
    with Share(tools.progress, item.size) as share:
        filled = partial(fill, tools._replace(progress=share), item)
        lost = attempt(digest.blake3, lambda: writer.put_filled(digest, filled, resume=resume))
    return _damaged(tools, digest) if lost and isinstance(lost.error, CorruptObject) else lost
