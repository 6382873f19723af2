"""`mvc export`."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from mvc.cli.app import ELSEWHERE, Group, app, opened
from mvc.cli.failures import say
from mvc.cli.output import Output, plural, size, visible, write_file

export = typer.Typer(cls=Group, rich_markup_mode=None, help="Write what another program reads.")
app.add_typer(export, name="export", rich_help_panel=ELSEWHERE)


@export.command("dvc")
def dvc(ctx: typer.Context) -> int:
    """Write .dvc files and DVC's cache, with which DVC goes on."""
    from mvc.ops.interop.dvc.export_dvc import export_dvc as run  # noqa: PLC0415
    from mvc.scm.index import commit_line, has_staged  # noqa: PLC0415

    output: Output = ctx.obj
    with opened(output) as project:
        result = run(project)
        for item in output.few(result.exported):
            files = f", {plural(item.files, 'file')}" if item.files > 1 else ""
            done = output.paint("exported", "green")
            output.line(f"{done} {visible(project.shell.show(item.path))} ({size(item.size)}{files})")
        output.rest(result.exported, "path")
        for failure in result.failed:
            say(failure.message, failure.fix)
        if has_staged(project.git, ":(top)"):
            output.line(f"Next: {commit_line(project.git)}")
    return result.exit_code


@export.command("card")
def card(
    ctx: typer.Context, reference: Annotated[str, typer.Argument(metavar="NAME@VERSION", show_default=False)],
) -> None:
    """Write a model card of Hugging Face from a version: README.md here, and .eval_results."""
    from mvc.ops.interop.export_card import export_card as run  # noqa: PLC0415

    output: Output = ctx.obj
    with opened(output) as project:
        result = run(project, reference)
        for name, content in result.files.items():
            file = f"{project.around.cwd}/{name}"
            os.makedirs(os.path.dirname(file), exist_ok=True)
            write_file(file, content)
            output.line(f"{output.paint('wrote', 'green')} {visible(name)}: {visible(result.rev)}")


@export.command("mlflow")
def mlflow(
    ctx: typer.Context, reference: Annotated[str, typer.Argument(metavar="NAME@VERSION", show_default=False)],
) -> None:
    """Register a version on an MLflow server, with its digests as tags and its stages as aliases."""
    from mvc.ops.interop.mlflow.export_mlflow import export_mlflow  # noqa: PLC0415

    output: Output = ctx.obj
    with opened(output) as project:
        result = export_mlflow(project, reference)
        done = output.paint("exported", "green") if result.created or result.changes else "unchanged"
        held = f" ({', '.join(result.aliases)})" if result.aliases else ""
        here, there = f"{result.name}@{result.version}", f"version {result.number} of {result.name}"
        output.line(f"{done} {visible(here)}: {visible(f'{there}{held}, {result.url}')}")
        for stage in result.left_out:
            output.note(f"note: the stage {visible(stage)} cannot be an alias in MLflow")
