"""Whether what a model was evaluated with, such as its tokenizer, is still there."""

from __future__ import annotations

from collections.abc import Iterator

from mvc.errors import InvalidFormat
from mvc.quality.finding import Finding
from mvc.quality.judge import fixes
from mvc.quality.judge.facts import Companions
from mvc.quality.reports.report import Used
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
            how = f"now {short(now, used.blake3)}" if now else "which is gone"
            message = f"evaluated with {clipped(used.path)} {short(used.blake3, now)}, {how}"
            fix = fixes.next_report(model.path, report, f"once it is evaluated again; or restore {clipped(used.path)}")
            yield Finding.of("MVC107", model.path, message, fix)
