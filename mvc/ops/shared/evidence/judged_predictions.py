"""`mvc gate --recompute`: the judged reports computed again, and compared with earlier ones example by example.

Predictions that the cache lacks are fetched.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import NamedTuple

from mvc.errors import MvcError, UsageError
from mvc.evaluation.extra import require
from mvc.fs.files import as_error
from mvc.ops.shared.evidence.paired_tests import paired_tests
from mvc.ops.shared.evidence.recomputed import recomputed
from mvc.ops.shared.reports import matching_report
from mvc.ops.shared.revisions import tracked_at
from mvc.ops.shared.transfers.needed import needed
from mvc.ops.shared.transfers.open_remote import bring_manifests, transferring
from mvc.project import Project
from mvc.quality.judge.facts import Facts, ModelFacts, PairedTests, Past
from mvc.quality.judge.rules.figures import matches
from mvc.quality.judge.rules.past import references
from mvc.quality.pointer_files import pointer_in_file
from mvc.quality.policy.demands import demands
from mvc.quality.policy.policy import PAIRED, Policy
from mvc.quality.reports.report import Metric, Report
from mvc.transfer.pool import JOBS
from mvc.transfer.receive import fetch_objects
from mvc.workspace.tracked import NotTracked, Selection, pointers_of, select


class _At(NamedTuple):
    """A report, and a commit that has the pointer of its predictions."""

    commit: str
    report: Report


class _Compared(NamedTuple):
    """A model's report, and the earlier ones that some of its metrics are compared with."""

    new: _At
    metrics: tuple[Metric, ...]
    earlier: tuple[_At, ...]


def with_recomputed(project: Project, facts: Facts, remote: str, commit: str) -> Facts:
    """Return the facts with the metrics of the models computed again; `commit` has the pointers of predictions.

    Raises:
        UsageError: there is no such remote, or the packages of the extra `eval` are not installed.
    """
    require()
    found = {
        model.path: _compared(facts.policy.policy, model, _At(commit, report))
        for model in facts.models if (report := _report(model)) and report.predictions
    }
    named = [item for compared in found.values() for item in (compared.new, *compared.earlier)]
    problem = _fetch(project, remote, named)
    models = (_judged(project, model, found.get(model.path), problem) for model in facts.models)
    return facts._replace(models=tuple(models))


def _report(model: ModelFacts) -> Report | None:
    pointer = pointer_in_file(model.pointer)
    if pointer is None or model.report is None or not model.report.is_regular:
        return None
    return matching_report(model.report.raw, pointer.identity, model.path)


def _compared(policy: Policy, model: ModelFacts, new: _At) -> _Compared:
    """Return the metrics that the policy wants compared by a test, and with which earlier reports."""
    asked = [
        wanted for wanted in demands(policy, model.path).metrics
        if any(regression.tolerance == PAIRED for regression in wanted.regressions)
    ]
    metrics = tuple(item for item in new.report.predicted if any(matches(wanted, item) for wanted in asked))
    return _Compared(new, metrics, tuple(_earlier(model.past)) if metrics and model.past else ())


def _earlier(newest: Past) -> Iterator[_At]:
    """Yield the earlier reports with predictions."""
    for past in _pasts(newest):
        for reference in (references.base(past), references.registered(past)):
            if reference and reference.report.predictions:
                yield _At(reference.version.commit, reference.report)


def _pasts(past: Past) -> Iterator[Past]:
    """Yield the past of a model, and that of its name if another one had it."""
    yield past
    if past.holder:
        yield past._replace(before=past.holder, versions=past.named)


def _judged(project: Project, model: ModelFacts, compared: _Compared | None, problem: MvcError | None) -> ModelFacts:
    if compared is None:
        return model
    found = recomputed(project, compared.new.report)
    if found and found.problem and problem:
        found = found._replace(problem=f"{found.problem}: {problem.message}", fix=problem.fix)
    tests: dict[str, PairedTests] = {}
    for item in compared.earlier:
        if test := paired_tests(project, item.report, compared.new.report, compared.metrics):
            tests[test.old] = test
    return model._replace(recomputed=found, paired=tuple(tests.values()))


# The predictions.


def _fetch(project: Project, remote: str, items: Iterable[_At]) -> MvcError | None:
    """Fetch the predictions of reports that the cache lacks; return why some could not be fetched.

    Raises:
        UsageError: there is no such remote.
    """
    named = {item.report.predictions.blake3: item for item in items if item.report.predictions}
    missing = {name: item for name, item in named.items() if not project.cache.has(name)}
    if not missing:
        return None
    selections = list(_selections(project, missing.values()))
    try:
        with project.locks.store(), transferring(project, remote or None, JOBS) as tools:
            bring_manifests(tools, pointers_of(selections))
            objects = needed(project, selections).objects
            moved = fetch_objects(tools, objects.only(name for name in missing if name in objects))
            return next((item.error for item in moved.failed), None)
    except MvcError as error:
        if remote and isinstance(error, UsageError):
            raise
        return error
    except OSError as error:
        return as_error(error, remote)


def _selections(project: Project, items: Iterable[_At]) -> Iterator[Selection]:
    paths: dict[str, list[str]] = {}
    for item in items:
        paths.setdefault(item.commit, []).append(item.report.predictions.path if item.report.predictions else "")
    for commit, named in paths.items():
        tracked = tracked_at(project, commit)
        for path in named:
            with suppress(NotTracked):
                yield from select(tracked, [path])
