"""`mvc history`: all events of a model."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

from mvc.ops.shared.versions.read import read_model
from mvc.ops.versions.which import author_of, date_of
from mvc.project import Project
from mvc.registry.event import Event
from mvc.registry.grammar import Action
from mvc.registry.state import Model

EventKind: TypeAlias = Action | Literal["rollback"]


class HistoryEntry(NamedTuple):
    """An event; `version` is empty for a commit without one."""

    date: str
    event: EventKind
    """`rollback` if the stage held the version before, and another one since."""
    version: str
    stage: str
    commit: str
    tag: str
    author: str
    signed: bool
    """Whether the tag has a signature; `mvc verify --tags` verifies it."""
    message: str


def history(project: Project, name: str) -> tuple[HistoryEntry, ...]:
    """Return the events of a model, newest first.

    Raises:
        UsageError: the model is unknown.
        MvcError: this clone may lack its tags.
    """
    model = read_model(project, name)
    kinds, version_of = event_kinds(model), model.version_names()
    events = (moment.event for moment in reversed(model.moments))
    return tuple(_entry(event, kinds[event.oid], version_of(event)) for event in events)


def event_kinds(model: Model) -> dict[str, EventKind]:
    """Return what each event is, by its object."""
    held: dict[str, set[str]] = {}
    kinds: dict[str, EventKind] = {}
    for event in (moment.event for moment in model.moments):
        kinds[event.oid] = event.action
        if event.action == "promote":
            commits = held.setdefault(event.stage, set())
            if event.commit in commits:
                kinds[event.oid] = "rollback"
            commits.add(event.commit)
    return kinds


def _entry(event: Event, kind: EventKind, version: str) -> HistoryEntry:
    return HistoryEntry(
        date_of(event), kind, version, event.stage, event.commit, event.tag, author_of(event), event.is_signed,
        event.message,
    )
