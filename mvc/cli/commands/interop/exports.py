"""`mvc export`."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from mvc.cli.app import ELSEWHERE, Group, app, opened
from mvc.cli.output import Output, visible, write_file

export = typer.Typer(cls=Group, rich_markup_mode=None, help="Write what another program reads.")
app.add_typer(export, name="export", rich_help_panel=ELSEWHERE)


@export.command("card")
def card(
    ctx: typer.Context, reference: Annotated[str, typer.Argument(metavar="NAME@VERSION", show_default=False)],
) -> None:
    """Write a model card of Hugging Face from a version: README.md here."""
    from mvc.ops.interop.export_card import export_card as run  # noqa: PLC0415

    output: Output = ctx.obj
    with opened(output) as project:
        result = run(project, reference)
        write_file(result.file, result.content)
        done = output.paint("wrote", "green")
        output.line(f"{done} {visible(os.path.basename(result.file))}: {visible(result.rev)}")
