"""Which of the contents that a model was derived from have a report: in the judged tree, or in the history."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from mvc.errors import InvalidFormat
from mvc.objects.names import is_valid_path
from mvc.quality.files import SUFFIX, FileAt
from mvc.quality.judge.facts import ModelFacts
from mvc.quality.policy.demands import demands
from mvc.quality.policy.policy import Policy
from mvc.quality.reports.glance import glance
from mvc.quality.reports.report import Source
from mvc.quality.reports.report_document import parse_report
from mvc.scm.blobs import read_blobs
from mvc.scm.history import earlier_files
from mvc.scm.incomplete import is_partial
from mvc.scm.plumbing import Git


def with_sources(
    git: Git, tip: str, policy: Policy, models: Iterable[ModelFacts], here: Callable[[str], FileAt | None],
) -> tuple[ModelFacts, ...]:
    """Return the models, with the sources that have a report where `policy` demands one.

    A report is looked for by `here`, which returns the file at a path of the judged tree, then in the first-parent
    history of the commit `tip`, unless that is empty.

    Raises:
        MvcError: Git cannot read the history.
    """
    models = tuple(models)
    if not any(rule.sources and rule.sources.report == "required" for rule in policy.rules):
        return models
    return tuple(
        model._replace(reported_sources=_reported(git, tip, _sources(model.report), here))
        if demands(policy, model.path).sources == "required" else model
        for model in models
    )


def _sources(report: FileAt | None) -> list[Source]:
    try:
        return parse_report(report.raw, "").sources if report else []
    except InvalidFormat:  # a finding by itself
        return []


def _reported(
    git: Git, tip: str, sources: Iterable[Source], here: Callable[[str], FileAt | None],
) -> frozenset[str]:
    wanted = {(source.path + SUFFIX, source.blake3) for source in sources if is_valid_path(source.path)}
    found = {(path, blake3) for path, blake3 in wanted if (file := here(path)) and blake3 in _model_of(file.raw)}
    paths = {path for path, _ in wanted - found}
    found |= {(path, blake3) for path, raw in _earlier(git, tip, paths) for blake3 in _model_of(raw)} & wanted
    return frozenset(blake3 for _, blake3 in found)


def _earlier(git: Git, tip: str, paths: set[str]) -> Iterator[tuple[str, bytes]]:
    """Yield the earlier reports at some paths; none in a partial clone, where Git would have to fetch them."""
    if not paths or not tip or is_partial(git):
        return
    files = sorted((path, oid) for path, oid in earlier_files(git, tip, paths) if oid.strip("0"))
    yield from zip((path for path, _ in files), read_blobs(git, [oid for _, oid in files]), strict=True)


def _model_of(raw: bytes) -> list[str]:
    try:
        return [glance(raw, "").blake3]
    except InvalidFormat:
        return []
