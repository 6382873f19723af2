"""The gate's table: each metric of a changed model and the one it is compared with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import NamedTuple

from mvc.quality.finding import Comparison, Finding, Judged
from mvc.quality.reports.report import is_sliced
from mvc.quality.words import rounded

HEADINGS = ("model", "tag", "metric", "base", "head", "Δ", "rule", "verdict")
_NONE = "-"
UNJUDGED = "unjudged"
"""Of a metric without a rule, and of a model without a report."""
STRIKING = ("failed", "waived")
"""Verdicts for which a slice is shown among the metrics of all data."""


class Row(NamedTuple):
    """A row, with text from files that is not escaped yet."""

    model: str
    tag: str
    """`v1.2.0 → v1.3.0`."""
    metric: str = _NONE
    base: str = _NONE
    head: str = _NONE
    delta: str = _NONE
    rule: str = _NONE
    verdict: str = _NONE

    @property
    def sliced(self) -> bool:
        """Whether the metric is of a slice."""
        return is_sliced(self.metric)


class Found(NamedTuple):
    """What the findings are about."""

    codes: frozenset[tuple[str, str]]
    """Path and code of each."""
    broken: frozenset[str]
    """The paths with errors."""

    @classmethod
    def of(cls, findings: Iterable[Finding]) -> Found:
        """Return it for all findings of a verdict."""
        findings = list(findings)
        broken = (finding.path for finding in findings if finding.severity == "error")
        return cls(frozenset((finding.path, finding.code) for finding in findings), frozenset(broken))


def rows(models: Iterable[Judged], findings: Iterable[Finding]) -> Iterator[Row]:
    """Yield the rows of all models, of each the slices last; one for a model without metrics."""
    found = Found.of(findings)
    for model in models:
        name, tag = name_of(model), tag_of(model)
        if not model.comparisons:
            yield Row(name, tag, verdict=verdict_without_metrics(model, found))
        for item in slices_last(model.comparisons):
            values = item.metric, number(item.old), number(item.new), delta(item)
            yield Row(name, tag, *values, item.rule or _NONE, verdict_of(model, item, found))


def slices_last(items: Iterable[Comparison]) -> list[Comparison]:
    """Return the metrics in their order, but those of slices after the others."""
    return sorted(items, key=lambda item: is_sliced(item.metric))


def verdict_of(model: Judged, item: Comparison, found: Found) -> str:
    """Return `ok` only for a metric that keeps a rule, of a model without errors."""
    if item.passed:
        return UNJUDGED if not item.rule else "refused" if model.path in found.broken else "ok"
    return "waived" if item.codes and not broken_rules(model, item, found) else "failed"


def broken_rules(model: Judged, item: Comparison, found: Found) -> list[str]:
    """Return the codes for which a metric does not pass, without waived ones."""
    return [code for code in item.codes if (model.path, code) in found.codes]


def verdict_without_metrics(model: Judged, found: Found) -> str:
    """Return the verdict on a model without compared metrics."""
    return "failed" if model.path in found.broken else "ok" if model.change == "deleted" else UNJUDGED


def name_of(model: Judged) -> str:
    """Return the path, with what else there is to say of its name."""
    before, now = model.old_name, model.name
    kept = before in ("", now) or model.change == "deleted"
    notes = [f"name {now or before}" if kept else f"name {before} → {now or _NONE}"] if now or before else []
    if model.change not in ("changed", "tracked"):
        notes.append(f"{model.change}{f' from {model.old_path}' if model.old_path else ''}")
    return f"{model.path} ({', '.join(notes)})" if notes else model.path


def tag_of(model: Judged) -> str:
    """Return `v1.2.0 → v1.3.0`."""
    if model.old_tag == model.tag or not model.old_tag:
        return model.tag or _NONE
    return f"{model.old_tag} → {model.tag or _NONE}"


def number(value: float | None) -> str:
    """Return a value in a few digits."""
    return _NONE if value is None else rounded(value)


def delta(item: Comparison) -> str:
    """Return the difference of the numbers as written: unlike floats, 0.902 - 0.931 is -0.029."""
    if item.old is None or item.new is None:
        return _NONE
    change = float(Decimal(repr(item.new)) - Decimal(repr(item.old)))
    return f"{'+' if change > 0 else ''}{rounded(change)}"
