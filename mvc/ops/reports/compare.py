"""`mvc compare`: versions of models, or of a path, side by side."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

from mvc.errors import CorruptObject, Refused, UsageError
from mvc.objects.pointer import Pointer
from mvc.ops.shared.best_metric import deciding_row, metric_rows, policy_of
from mvc.ops.shared.conflicts.versions import find_conflicts, versions
from mvc.ops.shared.content.tensors import tensors_of
from mvc.ops.shared.evidence.paired_tests import paired_tests
from mvc.ops.shared.other_pointers.workspace import pointers_here
from mvc.ops.shared.reports import ReportState, matching_report, model_of, report_in, state_of
from mvc.ops.shared.selection import chosen, is_path, unusable
from mvc.ops.shared.versions.read import checked, event_path, files_of, read_registry
from mvc.ops.shared.versions.references import resolve, split_reference
from mvc.project import Project
from mvc.quality.files import SUFFIX
from mvc.quality.judge.facts import PairedTest
from mvc.quality.judge.rules.figures import ModelReport
from mvc.quality.pointer_files import read_pointer
from mvc.quality.reports.report_document import plain
from mvc.quality.side_by_side import Limit, MetricRow, limits
from mvc.registry.state import Model
from mvc.scm.commits import CommitPath, commit_infos
from mvc.workspace.tracked import Tracked


class Compared(NamedTuple):
    """One of the versions; what is from a report is empty without one of this content."""

    ref: str
    """As typed; of a model's versions their name, such as `ranker@v1.2.0`."""
    commit: str
    """Empty for the workspace."""
    date: str
    """The date of the commit: ISO 8601."""
    path: str
    tag: str
    """The version in the report."""
    retired: bool
    kind: str
    size: int
    """Bytes of content."""
    files: int
    blake3: str
    report: ReportState
    evaluator: str
    code: dict[str, Any]
    """As in the report; so are the next three."""
    params: dict[str, Any]
    train: list[dict[str, Any]]
    datasets: list[dict[str, Any]]
    tensors: dict[str, str] | None
    """Of safetensors files, type and shape by name: `F32[768,30522]`; None if the cache lacks them."""


class Best(NamedTuple):
    """The best by one metric."""

    metric: str
    higher_is_better: bool
    best: tuple[str, ...]
    """The references with the best value: several in a tie."""
    missing: tuple[str, ...]
    """Those without the metric."""
    incomparable: tuple[str, ...]
    """Those that were measured on other data than most."""


class Paired(NamedTuple):
    """A version against the first one, example by example."""

    ref: str
    against: str
    tests: tuple[PairedTest, ...]
    problem: str = ""
    """Why there is no test; empty when there is."""
    fix: str = ""


class Comparison(NamedTuple):
    """Versions side by side; `values` of the metrics are in the order of `items`."""

    items: tuple[Compared, ...]
    metrics: tuple[MetricRow, ...]
    limits: tuple[Limit, ...]
    best: Best | None
    paired: tuple[Paired, ...] = ()


class _Source(NamedTuple):
    """A version to compare."""

    ref: str
    commit: str
    path: str
    pointer: Pointer
    report: bytes | None
    retired: bool = False


def compare(project: Project, words: Iterable[str], by: str = "", *, paired: bool = False) -> Comparison:
    """Return what the typed references name side by side; the name of a model stands for all its versions.

    `by` is a metric: the best by it is named. If `paired`, all are compared with the first example by example.

    Raises:
        Refused: none of a model's versions can be read.
        UsageError: a word is no reference, or no report has the metric, or the direction of the metric is not known.
        MvcError: a reference cannot be used, as `resolve` says.
    """
    words = list(words)
    sources = [source for word in words for source in _sources(project, word)]
    if not sources:
        raise Refused(f"none of these versions can be read: {', '.join(words)}", "mvc verify --tags")
    infos = commit_infos(project.git, (source.commit for source in sources))
    reports = [_report(source) for source in sources]
    policy = policy_of(project)
    path = sources[-1].path
    metrics = metric_rows(policy, path, reports)
    dates = {commit: info.date for commit, info in infos.items()}
    items = tuple(_compared(project, *pair, dates) for pair in zip(sources, reports, strict=True))
    best = _best(items, metrics, by, shlex.join(["mvc", "compare", *words])) if by else None
    tests = tuple(_paired(project, sources, reports)) if paired else ()
    return Comparison(items, metrics, tuple(limits(policy, path)), best, tests)


# What to compare.


def _sources(project: Project, word: str) -> Iterator[_Source]:
    if model := _model(project, word):
        yield from _versions(project, model)
        return
    rev, text = split_reference(project, word, partial(is_path, project))
    if rev:
        yield _at(project, word, resolve(project, rev), model_of(text))
    else:
        yield from _here(project, word, model_of(project.shell.path(text)))


def _model(project: Project, word: str) -> Model | None:
    """Return the registered model with that name; None for another word, and for a path."""
    if set(word) & set(":@#") or word.startswith("./") or is_path(project, word):
        return None
    return read_registry(project, word).models.get(word)


def _versions(project: Project, model: Model) -> Iterator[_Source]:
    """Yield all versions, the lowest first. One that cannot be read, or is forged, is left out, with a remark."""
    versions = sorted(model.versions.values(), key=lambda version: version.rank)
    places: dict[str, CommitPath] = {}
    for version in versions:
        with _remarking(project):
            places[version.name] = CommitPath(version.event.commit, event_path(project, version.event))
    files = files_of(project, places.values())
    for version in versions:
        if place := places.get(version.name):
            with _remarking(project):
                found = checked(version.event, files.get(place))
                ref, retired = f"{model.name}@{version.name}", version.retired is not None
                yield _Source(ref, place.commit, place.path, found.pointer, found.report, retired)


@contextmanager
def _remarking(project: Project) -> Iterator[None]:
    try:
        yield
    except (CorruptObject, Refused) as error:
        project.around.remark(error.message, error.fix)


def _at(project: Project, ref: str, commit: str, path: str) -> _Source:
    found = files_of(project, [CommitPath(commit, path)]).get(CommitPath(commit, path))
    if found is None:
        raise Refused(f"{path} is not tracked in {commit[:12]}", f"mvc ls {commit[:12]}  # lists tracked paths")
    return _Source(ref, commit, path, found.pointer, found.report)


def _here(project: Project, ref: str, path: str) -> Iterator[_Source]:
    """Yield the tracked path, or those in a directory; both sides of one in conflict."""
    if other := pointers_here(project).get(path):
        yield _Source(ref, "", path, read_pointer(other, path), report_in(project.tree, path + SUFFIX))
        return
    found = [selection.item for selection in chosen(project, project.tracked(), [path])]
    for item in found:
        name = ref if len(found) == 1 else project.shell.show(item.path)
        if item.condition == "conflict":
            yield from _both_sides(project, name, item)
        elif item.pointer is None:
            raise unusable(project, item)
        else:
            yield _Source(name, "", item.path, item.pointer, report_in(project.tree, item.path + SUFFIX))


def _both_sides(project: Project, name: str, item: Tracked) -> Iterator[_Source]:
    for version in versions(project, find_conflicts(project)[item.path]):
        if version.item and version.item.pointer:
            ref, report = f"{name} ({version.side})", version.files.get(SUFFIX)
            yield _Source(ref, version.origin.commit, item.path, version.item.pointer, report)


# What there is.


def _report(source: _Source) -> ModelReport | None:
    report = matching_report(source.report, source.pointer.identity, source.path + SUFFIX)
    return ModelReport(source.path, report) if report else None


def _compared(
    project: Project, source: _Source, found: ModelReport | None, dates: Mapping[str, str],
) -> Compared:
    pointer, raw = source.pointer, source.report
    model = found.report.model if found and pointer.other else None
    told = plain(found.report) if found else {}
    tensors = None if pointer.other else tensors_of(project, pointer)
    return Compared(
        source.ref, source.commit, dates.get(source.commit, ""), source.path, told.get("tag", ""), source.retired,
        pointer.kind, pointer.total or (model.size or 0 if model else 0), pointer.files,
        pointer.digest.blake3 or (model.blake3 if model else ""),
        "missing" if raw is None else state_of(raw, pointer, source.path + SUFFIX),
        told.get("evaluator", {}).get("id", ""), told.get("code", {}), told.get("params", {}),
        told.get("train", {}).get("data", []), told.get("datasets", []),
        None if tensors is None else {name: item.text for name, item in tensors.items()},
    )


# Example by example.


def _paired(project: Project, sources: Sequence[_Source], reports: Sequence[ModelReport | None]) -> Iterator[Paired]:
    """Yield the tests of each version against the first.

    Raises:
        UsageError: there is one version only.
    """
    if len(sources) == 1:
        message = "--paired compares with the first version, and there is no other"
        raise UsageError(message, "mvc compare REF REF --paired")
    (first, *others), (before, *after) = sources, reports
    for source, report in zip(others, after, strict=True):
        measured = report.report.predicted if report else []
        found = paired_tests(project, before.report, report.report, measured) if before and report else None
        if found:
            yield Paired(source.ref, first.ref, found.tests, found.problem, found.fix)
        else:
            without = first if before is None or before.report.predictions is None else source
            line = project.shell.line("mvc eval score", without.path)
            problem = f"{without.ref} has no report that names predictions"
            yield Paired(source.ref, first.ref, (), problem, f"{line} --predictions FILE --bump patch")


# The best.


def _best(items: tuple[Compared, ...], metrics: tuple[MetricRow, ...], by: str, line: str) -> Best:
    row = deciding_row(metrics, by, f"{line} --by", line)
    best, missing, incomparable = (
        tuple(items[index].ref for index in part) for part in (row.best, row.missing, row.incomparable)
    )
    return Best(row.name, bool(row.higher_is_better), best, missing, incomparable)
