"""Packs: their bytes as the design lays them down, what damage does, and compaction."""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st

from mvc.errors import CorruptObject, InvalidFormat, MissingObject, MvcError
from mvc.fs.progress import SILENT
from mvc.objects.digest import Digest
from mvc.objects.hashing import hash_bytes
from mvc.store.cache.cache import Cache
from mvc.store.cache.inventory import all_objects
from mvc.store.cache.repack import compact
from mvc.store.cache.scrub import ScrubScope, quarantine, scrub
from mvc.store.cache.trash import discard
from mvc.store.cache.writer import CacheWriter
from mvc.store.packs import pack_writer
from mvc.store.packs.index import PackIndex, Record, encode_index
from mvc.store.packs.pack_set import MANY_PACKS, PackSet

Put = Callable[..., list[Digest]]
Spoil = Callable[..., None]
FilesBelow = Callable[[str], list[str]]
HEADER = 8 + 4 + 4 + 256 * 4 + 8 + 32


def read_index(raw: bytes) -> tuple[bytes, list[tuple[bytes, bytes, int, int, int, int]]]:
    """Return the pack's hash and the records of an index: a second reader, written from the design alone."""
    assert raw[:8] == b"MVCPIDX1"
    version, width = struct.unpack_from("<II", raw, 8)
    assert (version, width) == (1, 80)
    fanout = struct.unpack_from("<256I", raw, 16)
    (count,) = struct.unpack_from("<Q", raw, 16 + 1024)
    pack_hash = raw[16 + 1024 + 8 : HEADER]
    assert len(raw) == HEADER + count * width + 32
    assert raw[-32:] == blake3(raw[:-32]).digest()
    rows = []
    for number in range(count):
        row = raw[HEADER + number * width :][:width]
        offset, size, stored, codec, reserved = struct.unpack("<QQQII", row[48:])
        assert reserved == 0
        rows.append((row[:32], row[32:48], offset, size, stored, codec))
    assert [row[0] for row in rows] == sorted(row[0] for row in rows)
    for first in range(256):
        assert fanout[first] == sum(row[0][0] <= first for row in rows)
    return pack_hash, rows


def names_in(cache: Cache) -> list[str]:
    """Return the name of every object, as another process sees it."""
    return sorted(entry.name for entry in all_objects(Cache(cache.root)))


def only_pack(cache: Cache) -> str:
    """Return the path of the cache's one pack, without its suffix."""
    (name,) = Cache(cache.root).packs.names()
    return f"{cache.packs.folder}/{name}"


# Bytes.


@pytest.mark.parametrize(
    "bodies",
    [
        pytest.param([b"one"], id="one"),
        pytest.param([b""], id="empty"),
        pytest.param([b"one", b"", b"two" * 1000, b"one"], id="one twice"),
        pytest.param([b"%d" % number for number in range(1000)], id="a thousand"),
    ],
)
def test_pack_and_index_are_laid_out_as_the_design_says(cache: Cache, put: Put, bodies: list[bytes]) -> None:
    digests = put(cache, *bodies)
    path = only_pack(cache)
    raw = Path(path + ".pack").read_bytes()
    pack_hash, rows = read_index(Path(path + ".idx").read_bytes())
    assert raw == b"MVCPACK1" + b"".join(dict.fromkeys(bodies))
    assert os.path.basename(path) == pack_hash.hex() == blake3(raw).hexdigest()
    assert {row[0].hex() for row in rows} == {digest.blake3 for digest in digests}
    for key, xxh128, offset, size, stored, codec in rows:
        body = raw[offset : offset + stored]
        assert (size, codec) == (stored, 0)
        assert hash_bytes(body) == Digest(key.hex(), xxh128.hex(), size)


@pytest.mark.parametrize("beyond", [2, 4_000_000_000])
def test_an_index_whose_fanout_goes_down_is_refused(beyond: int) -> None:
    raw = bytearray(encode_index([Record(b"\xff" * 32, bytes(16), 0, 1, 1, 0).pack()], bytes(32)))
    struct.pack_into("<I", raw, 16 + 4 * 100, beyond)
    with pytest.raises(InvalidFormat, match="fanout"):
        PackIndex(bytes(raw[:-32]) + blake3(raw[:-32]).digest())


@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_pack_and_index_can_be_read_by_all_and_written_by_none(cache: Cache, put: Put, mask: int) -> None:
    before = os.umask(mask)
    try:
        put(cache, b"one")
    finally:
        os.umask(before)
    modes = [os.stat(only_pack(cache) + suffix).st_mode & 0o777 for suffix in (".pack", ".idx")]
    assert modes == [0o444, 0o444]


def test_a_pack_that_grows_too_large_is_followed_by_another(
    cache: Cache,
    put: Put,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pack_writer, "MAX_PACK", 1000)
    bodies = [bytes([number]) * 300 for number in range(10)]
    digests = put(cache, *bodies)
    assert len(cache.packs.names()) == 3
    assert [cache.read(digest) for digest in digests] == bodies


keys = st.binary(min_size=32, max_size=32)
records = st.builds(
    Record,
    keys,
    st.binary(min_size=16, max_size=16),
    st.integers(0, 2**63),
    st.integers(0, 2**63),
    st.integers(0, 2**63),
    st.integers(0, 9),
    st.just(0),
)


@given(st.lists(records, max_size=20, unique_by=lambda record: record.blake3), st.lists(keys, max_size=5))
@settings(deadline=None, max_examples=80)
def test_an_index_finds_what_it_holds_and_nothing_else(held: list[Record], others: list[bytes]) -> None:
    raw = encode_index((item.pack() for item in held), b"p" * 32)
    index = PackIndex(raw)
    assert read_index(raw) == (b"p" * 32, [tuple(record)[:6] for record in sorted(held)])
    assert list(index.records()) == sorted(held)
    for record in held:
        assert index.find(record.blake3) == record
    for _ in range(2):  # many questions are answered in another way than few
        assert all(record.blake3 in index for record in held)
        assert not any(key in index for key in others if key not in {record.blake3 for record in held})


@given(st.lists(records, min_size=1, max_size=4), st.data())
@settings(deadline=None, max_examples=150)
def test_any_change_of_an_index_is_noticed(held: list[Record], data: st.DataObject) -> None:
    raw = bytearray(encode_index((item.pack() for item in held), b"p" * 32))
    if data.draw(st.booleans()):
        raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    else:
        del raw[data.draw(st.integers(0, len(raw) - 1)) :]
    with pytest.raises(CorruptObject):
        PackIndex(bytes(raw))


@pytest.mark.parametrize(
    ("position", "value", "said"),
    [
        pytest.param(0, b"MVCPIDX9", "not a pack index", id="magic"),
        pytest.param(8, b"\x02", "version 2.*upgrade mvc", id="version"),
        pytest.param(12, b"\x60", "record size 96: upgrade mvc", id="record size"),
        pytest.param(1040, b"\x05", "count and length", id="count"),
    ],
)
def test_an_index_of_another_format_is_told_from_a_damaged_one(position: int, value: bytes, said: str) -> None:
    raw = bytearray(encode_index([], b"p" * 32)[:-32])
    raw[position : position + len(value)] = value
    with pytest.raises(InvalidFormat, match=said):
        PackIndex(bytes(raw) + blake3(raw).digest())


# Damage.


def verify(cache: Cache) -> set[str]:
    """Read the cache, put aside what is wrong, and return its names."""
    damage = scrub(cache, ScrubScope(), SILENT).damage
    quarantine(cache, damage)
    return {item.name for item in damage}


@pytest.mark.parametrize("position", [0, 8, 12, 16, 16 + 1023, 1040, 1047, 1048, HEADER - 1, -1, -32])
def test_a_flip_outside_of_the_records_costs_no_object(cache: Cache, put: Put, spoil: Spoil, position: int) -> None:
    digests = put(cache, b"one", b"two", b"three")
    path = only_pack(cache)
    spoil(f"{path}.idx", lambda raw: raw.__setitem__(position, raw[position] ^ 0x40))
    damaged = Cache(cache.root)
    with pytest.raises(CorruptObject):
        damaged.read(digests[0])
    assert verify(damaged) == {os.path.basename(path)}
    assert [damaged.read(digest) for digest in digests] == [b"one", b"two", b"three"]
    assert verify(Cache(cache.root)) == set()


@pytest.mark.parametrize("position", range(80))
def test_a_flip_in_a_record_costs_at_most_that_object(cache: Cache, put: Put, spoil: Spoil, position: int) -> None:
    bodies = {digest: body for body in (b"one", b"two", b"three") for digest in put(cache, body)}
    compact(cache, above=1)
    path = only_pack(cache)
    merged = os.path.basename(path)
    victim = min(bodies)
    spoil(f"{path}.idx", lambda raw: raw.__setitem__(HEADER + position, raw[HEADER + position] ^ 0x40))
    damaged = Cache(cache.root)
    assert merged in verify(damaged)
    for digest, body in bodies.items():
        if digest == victim and not damaged.has(digest.blake3):
            continue
        assert damaged.read(digest) == body
    assert verify(Cache(cache.root)) == set()
    in_xxh128, in_size, in_reserved = 32 <= position < 48, 56 <= position < 64, position >= 76
    assert damaged.has(victim.blake3) is (in_xxh128 or in_size or in_reserved)


def test_a_damaged_index_of_a_pack_with_one_object_is_rebuilt(cache: Cache, put: Put, spoil: Spoil) -> None:
    (digest,) = put(cache, b"one")
    spoil(f"{only_pack(cache)}.idx", lambda raw: raw.__setitem__(-1, raw[-1] ^ 1))
    assert len(verify(Cache(cache.root))) == 1
    assert Cache(cache.root).read(digest) == b"one"


@pytest.mark.parametrize("kept", [0, 7, HEADER - 1, HEADER, HEADER + 79, HEADER + 80, HEADER + 160])
def test_of_a_truncated_index_whole_records_are_saved(cache: Cache, put: Put, spoil: Spoil, kept: int) -> None:
    bodies = {
        digest: body
        for body, digest in zip([b"one", b"two", b"three"], put(cache, b"one", b"two", b"three"), strict=True)
    }
    path = only_pack(cache)
    spoil(f"{path}.idx", lambda raw: raw.__delitem__(slice(kept, None)))
    damaged = Cache(cache.root)
    verify(damaged)
    saved = sorted(bodies)[: max(0, kept - HEADER) // 80]
    assert [damaged.read(digest) for digest in saved] == [bodies[digest] for digest in saved]
    assert names_in(damaged) == sorted(digest.blake3 for digest in saved)
    assert any(name.startswith(os.path.basename(path) + ".pack") for name in os.listdir(f"{cache.root}/quarantine"))


def test_of_a_truncated_pack_what_is_left_is_read_and_the_rest_is_damage(cache: Cache, put: Put, spoil: Spoil) -> None:
    first, second = put(cache, b"first", b"second")
    spoil(f"{only_pack(cache)}.pack", lambda raw: raw.__delitem__(slice(len(raw) - 1, None)))
    damaged = Cache(cache.root)
    assert damaged.read(first) == b"first"
    with pytest.raises(CorruptObject, match="cut short"):
        damaged.read(second)
    assert verify(damaged) == {second.blake3}
    assert damaged.read(first) == b"first"
    assert not damaged.has(second.blake3)


def test_a_flipped_byte_in_a_pack_is_never_handed_out(cache: Cache, put: Put, spoil: Spoil) -> None:
    good, bad = put(cache, b"good", b"evil")
    spoil(f"{only_pack(cache)}.pack", lambda raw: raw.__setitem__(-1, 0))
    with pytest.raises(CorruptObject, match="damaged"):
        cache.read(bad)
    assert not cache.intact(bad)
    assert cache.intact(good)


def test_putting_an_object_again_heals_a_damaged_pack(cache: Cache, put: Put, spoil: Spoil) -> None:
    good, bad = put(cache, b"good", b"evil")
    spoil(f"{only_pack(cache)}.pack", lambda raw: raw.__setitem__(-1, 0))
    again = Cache(cache.root)
    assert put(again, b"evil") == [bad]
    assert (again.read(good), again.read(bad)) == (b"good", b"evil")
    assert verify(Cache(cache.root)) == set()
    assert len(os.listdir(f"{cache.root}/quarantine")) == 2


# Compaction.


def many_packs(cache: Cache, put: Put, count: int) -> dict[Digest, bytes]:
    """Make `count` packs of two objects; all share one object's bytes."""
    stored = {}
    for number in range(count):
        bodies = [b"body %d" % number, b"more %d" % number]
        stored.update(zip(put(Cache(cache.root), *bodies), bodies, strict=True))
    return stored


def test_above_32_small_packs_compaction_makes_one_and_keeps_every_object(
    cache: Cache,
    put: Put,
    files_below: FilesBelow,
) -> None:
    stored = many_packs(cache, put, MANY_PACKS + 1)
    old = set(cache.packs.names())
    compact(cache)
    assert len(cache.packs.names()) == 1
    assert len(files_below(cache.packs.folder)) == 2
    assert {digest: cache.read(digest) for digest in stored} == stored
    assert names_in(cache) == sorted(digest.blake3 for digest in stored)
    trashed = {name.rpartition(".")[0] for name in files_below(f"{cache.root}/trash")}
    assert trashed == {f"{name}.{suffix}" for name in old for suffix in ("idx", "pack")}
    assert verify(Cache(cache.root)) == set()


def test_up_to_32_packs_stay_as_they_are(cache: Cache, put: Put, files_below: FilesBelow) -> None:
    many_packs(cache, put, MANY_PACKS)
    before = files_below(cache.packs.folder)
    compact(cache)
    assert files_below(cache.packs.folder) == before


def test_large_packs_are_left_alone(cache: Cache, put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mvc.store.cache.repack.SMALL_PACK", 100)
    (digest,) = put(cache, b"x" * 200)
    large = next(iter(cache.packs.names()))
    many_packs(cache, put, MANY_PACKS + 1)
    compact(cache)
    assert large in cache.packs.names()
    assert len(cache.packs.names()) == 2
    assert cache.read(digest) == b"x" * 200


def test_compacting_again_changes_nothing(cache: Cache, put: Put, files_below: FilesBelow) -> None:
    many_packs(cache, put, MANY_PACKS + 1)
    compact(cache)
    before = files_below(cache.root)
    compact(cache)
    assert files_below(cache.root) == before


@pytest.mark.parametrize("suffix", [".pack", ".idx"])
def test_damaged_packs_are_left_for_verify_to_see(cache: Cache, put: Put, spoil: Spoil, suffix: str) -> None:
    (bad,) = put(cache, b"this one rots")
    name = next(iter(cache.packs.names()))
    stored = many_packs(cache, put, MANY_PACKS + 1)
    spoil(f"{cache.packs.folder}/{name}{suffix}", lambda raw: raw.__setitem__(-1, raw[-1] ^ 1))
    damaged = Cache(cache.root)
    compact(damaged)
    assert name in damaged.packs.names()
    assert len(damaged.packs.names()) == 2
    assert verify(damaged)
    assert {digest: damaged.read(digest) for digest in stored} == stored
    assert damaged.has(bad.blake3) is (suffix == ".idx")


def test_who_looked_before_a_compaction_still_finds_everything(cache: Cache, put: Put) -> None:
    stored = many_packs(cache, put, MANY_PACKS + 1)
    unread, read = Cache(cache.root), Cache(cache.root)
    names_only = Cache(cache.root)
    names_only.packs.names()
    for digest in stored:
        read.read(digest)
    compact(Cache(cache.root))
    for other in (unread, names_only, read):
        assert {digest: other.read(digest) for digest in stored} == stored
        assert other.missing(digest.blake3 for digest in stored) == set()


def test_who_has_not_looked_again_is_told_that_a_pack_is_gone(cache: Cache, put: Put) -> None:
    put(cache, b"one")
    name = next(iter(cache.packs.names()))
    discard(Cache(cache.root), list(all_objects(cache)))
    stale = PackSet(cache.packs.folder)
    stale._names = frozenset({name})
    with pytest.raises(MissingObject):
        stale.index(name)
    assert stale.holder(bytes.fromhex(hash_bytes(b"one").blake3)) is None


def test_a_body_in_an_unknown_codec_asks_for_a_newer_mvc(cache: Cache, put: Put) -> None:
    (digest,) = put(cache, b"one")
    path = only_pack(cache)
    record = next(iter(cache.packs.records(os.path.basename(path))))._replace(codec=7)
    os.unlink(f"{path}.idx")
    Path(f"{path}.idx").write_bytes(encode_index([record.pack()], bytes.fromhex(os.path.basename(path))))
    with pytest.raises(MvcError, match="codec 7: upgrade mvc"):
        Cache(cache.root).read(digest)


def test_after_a_pack_failed_its_writer_acknowledges_nothing(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk at the roll-over to the next pack: what went before is in no pack either."""
    monkeypatch.setattr(pack_writer, "MAX_PACK", 1)
    writer = CacheWriter(cache)
    with monkeypatch.context() as patch:
        patch.setattr(pack_writer, "encode_index", lambda *_: (_ for _ in ()).throw(OSError(errno.ENOSPC, "full")))
        with pytest.raises(MvcError, match="No space left"):
            writer.put_bytes(b"a")
    with pytest.raises(MvcError, match="are not stored"), writer:
        pass
    assert names_in(cache) == []
