"""What the site is made from: models, their versions and events, as Git has them."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

from mvc.objects.pointer import Pointer
from mvc.quality.policy.policy import Policy
from mvc.quality.reports.report import Report

Signature: TypeAlias = Literal["none", "present", "valid", "invalid"]
"""`present`: there is one, which was not verified."""


class Plot(NamedTuple):
    """A picture that a report names."""

    path: str
    raw: bytes
    """SVG or PNG."""


class SiteVersion(NamedTuple):
    """A registered version, and the files in its commit."""

    name: str
    tag: str
    commit: str
    date: str
    """When it was registered: ISO 8601."""
    author: str
    message: str
    signature: Signature
    """Of the tag."""
    is_retired: bool
    stages: tuple[str, ...]
    """Those that hold it."""
    path: str
    """Empty if it is not known."""
    pointer: Pointer | None
    report: Report | None
    """None without a valid one of this content."""
    blake3: str
    report_blake3: str
    problem: str
    """Why there is no pointer, such as a forged tag; empty if there is."""
    plots: tuple[Plot, ...] = ()


class Period(NamedTuple):
    """What a stage held for some time."""

    stage: str
    version: str
    """Empty for a commit without one."""
    commit: str
    """Empty if it held nothing."""
    start: int
    """Seconds since the epoch."""
    end: int | None
    """None if it still holds it."""
    author: str
    message: str


class SiteEvent(NamedTuple):
    """An event of a model."""

    date: str
    kind: str
    version: str
    stage: str
    author: str
    tag: str
    is_signed: bool
    message: str


class Tip(NamedTuple):
    """What the default branch has of a model."""

    blake3: str
    report: str
    """The state of the report, as in `mvc status`."""


class SiteModel(NamedTuple):
    """A model with its history."""

    name: str
    path: str
    versions: tuple[SiteVersion, ...]
    """The lowest first."""
    latest: str
    """The highest that is not retired; empty without one."""
    periods: tuple[Period, ...]
    """The oldest first."""
    events: tuple[SiteEvent, ...]
    """The newest first."""
    last: int
    """When its last event was, in seconds since the epoch."""
    is_deprecated: bool
    tip: Tip | None
    """None if the default branch does not track it."""
    left_out: int = 0
    """Older versions that have no page."""

    def version(self, name: str) -> SiteVersion | None:
        """Return a version by its name; None for one without a page."""
        return next((item for item in self.versions if item.name == name), None)


class Around(NamedTuple):
    """What all pages share."""

    title: str
    """The name of the repository."""
    branch: str
    """The default branch; empty if it is not known."""
    repository: str
    """Where it can be cloned from; empty if that is not known."""
    base_url: str
    """Where the pages will be, ending in `/`; empty if that is not known."""
    policy: Policy
