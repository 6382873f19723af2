"""`mvc audit`."""

from __future__ import annotations

import csv
import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer

from mvc.cli.app import VERSIONS, app, opened
from mvc.cli.arguments import Json
from mvc.cli.output import Output, columns, minute, print_json, visible
from mvc.errors import UsageError

if TYPE_CHECKING:
    from mvc.registry.audit import AuditEntry


@app.command(rich_help_panel=VERSIONS)
def audit(
    ctx: typer.Context,
    since: Annotated[str, typer.Option("--since", metavar="DATE", help="Only what happened from then on.")] = "",
    model: Annotated[str, typer.Option("--model", metavar="NAME", help="Only what was done to this model.")] = "",
    table: Annotated[bool, typer.Option("--csv", help="Print comma-separated values.")] = False,
    json: Json = False,
) -> None:
    """Show who added, evaluated, signed, registered, promoted, retired and waived what, newest first."""
    from mvc.ops.shared.audit.stream import audit as run  # noqa: PLC0415

    output: Output = ctx.obj
    if table and json:
        raise UsageError("--csv and --json exclude each other", "mvc audit --json")
    with opened(output, json=json) as project:
        found = run(project, time.time(), since, model)
        if json:
            print_json(found)
        elif table:
            _print_csv(found)
        else:
            _show(output, found)


def _print_csv(found: tuple[AuditEntry, ...]) -> None:
    from mvc.registry.audit import AuditEntry  # noqa: PLC0415

    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(AuditEntry._fields)
    writer.writerows([_cell(text) for text in entry] for entry in found)


def _cell(text: str) -> str:
    """Return text for a cell, with a `'` before what a spreadsheet would take for a formula."""
    return f"'{visible(text)}" if text.startswith(("=", "+", "-", "@")) else visible(text)


def _show(output: Output, found: tuple[AuditEntry, ...]) -> None:
    if not found:
        output.line("No events.")
    rows = [
        (minute(item.date), item.event, visible(item.model or item.path), *_what(item),
         visible(item.author), _signature(item), visible(item.text.partition("\n")[0]))
        for item in found
    ]
    for line in columns(rows) if rows else ():
        output.line(line)


def _what(item: AuditEntry) -> tuple[str, str, str]:
    """Return the version or else the content, the stage, and the commit."""
    return visible(item.version) or item.blake3[:12], visible(item.stage), item.commit[:12]


def _signature(item: AuditEntry) -> str:
    if item.signature == "invalid":
        return f"invalid signature: {visible(item.problem)}"
    return "signed" if item.signature == "valid" else ""
