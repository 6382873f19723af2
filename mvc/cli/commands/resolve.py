"""`mvc resolve`, and the merge tool of Git."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from mvc.cli.app import WORKSPACE, app, opened
from mvc.cli.arguments import Json, SomePaths
from mvc.cli.failures import say_all
from mvc.cli.output import Output, print_json, visible
from mvc.cli.show import show_followed
from mvc.errors import UsageError
from mvc.project import Project

if TYPE_CHECKING:
    from mvc.ops.workspace.planning.choice import Choice
    from mvc.ops.workspace.resolve import Resolution, Resolved


@app.command(rich_help_panel=WORKSPACE)
def resolve(
    ctx: typer.Context,
    paths: SomePaths,
    ours: Annotated[bool, typer.Option("--ours", help="Take our version.")] = False,
    theirs: Annotated[bool, typer.Option("--theirs", help="Take the other side's version.")] = False,
    best: Annotated[str, typer.Option("--best", metavar="METRIC", help="Take the better one by this metric.")] = "",
    json: Json = False,
) -> int:
    """Resolve a merge conflict in pointer, report, .gitignore and workspace together."""
    from mvc.ops.workspace.after_checkout import Followed, after_merge  # noqa: PLC0415
    from mvc.ops.workspace.resolve import resolve as run  # noqa: PLC0415

    output: Output = ctx.obj
    with opened(output, json=json) as project:
        result = run(project, project.shell.paths(paths), _choice(project, paths, ours, theirs, best))
        followed = Followed() if result.left else after_merge(project, squashed=True)
        if json:
            print_json(result)
        else:
            _show(output, project, result)
            show_followed(output, project, followed)
    return say_all(result.checked_out.failed, silent=json)


def _choice(project: Project, paths: list[str], ours: bool, theirs: bool, best: str) -> Choice:  # noqa: FBT001 - flags
    from mvc.ops.workspace.planning.choice import Choice  # noqa: PLC0415

    if ours + theirs + bool(best) != 1:
        line = project.shell.line("mvc status", *project.shell.paths(paths))
        raise UsageError("choose one of --ours, --theirs and --best METRIC", f"{line}  # shows both sides")
    return Choice("ours" if ours else "theirs" if theirs else None, best)


def _show(output: Output, project: Project, result: Resolution) -> None:
    for item in result.resolved:
        output.line(f"{output.paint('resolved', 'green')} {visible(project.shell.show(item.path))}: {_what(item)}")
    if result.left:
        names = ", ".join(map(visible, result.left[:3]))
        more = f" and {len(result.left) - 3:,} more" if len(result.left) > 3 else ""  # noqa: PLR2004 - a few
        output.line(f"Still in conflict: {names}{more}")
    else:
        output.line(f"Next: {result.proceed}")


def _what(item: Resolved) -> str:
    from mvc.ops.shared.conflicts.summary import in_one_line  # noqa: PLC0415

    chosen = item.chosen
    if item.files:
        return f"merged, with {chosen.side} of {', '.join(map(visible, item.files))}"
    if item.reason is None:
        return visible(f"{chosen.side}, {in_one_line(chosen)}")
    reason = item.reason
    direction = "higher" if reason.higher_is_better else "lower"
    values = f"{reason.metric} is {reason.ours:.6g} in ours, {reason.theirs:.6g} in theirs; {direction} is better"
    return visible(f"{chosen.side}, {chosen.tag} ({values})")
