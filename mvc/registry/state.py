"""The state of the registry: a fold over events. Nothing else is stored.

Each event of mvc names the one before, and these chains order events. Otherwise the time of the tag does, as in GTO.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import NamedTuple

from mvc.quality.reports.tags import parse_version
from mvc.registry.event import Event, IgnoredTag


class Moment(NamedTuple):
    """An event, and when it counts: at its time, but not before the event that it follows."""

    time: int
    event: Event


class Version(NamedTuple):
    """A registered version."""

    name: str
    event: Event
    """The last one that registered it, at its commit."""
    retired: Event | None = None

    @property
    def rank(self) -> tuple[object, ...]:
        """The sort key of versions."""
        parsed = parse_version(self.name)
        return parsed.rank if parsed else ()


class Holding(NamedTuple):
    """What a stage holds since some event."""

    stage: str
    time: int
    """Seconds since the epoch."""
    event: Event
    """The event that gave or took it; also one that retired what the stage held."""
    commit: str
    """Empty if it holds nothing."""
    version: str
    """Empty if the commit has no registered version, or the stage holds nothing."""
    given: Event | None
    """The event that gave the stage this commit: `event`, or an earlier one; None if it holds nothing."""


class Model(NamedTuple):
    """A model with its history."""

    name: str
    moments: tuple[Moment, ...]
    """All events, the oldest first."""
    versions: dict[str, Version]
    stages: dict[str, tuple[Holding, ...]]
    """By stage: what it held, the oldest first."""
    deprecated: Event | None = None

    @property
    def last(self) -> Event:
        """The last event."""
        return self.moments[-1].event

    @property
    def latest(self) -> Version | None:
        """The highest version that is not retired."""
        there = [version for version in self.versions.values() if not version.retired]
        return max(there, key=lambda version: version.rank, default=None)

    @property
    def next_number(self) -> int:
        """The number of the next event of a stage."""
        return 1 + max(moment.event.number for moment in self.moments)

    def version_names(self) -> Callable[[Event], str]:
        """Return the function from an event to the name of its version; empty for a commit without one."""
        names = {version.event.commit: version.name for version in self.versions.values()}
        return lambda event: event.version or (names.get(event.commit, "") if event.stage else "")

    def held(self, stage: str) -> Holding | None:
        """Return what a stage holds; None if nothing."""
        holdings = self.stages.get(stage, ())
        return holdings[-1] if holdings and holdings[-1].commit else None

    def holding(self) -> list[Holding]:
        """Return what all stages hold."""
        return [found for stage in sorted(self.stages) if (found := self.held(stage))]


def before(model: Model, stage: str) -> Holding | None:
    """Return what a stage held before what it holds: the target of a rollback; None without one.

    A rollback takes back: after v1, v2, v3 and a rollback to v2 it is v1. Retired versions are left out.
    """
    stack: list[Holding] = []
    for item in model.stages.get(stage, ()):
        known = [index for index, other in enumerate(stack) if other.commit == item.commit]
        stack = [*stack[: known[0]], item] if known else [*stack, item]
    retired = {version.event.commit for version in model.versions.values() if version.retired}
    return next((item for item in stack[-2::-1] if item.commit and item.commit not in retired), None)


class Registry(NamedTuple):
    """All models, and tags with the names of events that are none."""

    models: dict[str, Model]
    ignored: tuple[IgnoredTag, ...] = ()


def fold(found: Iterable[Event | IgnoredTag], until: float = float("inf")) -> Registry:
    """Return the state after all events up to the time `until`, in seconds since the epoch."""
    events: dict[str, list[Event]] = {}
    ignored = []
    for item in found:
        if isinstance(item, Event):
            events.setdefault(item.model, []).append(item)
        else:
            ignored.append(item)
    moments = ((name, [moment for moment in ordered(items) if moment.time <= until]) for name, items in events.items())
    return Registry({name: fold_model(name, items) for name, items in sorted(moments) if items}, tuple(ignored))


_RANK = {"register": 0, "retire": 1, "promote": 2, "unassign": 3, "deprecate": 4}
"""The order of events of the same second that are not in a chain."""
_NEW_USES = ("register", "promote", "deprecate")
"""Events that say whether the model is in use; the others leave it deprecated."""


def ordered(events: Iterable[Event]) -> list[Moment]:
    """Return the events of a model: by time, but each after the one that it follows, and not before its time."""
    events = list(events)
    by_oid = {event.oid: event for event in events}
    times: dict[str, int] = {}
    moments = []
    for event in sorted(events, key=lambda item: (item.time, _RANK[item.action], item.number, item.tag)):
        chain: list[Event] = []
        left: Event | None = event
        while left and left.oid not in times:
            chain.append(left)
            left = by_oid.get(left.trailers.previous)
        for item in reversed(chain):
            times[item.oid] = max(item.time, times.get(item.trailers.previous, item.time))
            moments.append(Moment(times[item.oid], item))
    return sorted(moments, key=attrgetter("time"))


def fold_model(name: str, moments: list[Moment]) -> Model:
    """Return the model after its events, in order. A stage holds what it got last, unless that was taken or retired."""
    versions: dict[str, Version] = {}
    at_commit: dict[str, str] = {}
    commits_of = _commits_of(moments)
    given: dict[str, dict[str, Event]] = {}
    stages: dict[str, list[Holding]] = {}
    deprecated = None
    for time, event in moments:
        if event.action in _NEW_USES:
            deprecated = event if event.action == "deprecate" else None
        if event.action == "register" and event.commit == commits_of[event.version]:
            versions[event.version] = Version(event.version, event)
            at_commit[event.commit] = event.version
        elif event.action == "retire" and event.version in versions:
            versions[event.version] = versions[event.version]._replace(retired=event)
        elif event.stage:
            commits = given.setdefault(event.stage, {})
            commits.pop(event.commit, None)
            if event.action == "promote":
                commits[event.commit] = event
        for stage in [event.stage] if event.stage else given if event.action == "retire" else ():
            commit = next((item for item in reversed(given[stage]) if not _is_retired(item, at_commit, versions)), "")
            holdings = stages.setdefault(stage, [])
            if not holdings or holdings[-1].commit != commit:
                holdings.append(Holding(stage, time, event, commit, "", given[stage].get(commit)))
    held = {
        stage: tuple(item._replace(version=at_commit.get(item.commit, "")) for item in items)  # also registered since
        for stage, items in stages.items()
    }
    return Model(name, tuple(moments), versions, held, deprecated)


def _commits_of(moments: list[Moment]) -> dict[str, str]:
    """Return the commit of each version: that of the tag without a number, which can't be there twice; else the first.

    A later tag `ranker@v1.2.0#7` of another commit does not change what `ranker@v1.2.0` is.
    """
    found: dict[str, str] = {}
    for _, event in moments:
        if event.action == "register" and (event.number == 0 or event.version not in found):
            found[event.version] = event.commit
    return found


def _is_retired(commit: str, at_commit: dict[str, str], versions: dict[str, Version]) -> bool:
    version = at_commit.get(commit)
    return version is not None and versions[version].retired is not None
