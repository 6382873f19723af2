"""`mvc remote`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from mvc.cli.app import REMOTES, Group, app, opened
from mvc.cli.arguments import Json
from mvc.cli.failures import say
from mvc.cli.output import Output, columns, print_json, visible
from mvc.errors import UsageError

if TYPE_CHECKING:
    from mvc.ops.remotes.manage import Remote, RemoteChange
    from mvc.ops.remotes.try_remote import Tested

remote = typer.Typer(cls=Group, rich_markup_mode=None, help="Manage and test remotes.")
app.add_typer(remote, name="remote", rich_help_panel=REMOTES)

Name = Annotated[str, typer.Argument(metavar="NAME", show_default=False)]
OptionalName = Annotated[str, typer.Argument(metavar="[NAME]", show_default=False)]
Local = Annotated[bool, typer.Option("--local", help="For this clone only (in .git).")]
Options = Annotated[
    list[str] | None, typer.Option("-o", metavar="KEY=VALUE", help="An option, such as region=eu-central-1."),
]


@remote.command("add")
def add(
    ctx: typer.Context,
    name: Name,
    url: Annotated[str, typer.Argument(metavar="URL", show_default=False)],
    default: Annotated[bool, typer.Option("--default", help="Make it the default remote.")] = False,
    local: Local = False,
    options: Options = None,
) -> None:
    """Add a remote: a directory, s3://BUCKET/PREFIX, or another URL."""
    from mvc.ops.remotes import manage as ops  # noqa: PLC0415

    output: Output = ctx.obj
    with opened(output) as project:
        result = ops.add(project, name, url, _pairs(options), local=local, default=default)
    _show_changed(output, result)
    if result.default:
        output.line("It is the default remote.")
    output.line(f"Next: mvc push{'' if result.default else f' -r {name}'}")


@remote.command("list")
def list_(ctx: typer.Context, json: Json = False) -> None:
    """Print the remotes and their options."""
    from mvc.ops.remotes.manage import list_remotes  # noqa: PLC0415

    output: Output = ctx.obj
    with opened(output, json=json) as project:
        remotes = list_remotes(project)
    if json:
        print_json(remotes)
        return
    if not remotes:
        output.note("No remote is configured. Next: mvc remote add NAME URL")
    for line in columns([_row(item) for item in remotes]):
        output.line(line)
    for item in remotes:
        if item.problem:
            output.note(f"warning: {item.name}: {visible(item.problem)}")


def _row(item: Remote) -> tuple[str, str, str, str]:
    options = " ".join(f"{option.name}={visible(option.value)}" for option in item.options)
    return item.name, visible(item.url), " ".join([item.origin, *["default"] * item.default]), options


@remote.command("set")
def set_(
    ctx: typer.Context,
    name: Name,
    url: Annotated[str | None, typer.Argument(metavar="[URL]", show_default=False)] = None,
    local: Local = False,
    options: Options = None,
) -> None:
    """Change a remote's URL or options; KEY= removes an option."""
    from mvc.ops.remotes import manage as ops  # noqa: PLC0415

    output: Output = ctx.obj
    with opened(output) as project:
        result = ops.set_(project, name, url, _pairs(options), local=local)
    _show_changed(output, result)


@remote.command("remove")
def remove(ctx: typer.Context, name: Name) -> None:
    """Remove a remote from the settings. Its content stays."""
    from mvc.ops.remotes import manage as ops  # noqa: PLC0415

    output: Output = ctx.obj
    with opened(output) as project:
        result = ops.remove(project, name)
    output.line(f"Removed the remote {name}. Its content was not deleted.")
    _show_files(output, result)


@remote.command("default")
def default_(ctx: typer.Context, name: OptionalName = "", local: Local = False) -> int:
    """Print the default remote, or set it. Exit 1 if there is none."""
    from mvc.ops.remotes.manage import set_default  # noqa: PLC0415
    from mvc.ops.shared.remotes import default_remote  # noqa: PLC0415

    output: Output = ctx.obj
    with opened(output) as project:
        if not name:
            found = default_remote(project.settings)
            print(found, end="\n" if found else "")
            return 0 if found else 1
        result = set_default(project, name, local=local)
    output.line(f"The default remote is now {name}.")
    _show_files(output, result)
    return 0


def _pairs(options: list[str] | None) -> Mapping[str, str]:
    """Return `KEY=VALUE`s as a mapping. An error does not repeat the text: it may be a secret."""
    pairs = [option.partition("=") for option in options or []]
    if not all(key and equals for key, equals, _ in pairs):
        raise UsageError("-o: expected KEY=VALUE", "mvc help remotes  # lists the options")
    return {key: value for key, _, value in pairs}


def _show_changed(output: Output, result: RemoteChange) -> None:
    from mvc.store.buckets.extras import missing_package  # noqa: PLC0415

    output.line(f"{result.name} is {visible(result.url)}")
    _show_files(output, result)
    if error := missing_package(result.url):
        output.note(f"warning: {error.message}")
        output.note(f"  try: {error.fix}")


def _show_files(output: Output, result: RemoteChange) -> None:
    for path in result.paths:
        staged = ", staged: commit it" if result.staged and path.endswith("/.mvc/config.yaml") else ""
        output.line(f"  in {visible(path)}{staged}")


@remote.command("test")
def try_(ctx: typer.Context, name: OptionalName = "", json: Json = False) -> int:
    """Test a remote: write, read, list and delete an object."""
    from mvc.ops.remotes.try_remote import try_out  # noqa: PLC0415

    output: Output = ctx.obj
    with opened(output, json=json) as project:
        result = try_out(project, name or None)
    if json:
        print_json(result)
    else:
        _show_tested(output, result)
    if not result.can_pull:
        return 3
    return 0 if result.works else 1


_WORKS = {"yes": "works", "no": "does not work", "untried": "not tried"}


def _show_tested(output: Output, result: Tested) -> None:
    output.line(f"{result.remote}: {visible(result.url)}")
    rows = [(f"  {check.name}", _WORKS[check.works]) for check in result.checks if check.name != "clock"]
    if result.clock is not None:
        rows.append(("  clock", f"{result.clock:+g} s" if result.clock else "the same"))
    if result.identity:
        rows.append(("  you are", visible(result.identity)))
    for line in columns(rows):
        output.line(line)
    for check in result.checks:
        if check.message:
            say(f"{check.name}: {check.message}", check.fix)
