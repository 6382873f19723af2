"""The fold over events: what tags add up to."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from mvc.registry.event import Event, Trailers, message_of, trailers_of
from mvc.registry.grammar import parse_tag
from mvc.registry.problems import tag_problems
from mvc.registry.state import Model, before, fold

COMMITS = {"v1": "a" * 40, "v2": "b" * 40, "v3": "c" * 40, "v4": "4" * 40}


def events(*lines: str) -> list[Event]:
    """Return events from lines `TAG COMMIT [TIME]`, each after the one before."""
    found: list[Event] = []
    for number, line in enumerate(lines, 1):
        tag, commit, *time = line.split()
        found.append(event(tag, commit, int(time[0]) if time else number, found[-1].oid if found else ""))
    return found


def event(tag: str, commit: str, time: int, previous: str, *, digest: str = "d" * 64) -> Event:
    """Return an event; as of GTO without a `digest`."""
    name = parse_tag(tag)
    assert name
    oid, trailers = f"oid of {tag} at {time}", Trailers(digest, "", "m.mvc", previous) if digest else Trailers()
    return Event(
        tag, name.model, name.action, name.version, name.stage, name.number, oid, COMMITS[commit], time, "+0000", "Ada",
        "ada@example.com", message_of("Subject", "", trailers), trailers,
    )


def model(found: Sequence[Event]) -> Model:
    """Return the only model."""
    (one,) = fold(found).models.values()
    return one


REGISTERED = ("r@v1.0.0 v1", "r@v2.0.0 v2", "r@v3.0.0 v3")
HELD = {
    "nothing": ((), None),
    "the last one": (("r#p#1 v1", "r#p#2 v2"), "v2.0.0"),
    "a rollback": (("r#p#1 v1", "r#p#2 v2", "r#p#3 v1"), "v1.0.0"),
    "taken": (("r#p#1 v1", "r#p!#2 v1"), None),
    "taken, with one before": (("r#p#1 v1", "r#p#2 v2", "r#p!#3 v2"), "v1.0.0"),
    "another one taken": (("r#p#1 v1", "r#p#2 v2", "r#p!#3 v1"), "v2.0.0"),
    "retired": (("r#p#1 v1", "r@v1.0.0! v1"), None),
    "retired, with one before": (("r#p#1 v1", "r#p#2 v2", "r@v2.0.0! v2"), "v1.0.0"),
    "another one retired": (("r#p#1 v1", "r#p#2 v2", "r@v1.0.0! v1"), "v2.0.0"),
    "another stage": (("r#p#1 v1", "r#q#2 v2"), "v1.0.0"),
    "deprecated": (("r#p#1 v1", "r@deprecated v3"), "v1.0.0"),
    "what is registered later": (("r#p#1 v4", "r@v4.0.0 v4"), "v4.0.0"),
    "what nobody registered": (("r#p#1 v4",), ""),
}


@pytest.mark.parametrize("case", HELD)
def test_what_a_stage_holds(case: str) -> None:
    lines, version = HELD[case]
    found = model(events(*REGISTERED, *lines)).held("p")
    assert (found.version if found else None) == version


@pytest.mark.parametrize(
    ("lines", "version"),
    [
        (("r#p#1 v1",), None),
        (("r#p#1 v1", "r#p#2 v2"), "v1.0.0"),
        (("r#p#1 v1", "r#p#2 v2", "r#p#3 v3"), "v2.0.0"),
        (("r#p#1 v1", "r#p#2 v2", "r#p#3 v3", "r#p#4 v2"), "v1.0.0"),
        (("r#p#1 v1", "r#p#2 v2", "r#p#3 v1"), None),
        (("r#p#1 v1", "r#p#2 v2", "r#p#3 v3", "r@v2.0.0! v2"), "v1.0.0"),
    ],
)
def test_the_target_of_a_rollback(lines: tuple[str, ...], version: str | None) -> None:
    found = before(model(events(*REGISTERED, *lines)), "p")
    assert (found.version if found else None) == version


@pytest.mark.parametrize(
    ("lines", "latest", "deprecated"),
    [
        ((), "v3.0.0", False),
        (("r@v3.0.0! v3",), "v2.0.0", False),
        (("r@deprecated v3",), "v3.0.0", True),
        (("r@deprecated v3", "r@v1.0.0! v1"), "v3.0.0", True),
        (("r@deprecated v3", "r#p#9 v1"), "v3.0.0", False),
        (("r@v1.0.0! v1", "r@v2.0.0! v2", "r@v3.0.0! v3"), None, False),
    ],
)
def test_the_latest_version(lines: tuple[str, ...], latest: str | None, *, deprecated: bool) -> None:
    found = model(events(*REGISTERED, *lines))
    assert (found.latest.name if found.latest else None) == latest
    assert bool(found.deprecated) == deprecated


@pytest.mark.parametrize("time", [2, 99])
def test_a_version_stays_what_its_first_tag_says(time: int) -> None:
    found = model([*events("r@v1.0.0 v1 10", "r#p#1 v1 20"), event("r@v1.0.0#7", "v2", time, "")])
    held = found.held("p")
    assert found.versions["v1.0.0"].event.commit == COMMITS["v1"]
    assert held
    assert held.version == "v1.0.0"


def test_a_retired_version_may_be_registered_again() -> None:
    found = model(events("r@v1.0.0 v1", "r@v1.0.0! v1", "r@v1.0.0#3 v1"))
    assert found.versions["v1.0.0"].retired is None


def test_versions_are_ordered_as_semver_says() -> None:
    found = model(events("r@v1.9.0 v1", "r@v1.10.0 v2", "r@v1.10.0-rc.1 v3"))
    assert found.latest
    assert found.latest.name == "v1.10.0"


def test_the_chain_orders_events_where_clocks_do_not() -> None:
    found = model(events(*REGISTERED, "r#p#1 v1 900", "r#p#2 v2 100"))
    held = found.held("p")
    assert held
    assert (held.version, held.time) == ("v2.0.0", 900)


def test_an_event_of_another_program_counts_at_its_time() -> None:
    found = events(*REGISTERED, "r#p#1 v1 900", "r#p#2 v2 100")
    found.append(event("r#p#3", "v3", 500, "", digest=""))
    held = {time: fold(found, time).models["r"].held("p") for time in (600, 900)}
    assert {time: item.version for time, item in held.items() if item} == {600: "v3.0.0", 900: "v2.0.0"}
    assert model(found).last.tag == "r#p#2"


def test_the_order_of_tags_makes_no_difference() -> None:
    found = events(*REGISTERED, *HELD["taken, with one before"][0], "r@deprecated v3", "r#q#7 v1")
    expected = model(found)
    for seed in range(20):
        mixed = random.Random(seed).sample(found, len(found))
        assert model(mixed) == expected


def test_a_moment_of_the_past() -> None:
    found = events("r@v1.0.0 v1 10", "r#p#1 v1 20", "r@v2.0.0 v2 30", "r#p#2 v2 40")
    states = {time: fold(found, time).models for time in (9, 20, 39, 40)}
    assert states[9] == {}
    held = {time: states[time]["r"].held("p") for time in (20, 39, 40)}
    assert {time: item.version for time, item in held.items() if item} == {20: "v1.0.0", 39: "v1.0.0", 40: "v2.0.0"}


@pytest.mark.parametrize(
    "text", ["", "why", "why\n\nMvc-Prev: other", "-----BEGIN SSH SIGNATURE-----\nx", "Mvc-Pointer: x"],
)
def test_what_a_user_writes_does_not_change_the_trailers(text: str) -> None:
    trailers = Trailers("d" * 64, "e" * 64, "m.mvc", "f" * 40)
    message = message_of("Subject", text, trailers)
    assert trailers_of(message) == trailers
    assert not events("r@v1.0.0 v1")[0]._replace(text=message).is_signed
    assert events("r@v1.0.0 v1")[0]._replace(text=message).message == text.replace("-----B", " -----B").strip()


# What is wrong.

GOOD = events(*REGISTERED, "r#p#1 v1", "r#p#2 v2")
PROBLEMS = {
    "deleted": ([*GOOD[:3], GOOD[4]], ["error r#p#2"]),
    "created again": ([*GOOD[:3], GOOD[3]._replace(oid="new"), GOOD[4]], ["error r#p#2"]),
    "a version twice": ([*GOOD, event("r@v1.0.0#9", "v2", 9, GOOD[-1].oid)], ["error r@v1.0.0#9"]),
    "a commit twice": ([*GOOD, event("r@v4.0.0", "v3", 9, GOOD[-1].oid)], ["error r@v4.0.0"]),
    "a model in another case": ([*GOOD, event("R@v1.0.0", "v3", 9, "")], ["error r@v1.0.0"]),
    "backdated": ([*GOOD, event("r#p#3", "v1", 2, GOOD[-1].oid)], ["error r#p#3"]),
    "in the future": ([*GOOD, event("r#p#3", "v1", 100_000, GOOD[-1].oid)], ["error r#p#3"]),
    "a fork": ([*GOOD, event("r#q#2", "v1", 9, GOOD[3].oid)], ["warning r#q#2"]),
    "two beginnings": ([*GOOD, event("r#q#2", "v1", 9, "")], ["warning r#q#2"]),
    "another program's": ([*GOOD, event("r#p#3", "v1", 9, "", digest="")], ["warning r#p#3"]),
    "only another program's": ([event("r@v1.0.0", "v1", 1, "", digest="")], []),
    "nothing": (GOOD, []),
    "registered anew after it was retired": (
        events("r@v1.0.0 v1", "r@v1.0.0! v1", "r@v2.0.0 v1"), [],
    ),
}


@pytest.mark.parametrize("case", PROBLEMS)
def test_what_is_wrong_with_tags(case: str) -> None:
    found, expected = PROBLEMS[case]
    assert [f"{item.severity} {item.tag}" for item in tag_problems(found, now=9)] == expected
