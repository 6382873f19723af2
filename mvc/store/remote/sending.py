"""Sending packs to a remote, and dropping objects from packs there."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Generator, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import closing
from typing import NamedTuple

from mvc.errors import MvcError
from mvc.fs.scratch import Scratch
from mvc.objects.digest import Digest
from mvc.store.buckets.bucket import Item
from mvc.store.packs.builder import BuiltPack, build_packs
from mvc.store.packs.index import Record
from mvc.store.remote.location import ObjectLocation, index_key, pack_key, pack_name, spans
from mvc.store.remote.store import RemoteStore

SALT = 16
"""Random bytes before the bodies of a pack."""


class SentPack(NamedTuple):
    """A pack that was sent with its index, or failed; its local files are removed."""

    pack: BuiltPack
    bytes: int = 0
    error: MvcError | None = None


def send_packs(remote: RemoteStore, bodies: Iterable[tuple[Digest, bytes]], folder: str) -> Generator[SentPack]:
    """Send small objects as packs, each as soon as it is built in the local directory `folder`.

    A failed pack does not stop the others. `bodies` is iterated in another thread.

    Pack names are unique, even with the same bodies: a deleted name is never used again, so a late deletion removes no
    pack that was sent since.
    """
    with Scratch(f"{folder}/scratch") as scratch, closing(build_packs(bodies, scratch, os.urandom(SALT))) as packs:
        for pack in packs:
            try:
                sent = SentPack(pack, _send_pack(remote, pack))
            except MvcError as error:
                sent = SentPack(pack, error=error)
            finally:
                pack.discard()
            yield sent


def _send_pack(remote: RemoteStore, pack: BuiltPack) -> int:
    """Send a pack, then its index: a pack without an index does not count."""
    total = 0
    for path, key in ((pack.pack_path, pack_key(pack.name)), (pack.index_path, index_key(pack.name))):
        with open(path, "rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            remote.bucket.upload(key, file.fileno(), size, remote.run)
            total += size
    remote.forget()
    return total


def put_packs(remote: RemoteStore, bodies: Iterable[tuple[Digest, bytes]], folder: str) -> list[str]:
    """Send small objects as packs, see `send_packs`; return their names. The first failure ends it."""
    names = []
    with closing(send_packs(remote, bodies, folder)) as packs:
        for sent in packs:
            if sent.error:
                raise sent.error
            names.append(sent.pack.name)
    return names


def drop_objects(remote: RemoteStore, pack: Item, names: AbstractSet[str]) -> None:
    """Replace a pack by one without `names`; do nothing without its index, as after a compaction."""
    old = pack_name(pack.key)
    if (found := remote.packs([old]).get(old)) is None:
        return
    _, index = found
    others = (record for record in index.records() if record.blake3.hex() not in names)
    rest = [record for record in others if ObjectLocation(pack, record).fits]
    with tempfile.TemporaryDirectory() as folder:
        put_packs(remote, _bodies(remote, pack, rest), folder)
    remote.bucket.delete([index_key(old), pack.key])
    remote.forget()


def _bodies(remote: RemoteStore, pack: Item, records: Sequence[Record]) -> Iterator[tuple[Digest, bytes]]:
    """Yield objects from a pack, unverified: `verify` finds damage later."""
    for span in spans(pack, ((record.offset, record.stored, number) for number, record in enumerate(records))):
        data = remote.bucket.read(span.item, span.start, span.end)
        for record in map(records.__getitem__, span.objects):
            yield record.digest, span.body(data, ObjectLocation(pack, record))
