"""`mvc push`, `fetch`, `pull` and `get`: objects between cache and remote."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from mvc.cli.app import REMOTES, app, around, opened
from mvc.cli.arguments import Json, Paths, Remote
from mvc.cli.output import Output, plural, print_json, size, visible
from mvc.cli.show import show_checkout, show_trouble
from mvc.project import Project

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mvc.ops.shared.transfers.results import TransferResult
    from mvc.ops.shared.transfers.selected import RevisionScope


Revisions = Annotated[list[str] | None, typer.Option("--rev", metavar="REV", help="What REV needs; may be repeated.")]
Branches = Annotated[bool, typer.Option("--all-branches", help="What the tip of every branch needs.")]
Tags = Annotated[bool, typer.Option("--all-tags", help="What every tag needs.")]
Commits = Annotated[bool, typer.Option("--all-commits", help="What any commit ever needed.")]
Jobs = Annotated[int, typer.Option("-j", min=1, max=64, help="Requests at once.")]


@app.command(rich_help_panel=REMOTES)
def push(
    ctx: typer.Context,
    paths: Paths = None,
    remote: Remote = None,
    rev: Revisions = None,
    all_branches: Branches = False,
    all_tags: Tags = False,
    all_commits: Commits = False,
    jobs: Jobs = 8,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be sent.")] = False,
    repair: Annotated[bool, typer.Option("--repair", help="Read what is there, too; replace what is damaged.")] = False,
    json: Json = False,
) -> int:
    """Send content to a remote that lacks it."""
    from mvc.ops.remotes.push import PushOptions, next_step  # noqa: PLC0415
    from mvc.ops.remotes.push import push as run  # noqa: PLC0415

    output: Output = ctx.obj
    with opened(output, json=json) as project:
        scope = _scope(rev, branches=all_branches, tags=all_tags, commits=all_commits)
        results = run(project, project.shell.paths(paths or []), PushOptions(remote, scope, jobs, dry_run, repair))
        if json:
            return _print(results)
        code = _show(output, project, results, "would be sent to" if dry_run else "sent to", "is on")
        if code == 0 and (line := next_step(project, results, dry_run=dry_run)):
            output.line(f"Next: {line}")
        return code


@app.command(rich_help_panel=REMOTES)
def fetch(
    ctx: typer.Context,
    paths: Paths = None,
    remote: Remote = None,
    rev: Revisions = None,
    all_branches: Branches = False,
    all_tags: Tags = False,
    all_commits: Commits = False,
    jobs: Jobs = 8,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be brought.")] = False,
    json: Json = False,
) -> int:
    """Bring content from a remote into the cache."""
    from mvc.ops.remotes.fetch import FetchOptions  # noqa: PLC0415
    from mvc.ops.remotes.fetch import fetch as run  # noqa: PLC0415

    output: Output = ctx.obj
    with opened(output, json=json) as project:
        scope = _scope(rev, branches=all_branches, tags=all_tags, commits=all_commits)
        results = run(project, project.shell.paths(paths or []), FetchOptions(remote, scope, jobs, dry_run))
        if json:
            return _print(results)
        code = _show(output, project, results, "would come from" if dry_run else "brought from", "is in the cache")
        if code == 0 and any(result.transferred for result in results):
            line = "mvc fetch" if dry_run else "mvc checkout --rev REV" if any(scope) else "mvc checkout"
            output.line(f"Next: {line}")
        return code


@app.command(rich_help_panel=REMOTES)
def pull(
    ctx: typer.Context,
    paths: Paths = None,
    remote: Remote = None,
    rev: Revisions = None,
    all_branches: Branches = False,
    all_tags: Tags = False,
    all_commits: Commits = False,
    jobs: Jobs = 8,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be brought.")] = False,
    json: Json = False,
) -> int:
    """Bring content from a remote, and check it out."""
    from mvc.ops.remotes.fetch import FetchOptions  # noqa: PLC0415
    from mvc.ops.remotes.fetch import pull as run  # noqa: PLC0415

    output: Output = ctx.obj
    with opened(output, json=json) as project:
        scope = _scope(rev, branches=all_branches, tags=all_tags, commits=all_commits)
        result = run(project, project.shell.paths(paths or []), FetchOptions(remote, scope, jobs, dry_run))
        if json:
            return _print(result.fetched)
        verb = "would come from" if dry_run else "brought from"
        code = _show(output, project, result.fetched, verb, "is in the cache")
        if result.checkout.done:
            show_checkout(output, project, result.checkout)
        return code


def _scope(rev: list[str] | None, *, branches: bool, tags: bool, commits: bool) -> RevisionScope:
    from mvc.ops.shared.transfers.selected import RevisionScope  # noqa: PLC0415

    return RevisionScope(tuple(rev or ()), branches, tags, commits)


def _print(results: Sequence[TransferResult]) -> int:
    print_json(results[0] if len(results) == 1 else results)
    return _exit_code(results)


def _exit_code(results: Sequence[TransferResult]) -> int:
    return max(result.exit_code for result in results)


def _show(output: Output, project: Project, results: Sequence[TransferResult], verb: str, already: str) -> int:
    """Say what was moved, and what was not; `already` says where everything was."""
    for result in results:
        show_trouble(output, project, result)
        name = f" {visible(result.remote)}" if already.endswith("on") else ""
        if result.transferred:
            there = f"; {plural(result.skipped, 'object')} there already" if result.skipped else ""
            moved = f"{plural(result.transferred, 'object')}, {size(result.bytes)}"
            output.line(f"{moved} {verb} {visible(result.remote)}{there}.")
        elif result.skipped and not result.failed:
            output.line(f"All of it {already}{name} already: {plural(result.skipped, 'object')}.")
        elif not result.failed:
            output.line("Nothing is tracked there that has content. Next: mvc add PATH")
    return _exit_code(results)


@app.command(rich_help_panel=REMOTES)
def get(
    ctx: typer.Context,
    repository: Annotated[str, typer.Argument(metavar="REPO", show_default=False)],
    reference: Annotated[str, typer.Argument(metavar="REF", show_default=False)],
    out: Annotated[str, typer.Option("-o", "--out", metavar="OUT", help="Write to OUT.")] = "",
    remote: Annotated[str | None, typer.Option("-r", "--remote", metavar="NAME", help="Use this remote of it.")] = None,
) -> None:
    """Write content of another repository, a path or URL, without a checkout of it."""
    from mvc.ops.remotes.get import get as run  # noqa: PLC0415

    output: Output = ctx.obj
    got = run(around(output), repository, reference, out, remote)
    output.line(f"{visible(got.path)} is in {visible(got.out)} ({size(got.size)})")
