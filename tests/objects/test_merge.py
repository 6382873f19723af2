"""Three-way merge: what one side changed is taken, what both changed is left to the user."""

from __future__ import annotations

import pytest

from mvc.objects.hashing import hash_bytes
from mvc.objects.manifest import Entry
from mvc.objects.merge import Side, Sides, add_workspace, merge
from mvc.objects.pointer import Notes


def side(text: str) -> Side:
    """Return the side with the files in `text`: `a1 b2` has a file `a` with the content `1`."""
    return Side.of(Entry(name[0], *hash_bytes(name[1:].encode())) for name in text.split())


def told(files: dict[str, Entry]) -> str:
    contents = {hash_bytes(text.encode()).blake3: text for text in "0123456789"}
    return " ".join(f"{path}{contents[entry.blake3]}" for path, entry in sorted(files.items()))


FILES = {
    "both add a file": ("a1", "a1 b1", "a1 c1", "a1 b1 c1", ""),
    "both add the same file": ("a1", "a1 b1", "a1 b1", "a1 b1", ""),
    "both add another file of one name": ("a1", "a1 b1", "a1 b2", "a1", "b"),
    "there is no ancestor": ("", "a1 b1", "a1 c1", "a1 b1 c1", ""),
    "one changes a file": ("a1 b1", "a2 b1", "a1 b1", "a2 b1", ""),
    "the other changes a file": ("a1 b1", "a1 b1", "a2 b1", "a2 b1", ""),
    "both change a file alike": ("a1", "a2", "a2", "a2", ""),
    "both change a file": ("a1 b1", "a2 b1", "a3 b1", "b1", "a"),
    "ours deletes a file": ("a1 b1", "a1", "a1 b1 c1", "a1 c1", ""),
    "theirs deletes a file": ("a1 b1", "a1 b1 c1", "a1", "a1 c1", ""),
    "both delete a file": ("a1 b1", "a1", "a1", "a1", ""),
    "one deletes what the other changes": ("a1 b1", "a1", "a1 b2", "a1", "b"),
}


@pytest.mark.parametrize("name", FILES)
def test_files(name: str) -> None:
    base, ours, theirs, expected, undecided = FILES[name]
    merged = merge(Sides(side(base), side(ours), side(theirs)))
    assert (told(merged.files), " ".join(merged.undecided)) == (expected, undecided)


@pytest.mark.parametrize(
    ("chosen", "expected", "undecided"),
    [
        ("a2 b1", "a2 b1", ""),
        ("a3 b1", "a3 b1", ""),
        ("a3", "a3 b1", ""),  # what is decided does not depend on the choice
        ("a4 b1", "b1", "a"),
        ("b1", "b1", "a"),
    ],
)
def test_a_choice_decides_what_both_sides_changed(chosen: str, expected: str, undecided: str) -> None:
    merged = merge(Sides(side("a1 b1"), side("a2 b1"), side("a3 b1"), side(chosen)))
    assert (told(merged.files), " ".join(merged.undecided)) == (expected, undecided)


WORKSPACE = {
    "as ours": ("a1 b2 d1", "a1 b2 c1", ""),
    "as the ancestor": ("a1 b1 d1", "a1 b2 c1", ""),
    "nothing there": ("", "a1 b2 c1", ""),
    "a new file": ("a1 b2 d1 e1", "a1 b2 c1 e1", ""),
    "a file that ours changed, too": ("a1 b3 d1", "a1 b3 c1", ""),
    "an unchanged file": ("a5 b2 d1", "a5 b2 c1", ""),
    "the file that theirs adds": ("a1 b2 c1 d1", "a1 b2 c1", ""),
    "another file of the name that theirs adds": ("a1 b2 c2 d1", "a1 b2 c1", "c"),
    "a file that theirs deleted, changed": ("a1 b2 d2", "a1 b2 c1", "d"),
}


@pytest.mark.parametrize("name", WORKSPACE)
def test_the_workspace_adds_and_never_removes(name: str) -> None:
    here, expected, undecided = WORKSPACE[name]
    sides = Sides(side("a1 b1 d1"), side("a1 b2 d1"), side("a1 b1 c1"))
    merged = add_workspace(merge(sides), sides, side(here).files)
    assert (told(merged.files), " ".join(merged.undecided)) == (expected, undecided)


def test_notes_are_merged_one_by_one() -> None:
    base, ours, theirs = Notes("n", "one"), Notes("n", "two", remote="nas"), Notes("m", "one", (("team", "x"),))
    merged = merge(Sides(Side({}, base), Side({}, ours), Side({}, theirs)))
    assert (merged.notes, merged.undecided_notes) == (Notes("m", "two", (("team", "x"),), "nas"), ())
    sides = Sides(Side({}, base), Side({}, ours), Side({}, theirs._replace(desc="three")))
    assert merge(sides).undecided_notes == ("desc",)
    assert merge(sides._replace(chosen=Side({}, Notes(desc="three")))).notes.desc == "three"
