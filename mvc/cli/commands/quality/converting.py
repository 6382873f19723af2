"""`mvc convert`: a model in another format, with measured parity."""

from __future__ import annotations

import shlex
import sys
import time
from typing import Annotated

import typer

from mvc.cli.app import QUALITY, app, opened
from mvc.cli.commands import eval as reports
from mvc.cli.commands.quality.predicting import Trust
from mvc.cli.output import Output

Source = Annotated[str, typer.Argument(metavar="SRC", show_default=False)]
Target = Annotated[str, typer.Argument(metavar="OUT", show_default=False)]
To = Annotated[
    str, typer.Option("--to", metavar="onnx|onnx-int8|onnx-fp16|safetensors|skops", help="The format of OUT."),
]
Data = Annotated[
    str, typer.Option("--data", metavar="SAMPLE", help="Rows on which the outputs of both are compared."),
]
Absolute = Annotated[
    float | None, typer.Option("--atol", metavar="X", help="The largest difference of a number near 0."),
]
Relative = Annotated[
    float | None, typer.Option("--rtol", metavar="X", help="What is allowed besides, as a share of the number."),
]
Agreement = Annotated[
    float | None, typer.Option("--min-agreement", metavar="X", help="The smallest share of equal labels."),
]


@app.command(rich_help_panel=QUALITY)
def convert(
    ctx: typer.Context,
    source: Source,
    target: Target,
    to: To = "",
    data: Data = "",
    atol: Absolute = None,
    rtol: Relative = None,
    agreement: Agreement = None,
    trust: Trust = False,
) -> int:
    """Write the model SRC in another format as OUT, if its outputs on SAMPLE are the same within limits; add OUT."""
    from mvc.evaluation.extra import require  # noqa: PLC0415

    require("conversions")
    from mvc.ops.lifecycle.conversion import Request, check_request, limits_of  # noqa: PLC0415
    from mvc.ops.lifecycle.convert import convert as run  # noqa: PLC0415
    from mvc.ops.remotes.content import proven  # noqa: PLC0415
    from mvc.ops.reports.converted import with_earlier  # noqa: PLC0415
    from mvc.ops.reports.options import RecordOptions  # noqa: PLC0415
    from mvc.ops.reports.provenance import gather, here  # noqa: PLC0415
    from mvc.ops.reports.record import check, record  # noqa: PLC0415
    from mvc.ops.workspace.planning.checks import check_new  # noqa: PLC0415
    from mvc.quality.reports.report import Source as Derived  # noqa: PLC0415

    output: Output = ctx.obj
    limits = limits_of(to, atol, rtol, agreement)
    with opened(output) as project:
        path = project.shell.path(target)
        request = Request(source, path, to, project.shell.path(data) if data else None, limits, trust)
        check_request(project, request)
        check_new(project, path)
        check(project, path, RecordOptions(bump="patch"))
        found = proven(project, source)
        converted = run(project, found.file, Derived(found.path, found.pointer.digest.blake3), request)
        if code := reports.add_path(output, project, path, stage=True):
            return code
        options = RecordOptions(derived=(converted.source,), measured=converted.metrics, stated=converted.samples)
        options = with_earlier(project, path, options, found.commit)
        command = shlex.join(["mvc", *sys.argv[1:]])
        provenance = gather(project.git, command, here(evaluating=True), time.time())
        reports.show_recorded(output, project, record(project, path, options, provenance))
    return 0
