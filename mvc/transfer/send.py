"""Sending objects from the cache to a remote: missing ones are determined first, then verified and sent.

Small objects travel in packs, medium ones several at a time, large ones one after the other in parts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from functools import partial
from itertools import islice, starmap

from mvc.errors import MvcError
from mvc.fs.copying import Reader
from mvc.fs.files import as_error
from mvc.fs.progress import Share
from mvc.objects.digest import Digest
from mvc.objects.digest_table import DigestTable
from mvc.objects.hashing import quick_reader
from mvc.store.cache.cache import damaged
from mvc.store.remote.location import Locations, object_key
from mvc.store.remote.sending import send_packs
from mvc.store.remote.store import RemoteStore
from mvc.transfer.tools import Lost, Moved, Tools, attempt, expected, move_loose


def missing_there(remote: RemoteStore, digests: Iterable[Digest]) -> DigestTable:
    """Return the objects that the remote lacks now, or has truncated."""
    wanted = DigestTable(digests)
    return DigestTable(not_whole(wanted, remote.locate(wanted)))


def not_whole(wanted: DigestTable, there: Locations) -> Iterator[Digest]:
    """Yield those of `wanted` that are not `there`, the locations of the same table, or truncated."""
    sizes = zip(wanted.sizes(), there.sizes(), strict=True)
    return (wanted.at(position) for position, (size, stored) in enumerate(sizes) if size != stored)


def push_objects(tools: Tools, missing: DigestTable) -> Moved:
    """Send objects that the remote is known to lack; large ones first, so that manifests come last."""
    tools.remote.prepare()
    with expected(tools, sum(missing.sizes())) as told:
        return _push(told, missing)


def _push(tools: Tools, missing: DigestTable) -> Moved:
    loose = [digest for digest in missing.digests() if tools.cache.is_only_loose(digest.blake3)]
    lost = move_loose(tools.pool, partial(_send, tools), loose, lambda digest: digest.size)
    alone, failed = {digest.blake3 for digest in loose}, {item.name for item in lost}
    large = sum(digest.size for digest in loose if digest.blake3 not in failed)
    sent, unsent = _send_packed(tools, missing, alone)
    return Moved(len(missing) - len(lost) - len(unsent), sent + large, (*lost, *unsent), tuple(loose))


def _send(tools: Tools, digest: Digest) -> Lost | None:
    """Send a large object; a damaged one is not published."""
    def check(read: Reader) -> None:
        if quick_reader(read, digest.size) != (digest.xxh128, digest.size):
            raise damaged(digest.blake3)

    def send() -> None:
        with tools.cache.open(digest.blake3) as file:
            key, fd = object_key(digest.blake3), file.fileno()
            tools.remote.bucket.upload(key, fd, digest.size, tools.pool, check, share)

    with Share(tools.progress, digest.size) as share:
        return attempt(digest.blake3, send)


def _send_packed(tools: Tools, missing: DigestTable, alone: AbstractSet[str]) -> tuple[int, list[Lost]]:
    """Send the objects that are not `alone`, as packs. Return the bytes sent, and the failures.

    A pack that fails does not stop the others.
    """
    total = packed = 0
    unread: dict[str, MvcError] = {}
    lost: list[Lost] = []

    def bodies() -> Iterator[tuple[Digest, bytes]]:
        for digest in _small(missing, alone):
            try:
                yield tools.cache.read_stored(digest.blake3)
            except MvcError as error:
                unread[digest.blake3] = error

    try:
        for sent in send_packs(tools.remote, bodies(), tools.folder) if len(missing) > len(alone) else ():
            packed += sent.pack.object_count
            lost += [Lost(name, sent.error) for name in sorted(sent.pack.objects()) if sent.error]
            tools.progress.advance(sent.pack.size)
            total += sent.bytes
    except (MvcError, OSError) as error:  # no more packs can be built here
        reason = as_error(error, tools.folder) if isinstance(error, OSError) else error
        readable = (digest.blake3 for digest in _small(missing, alone) if digest.blake3 not in unread)
        lost += [Lost(name, reason) for name in islice(readable, packed, None)]  # packs are built in this order
    return total, [*lost, *starmap(Lost, unread.items())]


def _small(missing: DigestTable, alone: AbstractSet[str]) -> Iterator[Digest]:
    return (digest for digest in missing.digests() if digest.blake3 not in alone)
