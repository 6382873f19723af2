"""A pointer whose lines are out of order means one thing; any other invalid pointer means nothing."""

from __future__ import annotations

import random

import pytest

from mvc.errors import InvalidFormat
from mvc.objects.hashing import hash_bytes
from mvc.objects.manifest import INLINE_FILES, Entry, Manifest
from mvc.objects.pointer import Notes, dir_pointer, emit, file_pointer
from mvc.objects.pointer_lines import is_directory, listed_files, parse_unordered
from mvc.objects.pointer_reader import parse

NOTES = Notes("ranker", 'a \\ "b"', (("team", "search"),), "nas")
FILES = Manifest.of(Entry(name, *hash_bytes(name.encode())) for name in ("a", "b/c", 'd "e"', "ü", "\U0001f600"))
POINTERS = {
    "directory": dir_pointer(FILES, notes=NOTES),
    "empty directory": dir_pointer(Manifest.of([]), notes=NOTES),
    "file": file_pointer(hash_bytes(b"x"), executable=True, notes=NOTES),
}


@pytest.mark.parametrize("name", POINTERS)
def test_any_order_of_the_lines_is_the_same_pointer(name: str) -> None:
    lines = emit(POINTERS[name]).splitlines(keepends=True)
    for seed in range(20):
        raw = b"".join(random.Random(seed).sample(lines, len(lines)))
        assert parse_unordered(raw) == POINTERS[name]


def test_a_repeated_line_counts_once() -> None:
    raw = emit(POINTERS["directory"])
    line = raw.splitlines(keepends=True)[4]
    with pytest.raises(InvalidFormat):
        parse(raw.replace(line, line * 2))
    assert parse_unordered(raw.replace(line, line * 2)) == POINTERS["directory"]


def test_two_lists_may_be_too_long_for_one() -> None:
    entries = [Entry(f"{number:03}", *hash_bytes(b"%d" % number)) for number in range(INLINE_FILES + 1)]
    first, rest = (emit(dir_pointer(Manifest.of(part))) for part in (entries[:1], entries[1:]))
    found = parse_unordered(rest + first.splitlines(keepends=True)[-1])
    assert found is not None
    assert (found.manifest, found.digest) == (Manifest.of(entries), dir_pointer(Manifest.of(entries)).digest)


LINE = emit(POINTERS["directory"]).splitlines(keepends=True)[3]
OTHER = LINE.replace(b"size: 1", b"size: 2")


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: raw.replace(LINE, LINE + OTHER),  # one file, two contents
        lambda raw: raw.replace(LINE, LINE.replace(b'"a"', b'"A"') + LINE),
        lambda raw: raw.replace(LINE, LINE.replace(b'"a"', b'"../a"')),
        lambda raw: raw.replace(LINE, b"=======\n" + LINE),
        lambda raw: raw.replace(LINE, b" " + LINE),
        lambda raw: raw.replace(b"mvc: 1", b"mvc: 2"),
        lambda raw: raw.replace(b'desc: "', b'desc: "x"\ndesc: "'),
        lambda raw: raw.replace(b"\n", b"\r\n"),
        lambda raw: emit(POINTERS["file"]) + LINE,
        lambda raw: b"",
        lambda raw: b"\xff",
        lambda raw: raw + b"# a comment\n",
    ],
)
def test_anything_else_is_not_a_pointer(change: object) -> None:
    assert parse_unordered(change(emit(POINTERS["directory"]))) is None  # type: ignore[operator]


def test_what_an_invalid_pointer_lists() -> None:
    raw = b"<<<<<<< ours\n" + emit(POINTERS["directory"]) + b">>>>>>> theirs\n"
    assert is_directory(raw)
    assert listed_files(raw) == {entry.path for entry in FILES.entries}
    assert not is_directory(emit(POINTERS["file"]))
    assert listed_files(b"\xff\n" + emit(POINTERS["file"])) == set()
