"""What is wrong with the tags of the registry, as far as the tags themselves say it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import attrgetter
from typing import Literal, NamedTuple

from mvc.objects.names import fold as fold_case
from mvc.quality.reports.tags import spelling
from mvc.registry.event import Event, IgnoredTag


class TagProblem(NamedTuple):
    """What is wrong with a tag."""

    tag: str
    severity: Literal["error", "warning"]
    """A warning is for what two clones, or GTO, may do in good faith."""
    message: str


_AHEAD = 24 * 3600
"""Seconds that a clock may be ahead."""


def tag_problems(
    found: Iterable[Event | IgnoredTag], now: float = float("inf"), *, complete: bool = True,
) -> Iterator[TagProblem]:
    """Yield what is wrong: tags that are no events, duplicate versions, and breaks in the chain of a model's events.

    `now` is in seconds since the epoch. Where the tags are not `complete`, an event may follow one that is not there.
    """
    found = list(found)
    events = sorted((item for item in found if isinstance(item, Event)), key=attrgetter("model", "time", "tag"))
    known = {event.model for event in events}
    for item in found:
        if isinstance(item, IgnoredTag):  # a tag of no model may be one of another program, such as `package@v1.0.0`
            yield TagProblem(item.tag, "error" if item.model in known else "warning", item.problem)
    for event in events:
        if event.time > now + _AHEAD:
            yield TagProblem(event.tag, "error", "dated in the future: events after it count only from then on")
    names: dict[str, str] = {}
    for model, items in groupby(events, attrgetter("model")):
        own = list(items)
        if (other := names.setdefault(fold_case(model), model)) != model:
            yield TagProblem(own[0].tag, "error", f"duplicate: the model differs from {other} only by case")
        yield from _duplicates(own)
        yield from _breaks(own, complete=complete)


def _duplicates(events: list[Event]) -> Iterator[TagProblem]:
    versions: dict[str, str] = {}
    commits: dict[str, str] = {}
    retired = {event.version for event in events if event.action == "retire"}
    for event in events:
        if event.action != "register":
            continue
        if (other := versions.setdefault(spelling(event.version), event.tag)) != event.tag:
            yield TagProblem(event.tag, "error", f"duplicate: {other} registers the same version")
        elif event.version not in retired and (other := commits.setdefault(event.commit, event.tag)) != event.tag:
            yield TagProblem(event.tag, "error", f"duplicate: {other} registers the same commit")


def _breaks(events: list[Event], *, complete: bool) -> Iterator[TagProblem]:
    """Yield what is wrong with a model's chain: each event of mvc names the one before by its object."""
    by_oid = {event.oid: event for event in events}
    written = [event for event in events if event.trailers.blake3]
    followers: dict[str, str] = {}
    for event in written:
        previous = event.trailers.previous
        before = by_oid.get(previous)
        if previous and before is None and complete:
            message = f"broken chain: it follows the tag object {previous[:12]}, which no tag of {event.model} is"
            yield TagProblem(event.tag, "error", f"{message}; that one was deleted, moved, or created again")
        elif before and before.time > event.time:
            yield TagProblem(event.tag, "error", f"backdated: it is older than {before.tag}, which it follows")
        if (other := followers.setdefault(previous, event.tag)) != event.tag:
            what = f"both follow {before.tag}" if before else "both follow the same tag, or none"
            yield TagProblem(event.tag, "warning", f"fork: {other} and this tag {what}; their times order them")
    for event in events if written else ():
        if not event.trailers.blake3:
            yield TagProblem(event.tag, "warning", "no digest: mvc did not write it, so nothing proves its content")
