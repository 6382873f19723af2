"""`mvc history`: all events of a model."""

from __future__ import annotations

from typing import NamedTuple

from mvc.ops.shared.versions.dates import date_of
from mvc.ops.shared.versions.read import read_model
from mvc.project import Project
from mvc.registry.event import Event
from mvc.registry.kinds import EventKind, event_kinds


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


def _entry(event: Event, kind: EventKind, version: str) -> HistoryEntry:
    return HistoryEntry(
        date_of(event), kind, version, event.stage, event.commit, event.tag, event.author, event.is_signed,
        event.message,
    )
