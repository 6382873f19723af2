"""Three-way merge: what one side changed is taken, what both changed is left to the user."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvc.objects.hashing import hash_bytes
from mvc.objects.manifest import Entry
from mvc.objects.merge import Merged, Side, Sides, add_workspace, decide, merge, take_workspace, with_notes_of_content
from mvc.objects.patch import patch
from mvc.objects.pointer import Notes


def side(text: str) -> Side:
    """Return the side with the files in `text`: `a1 b2` has a file `a` with the content `1`."""
    return Side.of(Entry(name[0], *hash_bytes(name[1:].encode())) for name in text.split())


def told(files: dict[str, Entry]) -> str:
    contents = {hash_bytes(text.encode()).blake3: text for text in "0123456789"}
    return " ".join(f"{path}{contents[entry.blake3]}" for path, entry in sorted(files.items()))


def result(merged: Merged, ours: Side) -> str:
    """Return the merged files, without those that both sides changed."""
    undecided = dict.fromkeys(merged.undecided)
    manifest = patch(ours.manifest, {**merged.changes, **undecided}, ours.manifest.total)
    return told({entry.path: entry for entry in manifest.entries})


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
    assert (result(merged, side(ours)), " ".join(merged.undecided)) == (expected, undecided)


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
    assert (result(merged, side("a2 b1")), " ".join(merged.undecided)) == (expected, undecided)


WORKSPACE = {
    "as ours": ("a1 b2 d1", "a1 b2 c1", ""),
    "as the ancestor": ("a1 b1 d1", "a1 b2 c1", ""),
    "nothing there": ("", "a1 b2 c1", ""),
    "a new file": ("a1 b2 d1 e1", "a1 b2 c1 e1", ""),
    "a file that ours changed, too": ("a1 b3 d1", "a1 b3 c1", ""),
    "an unchanged file": ("a5 b2 d1", "a5 b2 c1", ""),
    "the file that theirs adds": ("a1 b2 c1 d1", "a1 b2 c1", ""),
    "another file of the name that theirs adds": ("a1 b2 c2 d1", "a1 b2", "c"),
    "a file that theirs deleted, changed": ("a1 b2 d2", "a1 b2 c1", "d"),
    "renamed": ("a1 b2 e1", "a1 b2 c1 e1", ""),
}


@pytest.mark.parametrize("name", WORKSPACE)
def test_the_workspace_adds_and_never_removes(name: str) -> None:
    here, expected, undecided = WORKSPACE[name]
    sides = Sides(side("a1 b1 d1"), side("a1 b2 d1"), side("a1 b1 c1"))
    merged = add_workspace(merge(sides), sides.ours.manifest, side(here).manifest)
    assert (result(merged, sides.ours), " ".join(merged.undecided)) == (expected, undecided)


def test_notes_are_merged_one_by_one() -> None:
    base, ours, theirs = Notes("n", "one"), Notes("n", "two", remote="nas"), Notes("m", "one", (("team", "x"),))
    merged = merge(Sides(Side(notes=base), Side(notes=ours), Side(notes=theirs)))
    assert (merged.notes, merged.undecided_notes) == (Notes("m", "two", (("team", "x"),), "nas"), ())
    sides = Sides(Side(notes=base), Side(notes=ours), Side(notes=theirs._replace(desc="three")))
    assert merge(sides).undecided_notes == ("desc",)
    assert merge(sides._replace(chosen=Side(notes=Notes(desc="three")))).notes.desc == "three"


RENAMES = {
    "ours renames, theirs changes": ("a1", "b1", "a2", "b2", ""),
    "theirs renames, ours changes": ("a1", "a2", "b1", "b2", ""),
    "both rename alike": ("a1", "b1", "b1", "b1", ""),
    "both rename to other names": ("a1", "b1", "c1", "", "b c"),
    "ours renames, theirs deletes": ("a1", "b1", "", "", "b"),
    "theirs renames, ours deletes": ("a1", "", "b1", "", "b"),
    "ours renames, theirs adds a file of the new name": ("a1", "b1", "a1 b2", "", "b"),
    "ours renames, theirs changes it and adds one of the new name": ("a1", "b1", "a2 b3", "", "a b"),
    "ours renames one of two alike": ("a1 c1", "b1 c1", "a2 c1", "b2 c1", ""),
    "ours renames two alike": ("a1 c1", "b1 d1", "a2 c1", "b1 d1", "a"),
    "ours swaps two files": ("a1 b2", "a2 b1", "a1 b2 c3", "a2 b1 c3", ""),
}


@pytest.mark.parametrize("name", RENAMES)
def test_renames(name: str) -> None:
    base, ours, theirs, expected, undecided = RENAMES[name]
    merged = merge(Sides(side(base), side(ours), side(theirs)))
    assert (result(merged, side(ours)), " ".join(merged.undecided)) == (expected, undecided)


def test_content_and_mode_are_merged_separately() -> None:
    def one(content: str, executable: bool) -> Side:
        return Side.of([Entry("a", *hash_bytes(content.encode()), executable)])

    merged = merge(Sides(one("1", False), one("1", True), one("2", False)))
    assert (merged.changes, merged.is_decided) == ({"a": Entry("a", *hash_bytes(b"2"), True)}, True)


def test_what_the_user_selects_is_taken_from_the_workspace() -> None:
    sides = Sides(side("a1 b1"), side("a2 b2"), side("a3 b3 c1"))
    merged = take_workspace(merge(sides), sides.ours.manifest, side("a4 d1").manifest, {"a", "d"}.__contains__)
    assert (result(merged, sides.ours), list(merged.undecided)) == ("a4 c1 d1", ["b"])


def test_a_version_can_be_chosen() -> None:
    sides = Sides(side("a1 b1"), side("a2"), side("a3 b2"))
    merged = merge(sides)
    merged = decide(merged, {path: found.theirs for path, found in merged.undecided.items()})
    assert (result(merged, sides.ours), merged.is_decided) == ("a3 b2", True)


def test_the_notes_of_a_file_are_those_of_its_new_content() -> None:
    def one(content: str, desc: str) -> Side:
        return Side.of([Entry("", *hash_bytes(content.encode()))], Notes(desc=desc))

    for base, ours, theirs, desc, undecided in (
        (one("1", "a"), one("1", "b"), one("2", "c"), "c", ()),
        (one("1", "a"), one("2", "b"), one("1", "c"), "b", ()),
        (one("1", "a"), one("1", "b"), one("1", "c"), "", ("desc",)),
        (one("1", "a"), one("2", "b"), one("2", "c"), "", ("desc",)),
    ):
        sides = Sides(base, ours, theirs)
        merged = with_notes_of_content(merge(sides), sides)
        assert merged.undecided_notes == undecided
        assert undecided or merged.notes.desc == desc


# Properties.

Files = dict[str, tuple[int, bool]]
PATHS = st.text("abcd", min_size=1, max_size=2)
TREES = st.dictionaries(PATHS, st.tuples(st.integers(0, 3), st.booleans()), max_size=8)


def tree(files: dict[str, tuple[int, bool]]) -> Side:
    return Side.of(Entry(path, *hash_bytes(b"x" * size), mode) for path, (size, mode) in files.items())


def patched(merged: Merged, ours: Side) -> dict[str, Entry]:
    return {entry.path: entry for entry in patch(ours.manifest, merged.changes, ours.manifest.total).entries}


@given(TREES, TREES, TREES)
def test_a_merge_is_symmetric(base: Files, ours: Files, theirs: Files) -> None:
    one, other = merge(Sides(*map(tree, (base, ours, theirs)))), merge(Sides(*map(tree, (base, theirs, ours))))
    assert {path: (b, o, t) for path, (b, o, t) in one.undecided.items()} == {
        path: (b, o, t) for path, (b, t, o) in other.undecided.items()
    }
    first, second = patched(one, tree(ours)), patched(other, tree(theirs))
    assert all(first.get(path) == second.get(path) for path in {*first, *second} - one.undecided.keys())


@given(TREES, TREES)
def test_a_merge_equals_the_trivial_answers(base: Files, ours: Files) -> None:
    before, after = tree(base), tree(ours)
    for sides in (Sides(before, after, before), Sides(before, before, after), Sides(before, after, after)):
        merged = merge(sides)
        assert merged.is_decided
        assert patched(merged, sides.ours) == {entry.path: entry for entry in after.manifest.entries}


def renamed_from(path: str, base: Files, mine: Files) -> list[str]:
    """Return the files of `base` that may be `path` under their old names."""
    return [old for old in base if base[old][0] == mine[path][0] and old not in mine]


@given(TREES, TREES, TREES)
def test_no_file_is_lost_that_only_one_side_touched(base: Files, ours: Files, theirs: Files) -> None:
    merged = merge(Sides(*map(tree, (base, ours, theirs))))
    found = {path: (entry.size, entry.exec) for path, entry in patched(merged, tree(ours)).items()}
    for mine, other in ((ours, theirs), (theirs, ours)):
        touched = [path for path in mine if mine[path] != base.get(path) and other.get(path) == base.get(path)]
        for path in touched:
            changed = [other[old][0] for old in renamed_from(path, base, mine) if old in other]
            assert path in merged.undecided or found.get(path) == mine[path] or found[path][0] in changed


@given(TREES, TREES, TREES)
def test_no_new_content_is_lost(base: Files, ours: Files, theirs: Files) -> None:
    merged = merge(Sides(*map(tree, (base, ours, theirs))))
    undecided = (entry for versions in merged.undecided.values() for entry in versions if entry)
    there = {entry.size for entry in (*patched(merged, tree(ours)).values(), *undecided)}
    new = {size for size, _ in (*ours.values(), *theirs.values())} - {size for size, _ in base.values()}
    assert new <= there
