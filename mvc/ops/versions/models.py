"""`mvc models`: the registered models at a glance."""

from __future__ import annotations

from typing import NamedTuple

from mvc.errors import CorruptObject, MvcError, Refused, UsageError
from mvc.ops.shared.reports import matching_report
from mvc.ops.shared.versions.dates import date_of
from mvc.ops.shared.versions.read import checked, event_path, files_of, read_registry
from mvc.project import Project
from mvc.quality.files import SUFFIX
from mvc.quality.reports.report import Report, is_sliced, label
from mvc.registry.event import Event
from mvc.registry.state import Model
from mvc.scm.commits import CommitPath
from mvc.scm.incomplete import lacks_versions


class ModelSummary(NamedTuple):
    """A model, its highest version that is not retired, and its stages."""

    name: str
    path: str
    version: str
    """Empty if all versions are retired; so are `commit` and `date`."""
    commit: str
    date: str
    """When it was registered: ISO 8601."""
    metrics: dict[str, float]
    """Of its report, without slices."""
    stages: dict[str, str]
    """The version by stage; empty for a commit without one."""
    versions: int
    """How many there are, without retired ones."""
    deprecated: bool
    problem: str
    """Why path and metrics are not known, such as a forged tag; empty if they are."""


def models(project: Project, by: str = "") -> tuple[ModelSummary, ...]:
    """Return all registered models, sorted by name, or by a metric of the latest version: the best first.

    Raises:
        UsageError: no model has that metric.
        MvcError: Git cannot read the tags, or this clone may lack them.
    """
    found = read_registry(project).models
    if not found and (lack := lacks_versions(project.git)):
        raise MvcError(f"no version is known here, but {lack.what}", lack.fix)
    latest = {name: model.latest.event for name, model in found.items() if model.latest}
    reports = _reports(project, latest)
    summaries = {name: _summary(model, reports.get(name)) for name, model in found.items()}
    if not by:
        return tuple(summaries.values())
    if not any(by in item.metrics for item in summaries.values()):
        known = sorted({metric for item in summaries.values() for metric in item.metrics})
        raise UsageError(f"no model has the metric {by!r}; there is {', '.join(known) or 'none'}", "mvc models")
    sign = -1 if _is_higher_better(reports, by) else 1
    order = sorted(summaries.values(), key=lambda item: (by not in item.metrics, sign * item.metrics.get(by, 0)))
    return tuple(order)


class _Reported(NamedTuple):
    path: str = ""
    report: Report | None = None
    problem: str = ""


def _reports(project: Project, events: dict[str, Event]) -> dict[str, _Reported]:
    """Return path and report of each event, by model; read at once."""
    found, places = {}, {}
    for name, event in events.items():
        try:
            places[name] = CommitPath(event.commit, event_path(project, event))
        except Refused as error:
            found[name] = _Reported(problem=error.message)
    files = files_of(project, places.values())
    for name, place in places.items():
        try:
            there = checked(events[name], files.get(place))
        except CorruptObject as error:
            found[name] = _Reported(problem=error.message)
        else:
            report = matching_report(there.report, there.pointer.identity, place.path + SUFFIX)
            found[name] = _Reported(place.path, report)
    return found


def _is_higher_better(reports: dict[str, _Reported], metric: str) -> bool:
    """Whether more is better, by the first report that says so."""
    found = (
        item.higher_is_better for reported in reports.values() if reported.report
        for item in reported.report.metrics if label(item) == metric and item.higher_is_better is not None
    )
    return next(found, True)


def _summary(model: Model, reported: _Reported | None) -> ModelSummary:
    reported = reported or _Reported()
    latest, report = model.latest, reported.report
    metrics = {label(item): item.value for item in report.metrics if not is_sliced(label(item))} if report else {}
    return ModelSummary(
        model.name, reported.path, latest.name if latest else "",
        latest.event.commit if latest else "", date_of(latest.event) if latest else "", metrics,
        {item.stage: item.version for item in model.holding()},
        sum(not version.retired for version in model.versions.values()), model.deprecated is not None, reported.problem,
    )
