"""`mvc ls` and `log`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from mvc.cli.app import WORKSPACE, app, opened
from mvc.cli.arguments import Json
from mvc.cli.failures import say_all
from mvc.cli.output import Output, columns, plain, plural, print_json, size, visible
from mvc.cli.show_report import metric_change
from mvc.errors import UsageError
from mvc.modelfiles.signature import Signature
from mvc.project import Project

if TYPE_CHECKING:
    from mvc.ops.workspace.reading.log import LogEntry
    from mvc.ops.workspace.reading.ls import Listing


@app.command(rich_help_panel=WORKSPACE)
def ls(
    ctx: typer.Context,
    ref: Annotated[str, typer.Argument(metavar="[REF]", show_default=False)] = "",
    recursive: Annotated[bool, typer.Option("-R", "--recursive", help="List the files of directories.")] = False,
    json: Json = False,
) -> int:
    """List tracked paths: in the workspace, at a revision (REV or REV:PATH), or below PATH."""
    from mvc.ops.workspace.reading.ls import ls as run  # noqa: PLC0415

    output: Output = ctx.obj
    with opened(output, json=json) as project:
        result = run(project, ref, recursive=recursive, signatures=output.verbose)
        if json:
            _print_listing(result)
        else:
            rows = [(item.kind, size(item.size), item.blake3[:12], visible(item.path)) for item in result.items]
            for item, line in zip(result.items, columns(rows), strict=True):
                output.line(line)
                _show_signature(output, item.signature or Signature())
    return say_all(result.failed, silent=json)


def _print_listing(result: Listing) -> None:
    """Print it, with the key `signature` only if signatures were read."""
    document = plain(result)
    for item in document["items"]:
        if item["signature"] is None:
            del item["signature"]
    print_json(document)


def _show_signature(output: Output, found: Signature) -> None:
    for word, fields in (("in ", found.inputs), ("out", found.outputs)):
        for field in fields:
            shape = ", ".join("?" if length is None else str(length) for length in field.shape)
            output.line(f"    {word}  {visible(field.name)}" + (f"  {field.type}[{shape}]" if field.type else ""))


@app.command(rich_help_panel=WORKSPACE)
def log(
    ctx: typer.Context,
    path: Annotated[str, typer.Argument(metavar="[PATH]", show_default=False)] = "",
    lost: Annotated[bool, typer.Option("--lost", help="Show content of the cache that no pointer names.")] = False,
    json: Json = False,
) -> None:
    """Show the versions of a tracked path, newest first."""
    from mvc.ops.workspace.reading.log import log as run  # noqa: PLC0415

    output: Output = ctx.obj
    if not path and not lost:
        raise UsageError("log needs a path", "mvc ls  # lists tracked paths")
    with opened(output, json=json) as project:
        if lost:
            _log_lost(output, project, path, json=json)
            return
        entries = run(project, project.shell.path(path))
        if json:
            print_json(entries)
        else:
            for entry in entries:
                _show_version(output, entry)


def _log_lost(output: Output, project: Project, path: str, *, json: bool) -> None:
    """Print the content that no pointer names, and how to get it back."""
    from mvc.cli.show import describe_use  # noqa: PLC0415
    from mvc.ops.workspace.reading.lost import lost  # noqa: PLC0415

    found = lost(project, project.shell.path(path) if path else "")
    if json:
        print_json(found)
        return
    for item in found:
        name = item.blake3 if output.verbose else item.blake3[:12]
        origin = next(map(describe_use, item.users), "path unknown")
        output.line(f"{item.stored[:10]}  {size(item.size):>9}  {name}  {origin}")
    if found:
        output.line(f"Next: mvc get . {found[0].blake3[:12]} -o OUT  # writes the first one to OUT")
    else:
        output.line("Nothing is lost: a pointer names everything in the cache.")


def _show_version(output: Output, entry: LogEntry) -> None:
    tags = f" ({', '.join(map(visible, entry.tags))})" if entry.tags else ""
    content = f"{entry.blake3[:12]}  {size(entry.size)}" if entry.state == "tracked" else entry.state
    commit = output.paint(entry.commit[:12], "yellow")
    output.line(f"{commit} {entry.date[:10]} {visible(entry.author)}{tags}  {content}")
    output.line(f"    {visible(entry.description or entry.subject)}")
    changes = {change.name: metric_change(change) for change in entry.changes if change.old is not None}
    metrics = _metrics(output, {
        name: changes.get(name, f"{value:.6g}") for name, value in (entry.metrics or {}).items()
    })
    if entry.tag or metrics:
        output.line(visible(f"    {entry.tag or 'untagged'}: {metrics or 'no metrics'}"))


def _metrics(output: Output, metrics: Mapping[str, str]) -> str:
    """Return the metrics of all data, and the number of slices; with `-v` all, the slices last."""
    from mvc.quality.reports.report import is_sliced  # noqa: PLC0415 - YAML: not without a report

    overall, slices = (
        [f"{name} {value}" for name, value in metrics.items() if is_sliced(name) == sliced]
        for sliced in (False, True)
    )
    if output.verbose:
        return ", ".join([*overall, *slices])
    more = ["..."] * (len(output.few(overall)) < len(overall))
    count = [f"... {plural(len(slices), 'slice')}"] if slices else []
    return ", ".join([*output.few(overall), *more, *count])
