"""Reading a cache against its digests: rot is found wherever it sits, and put aside, not deleted."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from threading import Lock

import pytest

from mvc.fs.progress import SILENT
from mvc.objects.digest import Digest
from mvc.store.cache.cache import Cache
from mvc.store.cache.inventory import all_objects, loose_objects, quarantined_objects
from mvc.store.cache.layout import prepare
from mvc.store.cache.repack import rewrite
from mvc.store.cache.scrub import Scrubbed, ScrubScope, quarantine, scrub
from mvc.store.cache.writer import LOOSE_AT

Put = Callable[..., list[Digest]]
Spoil = Callable[..., None]
LOOSE = b"L" * (LOOSE_AT + 100)
SMALL = [b"one", b"two" * 100, b"three"]


@pytest.fixture
def full(cache: Cache, put: Put) -> Cache:
    """Return a cache with two loose objects and a pack of three."""
    put(cache, LOOSE, LOOSE[::-1] + b"x", *SMALL)
    return cache


class Told:
    """Adds up the progress that threads tell, and does something each time."""

    def __init__(self, each: Callable[[], object] = bool) -> None:
        self.expected = self.done = 0
        self.each = each
        self._one = Lock()

    def expect(self, count: int) -> None:
        self.expected += count

    def advance(self, count: int) -> None:
        with self._one:
            self.done += count
            self.each()


def read(cache: Cache, scope: ScrubScope = ScrubScope()) -> Scrubbed:
    """Read the cache as another process would."""
    return scrub(Cache(cache.root), scope, SILENT)


def loose_path(cache: Cache) -> str:
    """Return the path of a loose object."""
    return cache.loose_path(min(item.name for item in loose_objects(cache)))


def pack_path(cache: Cache) -> str:
    """Return the path of the pack."""
    (name,) = cache.packs.names()
    return f"{cache.packs.folder}/{name}.pack"


def flip(position: int) -> Callable[[bytearray], None]:
    """Return a function that flips one bit."""

    def edit(raw: bytearray) -> None:
        raw[position] ^= 0x10

    return edit


def test_a_sound_cache_has_no_damage_and_every_byte_was_read(full: Cache) -> None:
    told = Told()
    result = scrub(full, ScrubScope(), told)
    size = len(LOOSE) * 2 + 1 + sum(map(len, SMALL))
    assert result[:3] == (5, size, ())
    assert {name: found.blake3 for name, found in result.loose.items()} == {
        entry.name: entry.name for entry in loose_objects(full)
    }
    assert (told.expected, told.done) == (size, size)


def test_an_empty_cache_and_none_at_all_are_sound(tmp_path: Path, cache: Cache) -> None:
    assert read(cache) == Scrubbed(0, 0, ())
    prepare(cache.root)
    assert read(cache) == Scrubbed(0, 0, ())


ROT: dict[str, Callable[[bytearray], object]] = {
    "first byte": flip(0),
    "last byte": flip(-1),
    "middle": flip(1000),
    "cut short": lambda raw: raw.__delitem__(slice(-1, None)),
    "empty": lambda raw: raw.clear(),
    "longer": lambda raw: raw.append(0),
}


@pytest.mark.parametrize("edit", ROT.values(), ids=ROT)
def test_rot_in_a_loose_object_is_found_though_mode_and_time_are_as_before(
    full: Cache, spoil: Spoil, edit: Callable[[bytearray], object]
) -> None:
    path = loose_path(full)
    spoil(path, edit)
    (damage,) = read(full).damage
    assert (damage.name, damage.pack) == (os.path.basename(path), "")


@pytest.mark.parametrize("position", [8, 11, 200, -1])
def test_rot_in_a_pack_is_found_though_mode_and_time_are_as_before(full: Cache, spoil: Spoil, position: int) -> None:
    path = pack_path(full)
    spoil(path, flip(position))
    (damage,) = read(full).damage
    assert damage.name in {entry.name for entry in all_objects(full)}
    assert damage.pack == Path(path).stem


def test_a_quick_look_finds_rot_as_well(full: Cache, put: Put, spoil: Spoil) -> None:
    digests = put(full, LOOSE, LOOSE[::-1] + b"x", *SMALL)
    scope = ScrubScope(quick={digest.blake3: digest.xxh128 for digest in digests})
    assert read(full, scope).damage == ()
    spoil(loose_path(full), flip(77))
    spoil(pack_path(full), flip(-1))
    assert len(read(full, scope).damage) == 2


def test_only_what_is_asked_for_is_read(full: Cache, put: Put, spoil: Spoil) -> None:
    spoil(loose_path(full), flip(0))
    good, rotten = put(full, SMALL[0])[0].blake3, os.path.basename(loose_path(full))
    assert read(full, ScrubScope(frozenset({good}))) == Scrubbed(1, len(SMALL[0]), ())
    assert [item.name for item in read(full, ScrubScope(frozenset({rotten}))).damage] == [rotten]


def test_reading_moves_nothing(full: Cache, spoil: Spoil) -> None:
    spoil(loose_path(full), flip(0))
    spoil(pack_path(full), flip(-1))
    before = sorted(os.walk(full.root))
    read(full)
    assert sorted(os.walk(full.root)) == before


def test_a_rotten_loose_object_goes_to_quarantine_with_its_bytes(full: Cache, spoil: Spoil) -> None:
    path = loose_path(full)
    spoil(path, flip(0))
    rotten = Path(path).read_bytes()
    quarantine(full, read(full).damage)
    assert not os.path.exists(path)
    name = os.path.basename(path)
    assert Path(quarantined_objects(full)[name]).read_bytes() == rotten
    assert not full.has(name)
    assert read(full).damage == ()


def test_a_rotten_packed_object_goes_to_quarantine_and_the_others_stay(full: Cache, spoil: Spoil) -> None:
    path = pack_path(full)
    raw = Path(path).read_bytes()
    spoil(path, flip(-1))
    (damage,) = read(full).damage
    before = {entry.name for entry in all_objects(full)}
    quarantine(full, (damage,))
    assert {entry.name for entry in all_objects(Cache(full.root))} == before - {damage.name}
    rotten = Path(quarantined_objects(full)[damage.name]).read_bytes()
    assert raw.endswith(rotten[:-1] + bytes([rotten[-1] ^ 0x10]))
    assert any(name.startswith(damage.pack) for name in quarantined_objects(full))
    assert read(full).damage == ()


def test_an_object_that_was_repaired_meanwhile_is_left_alone(full: Cache, spoil: Spoil) -> None:
    path = loose_path(full)
    spoil(path, flip(0))
    damage = read(full).damage
    spoil(path, flip(0))
    quarantine(full, damage)
    assert os.path.exists(path)
    assert quarantined_objects(full) == {}


def test_an_object_that_went_meanwhile_is_no_error(full: Cache, spoil: Spoil) -> None:
    path = loose_path(full)
    spoil(path, flip(0))
    damage = read(full).damage
    os.unlink(path)
    quarantine(full, damage)
    assert quarantined_objects(full) == {}


def test_what_was_quarantined_can_be_stored_again(full: Cache, put: Put, spoil: Spoil) -> None:
    spoil(loose_path(full), flip(0))
    spoil(pack_path(full), flip(-1))
    quarantine(full, read(full).damage)
    put(full, LOOSE, LOOSE[::-1] + b"x", *SMALL)
    assert read(full)[:3] == (5, len(LOOSE) * 2 + 1 + sum(map(len, SMALL)), ())


def test_a_pack_that_is_compacted_while_the_cache_is_read_is_no_damage(full: Cache, put: Put) -> None:
    put(full, b"another pack")
    packs = sorted(full.packs.names())
    reader = Cache(full.root)

    def compact_once() -> None:
        if full.packs.names() >= set(packs):
            for pack in packs:
                rewrite(full, pack, without={b"none"}, to="trash")
            with_all = [
                full.packs.read(pack, record) for pack in full.packs.names() for record in full.packs.records(pack)
            ]
            put(Cache(full.root), *with_all)

    result = scrub(reader, ScrubScope(), Told(compact_once))
    assert result.damage == ()
    assert result.objects >= 6
