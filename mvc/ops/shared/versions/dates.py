"""Dates: of events, and as users type them."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from functools import lru_cache

from mvc.errors import UsageError
from mvc.registry.event import Event


def end_of(text: str) -> float:
    """Return a date, or a date with a time, in seconds since the epoch; of a date the last second.

    Raises:
        UsageError: it is neither.
    """
    return _moment(text, timedelta(days=1, seconds=-1))


def start_of(text: str) -> float:
    """Return the same, but of a date the first second.

    Raises:
        UsageError: as for `end_of`.
    """
    return _moment(text, timedelta())


def _moment(text: str, into_the_day: timedelta) -> float:
    try:
        moment = datetime.fromisoformat(text)
        if len(text) <= len("2026-03-03"):
            moment += into_the_day
        return moment.timestamp()
    except (ValueError, OverflowError):
        raise UsageError(f"invalid date {text!r}: expected such as 2026-03-03 or 2026-03-03T10:00", "date -I") from None


def date_of(event: Event) -> str:
    """Return when an event was tagged: ISO 8601, with the tagger's time zone."""
    return iso(event.time, event.zone)


def iso(moment: int, zone: str) -> str:
    """Return seconds since the epoch in ISO 8601; `zone` as Git writes it."""
    return datetime.fromtimestamp(moment, _zone(zone)).isoformat()


@lru_cache(maxsize=64)
def _zone(text: str) -> tzinfo | None:
    return datetime.strptime(text, "%z").tzinfo
