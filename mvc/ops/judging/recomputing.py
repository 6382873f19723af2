"""`mvc gate --recompute`: the metrics of the judged reports again, from predictions that are fetched if need be."""

from __future__ import annotations

from collections.abc import Collection

from mvc.errors import MvcError, UsageError
from mvc.evaluation.extra import require
from mvc.fs.files import as_error
from mvc.objects.pointer_reader import pointer_in
from mvc.ops.shared.evidence.recomputed import recomputed
from mvc.ops.shared.reports import matching_report
from mvc.ops.shared.revisions import tracked_at
from mvc.ops.shared.transfers.needed import needed
from mvc.ops.shared.transfers.open_remote import bring_manifests, transferring
from mvc.project import Project
from mvc.quality.judge.facts import Facts, ModelFacts
from mvc.quality.reports.report import Predictions, Report
from mvc.transfer.pool import JOBS
from mvc.transfer.receive import fetch_objects
from mvc.workspace.tracked import NotTracked, Selection, pointers_of, select


def with_recomputed(project: Project, facts: Facts, remote: str, commit: str) -> Facts:
    """Return the facts with the metrics of the models computed again; `commit` has the pointers of predictions.

    Raises:
        UsageError: there is no such remote, or the packages of the extra `eval` are not installed.
    """
    require()
    reports = {model.path: report for model in facts.models if (report := _report(model))}
    named = [report.predictions for report in reports.values() if report.predictions]
    why, fix = bring(project, remote, commit, named)
    models: list[ModelFacts] = []
    for model in facts.models:
        found = recomputed(project, reports[model.path]) if model.path in reports else None
        if found and found.problem and why and not project.cache.has(_blake3(reports[model.path])):
            found = found._replace(problem=f"{found.problem}: {why}", fix=fix)
        models.append(model._replace(recomputed=found))
    return facts._replace(models=tuple(models))


def _report(model: ModelFacts) -> Report | None:
    pointer = pointer_in(model.pointer.raw) if model.pointer and model.pointer.is_regular else None
    if pointer is None or model.report is None or not model.report.is_regular:
        return None
    return matching_report(model.report.raw, pointer.identity, model.path)


def _blake3(report: Report) -> str:
    return report.predictions.blake3 if report.predictions else ""


def bring(project: Project, remote: str, commit: str, wanted: Collection[Predictions]) -> tuple[str, str]:
    """Fetch predictions that the cache lacks; return why some could not be fetched, and what to type, or nothing.

    Raises:
        UsageError: there is no such remote.
    """
    missing = {item.blake3: item for item in wanted if not project.cache.has(item.blake3)}
    if not missing:
        return "", ""
    selections = _selections(project, commit, missing.values())
    try:
        with project.locks.store(), transferring(project, remote or None, JOBS) as tools:
            bring_manifests(tools, pointers_of(selections))
            objects = needed(project, selections).objects
            moved = fetch_objects(tools, objects.only(name for name in missing if name in objects))
            errors = [item.error for item in moved.failed]
    except UsageError:
        raise
    except (MvcError, OSError) as error:
        errors = [error if isinstance(error, MvcError) else as_error(error, remote)]
    return (errors[0].message, errors[0].fix) if errors else ("", "")


def _selections(project: Project, commit: str, wanted: Collection[Predictions]) -> list[Selection]:
    tracked = tracked_at(project, commit)
    found: list[Selection] = []
    for item in wanted:
        try:
            found += select(tracked, [item.path])
        except NotTracked:
            continue
    return found
