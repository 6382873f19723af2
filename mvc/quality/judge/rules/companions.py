"""What a model was evaluated with, such as its tokenizer, and what it was derived from."""

from __future__ import annotations

from collections.abc import Container, Iterator

from mvc.errors import InvalidFormat
from mvc.quality.finding import Finding
from mvc.quality.judge import report_fixes
from mvc.quality.judge.facts import Companions, ModelFacts
from mvc.quality.policy.demands import Demands
from mvc.quality.reports.report import Report, Used
from mvc.quality.reports.report_document import parse_report
from mvc.quality.words import clipped, short


def judge_companions(companions: Companions) -> Iterator[Finding]:
    """Yield MVC107 for content that a model was evaluated with, and that was changed, or deleted and not moved."""
    model, there = companions.model, dict(companions.there)
    try:
        report = parse_report(model.report.raw if model.report else b"", "")
    except InvalidFormat:
        return
    predictions = [Used(report.predictions.path, report.predictions.blake3)] if report.predictions else []
    for used in (*report.together, *predictions):
        now = there.get(used.path, used.blake3)
        if now != used.blake3 and (now or used.blake3 not in companions.moved):
            how = f"now {short(now, used.blake3)}" if now else "which is not tracked"
            message = f"evaluated with {clipped(used.path)} {short(used.blake3, now)}, {how}"
            instead = f"{'restore' if now else 'restore or track'} {clipped(used.path)}"
            fix = report_fixes.next_report(model.path, report, f"once it is evaluated again; or {instead}")
            yield Finding.of("MVC107", model.path, message, fix)


def judge_inputs(model: ModelFacts, report: Report, demanded: Demands) -> Iterator[Finding]:
    """Yield MVC108 for a path that the model was not evaluated with, MVC109 for a source that has no report."""
    named = {used.path for used in report.together}
    for path in demanded.companions:
        if path not in named:
            message = f"the report does not say with which {clipped(path)} the model was evaluated"
            yield Finding.of("MVC108", model.path, message, report_fixes.evaluated_with(model.path, report, path))
    if demanded.sources == "required" and model.reported_sources is not None:
        yield from _unreported(model.path, report, model.reported_sources)


def _unreported(path: str, report: Report, reported: Container[str]) -> Iterator[Finding]:
    for source in report.sources:
        if source.blake3 not in reported:
            message = f"derived from {clipped(source.path)} {short(source.blake3, '')}, which has no report"
            yield Finding.of("MVC109", path, message, report_fixes.of_source(source.path))
