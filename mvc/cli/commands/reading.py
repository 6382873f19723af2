"""`mvc status`, `diff`, `ls` and `log`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from mvc.cli.app import WORKSPACE, WithSeparator, app, opened
from mvc.cli.arguments import Json, Paths, Remote
from mvc.cli.failures import say_all
from mvc.cli.output import FEW, Output, columns, plain, plural, print_json, size, visible
from mvc.errors import UsageError
from mvc.modelfiles.signature import Signature
from mvc.project import Project

if TYPE_CHECKING:
    from mvc.ops.shared.reports import MetricChange
    from mvc.ops.workspace.reading.diff import Diff, PathDiff, TextDiff
    from mvc.ops.workspace.reading.log import LogEntry
    from mvc.ops.workspace.reading.ls import Listing
    from mvc.ops.workspace.reading.status import State, Status, StatusItem


@app.command(rich_help_panel=WORKSPACE)
def status(
    ctx: typer.Context,
    paths: Paths = None,
    pushed: Annotated[bool, typer.Option("--pushed", help="Also check whether the remote has every object.")] = False,
    remote: Remote = None,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit 1 unless everything is clean.")] = False,
    json: Json = False,
) -> int:
    """Show what differs between workspace, pointers and cache."""
    output: Output = ctx.obj
    if remote and not pushed:
        raise UsageError("-r needs --pushed", f"mvc status --pushed -r {remote}")
    with opened(output, json=json) as project:
        result = _status(project, project.shell.paths(paths or []), remote, pushed=pushed)
        if json:
            print_json(result, "left")
        else:
            _show_status(output, project, result, remote)
            _show_left(output, project, result)
            _show_reports(output, project, result)
            _show_missing_hooks(output, project)
    return _status_code(result, exit_code=exit_code)


def _status_code(result: Status, *, exit_code: bool) -> int:
    if any(item.unreadable for item in result.items):
        return 3
    if any(item.state == "invalid" for item in result.items):
        return 2
    return 1 if exit_code and not result.clean else 0


def _status(project: Project, paths: list[str], remote: str | None, *, pushed: bool) -> Status:
    if pushed:
        from mvc.ops.workspace.reading.pushed import pushed_status  # noqa: PLC0415

        return pushed_status(project, paths, remote)
    from mvc.ops.workspace.reading.status import status as run  # noqa: PLC0415

    return run(project, paths)


def _show_missing_hooks(output: Output, project: Project) -> None:
    from mvc.ops.shared.hook_scripts import find_hooks  # noqa: PLC0415

    hooks = find_hooks(project)
    if hooks.missing and hooks.own:
        output.line("hooks missing: mvc init")
    elif hooks.missing:
        output.line(f"hooks missing in {visible(hooks.folder)}: {hooks.fix}")


_ADVISED: tuple[State, ...] = ("modified", "behind", "missing", "not-in-cache")
_STATE_COLORS = {"clean": "green", "modified": "yellow", "behind": "yellow", "missing": "yellow"}
def _show_status(output: Output, project: Project, result: Status, remote: str | None = None) -> None:
    if not result.items:
        output.line("Nothing is tracked yet. Next: mvc add PATH")
        return
    _show_states(output, project, result)
    _show_unpushed(output, project, result, remote)


def _show_states(output: Output, project: Project, result: Status) -> None:
    shown = [item for item in result.items if item.state != "clean" or item.unordered or output.verbose]
    for item in shown:
        _show_item(output, project, item)
    clean = sum(item.state == "clean" and not item.unordered for item in result.items)
    if not shown:
        output.line(f"Clean: {plural(clean, 'path')}.")
        return
    if clean:
        output.line(output.paint(f"{plural(clean, 'path')} clean", "dim"))
    _show_hints(output, project, shown)


def _show_unpushed(output: Output, project: Project, result: Status, remote: str | None) -> None:
    """Print the paths with objects that the remote lacks, if it was asked."""
    asked = [item for item in result.items if item.pushed is not None]
    lacking = [item for item in asked if not item.pushed]
    for item in output.few(lacking):
        reason = f"  ({visible(item.problem)})" if item.problem else ""
        output.line(f"{output.paint('not pushed'.ljust(16), 'red')} {visible(project.shell.show(item.path))}{reason}")
    output.rest(lacking, "path")
    known = [item for item in lacking if not item.problem]
    if known:
        command = f"mvc push -r {remote}" if remote else "mvc push"
        line = project.shell.line(command, known[0].path) if len(known) == 1 else f"{command} PATH"
        output.line(f"  {visible(line)}  # sends the missing objects")
    for fix in dict.fromkeys(item.fix for item in lacking if item.fix and not item.has_own_fix):
        output.line(f"  {visible(fix)}")
    if asked and not lacking:
        output.line(f"Pushed: {plural(len(asked), 'path')}.")


def _show_left(output: Output, project: Project, result: Status) -> None:
    """Print the paths whose pointers are gone, and whose content or ignore line is not."""
    for item in output.few(result.left):
        what = "its pointer is gone" if item.there else "only its line in .gitignore"
        output.line(f"{output.paint('left'.ljust(16), 'yellow')} {visible(project.shell.show(item.path))}  ({what})")
    output.rest(result.left, "path")
    if result.left:
        command = "mvc checkout --" if result.left[1:] else "mvc checkout"
        line = project.shell.line(command, *(item.path for item in result.left[:FEW]))
        output.line(f"  {visible(line)}  # deletes it, if the cache has it, and its line in .gitignore")


def _show_reports(output: Output, project: Project, result: Status) -> None:
    """Print the models whose reports would make the hook refuse a commit."""
    lacking = [item for item in result.items if item.report not in (None, "ok")]
    for item in output.few(lacking):
        what = output.paint(f"report {item.report}".ljust(16), "yellow")
        output.line(f"{what} {visible(project.shell.show(item.path))}")
        if item.report == "conflict":
            _show_sides(output, item)
            output.line(f"  {visible(item.fix)}")
    output.rest(lacking, "path")
    if lacking := [item for item in lacking if item.report != "conflict"]:
        line = project.shell.line("mvc eval record", lacking[0].path) if len(lacking) == 1 else "mvc eval record PATH"
        tag = "--bump patch" if all(item.report == "stale" for item in lacking) else "--bump major"
        output.line(f"  {visible(line)} {tag} --metric NAME=NUMBER  # records a report")


def _show_item(output: Output, project: Project, item: StatusItem) -> None:
    state = output.paint(f"{item.state:<16}", _STATE_COLORS.get(item.state, "red"))
    counts = Counter(change.change for change in item.changes)
    detail = ", ".join(f"{count:,} {change}" for change, count in sorted(counts.items()))
    detail = detail or (visible(item.problem) if item.problem else size(item.size))
    output.line(f"{state} {visible(project.shell.show(item.path))}  ({detail})")
    for change in output.few(item.changes):
        output.line(f"    {change.change:<9} {visible(change.path)}")
    output.rest(item.changes, "file", indent="    ")
    if item.unordered and detail != visible(item.problem):
        output.line(f"    {visible(item.problem)}")
    if item.state == "conflict":
        _show_sides(output, item)


def _show_sides(output: Output, item: StatusItem) -> None:
    from mvc.ops.shared.conflicts.summary import in_one_line  # noqa: PLC0415 - only for a conflict

    for side in item.sides:
        output.line(f"    {side.side:<6}  {visible(in_one_line(side))}")


def _show_hints(output: Output, project: Project, shown: Sequence[StatusItem]) -> None:
    from mvc.ops.workspace.reading.advice import advice  # noqa: PLC0415

    for state in _ADVISED:
        for item in advice(project, shown, state):
            output.line(f"  {visible(item.line)}  # {item.effect}")
    for broken in [item for item in shown if item.has_own_fix and item.report != "conflict"][:FEW]:
        output.line(f"  {visible(broken.fix)}")


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
        output.line(f"    {visible(metric.name)}  {_numbers(metric)}")
    if not output.verbose:
        worse = sum(_numbers(item).endswith("(worse)") for item in slices)
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
        metrics = "<br>".join(f"{_in_md(change.name)} {_numbers(change)}" for change in changes)
        print(f"| {item.change} | {_in_md(_title(item))} | {size_cell} | {files} | {metrics} |")


def _in_md(text: str) -> str:
    """Return a text as code in a cell of a Markdown table."""
    return f"`{visible(text).replace('|', chr(92) + '|').replace('`', chr(39))}`"


def _numbers(change: MetricChange) -> str:
    """Return a metric before and after, and whether it got better."""
    old, new = (f"{value:.6g}" if value is not None else "-" for value in (change.old, change.new))
    if change.old is None or change.new is None or change.old == change.new:
        return f"{old} -> {new}" if old != new else old
    if not change.same_data:
        return f"{old} -> {new} (other data)"
    better = change.higher_is_better
    verdict = "" if better is None else " (better)" if (change.new > change.old) == better else " (worse)"
    return f"{old} -> {new}{verdict}"


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
    changes = {change.name: _numbers(change) for change in entry.changes if change.old is not None}
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
