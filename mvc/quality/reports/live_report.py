"""Reports of kind live: metrics of what a model predicted in production. Format: docs/monitor.md, "Live reports".

They have the keys of an evaluation report, but begin with another one: no hook, gate or stage takes them for it.
"""

from __future__ import annotations

from typing import Any

from mvc.quality.reports.report import Report
from mvc.quality.reports.report_document import emit, schema

KEY = "mvc-live"
"""The first key, with the number of the format."""
DATASET = "live"
"""The id of the labelled examples among the data sets."""
SUFFIX = ".live.yaml"


def emit_live(report: Report) -> bytes:
    """Return a report as one of kind live.

    Raises:
        InvalidFormat: as `emit`.
    """
    _, rest = emit(report).split(b"\n", 1)
    return f"{KEY}: 1\n".encode() + rest


def live_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a live report."""
    found = schema()
    top = found["$defs"]["Report"]
    del found["allOf"], top["properties"]["mvc-eval"]
    top["properties"] = {KEY: {"const": 1}, **top["properties"]}
    top["required"] = [KEY, *(name for name in top["required"] if name != "mvc-eval")]
    return {**found, "title": "mvc live report, format 1"}
