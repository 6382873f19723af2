"""The model and tag of a report for `status`, usually read without YAML."""

from __future__ import annotations

import re
from typing import NamedTuple


class Glance(NamedTuple):
    """The model and the tag of a report."""

    blake3: str
    tag: str


_STRING = r'"(?:[^"\\\n]|\\.)*"'
_HEAD = re.compile(
    rf'mvc-eval: [12]\nmodel: \{{(?:name: {_STRING}, )?blake3: "([0-9a-f]{{64}})"[^\n]*\}}\n(?:tag: "([^"\\\n]*)"\n)?'
    r"(?:(?!(?:model|tag):)(?:[a-z_-]+:|  )[^\n]*\n|\n)*",
)
"""A report in the layout that mvc writes."""


def glance(raw: bytes, what: str) -> Glance:
    """Return the model and the tag of a report, without YAML if mvc wrote it.

    Raises:
        InvalidFormat: it is not a report. Errors below the tag may go unnoticed; the hook finds them.
    """
    if match := _HEAD.fullmatch(raw.decode(errors="replace")):
        return Glance(match[1], match[2] or "")
    from mvc.quality.reports.report_document import parse_report  # noqa: PLC0415 - YAML, only for other layouts

    report = parse_report(raw, what)
    return Glance(report.model.blake3, report.tag)
