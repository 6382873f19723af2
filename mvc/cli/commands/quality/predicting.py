"""`mvc eval predict`: predictions of a model, as a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from mvc.cli.app import opened
from mvc.cli.commands import eval as reports
from mvc.cli.commands.eval import eval_
from mvc.cli.commands.quality import scoring  # noqa: F401 - its commands
from mvc.cli.output import Output, plural, visible
from mvc.errors import UsageError
from mvc.project import Project

if TYPE_CHECKING:
    from mvc.ops.lifecycle.predict import Predicted

Data = Annotated[str, typer.Argument(metavar="DATA", show_default=False)]
Target = Annotated[
    str, typer.Option("-o", "--output", metavar="FILE", help="The file to write: CSV, JSON lines or Parquet."),
]
Loader = Annotated[
    str, typer.Option("--loader", metavar="MODULE:FUNCTION", help="Your function that loads the model."),
]
Trust = Annotated[bool, typer.Option("--trust", help="Load a model that may run code of its author.")]


@eval_.command("predict")
def predict(
    ctx: typer.Context,
    model: reports.Model,
    data: Data,
    target: Target = "",
    loader: Loader = "",
    trust: Trust = False,
) -> None:
    """Write the predictions of a model for each row of DATA: the rows, and columns that `eval score` reads."""
    from mvc.evaluation.extra import require  # noqa: PLC0415

    require()
    from mvc.ops.lifecycle.predict import Request  # noqa: PLC0415
    from mvc.ops.lifecycle.predict import predict as run  # noqa: PLC0415
    from mvc.ops.remotes.content import proven  # noqa: PLC0415

    output: Output = ctx.obj
    if not target:
        raise UsageError("no file for the predictions is given", "mvc eval predict MODEL DATA -o FILE.parquet")
    with opened(output) as project:
        request = Request(model, project.shell.path(data), project.shell.path(target), trust, loader)
        found = run(project, proven(project, model).file, request)
        _show(output, project, found)


def _show(output: Output, project: Project, found: Predicted) -> None:
    file = visible(project.shell.show(found.file))
    shown = output.few(found.columns)
    columns = ", ".join(map(visible, shown)) + ", ..." * (len(shown) < len(found.columns))
    output.line(f"{output.paint('wrote', 'green')} {file} ({plural(found.rows, 'row')}, with {columns})")
