"""The gate's table: each metric of a changed model and the one it is compared with."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from decimal import Decimal
from typing import NamedTuple

from mvc.quality.finding import Comparison, Finding, Judged
from mvc.quality.reports.report import is_sliced
from mvc.quality.words import rounded

HEADINGS = ("model", "tag", "metric", "base", "head", "Δ", "rule", "verdict")
_NONE = "-"
UNJUDGED = "unjudged"
"""Of a metric without a rule, and of a model without a report."""


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


def rows(models: Iterable[Judged], findings: Iterable[Finding]) -> Iterator[Row]:
    """Yield the rows of all models, of each the slices last; one for a model without metrics."""
    findings = list(findings)
    broken = {finding.path for finding in findings if finding.severity == "error"}
    found = {(finding.path, finding.code) for finding in findings}
    for model in models:
        name, tag = _name(model), _tag(model)
        if not model.comparisons:
            good = "ok" if model.change == "deleted" else UNJUDGED
            yield Row(name, tag, verdict="failed" if model.path in broken else good)
        for item in sorted(model.comparisons, key=lambda item: is_sliced(item.metric)):
            values = item.metric, _number(item.old), _number(item.new), _delta(item)
            yield Row(name, tag, *values, item.rule or _NONE, _verdict(model, item, found, broken))


def _verdict(model: Judged, item: Comparison, found: Collection[tuple[str, str]], broken: Collection[str]) -> str:
    """Return `ok` only for a metric that keeps a rule, of a model without errors."""
    if item.passed:
        return UNJUDGED if not item.rule else "refused" if model.path in broken else "ok"
    left = [code for code in item.codes if (model.path, code) in found]
    return "waived" if item.codes and not left else "failed"


def _name(model: Judged) -> str:
    before, now = model.old_name, model.name
    kept = before in ("", now) or model.change == "deleted"
    notes = [f"name {now or before}" if kept else f"name {before} → {now or _NONE}"] if now or before else []
    if model.change not in ("changed", "tracked"):
        notes.append(f"{model.change}{f' from {model.old_path}' if model.old_path else ''}")
    return f"{model.path} ({', '.join(notes)})" if notes else model.path


def _tag(model: Judged) -> str:
    if model.old_tag == model.tag or not model.old_tag:
        return model.tag or _NONE
    return f"{model.old_tag} → {model.tag or _NONE}"


def _number(value: float | None) -> str:
    return _NONE if value is None else rounded(value)


def _delta(item: Comparison) -> str:
    """Return the difference of the numbers as written: unlike floats, 0.902 - 0.931 is -0.029."""
    if item.old is None or item.new is None:
        return _NONE
    change = float(Decimal(repr(item.new)) - Decimal(repr(item.old)))
    return f"{'+' if change > 0 else ''}{rounded(change)}"
