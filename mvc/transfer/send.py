"""Sending objects from the cache to a remote: missing ones are determined first, then verified and sent.

Small objects travel in packs, medium ones several at a time, large ones one after the other in parts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial

from mvc.errors import MvcError
from mvc.fs.copying import Reader
from mvc.fs.files import as_error
from mvc.fs.progress import Share
from mvc.objects.digest import Digest
from mvc.objects.hashing import quick_reader
from mvc.store.cache.cache import damaged
from mvc.store.remote.location import ObjectLocation, object_key
from mvc.store.remote.sending import send_packs
from mvc.store.remote.store import RemoteStore
from mvc.transfer.tools import Lost, Moved, Tools, attempt, expected, move_loose


def missing_there(remote: RemoteStore, digests: Iterable[Digest]) -> list[Digest]:
    """Return the objects that the remote lacks now, or has truncated."""
    wanted = {digest.blake3: digest for digest in digests}
    return not_whole(wanted, remote.locate(wanted))


def not_whole(wanted: Mapping[str, Digest], there: Mapping[str, ObjectLocation]) -> list[Digest]:
    """Return the objects in `wanted` that are not `there`, or truncated."""
    return [digest for name, digest in wanted.items() if name not in there or not there[name].is_whole(digest.size)]


def push_objects(tools: Tools, digests: Sequence[Digest]) -> Moved:
    """Send objects that the remote is known to lack; large ones first, so that manifests come last."""
    tools.remote.prepare()
    with expected(tools, sum(digest.size for digest in digests)) as told:
        return _push(told, digests)


def _push(tools: Tools, digests: Sequence[Digest]) -> Moved:
    loose = [digest for digest in digests if tools.cache.is_loose(digest.blake3)]
    lost = move_loose(tools.pool, partial(_send, tools), loose, lambda digest: digest.size)
    alone = {digest.blake3 for digest in loose}
    sent, unsent = _send_packed(tools, [digest for digest in digests if digest.blake3 not in alone])
    failed = {item.name for item in (*lost, *unsent)}
    arrived = [digest for digest in digests if digest.blake3 not in failed]
    large = sum(digest.size for digest in arrived if digest.blake3 in alone)
    return Moved(len(arrived), sent + large, (*lost, *unsent))


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


def _send_packed(tools: Tools, digests: Sequence[Digest]) -> tuple[int, list[Lost]]:
    """Send small objects as packs. Return the bytes sent, and the failures: they do not stop other packs."""
    total = 0
    lost: list[Lost] = []
    left = {digest.blake3 for digest in digests}
    try:
        for sent in send_packs(tools.remote, _bodies(tools, digests, lost), tools.folder) if digests else ():
            left -= sent.pack.objects
            lost += [Lost(name, sent.error) for name in sorted(sent.pack.objects) if sent.error]
            tools.progress.advance(sent.pack.size)
            total += sent.bytes
    except (MvcError, OSError) as error:  # no more packs can be built here
        left -= {item.name for item in lost}
        reason = as_error(error, tools.folder) if isinstance(error, OSError) else error
        lost += [Lost(name, reason) for name in sorted(left)]
    return total, lost


def _bodies(tools: Tools, digests: Iterable[Digest], lost: list[Lost]) -> Iterator[tuple[Digest, bytes]]:
    for digest in digests:
        try:
            body = tools.cache.read(digest)
        except MvcError as error:
            lost.append(Lost(digest.blake3, error))
            continue
        yield digest, body
