"""`mvc monitor`: what Prometheus and Grafana need to watch a served model, and its metrics from live labels."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from mvc.cli.app import PRODUCTION, Group, app, opened
from mvc.cli.arguments import Json
from mvc.cli.output import Output, check_outputs, columns, plural, print_json, visible, write_file
from mvc.errors import UsageError
from mvc.fs.files import as_error

if TYPE_CHECKING:
    from mvc.ops.lifecycle.watching.score import LiveMetric, LiveScore, LiveVersion

monitor = typer.Typer(cls=Group, rich_markup_mode=None, help="Watch what is served.")
app.add_typer(monitor, name="monitor", rich_help_panel=PRODUCTION)

_DIGITS = 12
"""Decimals of a difference: what is below is an error of rounding."""

Name = Annotated[str, typer.Argument(metavar="NAME", help="The name of a model in the registry.")]
Target = Annotated[str, typer.Option("--output", "-o", metavar="FILE", help="Write to FILE instead of stdout.")]


@monitor.command("rules")
def rules(
    ctx: typer.Context,
    name: Name,
    stage: Annotated[
        str, typer.Option("--stage", metavar="STAGE", help="Alert if another version is served than it holds now."),
    ] = "",
    latency: Annotated[
        float, typer.Option("--latency", metavar="SECONDS", help="What 99 % of requests may take."),
    ] = 0.5,
    errors: Annotated[
        float, typer.Option("--errors", metavar="SHARE", help="The share of requests that may fail."),
    ] = 0.01,
    target: Target = "",
) -> None:
    """Write alerting rules for Prometheus, with limits from the policy and the report of the version."""
    from mvc.ops.lifecycle.watching.rules import Request  # noqa: PLC0415
    from mvc.ops.lifecycle.watching.rules import rules as run  # noqa: PLC0415

    output: Output = ctx.obj
    with opened(output) as project:
        _write(output, target, run(project, Request(name, stage, latency, errors)))


@monitor.command("dashboard")
def dashboard(ctx: typer.Context, name: Name, target: Target = "") -> None:
    """Write a board for Grafana, as JSON: traffic, latency, versions, predictions, drift and live metrics."""
    from mvc.ops.lifecycle.watching.dashboard import dashboard as run  # noqa: PLC0415

    output: Output = ctx.obj
    with opened(output) as project:
        _write(output, target, run(project, name))


def _write(output: Output, target: str, text: str) -> None:
    if target:
        write_file(target, text.encode())
        output.line(f"{output.paint('wrote', 'green')} {visible(target)}")
    else:
        print(text, end="")


@monitor.command("score")
def score(
    ctx: typer.Context,
    name: Name,
    log: Annotated[str, typer.Option("--log", metavar="DIR", help="The log that `mvc serve --log` writes.")] = "",
    truth: Annotated[
        str, typer.Option("--truth", metavar="FILE", help="Labels by mvc_request_id: CSV, JSON lines or Parquet."),
    ] = "",
    target: Annotated[
        str, typer.Option("--output", "-o", metavar="DIR", help="Write a live report for each version in DIR."),
    ] = "",
    prom: Annotated[str, typer.Option("--prom", metavar="FILE", help="Write metrics for Prometheus.")] = "",
    json: Json = False,
) -> None:
    """Compute metrics of each served version from labels that arrived later, and compare with its report."""
    from mvc.evaluation.extra import require  # noqa: PLC0415

    require()
    from mvc.ops.lifecycle.watching.live_output import document, reports, series  # noqa: PLC0415
    from mvc.ops.lifecycle.watching.score import Request, score_live  # noqa: PLC0415

    output: Output = ctx.obj
    if not log or not truth:
        message = f"no {'labels are' if log else 'log is'} given"
        raise UsageError(message, "mvc monitor score NAME --log DIR --truth FILE")
    with opened(output, json=json) as project:
        here = project.around.cwd
        request = Request(name, os.path.join(here, log), os.path.join(here, truth), truth)
        check_outputs({"--prom": prom}, (request.truth,))
        found, now = score_live(project, request), time.time()
        if target:
            _write_all(target, reports(found, truth, now))
        if prom:
            write_file(prom, series(found, now).encode())
        if json:
            print_json(document(found))
        else:
            _show(output, found)


def _write_all(folder: str, files: Iterable[tuple[str, bytes]]) -> None:
    try:
        os.makedirs(folder, exist_ok=True)
    except FileExistsError:
        raise UsageError(f"{folder} is not a directory", "--output DIR") from None
    except OSError as error:
        raise as_error(error, folder) from None
    for name, content in files:
        write_file(os.path.join(folder, name), content)


def _show(output: Output, found: LiveScore) -> None:
    rows: list[tuple[str, ...]] = [("version", "rows", "metric", "live", "in report", "difference")]
    for item in found.versions:
        rows += _rows(item, everything=output.verbose)
    for line in columns(rows):
        output.line(line)
    for item in found.versions:
        title = _title(item)
        if item.retired:
            output.note(f"warning: {title} is retired, but in the log")
        if item.unlabelled:
            output.note(f"{title}: {plural(item.unlabelled, 'prediction')} without a label")
        if item.repeated:
            output.note(f"{title}: left out {plural(item.repeated, 'prediction')}: another has the same id and row")
    for count, what in (
        (found.unknown, "of requests that the log does not have"),
        (found.repeated, "replaced by a later one of the same id and row"),
        (found.empty, "without a value, an id or a place"),
    ):
        if count:
            output.note(f"{plural(count, 'label')} {what}")


def _title(item: LiveVersion) -> str:
    return visible(item.version or item.blake3[:12])


def _rows(item: LiveVersion, *, everything: bool) -> list[tuple[str, ...]]:
    """Return the lines of a version: the metrics that its report has, or all; without slices and classes."""
    title = _title(item) + " (retired)" * item.retired
    shown = [one for one in item.metrics if everything or (one.reference and not one.metric.slice)]
    if not shown:
        shown = [one for one in item.metrics if not one.metric.slice]
    first = title, f"{item.labelled:,}"
    lines = [(*(first if place == 0 else ("", "")), *_cells(one)) for place, one in enumerate(shown)]
    return lines or [(*first, "-", "-", "-", "-")]


def _cells(one: LiveMetric) -> tuple[str, ...]:
    from mvc.ops.lifecycle.watching.reported import name_of  # noqa: PLC0415

    name, value = visible(name_of(one.metric)), f"{one.metric.value:.4g}"
    if one.reference is None:
        return name, value, "-", "-"
    error = "" if one.stderr is None else f" ± {one.stderr:.2g}"
    difference = round(one.metric.value - one.reference.value, _DIGITS)
    return name, value, f"{one.reference.value:.4g}", f"{difference:+.3g}{error}"
