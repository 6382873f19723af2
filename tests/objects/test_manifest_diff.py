"""The differences of two manifests, which turn the old one into the new one."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import manifests

from mvc.objects import diff
from mvc.objects.diff import EntryChange, pair_renames
from mvc.objects.manifest import Entry, Manifest

MakeEntry = Callable[..., Entry]


def diff_manifests(old: Manifest, new: Manifest) -> list[EntryChange]:
    """Return all changes."""
    return list(diff.diff_manifests(old, new))


def apply(old: Manifest, changes: list[EntryChange]) -> set[Entry]:
    """Return the entries of `old` after `changes`."""
    entries = set(old.entries)
    for change in changes:
        if change.old is not None:
            entries.remove(change.old)
    for change in changes:
        if change.new is not None:
            entries.add(change.new)
    return entries


def summary(changes: list[EntryChange]) -> list[tuple[str, str]]:
    """Return kind and path of every change."""
    return [(change.change, change.path) for change in changes]


# A few paths and contents only, so that equal ones meet.
few = st.lists(
    st.builds(
        lambda path, data, mode: (path, data, mode), st.sampled_from("abcdef"), st.sampled_from("12"), st.booleans()
    ),
    unique_by=lambda row: row[0],
)


def manifest_of(rows: list[tuple[str, str, bool]]) -> Manifest:
    """Return the manifest of (path, content, executable)."""
    return Manifest.of(Entry(path, data * 64, data * 32, 1, mode) for path, data, mode in rows)


@given(few, few)
@settings(deadline=None, max_examples=150)
def test_a_diff_turns_old_into_new_with_and_without_renames(
    old: list[tuple[str, str, bool]], new: list[tuple[str, str, bool]]
) -> None:
    before, after = manifest_of(old), manifest_of(new)
    changes = diff_manifests(before, after)
    assert apply(before, changes) == set(after.entries)
    assert apply(before, pair_renames(changes)) == set(after.entries)
    assert [change.path for change in changes] == sorted({change.path for change in changes})


@given(few, few)
@settings(deadline=None, max_examples=100)
def test_every_change_is_of_the_kind_that_it_says(
    old: list[tuple[str, str, bool]], new: list[tuple[str, str, bool]]
) -> None:
    changes = diff_manifests(manifest_of(old), manifest_of(new))
    for change in pair_renames(changes):
        have = (change.old is not None, change.new is not None)
        assert have == {"added": (False, True), "deleted": (True, False)}.get(change.change, (True, True))
        if change.old and change.new:
            assert change.old != change.new
            assert (change.old.path == change.new.path) is (change.change == "modified")
            assert change.change == "modified" or change.old.blake3 == change.new.blake3


@given(manifests)
@settings(deadline=None, max_examples=50)
def test_a_manifest_does_not_differ_from_itself(manifest: Manifest) -> None:
    assert diff_manifests(manifest, manifest) == []


def test_a_moved_file_is_a_rename_under_its_new_path(entry: MakeEntry) -> None:
    old, new = entry("b/old", b"x"), entry("a/new", b"x")
    changes = pair_renames(diff_manifests(Manifest.of([old]), Manifest.of([new])))
    assert changes == [EntryChange("renamed", "a/new", old, new)]


def test_equal_files_are_paired_one_to_one(entry: MakeEntry) -> None:
    old = Manifest.of([entry("1", b"x"), entry("2", b"x")])
    new = Manifest.of([entry("3", b"x"), entry("4", b"x"), entry("5", b"x")])
    assert summary(pair_renames(diff_manifests(old, new))) == [("renamed", "3"), ("renamed", "4"), ("added", "5")]


def test_a_copy_is_an_addition(entry: MakeEntry) -> None:
    old, new = Manifest.of([entry("a", b"x")]), Manifest.of([entry("a", b"x"), entry("b", b"x")])
    assert summary(pair_renames(diff_manifests(old, new))) == [("added", "b")]


def test_the_executable_bit_alone_is_a_modification(entry: MakeEntry) -> None:
    old, new = Manifest.of([entry("a", b"x")]), Manifest.of([entry("a", b"x", executable=True)])
    assert summary(pair_renames(diff_manifests(old, new))) == [("modified", "a")]
