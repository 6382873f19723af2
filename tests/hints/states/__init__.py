"""The states in which mvc tells a user what to type."""

from __future__ import annotations

from hints.state import State
from hints.states import (
    adding,
    content,
    converting,
    elsewhere,
    importing,
    merging,
    moving,
    others,
    pointers,
    publishing,
    reading,
    remotes,
    reports,
    setup,
    storage,
    versions,
)

_ALL = [
    *content.STATES, *pointers.STATES, *adding.STATES, *moving.STATES, *reading.STATES, *storage.STATES,
    *remotes.STATES, *setup.STATES, *reports.STATES, *converting.STATES, *versions.STATES, *publishing.STATES,
    *merging.STATES, *importing.STATES, *others.STATES, *elsewhere.STATES,
]
STATES: dict[str, State] = {state.name: state for state in _ALL}
assert len(STATES) == len(_ALL), "two states have one name"
