"""What several commands show: users of an object, failed transfers, files checked out, hooks installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mvc.cli.arguments import FEW
from mvc.cli.failures import say
from mvc.cli.output import Output, plural, size, visible
from mvc.project import Project

if TYPE_CHECKING:
    from mvc.ops.setup.hooks import Installed
    from mvc.ops.shared.checkout import CheckoutResult
    from mvc.ops.shared.object_users import Use
    from mvc.ops.shared.transfers.results import TransferResult

FEW_USES = 3
"""How many are told without `-v`."""


def tell_use(use: Use) -> str:
    """Return in one line whose content it is, or was."""
    if not use.commit:
        return f"{visible(use.path)}, never committed"
    tags = f" ({', '.join(map(visible, use.tags))})" if use.tags else ""
    origin = f"{use.commit[:12]}{tags} {use.date[:10]} {visible(use.author)}"
    return f"{visible(use.path)}, from {origin}: {visible(use.subject)}"


def show_trouble(output: Output, project: Project, result: TransferResult) -> None:
    """Say what did not arrive, and what is to be known besides."""
    _show_failed(output, project, result)
    _show_warnings(output, project, result)


def _show_failed(output: Output, project: Project, result: TransferResult) -> None:
    for failure in result.failed[: None if output.verbose else FEW]:
        path = f"{project.shell.show(failure.path)}: " if failure.path and failure.blake3 else ""
        say(f"{path}{failure.error}", failure.fix)
    if len(result.failed) > FEW and not output.verbose:
        say(f"... and {len(result.failed) - FEW:,} more failures (-v names them)")


def _show_warnings(output: Output, project: Project, result: TransferResult) -> None:
    for warning in result.warnings[: None if output.verbose else FEW]:
        path = f"{project.shell.show(warning.path)}: " if warning.path else ""
        output.note(f"warning: {visible(f'{path}{warning.error}')}")
        if warning.fix:
            output.note(f"  try: {visible(warning.fix)}")
    if len(result.warnings) > FEW and not output.verbose:
        output.note(f"... and {len(result.warnings) - FEW:,} more warnings (-v names them)")


def show_checkout(output: Output, project: Project, result: CheckoutResult, rev: str | None = None) -> None:
    """Say what was checked out."""
    for item in result.done[: None if output.verbose else FEW]:
        deleted = f", {item.deleted:,} deleted" if item.deleted else ""
        files = f"{plural(item.written, 'file')} written{deleted}, {size(item.size)}"
        output.line(f"{output.paint('checked out', 'green')} {visible(project.shell.show(item.path))} ({files})")
    if len(result.done) > FEW and not output.verbose:
        output.line(f"... and {plural(len(result.done) - FEW, 'more path')} (-v names them)")
    if not result.done and not result.failed:
        output.line("The workspace matches its pointers already.")
    if rev and not result.failed:
        output.line(f"Pointers are staged as they were at {visible(rev)}. Next: git commit, or mvc checkout --rev HEAD")


def show_installed(output: Output, result: Installed) -> None:
    """Say which hooks were laid down, and which others they call."""
    if result.changed:
        output.line(f"Hooks are installed in {visible(result.folder)}: {', '.join(result.changed)}")
    elif not result.failed:
        output.line(f"The hooks in {visible(result.folder)} are installed already")
    if result.chained:
        output.line(f"What was there before is called first: {', '.join(result.chained)}")
