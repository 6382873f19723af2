"""`mvc push`, `fetch`, `pull` and `get`."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated

import typer

from mvc.cli.app import REMOTES, app, around, opened
from mvc.cli.arguments import Json, Paths, Remote
from mvc.cli.output import Output, plural, print_json, size, visible
from mvc.cli.show import show_checkout, show_trouble
from mvc.errors import UsageError
from mvc.project import Project

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mvc.ops.shared.transfers.results import TransferResult
    from mvc.ops.shared.transfers.selected import RevisionScope


Revisions = Annotated[list[str] | None, typer.Option("--rev", metavar="REV", help="The content of REV; repeatable.")]
Branches = Annotated[bool, typer.Option("--all-branches", help="The content of the tip of every branch.")]
Tags = Annotated[bool, typer.Option("--all-tags", help="The content of every tag.")]
Commits = Annotated[bool, typer.Option("--all-commits", help="The content of all commits.")]
Jobs = Annotated[int, typer.Option("-j", min=1, max=64, help="Number of parallel requests.")]


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
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print what would be sent.")] = False,
    repair: Annotated[bool, typer.Option("--repair", help="Also check and replace what the remote has.")] = False,
    json: Json = False,
) -> int:
    """Send content that a remote lacks."""
    from mvc.ops.remotes.push import PushOptions, next_step  # noqa: PLC0415
    from mvc.ops.remotes.push import push as run  # noqa: PLC0415

    output: Output = ctx.obj
    with opened(output, json=json) as project:
        scope = _scope(rev, branches=all_branches, tags=all_tags, commits=all_commits)
        results = run(project, project.shell.paths(paths or []), PushOptions(remote, scope, jobs, dry_run, repair))
        if json:
            return _print(results)
        code = _show(output, project, results, "would be sent to" if dry_run else "sent to")
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
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print what would be fetched.")] = False,
    json: Json = False,
) -> int:
    """Fetch content from a remote into the cache."""
    from mvc.ops.remotes.fetch import FetchOptions  # noqa: PLC0415
    from mvc.ops.remotes.fetch import fetch as run  # noqa: PLC0415

    output: Output = ctx.obj
    with opened(output, json=json) as project:
        scope = _scope(rev, branches=all_branches, tags=all_tags, commits=all_commits)
        results = run(project, project.shell.paths(paths or []), FetchOptions(remote, scope, jobs, dry_run))
        if json:
            return _print(results)
        code = _show(output, project, results, "would be fetched from" if dry_run else "fetched from")
        if code == 0 and any(result.transferred for result in results):
            output.line(f"Next: {visible(_after_fetch(paths or [], scope, dry_run=dry_run))}")
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
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print what would be fetched.")] = False,
    json: Json = False,
) -> int:
    """Fetch content from a remote, and check it out."""
    from mvc.ops.remotes.fetch import FetchOptions  # noqa: PLC0415
    from mvc.ops.remotes.fetch import pull as run  # noqa: PLC0415

    output: Output = ctx.obj
    with opened(output, json=json) as project:
        scope = _scope(rev, branches=all_branches, tags=all_tags, commits=all_commits)
        result = run(project, project.shell.paths(paths or []), FetchOptions(remote, scope, jobs, dry_run))
        if json:
            return _print(result.fetched)
        code = _show(output, project, result.fetched, "would be fetched from" if dry_run else "fetched from")
        if result.checkout.done:
            show_checkout(output, project, result.checkout)
        return code


def _after_fetch(paths: list[str], scope: RevisionScope, *, dry_run: bool) -> str:
    """Return the command that fetches what was planned, or checks out what was fetched."""
    revisions = [f"--rev {shlex.quote(revision)}" for revision in scope.revisions]
    everything = [f"--all-{name}" for name in ("branches", "tags", "commits") if getattr(scope, name)]
    if dry_run:
        words = ["mvc fetch", *revisions, *everything]
    else:
        words = ["mvc checkout", *(revisions if len(revisions) == 1 and not everything else any(scope) * ["--rev REV"])]
    return " ".join([*words, *map(shlex.quote, paths)])


def _scope(rev: list[str] | None, *, branches: bool, tags: bool, commits: bool) -> RevisionScope:
    from mvc.ops.shared.transfers.selected import RevisionScope  # noqa: PLC0415

    return RevisionScope(tuple(rev or ()), branches, tags, commits)


def _print(results: Sequence[TransferResult]) -> int:
    print_json(results[0] if len(results) == 1 else results)
    return _exit_code(results)


def _exit_code(results: Sequence[TransferResult]) -> int:
    return max(result.exit_code for result in results)


def _show(output: Output, project: Project, results: Sequence[TransferResult], verb: str) -> int:
    """Print what was transferred, and what failed; return the exit code."""
    for result in results:
        show_trouble(output, project, result)
        if result.transferred:
            skipped = f"; {plural(result.skipped, 'object')} already there" if result.skipped else ""
            transferred = f"{plural(result.transferred, 'object')}, {size(result.bytes)}"
            output.line(f"{transferred} {verb} {visible(result.remote)}{skipped}.")
        elif result.skipped and not result.failed:
            target = visible(result.remote) if verb.endswith("to") else "The cache"
            output.line(f"{target} is up to date ({plural(result.skipped, 'object')}).")
        elif not result.failed:
            output.line("No tracked content there. Next: mvc add PATH")
    return _exit_code(results)


@app.command(rich_help_panel=REMOTES)
def get(
    ctx: typer.Context,
    repository: Annotated[str, typer.Argument(metavar="REPO", show_default=False)],
    reference: Annotated[str, typer.Argument(metavar="[REF]", show_default=False)] = "",
    out: Annotated[str, typer.Option("-o", "--out", metavar="OUT", help="Write to OUT.")] = "",
    remote: Annotated[
        str | None, typer.Option("-r", "--remote", metavar="NAME", help="Use this remote of REPO."),
    ] = None,
) -> None:
    """Write content of another repository (a path or URL), or of an artifact (oci://), without checking that out."""
    output: Output = ctx.obj
    if repository.startswith("oci://"):
        _get_artifact(output, repository, out, [name for name, given in (("REF", reference), ("-r", remote)) if given])
        return
    from mvc.ops.remotes.get import get as run  # noqa: PLC0415

    if not reference:
        raise UsageError("REF is missing: what to write of the repository", "mvc ls  # in REPO")
    got = run(around(output), repository, reference, out, remote)
    output.line(f"Wrote {visible(got.path)} to {visible(got.out)} ({size(got.size)})")


def _get_artifact(output: Output, reference: str, out: str, others: list[str]) -> None:
    from mvc.oci.extra import require  # noqa: PLC0415

    if others:
        raise UsageError(f"an artifact has no {others[0]}", f"mvc get {shlex.quote(reference)}")
    require()
    from mvc.ops.lifecycle.packaging.fetch import fetch as run  # noqa: PLC0415

    got = run(around(output), reference, out)
    output.line(f"Wrote {visible(got.reference)} to {visible(got.out)} ({size(got.size)})")
    if got.report:
        signed = ", signed (not verified)" if got.signed else ", not signed"
        output.line(f"Report: {visible(got.report)}{signed}")
