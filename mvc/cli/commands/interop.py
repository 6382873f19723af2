"""`mvc import`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from mvc.cli.app import ELSEWHERE, Group, app, opened
from mvc.cli.arguments import Json
from mvc.cli.failures import say
from mvc.cli.output import FEW, Output, plural, print_json, size, visible
from mvc.project import Project

if TYPE_CHECKING:
    from mvc.ops.interop.dvc.import_dvc import ImportResult

import_ = typer.Typer(cls=Group, rich_markup_mode=None, help="Track what another program tracks.")
app.add_typer(import_, name="import", rich_help_panel=ELSEWHERE)


@import_.command("dvc")
def dvc(
    ctx: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print what would be imported.")] = False,
    all_commits: Annotated[bool, typer.Option("--all-commits", help="Also the content of all commits.")] = False,
    json: Json = False,
) -> int:
    """Track what DVC tracks, verified by DVC's digests."""
    from mvc.ops.interop.dvc.import_dvc import ImportOptions  # noqa: PLC0415
    from mvc.ops.interop.dvc.import_dvc import import_dvc as run  # noqa: PLC0415

    output: Output = ctx.obj
    with opened(output, json=json) as project:
        result = run(project, ImportOptions(dry_run, all_commits))
        if json:
            print_json(result)
        else:
            _show(output, project, result, dry_run=dry_run)
    return result.exit_code


def _show(output: Output, project: Project, result: ImportResult, *, dry_run: bool) -> None:
    for item in output.few(result.imported):
        what = output.paint("would import" if dry_run else "imported", "green")
        files = f", {plural(item.files, 'file')}" if item.kind == "dir" else ""
        amount = "" if dry_run else f" ({size(item.size)}{files})"
        output.line(f"{what} {visible(project.shell.show(item.path))}{amount}")
    output.rest(result.imported, "path")
    if result.versions:
        would = "would be " if dry_run else ""
        output.line(f"{plural(result.versions, 'version')} of the history {would}imported")
    if not result.imported and not result.versions and not result.failed:
        output.line("Everything that DVC tracks is imported already.")
    for text in result.remarks:
        output.note(f"note: {visible(text)}")
    _show_failed(output, result)
    _show_next(output, project, result, dry_run=dry_run)


def _show_failed(output: Output, result: ImportResult) -> None:
    for failure in output.few(result.failed):
        say(failure.message, failure.fix)
    if len(result.failed) > FEW and not output.verbose:
        say(f"... and {len(result.failed) - FEW:,} more failures (-v names them)")


def _show_next(output: Output, project: Project, result: ImportResult, *, dry_run: bool) -> None:
    from mvc.scm.index import commit_line, has_staged  # noqa: PLC0415

    if written := [item.path for item in result.imported if item.stage]:
        paths = ", ".join(visible(path) for path in output.few(written))
        output.line(f"Stages of dvc.yaml write {paths}: set cache: false there, so that DVC leaves them to mvc")
    if dry_run:
        output.line("Next: mvc import dvc")
    elif has_staged(project.git, ":(top)"):
        count = plural(len(result.imported), "pointer") if result.imported else ""
        output.line(f"Next: {commit_line(project.git, count)}")
