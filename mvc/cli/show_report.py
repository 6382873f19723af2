"""Evaluation reports as lines on a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mvc.cli.output import Output, columns, size, visible

if TYPE_CHECKING:
    from mvc.ops.reports.show import Shown
    from mvc.ops.shared.reports import MetricChange
    from mvc.project import Project
    from mvc.quality.reports.report import Metric, Predictions, Report, Source, Used

_STATES = {
    None: ("yellow", "the model has no pointer"),
    "ok": ("green", "report matches the tracked model"),
    "stale": ("red", "report is for other content than the tracked model"),
    "untagged": ("yellow", "report has no tag"),
}


def show_report(output: Output, project: Project, result: Shown) -> None:
    """Print a report, and whether it is of the content that is tracked."""
    report = result.report
    color, meaning = _STATES[result.state]
    title = " ".join(filter(None, (visible(project.shell.show(result.path)), visible(report.tag))))
    output.line(f"{title}  {output.paint(result.state or 'untracked', color)}: {meaning}")
    rows = [(f"  {name}", visible(text)) for name, text in _facts(output, report) if text]
    for line in columns(rows):
        output.line(line)
    show_metrics(output, report.metrics, everything=True)
    if result.state == "stale":
        line = project.shell.line("mvc eval record", result.path)
        output.line(f"  {visible(line)} --bump patch  # after evaluating the model again")


def _joined(*texts: str) -> str:
    return ", ".join(filter(None, texts))


def _digest(output: Output, text: str) -> str:
    return text if output.verbose else text[:SHORT]


def _facts(output: Output, report: Report) -> list[tuple[str, str]]:
    """Return the rows of a report, without its metrics."""
    model, code, environment = report.model, report.code, report.environment
    by = f"by {report.evaluator.id} ({report.evaluator.assurance})" if report.evaluator else ""
    packages = [f"{name} {version}" for name, version in environment.packages.items()] if environment else []
    rows = [
        ("task", report.task),
        ("desc", report.desc),
        ("model", _joined(_digest(output, model.blake3), model.name, "" if model.size is None else size(model.size))),
        ("created", " ".join(filter(None, (report.created_at, by)))),
    ]
    if code:
        dirty = " with uncommitted changes" if code.dirty else ""
        rows += [("commit", f"{_digest(output, code.commit)}{dirty}" if code.commit else ""), ("command", code.command)]
    if environment:
        python = f"Python {environment.python}" if environment.python else ""
        rows += [("environment", _joined(python, *packages, environment.platform, environment.device))]
    if report.run:
        rows += [("run", " ".join(filter(None, (report.run.kind, report.run.id, report.run.url))))]
    rows += [("param", f"{name} = {value}") for name, value in report.params.items()]
    if report.tensors:
        rows += [("takes", item.text) for item in report.tensors.inputs]
        rows += [("returns", item.text) for item in report.tensors.outputs]
        rows += [("weights", _joined(*(f"{count:,} of {kind}" for kind, count in report.tensors.weights.items())))]
    rows += [("derived from", _joined(_item(output, item), item.by and f"by {item.by}")) for item in report.sources]
    rows += [("with", _item(output, item)) for item in report.together]
    rows += [("trained on", _item(output, item)) for item in (report.train.data if report.train else ())]
    for item in report.datasets:
        count = f"n = {item.n}" if item.n is not None else ""
        used = f"{item.used} used" if item.used is not None else ""
        digest = _digest(output, item.blake3)
        rows += [("data set", f"{item.id}: {_joined(item.path, digest, item.split, count, used)}")]
    if report.predictions:
        rows += [("predictions", _joined(_item(output, report.predictions), report.predictions.dataset))]
    rows += [("artifact", _item(output, item)) for item in report.artifacts]
    rows += [("limitations", " ".join(report.limitations.split()))]
    return rows


def _item(output: Output, item: Used | Source | Predictions) -> str:
    return f"{item.path} ({_digest(output, item.blake3)})"


SHORT = 12
"""Hex digits of an abbreviated digest or commit."""
_BETTER = {True: "higher is better", False: "lower is better", None: ""}


def show_metrics(output: Output, metrics: Sequence[Metric], *, everything: bool = False) -> None:
    """Print the metrics of all data, then those of slices, or how many there are."""
    overall = [metric for metric in metrics if not metric.slice]
    slices = [metric for metric in metrics if metric.slice]
    everything = everything or output.verbose
    shown = [*overall, *slices] if everything else output.few(overall)
    for line in columns([_cells(metric) for metric in shown]) if shown else ():
        output.line(line)
    if not everything:
        output.rest(overall, "metric", indent="  ")
        output.slices(len(slices), indent="  ")


def _cells(metric: Metric) -> tuple[str, ...]:
    from mvc.quality.reports.report import label  # noqa: PLC0415

    error = f"± {metric.stderr:.2g}" if metric.stderr is not None else ""
    interval = f"[{metric.ci[0]:.4g}, {metric.ci[1]:.4g}]" if metric.ci else ""
    error = _joined(error, interval, metric.method)
    count = f"n = {metric.n}" if metric.n is not None else ""
    return f"  {visible(label(metric))}", f"{metric.value:.6g}", error, _joined(_BETTER[metric.higher_is_better], count)


def metric_change(change: MetricChange) -> str:
    """Return a metric before and after, and whether it got better."""
    old, new = (f"{value:.6g}" if value is not None else "-" for value in (change.old, change.new))
    if change.old is None or change.new is None or change.old == change.new:
        return f"{old} -> {new}" if old != new else old
    if not change.same_data:
        return f"{old} -> {new} (other data)"
    better = change.higher_is_better
    verdict = "" if better is None else " (better)" if (change.new > change.old) == better else " (worse)"
    return f"{old} -> {new}{verdict}"
