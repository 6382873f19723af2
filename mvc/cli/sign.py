"""`mvc eval sign`: answer for a report, or for the change of a file that guards the models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from mvc.cli.app import opened
from mvc.cli.arguments import Json
from mvc.cli.eval import eval_
from mvc.cli.output import Output, plural, print_json, visible
from mvc.project import Project

if TYPE_CHECKING:
    from mvc.ops.eval_sign import Signed

_SHORT = 12
"""Hex digits of a commit."""


@eval_.command("sign")
def sign(
    ctx: typer.Context,
    path: Annotated[str, typer.Argument(metavar="MODEL", show_default=False)],
    key: Annotated[
        str | None, typer.Option("--key", metavar="K", help="An SSH key: a file; else Git's user.signingkey."),
    ] = None,
    base: Annotated[
        str | None, typer.Option("--base", metavar="REV", help="For .mvc/policy.yaml and the like: changed since REV."),
    ] = None,
    json: Json = False,
) -> None:
    """Sign the report of a model with an SSH key; or a change of .mvc/policy.yaml and the like."""
    from mvc.ops.eval_sign import eval_sign  # noqa: PLC0415

    output: Output = ctx.obj
    with opened(output, json=json) as project:
        signed = eval_sign(project, path, key, base)
        if json:
            print_json(signed)
        else:
            _show(output, project, signed)


def _show(output: Output, project: Project, signed: Signed) -> None:
    what, file = visible(project.show(signed.path)), visible(project.show(signed.file))
    since = f", as it is changed since {signed.base[:_SHORT]}" if signed.base else ""
    for reason in signed.weakens:
        output.note(f"  weaker: {visible(reason)}")
    output.line(f"Signed {what}{since}: {plural(signed.signatures, 'signature')} in {file}")
    output.line(f"  by {signed.key}")
    if signed.dropped:
        output.line(f"  without {plural(signed.dropped, 'signature')} that no longer fitted")
    if not signed.staged:
        output.note(f"warning: {what} is not staged as it was signed")
        output.note(f"  try: {visible(project.line('git add', signed.path))}")
