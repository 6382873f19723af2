"""Merging two versions of a report. One of them is taken as it is, or neither: a mixture is of no evaluation."""

from __future__ import annotations

from collections.abc import Callable

from mvc.errors import InvalidFormat
from mvc.ops.merging.marks import Labels, mark
from mvc.ops.shared.conflicts.outcome import Outcome, Texts
from mvc.quality.reports.report import Report
from mvc.quality.reports.report_document import parse_report


def merge_reports(path: str, texts: Texts, labels: Callable[[], Labels], marker_size: int) -> Outcome:
    """Return the report of the side that alone changed the model since the common ancestor; else both, with markers."""
    base, ours, theirs = (_read(raw, path) for raw in texts)
    if ours and ours == theirs:
        return Outcome(texts.ours, clean=True)
    if base and ours and theirs:
        models = [report.model.blake3 for report in (base, ours, theirs)]
        if models[0] == models[1] != models[2]:
            return Outcome(texts.theirs, clean=True)
        if models[0] == models[2] != models[1]:
            return Outcome(texts.ours, clean=True)
    return Outcome(mark(texts.ours, texts.theirs, labels(), marker_size, whole=True), clean=False)


def _read(raw: bytes, path: str) -> Report | None:
    try:
        return parse_report(raw, path)
    except InvalidFormat:
        return None
