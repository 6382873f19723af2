"""`mvc status`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from mvc.cli.app import WORKSPACE, app, opened
from mvc.cli.arguments import Json, Paths, Remote
from mvc.cli.output import FEW, Output, plural, print_json, size, visible
from mvc.errors import UsageError
from mvc.project import Project

if TYPE_CHECKING:
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
