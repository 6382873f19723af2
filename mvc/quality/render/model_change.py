"""What a change does to a model besides its verdict, as values: metrics over the versions, data, files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import hypot
from typing import NamedTuple

from mvc.objects.diff import EntryChange, diff_manifests, pair_renames
from mvc.objects.pointer import Pointer
from mvc.quality.files import ModelFiles
from mvc.quality.finding import Comparison
from mvc.quality.judge.facts import ModelVersion
from mvc.quality.judge.rules.figures import ModelReport
from mvc.quality.judge.rules.past.references import pointer_of, read_version
from mvc.quality.reports.report import Report
from mvc.quality.side_by_side import MetricRow, side_by_side


class Version(NamedTuple):
    """A version of a model; None for what is missing or cannot be read."""

    pointer: Pointer | None
    report: Report | None
    """None also if it is of other content than the pointer."""


def parse(files: ModelFiles) -> Version:
    """Return the version in two files."""
    found = read_version(ModelVersion("", *files, commit=""))
    return Version(pointer_of(files.pointer), found and found.report)


def metric_rows(versions: Iterable[Version]) -> dict[str, MetricRow]:
    """Return the metrics of versions by label, with the values in the order of the versions."""
    reports = [ModelReport("", item.report) if item.report else None for item in versions]
    return {row.name: row for row in side_by_side(reports, {})}


def comparable(row: MetricRow) -> list[float | None]:
    """Return the values; None for those on other data than the last one."""
    last = row.values[-1]
    return [item.value if item and last and item.data == last.data else None for item in row.values]


def error_of_change(item: Comparison, row: MetricRow) -> float | None:
    """Return the standard error of new minus old, as of independent evaluations; None unless both have one.

    An old value that several versions have with different errors has none.
    """
    *before, last = row.values
    olds = {value.stderr for value in before if value and value.value == item.old}
    old = olds.pop() if len(olds) == 1 else None
    return None if old is None or last is None or last.stderr is None else hypot(old, last.stderr)


def is_worse(item: Comparison, row: MetricRow | None) -> bool:
    """Whether a metric is worse than before, by the direction that the reports name."""
    if row is None or row.higher_is_better is None or item.old is None or item.new is None:
        return False
    return item.new < item.old if row.higher_is_better else item.new > item.old


def file_changes(old: Pointer | None, new: Pointer | None) -> list[EntryChange]:
    """Return the files of a directory that differ, where both pointers list them."""
    if old is None or new is None or old.manifest is None or new.manifest is None:
        return []
    return pair_renames(diff_manifests(old.manifest, new.manifest))


class DataChange(NamedTuple):
    """What a model is evaluated or was trained on."""

    name: str
    """The id of a data set, the path of training data."""
    examples: int | None
    what: str
    """`the same`, `changed`, `new`, `removed`; empty if there was no report before."""


def datasets(old: Report | None, new: Report) -> Iterator[DataChange]:
    """Yield the data sets of the new report, then those that only the old one has."""
    yield from _changes(_datasets(old) if old else None, _datasets(new), {item.id: item.n for item in new.datasets})


def training(old: Report | None, new: Report) -> Iterator[DataChange]:
    """Yield the same of the training data."""
    yield from _changes(_training(old) if old else None, _training(new), {})


def _datasets(report: Report) -> dict[str, str]:
    return {item.id: item.blake3 for item in report.datasets}


def _training(report: Report) -> dict[str, str]:
    return {item.path: item.blake3 for item in report.train.data} if report.train else {}


def _changes(
    old: Mapping[str, str] | None, new: Mapping[str, str], examples: Mapping[str, int | None],
) -> Iterator[DataChange]:
    """Compare digests by name."""
    for name, digest in new.items():
        what = "" if old is None else "new" if name not in old else "the same" if old[name] == digest else "changed"
        yield DataChange(name, examples.get(name), what)
    yield from (DataChange(name, None, "removed") for name in old or {} if name not in new)
