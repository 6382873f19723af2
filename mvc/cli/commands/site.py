"""`mvc site`."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Annotated

import typer

from mvc.cli.app import VERSIONS, app, opened
from mvc.cli.arguments import Json
from mvc.cli.output import Output, plural, print_json, visible
from mvc.errors import UsageError

if TYPE_CHECKING:
    from mvc.ops.lifecycle.site.build import Built, Request
    from mvc.project import Project

_PORT = 8000


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
    serve: Annotated[
        bool, typer.Option("--serve", help="Show it to browsers on this machine, and build it again when refs change."),
    ] = False,
    port: Annotated[
        int | None,
        typer.Option(
            "--port", metavar="N", min=0, max=65535, help="The port of --serve, by default 8000; 0 for a free one.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Build the registry as static pages: models, versions, metrics, stages, lineage, audit, search."""
    from mvc.ops.lifecycle.site.build import Request, build  # noqa: PLC0415

    output: Output = ctx.obj
    if not target and not serve:
        raise UsageError("no directory for the site is given", "mvc site -o DIR")
    if serve and json:
        raise UsageError("--serve and --json exclude each other", "mvc site --serve")
    if port is not None and not serve:
        raise UsageError("--port is for --serve", "mvc site --serve")
    with opened(output, json=json) as project, _folder(target) as folder:
        request = Request(folder, target or folder, since, base_url, os.cpu_count() or 1)
        found = build(project, request, time.time())
        if json:
            print_json(found)
        else:
            _show(output, found)
        if serve:
            _serve(output, project, request, _PORT if port is None else port)


@contextmanager
def _folder(target: str) -> Iterator[str]:
    """Return the full path of the directory; a temporary one without a name."""
    if target:
        yield os.path.abspath(target)
        return
    with tempfile.TemporaryDirectory(prefix="mvc-site-") as folder:
        yield folder


def _serve(output: Output, project: Project, request: Request, port: int) -> None:
    from mvc.ops.lifecycle.site.build import build  # noqa: PLC0415
    from mvc.ops.lifecycle.site.serve import HOST, Rebuilder, serving  # noqa: PLC0415

    rebuild = Rebuilder(
        project.git, lambda: build(project, request._replace(jobs=1), time.time()),
        lambda error: output.note(f"error: {visible(error.message)}"),
    )
    with serving(request.folder, port, rebuild) as server, suppress(KeyboardInterrupt):
        output.line(f"serving http://{HOST}:{server.server_port}/index.html until Ctrl-C")
        sys.stdout.flush()
        server.serve_forever()


def _show(output: Output, found: Built) -> None:
    what = f"{plural(found.models, 'model')}, {plural(found.versions, 'version')}, {plural(found.pages, 'file')}"
    output.line(f"{output.paint('built', 'green')} {visible(found.folder)} ({what}; {found.written:,} written)")
