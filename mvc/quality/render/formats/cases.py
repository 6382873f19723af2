"""The verdict as test cases, for formats of test results."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Literal, NamedTuple, TypeAlias

from mvc.objects.visible import visible
from mvc.quality.finding import Finding, Gated, Judged
from mvc.quality.judge.codes import CODES

Result: TypeAlias = Literal["passed", "failed", "warned", "skipped"]
_RESULTS: dict[str, Result] = {"error": "failed", "warning": "warned", "note": "skipped"}


class Case(NamedTuple):
    """A rule that was kept, or what was found of one code at one path; its texts are safe to show."""

    path: str
    """Empty for the change as a whole."""
    name: str
    result: Result
    lines: tuple[str, ...] = ()
    """Messages, and lines to type."""


def cases(gated: Gated) -> list[Case]:
    """Return the cases by path, at least one: some CI systems take a file without any for a failure."""
    failed = {finding.path for finding in gated.findings if finding.severity == "error"}
    found = [*_kept(gated.models, failed), *_found(gated.findings)]
    if not gated.judged:
        found.append(Case("", "gate", "warned", ("nothing was judged: base contains head already",)))
    return sorted(found, key=lambda case: case.path) or [Case("", "gate", "passed")]


def _kept(models: Iterable[Judged], failed: set[str]) -> Iterator[Case]:
    for model in models:
        path = visible(model.path)
        for item in model.comparisons:
            if item.passed and item.rule:
                yield Case(path, visible(f"{item.metric} {item.rule}"), "passed")
        if model.path not in failed:
            yield Case(path, "no error", "passed")


def _found(findings: Iterable[Finding]) -> Iterator[Case]:
    ordered = sorted(findings, key=lambda item: (item.path, item.code, item.severity))
    for (path, code, severity), same in groupby(ordered, key=lambda item: (item.path, item.code, item.severity)):
        yield Case(visible(path), f"{code} {CODES[code].title}", _RESULTS[severity], tuple(_lines(same)))


def _lines(findings: Iterable[Finding]) -> Iterator[str]:
    for finding in findings:
        yield visible(finding.message)
        if finding.fix:
            yield f"  try: {visible(finding.fix)}"
