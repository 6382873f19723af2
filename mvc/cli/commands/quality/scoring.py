"""`mvc eval score` and `mvc eval recompute`: metrics from predictions."""

from __future__ import annotations

import shlex
import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer

from mvc.cli.app import opened
from mvc.cli.arguments import Json, Paths
from mvc.cli.commands import eval as reports
from mvc.cli.commands.eval import eval_
from mvc.cli.failures import say
from mvc.cli.output import Output, plural, print_json, visible
from mvc.errors import UsageError
from mvc.project import Project

if TYPE_CHECKING:
    from mvc.evaluation.score import Scored
    from mvc.ops.reports.recompute import RecomputedReport
    from mvc.ops.reports.score import ScoredFile

File = Annotated[
    str, typer.Option("--predictions", metavar="FILE", help="CSV, JSON lines or Parquet: a row for each example."),
]
Truth = Annotated[str, typer.Option("--truth", metavar="COL", help="The column of the true labels or values.")]
Predicted = Annotated[str, typer.Option("--predicted", metavar="COL", help="The column of the predicted ones.")]
Scores = Annotated[
    str, typer.Option("--score", metavar="COL[,COL...]", help="Scores: of the positive label, or of each."),
]
Positive = Annotated[str, typer.Option("--positive", metavar="LABEL", help="Which of two labels is positive.")]
Slices = Annotated[
    list[str] | None, typer.Option("--slice", metavar="COL", help="Also the metrics for each value of COL."),
]
Sensitive = Annotated[
    list[str] | None,
    typer.Option("--sensitive", metavar="COL", help="A slice; also the differences between its groups."),
]
Group = Annotated[str, typer.Option("--group", metavar="COL", help="Ranking: the query that a result belongs to.")]
Plots = Annotated[str, typer.Option("--plots", metavar="DIR", help="Draw curves and slices as SVG files in DIR.")]
Weight = Annotated[str, typer.Option("--weight", metavar="COL", help="The weight of each example.")]


@eval_.command("score")
def score(
    ctx: typer.Context,
    model: reports.Model,
    predictions: File = "",
    truth: Truth = "truth",
    predicted: Predicted = "",
    scores: Scores = "",
    positive: Positive = "",
    slices: Slices = None,
    sensitive: Sensitive = None,
    group: Group = "",
    weight: Weight = "",
    folder: Plots = "",
    tag: reports.Tag = "",
    bump: reports.Bump = "",
    metric: reports.Metrics = None,
    dataset: reports.Datasets = None,
    train: reports.Train = None,
    with_: reports.With = None,
    from_: reports.From = None,
    artifact: reports.Artifacts = None,
    param: reports.Params = None,
    task: reports.Task = None,
    text: reports.Text = None,
    assurance: reports.Vouched = "self",
    add: reports.Add = False,
    no_stage: reports.NoStage = False,
) -> int:
    """Compute metrics from a file of predictions, and write and stage the report of the model."""
    from mvc.evaluation.extra import require  # noqa: PLC0415

    require()
    from mvc.evaluation.roles import TRUTH, Roles, kind_of  # noqa: PLC0415
    from mvc.ops.reports.evaluated import examine  # noqa: PLC0415
    from mvc.ops.reports.given_metrics import given_metrics  # noqa: PLC0415
    from mvc.ops.reports.provenance import gather, here  # noqa: PLC0415
    from mvc.ops.reports.record import check, record, rehearse  # noqa: PLC0415
    from mvc.ops.reports.score import check_unchanged, score_file, write_pictures  # noqa: PLC0415

    output: Output = ctx.obj
    if not predictions:
        raise UsageError("no predictions are given", "mvc eval score MODEL --predictions FILE --bump minor")
    with opened(output) as project:
        options = reports.record_options(project, (tag, bump, assurance), dataset, train, param)._replace(
            together=tuple(project.shell.paths(with_ or [])), sources=tuple(from_ or ()),
            artifacts=tuple(project.shell.paths(artifact or [])),
            metrics=tuple(metric or ()), task=task, desc=text, stage=not no_stage,
        )
        path, file = project.shell.path(model), project.shell.path(predictions)
        check(project, path, options)
        roles = Roles(
            kind_of(task or ""), truth or TRUTH, predicted, tuple(filter(None, scores.split(","))), positive, group,
            weight, tuple(filter(None, slices or ())), tuple(filter(None, sensitive or ())),
        )
        ids = [name for name, _ in options.datasets]
        found = score_file(project, file, roles, ids)
        pictures = _pictures(project, found, folder) if folder else {}
        options = options._replace(
            measured=found.scored.metrics, predictions=found.predictions,
            artifacts=(*options.artifacts, *pictures),
        )
        given_metrics(project.around.cwd, options, ids)  # refuses what is given twice, before anything is written
        command = shlex.join(["mvc", *sys.argv[1:]])
        provenance = gather(project.git, command, here(evaluating=True), time.time(), assurance=options.assurance)
        if add and (code := reports.add_model(output, project, path, options)):
            return code
        rehearse(project, examine(project, path, options._replace(artifacts=())), options, provenance)
        if code := reports.add_path(output, project, file, stage=options.stage):
            return code
        check_unchanged(project, found.predictions)
        write_pictures(project, pictures, staged=options.stage)
        recorded = record(project, path, options, provenance)
        reports.show_recorded(output, project, recorded)
        _show_undefined(output, found.scored, has_scores=bool(roles.scores))
    return 0


@eval_.command("recompute")
def recompute(ctx: typer.Context, paths: Paths = None, json: Json = False) -> int:
    """Compute the metrics of reports again from their predictions, and compare."""
    from mvc.ops.reports.recompute import recompute as run  # noqa: PLC0415

    output: Output = ctx.obj
    with opened(output, json=json) as project:
        found = run(project, project.shell.paths(paths or []))
        if json:
            print_json(found)
        else:
            _show_recomputed(output, project, found)
    differ = any(item.differences for item in found)
    return 1 if differ else 3 if any(item.problem for item in found) else 0


def _show_recomputed(output: Output, project: Project, found: tuple[RecomputedReport, ...]) -> None:
    from mvc.quality.judge.rules.evidence import difference_text  # noqa: PLC0415

    for item in found:
        path = visible(project.shell.show(item.path))
        if item.problem:
            say(f"{path}: {item.problem}", item.fix)
            continue
        count = f"{plural(item.metrics, 'metric')} from {visible(project.shell.show(item.predictions))}"
        state = output.paint("differs", "red") if item.differences else output.paint("same", "green")
        output.line(f"{state}  {path}  {count}")
        for one in item.differences[1:]:
            say(f"{path}: {difference_text(one)}")
        for one in item.differences[:1]:
            say(f"{path}: {difference_text(one)}", item.fix)
    if not found:
        output.line("No report names predictions.")


def _pictures(project: Project, found: ScoredFile, folder: str) -> dict[str, bytes]:
    """Return the pictures by path, from the top of the worktree."""
    from mvc.ops.reports.plots import plots  # noqa: PLC0415

    path = project.shell.path(folder)
    return {f"{path}/{name}".removeprefix("/"): picture for name, picture in plots(found).items()}


def _show_undefined(output: Output, scored: Scored, *, has_scores: bool) -> None:
    found = {item.name for item in scored.metrics}
    if has_scores and "accuracy" in found and "log_loss" not in found:
        output.note("note: the scores are not probabilities: no log_loss, brier and ece")
    if names := scored.undefined:
        shown = ", ".join(map(visible, names[:3])) + (f" and {len(names) - 3:,} more" if len(names) > 3 else "")  # noqa: PLR2004
        output.note(f"note: not defined, as all is of one class: {shown}")
