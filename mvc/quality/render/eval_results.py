"""The scores of a report as a file in `.eval_results`, of which Hugging Face makes leaderboards.

Format: https://huggingface.co/docs/hub/eval-results.
"""

from __future__ import annotations

import re

from mvc.objects.pointer import quote
from mvc.quality.render.model_card import flow_mapping, number
from mvc.quality.render.own_file import marked
from mvc.quality.reports.report import Metric, Report

_BENCHMARK = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)


def eval_results(report: Report) -> bytes:
    """Return the file."""
    entries = (_entry(metric, report.created_at) for metric in report.metrics if is_score(metric))
    return marked("".join(f"- {entry}\n" for entry in entries) or "[]\n")


def is_score(metric: Metric) -> bool:
    """Whether a metric is the score of a benchmark.

    It has the name of the benchmark's data set at Hugging Face, and its task as a slice: `cais/hle[task=default]`, as
    `mvc import hf` records it. Nothing else tells what a benchmark calls its tasks.
    """
    keys = metric.slice.keys()
    return bool(_BENCHMARK.fullmatch(metric.name)) and "task" in keys and keys <= {"task", "notes"}


def _entry(metric: Metric, date: str) -> str:
    dataset = flow_mapping([("id", quote(metric.name)), ("task_id", quote(metric.slice["task"]))])
    notes = metric.slice.get("notes", "")
    return flow_mapping([
        ("dataset", dataset), ("value", number(metric.value)), ("date", quote(date) if date else ""),
        ("notes", quote(notes) if notes else ""),
    ])
