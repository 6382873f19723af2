"""`make schemas`: writes the JSON Schemas of what mvc reads from the types that mvc reads them with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mvc import config
from mvc.objects import pointer_document
from mvc.quality.judge.rules import waivers
from mvc.quality.policy import policy
from mvc.quality.reports import live_report, report_document

HERE = Path(__file__).resolve().parent


def schemas() -> dict[str, dict[str, Any]]:
    """Return every schema by its file's name."""
    return {
        "config.schema.json": config.json_schema(),
        "live-report.schema.json": live_report.live_schema(),
        "pointer.schema.json": pointer_document.json_schema(),
        "policy.schema.json": policy.schema(),
        "report.schema.json": report_document.schema(),
        "waivers.schema.json": waivers.schema(),
    }


def text(schema: dict[str, Any]) -> str:
    """Return a schema as its file holds it."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    for name, schema in schemas().items():
        (HERE / name).write_text(text(schema))
