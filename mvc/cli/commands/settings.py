"""`mvc config`."""

from __future__ import annotations

from typing import Annotated

import typer

from mvc.cli.app import SETTINGS, app, opened
from mvc.cli.output import Output, print_json, visible
from mvc.config import Scope
from mvc.errors import UsageError

config = typer.Typer(rich_markup_mode=None, help="Read and change settings.")
app.add_typer(config, name="config", rich_help_panel=SETTINGS)

Local = Annotated[bool, typer.Option("--local", help="This clone only (in .git).")]
ForProject = Annotated[bool, typer.Option("--project", help="Everyone who clones (committed).")]
User = Annotated[bool, typer.Option("--user", help="Every repository of this user.")]
Name = Annotated[str, typer.Argument(metavar="KEY", show_default=False)]


def _scope(*, local: bool, project: bool, user: bool) -> Scope | None:
    chosen: list[Scope] = [name for name, wanted in _named(local, project, user) if wanted]
    if len(chosen) > 1:
        raise UsageError("--local, --project and --user exclude each other", "mvc config list --local")
    return chosen[0] if chosen else None


def _named(local: bool, project: bool, user: bool) -> tuple[tuple[Scope, bool], ...]:  # noqa: FBT001 - a table
    return ("local", local), ("project", project), ("user", user)


@config.command("get")
def get(
    ctx: typer.Context, name: Name, local: Local = False, project: ForProject = False, user: User = False,
) -> int:
    """Print one setting. Exit 1 when the file asked for does not set it."""
    from mvc.ops.setup.configure import get_value  # noqa: PLC0415

    with opened(ctx.obj) as opened_project:
        value = get_value(opened_project, name, _scope(local=local, project=project, user=user))
    if value is None:
        return 1
    print(visible(value.value))
    return 0


@config.command("set")
def set_(
    ctx: typer.Context,
    name: Name,
    value: Annotated[str, typer.Argument(metavar="VALUE", show_default=False)],
    local: Local = False,
    project: ForProject = False,
    user: User = False,
) -> None:
    """Change one setting; for this clone unless said otherwise."""
    _change(ctx.obj, name, value, _scope(local=local, project=project, user=user))


@config.command("unset")
def unset(
    ctx: typer.Context, name: Name, local: Local = False, project: ForProject = False, user: User = False,
) -> None:
    """Take one setting out of its file; for this clone unless said otherwise."""
    _change(ctx.obj, name, None, _scope(local=local, project=project, user=user))


def _change(output: Output, name: str, value: str | None, scope: Scope | None) -> None:
    from mvc.config import shown  # noqa: PLC0415
    from mvc.ops.setup.configure import set_value  # noqa: PLC0415

    with opened(output, json=True) as project:  # nothing is asked of the settings: this is how wrong ones are mended
        path = set_value(project, name, value, scope or "local")
    what = f"{name} = {shown(name, value)}" if value is not None else f"{name} is not set any more"
    output.line(f"{visible(what)}  ({visible(path)})")


@config.command("list")
def list_(
    ctx: typer.Context,
    local: Local = False,
    project: ForProject = False,
    user: User = False,
    show_origin: Annotated[bool, typer.Option("--show-origin", help="Say where each value comes from.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Print all settings."""
    from mvc.ops.setup.configure import list_values  # noqa: PLC0415

    with opened(ctx.obj, json=json) as opened_project:
        values = list_values(opened_project, _scope(local=local, project=project, user=user))
    if json:
        print_json(values)
        return
    for value in values:
        origin = f"{value.origin}\t" if show_origin else ""
        print(f"{origin}{value.name}={visible(value.value)}")
