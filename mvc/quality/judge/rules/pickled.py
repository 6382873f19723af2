"""Findings about the pickle scans of a model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mvc.quality.finding import Finding
from mvc.quality.judge import fixes
from mvc.quality.judge.facts import PickleScan
from mvc.quality.words import clipped, one_line

_FEW = 5
"""Names listed before the rest is counted."""


def judge_pickles(path: str, scanned: Sequence[PickleScan]) -> Iterator[Finding]:
    """Yield findings about the pickles of a tracked path: of each kind the first file, and the number of others."""
    kinds = (
        ("MVC310", [item for item in scanned if item.names], _named, fixes.other_format(path)),
        ("MVC310", [item for item in scanned if item.problem and not item.names], _unread, fixes.other_format(path)),
        ("MVC311", [item for item in scanned if item.absent], _absent, fixes.scan(path)),
    )
    for code, items, say, fix in kinds:
        if items:
            file = f"{path}/{items[0].file}" if items[0].file else ""
            more = f"; and {len(items) - 1:,} more of its files" if items[1:] else ""
            yield Finding(code, "error", path, one_line(say(items[0], file)) + more, fix)


def _named(item: PickleScan, file: str) -> str:
    names = ", ".join(clipped(name) for name in item.names[:_FEW])
    more = f" and {len(item.names) - _FEW:,} more" if len(item.names) > _FEW else ""
    return f"{file or 'it'} would call functions not known to be harmless: {names}{more}"


def _unread(item: PickleScan, file: str) -> str:
    return f"cannot read {file or 'it'} as a pickle to its end: {item.problem}"


def _absent(item: PickleScan, file: str) -> str:
    content = f"the content of {file}" if item.file else "its content"
    return f"the policy demands a pickle scan, and {content} is not in the cache"
