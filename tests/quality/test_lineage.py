"""Which model succeeds which: by name, path, rename, history; and what of the history belongs to it."""

from __future__ import annotations

from itertools import pairwise, permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mvc.quality.judge.lineage import Descent, Held, Move, State, Stood, descents


def found(base: list[Held], head: list[Held], *renames: tuple[str, str]) -> dict[str, tuple[str, str]]:
    """Return how each model of head was found, and what it succeeds."""
    told = descents(base, head, [model.path for model in head], renames)
    return {path: (descent.found, descent.before) for path, descent in told.items()}


def history(**paths: list[tuple[int, str]]) -> dict[str, list[State]]:
    """Return states by age and pointer; the blake3 is the pointer, the report `r` and the pointer."""
    return {
        path: [State(age, f"c{age}", pointer, pointer and f"r{pointer}", "", pointer) for age, pointer in states]
        for path, states in paths.items()
    }


def of_history(states: dict[str, list[State]], path: str, *moves: Move, base: str = "", name: str = "") -> Descent:
    """Return what a model at `path` comes from, with `base` the path that the target branch has it at, if any."""
    held = [Held(base)] if base else []
    return descents(held, [Held(path, name)], [path], [], states, moves)[path]


def pointers(descent: Descent) -> str:
    return " ".join(stood.state.pointer for stood in descent.stood)


# Between base and head.


def test_what_stays_is_found_by_its_path() -> None:
    assert found([Held("a")], [Held("a"), Held("b")]) == {"a": ("path", "a"), "b": ("", "")}


def test_a_name_is_found_wherever_it_goes() -> None:
    assert found([Held("a", "x")], [Held("b", "x")]) == {"b": ("name", "a")}


def test_a_name_counts_before_a_rename() -> None:
    assert found([Held("a", "x"), Held("b", "y")], [Held("c", "x")], ("b", "c")) == {"c": ("name", "a")}


def test_models_that_change_names_follow_them() -> None:
    base, head = [Held("a", "x"), Held("b", "y")], [Held("a", "y"), Held("b", "x")]
    assert found(base, head) == {"a": ("name", "b"), "b": ("name", "a")}


def test_nobody_escapes_by_taking_a_weaker_models_name() -> None:
    assert found([Held("a"), Held("b", "weak")], [Held("a", "weak")]) == {"a": ("path", "a")}
    chain = [Held("a", "x"), Held("b", "y"), Held("c", "z")]
    assert found(chain, [Held("a", "y"), Held("b", "z")]) == {"a": ("path", "a"), "b": ("path", "b")}


def test_the_name_of_one_that_stays_does_not_count_before_a_path() -> None:
    base = [Held("a", "x"), Held("b", "weak")]
    there = [Held("a", "weak"), Held("b"), Held("z", "x")]
    assert found(base, there) == {"a": ("path", "a"), "b": ("path", "b"), "z": ("name", "a")}
    chain = [*base, Held("c", "y")]
    assert found(chain, [Held("a", "weak"), Held("b", "y"), Held("c"), Held("z", "x")]) == {
        "a": ("path", "a"), "b": ("path", "b"), "c": ("path", "c"), "z": ("name", "a"),
    }


def test_the_name_of_one_whose_bytes_are_at_a_path_of_their_own_does_not_count_before_a_path() -> None:
    base = [Held("a", "x", "1"), Held("b", "weak", "2")]
    there = [Held("a", "weak", "3"), Held("z", "x", "1")]
    for name in ("", "other"):
        assert found(base, [*there, Held("b2", name, "2")]) == {
            "a": ("path", "a"), "b2": ("rename", "b"), "z": ("name", "a"),
        }
    assert found(base, [*there, Held("b", "c", "4"), Held("b2", "", "2")])["a"] == ("path", "a")
    assert found(base, [*there, Held("b2", "", "4")])["a"] == ("name", "b")
    assert found([base[0], Held("b", "weak")], [*there, Held("b2")])["a"] == ("name", "b")
    assert found([*base, Held("c", "y", "5")], [*there, Held("b2", "y", "2")])["a"] == ("name", "b")
    assert found(base, [Held("n", "weak", "3"), Held("a", "x", "1"), Held("b2", "", "2")])["n"] == ("name", "b")


def test_the_name_of_one_that_stays_does_not_count_before_a_rename() -> None:
    base, head = [Held("a"), Held("b", "weak")], [Held("b"), Held("c", "weak")]
    assert found(base, head, ("a", "c")) == {"b": ("path", "b"), "c": ("rename", "a")}
    assert found(base, head) == {"b": ("path", "b"), "c": ("name", "b")}


def test_names_that_are_passed_on_in_a_long_row() -> None:
    """Each path takes the name of the next, the last is gone: one after the other falls back to its path."""
    many = [f"m{number:05}" for number in range(20_000)]
    base = [Held(path, path) for path in many]
    head = [Held(path, name) for path, name in pairwise(many)]
    assert set(found(base, head).values()) == {("path", path) for path in many[:-1]}


def test_a_name_that_is_given_or_taken_changes_nothing_at_its_path() -> None:
    assert found([Held("a", "x")], [Held("a")]) == {"a": ("path", "a")}
    assert found([Held("a")], [Held("a", "x")]) == {"a": ("path", "a")}


def test_a_name_that_base_has_twice_tells_nothing() -> None:
    assert found([Held("a", "x"), Held("b", "x")], [Held("c", "x")]) == {"c": ("", "")}


def test_the_name_left_behind_and_the_path_both_say_it() -> None:
    assert found([Held("a", "x")], [Held("a"), Held("b", "x")]) == {"a": ("path", "a"), "b": ("name", "a")}


def test_a_rename_is_found_once() -> None:
    assert found([Held("a")], [Held("b"), Held("c")], ("a", "b"), ("a", "c")) == {"b": ("rename", "a"), "c": ("", "")}


def test_a_copy_is_new() -> None:
    same = [Held("a", "", "1"), Held("b", "", "1")]
    assert found(same[:1], same, ("a", "b")) == {"a": ("path", "a"), "b": ("", "")}


def test_equal_bytes_count_before_likeness() -> None:
    base, head = [Held("a", "", "1"), Held("b", "", "2")], [Held("c", "", "2"), Held("d", "", "3")]
    assert found(base, head, ("b", "d"), ("a", "c")) == {"c": ("rename", "b"), "d": ("", "")}
    assert found(base, head, ("b", "d"), ("a", "d")) == {"c": ("rename", "b"), "d": ("rename", "a")}


def test_of_equal_bytes_each_is_followed_once() -> None:
    base, head = [Held("a", "", "1"), Held("b", "", "1")], [Held("c", "", "1"), Held("d", "", "1"), Held("e", "", "1")]
    assert found(base, head) == {"c": ("rename", "a"), "d": ("rename", "b"), "e": ("", "")}
    assert found(base, head, ("a", "e")) == {"c": ("rename", "b"), "d": ("", ""), "e": ("rename", "a")}


def test_what_cannot_be_read_is_like_nothing() -> None:
    assert found([Held("a")], [Held("b")]) == {"b": ("", "")}


def test_only_what_is_asked_for_is_told() -> None:
    assert set(descents([], [Held("a"), Held("b")], ["b", "gone"])) == {"b"}


# In base's history.


def test_a_model_has_the_states_of_its_path() -> None:
    descent = of_history(history(a=[(0, "3"), (2, "2"), (5, "1")]), "a", base="a")
    assert (descent.found, pointers(descent)) == ("path", "3 2 1")
    assert descent.stood[-1] == Stood("a", State(5, "c5", "1", "r1", "", "1"))


def test_each_pair_stands_once_the_newest() -> None:
    assert pointers(of_history(history(a=[(0, "1"), (2, "2"), (5, "1")]), "a", base="a")) == "1 2"


def test_what_was_deleted_and_comes_again_goes_on() -> None:
    states = history(a=[(1, ""), (3, "2"), (5, "1")])
    descent = of_history(states, "a")
    assert (descent.found, descent.before, pointers(descent)) == ("history", "a", "2 1")
    again = of_history(history(a=[(0, "3"), (1, ""), (3, "2")]), "a", base="a")
    assert (again.found, pointers(again)) == ("path", "3 2")


def test_a_move_in_the_history_is_followed() -> None:
    states = history(a=[(2, ""), (5, "1")], b=[(0, "3"), (2, "2")])
    assert pointers(of_history(states, "b", Move(2, "a", "b"), base="b")) == "3 2 1"
    assert pointers(of_history(states, "b", base="b")) == "3 2"
    assert pointers(of_history(states, "b", Move(1, "a", "b"), base="b")) == "3 2"


def test_a_move_of_the_same_bytes_needs_nobody_to_tell_it() -> None:
    assert pointers(of_history(history(a=[(2, ""), (5, "1")], b=[(2, "1")]), "b", base="b")) == "1"
    assert pointers(of_history(history(a=[(2, ""), (5, "1"), (6, "0")], b=[(2, "1")]), "b", base="b")) == "1 0"


def test_a_name_is_followed_through_the_history() -> None:
    states = {"a": [State(4, "c4", ""), State(5, "c5", "1", "", "x")], "b": [State(2, "c2", "2", "", "x")]}
    assert pointers(of_history(states, "b", base="b")) == "2 1"
    assert of_history({"a": states["a"]}, "new", name="x").before == "a"
    assert of_history({"a": states["a"]}, "new", name="y").found == ""


def test_what_goes_on_elsewhere_does_not_come_again() -> None:
    states = history(a=[(2, ""), (5, "1")], b=[(2, "1")])
    assert of_history(states, "a", base="b").found == ""


def test_moved_and_deleted_and_added_again_at_the_first_path() -> None:
    states = history(a=[(4, ""), (5, "1")], b=[(2, ""), (4, "1")])
    descent = of_history(states, "a")
    assert (descent.found, descent.before) == ("history", "b")


def test_deleted_bytes_are_known_wherever_they_come_again() -> None:
    descent = descents([], [Held("b", "", "1")], ["b"], [], history(a=[(2, ""), (3, "2"), (5, "1")]))["b"]
    assert (descent.found, descent.before, pointers(descent)) == ("history", "a", "2 1")


def test_a_history_that_nobody_read_is_none() -> None:
    assert of_history({}, "a", base="a") == Descent("a", "path", "a")


Chosen = dict[str, tuple[str, str]]
Renames = list[tuple[str, str]]
NAMES = st.sampled_from(["", "x", "y"])
MODELS = st.dictionaries(st.sampled_from("abcd"), st.tuples(NAMES, st.sampled_from(["", "1", "2"])))
RENAMES = st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("abcd")), max_size=4)
STATES = st.dictionaries(
    st.sampled_from("abcd"), st.lists(st.tuples(st.integers(0, 9), st.sampled_from(["", "1", "2"])), min_size=1),
)


def models(chosen: Chosen) -> list[Held]:
    return [Held(path, *rest) for path, rest in chosen.items()]


@settings(deadline=None)
@given(MODELS, MODELS, RENAMES)
def test_whatever_stays_at_its_path_has_a_predecessor(base: Chosen, head: Chosen, renames: Renames) -> None:
    """Nothing of base loses its successor by names or renames, unless it is gone."""
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
    """Whatever the history is, following it ends, and no state comes up twice or under a younger one."""
    states = history(**{path: sorted(dict(items).items()) for path, items in chosen.items()})
    base = [Held(path) for path, items in states.items() if items[0].pointer]
    head = [Held(path, "", "1") for path in "abcd"]
    for descent in descents(base, head, "abcd", [], states, [Move(*move) for move in moves]).values():
        ages = [stood.state.age for stood in descent.stood]
        assert ages == sorted(ages)


@pytest.mark.parametrize("order", [*permutations(range(3))])
def test_a_ring_of_names_is_kept_whole(order: tuple[int, ...]) -> None:
    base = [Held(path, f"n{number}") for number, path in enumerate("abc")]
    head = [Held(path, f"n{number}") for path, number in zip("abc", order, strict=True)]
    assert {path: old for path, (_, old) in found(base, head).items()} == dict(
        zip("abc", ("abc"[number] for number in order), strict=True),
    )
