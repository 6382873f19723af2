"""The earlier reports that a model is compared with: readable ones that match their pointers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cmp_to_key
from typing import NamedTuple

from mvc.errors import InvalidFormat
from mvc.quality.judge.facts import ModelVersion, Past
from mvc.quality.pointer_files import pointer_in_file
from mvc.quality.reports.binding import is_of
from mvc.quality.reports.report import Report
from mvc.quality.reports.report_document import parse_report
from mvc.quality.reports.tags import compare, spelling


class Reference(NamedTuple):
    """A version and its report."""

    version: ModelVersion
    report: Report


def read_version(version: ModelVersion) -> Reference | None:
    """Return a version whose report and pointer are readable and of the same content; else None."""
    report = report_of(version)
    pointer = pointer_in_file(version.pointer)
    if report is None or pointer is None or not is_of(report.model, pointer):
        return None
    return Reference(version, report)


def report_of(version: ModelVersion) -> Report | None:
    """Return the report of a version; None without a readable one."""
    file = version.report
    try:
        return parse_report(file.raw, "") if file and file.is_regular else None
    except InvalidFormat:
        return None


def base(past: Past) -> Reference | None:
    """Return the version to compare with: the one before, or the newest readable one before that."""
    return next(_readable((*_on_base(past), *_highest(past.registered))), None)


def every(past: Past) -> Iterator[Reference]:
    """Yield the versions on the target branch and in its history, newest first."""
    yield from _readable(_on_base(past))


def registered(past: Past) -> Reference | None:
    """Return the highest version of the target branch or its history that a Git tag registers; None without one."""
    there = {_files(item) for item in _on_base(past)}
    tagged = [item for item in (*past.versions, *past.registered) if item.ancestor and _files(item) in there]
    return next(_readable(_highest(tagged)), None)


def history(past: Past) -> tuple[ModelVersion, ...]:
    """Return the versions that a model is compared with, the one before first, then the newest first."""
    return _on_base(past) or past.named


def had_reports(past: Past) -> bool:
    """Whether the model ever had a report."""
    return any(version.report is not None for version in (*_on_base(past), *past.registered))


def registers(tag: str) -> str:
    """Return the version in a Git tag: `ranker@v1.2.0` gives `v1.2.0`; the name before it may have an `@` as well."""
    return tag.rpartition("@")[2]


def _readable(versions: Iterable[ModelVersion]) -> Iterator[Reference]:
    return (found for found in map(read_version, versions) if found is not None)


def _on_base(past: Past) -> tuple[ModelVersion, ...]:
    return (*((past.before,) if past.before else ()), *past.versions)


def _files(version: ModelVersion) -> tuple[bytes, ...]:
    return tuple(file.raw if file else b"" for file in (version.pointer, version.report))


def _highest(versions: Iterable[ModelVersion]) -> list[ModelVersion]:
    """Return the registered versions, highest first; those in the target branch's history before others."""
    return sorted(filter(is_registered, versions), key=cmp_to_key(_order), reverse=True)


def is_registered(version: ModelVersion) -> bool:
    """Whether a Git tag registers a version: one with the tag of its report. Any other says nothing about it."""
    report = report_of(version) if version.tag else None
    return report is not None and spelling(report.tag) == spelling(registers(version.tag))


def _order(one: ModelVersion, other: ModelVersion) -> int:
    return one.ancestor - other.ancestor or compare(registers(one.tag), registers(other.tag)) or 0
