"""What the events of a model are, for people: a promotion to what a stage held before is a rollback."""

from __future__ import annotations

from typing import Literal, TypeAlias

from mvc.registry.grammar import Action
from mvc.registry.state import Model

EventKind: TypeAlias = Action | Literal["rollback"]


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
