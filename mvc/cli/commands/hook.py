"""`mvc hook`: Git's hooks laid down, taken away, and run."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from mvc.cli.app import QUALITY, app, around, opened
from mvc.cli.arguments import FEW
from mvc.cli.failures import report, say, say_all
from mvc.cli.output import Output, plural, size, visible
from mvc.cli.show import show_installed, show_trouble
from mvc.errors import MvcError, UsageError
from mvc.fs.files import as_error
from mvc.project import Project

if TYPE_CHECKING:
    from mvc.ops.remotes.before_push import Update
    from mvc.ops.shared.transfers.results import TransferResult
    from mvc.ops.workspace.after_checkout import Followed

hook = typer.Typer(rich_markup_mode=None, help="Have Git judge each commit, and move content along with it.")
app.add_typer(hook, name="hook", rich_help_panel=QUALITY)

_JUDGING = ("pre-commit", "pre-merge-commit")
_PARTS = ("no-raw-models", "lint")
"""Of what is judged, one kind: for the framework pre-commit, which judges the rest at another time or not at all."""


@hook.command("install")
def install(
    ctx: typer.Context,
    force: Annotated[
        bool, typer.Option("--force", help="Also where others' hooks are, or in place of edited ones."),
    ] = False,
) -> int:
    """Lay Git's hooks down. Those that are there are called first."""
    from mvc.ops.setup.hooks import install as run  # noqa: PLC0415

    output: Output = ctx.obj
    with opened(output) as project:
        result = run(project, force=force)
    show_installed(output, result)
    return say_all(result.failed, silent=False)


@hook.command("uninstall")
def uninstall(ctx: typer.Context) -> int:
    """Take Git's hooks away, and give back those that were there before."""
    from mvc.ops.setup.hooks import uninstall as run  # noqa: PLC0415

    output: Output = ctx.obj
    with opened(output) as project:
        result = run(project)
    if result.changed:
        output.line(f"Hooks are gone from {visible(result.folder)}: {', '.join(result.changed)}")
    elif not result.failed:
        output.line("No hook of mvc's is installed")
    return say_all(result.failed, silent=False)


@hook.command("run", context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]})
def run(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", show_default=False)],
    arguments: Annotated[list[str] | None, typer.Argument(metavar="[ARG]...", show_default=False)] = None,
) -> int:
    """Do what the hook NAME does, with what Git gives it."""
    from mvc.ops.shared.hook_scripts import NAMES  # noqa: PLC0415

    words = arguments or []
    tip = os.environ.get("PRE_COMMIT_TO_REF")
    if name in _JUDGING and tip is None:
        _judge(name, words)
    if name in (*_JUDGING, *_PARTS):
        return _judge_here(ctx.obj, name, tip)
    if name == "pre-push":
        return _pre_push(ctx.obj, words)
    if name in ("post-checkout", "post-merge"):
        return _follow(ctx.obj, name, words)
    known = ", ".join((*NAMES, *_PARTS))
    raise UsageError(f"no hook of mvc's is called {name!r}; there are: {known}", "mvc help hooks")


def _judge(name: str, words: Sequence[str]) -> NoReturn:
    """Become the program that judges: it starts quickly, so it is one of its own."""
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-P", "-m", "mvc.hook", name, *words])  # noqa: S606 - this very Python


def _judge_here(output: Output, name: str, tip: str | None) -> int:
    """Judge what the framework asks for: the index, or what lies between two revisions."""
    from mvc.ops.judging.framework import CHECKS, judge_range, judge_staged  # noqa: PLC0415
    from mvc.quality.render.text import explain_line, lines, notes  # noqa: PLC0415

    codes = CHECKS.get(name, frozenset())
    with Project.discover(around(output)) as project:
        if tip is None:
            verdict = judge_staged(project, time.time(), codes)
        else:
            verdict = judge_range(project, os.environ.get("PRE_COMMIT_FROM_REF", ""), tip, time.time(), codes)
    for line in (*lines(verdict.findings, "mvc eval check"), *notes(verdict.findings)):
        print(line, file=sys.stderr)
    if not verdict.passed:
        print(f"Refused: {explain_line(verdict.findings)} says more.", file=sys.stderr)
    return 0 if verdict.passed else 1


# Before a push.


def _pre_push(output: Output, words: Sequence[str]) -> int:
    """Send content; exit 1, and Git does not push, when that fails."""
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
    """Return the Git remote and what is pushed to it: from Git, or from the framework pre-commit, which has read it."""
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
    say("the push is stopped: not all of its content is on a remote", "mvc push  # or MVC_SKIP_PUSH=1 git push")
    return 1


# After a checkout or merge.


def _follow(output: Output, name: str, words: Sequence[str]) -> int:
    """Bring the workspace in line. Git did its work: whatever goes wrong here is a warning."""
    try:
        with Project.discover(around(output)) as project:
            _show_followed(output, project, _followed(project, name, words))
    except MvcError as error:
        _warn(output, error.message, error.fix)
    except OSError as error:
        told = as_error(error, os.fsdecode(error.filename) if error.filename else "the workspace")
        _warn(output, told.message, told.fix)
    return 0


def _followed(project: Project, name: str, words: Sequence[str]) -> Followed:
    from mvc.ops.workspace.after_checkout import Followed, after_checkout, after_merge  # noqa: PLC0415

    if name == "post-merge":
        return after_merge(project, squashed=words[:1] == ["1"])
    if len(words) != 3:  # noqa: PLR2004 - githooks(5)
        raise UsageError("post-checkout needs what Git gives it: OLD NEW FLAG", "mvc checkout")
    return after_checkout(project, words[0], words[1]) if words[2] == "1" else Followed()


def _show_followed(output: Output, project: Project, result: Followed) -> None:
    if result.written:
        total = sum(item.size for item in result.written)
        output.note(f"mvc: {_paths(project, [item.path for item in result.written])} checked out ({size(total)})")
    if result.deleted:
        output.note(f"mvc: {_paths(project, result.deleted)} deleted: not tracked here, and kept in the cache")
    if result.absent:
        line = project.shell.line("mvc pull", *result.absent) if len(result.absent) == 1 else "mvc pull"
        _warn(output, f"{_paths(project, result.absent)}: the content is not in the cache", line)
    for failure in result.failed[:FEW]:
        _warn(output, failure.message, failure.fix)
    if len(result.failed) > FEW:
        _warn(output, f"... and {plural(len(result.failed) - FEW, 'more path')}", "mvc checkout  # names them")


def _paths(project: Project, paths: Sequence[str]) -> str:
    """Return the path, or how many there are."""
    return visible(project.shell.show(paths[0])) if len(paths) == 1 else plural(len(paths), "path")


def _warn(output: Output, message: str, fix: str) -> None:
    output.note(f"warning: {visible(message)}")
    if fix:
        output.note(f"  try: {visible(fix)}")
