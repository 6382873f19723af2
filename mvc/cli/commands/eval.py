"""`mvc eval`: records, shows, checks and signs evaluation reports."""

from __future__ import annotations

import re
import shlex
import sys
import time
from collections.abc import Sequence
from functools import partial
from math import isfinite
from typing import TYPE_CHECKING, Annotated

import typer

from mvc.cli.app import QUALITY, Group, app, opened
from mvc.cli.arguments import Json, Paths
from mvc.cli.output import Output, plural, print_json, visible
from mvc.cli.show_report import SHORT, show_metrics, show_report
from mvc.errors import UsageError
from mvc.project import Project

if TYPE_CHECKING:
    from mvc.ops.judging.check import Checked
    from mvc.ops.reports.options import RecordOptions
    from mvc.ops.reports.record import Recorded
    from mvc.ops.reports.remarks import Remark
    from mvc.ops.reports.show import Shown
    from mvc.ops.reports.sign import Signed
    from mvc.quality.reports.report import Run


eval_ = typer.Typer(cls=Group, rich_markup_mode=None, help="Record, show, check and sign evaluation reports.")
app.add_typer(eval_, name="eval", rich_help_panel=QUALITY)

Model = Annotated[str, typer.Argument(metavar="MODEL", show_default=False)]
Tag = Annotated[str, typer.Option("--tag", metavar="TAG", help="The version, such as v1.3.0.")]
Bump = Annotated[
    str, typer.Option("--bump", metavar="major|minor|patch", help="Instead of a tag: raise this part of the last one."),
]
Metrics = Annotated[
    list[str] | None, typer.Option("--metric", metavar="NAME[SLICE=VALUE]=NUMBER", help="A metric, such as auc=0.93."),
]
File = Annotated[str, typer.Option("--metrics", metavar="FILE", help="A file with metrics.")]
Higher = Annotated[
    list[str] | None, typer.Option("--higher-is-better", metavar="NAME", help="Higher is better for this metric."),
]
Lower = Annotated[
    list[str] | None, typer.Option("--lower-is-better", metavar="NAME", help="Lower is better for this metric."),
]
Datasets = Annotated[
    list[str] | None, typer.Option("--dataset", metavar="ID=PATH", help="Data that the model was evaluated on."),
]
Train = Annotated[list[str] | None, typer.Option("--train", metavar="PATH", help="Data that the model was trained on.")]
With = Annotated[
    list[str] | None, typer.Option("--with", metavar="PATH", help="Other input of the evaluation: a tokenizer."),
]
From = Annotated[list[str] | None, typer.Option("--from", metavar="REF", help="What the model was derived from.")]
Artifacts = Annotated[
    list[str] | None, typer.Option("--artifact", metavar="PATH", help="A file that the evaluation wrote: a picture."),
]
Params = Annotated[list[str] | None, typer.Option("--param", metavar="K=V", help="A parameter of the evaluation.")]
RunOf = Annotated[
    str, typer.Option("--run", metavar="KIND:ID", help="The run that it comes from, such as mlflow:ID."),
]
Task = Annotated[str | None, typer.Option("--task", metavar="T", help="The task of the model.")]
Text = Annotated[str | None, typer.Option("-m", metavar="TEXT", help="Describe the model.")]
Vouched = Annotated[
    str, typer.Option("--assurance", metavar="self|ci|third-party", help="Who vouches for it; counts once signed."),
]
Add = Annotated[bool, typer.Option("--add", help="First add the model, as `mvc add` does.")]
NoStage = Annotated[bool, typer.Option("--no-stage", help="Leave Git's index alone.")]


@eval_.command("record")
def record(
    ctx: typer.Context,
    model: Model,
    tag: Tag = "",
    bump: Bump = "",
    metric: Metrics = None,
    metrics: File = "",
    higher: Higher = None,
    lower: Lower = None,
    dataset: Datasets = None,
    train: Train = None,
    with_: With = None,
    from_: From = None,
    artifact: Artifacts = None,
    param: Params = None,
    run_of: RunOf = "",
    task: Task = None,
    text: Text = None,
    assurance: Vouched = "self",
    add: Add = False,
    no_stage: NoStage = False,
) -> int:
    """Write and stage the report of a model, bound to its current content."""
    from mvc.ops.reports.provenance import gather, here  # noqa: PLC0415
    from mvc.ops.reports.record import record as run  # noqa: PLC0415

    output: Output = ctx.obj
    with opened(output) as project:
        options = record_options(project, (tag, bump, assurance), dataset, train, param)._replace(
            together=tuple(project.shell.paths(with_ or [])), sources=tuple(from_ or ()),
            artifacts=tuple(project.shell.paths(artifact or [])),
            metrics=tuple(metric or ()), file=metrics, higher=tuple(higher or ()), lower=tuple(lower or ()),
            task=task, desc=text, stage=not no_stage, run=_run_of(project, run_of),
        )
        command = shlex.join(["mvc", *sys.argv[1:]])
        environment = None if metrics else here(evaluating=False)  # a file may come from another machine
        provenance = gather(project.git, command, environment, time.time(), assurance=options.assurance)
        path = project.shell.path(model)
        if add and (code := add_model(output, project, path, options)):
            return code
        show_recorded(output, project, run(project, path, options, provenance))
    return 0


def add_model(output: Output, project: Project, path: str, options: RecordOptions) -> int:
    """Add the model, once the options are checked; return the exit code."""
    from mvc.ops.reports.record import check  # noqa: PLC0415
    from mvc.ops.shared.reports import model_of  # noqa: PLC0415

    check(project, path, options)
    return add_path(output, project, model_of(path), stage=options.stage)


def add_path(output: Output, project: Project, path: str, *, stage: bool) -> int:
    """Add a path as `mvc add` does; return the exit code."""
    from mvc.cli.failures import say_all  # noqa: PLC0415
    from mvc.cli.show import show_added  # noqa: PLC0415
    from mvc.ops.workspace.add import AddOptions  # noqa: PLC0415
    from mvc.ops.workspace.add import add as run  # noqa: PLC0415

    result = run(project, [path], AddOptions(stage=stage))
    show_added(output, project, result)
    return say_all(result.failed, silent=False)


@eval_.command("run")
def run(
    ctx: typer.Context,
    model: Model,
    command: Annotated[list[str], typer.Argument(metavar="-- COMMAND...", show_default=False)],
    tag: Tag = "",
    bump: Bump = "",
    metric: Metrics = None,
    metrics: File = "",
    higher: Higher = None,
    lower: Lower = None,
    dataset: Datasets = None,
    train: Train = None,
    with_: With = None,
    from_: From = None,
    artifact: Artifacts = None,
    param: Params = None,
    task: Task = None,
    text: Text = None,
    assurance: Vouched = "self",
    no_stage: NoStage = False,
) -> None:
    """Run COMMAND with MVC_MODEL and MVC_METRICS set, and record the metrics it writes."""
    from mvc.ops.reports.run import run as run_  # noqa: PLC0415

    output: Output = ctx.obj
    with opened(output) as project:
        options = record_options(project, (tag, bump, assurance), dataset, train, param)._replace(
            together=tuple(project.shell.paths(with_ or [])), sources=tuple(from_ or ()),
            artifacts=tuple(project.shell.paths(artifact or [])),
            metrics=tuple(metric or ()), file=metrics, higher=tuple(higher or ()), lower=tuple(lower or ()),
            task=task, desc=text, stage=not no_stage,
        )
        warn = partial(show_remarks, output)
        path = project.shell.path(model)
        show_recorded(output, project, run_(project, path, command, options, time.time(), warn))


def record_options(
    project: Project,
    claims: tuple[str, str, str],
    datasets: list[str] | None,
    train: list[str] | None,
    params: list[str] | None,
) -> RecordOptions:
    """Return the options that `record` and `run` parse alike, with paths from the top of the worktree."""
    from mvc.ops.reports.options import RecordOptions  # noqa: PLC0415
    from mvc.quality.policy.stricter import ASSURANCE  # noqa: PLC0415

    tag, bump, assurance = claims
    if bump not in ("", "major", "minor", "patch"):
        raise UsageError(f"--bump {bump}: expected major, minor or patch", "--bump minor")
    if assurance not in ASSURANCE:
        raise UsageError(f"--assurance {assurance}: expected {', '.join(ASSURANCE)}", "mvc eval run --help")
    return RecordOptions(
        tag,
        bump or None,  # type: ignore[arg-type]  # one of the three
        datasets=tuple((name, project.shell.path(path)) for name, path in _pairs("--dataset", "ID=PATH", datasets)),
        train=tuple(project.shell.paths(train or [])),
        params=tuple((name, _value(value)) for name, value in _pairs("--param", "K=V", params)),
        assurance=assurance,  # type: ignore[arg-type]  # as is this
    )


def _run_of(project: Project, text: str) -> Run | None:
    """Return the run that `KIND:ID` names, with its page if the environment names the server."""
    from mvc.ops.interop.mlflow.server import run_url  # noqa: PLC0415
    from mvc.quality.reports.report import Run  # noqa: PLC0415

    if not text:
        return None
    kind, _, name = text.partition(":")
    if not re.fullmatch(r"[a-z][a-z0-9-]*", kind) or not name or not name.isprintable():
        raise UsageError(f"--run {text}: expected KIND:ID", "--run mlflow:ID")
    return Run(kind, name, run_url(project.around.environ, name) if kind == "mlflow" else "")


def _pairs(option: str, form: str, texts: list[str] | None) -> list[tuple[str, str]]:
    pairs = []
    for text in texts or ():
        name, equals, value = text.partition("=")
        if not name or not equals or (not value and form == "ID=PATH"):
            raise UsageError(f"{option} {text}: expected {form}", f"{option} {form}")
        pairs.append((name, value))
    return pairs


def _value(text: str) -> str | int | float | bool:
    """Return `42`, `1e-4` and `true` as number or Boolean, anything else as text."""
    if re.fullmatch(r"-?(?:0|[1-9][0-9]{0,17})", text, re.ASCII):
        return int(text)
    if re.fullmatch(r"-?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]{1,3})?", text, re.ASCII):
        return float(text) if isfinite(float(text)) else text
    return {"true": True, "false": False}.get(text, text)


def show_recorded(output: Output, project: Project, result: Recorded) -> None:
    """Print what was recorded, with warnings, and the next line to type."""
    from mvc.scm.index import commit_line  # noqa: PLC0415

    report = result.report
    count = plural(len(report.metrics), "metric")
    file = visible(project.shell.show(result.file))
    output.line(f"{output.paint('recorded', 'green')} {file} ({visible(report.tag)}, {count})")
    show_metrics(output, report.metrics)
    show_remarks(output, result.remarks)
    if any(remark.refused for remark in result.remarks):
        return
    if result.unstaged:
        output.line(f"Next: {visible(project.shell.line('git add --', *result.unstaged))}")
    else:
        output.line(f"Next: {commit_line(project.git, '1 report')}")


def show_remarks(output: Output, remarks: Sequence[Remark]) -> None:
    """Print warnings on stderr."""
    for remark in remarks:
        output.note(f"{output.paint('warning', 'yellow')}: {visible(remark.message)}")
        if remark.fix:
            output.note(f"  try: {visible(remark.fix)}")


# Showing.


@eval_.command("show")
def show(
    ctx: typer.Context, ref: Annotated[str, typer.Argument(metavar="REF", show_default=False)], json: Json = False,
) -> None:
    """Show the report of a model: of PATH, or REV:PATH."""
    from mvc.ops.reports.show import show as run_  # noqa: PLC0415

    output: Output = ctx.obj
    with opened(output, json=json) as project:
        result = run_(project, ref)
        if json:
            _print_report(result)
        else:
            show_report(output, project, result)


def _print_report(result: Shown) -> None:
    from mvc.quality.reports.report_document import plain  # noqa: PLC0415

    print_json({**result._asdict(), "report": plain(result.report)})


@eval_.command("check")
def check(ctx: typer.Context, paths: Paths = None, json: Json = False) -> int:
    """Judge reports and pointers as they lie in the workspace, as the hook does with what is staged."""
    from mvc.ops.judging.check import check as run  # noqa: PLC0415

    output: Output = ctx.obj
    with opened(output, json=json) as project:
        result = run(project, project.shell.paths(paths or []), time.time())
        if json:
            print_json(result)
        else:
            _show_checked(output, project, result)
    return 0 if result.passed else 1


def _show_checked(output: Output, project: Project, result: Checked) -> None:
    from mvc.ops.shared.finding_lines import relative_findings  # noqa: PLC0415
    from mvc.quality.render.text import explain_line, render  # noqa: PLC0415

    for line in render(relative_findings(project.shell, result.findings), quiet=output.quiet):
        print(line, file=sys.stderr)
    count = sum(finding.severity == "error" for finding in result.findings)
    output.line(f"{plural(len(result.models), 'model')}: {plural(count, 'error') if count else 'no errors'}.")
    if count:
        output.line(f"Next: {explain_line(result.findings)}")


@eval_.command("sign")
def sign(
    ctx: typer.Context,
    path: Annotated[str, typer.Argument(metavar="MODEL", show_default=False)],
    key: Annotated[
        str | None, typer.Option("--key", metavar="K", help="An SSH key file; default: Git's user.signingkey."),
    ] = None,
    base: Annotated[
        str | None, typer.Option("--base", metavar="REV", help="For policy files: sign the change since REV."),
    ] = None,
    json: Json = False,
) -> None:
    """Sign the report of a model, or a change of a policy file, with an SSH key."""
    from mvc.ops.reports.sign import eval_sign  # noqa: PLC0415

    output: Output = ctx.obj
    with opened(output, json=json) as project:
        signed = eval_sign(project, path, key, base)
        if json:
            print_json(signed)
        else:
            _show_signed(output, project, signed)


def _show_signed(output: Output, project: Project, signed: Signed) -> None:
    what, file = visible(project.shell.show(signed.path)), visible(project.shell.show(signed.file))
    since = f", changed since {signed.base[:SHORT]}" if signed.base else ""
    for reason in signed.weakens:
        output.note(f"  weaker: {visible(reason)}")
    output.line(f"Signed {what}{since}: {plural(signed.signatures, 'signature')} in {file}")
    output.line(f"  by {signed.key}")
    if signed.dropped:
        output.line(f"  removed {plural(signed.dropped, 'signature')} that no longer matched")
    if not signed.staged:
        output.note(f"warning: the staged {what} differs from what was signed")
        output.note(f"  try: {visible(project.shell.line('git add', signed.path))}")
