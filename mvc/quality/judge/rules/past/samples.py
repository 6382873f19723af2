"""Whether metrics were measured on the same split and on as many examples of a data set as before, by their reports."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from mvc.quality.finding import Finding, Severity
from mvc.quality.judge import fixes
from mvc.quality.judge.facts import Past
from mvc.quality.judge.rules.figures import ModelReport, matches
from mvc.quality.judge.rules.past import references
from mvc.quality.judge.rules.past.pairing import Measured, is_on, measured, metric_key, pairs
from mvc.quality.policy.demands import Demands
from mvc.quality.reports.report import Dataset, Predictions, Report, label
from mvc.quality.words import clipped


def judge_samples(new: ModelReport, demanded: Demands, past: Past) -> Iterator[Finding]:
    """Yield MVC226 for judged metrics of another split or fewer examples than an earlier report has for the data."""
    base = references.base(past)
    if base is None:
        return
    for pair in pairs(ModelReport(base.version.path, base.report), new):
        severity = pair.new and _severity(demanded, pair.new)
        if pair.new and severity:
            old = _On.of(base.report, pair.old) if pair.old and pair.same_data else _last(past, pair.new)
            for change in _changes(old, _On.of(new.report, pair.new)) if old else ():
                yield new.finding("MVC226", change, fixes.same_sample(new.path), severity)


def _severity(demanded: Demands, item: Measured) -> Severity | None:
    """Return the severity for a metric on its data; None where no rule judges it, or all that do allow other data."""
    metric = item.metric
    asked = (wanted for wanted in demanded.metrics if matches(wanted, metric) and is_on(wanted.datasets, item))
    found: set[Severity] = {wanted.severity for wanted in asked if not wanted.allow_dataset_change}
    if len(metric.slice) == 1:
        gaps = any(gap.metric == metric.name and is_on(gap.datasets, item) for gap in demanded.gaps)
        keys = (sliced for sliced in demanded.slices if sliced.key in metric.slice and is_on(sliced.datasets, item))
        found |= {"error"} if gaps or any(sliced.metric in ("", metric.name) for sliced in keys) else set()
    return "error" if "error" in found else "warning" if found else None


def _last(past: Past, item: Measured) -> _On | None:
    """Return the newest earlier measurement of a metric on the same data."""
    for reference in references.every(past):
        for old in measured(ModelReport(reference.version.path, reference.report)):
            if old.content == item.content and metric_key(old.metric) == metric_key(item.metric):
                return _On.of(reference.report, old)
    return None


class _On(NamedTuple):
    """A metric and its data sets: all of the report when it names none."""

    item: Measured
    datasets: tuple[Dataset, ...]
    predictions: Predictions | None
    """None if they are of other data."""

    @classmethod
    def of(cls, report: Report, item: Measured) -> _On:
        named = report.predictions if item.metric in report.predicted else None
        return cls(item, tuple(dataset for dataset in report.datasets if item.dataset in ("", dataset.id)), named)


def _changes(old: _On, new: _On) -> Iterator[str]:
    """Yield how the data of a metric changed, by the two reports."""
    then = {dataset.blake3: dataset for dataset in old.datasets}
    for dataset in new.datasets:
        if before := then.get(dataset.blake3):
            yield from _changed_split(before, dataset)
            yield from _fewer(f"data set {clipped(dataset.id)}", _evaluated(before), _evaluated(dataset))
            yield from _other_question(old.predictions, new.predictions)
    yield from _fewer(clipped(label(new.item.metric)), old.item.metric.n, new.item.metric.n)


def _other_question(old: Predictions | None, new: Predictions | None) -> Iterator[str]:
    """Yield what makes other metrics of the same examples: another positive label, weights."""
    if old is None or new is None:
        return
    if old.positive and old.positive != new.positive:
        yield f"the positive label is {clipped(new.positive) or 'unknown'}, before {clipped(old.positive)}"
    if bool(old.weight) != bool(new.weight):
        now, before = ("weights", "none") if new.weight else ("no weights", "some")
        yield f"the examples have {now}, before {before}"


def _evaluated(dataset: Dataset) -> int | None:
    return dataset.n if dataset.used is None else dataset.used


def _changed_split(old: Dataset, new: Dataset) -> Iterator[str]:
    if old.split and old.split.strip().casefold() != new.split.strip().casefold():
        yield f"data set {clipped(new.id)} is split {clipped(new.split) or 'unknown'}, before {clipped(old.split)}"


def _fewer(what: str, old: int | None, new: int | None) -> Iterator[str]:
    if old is not None and not (new is not None and new >= old):
        count = "an unknown number of" if new is None else f"{new:,}"
        yield f"{what} has {count} examples, before {old:,}"
