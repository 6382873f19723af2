"""`mvc get`: content from another repository."""

from __future__ import annotations

from typing import Annotated

import typer

from mvc.cli.app import REMOTES, app, around
from mvc.cli.output import Output, size, visible


@app.command(rich_help_panel=REMOTES)
def get(
    ctx: typer.Context,
    repository: Annotated[str, typer.Argument(metavar="REPO", show_default=False)],
    reference: Annotated[str, typer.Argument(metavar="REF", show_default=False)],
    out: Annotated[str, typer.Option("-o", "--out", metavar="OUT", help="Write to OUT.")] = "",
    remote: Annotated[str | None, typer.Option("-r", "--remote", metavar="NAME", help="Use this remote of it.")] = None,
) -> None:
    """Write content of another repository, a path or URL, without a checkout of it."""
    from mvc.ops.get import get as run  # noqa: PLC0415

    output: Output = ctx.obj
    got = run(around(output), repository, reference, out, remote)
    output.line(f"{visible(got.path)} is in {visible(got.out)} ({size(got.size)})")
