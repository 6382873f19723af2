"""The reports that a model is held against: those of its past that can be read and are of their model's bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from mvc.errors import InvalidFormat
from mvc.objects.pointer import Pointer
from mvc.objects.pointer_reader import parse
from mvc.quality.judge.facts import FileAt, Past, Version
from mvc.quality.reports.report import Report, parse_report
from mvc.quality.reports.tags import parse_version


class Reference(NamedTuple):
    """A version, and its report."""

    version: Version
    report: Report


def read(version: Version) -> Reference | None:
    """Return a version whose pointer and report can be read and are of the same bytes; else None."""
    report = report_of(version)
    pointer = pointer_of(version.pointer)
    if report is None or pointer is None or report.model.blake3 != pointer.digest.blake3:
        return None
    return Reference(version, report)


def pointer_of(file: FileAt | None) -> Pointer | None:
    """Return what a pointer says; None when there is none to be read."""
    try:
        return parse(file.raw) if file and file.is_regular else None
    except InvalidFormat:
        return None


def report_of(version: Version) -> Report | None:
    """Return what a version's report says; None when there is none to be read."""
    file = version.report
    try:
        return parse_report(file.raw, "") if file and file.is_regular else None
    except InvalidFormat:
        return None


def base(past: Past) -> Reference | None:
    """Return what a model is compared with: what was before, or the newest before that, where that cannot be read."""
    return next(_read(_known(past)), None)


def every(past: Past) -> Iterator[Reference]:
    """Yield what base and its history have of a model, the newest first."""
    yield from _read(_on_base(past))


def registered(past: Past) -> Reference | None:
    """Return the highest version that a Git tag registers and base's history has; None when there is none."""
    tagged = [item for item in (*past.versions, *past.registered) if item.ancestor]
    return next(_read(_highest(tagged)), None)


def had_reports(past: Past) -> bool:
    """Whether there ever was a report of the model."""
    return any(version.report is not None for version in _known(past))


def registers(tag: str) -> str:
    """Return the version that a Git tag registers: `ranker@v1.2.0` gives `v1.2.0`."""
    return tag.partition("@")[2]


def _read(versions: Iterable[Version]) -> Iterator[Reference]:
    return (found for found in map(read, versions) if found is not None)


def _on_base(past: Past) -> tuple[Version, ...]:
    return (*((past.before,) if past.before else ()), *past.versions)


def _known(past: Past) -> tuple[Version, ...]:
    return *_on_base(past), *_highest(past.registered)


def _highest(versions: Iterable[Version]) -> list[Version]:
    """Return those that a Git tag registers: the highest first, those on base's history before others."""
    return sorted((item for item in versions if item.tag), key=lambda item: (item.ancestor, _rank(item)), reverse=True)


def _rank(version: Version) -> tuple[object, ...]:
    found = parse_version(registers(version.tag))
    return (1, found.rank) if found else (0,)
