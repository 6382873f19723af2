"""`mvc hook`: install, uninstall and run Git's hooks."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from mvc.cli.app import QUALITY, Group, app, around, opened
from mvc.cli.failures import report, say, say_all
from mvc.cli.output import Output, plural, size, visible, write_file
from mvc.cli.show import show_followed, show_installed, show_trouble, warn
from mvc.errors import MvcError, UsageError
from mvc.fs.files import as_error
from mvc.project import Project

if TYPE_CHECKING:
    from mvc.ops.merging.merge_tool import Merging
    from mvc.ops.remotes.before_push import Update
    from mvc.ops.shared.conflicts.versions import SideName
    from mvc.ops.shared.transfers.results import TransferResult
    from mvc.ops.workspace.after_checkout import Followed

hook = typer.Typer(cls=Group, rich_markup_mode=None, help="Install, remove and run Git hooks.")
app.add_typer(hook, name="hook", rich_help_panel=QUALITY)

_JUDGING = ("pre-commit", "pre-merge-commit", "no-raw-models", "lint")
"""Hooks of `mvc.hook`; the last two, for the framework pre-commit, check one kind of finding."""


@hook.command("install")
def install(
    ctx: typer.Context,
    force: Annotated[
        bool, typer.Option("--force", help="Also beside hooks of other programs, or in place of edited ones."),
    ] = False,
) -> int:
    """Install Git hooks. Existing hooks are kept, and called first."""
    from mvc.ops.setup.hooks import install as run  # noqa: PLC0415

    output: Output = ctx.obj
    with opened(output) as project:
        result = run(project, force=force)
    show_installed(output, result)
    return say_all(result.failed, silent=False)


@hook.command("uninstall")
def uninstall(ctx: typer.Context) -> int:
    """Remove the Git hooks, and restore those that were there before."""
    from mvc.ops.setup.hooks import uninstall as run  # noqa: PLC0415

    output: Output = ctx.obj
    with opened(output) as project:
        result = run(project)
    if result.changed:
        output.line(f"Removed hooks from {visible(result.folder)}: {', '.join(result.changed)}")
    elif not result.failed:
        output.line("No mvc hooks are installed")
    return say_all(result.failed, silent=False)


@hook.command("run", context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]})
def run(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", show_default=False)],
    arguments: Annotated[list[str] | None, typer.Argument(metavar="[ARG]...", show_default=False)] = None,
) -> int:
    """Run the hook NAME with the arguments from Git."""
    from mvc.ops.shared.hook_scripts import NAMES  # noqa: PLC0415

    words = arguments or []
    if name in _JUDGING:
        _become_the_judge(name)
    if name == "pre-push":
        return _pre_push(ctx.obj, words)
    if name in ("post-checkout", "post-merge"):
        return _follow(ctx.obj, name, words)
    if name == "mergetool":
        return _merge_tool(ctx.obj, words)
    known = ", ".join(dict.fromkeys((*NAMES, *_JUDGING, "mergetool")))
    raise UsageError(f"unknown hook {name!r}: expected {known}", "mvc help hooks")


def _become_the_judge(name: str) -> NoReturn:
    """Replace this process by `mvc.hook`, which starts quickly.

    The framework pre-commit passes a range of commits in the environment.
    """
    tip = os.environ.get("PRE_COMMIT_TO_REF")
    commits = [] if tip is None else ["--range", os.environ.get("PRE_COMMIT_FROM_REF", ""), tip]
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-P", "-m", "mvc.hook", name, *commits])  # noqa: S606 - the same Python


# Before a push.


def _pre_push(output: Output, words: Sequence[str]) -> int:
    """Send content. Exit 1 if that fails, so that Git does not push."""
    from mvc.ops.remotes.before_push import SKIP, send_along  # noqa: PLC0415

    if os.environ.get(SKIP, "0") not in ("", "0"):
        return 0
    try:
        with Project.discover(around(output)) as project:
            if project.settings.value("hooks.push") != "true":
                return 0
            remote, updates = _pushed(words)
            return _show_sent(output, project, send_along(project, remote, updates))
    except MvcError as error:
        report(error)
        return 1


def _pushed(words: Sequence[str]) -> tuple[str, list[Update]]:
    """Return the Git remote and the pushed refs: from Git, or from the framework pre-commit, which reads stdin."""
    from mvc.ops.remotes.before_push import Update, parse_updates  # noqa: PLC0415

    remote = os.environ.get("PRE_COMMIT_REMOTE_NAME")
    if remote is None:
        text = sys.stdin.buffer.read().decode(errors="surrogateescape") if sys.stdin else ""
        return words[0] if words else "", parse_updates(text)
    branch = os.environ.get("PRE_COMMIT_LOCAL_BRANCH", "HEAD")
    new = os.environ.get("PRE_COMMIT_TO_REF", branch)
    return remote, [Update(branch, new, os.environ.get("PRE_COMMIT_FROM_REF", ""))]


def _show_sent(output: Output, project: Project, results: Sequence[TransferResult]) -> int:
    for result in results:
        show_trouble(output, project, result)
        if result.transferred:
            output.note(f"mvc: {plural(result.transferred, 'object')}, {size(result.bytes)} sent to {result.remote}")
    if not any(result.failed for result in results):
        return 0
    say("push stopped: not all of its content is on a remote", "mvc push  # or MVC_SKIP_PUSH=1 git push")
    return 1


# After a checkout or merge.


def _follow(output: Output, name: str, words: Sequence[str]) -> int:
    """Check out what changed. Git has finished, so errors are only warnings."""
    try:
        with Project.discover(around(output)) as project:
            show_followed(output, project, _followed(project, name, words))
    except MvcError as error:
        warn(output, error.message, error.fix)
    except OSError as error:
        told = as_error(error, os.fsdecode(error.filename) if error.filename else "the workspace")
        warn(output, told.message, told.fix)
    return 0


def _followed(project: Project, name: str, words: Sequence[str]) -> Followed:
    from mvc.ops.workspace.after_checkout import Followed, after_checkout, after_merge  # noqa: PLC0415

    if name == "post-merge":
        return after_merge(project, squashed=words[:1] == ["1"])
    if len(words) != 3:  # noqa: PLR2004 - githooks(5)
        raise UsageError("post-checkout needs the arguments that Git gives it: OLD NEW FLAG", "mvc status")
    return after_checkout(project, words[0], words[1]) if words[2] == "1" else Followed()


# For `git mergetool`.


def _merge_tool(output: Output, words: Sequence[str]) -> int:
    """Let the user choose the version of a file. Exit 1 if none is chosen, so that Git leaves it in conflict."""
    from mvc.ops.merging.merge_tool import start_merging  # noqa: PLC0415
    from mvc.ops.workspace.planning.choice import Choice  # noqa: PLC0415
    from mvc.ops.workspace.resolve import resolve  # noqa: PLC0415

    if len(words) != 1:
        raise UsageError("mergetool needs the file that Git names: $MERGED", "git mergetool --tool=mvc")
    with opened(output) as project:
        file = project.shell.path(words[0])
        found = start_merging(project, file)
        if (side := found.decided or _ask(project, found)) is None:
            return 1
        if found.is_last:
            return say_all(resolve(project, [found.path], Choice(side)).checked_out.failed, silent=False)
        write_file(words[0], found.content(file, side) or b"")
    return 0


def _ask(project: Project, found: Merging) -> SideName | None:
    """Show both sides, and return the one that the user types; None for any other answer."""
    from mvc.ops.shared.conflicts.summary import in_one_line, summarize  # noqa: PLC0415

    print(visible(project.shell.show(found.path)))
    for version in found.sides:
        print(f"  {version.side:<6}  {visible(in_one_line(summarize(version)))}")
    print("Take [o]urs or [t]heirs, or [s]kip? ", end="", flush=True)
    with open(0, "rb", buffering=0, closefd=False) as stdin:  # a buffer would take what Git's next question waits for
        answer = stdin.readline().strip().lower()
    print()
    return "ours" if answer in (b"o", b"ours") else "theirs" if answer in (b"t", b"theirs") else None
