"""Two files with one xxh128, written by hand as the design says: both kept, never mixed."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from mvc.errors import CorruptObject
from mvc.fs.progress import SILENT
from mvc.objects.digest import Digest
from mvc.objects.hashing import hash_bytes
from mvc.objects.manifest import Entry, Manifest
from mvc.store.cache.cache import Cache
from mvc.store.cache.inventory import all_objects
from mvc.store.cache.scrub import ScrubScope, scrub
from mvc.store.cache.source_file import SourceFile
from mvc.store.cache.writer import LOOSE_AT, CacheWriter

SIZES = {"shortest": 241, "packed": 10_000, "loose": LOOSE_AT + 13}


def colliding_pair(size: int) -> tuple[bytes, bytes]:
    """Return two contents of `size` bytes with the same xxh128.

    XXH3's long loop multiplies the halves of (secret xor input): with these bytes the two 32-bit
    words have zero as their partner's half, so moving `d` from one to the other changes no sum.
    """
    one = bytearray(bytes(range(256)) * (size // 256 + 1))[:size]
    one[0:4], one[64:68] = bytes.fromhex("b8fe6c39"), bytes.fromhex("7c01812c")
    two = bytearray(one)
    for offset, delta in ((4, 7), (68, -7)):
        (word,) = struct.unpack_from("<I", two, offset)
        struct.pack_into("<I", two, offset, (word + delta) % (1 << 32))
    return bytes(one), bytes(two)


@pytest.fixture(params=SIZES.values(), ids=SIZES)
def pair(request: pytest.FixtureRequest) -> tuple[bytes, bytes]:
    """Return two contents that xxh128 cannot tell apart."""
    one, two = colliding_pair(request.param)
    assert one != two
    assert hash_bytes(one)[1:] == hash_bytes(two)[1:]
    assert hash_bytes(one).blake3 != hash_bytes(two).blake3
    return one, two


def test_both_are_kept_and_told_apart(cache: Cache, pair: tuple[bytes, bytes]) -> None:
    with CacheWriter(cache) as writer:
        digests = [writer.put_bytes(data) for data in pair]
    assert tuple(map(cache.read, digests)) == pair
    assert len(list(all_objects(cache))) == 2
    assert scrub(cache, ScrubScope(), SILENT).damage == ()


def test_one_cannot_be_stored_as_the_other(cache: Cache, pair: tuple[bytes, bytes]) -> None:
    def fill(fd: int) -> Digest:
        os.write(fd, pair[1])
        return hash_bytes(pair[1])

    with pytest.raises(CorruptObject), CacheWriter(cache) as writer:
        writer.put_filled(hash_bytes(pair[0]), fill)
    assert list(all_objects(cache)) == []


def test_one_in_the_other_s_place_is_no_intact_object(cache: Cache, pair: tuple[bytes, bytes]) -> None:
    digest = hash_bytes(pair[0])
    path = Path(cache.loose_path(digest.blake3))
    path.parent.mkdir(parents=True)
    path.write_bytes(pair[1])
    assert not cache.intact(digest)
    with pytest.raises(CorruptObject):
        cache.read(digest)
    assert [item.name for item in scrub(cache, ScrubScope(), SILENT).damage] == [digest.blake3]


def test_storing_one_replaces_the_other_that_took_its_place(
    cache: Cache,
    pair: tuple[bytes, bytes],
    tmp_path: Path,
    source: Callable[..., SourceFile],
) -> None:
    digest = hash_bytes(pair[0])
    path = Path(cache.loose_path(digest.blake3))
    path.parent.mkdir(parents=True)
    path.write_bytes(pair[1])
    (tmp_path / "file").write_bytes(pair[0])
    with CacheWriter(cache) as writer:
        assert writer.put_file(source(tmp_path / "file", likely=True)).digest == digest
    assert path.read_bytes() == pair[0]


def test_directories_that_differ_in_them_have_different_manifests(pair: tuple[bytes, bytes]) -> None:
    digests: list[Digest] = [Manifest.of([Entry("a", *hash_bytes(data))]).digest for data in pair]
    assert digests[0].blake3 != digests[1].blake3
