"""Output of several commands: users of an object, failed transfers, what was added or checked out, installed hooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mvc.cli.failures import say
from mvc.cli.output import FEW, Output, plural, size, visible
from mvc.project import Project

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mvc.ops.setup.hooks import Installed
    from mvc.ops.shared.checkout import CheckoutResult, SavedContent
    from mvc.ops.shared.object_users import Use
    from mvc.ops.shared.transfers.results import TransferResult
    from mvc.ops.workspace.add import AddResult
    from mvc.ops.workspace.after_checkout import Followed

FEW_USES = 3
"""The number of users shown without `-v`."""


def describe_use(use: Use) -> str:
    """Return a line with the path and version that use, or used, an object."""
    if not use.commit:
        return f"{visible(use.path)}, never committed"
    tags = f" ({', '.join(map(visible, use.tags))})" if use.tags else ""
    origin = f"{use.commit[:12]}{tags} {use.date[:10]} {visible(use.author)}"
    return f"{visible(use.path)}, from {origin}: {visible(use.subject)}"


def show_trouble(output: Output, project: Project, result: TransferResult) -> None:
    """Print what failed, and the warnings."""
    _show_failed(output, project, result)
    _show_warnings(output, project, result)


def _show_failed(output: Output, project: Project, result: TransferResult) -> None:
    for failure in output.few(result.failed):
        path = f"{project.shell.show(failure.path)}: " if failure.path and failure.blake3 else ""
        say(f"{path}{failure.error}", failure.fix)
    if len(result.failed) > FEW and not output.verbose:
        say(f"... and {len(result.failed) - FEW:,} more failures (-v names them)")


def _show_warnings(output: Output, project: Project, result: TransferResult) -> None:
    for warning in output.few(result.warnings):
        path = f"{project.shell.show(warning.path)}: " if warning.path else ""
        output.note(f"warning: {visible(f'{path}{warning.error}')}")
        if warning.fix:
            output.note(f"  try: {visible(warning.fix)}")
    if len(result.warnings) > FEW and not output.verbose:
        output.note(f"... and {len(result.warnings) - FEW:,} more warnings (-v names them)")


def show_added(output: Output, project: Project, result: AddResult) -> None:
    """Print what was added."""
    updated = [item.path for item in result.updated]
    for item in output.few(result.added):
        what = "updated" if item.path in updated else "added" if item.changed else "unchanged"
        files = f", {plural(item.files, 'file')}" if item.kind == "dir" else ""
        digest = f"  {item.blake3}" if output.verbose else ""
        path = visible(project.shell.show(item.path))
        output.line(f"{output.paint(what, 'green')} {path} ({size(item.size)}{files}){digest}")
    output.rest(result.added, "path")


def show_checkout(output: Output, project: Project, result: CheckoutResult, rev: str | None = None) -> None:
    """Print what was checked out."""
    from mvc.retention.roots import PATTERN  # noqa: PLC0415
    from mvc.scm.index import commit_line, has_staged  # noqa: PLC0415

    for item in output.few(result.done):
        deleted = f", {item.deleted:,} deleted" if item.deleted else ""
        files = f"{plural(item.written, 'file')} written{deleted}, {size(item.size)}"
        output.line(f"{output.paint('checked out', 'green')} {visible(project.shell.show(item.path))} ({files})")
    output.rest(result.done, "path")
    show_saved(output, project, result.saved)
    if not result.done and not result.failed:
        output.line("The workspace already matches its pointers.")
    if rev and not result.failed and has_staged(project.git, PATTERN):
        output.line(f"The pointers of {visible(rev)} are staged. To go back: mvc checkout --rev HEAD")
        output.line(f"Next: {commit_line(project.git)}")


def show_saved(output: Output, project: Project, saved: Sequence[SavedContent]) -> None:
    """Print what was overwritten or deleted and no pointer names, and how to get it back."""
    for item in output.few(saved):
        path, name = visible(project.shell.show(item.path)), item.blake3[:12]
        output.line(f"{output.paint('saved', 'green')} {path} ({size(item.size)}) to the cache, as {name}")
    output.rest(saved, "file")
    if saved:
        output.line(f"To bring it back: mvc get . {saved[0].blake3[:12]} -o OUT  # mvc log --lost lists it")


def show_installed(output: Output, result: Installed) -> None:
    """Print which hooks were installed, and which existing ones they call."""
    if result.changed:
        output.line(f"Installed hooks in {visible(result.folder)}: {', '.join(result.changed)}")
    elif not result.failed:
        output.line(f"The hooks in {visible(result.folder)} are already installed")
    if result.chained:
        output.line(f"Existing hooks are called first: {', '.join(result.chained)}")


def show_followed(output: Output, project: Project, result: Followed) -> None:
    """Print what followed a checkout or merge."""
    if result.written:
        total = sum(item.size for item in result.written)
        output.note(f"mvc: {_paths(project, [item.path for item in result.written])} checked out ({size(total)})")
    if result.deleted:
        output.note(f"mvc: {_paths(project, result.deleted)} deleted: not tracked here; content is kept in the cache")
    if result.absent:
        line = project.shell.line("mvc pull", *result.absent) if len(result.absent) == 1 else "mvc pull"
        warn(output, f"{_paths(project, result.absent)}: the content is not in the cache", line)
    for failure in result.failed[:FEW]:
        warn(output, failure.message, failure.fix)
    if len(result.failed) > FEW:
        warn(output, f"... and {plural(len(result.failed) - FEW, 'more path')}", "mvc status  # names them")


def _paths(project: Project, paths: Sequence[str]) -> str:
    """Return the path, or the number of paths."""
    return visible(project.shell.show(paths[0])) if len(paths) == 1 else plural(len(paths), "path")


def warn(output: Output, message: str, fix: str) -> None:
    """Print a warning, and what to type."""
    output.note(f"warning: {visible(message)}")
    if fix:
        output.note(f"  try: {visible(fix)}")
