"""`mvc init`, `add`, `checkout` and `resolve`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from mvc.cli.app import WORKSPACE, WithSeparator, app, around, opened
from mvc.cli.arguments import Json, Paths, SomePaths
from mvc.cli.failures import say_all
from mvc.cli.output import FEW, Output, plural, print_json, visible
from mvc.cli.show import show_added, show_checkout, show_followed, show_installed, warn
from mvc.errors import UsageError
from mvc.project import Project

if TYPE_CHECKING:
    from mvc.ops.setup.init import InitResult
    from mvc.ops.shared.failures import Failure
    from mvc.ops.workspace.add import AddResult
    from mvc.ops.workspace.planning.choice import Choice
    from mvc.ops.workspace.resolve import Resolution, Resolved


@app.command(rich_help_panel=WORKSPACE)
def init(
    ctx: typer.Context,
    cache: Annotated[str, typer.Option(metavar="DIR", help="Keep this clone's cache in DIR.")] = "",
    shared: Annotated[
        str | None, typer.Option(metavar="group", help="Share that cache with the group of DIR."),
    ] = None,
    no_hooks: Annotated[bool, typer.Option("--no-hooks", help="Install no Git hooks in this clone.")] = False,
) -> int:
    """Set mvc up in a Git repository, or in a clone of one."""
    from mvc.ops.setup.init import InitOptions  # noqa: PLC0415
    from mvc.ops.setup.init import init as run  # noqa: PLC0415

    output: Output = ctx.obj
    if shared not in (None, "group"):
        line = "mvc init --cache DIR --shared group"
        raise UsageError(f"--shared {shared}: a cache can only be shared with a group", line)
    with Project.discover(around(output)) as project:
        options = InitOptions(os.path.abspath(cache) if cache else None, bool(shared), not no_hooks)
        return _show_init(output, project, run(project, options))


def _show_init(output: Output, project: Project, result: InitResult) -> int:
    from mvc.ops.shared.remotes import configured_remotes  # noqa: PLC0415

    if result.written:
        output.line(f"mvc is set up in {visible(result.root)}; staged: {', '.join(result.written)}")
    else:
        output.line(f"mvc is already set up here; the cache is {visible(result.cache)}")
    if result.written and (others := result.pointers[1:]):
        names = " and ".join({"dvc": "DVC", "lfs": "git-lfs"}[kind] for kind in others)
        output.line(f"Found {names}: the policy has their pointers judged as well (mvc help gate-for-dvc)")
        output.line(f"To move to mvc: {' and '.join(f'mvc import {kind}' for kind in others)}")
    if result.group:
        output.line(f"The group {visible(result.group)} shares the cache {visible(result.cache)}")
    if not result.shares_blocks:
        output.line(
            "This file system cannot share blocks: workspace and cache each hold a copy. To save the space, with\n"
            "read-only files in the workspace: mvc config set cache.link hardlink",
        )
    code = _show_hooks(output, result)
    is_clone = configured_remotes(project.settings) and not result.written
    stays = result.written and result.pointers[1:]
    line = "mvc eval record MODEL --bump major --metric NAME=NUMBER" if stays else "mvc add PATH"
    output.line(f"Next: {'mvc pull' if is_clone else line}")
    return code


def _show_hooks(output: Output, result: InitResult) -> int:
    """Print what was done about Git hooks, and return the exit code."""
    if result.hooks_elsewhere:
        output.note(f"warning: no hooks are installed: {visible(result.hooks_elsewhere.message)}")
        output.note(f"  try: {visible(result.hooks_elsewhere.fix)}")
    if result.hooks is None:
        return 0
    if result.hooks.changed:
        show_installed(output, result.hooks)
    return say_all(result.hooks.failed, silent=False)


@app.command(rich_help_panel=WORKSPACE)
def add(
    ctx: typer.Context,
    paths: Paths = None,
    update: Annotated[
        bool, typer.Option("-u", "--update", help="Add all tracked paths that changed, instead of PATH."),
    ] = False,
    desc: Annotated[str | None, typer.Option("-m", metavar="TEXT", help="Describe this content.")] = None,
    name: Annotated[str | None, typer.Option(help="The model's name in the registry.")] = None,
    force: Annotated[bool, typer.Option("-f", "--force", help="Also add paths that are behind.")] = False,
    no_stage: Annotated[bool, typer.Option("--no-stage", help="Do not change Git's index.")] = False,
    follow_symlinks: Annotated[bool, typer.Option("--follow-symlinks", help="Store the targets of symlinks.")] = False,
    jobs: Annotated[int, typer.Option("-j", min=1, max=64, help="Number of large files read in parallel.")] = 4,
    json: Json = False,
) -> int:
    """Store files and directories in the cache, and their pointers in Git."""
    from mvc.ops.shared.selection import typed_paths  # noqa: PLC0415
    from mvc.ops.workspace.add import AddOptions  # noqa: PLC0415
    from mvc.ops.workspace.add import add as run  # noqa: PLC0415

    output: Output = ctx.obj
    if update == bool(paths):
        message = "-u and PATH exclude each other" if paths else "add needs a path"
        raise UsageError(message, "mvc add -u  # all tracked paths that changed; or mvc add PATH")
    with opened(output, json=json) as project:
        choice = AddOptions(desc, name, force, not no_stage, follow_symlinks, jobs, update)
        failed: list[Failure] = []
        result = run(project, typed_paths(project.shell, paths or [], failed), choice)
        result = result._replace(failed=(*failed, *result.failed))
        if json:
            print_json(result, "updated", "untracked", "findings")
        else:
            _show_added(output, project, result, staged=not no_stage)
    return say_all(result.failed, silent=json)


def _show_added(output: Output, project: Project, result: AddResult, *, staged: bool) -> None:
    from mvc.retention.roots import PATTERN  # noqa: PLC0415
    from mvc.scm.index import commit_line, has_staged  # noqa: PLC0415

    show_added(output, project, result)
    if not result.added and not result.failed:
        output.line("No tracked path changed.")
    _show_untracked(output, project, result)
    for finding in result.findings:
        warn(output, f"{finding.code} {finding.path}: {finding.message}", finding.fix)
    if updated := [item.path for item in result.updated]:
        command = "mvc checkout" if all(item.complete for item in result.updated) else "mvc pull"
        line = project.shell.line(f"{command} --" if updated[1:] else command, *updated)
        output.line(f"Next: {visible(line)}  # brings what the workspace lacks")
    elif staged and result.added and (any(item.changed for item in result.added) or has_staged(project.git, PATTERN)):
        output.line(f"Next: {commit_line(project.git, plural(len(result.added), 'pointer'))}")
    elif result.added and not staged:
        output.line(f"Next: {visible(_staging_line(project, result))}")


def _show_untracked(output: Output, project: Project, result: AddResult) -> None:
    """Print the new files in the given directories, which could be Git's or mvc's."""
    if result.untracked:
        names = ", ".join(visible(project.shell.show(path)) for path in output.few(result.untracked))
        more = " ..." if len(output.few(result.untracked)) < len(result.untracked) else ""
        output.note(f"note: not tracked, and not added: {names}{more}")
        output.note("  try: mvc add PATH  # or git add PATH")


def _staging_line(project: Project, result: AddResult) -> str:
    ignoring = {f"{item.path.rpartition('/')[0]}/.gitignore".removeprefix("/") for item in result.added}
    if len(result.added) > FEW:
        return "git add PATH.mvc  # of each path, with the .gitignore beside it"
    return project.shell.line("git add --", *(item.pointer for item in result.added), *sorted(ignoring))


@app.command(rich_help_panel=WORKSPACE, cls=WithSeparator)
def checkout(
    ctx: typer.Context,
    arguments: Annotated[list[str] | None, typer.Argument(metavar="[REV] [PATH]...", show_default=False)] = None,
    rev: Annotated[str | None, typer.Option(metavar="REV", help="Restore the pointers of REV, and stage them.")] = None,
    force: Annotated[
        bool, typer.Option("-f", "--force", help="Save unknown content to the cache, then overwrite it."),
    ] = False,
    relink: Annotated[bool, typer.Option("--relink", help="Also write clean files again, as cache.link says.")] = False,
    json: Json = False,
) -> int:
    """Make the workspace match the pointers, or restore both from REV. What is not saved is never overwritten."""
    from mvc.ops.shared.checkout import CheckoutOptions  # noqa: PLC0415
    from mvc.ops.shared.selection import typed_paths  # noqa: PLC0415
    from mvc.ops.shared.versions.references import split_revisions  # noqa: PLC0415
    from mvc.ops.workspace.checkout import checkout as run  # noqa: PLC0415

    output: Output = ctx.obj
    with opened(output, json=json) as project:
        words = arguments or []
        if rev is not None:
            words = [rev, "--", *(word for word in words if word != "--")]
        revisions, paths = split_revisions(project, "mvc checkout", words, 1)
        rev = next(iter(revisions), None)
        failed: list[Failure] = []
        result = run(project, typed_paths(project.shell, paths, failed), rev, CheckoutOptions(force, relink))
        result = result._replace(failed=(*failed, *result.failed))
        if json:
            print_json(result)
        else:
            show_checkout(output, project, result, rev)
    return say_all(result.failed, silent=json)


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
            show_followed(output, project, followed)
            _show_resolved(output, project, result)
    return say_all(result.checked_out.failed, silent=json)


def _choice(project: Project, paths: list[str], ours: bool, theirs: bool, best: str) -> Choice:  # noqa: FBT001 - flags
    from mvc.ops.workspace.planning.choice import Choice  # noqa: PLC0415

    if ours + theirs + bool(best) != 1:
        line = project.shell.line("mvc status", *project.shell.paths(paths))
        raise UsageError("choose one of --ours, --theirs and --best METRIC", f"{line}  # shows both sides")
    return Choice("ours" if ours else "theirs" if theirs else None, best)


def _show_resolved(output: Output, project: Project, result: Resolution) -> None:
    for item in result.resolved:
        output.line(f"{output.paint('resolved', 'green')} {visible(project.shell.show(item.path))}: {_what(item)}")
    if result.left:
        output.line(f"Still in conflict: {_first_few(result.left)}")
    else:
        output.line(f"Next: {result.proceed}")


def _what(item: Resolved) -> str:
    from mvc.ops.shared.conflicts.summary import in_one_line  # noqa: PLC0415

    chosen = item.chosen
    if item.files:
        return f"merged, with {chosen.side} of {_first_few(item.files)}"
    if item.reason is None:
        return visible(f"{chosen.side}, {in_one_line(chosen)}")
    reason = item.reason
    direction = "higher" if reason.higher_is_better else "lower"
    values = f"{reason.metric} is {reason.ours:.6g} in ours, {reason.theirs:.6g} in theirs; {direction} is better"
    return visible(f"{chosen.side}, {chosen.tag} ({values})")


def _first_few(names: Sequence[str]) -> str:
    more = f" and {len(names) - FEW:,} more" if len(names) > FEW else ""
    return f"{', '.join(map(visible, names[:FEW]))}{more}"
