"""Merging small packs on a remote, so that a pull reads few.

The new pack is sent, then its index, then the old indexes are deleted. An old pack stays for commands that read it:
without an index it is an orphan, which `gc -r` lists, and deletes after the grace. Why concurrent pushes, compactions
and gcs lose nothing: docs/adr/0012-compaction-on-a-remote.md.
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
from mvc.store.packs.pack_set import MANY_PACKS
from mvc.store.remote.location import index_key, pack_name
from mvc.store.remote.packs import PackFiles
from mvc.store.remote.sending import put_packs
from mvc.store.remote.store import RemoteStore

SMALL = 8 << 20
"""A lighter pack may be merged; see `weight`."""
AT_ONCE = 32 << 20
"""Maximal total weight of the packs merged at once."""
_RECORDS = 4
"""The weight of a byte of an index: in memory a record is far larger than on disk."""
MOST = 128
"""Maximal number of packs merged at once."""
_REFUSED = "deletion-refused"
_PAUSE = 86_400
"""Seconds without compaction after a remote refused to delete."""


def weight(files: PackFiles) -> int:
    """Return the bytes of a pack plus a multiple of its index's: merging tiny objects must not fill memory."""
    return files.pack.size + _RECORDS * files.index_item.size


def choose(packs: Iterable[PackFiles]) -> list[PackFiles]:
    """Return which packs to merge, none when they are few.

    They are the lightest ones, up to the last that is no heavier than all before it together: so heavy packs are
    rarely read, and each byte is sent again about once whenever the total doubles.
    """
    small = sorted((files for files in packs if weight(files) < SMALL), key=lambda files: (weight(files), files.pack))
    if len(small) <= MANY_PACKS:
        return []
    best = total = 0
    for count, files in enumerate(small[:MOST], 1):
        if total + weight(files) > AT_ONCE:
            break
        if weight(files) <= total:
            best = count
        total += weight(files)
    return small[:best]


def compact(remote: RemoteStore, folder: str) -> None:
    """Merge small packs, once there are many of them; the new one is built in the local directory `folder`.

    A failure is ignored: nothing is lost, and the next push tries again.
    """
    with suppress(RemoteError, MissingObject, OSError):
        remote.forget()
        chosen = choose(remote.pack_files().values())
        if chosen and _may_delete(remote):
            _merge(remote, [files.pack for files in chosen], folder)


def _may_delete(remote: RemoteStore) -> bool:
    """Whether the remote permits deletions, tested with a key that does not exist."""
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
    items = {pack_name(item.key): item for item in packs}
    indexes = remote.packs(items)
    names = [name for name in items if name in indexes]
    read = remote.run(lambda name: remote.bucket.read(items[name], 0, items[name].size), names, SMALL)
    found = {name: _bodies(indexes[name][1], data) for name, data in zip(names, read, strict=True)}
    sound = {name: bodies for name, bodies in found.items() if bodies is not None}
    if len(sound) < 2:  # noqa: PLR2004 - a single pack is merged already
        return
    new = put_packs(remote, (body for bodies in sound.values() for body in bodies), folder)
    if remote.pack_files().keys() >= {*new}:  # else a gc was faster: the old packs stay
        _delete(remote, [index_key(name) for name in sound])


def _bodies(index: PackIndex, data: bytes) -> list[tuple[Digest, bytes]] | None:
    """Return all objects of a pack; None when one is damaged: `verify` will find that pack."""
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
