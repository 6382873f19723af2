"""`mvc diff`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from mvc.cli.app import WORKSPACE, WithSeparator, app, opened
from mvc.cli.arguments import Json
from mvc.cli.failures import say_all
from mvc.cli.output import Output, plural, print_json, size, visible
from mvc.cli.show_report import metric_change
from mvc.errors import UsageError
from mvc.project import Project

if TYPE_CHECKING:
    from mvc.ops.shared.reports import MetricChange
    from mvc.ops.workspace.reading.diff import Diff, PathDiff, TextDiff


@app.command(rich_help_panel=WORKSPACE, cls=WithSeparator)
def diff(
    ctx: typer.Context,
    arguments: Annotated[list[str] | None, typer.Argument(metavar="[REV [REV]] [PATH]...", show_default=False)] = None,
    json: Json = False,
    md: Annotated[bool, typer.Option("--md", help="Print a Markdown table.")] = False,
) -> int:
    """Show what changed: HEAD to workspace, REV to workspace, or between two revisions."""
    from mvc.ops.shared.versions.references import split_revisions  # noqa: PLC0415
    from mvc.ops.workspace.reading.diff import diff_with_texts  # noqa: PLC0415

    output: Output = ctx.obj
    if json and md:
        raise UsageError("--json and --md exclude each other", "mvc diff --json")
    with opened(output, json=json) as project:
        revisions, paths = split_revisions(project, "mvc diff", arguments or [], 2)
        found = diff_with_texts(project, revisions, project.shell.paths(paths))
        result = found.diff
        if json:
            print_json(result)
        elif md:
            _show_diff_md(result)
        else:
            _show_diff(output, project, found)
    return say_all(result.failed, silent=json)


_MARKS = {"added": "A", "modified": "M", "deleted": "D", "renamed": "R", "conflict": "U"}


def _show_diff(output: Output, project: Project, found: TextDiff) -> None:
    from mvc.ops.workspace.reading.diff_text import changed_lines  # noqa: PLC0415

    result = found.diff
    if not result.changes and not result.failed:
        output.line("No differences.")
    for item in result.changes:
        output.line(f"{_MARKS[item.change]} {visible(_title(item))}  {_sizes(item)}")
        for file in output.few(item.files):
            origin = f"{file.old_path} -> " if file.old_path else ""
            change = _from_to(file.old_size, file.size)
            output.line(f"    {_MARKS[file.change]} {visible(origin + file.path)}  {change}")
            if text := found.texts.get((item.path, file.path)):
                _show_lines(output, changed_lines(project, text))
        output.rest(item.files, "file", indent="    ")
        if not item.complete:
            output.line("    (cannot list its files: a manifest is not in the cache)")
        _show_metrics(output, item.metrics or ())


def _show_metrics(output: Output, metrics: Sequence[MetricChange]) -> None:
    """Print the metrics of all data, and with `-v` those of slices."""
    from mvc.quality.reports.report import is_sliced  # noqa: PLC0415 - YAML: not without a report

    slices = [item for item in metrics if is_sliced(item.name)]
    overall = [item for item in metrics if not is_sliced(item.name)]
    for metric in [*overall, *slices] if output.verbose else overall:
        output.line(f"    {visible(metric.name)}  {metric_change(metric)}")
    if not output.verbose:
        worse = sum(metric_change(item).endswith("(worse)") for item in slices)
        output.slices(len(slices), f", {worse:,} of them worse" if worse else "", indent="    ")


_LINES = 40
"""The number of lines of a text's changes without `-v`."""
_LINE_COLORS = {"+": "green", "-": "red", "@": "cyan"}


def _show_lines(output: Output, lines: Sequence[str]) -> None:
    shown = lines if output.verbose else lines[:_LINES]
    for line in shown:
        text, color = visible(line), _LINE_COLORS.get(line[:1], "")
        output.line(f"        {output.paint(text, color) if color else text}")
    if len(shown) < len(lines):
        output.line(f"        ... and {plural(len(lines) - len(shown), 'more line')} (-v shows them)")


def _show_diff_md(result: Diff) -> None:
    from mvc.quality.reports.report import is_sliced  # noqa: PLC0415 - YAML: not without a report

    print("| change | path | size | files | metrics |\n|---|---|---|---|---|")
    for item in result.changes:
        files = _from_to(item.old.files if item.old else None, item.new.files if item.new else None, str)
        size_cell = _from_to(item.old.size if item.old else None, item.new.size if item.new else None)
        changes = sorted(item.metrics or (), key=lambda change: is_sliced(change.name))
        metrics = "<br>".join(f"{_in_md(change.name)} {metric_change(change)}" for change in changes)
        print(f"| {item.change} | {_in_md(_title(item))} | {size_cell} | {files} | {metrics} |")


def _in_md(text: str) -> str:
    """Return a text as code in a cell of a Markdown table."""
    return f"`{visible(text).replace('|', chr(92) + '|').replace('`', chr(39))}`"


def _title(item: PathDiff) -> str:
    if item.change == "conflict":
        return f"{item.path}: ours -> theirs"
    return f"{item.old.path} -> {item.path}" if item.change == "renamed" and item.old else item.path


def _sizes(item: PathDiff) -> str:
    text = _from_to(item.old.size if item.old else None, item.new.size if item.new else None)
    verb = "differs" if len(item.files) == 1 else "differ"
    return f"({text}, {plural(len(item.files), 'file')} {verb})" if item.files else f"({text})"


def _from_to(old: int | None, new: int | None, show: type[str] | None = None) -> str:
    tell = show or size
    if old is None or new is None or old == new:
        return tell(new if old is None else old)  # type: ignore[arg-type]  # one of the two is not None
    return f"{tell(old)} -> {tell(new)}"
