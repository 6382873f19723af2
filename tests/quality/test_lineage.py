"""Which model succeeds which: by name, path, rename or history; and its earlier states."""

from __future__ import annotations

from itertools import pairwise, permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mvc.quality.judge.lineage import HistoryRename, Lineage, PastState, PathState, find_lineages
from mvc.quality.judge.lineage import TreeModel as Model


def found(base: list[Model], head: list[Model], *renames: tuple[str, str]) -> dict[str, tuple[str, str]]:
    """Return how the predecessor of each model was found, and its path."""
    told = find_lineages(base, head, [model.path for model in head], renames)
    return {path: (lineage.found, lineage.before) for path, lineage in told.items()}


def history(**paths: list[tuple[int, str]]) -> dict[str, list[PathState]]:
    """Return states by age and pointer; the blake3 is the pointer, the report `r` and the pointer."""
    return {
        path: [PathState(age, f"c{age}", pointer, pointer and f"r{pointer}", "", pointer) for age, pointer in states]
        for path, states in paths.items()
    }


def of_history(
    states: dict[str, list[PathState]], path: str, *moves: HistoryRename, base: str = "", name: str = "",
) -> Lineage:
    """Return the lineage of a model at `path`; `base` is its path on the target branch, if any."""
    held = [Model(base)] if base else []
    return find_lineages(held, [Model(path, name)], [path], [], states, moves)[path]


def pointers(lineage: Lineage) -> str:
    return " ".join(past.state.pointer for past in lineage.past)


# Between base and head.


def test_what_stays_is_found_by_its_path() -> None:
    assert found([Model("a")], [Model("a"), Model("b")]) == {"a": ("path", "a"), "b": ("", "")}


def test_a_name_is_found_wherever_it_goes() -> None:
    assert found([Model("a", "x")], [Model("b", "x")]) == {"b": ("name", "a")}


def test_a_name_counts_before_a_rename() -> None:
    assert found([Model("a", "x"), Model("b", "y")], [Model("c", "x")], ("b", "c")) == {"c": ("name", "a")}


def test_models_that_change_names_follow_them() -> None:
    base, head = [Model("a", "x"), Model("b", "y")], [Model("a", "y"), Model("b", "x")]
    assert found(base, head) == {"a": ("name", "b"), "b": ("name", "a")}


def test_nobody_escapes_by_taking_a_weaker_models_name() -> None:
    assert found([Model("a"), Model("b", "weak")], [Model("a", "weak")]) == {"a": ("path", "a")}
    chain = [Model("a", "x"), Model("b", "y"), Model("c", "z")]
    assert found(chain, [Model("a", "y"), Model("b", "z")]) == {"a": ("path", "a"), "b": ("path", "b")}


def named(
    base: list[Model], new: Model, **paths: list[tuple[int, str, str]],
) -> tuple[str, bool, list[tuple[str, int]]]:
    """Return the predecessor of `new`, whether another model had its name last, and who had it: path and age.

    The states of a path are ages, pointers and names.
    """
    states = {
        path: [PathState(age, f"c{age}", pointer, "r", name, pointer) for age, pointer, name in items]
        for path, items in paths.items()
    }
    lineage = find_lineages(base, [new], [new.path], [], states)[new.path]
    return lineage.before, lineage.takes_name, [(past.path, past.state.age) for past in lineage.named]


def test_who_takes_a_name_is_compared_with_who_had_it_last() -> None:
    states = {"a": [(0, "a2", "x"), (3, "a1", "x")], "b": [(1, "b1", "y")]}
    both = [Model("a", "x"), Model("b", "y")]
    assert named(both, Model("b", "x"), **states) == ("b", True, [("a", 0), ("a", 3)])
    assert named(both, Model("b", "X"), **states) == ("b", True, [("a", 0), ("a", 3)])
    assert named(both, Model("b", "y"), **states) == ("b", False, [("b", 1)])
    assert named(both, Model("b", "z"), **states) == ("b", False, [])
    assert named(both, Model("b"), **states) == ("b", False, [])


def test_who_had_a_name_earlier_counts_where_nobody_has_it_now() -> None:
    states = {"a": [(0, "a2", "z"), (3, "a1", "x")], "b": [(1, "", ""), (2, "b1", "x")]}
    assert named([Model("a", "z")], Model("c", "x"), **states) == ("b", False, [("b", 2), ("a", 3)])
    assert named([Model("a", "z")], Model("a", "x"), **states) == ("a", True, [("b", 2), ("a", 3)])
    assert named([Model("a", "z")], Model("c", "z"), **states) == ("a", False, [("a", 0)])


def test_who_takes_its_own_name_back_takes_no_name() -> None:
    assert named([Model("a", "z")], Model("a", "x"), a=[(0, "a2", "z"), (3, "a1", "x")]) == ("a", False, [("a", 3)])


def test_the_name_of_one_that_stays_does_not_count_before_a_path() -> None:
    base = [Model("a", "x"), Model("b", "weak")]
    there = [Model("a", "weak"), Model("b"), Model("z", "x")]
    assert found(base, there) == {"a": ("path", "a"), "b": ("path", "b"), "z": ("name", "a")}
    chain = [*base, Model("c", "y")]
    assert found(chain, [Model("a", "weak"), Model("b", "y"), Model("c"), Model("z", "x")]) == {
        "a": ("path", "a"), "b": ("path", "b"), "c": ("path", "c"), "z": ("name", "a"),
    }


def test_the_name_of_one_whose_bytes_are_at_a_path_of_their_own_does_not_count_before_a_path() -> None:
    base = [Model("a", "x", "1"), Model("b", "weak", "2")]
    there = [Model("a", "weak", "3"), Model("z", "x", "1")]
    for name in ("", "other"):
        assert found(base, [*there, Model("b2", name, "2")]) == {
            "a": ("path", "a"), "b2": ("rename", "b"), "z": ("name", "a"),
        }
    assert found(base, [*there, Model("b", "c", "4"), Model("b2", "", "2")])["a"] == ("path", "a")
    assert found(base, [*there, Model("b2", "", "4")])["a"] == ("name", "b")
    assert found([base[0], Model("b", "weak")], [*there, Model("b2")])["a"] == ("name", "b")
    assert found([*base, Model("c", "y", "5")], [*there, Model("b2", "y", "2")])["a"] == ("name", "b")
    assert found(base, [Model("n", "weak", "3"), Model("a", "x", "1"), Model("b2", "", "2")])["n"] == ("name", "b")


def test_the_name_of_one_that_stays_does_not_count_before_a_rename() -> None:
    base, head = [Model("a"), Model("b", "weak")], [Model("b"), Model("c", "weak")]
    assert found(base, head, ("a", "c")) == {"b": ("path", "b"), "c": ("rename", "a")}
    assert found(base, head) == {"b": ("path", "b"), "c": ("name", "b")}


def test_names_that_are_passed_on_in_a_long_row() -> None:
    """Each path takes the name of the next one, and the last is deleted: each falls back to its path."""
    many = [f"m{number:05}" for number in range(20_000)]
    base = [Model(path, path) for path in many]
    head = [Model(path, name) for path, name in pairwise(many)]
    assert set(found(base, head).values()) == {("path", path) for path in many[:-1]}


def test_a_name_that_is_given_or_taken_changes_nothing_at_its_path() -> None:
    assert found([Model("a", "x")], [Model("a")]) == {"a": ("path", "a")}
    assert found([Model("a")], [Model("a", "x")]) == {"a": ("path", "a")}


def test_a_name_that_base_has_twice_tells_nothing() -> None:
    assert found([Model("a", "x"), Model("b", "x")], [Model("c", "x")]) == {"c": ("", "")}


def test_the_name_left_behind_and_the_path_both_say_it() -> None:
    assert found([Model("a", "x")], [Model("a"), Model("b", "x")]) == {"a": ("path", "a"), "b": ("name", "a")}


def test_a_rename_is_found_once() -> None:
    head = [Model("b"), Model("c")]
    assert found([Model("a")], head, ("a", "b"), ("a", "c")) == {"b": ("rename", "a"), "c": ("", "")}


def test_a_copy_is_new() -> None:
    same = [Model("a", "", "1"), Model("b", "", "1")]
    assert found(same[:1], same, ("a", "b")) == {"a": ("path", "a"), "b": ("", "")}


def test_equal_bytes_count_before_likeness() -> None:
    base, head = [Model("a", "", "1"), Model("b", "", "2")], [Model("c", "", "2"), Model("d", "", "3")]
    assert found(base, head, ("b", "d"), ("a", "c")) == {"c": ("rename", "b"), "d": ("", "")}
    assert found(base, head, ("b", "d"), ("a", "d")) == {"c": ("rename", "b"), "d": ("rename", "a")}


def test_of_equal_bytes_each_is_followed_once() -> None:
    base, head = ([Model(path, "", "1") for path in paths] for paths in ("ab", "cde"))
    assert found(base, head) == {"c": ("rename", "a"), "d": ("rename", "b"), "e": ("", "")}
    assert found(base, head, ("a", "e")) == {"c": ("rename", "b"), "d": ("", ""), "e": ("rename", "a")}


def test_what_cannot_be_read_is_like_nothing() -> None:
    assert found([Model("a")], [Model("b")]) == {"b": ("", "")}


def test_only_what_is_asked_for_is_told() -> None:
    assert set(find_lineages([], [Model("a"), Model("b")], ["b", "gone"])) == {"b"}


# In base's history.


def test_a_model_has_the_states_of_its_path() -> None:
    lineage = of_history(history(a=[(0, "3"), (2, "2"), (5, "1")]), "a", base="a")
    assert (lineage.found, pointers(lineage)) == ("path", "3 2 1")
    assert lineage.past[-1] == PastState("a", PathState(5, "c5", "1", "r1", "", "1"))


def test_each_pair_stands_once_the_newest() -> None:
    assert pointers(of_history(history(a=[(0, "1"), (2, "2"), (5, "1")]), "a", base="a")) == "1 2"


def test_what_was_deleted_and_comes_again_goes_on() -> None:
    states = history(a=[(1, ""), (3, "2"), (5, "1")])
    lineage = of_history(states, "a")
    assert (lineage.found, lineage.before, pointers(lineage)) == ("history", "a", "2 1")
    again = of_history(history(a=[(0, "3"), (1, ""), (3, "2")]), "a", base="a")
    assert (again.found, pointers(again)) == ("path", "3 2")


def test_a_move_in_the_history_is_followed() -> None:
    states = history(a=[(2, ""), (5, "1")], b=[(0, "3"), (2, "2")])
    assert pointers(of_history(states, "b", HistoryRename(2, "a", "b"), base="b")) == "3 2 1"
    assert pointers(of_history(states, "b", base="b")) == "3 2"
    assert pointers(of_history(states, "b", HistoryRename(1, "a", "b"), base="b")) == "3 2"


def test_a_move_of_the_same_bytes_needs_nobody_to_tell_it() -> None:
    assert pointers(of_history(history(a=[(2, ""), (5, "1")], b=[(2, "1")]), "b", base="b")) == "1"
    assert pointers(of_history(history(a=[(2, ""), (5, "1"), (6, "0")], b=[(2, "1")]), "b", base="b")) == "1 0"


def test_a_name_is_followed_through_the_history() -> None:
    states = {"a": [PathState(4, "c4", ""), PathState(5, "c5", "1", "", "x")], "b": [PathState(2, "c2", "2", "", "x")]}
    assert pointers(of_history(states, "b", base="b")) == "2 1"
    assert of_history({"a": states["a"]}, "new", name="x").before == "a"
    assert of_history({"a": states["a"]}, "new", name="y").found == ""


def test_what_goes_on_elsewhere_does_not_come_again() -> None:
    states = history(a=[(2, ""), (5, "1")], b=[(2, "1")])
    assert of_history(states, "a", base="b").found == ""


def test_moved_and_deleted_and_added_again_at_the_first_path() -> None:
    states = history(a=[(4, ""), (5, "1")], b=[(2, ""), (4, "1")])
    lineage = of_history(states, "a")
    assert (lineage.found, lineage.before) == ("history", "b")


def test_deleted_bytes_are_known_wherever_they_come_again() -> None:
    lineage = find_lineages([], [Model("b", "", "1")], ["b"], [], history(a=[(2, ""), (3, "2"), (5, "1")]))["b"]
    assert (lineage.found, lineage.before, pointers(lineage)) == ("history", "a", "2 1")


def test_a_history_that_nobody_read_is_none() -> None:
    assert of_history({}, "a", base="a") == Lineage("a", "path", "a")


Chosen = dict[str, tuple[str, str]]
Renames = list[tuple[str, str]]
NAMES = st.sampled_from(["", "x", "y"])
MODELS = st.dictionaries(st.sampled_from("abcd"), st.tuples(NAMES, st.sampled_from(["", "1", "2"])))
RENAMES = st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("abcd")), max_size=4)
STATES = st.dictionaries(
    st.sampled_from("abcd"), st.lists(st.tuples(st.integers(0, 9), st.sampled_from(["", "1", "2"])), min_size=1),
)


def models(chosen: Chosen) -> list[Model]:
    return [Model(path, *rest) for path, rest in chosen.items()]


@settings(deadline=None)
@given(MODELS, MODELS, RENAMES)
def test_whatever_stays_at_its_path_has_a_predecessor(base: Chosen, head: Chosen, renames: Renames) -> None:
    """No model of base loses its successor by names or renames, unless it is deleted."""
    links = found(models(base), models(head), *renames)
    for path in base.keys() & head.keys():
        assert links[path][0] in ("name", "path")
        assert path in {old for _, old in links.values()}


@settings(deadline=None)
@given(MODELS, MODELS, RENAMES)
def test_a_rename_gives_each_one_successor(base: Chosen, head: Chosen, renames: Renames) -> None:
    links = found(models(base), models(head), *renames)
    renamed = [old for how, old in links.values() if how == "rename"]
    others = {old for how, old in links.values() if how != "rename"}
    assert len(set(renamed)) == len(renamed)
    assert not set(renamed) & others
    assert not set(renamed) & head.keys()


@settings(deadline=None)
@given(MODELS, MODELS, st.data())
def test_the_order_of_models_does_not_matter(base: Chosen, head: Chosen, data: st.DataObject) -> None:
    told = models(head)
    shuffled = data.draw(st.permutations(told))
    assert found(models(base), told) == found(models(base), shuffled)


@settings(deadline=None)
@given(STATES, st.lists(st.tuples(st.integers(0, 9), st.sampled_from("abcd"), st.sampled_from("abcd"))))
def test_no_history_is_gone_through_twice(
    chosen: dict[str, list[tuple[int, str]]], moves: list[tuple[int, str, str]],
) -> None:
    """Following any history ends, without duplicate states, from newer to older ones."""
    states = history(**{path: sorted(dict(items).items()) for path, items in chosen.items()})
    base = [Model(path) for path, items in states.items() if items[0].pointer]
    head = [Model(path, "", "1") for path in "abcd"]
    for lineage in find_lineages(base, head, "abcd", [], states, [HistoryRename(*move) for move in moves]).values():
        ages = [past.state.age for past in lineage.past]
        assert ages == sorted(ages)


@pytest.mark.parametrize("order", [*permutations(range(3))])
def test_a_ring_of_names_is_kept_whole(order: tuple[int, ...]) -> None:
    base = [Model(path, f"n{number}") for number, path in enumerate("abc")]
    head = [Model(path, f"n{number}") for path, number in zip("abc", order, strict=True)]
    assert {path: old for path, (_, old) in found(base, head).items()} == dict(
        zip("abc", ("abc"[number] for number in order), strict=True),
    )
