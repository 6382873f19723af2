"""Many small packs on a remote become one, so that whoever pulls reads few.

First the new pack, then its index, then the old indexes go. An old pack stays for those who read it: without an
index it is half of a pack, which `gc -r` lists, and deletes after the grace. Why nothing gets lost when others push,
pack or collect meanwhile: docs/adr/0012-compaction-on-a-remote.md.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from contextlib import suppress
from uuid import uuid4

from mvc.errors import MissingObject
from mvc.objects.digest import Digest
from mvc.objects.hashing import hash_bytes
from mvc.store.buckets.bucket import Item, RemoteError, Transient
from mvc.store.packs.index import RAW, PackIndex
from mvc.store.packs.pack import MANY_PACKS
from mvc.store.remote.packs import Pair
from mvc.store.remote.store import RemoteStore

SMALL = 8 << 20
"""A pack that weighs less may be merged with others; see `weight`."""
AT_ONCE = 32 << 20
"""What is read, and sent, weighs so much at most."""
_RECORDS = 4
"""Times that the bytes of an index count: in memory a record is far more than on disk."""
MOST = 128
"""Packs that are merged at most."""
_REFUSED = "deletion-refused"
_PAUSE = 86_400
"""Seconds for which nothing is merged after a remote refused to delete."""


def weight(pair: Pair) -> int:
    """Return what a pack counts for: its bytes, and more for its index, so that tiny objects fill no memory."""
    return pair.pack.size + _RECORDS * pair.index_item.size


def choose(pairs: Iterable[Pair]) -> list[Pair]:
    """Return which packs to merge, none when they are few.

    They are the lightest ones, as many as are no heavier than all before them together: so the heavy ones are read
    seldom, and each byte is sent again only about as often as the total doubles.
    """
    small = sorted((pair for pair in pairs if weight(pair) < SMALL), key=lambda pair: (weight(pair), pair.pack.key))
    if len(small) <= MANY_PACKS:
        return []
    best = total = 0
    for count, pair in enumerate(small[:MOST], 1):
        if total + weight(pair) > AT_ONCE:
            break
        if weight(pair) <= total:
            best = count
        total += weight(pair)
    return small[:best]


def compact(remote: RemoteStore, folder: str) -> None:
    """Merge small packs, once there are many of them; `folder` is a local directory for shaping the new one.

    It is no failure when that does not work: nothing is lost, and the next push tries again.
    """
    with suppress(RemoteError, MissingObject, OSError):
        remote.forget()
        chosen = choose(remote.pairs().values())
        if chosen and _may_delete(remote):
            _merge(remote, [pair.pack for pair in chosen], folder)


def _may_delete(remote: RemoteStore) -> bool:
    """Whether the remote lets us delete: it is asked to delete what is not there."""
    with suppress(FileNotFoundError):
        if time.time() - os.stat(_note(remote)).st_mtime < _PAUSE:
            return False
    try:
        remote.bucket.delete([f"packs/{uuid4().hex * 2}.idx"])
    except RemoteError:
        return False
    return True


def _note(remote: RemoteStore) -> str:
    return f"{remote.indexes}/{_REFUSED}"


def _merge(remote: RemoteStore, packs: list[Item], folder: str) -> None:
    indexes = remote.packs([item.key[6:-5] for item in packs])
    packs = [item for item in packs if item.key[6:-5] in indexes]
    read = remote.run(lambda item: remote.bucket.read(item, 0, item.size), packs, SMALL)
    found = {item.key: _bodies(indexes[item.key[6:-5]][1], data) for item, data in zip(packs, read, strict=True)}
    sound = {key: bodies for key, bodies in found.items() if bodies is not None}
    if len(sound) < 2:  # noqa: PLR2004 - one alone is merged already
        return
    made = remote.put_pack((body for bodies in sound.values() for body in bodies), folder)
    if made.keys() <= remote.pairs().keys():  # else a gc was quicker: then what is there stays
        _delete(remote, [f"{key[:-5]}.idx" for key in sound])


def _bodies(index: PackIndex, data: bytes) -> list[tuple[Digest, bytes]] | None:
    """Return all objects of a pack; None when one is damaged: then the pack stays as it is, for `verify` to see."""
    found = []
    for record in index.records():
        body = data[record.offset : record.offset + record.stored]
        if record.codec != RAW or hash_bytes(body) != record.digest:
            return None
        found.append((record.digest, body))
    return found


def _delete(remote: RemoteStore, keys: list[str]) -> None:
    try:
        remote.bucket.delete(keys)
    except Transient:
        raise
    except RemoteError:
        os.makedirs(remote.indexes, exist_ok=True)
        with open(_note(remote), "w", encoding="utf-8"):
            return
    finally:
        remote.forget()
