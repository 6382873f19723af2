"""What a scan of a model's pickles found, judged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mvc.quality.finding import Finding
from mvc.quality.judge import fixes
from mvc.quality.judge.facts import Scanned
from mvc.quality.words import clipped, one_line

_FEW = 5
"""Names that are shown."""


def judge_pickles(path: str, scanned: Sequence[Scanned]) -> Iterator[Finding]:
    """Yield what is wrong with the pickles of the tracked `path`: of each kind the first file, and how many more."""
    kinds = (
        ("MVC310", [item for item in scanned if item.names], _named, fixes.other_format(path)),
        ("MVC310", [item for item in scanned if item.problem and not item.names], _unread, fixes.other_format(path)),
        ("MVC311", [item for item in scanned if item.absent], _absent, fixes.scan(path)),
    )
    for code, items, say, fix in kinds:
        if items:
            file = f"{path}/{items[0].file}" if items[0].file else ""
            more = f"; so it is with {len(items) - 1:,} more of its files" if items[1:] else ""
            yield Finding(code, "error", path, one_line(say(items[0], file)) + more, fix)


def _named(item: Scanned, file: str) -> str:
    names = ", ".join(clipped(name) for name in item.names[:_FEW])
    more = f" and {len(item.names) - _FEW:,} more" if len(item.names) > _FEW else ""
    return f"{file or 'it'} would call what is not known to be harmless: {names}{more}"


def _unread(item: Scanned, file: str) -> str:
    return f"{file or 'it'} cannot be read as a pickle to its end: {item.problem}"


def _absent(item: Scanned, file: str) -> str:
    of = f"that of {file}" if item.file else "its content"
    return f"the policy has pickles scanned, and {of} is not in the cache"
