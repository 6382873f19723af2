"""Manifests: sorted, in canonical form, and divided so that a changed file changes one shard."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st
from manifests import Encoded, encode
from strategies import manifests
from xxhash import xxh3_128_hexdigest, xxh64_intdigest

from mvc.errors import CorruptObject, InvalidFormat, InvalidName
from mvc.objects.digest import Digest
from mvc.objects.hashing import hash_bytes
from mvc.objects.manifest import (
    HEADER,
    INDEX_HEADER,
    INLINE_BYTES,
    INLINE_FILES,
    SHARD_ABOVE,
    Entry,
    Manifest,
    decode,
    is_index,
    parse_index,
)

MakeEntry = Callable[..., Entry]
A = hash_bytes(b"a")
LINE = f"{A.blake3} {A.xxh128} 1 - a\n"


def no_read(digest: Digest) -> bytes:
    """Fail, as a manifest that is one object needs no other."""
    pytest.fail(f"read {digest}")


def reader(encoded: Encoded) -> Callable[[Digest], bytes]:
    """Return a function that reads the objects of `encoded`, by their digest."""
    bodies = dict(encoded.objects)
    return lambda digest: bodies[digest]


@pytest.fixture(scope="module")
def large() -> Manifest:
    """Return a manifest of 100,000 files."""
    names = (f"data/{number % 97:02}/{number:06}.bin" for number in range(100_000))
    return Manifest.of(Entry(name, *hash_bytes(name.encode()), number % 5 == 0) for number, name in enumerate(names))


@pytest.fixture(scope="module")
def encoded(large: Manifest) -> Encoded:
    """Return the objects of the large manifest."""
    return encode(large)


# One object.


def test_the_text_is_what_the_design_says(entry: MakeEntry) -> None:
    manifest = Manifest.of([entry("run.sh", b"#!", executable=True), entry("Config.json", b"{}"), entry("数据", b"")])
    expected = "".join(
        [
            "mvc-manifest 1\n",
            f"{blake3(b'{}').hexdigest()} {xxh3_128_hexdigest(b'{}')} 2 - Config.json\n",
            f"{blake3(b'#!').hexdigest()} {xxh3_128_hexdigest(b'#!')} 2 x run.sh\n",
            f"{blake3(b'').hexdigest()} {xxh3_128_hexdigest(b'')} 0 - 数据\n",
        ]
    )
    encoded = encode(manifest)
    assert encoded.objects == ((hash_bytes(expected.encode()), expected.encode()),)
    assert encoded.digest == hash_bytes(expected.encode())


@pytest.mark.parametrize(
    "paths",
    [
        ["b", "a"],
        ["a.b", "a/b", "a-b"],
        ["a/z", "ab", "a0"],
        ["é", "z", "数", "\N{ROCKET}", "\uff5e"],
    ],
)
def test_entries_are_sorted_by_the_bytes_of_their_paths(entry: MakeEntry, paths: list[str]) -> None:
    manifest = Manifest.of(map(entry, paths))
    assert [item.path for item in manifest.entries] == sorted(paths, key=str.encode)


def test_counts_files_and_bytes(entry: MakeEntry) -> None:
    manifest = Manifest.of([entry("a", b"123"), entry("b", b""), entry("c", b"12")])
    assert (manifest.files, manifest.total) == (3, 5)


def test_an_empty_directory_has_a_manifest() -> None:
    encoded = encode(Manifest.of([]))
    assert encoded.objects[0][1] == b"mvc-manifest 1\n"
    assert decode(encoded.objects[0][1], no_read) == Manifest.of([])


@given(manifests)
@settings(deadline=None, max_examples=150)
def test_round_trip(manifest: Manifest) -> None:
    encoded = encode(manifest)
    found = decode(encoded.objects[-1][1], no_read)
    assert found == manifest
    assert (list(found.entries), found.total) == (list(manifest.entries), manifest.total)
    assert [hash_bytes(body) for _, body in encoded.objects] == [digest for digest, _ in encoded.objects]


@given(manifests, st.randoms())
@settings(deadline=None, max_examples=50)
def test_the_order_in_which_files_come_does_not_matter(manifest: Manifest, random: object) -> None:
    shuffled = list(manifest.entries)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert encode(Manifest.of(shuffled)) == encode(manifest)


@pytest.mark.parametrize(
    ("files", "inline"),
    [(0, True), (INLINE_FILES, True), (INLINE_FILES + 1, False)],
    ids=["none", "256", "257"],
)
def test_at_most_256_files_are_listed_inline(entry: MakeEntry, files: int, inline: bool) -> None:
    assert Manifest.of(entry(f"{number:03}") for number in range(files)).is_inline is inline


@pytest.mark.parametrize(("excess", "inline"), [(0, True), (1, False)])
def test_at_most_64_kib_are_listed_inline(entry: MakeEntry, excess: int, inline: bool) -> None:
    bare = len(encode(Manifest.of(entry(f"{number:03}/x", b"") for number in range(200))).objects[0][1])
    fill, rest = divmod(INLINE_BYTES + excess - bare, 200)
    names = [f"{number:03}/x{'y' * (fill + (number < rest))}" for number in range(200)]
    manifest = Manifest.of(entry(name, b"") for name in names)
    assert len(encode(manifest).objects[0][1]) == INLINE_BYTES + excess
    assert manifest.is_inline is inline


# Invalid manifests.

BAD = {
    "nothing": b"",
    "another header": b"mvc-manifest 2\n",
    "header without its end": b"mvc-manifest 1",
    "no line break at the end": (HEADER + LINE).encode()[:-1],
    "empty line": (HEADER + "\n" + LINE).encode(),
    "CRLF": (HEADER + LINE).replace("\n", "\r\n").encode(),
    "upper-case digits": (HEADER + LINE.replace(A.blake3, A.blake3.upper())).encode(),
    "short blake3": (HEADER + LINE[1:]).encode(),
    "leading zero": (HEADER + LINE.replace(" 1 ", " 01 ")).encode(),
    "negative size": (HEADER + LINE.replace(" 1 ", " -1 ")).encode(),
    "size of 20 digits": (HEADER + LINE.replace(" 1 ", f" {10**19} ")).encode(),
    "size beyond 63 bits": (HEADER + LINE.replace(" 1 ", f" {1 << 63} ")).encode(),
    "size in other digits": (HEADER + LINE.replace(" 1 ", " \N{ARABIC-INDIC DIGIT ONE} ")).encode(),
    "unknown mode": (HEADER + LINE.replace(" - ", " w ")).encode(),
    "two spaces": (HEADER + LINE.replace(" - ", "  - ")).encode(),
    "no path": (HEADER + LINE.replace("- a", "- ")).encode(),
    "not UTF-8": (HEADER + LINE).encode().replace(b" a\n", b" \xff\n"),
    "unsorted": (HEADER + LINE.replace(" a", " b") + LINE).encode(),
    "the same path twice": (HEADER + LINE + LINE).encode(),
    "paths equal but for case": (HEADER + LINE.replace(" a", " A") + LINE).encode(),
    "a file that is a directory": (HEADER + LINE + LINE.replace(" a", " a/b")).encode(),
    "a way out": (HEADER + LINE.replace(" a\n", " ../a\n")).encode(),
    "absolute": (HEADER + LINE.replace(" a\n", " /a\n")).encode(),
    "into Git": (HEADER + LINE.replace(" a\n", " .git/config\n")).encode(),
    "index of nothing": INDEX_HEADER.encode(),
    "index line without files": f"{INDEX_HEADER}{A.blake3} {A.xxh128} 9 0 a\n".encode(),
    "index line without bytes": f"{INDEX_HEADER}{A.blake3} {A.xxh128} 0 1 a\n".encode(),
    "index with a way out": f"{INDEX_HEADER}{A.blake3} {A.xxh128} 9 1 ../a\n".encode(),
    "index with a manifest's line": (INDEX_HEADER + LINE).encode(),
}


@pytest.mark.parametrize("body", BAD.values(), ids=BAD)
def test_what_is_not_canonical_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidFormat) as caught:
        decode(body, no_read)
    assert "\n" not in caught.value.message


def test_a_malformed_line_is_named() -> None:
    with pytest.raises(InvalidFormat, match="line 3 is malformed"):
        decode((HEADER + LINE + "rubbish\n").encode(), no_read)


def test_a_refused_name_is_refused_on_the_way_in_too(entry: MakeEntry) -> None:
    with pytest.raises(InvalidName):
        Manifest.of([entry("../a")])


@given(manifests.filter(lambda manifest: manifest.files > 0), st.data())
@settings(deadline=None, max_examples=150)
def test_of_damaged_bytes_only_an_error_or_another_canonical_manifest_comes_out(
    manifest: Manifest, data: st.DataObject
) -> None:
    body = bytearray(encode(manifest).objects[-1][1])
    for _ in range(data.draw(st.integers(1, 3))):
        position = data.draw(st.integers(0, len(body) - 1))
        body[position : position + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2))
        if not body:
            break
    try:
        found = decode(bytes(body), lambda _: b"")
    except (InvalidFormat, CorruptObject):
        return
    assert encode(found).objects[-1][1] == bytes(body)


@given(st.binary(max_size=60), st.sampled_from([HEADER.encode(), INDEX_HEADER.encode(), b""]), st.binary(max_size=40))
@settings(deadline=None, max_examples=100)
def test_only_mvc_errors_come_out_of_rubbish(body: bytes, header: bytes, shard: bytes) -> None:
    try:
        found = decode(header + body, lambda _: HEADER.encode() + shard)
    except (InvalidFormat, CorruptObject):
        return
    assert encode(found).objects[-1][1] == header + body


# Shards.


def test_up_to_4096_files_are_one_object(entry: MakeEntry) -> None:
    names = [f"{number:05}" for number in range(SHARD_ABOVE + 1)]
    assert len(encode(Manifest.of(map(entry, names[:-1]))).objects) == 1
    assert is_index(encode(Manifest.of(map(entry, names))).objects[-1][1])


def test_shards_end_where_the_hash_of_the_path_says(large: Manifest, encoded: Encoded) -> None:
    ends = {item.path for item in large.entries if xxh64_intdigest(item.path.encode()) % 4096 == 0}
    last = [*large.entries][-1].path
    bodies = [body for _, body in encoded.objects[:-1]]
    assert {body.decode().splitlines()[-1].split(" ", 4)[4] for body in bodies} == ends | {last}
    assert len(bodies) > 10


def test_the_index_lists_digest_files_and_first_path_of_every_shard(encoded: Encoded) -> None:
    *shards, (digest, index) = encoded.objects
    lines = index.decode().splitlines()
    assert lines[0] == "mvc-manifest-index 1"
    assert encoded.digest == digest == hash_bytes(index)
    for line, (shard, body) in zip(lines[1:], shards, strict=True):
        rows = body.decode().splitlines()
        first = rows[1].split(" ", 4)[4]
        assert line == f"{shard.blake3} {shard.xxh128} {len(body)} {len(rows) - 1} {first}"


def test_a_large_manifest_comes_back(large: Manifest, encoded: Encoded) -> None:
    found = decode(encoded.objects[-1][1], reader(encoded))
    assert found == large
    assert (list(found.entries), found.total) == (list(large.entries), large.total)


@pytest.mark.parametrize("position", [0, 50_000, 99_999])
def test_one_changed_file_rewrites_one_shard_and_the_index(large: Manifest, encoded: Encoded, position: int) -> None:
    rows = list(large.entries)
    rows[position] = Entry(rows[position].path, *hash_bytes(b"changed"))
    changed = encode(Manifest.holding(rows))
    assert len(set(changed.objects) - set(encoded.objects)) == 2
    assert len(changed.objects) == len(encoded.objects)


def test_one_added_file_rewrites_one_shard_and_the_index(large: Manifest, encoded: Encoded, entry: MakeEntry) -> None:
    changed = encode(Manifest.holding(sorted([*large.entries, entry("data/50/0500000.bin")])))
    assert len(set(changed.objects) - set(encoded.objects)) == 2


@pytest.fixture(scope="module")
def small_shards() -> Encoded:
    """Return the objects of a manifest just large enough to be divided."""
    names = [f"{number:05}" for number in range(SHARD_ABOVE + 4000)]
    return encode(Manifest.of(Entry(name, *hash_bytes(name.encode())) for name in names))


def tampered(encoded: Encoded, change: Callable[[str], str]) -> Callable[[Digest], bytes]:
    """Return a reader whose first shard does not match its digest."""
    first, body = encoded.objects[0]
    bodies = {**dict(encoded.objects), first: change(body.decode()).encode()}
    return lambda digest: bodies[digest]


def without_line(text: str, number: int) -> str:
    """Return the text without one line."""
    lines = text.splitlines(keepends=True)
    return "".join(lines[:number] + lines[number + 1 :])


TAMPERING = {
    "a file less": lambda text: without_line(text, 2),
    "the first file less": lambda text: without_line(text, 1),
    "a file more": lambda text: text + LINE.replace(" a", " zzz"),
    "no file": lambda _: HEADER,
    "nothing": lambda _: "",
    "another size": lambda text: text.replace(" 5 - ", " 6 - ", 1),
    "executable": lambda text: text.replace(" - ", " x ", 1),
    "another first path": lambda text: text.replace(" 00000\n", " 000000\n"),
    "another path": lambda text: text.replace(" 00001\n", " 00001x\n"),
    "a way out": lambda text: text.replace(" 00001\n", " ../0001\n"),
    "another order": lambda text: HEADER + "".join(reversed(text.splitlines(keepends=True)[1:])),
    "an index": lambda text: text.replace(HEADER, INDEX_HEADER),
}


@pytest.mark.parametrize("change", TAMPERING.values(), ids=TAMPERING)
def test_a_shard_that_is_not_what_the_index_says_is_noticed(
    small_shards: Encoded, change: Callable[[str], str]
) -> None:
    assert change(small_shards.objects[0][1].decode()) != small_shards.objects[0][1].decode()
    with pytest.raises((CorruptObject, InvalidFormat)):
        decode(small_shards.objects[-1][1], tampered(small_shards, change))


def test_shards_that_swap_places_are_refused(small_shards: Encoded) -> None:
    lines = small_shards.objects[-1][1].decode().splitlines(keepends=True)
    swapped = "".join([lines[0], lines[2], lines[1], *lines[3:]])
    with pytest.raises(InvalidFormat):
        decode(swapped.encode(), reader(small_shards))


def test_a_small_manifest_cut_into_shards_is_refused(entry: MakeEntry) -> None:
    parts = [encode(Manifest.of([entry(name)])).objects[0] for name in ("a", "b")]
    index = INDEX_HEADER + "".join(
        f"{d.blake3} {d.xxh128} {d.size} 1 {p}\n" for (d, _), p in zip(parts, "ab", strict=True)
    )
    bodies = dict(parts)
    with pytest.raises(InvalidFormat, match="canonical"):
        decode(index.encode(), lambda digest: bodies[digest])


def test_a_crafted_index_with_an_honest_but_empty_shard_is_refused() -> None:
    body = HEADER.encode()
    digest = hash_bytes(body)
    index = f"{INDEX_HEADER}{digest.blake3} {digest.xxh128} {digest.size} 1 a\n"
    with pytest.raises((CorruptObject, InvalidFormat)):
        decode(index.encode(), lambda _: body)


def test_the_shards_of_an_index_are_listed_without_reading_them(small_shards: Encoded) -> None:
    listed = parse_index(small_shards.objects[-1][1])
    assert [shard.digest for shard in listed] == [digest for digest, _ in small_shards.objects[:-1]]
    assert sum(shard.files for shard in listed) == SHARD_ABOVE + 4000
