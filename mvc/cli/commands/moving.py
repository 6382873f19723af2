"""The commands that move, remove and make writable what is tracked: mv, rm, unprotect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from mvc.cli.app import WORKSPACE, app, opened
from mvc.cli.arguments import FEW, Json, SomePaths
from mvc.cli.failures import say_all
from mvc.cli.output import Output, plural, print_json, size, visible
from mvc.project import Project

if TYPE_CHECKING:
    from mvc.ops.workspace.mv import MoveResult
    from mvc.ops.workspace.rm import Removed, RemoveResult
    from mvc.ops.workspace.unprotect import UnprotectResult


@app.command(rich_help_panel=WORKSPACE)
def mv(
    ctx: typer.Context,
    source: Annotated[str, typer.Argument(metavar="SRC", show_default=False)],
    target: Annotated[str, typer.Argument(metavar="DST", show_default=False)],
    json: Json = False,
) -> None:
    """Move or rename what is tracked, and all that belongs to it."""
    from mvc.ops.workspace.mv import move as run  # noqa: PLC0415

    output: Output = ctx.obj
    with opened(output, json=json) as project:
        result = run(project, project.shell.path(source), project.shell.path(target), into=target.endswith("/"))
        if json:
            print_json(result)
        else:
            _show_moved(output, project, result)


def _show_moved(output: Output, project: Project, result: MoveResult) -> None:
    for item in result.moved[: None if output.verbose else FEW]:
        old, new = visible(project.shell.show(item.old_path)), visible(project.shell.show(item.path))
        output.line(f"{output.paint('moved', 'green')} {old} -> {new}")
    if len(result.moved) > FEW and not output.verbose:
        output.line(f"... and {plural(len(result.moved) - FEW, 'more path')} (-v names them)")
    if result.left:
        few = len(result.left) == 1
        line = visible(project.shell.line("git mv --", result.left[0]))
        what = f"{plural(len(result.left), 'file')} that Git tracks itself {'was' if few else 'were'} left"
        output.line(f"{what}; to move {'it' if few else 'one'}: {line} DST")
    output.line(f'Next: git commit -m "..."  ({plural(len(result.moved), "pointer")} staged)')


@app.command(rich_help_panel=WORKSPACE)
def rm(
    ctx: typer.Context,
    paths: SomePaths,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the content where it is, for Git to see.")] = False,
    json: Json = False,
) -> int:
    """Stop tracking paths, and delete their content if the cache has it."""
    from mvc.ops.workspace.rm import remove as run  # noqa: PLC0415

    output: Output = ctx.obj
    with opened(output, json=json) as project:
        result = run(project, project.shell.paths(paths), keep=keep)
        if json:
            print_json(result)
        else:
            _show_removed(output, project, result, keep=keep)
    return say_all(result.failed, silent=json)


def _show_removed(output: Output, project: Project, result: RemoveResult, *, keep: bool) -> None:
    for item in result.removed[: None if output.verbose else FEW]:
        path = visible(project.shell.show(item.path))
        if keep:
            output.line(f"{output.paint('not tracked any more', 'green')} {path}")
        else:
            output.line(f"{output.paint('removed', 'green')} {path} ({plural(item.files, 'file')}, {size(item.size)})")
    if len(result.removed) > FEW and not output.verbose:
        output.line(f"... and {plural(len(result.removed) - FEW, 'more path')} (-v names them)")
    if result.removed:
        _show_what_stays(output, project, result.removed, keep=keep)


def _show_what_stays(output: Output, project: Project, removed: tuple[Removed, ...], *, keep: bool) -> None:
    from mvc.scm.commits import is_committed  # noqa: PLC0415

    kept = [visible(project.shell.show(item.path)) for item in removed if item.kept]
    if kept:
        what = "The content" if keep else "What was never tracked"
        more = f" and {len(kept) - 1:,} more" if len(kept) > 1 else ""
        output.line(f"{what} is still there, and Git sees it now: {kept[0]}{more}")
    if is_committed(project.git, removed[0].pointer):
        output.line("What earlier commits need stays in the cache until mvc gc frees it.")
        output.line(f"Undo: {visible(_undo(project, removed))}")
        output.line('Next: git commit -m "..."')
    elif not keep:
        output.line("No commit has the pointer: the cache has the content until mvc gc frees it.")


def _undo(project: Project, removed: tuple[Removed, ...]) -> str:
    if len(removed) > FEW:
        return "git checkout HEAD -- PATH.mvc && mvc checkout PATH"
    names = [name for item in removed for name in (item.pointer, *item.reports)]
    paths = [item.path for item in removed]
    return f"{project.shell.line('git checkout HEAD --', *names)} && {project.shell.line('mvc checkout', *paths)}"


@app.command(rich_help_panel=WORKSPACE)
def unprotect(ctx: typer.Context, paths: SomePaths, json: Json = False) -> int:
    """Make hard-linked and symlinked files writable copies."""
    from mvc.ops.workspace.unprotect import unprotect as run  # noqa: PLC0415

    output: Output = ctx.obj
    with opened(output, json=json) as project:
        result = run(project, project.shell.paths(paths))
        if json:
            print_json(result)
        else:
            _show_unprotected(output, project, result)
    return say_all(result.failed, silent=json)


def _show_unprotected(output: Output, project: Project, result: UnprotectResult) -> None:
    for item in result.unprotected[: None if output.verbose else FEW]:
        path = visible(project.shell.show(item.path))
        output.line(f"{output.paint('unprotected', 'green')} {path} ({plural(item.files, 'file')}, {size(item.size)})")
    if len(result.unprotected) > FEW and not output.verbose:
        output.line(f"... and {plural(len(result.unprotected) - FEW, 'more path')} (-v names them)")
    if not result.unprotected and not result.failed:
        output.line("Nothing is protected there.")
