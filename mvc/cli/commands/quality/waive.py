"""`mvc waive`: accept a finding of a model until a day; list the waivers."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from mvc.cli.app import QUALITY, app, opened
from mvc.cli.arguments import Json
from mvc.cli.commands.help import find_code
from mvc.cli.output import Output, columns, print_json, visible
from mvc.errors import UsageError
from mvc.project import Project

_LINE = "mvc waive CODE PATH --reason TEXT --expires DATE"


@app.command(rich_help_panel=QUALITY)
def waive(
    ctx: typer.Context,
    code: Annotated[str, typer.Argument(metavar="[CODE]", show_default=False)] = "",
    path: Annotated[str, typer.Argument(metavar="[PATH]", show_default=False)] = "",
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why the finding is accepted.")] = "",
    expires: Annotated[str, typer.Option("--expires", metavar="DATE", help="The last day, such as 2027-01-31.")] = "",
    owner: Annotated[str, typer.Option("--owner", metavar="WHO", help="Who accepts it; by default Git's user.")] = "",
    listed: Annotated[bool, typer.Option("--list", help="List the waivers.")] = False,
    json: Json = False,
) -> None:
    """Accept a finding of a model and its report as they are, until a day."""
    output: Output = ctx.obj
    given = [code, path, reason, expires]
    if listed and any([*given, owner]):
        raise UsageError("--list takes no other arguments", "mvc waive --list")
    if not listed and (json or not all([code, path, expires])):
        raise UsageError("CODE, PATH, --reason and --expires are needed; --json is for --list", _LINE)
    with opened(output, json=json) as project:
        if listed:
            _list(output, project, json=json)
        else:
            _write(output, project, find_code(code).code, path, reason, expires, owner)


def _write(output: Output, project: Project, code: str, path: str, *options: str) -> None:
    from mvc.ops.judging.waive import WaiveOptions  # noqa: PLC0415
    from mvc.ops.judging.waive import waive as run  # noqa: PLC0415
    from mvc.quality.files import WAIVERS  # noqa: PLC0415
    from mvc.scm.index import commit_line  # noqa: PLC0415

    done = run(project, code, path, WaiveOptions(*options), time.time())
    waiver = done.waiver
    shown, file = visible(project.shell.show(waiver.path)), visible(project.shell.show(WAIVERS))
    if not done.is_found:
        warning = output.paint("warning", "yellow")
        output.note(f"{warning}: mvc eval check has no {code} for {shown}: the waiver only counts if the gate finds it")
    if not done.is_new:
        output.line(f"already there: {file} waives {code} for {shown} until {waiver.expires}")
        return
    output.line(f"{output.paint('waived', 'green')} {code} for {shown} until {waiver.expires}, in {file}")
    output.line("It counts in the hook once it is committed, and at the gate once it is on the target branch.")
    output.line(f"Next: {commit_line(project.git, '1 waiver')}")


def _list(output: Output, project: Project, *, json: bool) -> None:
    from mvc.ops.shared.evidence.listed_waivers import list_waivers  # noqa: PLC0415

    found = list_waivers(project, time.time())
    if json:
        print_json(found)
        return
    if not found:
        output.line("No waivers.")
    colors = {"valid": "green", "expired": "red", "outdated": "yellow"}
    rows = [
        (item.state, item.code, visible(project.shell.show(item.path)) if item.path else "(any path)",
         visible(item.tag), visible(item.owner), item.expires, visible(item.reason))
        for item in found
    ]
    for line, item in zip(columns(rows) if rows else (), found, strict=True):
        output.line(output.paint(item.state, colors[item.state]) + line[len(item.state) :])
