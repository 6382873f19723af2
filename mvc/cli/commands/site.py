"""`mvc site`."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Annotated

import typer

from mvc.cli.app import VERSIONS, app, opened
from mvc.cli.arguments import Json
from mvc.cli.output import Output, plural, print_json, visible
from mvc.errors import UsageError

if TYPE_CHECKING:
    from mvc.ops.lifecycle.site.build import Built


@app.command(rich_help_panel=VERSIONS)
def site(
    ctx: typer.Context,
    target: Annotated[str, typer.Option("-o", "--output", metavar="DIR", help="The directory to build it in.")] = "",
    since: Annotated[
        str, typer.Option("--since", metavar="REV", help="Leave out versions before REV that no stage holds."),
    ] = "",
    base_url: Annotated[
        str, typer.Option("--base-url", metavar="URL", help="Where it will be published: for badges and links to it."),
    ] = "",
    json: Json = False,
) -> None:
    """Build the registry as static pages: models, versions, metrics, stages, lineage, audit, search."""
    from mvc.ops.lifecycle.site.build import Request, build  # noqa: PLC0415

    output: Output = ctx.obj
    if not target:
        raise UsageError("no directory for the site is given", "mvc site -o DIR")
    with opened(output, json=json) as project:
        request = Request(os.path.abspath(target), target, since, base_url, os.cpu_count() or 1)
        found = build(project, request, time.time())
        if json:
            print_json(found)
        else:
            _show(output, found)


def _show(output: Output, found: Built) -> None:
    what = f"{plural(found.models, 'model')}, {plural(found.versions, 'version')}, {plural(found.pages, 'file')}"
    output.line(f"{output.paint('built', 'green')} {visible(found.folder)} ({what}; {found.written:,} written)")
