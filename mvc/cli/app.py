"""The command `mvc`: global options, groups of commands, help."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from mvc._version import __version__
from mvc.cli.output import Output, visible, wants_color
from mvc.errors import UsageError
from mvc.project import Project, Surroundings

WORKSPACE = "Workspace"
REMOTES = "Remotes"
QUALITY = "Quality"
VERSIONS = "Versions"
PRODUCTION = "In production"
ELSEWHERE = "From elsewhere"
SETTINGS = "Settings"
HELP = "Help"


class Group(TyperGroup):
    """A group of commands that refuses an unknown command in completion as well, unlike the library."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, command, rest = super().resolve_command(ctx, args)
        return (name, command, rest) if command else ctx.fail(f"No such command {args[0]!r}.")


class WithSeparator(TyperCommand):
    """A command that sees the `--` between revisions and paths, which the library takes away."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        at = args.index("--") if "--" in args else len(args)
        return super().parse_args(ctx, [*args[:at], *["--"] * (at < len(args)), *args[at:]])


class GroupedHelp(Group):
    """Help that lists commands under their groups, in the order in which they were declared."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - the signature is typer's
        return list(self.commands)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - the signature is typer's
        groups: dict[str, list[tuple[str, str]]] = {}
        for name, command in self.commands.items():
            if command.hidden:
                continue
            group = getattr(command, "rich_help_panel", None) or "Commands"
            groups.setdefault(group, []).append((name, command.get_short_help_str(70)))
        for group, rows in sorted(groups.items(), key=lambda item: item[0] == HELP):
            with formatter.section(group):
                formatter.write_dl(rows)


app = typer.Typer(
    cls=GroupedHelp,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Model Version Control: large model and data files in Git, with proof of what was evaluated.",
)


def _print_version(value: bool) -> None:  # noqa: FBT001 - typer's callback
    if value:
        print(f"mvc {__version__}")
        raise typer.Exit


@app.callback()
def options(
    ctx: typer.Context,
    directory: Annotated[str, typer.Option("-C", metavar="DIR", help="Run as if started in DIR.")] = "",
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print errors only.")] = False,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Print more: all files, full digests.")] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="Print no colours, as with NO_COLOR=1.")] = False,
    version: Annotated[  # noqa: ARG001 - its callback does the work
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True),
    ] = False,
) -> None:
    """Set global options, before the command or after it."""
    before: Output = ctx.obj or Output(color=wants_color())
    output = Output(before.quiet or quiet, before.verbose or verbose, before.color and not no_color)
    if output.quiet and output.verbose:
        raise UsageError("-q and -v exclude each other", "mvc --help")
    if directory:
        try:
            os.chdir(directory)
        except OSError as error:
            raise UsageError(f"-C {directory}: {error.strerror}", "mvc -C DIR COMMAND") from None
    ctx.obj = output


def around(output: Output) -> Surroundings:
    """Return the surroundings of the process, with output for waiting and progress."""
    from mvc.cli import progress  # noqa: PLC0415
    from mvc.surroundings import surroundings  # noqa: PLC0415

    @cache
    def remark(text: str, fix: str) -> None:
        output.note(f"note: {visible(text)}")
        if fix:
            output.note(f"  try: {visible(fix)}")

    return surroundings()._replace(
        command=f"mvc {' '.join(sys.argv[1:3])}",
        waiting=lambda holder: output.note(f"waiting for {visible(holder)}"),
        progress=progress.make(quiet=output.quiet),
        remark=remark,
    )


@contextmanager
def opened(output: Output, *, json: bool = False) -> Iterator[Project]:
    """Open the project of the current directory, and print warnings about its settings."""
    surroundings = around(output)
    with Project.find(surroundings) as project:
        try:
            if not json:
                for warning in project.settings.warnings:
                    output.note(f"warning: {visible(warning)}")
            yield project
        finally:
            if close := getattr(surroundings.progress, "close", None):
                close()
