"""`mvc mv`, `rm` and `unprotect`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from mvc.cli.app import WORKSPACE, app, opened
from mvc.cli.arguments import Json, SomePaths
from mvc.cli.failures import say_all
from mvc.cli.output import FEW, Output, plural, print_json, size, visible
from mvc.project import Project

if TYPE_CHECKING:
    from mvc.ops.shared.failures import Failure
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
    """Move or rename tracked paths, with their pointers and reports."""
    from mvc.ops.workspace.mv import move as run  # noqa: PLC0415

    output: Output = ctx.obj
    with opened(output, json=json) as project:
        result = run(project, project.shell.path(source), project.shell.path(target), into=target.endswith("/"))
        if json:
            print_json(result)
        else:
            _show_moved(output, project, result)


def _show_moved(output: Output, project: Project, result: MoveResult) -> None:
    from mvc.scm.index import commit_line  # noqa: PLC0415

    for item in output.few(result.moved):
        old, new = visible(project.shell.show(item.old_path)), visible(project.shell.show(item.path))
        output.line(f"{output.paint('moved', 'green')} {old} -> {new}")
    output.rest(result.moved, "path")
    if result.left:
        line = visible(project.shell.line("git mv --", result.left[0]))
        it, files = "it" if len(result.left) == 1 else "one", plural(len(result.left), "file")
        output.line(f"Not moved: {files} tracked by Git. To move {it}: {line} DST")
    output.line(f"Next: {commit_line(project.git, plural(len(result.moved), 'pointer'))}")


@app.command(rich_help_panel=WORKSPACE)
def rm(
    ctx: typer.Context,
    paths: SomePaths,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the content in the workspace, visible to Git.")] = False,
    json: Json = False,
) -> int:
    """Stop tracking paths, and delete their content if the cache has it."""
    from mvc.ops.shared.selection import typed_paths  # noqa: PLC0415
    from mvc.ops.workspace.rm import remove as run  # noqa: PLC0415

    output: Output = ctx.obj
    with opened(output, json=json) as project:
        failed: list[Failure] = []
        result = run(project, typed_paths(project.shell, paths, failed), keep=keep)
        result = result._replace(failed=(*failed, *result.failed))
        if json:
            print_json(result)
        else:
            _show_removed(output, project, result, keep=keep)
    return say_all(result.failed, silent=json)


def _show_removed(output: Output, project: Project, result: RemoveResult, *, keep: bool) -> None:
    for item in output.few(result.removed):
        path = visible(project.shell.show(item.path))
        if keep:
            output.line(f"{output.paint('no longer tracked', 'green')} {path}")
        else:
            output.line(f"{output.paint('removed', 'green')} {path} ({plural(item.files, 'file')}, {size(item.size)})")
    output.rest(result.removed, "path")
    if result.removed:
        _show_what_is_left(output, project, result.removed, keep=keep)


def _show_what_is_left(output: Output, project: Project, removed: tuple[Removed, ...], *, keep: bool) -> None:
    from mvc.scm.commits import is_committed  # noqa: PLC0415
    from mvc.scm.index import commit_line, ignored_files  # noqa: PLC0415

    kept = [item.path for item in removed if item.kept]
    hidden = ignored_files(project.git, kept)  # by the user's own lines
    left = [visible(project.shell.show(path)) for path in kept if path not in hidden]
    if left:
        what = "Content" if keep else "Files that were never tracked"
        more = f" and {len(left) - 1:,} more" if len(left) > 1 else ""
        output.line(f"{what} left in the workspace, visible to Git: {left[0]}{more}")
    if is_committed(project.git, removed[0].pointer):
        output.line("The cache keeps the content of earlier commits until mvc gc frees it.")
        output.line(f"Undo: {visible(_undo(project, removed))}")
        output.line(f"Next: {commit_line(project.git)}")
    elif not keep:
        output.line("No commit has the pointer: mvc log --lost lists the content until mvc gc frees it.")


def _undo(project: Project, removed: tuple[Removed, ...]) -> str:
    from mvc.ops.shared.remotes import bringing  # noqa: PLC0415

    if len(removed) > FEW:
        return "git checkout HEAD -- PATH.mvc && mvc checkout PATH"
    names = [name for item in removed for name in (item.pointer, *item.reports)]
    paths = [item.path for item in removed]
    was_missing = any(not item.files and not item.kept for item in removed)  # the cache may lack it, too
    bring = project.shell.line(bringing(project) if was_missing else "mvc checkout", *paths)
    return f"{project.shell.line('git checkout HEAD --', *names)} && {bring}"


@app.command(rich_help_panel=WORKSPACE)
def unprotect(ctx: typer.Context, paths: SomePaths, json: Json = False) -> int:
    """Make hard-linked and symlinked files writable copies."""
    from mvc.ops.shared.selection import typed_paths  # noqa: PLC0415
    from mvc.ops.workspace.unprotect import unprotect as run  # noqa: PLC0415

    output: Output = ctx.obj
    with opened(output, json=json) as project:
        failed: list[Failure] = []
        result = run(project, typed_paths(project.shell, paths, failed))
        result = result._replace(failed=(*failed, *result.failed))
        if json:
            print_json(result)
        else:
            _show_unprotected(output, project, result)
    return say_all(result.failed, silent=json)


def _show_unprotected(output: Output, project: Project, result: UnprotectResult) -> None:
    for item in output.few(result.unprotected):
        path = visible(project.shell.show(item.path))
        output.line(f"{output.paint('unprotected', 'green')} {path} ({plural(item.files, 'file')}, {size(item.size)})")
    output.rest(result.unprotected, "path")
    if not result.unprotected and not result.failed:
        output.line("No protected files.")
