"""The plan of a checkout has exactly the differences."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from mvc.objects.hashing import hash_bytes
from mvc.objects.manifest import Entry, Manifest
from mvc.workspace.checkout import Plan

entries = st.lists(
    st.builds(
        lambda path, data, mode: Entry(path, *hash_bytes(data), mode),
        st.sampled_from("abcd"),
        st.sampled_from([b"1", b"2"]),
        st.booleans(),
    ),
    unique_by=lambda entry: entry.path,
)


def make_plan(current: list[Entry], wanted: list[Entry], covers: Callable[[str], bool]) -> Plan:
    """Return the plan that turns `current` into `wanted`."""
    return Plan(Manifest.of(current), Manifest.of(wanted), covers)


def everything(_: str) -> bool:
    """Cover every name."""
    return True


def carry_out(plan: Plan, current: list[Entry]) -> set[Entry]:
    """Return the entries of the workspace after the plan was executed."""
    after = {entry.path: entry for entry in current}
    for entry in plan.delete:
        del after[entry.path]
    after.update({entry.path: entry for entry in plan.write})
    return set(after.values())


@given(entries, entries)
@settings(deadline=None, max_examples=150)
def test_a_plan_turns_what_is_there_into_what_is_wanted(current: list[Entry], wanted: list[Entry]) -> None:
    plan = make_plan(current, wanted, everything)
    assert carry_out(plan, current) == set(wanted)


@given(entries, entries)
@settings(deadline=None, max_examples=150)
def test_a_plan_touches_only_what_differs_and_names_all_that_would_be_lost(
    current: list[Entry], wanted: list[Entry]
) -> None:
    plan = make_plan(current, wanted, everything)
    assert not set(plan.write) & set(current)
    survivors = {entry.path: entry.blake3 for entry in wanted}
    lost = {entry for entry in current if survivors.get(entry.path) != entry.blake3}
    assert set(plan.destroyed) == lost
    assert {entry.path for entry in plan.delete} == {entry.path for entry in current} - survivors.keys()


@given(entries, entries, st.sets(st.sampled_from("abcd")))
@settings(deadline=None, max_examples=100)
def test_what_is_not_covered_stays_as_it_is(current: list[Entry], wanted: list[Entry], names: set[str]) -> None:
    covers: Callable[[str], bool] = names.__contains__
    plan = make_plan(current, wanted, covers)
    after = carry_out(plan, current)
    assert {entry for entry in after if entry.path not in names} == {
        entry for entry in current if entry.path not in names
    }
    assert {entry for entry in after if entry.path in names} == {entry for entry in wanted if entry.path in names}
    assert all(entry.path in names for entry in plan.destroyed)


def test_a_mode_alone_is_written_and_nothing_is_lost() -> None:
    old, new = Entry("a", *hash_bytes(b"1")), Entry("a", *hash_bytes(b"1"), True)
    plan = make_plan([old], [new], everything)
    assert ([*plan.write], [*plan.delete], [*plan.destroyed]) == ([new], [], [])


def test_nothing_to_do() -> None:
    entry = Entry("a", *hash_bytes(b"1"))
    plan = make_plan([entry], [entry], everything)
    assert ([*plan.write], [*plan.delete], [*plan.destroyed]) == ([], [], [])
    again = Plan(plan.old, plan.new, rewrite=True)
    assert ([*again.write], [*again.destroyed]) == ([entry], [])
