"""A model card of Hugging Face: README.md with a `model-index`, of one version of a model.

Format: https://huggingface.co/docs/hub/model-cards. What the model-index has no key for is in `args`, which
`mvc import hf` reads: digests of data sets, slices, standard errors, intervals.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import NamedTuple

from msgspec.structs import replace

from mvc.objects.pointer import Pointer, quote
from mvc.objects.visible import visible
from mvc.quality.render.markdown import block, code
from mvc.quality.render.own_file import marked
from mvc.quality.reports.model_index import UNSPECIFIED
from mvc.quality.reports.report import Dataset, Metric, Report, label


class Version(NamedTuple):
    """A version of a model."""

    name: str
    version: str
    commit: str
    path: str
    pointer: Pointer
    report_blake3: str


def model_card(version: Version, report: Report) -> bytes:
    """Return the card."""
    body = "\n".join([*_front_matter(version, report), "---", "", *_text(version, report), ""])
    return marked(body, "---\n")


# The model-index.


def _front_matter(version: Version, report: Report) -> Iterator[str]:
    yield "model-index:"
    yield f"- name: {quote(version.name)}"
    results = _results(report)
    yield f"  results:{'' if results else ' []'}"
    for dataset, metrics in results:
        yield f"  - task: {{type: {quote(report.task or UNSPECIFIED)}}}"
        yield f"    dataset: {dataset}"
        yield "    metrics:"
        yield from (f"    - {_metric(metric)}" for metric in metrics)


def _results(report: Report) -> list[tuple[str, list[Metric]]]:
    """Return the data sets as YAML, each with its metrics."""
    known = {dataset.id: dataset for dataset in report.datasets}
    placed = [(_place(metric, known), metric) for metric in report.metrics]
    order = {place: at for at, (place, _) in reversed([*enumerate(placed)])}
    grouped = groupby(sorted(placed, key=lambda item: order[item[0]]), key=lambda item: item[0])
    return [(place, [metric for _, metric in items]) for place, items in grouped]


def _place(metric: Metric, known: Mapping[str, Dataset]) -> str:
    """Return the data set of a metric as YAML."""
    if dataset := known.get(metric.dataset):
        counts = [("n", number(dataset.n)), ("used", number(dataset.used))]
        args = flow_mapping([("blake3", quote(dataset.blake3)), *counts])
        found, args_key = {"dataset": dataset.id, "split": dataset.split}, [("args", args)]
    else:
        found, args_key = _named_by_slice(metric), []
    kind = quote(found.get("dataset", UNSPECIFIED))
    rest = [(key, quote(found[key])) for key in ("config", "split") if found.get(key)]
    return flow_mapping([("type", kind), ("name", kind), *rest, *args_key])


def _named_by_slice(metric: Metric) -> dict[str, str]:
    """Return name, configuration and split of the data set, if they are a slice, as of an imported card."""
    if metric.dataset or metric.slice.get("dataset", "") in ("", UNSPECIFIED):
        return {}
    return {key: text for key, text in metric.slice.items() if key in ("dataset", "config", "split") and text}


def _metric(metric: Metric) -> str:
    placed = _named_by_slice(metric)
    part = [(quote(key), quote(text)) for key, text in metric.slice.items() if key not in placed]
    better = metric.higher_is_better
    args = [
        ("slice", flow_mapping(part) if part else ""), ("stderr", number(metric.stderr)), ("n", number(metric.n)),
        ("higher_is_better", "" if better is None else json.dumps(better)),
        ("ci", f"[{', '.join(map(number, metric.ci))}]" if metric.ci else ""),
        ("method", quote(metric.method) if metric.method else ""),
    ]
    name = label(replace(metric, dataset=""))
    return flow_mapping([
        ("type", quote(metric.name)), ("value", number(metric.value)),
        ("name", quote(name) if name != metric.name else ""),
        ("args", flow_mapping(args) if any(text for _, text in args) else ""),
    ])


def flow_mapping(pairs: Iterable[tuple[str, str]]) -> str:
    """Return a mapping in one line, without the keys that have no value."""
    return f"{{{', '.join(f'{key}: {text}' for key, text in pairs if text)}}}"


def number(value: float | None) -> str:
    """Return a number that each version of YAML reads as one: `1e-05` is a string in 1.1. Empty for None."""
    text = "" if value is None else json.dumps(value)
    return re.sub(r"\A(-?\d+)e", r"\1.0e", text)


# The text.


def _text(version: Version, report: Report) -> Iterator[str]:
    yield from (f"# {code(f'{version.name} {version.version}'.strip())}", "")
    yield from _prose(report.desc)
    yield from _metrics(report.metrics)
    yield from _about(version, report)
    if report.datasets:
        yield from ("## Data", "", "| data set | path | split | examples | BLAKE3 |", "| --- | --- | --- | --- | --- |")
        for item in report.datasets:
            yield f"| {code(item.id)} | {code(item.path)} | {code(item.split)} | {number(item.n)} | `{item.blake3}` |"
        yield ""
    if report.limitations:
        yield from ("## Limitations", "", *_prose(report.limitations))
    yield from ("## The content", "", block([f"mvc get REPOSITORY {version.name}@{version.version} -o OUT"]))


def _prose(text: str) -> Iterator[str]:
    """Yield a user's text as it is, where no line of it is Markdown."""
    if text.strip():
        yield from (f"    {visible(line)}".rstrip() for line in text.strip().splitlines())
        yield ""


def _metrics(metrics: Iterable[Metric]) -> Iterator[str]:
    yield from ("| metric | value | standard error | better |", "| --- | --- | --- | --- |")
    for metric in metrics:
        better = {True: "higher", False: "lower", None: ""}[metric.higher_is_better]
        yield f"| {code(label(metric))} | {number(metric.value)} | {number(metric.stderr)} | {better} |"
    yield ""


def _about(version: Version, report: Report) -> Iterator[str]:
    evaluator = report.evaluator
    by = f"{evaluator.id} ({evaluator.assurance})" if evaluator else ""
    rows = [
        ("version", code(f"{version.name}@{version.version}")), ("commit", code(version.commit)),
        ("path", code(version.path)), ("BLAKE3", code(version.pointer.digest.blake3)),
        ("bytes", str(version.pointer.total)), ("report", code(version.report_blake3)), ("evaluated by", code(by)),
        ("evaluated at", code(report.created_at)), ("description", code(version.pointer.notes.desc)),
    ]
    rows += [(f"label {code(key)}", code(text)) for key, text in version.pointer.notes.labels]
    yield from ("## Version", "", "| | |", "| --- | --- |")
    yield from (f"| {name} | {text} |" for name, text in rows if text)
    yield ""
