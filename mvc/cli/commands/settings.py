"""`mvc config`."""

from __future__ import annotations

from typing import Annotated

import typer

from mvc.cli.app import SETTINGS, Group, app, opened
from mvc.cli.output import Output, print_json, visible
from mvc.config import Scope
from mvc.errors import UsageError

config = typer.Typer(cls=Group, rich_markup_mode=None, help="Read and change settings.")
app.add_typer(config, name="config", rich_help_panel=SETTINGS)

Local = Annotated[bool, typer.Option("--local", help="For this clone only (in .git).")]
ForProject = Annotated[bool, typer.Option("--project", help="For everyone who clones (committed).")]
User = Annotated[bool, typer.Option("--user", help="For all repositories of this user.")]
Name = Annotated[str, typer.Argument(metavar="KEY", show_default=False)]


def _scope(*, local: bool, project: bool, user: bool) -> Scope | None:
    options: dict[Scope, bool] = {"local": local, "project": project, "user": user}
    scopes = [scope for scope, given in options.items() if given]
    if len(scopes) > 1:
        raise UsageError("--local, --project and --user exclude each other", "mvc config list --local")
    return scopes[0] if scopes else None


@config.command("get")
def get(
    ctx: typer.Context, name: Name, local: Local = False, project: ForProject = False, user: User = False,
) -> int:
    """Print one setting. Exit 1 if the selected file does not set it."""
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
    """Change one setting; by default, for this clone."""
    _change(ctx.obj, name, value, _scope(local=local, project=project, user=user))


@config.command("unset")
def unset(
    ctx: typer.Context, name: Name, local: Local = False, project: ForProject = False, user: User = False,
) -> None:
    """Remove one setting from its file; by default, from this clone's."""
    _change(ctx.obj, name, None, _scope(local=local, project=project, user=user))


def _change(output: Output, name: str, value: str | None, scope: Scope | None) -> None:
    from mvc.config import shown  # noqa: PLC0415
    from mvc.ops.setup.configure import set_value  # noqa: PLC0415

    with opened(output, json=True) as project:  # no warnings: this command repairs wrong settings
        path = set_value(project, name, value, scope or "local")
    what = f"{name} = {shown(name, value)}" if value is not None else f"{name} is no longer set"
    output.line(f"{visible(what)}  ({visible(path)})")


@config.command("list")
def list_(
    ctx: typer.Context,
    local: Local = False,
    project: ForProject = False,
    user: User = False,
    show_origin: Annotated[bool, typer.Option("--show-origin", help="Show where each value comes from.")] = False,
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
