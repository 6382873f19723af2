"""Waivers: `.mvc/waivers.yaml`, which accepts findings until a day.

Each waiver is for a code, a model's digest and a report's digest, and optionally a path.
Format: docs/formats.md, "Waivers".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal, NamedTuple

import msgspec
from msgspec import Struct, field

from mvc.errors import InvalidFormat
from mvc.objects.hashing import hash_bytes
from mvc.quality.document import decode
from mvc.quality.files import WAIVERS, FileAt
from mvc.quality.finding import Finding
from mvc.quality.judge import fixes
from mvc.quality.judge.facts import Facts, Landing, ModelFacts, ModelVersion
from mvc.quality.pointer_files import read_pointer
from mvc.quality.words import clipped, without_path

MAX_BYTES = 256 << 10

WAIVABLE = re.compile(r"MVC(?!102|304|305|309)[123][0-9]{2}")
"""Findings about readable models. Unreadable files and weakened policy files cannot be waived."""

_BLAKE3 = re.compile(r"[0-9a-f]{64}")
_MODEL = re.compile(r"[0-9a-f]{64}|sha256:[0-9a-f]{64}|md5:(?:dos2unix-)?[0-9a-f]{32}(?:\.dir)?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Waiver(Struct, frozen=True, forbid_unknown_fields=True):
    """One finding of one model that its owner accepts."""

    code: str
    """Such as `MVC202`."""
    model: str
    """The blake3 in the model's pointer; `md5:…` or `sha256:…` in one of DVC or git-lfs."""
    report: str
    """The blake3 of the report's bytes; empty when there is none."""
    reason: str
    owner: str
    expires: str
    """The last day of validity, in UTC."""
    path: str = ""
    """The tracked path it is for; empty for any path with that model and report."""

    def covers(self, other: Waiver) -> bool:
        """Whether `other` waives no more than this, with the same owner and reason."""
        wider = msgspec.structs.replace(other, path=self.path, expires=self.expires)
        return self == wider and self.path in ("", other.path) and other.expires <= self.expires


class Waivers(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The file. `extra` has its keys that begin with `x-`."""

    format: Literal[1] = field(name="mvc-waivers")
    waivers: list[Waiver] = field(default_factory=list)
    extra: dict[str, Any] = field(name="x-", default_factory=dict)


def parse_waivers(raw: bytes, what: str = WAIVERS) -> tuple[Waiver, ...]:
    """Return the waivers in `raw`; `what` names the file in errors.

    Raises:
        InvalidFormat: with the place and the reason; also for a newer format.
    """
    return tuple(parse_file(raw, what).waivers)


def parse_file(raw: bytes, what: str = WAIVERS) -> Waivers:
    """Return all of the file `raw`; `what` names it in errors.

    Raises:
        InvalidFormat: with the place and the reason; also for a newer format.
    """
    found = decode(raw, Waivers, "mvc-waivers", kind="a list of waivers", what=what, max_bytes=MAX_BYTES)
    for number, waiver in enumerate(found.waivers, 1):
        if problem := _problem(waiver):
            raise InvalidFormat(f"{what}: waiver {number}: {problem}")
    return found


def _problem(waiver: Waiver) -> str:
    """Return an error that the types do not detect; empty when the waiver is valid."""
    if WAIVABLE.fullmatch(waiver.code) is None:
        return f"{waiver.code!r} cannot be waived"
    if _MODEL.fullmatch(waiver.model) is None:
        return "model: expected 64 lower-case hex digits"
    if waiver.report and _BLAKE3.fullmatch(waiver.report) is None:
        return 'report: expected 64 lower-case hex digits, or "" without a report'
    if not waiver.reason.strip() or not waiver.owner.strip():
        return "reason and owner must not be empty"
    return "" if parse_day(waiver.expires) else f"expires {waiver.expires!r}: expected a day such as 2027-01-31"


def parse_day(text: str) -> date | None:
    """Return a day such as `2027-01-31`; None for other text."""
    try:
        return date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        return None


def is_over(day: date, now: float) -> bool:
    """Whether a day has ended in UTC at `now`, in seconds since the epoch."""
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return now >= start.timestamp() + timedelta(days=1).total_seconds()


def has_expired(waiver: Waiver, now: float) -> bool:
    """Whether the last day of a waiver has passed at `now`, in seconds since the epoch."""
    last = parse_day(waiver.expires)
    return last is None or is_over(last, now)


def waived(facts: Facts, findings: Iterable[Finding], now: float) -> list[Finding]:
    """Return the findings, waived ones as notes, and findings about the waivers themselves."""
    waivers = _Waivers.of(facts, now)
    found = [item for finding in findings for item in waivers.over(finding)]
    return [*found, *unreadable(facts.landing)] if facts.landing else found


class _Waivers(NamedTuple):
    """The waivers that count, and the digests of the judged models."""

    waivers: tuple[Waiver, ...]
    digests: dict[str, tuple[str, str]]
    """By tracked path: the blake3 of the model and of its report; for a deleted model, those of the target branch."""
    now: float

    @classmethod
    def of(cls, facts: Facts, now: float) -> _Waivers:
        landing = facts.landing or Landing()
        waivers = tuple(waiver for file in (landing.waivers, *facts.landed_waivers) for waiver in _read(file))
        gone = {version.path: version for version in landing.gone}
        models = (*(item.model for item in facts.companions), *facts.models)
        left = {model.path: model for model in models if model.pointer or model.report}
        known = {path: digests_of(item) for path, item in (gone | left).items()} if waivers else {}
        return cls(waivers, {path: digests for path, digests in known.items() if digests}, now)

    def over(self, finding: Finding) -> Iterator[Finding]:
        """Yield a note for a waived finding; else the finding itself, and a warning for each expired waiver."""
        covering = [waiver for waiver in self.waivers if self._is_about(waiver, finding)]
        if valid := [waiver for waiver in covering if not has_expired(waiver, self.now)]:
            yield _note(finding, valid[0])
            return
        yield finding
        for waiver in covering:
            yield _expired(finding, waiver)

    def _is_about(self, waiver: Waiver, finding: Finding) -> bool:
        digests = self.digests.get(finding.path)
        same = digests == (waiver.model, waiver.report) and waiver.path in ("", finding.path)
        return same and finding.severity == "error" and finding.code == waiver.code


def _read(file: FileAt | None) -> tuple[Waiver, ...]:
    try:
        return parse_waivers(file.raw) if file and file.is_regular else ()
    except InvalidFormat:
        return ()


def digests_of(model: ModelFacts | ModelVersion) -> tuple[str, str] | None:
    """Return the digests that a waiver has of a model; None when pointer or report is unreadable."""
    files = [file for file in (model.pointer, model.report) if file]
    if model.pointer is None or not all(file.is_regular for file in files):
        return None
    try:
        digest = read_pointer(model.pointer).identity
    except InvalidFormat:
        return None
    return digest, hash_bytes(model.report.raw).blake3 if model.report else ""


def _note(finding: Finding, waiver: Waiver) -> Finding:
    message = f"{finding.code} is waived by {clipped(waiver.owner)} until {waiver.expires}: {clipped(waiver.reason)}"
    return Finding.of("MVC415", finding.path, f"{message} ({finding.message})", fixes.explained(finding.code), "note")


def _expired(finding: Finding, waiver: Waiver) -> Finding:
    message = f"waiver of {finding.code} by {clipped(waiver.owner)} expired on {waiver.expires}"
    return Finding.of("MVC416", finding.path, message, fixes.edited(WAIVERS), "warning")


def unreadable(landing: Landing) -> Iterator[Finding]:
    """Yield MVC414: the target branch's waivers are unreadable, and the change does not fix them."""
    file, path = landing.waivers, WAIVERS
    if file is None or path in {change.path for change in landing.policy_files}:
        return
    try:
        if not file.is_regular:
            raise InvalidFormat("not a regular file")
        parse_waivers(file.raw)
    except InvalidFormat as error:
        message = f"unreadable on the target branch: {without_path(error.message, path)}"
        yield Finding.of("MVC414", path, message, fixes.stage_fixed(path))


def schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of the file."""
    (_, components) = msgspec.json.schema_components((Waivers,), ref_template="#/$defs/{name}")
    top = components["Waivers"]
    del top["properties"]["x-"]
    top["patternProperties"] = {"^x-.": {}}
    properties = components["Waiver"]["properties"]
    properties["code"]["pattern"] = f"^{WAIVABLE.pattern}$"
    properties["model"]["pattern"] = f"^({_MODEL.pattern})$"
    properties["report"]["pattern"] = f"^({_BLAKE3.pattern})?$"
    properties["expires"]["pattern"] = f"^{_DAY.pattern}$"
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "mvc waivers, format 1",
        "$ref": "#/$defs/Waivers",
        "$defs": components,
    }
