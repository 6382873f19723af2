"""`mvc register`, `promote`, `rollback`, `retire`, `deprecate`, `which`, `history` and `models`."""

from __future__ import annotations

import sys
import time
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from mvc.cli.app import VERSIONS, app, opened
from mvc.cli.arguments import Json
from mvc.cli.output import Output, columns, minute, print_json, visible
from mvc.errors import UsageError
from mvc.project import Project

if TYPE_CHECKING:
    from mvc.ops.versions.history import HistoryEntry
    from mvc.ops.versions.models import ModelSummary
    from mvc.ops.versions.which import Held, WhichFile
    from mvc.ops.versions.writing import Written

Name = Annotated[str, typer.Argument(metavar="NAME", show_default=False)]
Reference = Annotated[str, typer.Argument(metavar="NAME@VERSION", show_default=False)]
Stage = Annotated[str, typer.Argument(metavar="STAGE", show_default=False)]
Message = Annotated[str, typer.Option("-m", metavar="TEXT", help="Why, as part of the tag.")]
Push = Annotated[bool, typer.Option("--push", help="Push the tag, unless the remote has one of that name.")]


@app.command(rich_help_panel=VERSIONS)
def register(
    ctx: typer.Context,
    name: Name,
    version: Annotated[str, typer.Argument(metavar="[VERSION]", show_default=False)] = "",
    rev: Annotated[str, typer.Option(metavar="REV", help="Register the model of this commit, not of HEAD.")] = "",
    bump: Annotated[
        str | None, typer.Option(metavar="major|minor|patch", help="Count from the highest version."),
    ] = None,
    message: Message = "",
    push: Push = False,
    json: Json = False,
) -> int:
    """Give a committed model a version, if it passes the policy."""
    from mvc.ops.versions.register import RegisterOptions  # noqa: PLC0415
    from mvc.ops.versions.register import register as run  # noqa: PLC0415

    if bump not in (None, "major", "minor", "patch"):
        raise UsageError(f"invalid bump {bump!r}: expected major, minor or patch", "mvc register NAME --bump minor")
    output: Output = ctx.obj
    with opened(output, json=json) as project:
        options = RegisterOptions(version, bump, rev, message, push)  # type: ignore[arg-type]  # checked above
        return _written(output, project, run(project, name, options, time.time()), json=json)


@app.command(rich_help_panel=VERSIONS)
def promote(
    ctx: typer.Context, reference: Reference, stage: Stage, message: Message = "", push: Push = False,
    json: Json = False,
) -> int:
    """Give a stage a version, if it passes the policy and what the stage demands."""
    from mvc.ops.versions.stages import EventOptions  # noqa: PLC0415
    from mvc.ops.versions.stages import promote as run  # noqa: PLC0415

    output: Output = ctx.obj
    with opened(output, json=json) as project:
        done = run(project, reference, stage, EventOptions(message, push), time.time())
        return _written(output, project, done, json=json)


@app.command(rich_help_panel=VERSIONS)
def rollback(
    ctx: typer.Context, name: Name, stage: Stage,
    to: Annotated[str, typer.Option(metavar="VERSION", help="The version, if not the one before.")] = "",
    message: Message = "", push: Push = False, json: Json = False,
) -> int:
    """Give a stage the version that it held before."""
    from mvc.ops.versions.stages import EventOptions  # noqa: PLC0415
    from mvc.ops.versions.stages import rollback as run  # noqa: PLC0415

    output: Output = ctx.obj
    with opened(output, json=json) as project:
        done = run(project, name, stage, to, EventOptions(message, push), time.time())
        return _written(output, project, done, json=json)


@app.command(rich_help_panel=VERSIONS)
def retire(
    ctx: typer.Context, reference: Reference,
    force: Annotated[bool, typer.Option("--force", help="Even if a stage holds it; needs -m.")] = False,
    message: Message = "", push: Push = False, json: Json = False,
) -> int:
    """Mark a version that nobody should use any more."""
    from mvc.ops.versions.retire import retire as run  # noqa: PLC0415
    from mvc.ops.versions.stages import EventOptions  # noqa: PLC0415

    output: Output = ctx.obj
    with opened(output, json=json) as project:
        done = run(project, reference, EventOptions(message, push), time.time(), force=force)
        return _written(output, project, done, json=json)


@app.command(rich_help_panel=VERSIONS)
def deprecate(
    ctx: typer.Context, name: Name, message: Message = "", push: Push = False, json: Json = False,
) -> int:
    """Mark a model that nobody should use any more."""
    from mvc.ops.versions.retire import deprecate as run  # noqa: PLC0415
    from mvc.ops.versions.stages import EventOptions  # noqa: PLC0415

    output: Output = ctx.obj
    with opened(output, json=json) as project:
        return _written(output, project, run(project, name, EventOptions(message, push), time.time()), json=json)


def _written(output: Output, project: Project, done: Written, *, json: bool) -> int:
    """Print the event that was made, or why there is none; return the exit code."""
    from mvc.ops.shared.finding_lines import relative_findings  # noqa: PLC0415

    findings = relative_findings(project.shell, done.findings)
    if json:
        print_json(done._replace(findings=findings))
    else:
        from mvc.quality.render.text import explain_line, render  # noqa: PLC0415

        for line in render(findings, quiet=output.quiet):
            print(line, file=sys.stderr)
        if done.refused:
            output.note(f"No tag was made. Next: {explain_line(findings)}")
        else:
            _show_written(output, done)
    return 1 if done.refused else 0


def _show_written(output: Output, done: Written) -> None:
    if not done.tag:
        output.line(f"{visible(done.name)}#{visible(done.stage)} holds {done.version} already.")
        return
    pushed = f", pushed to {visible(done.pushed)}" if done.pushed else ""
    what = f"{visible(done.path)} {done.blake3[:12]} of commit {done.commit[:12]}"
    output.line(f"{output.paint('tagged', 'green')} {visible(done.tag)}: {what}{pushed}")
    if done.push_line:
        output.line(f"Next: {visible(done.push_line)}")


# What there is.


@app.command(rich_help_panel=VERSIONS)
def which(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="[NAME]", show_default=False)] = "",
    stage: Annotated[str, typer.Argument(metavar="[STAGE]", show_default=False)] = "",
    at: Annotated[str, typer.Option("--at", metavar="DATE", help="What it held then; a day means its end.")] = "",
    file: Annotated[str, typer.Option("--file", metavar="PATH", help="Which version this file or directory is.")] = "",
    json: Json = False,
) -> None:
    """Show what a stage holds, or held; or which version a file is."""
    from mvc.ops.versions.which import which as run  # noqa: PLC0415
    from mvc.ops.versions.which import which_file  # noqa: PLC0415

    output: Output = ctx.obj
    if bool(name) == bool(file) or (file and at):
        raise UsageError("which needs either NAME or --file PATH", "mvc which NAME STAGE  # or mvc which --file PATH")
    with opened(output, json=json) as project:
        if file:
            found = which_file(project, file)
            print_json(found) if json else _show_file(output, found)
            return
        held = run(project, name, stage, at)
        if json:
            print_json(held[0] if stage else held)
        else:
            _show_held(output, name, held)


def _show_held(output: Output, name: str, held: tuple[Held, ...]) -> None:
    if not held:
        output.line(f"{visible(name)} is in no stage.")
    for item in held:
        short = None if output.verbose else 12
        version = item.version or "a commit without a version"
        output.line(f"{visible(item.name)}#{visible(item.stage)}  {output.paint(version, 'green')}")
        output.line(f"    {visible(item.path)}  blake3 {item.blake3[:short]}, report {item.report[:short] or 'none'}")
        output.line(f"    commit {item.commit[:short]}, since {minute(item.date)} by {visible(item.author)}")
        if item.artifacts:
            output.line(f"    artifact {item.artifacts[-1]}")
        if item.message:
            output.line(f"    {visible(item.message)}")


def _show_file(output: Output, found: WhichFile) -> None:
    for item in found.versions:
        version = output.paint(f"{item.name}@{item.version}", "green")
        notes = ["not registered"] * (not item.registered) + ["retired"] * item.retired
        notes += [f"in {', '.join(item.stages)}"] if item.stages else []
        remark = f"  ({visible('; '.join(notes))})" if notes else ""
        output.line(f"{visible(found.path)} is {version}: {visible(item.path)} of commit {item.commit[:12]}{remark}")


@app.command(rich_help_panel=VERSIONS)
def history(ctx: typer.Context, name: Name, json: Json = False) -> None:
    """Show all that was done to a model's versions and stages, newest first."""
    from mvc.ops.versions.history import history as run  # noqa: PLC0415

    output: Output = ctx.obj
    with opened(output, json=json) as project:
        entries = run(project, name)
        if json:
            print_json(entries)
        else:
            _show_history(output, entries)


def _show_history(output: Output, entries: tuple[HistoryEntry, ...]) -> None:
    rows = [
        (minute(item.date), item.event, item.version or item.commit[:12], visible(item.stage), visible(item.author),
         "signed" if item.signed else "", visible(item.message.partition("\n")[0]))
        for item in entries
    ]
    for line in columns(rows):
        output.line(line)


@app.command(rich_help_panel=VERSIONS)
def models(
    ctx: typer.Context,
    by: Annotated[str, typer.Option("--by", metavar="METRIC", help="Sort by this metric, the best first.")] = "",
    json: Json = False,
) -> None:
    """List the registered models: latest version, metrics, stages, age."""
    from mvc.ops.versions.models import models as run  # noqa: PLC0415

    output: Output = ctx.obj
    with opened(output, json=json) as project:
        found = run(project, by)
        if json:
            print_json(found)
        elif found:
            _show_models(output, found, by)
        else:
            output.line("No version is registered. Next: mvc register NAME")


_FEW_METRICS = 3


def _show_models(output: Output, found: tuple[ModelSummary, ...], by: str) -> None:
    from mvc.quality.judge.rules.trust import span  # noqa: PLC0415

    rows = [("MODEL", "LATEST", "STAGES", "METRICS", "AGE")]
    for item in found:
        metrics = sorted(item.metrics.items(), key=lambda pair: pair[0] != by)
        shown = metrics if output.verbose else metrics[:_FEW_METRICS]
        stages = ", ".join(f"{stage} {version or '?'}" for stage, version in item.stages.items())
        age = span(max(0, time.time() - datetime.fromisoformat(item.date).timestamp())) if item.date else ""
        rows.append((
            visible(item.name), item.version or "retired", visible(stages) or "-",
            visible(", ".join(f"{name} {value:.6g}" for name, value in shown)) or "-",
            f"{age}, deprecated" if item.deprecated else age,
        ))
    for line in columns(rows):
        output.line(line)
    for item in found:
        if item.problem:
            output.note(f"note: {visible(item.name)}: {visible(item.problem)}")
