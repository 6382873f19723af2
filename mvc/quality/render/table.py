"""The gate's table: each metric of a changed model and the one it is compared with."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from decimal import Decimal
from typing import NamedTuple

from mvc.quality.finding import Comparison, Finding, Judged
from mvc.quality.words import rounded

HEADINGS = ("model", "tag", "metric", "base", "head", "Δ", "rule", "verdict")
_NONE = "-"


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
        return "[" in self.metric


def rows(models: Iterable[Judged], findings: Iterable[Finding]) -> Iterator[Row]:
    """Yield the rows of all models; one for a model without metrics."""
    findings = list(findings)
    broken = {finding.path for finding in findings if finding.severity == "error"}
    found = {(finding.path, finding.code) for finding in findings}
    for model in models:
        name, tag = _name(model), _tag(model)
        if not model.comparisons:
            yield Row(name, tag, verdict="failed" if model.path in broken else "ok")
        for item in model.comparisons:
            values = item.metric, _number(item.old), _number(item.new), _delta(item)
            yield Row(name, tag, *values, item.rule or _NONE, _verdict(model, item, found))


def _verdict(model: Judged, item: Comparison, found: Collection[tuple[str, str]]) -> str:
    if item.passed:
        return "ok"
    left = [code for code in item.codes if (model.path, code) in found]
    return "waived" if item.codes and not left else "failed"


def _name(model: Judged) -> str:
    if model.change in ("changed", "tracked"):
        return model.path
    return f"{model.path} ({model.change}{f' from {model.old_path}' if model.old_path else ''})"


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
