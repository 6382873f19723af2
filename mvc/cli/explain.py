"""`mvc explain`: what a finding means and how to fix it."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Annotated

import typer

from mvc.cli.app import QUALITY, app
from mvc.cli.arguments import Json
from mvc.cli.output import Output, columns, print_json
from mvc.errors import UsageError

if TYPE_CHECKING:
    from mvc.quality.codes import Code


@app.command(rich_help_panel=QUALITY)
def explain(
    ctx: typer.Context,
    code: Annotated[str, typer.Argument(metavar="[CODE]", show_default=False)] = "",
    json: Json = False,
) -> None:
    """Say what a finding means and how to fix it."""
    from mvc.quality.codes import CODES  # noqa: PLC0415

    output: Output = ctx.obj
    found = [_find(code)] if code else list(CODES.values())
    if json:
        print_json(found[0] if code else found)
    elif code:
        _show(output, found[0])
    else:
        for line in columns([(item.code, item.title) for item in found]):
            output.line(line)
        output.line("Next: mvc explain CODE")


def _find(text: str) -> Code:
    """Return what is known of a code.

    Raises:
        UsageError: nothing is.

    """
    from mvc.quality.codes import find, near  # noqa: PLC0415

    if found := find(text):
        return found
    others = near(text)
    meant = f"; did you mean {' or '.join(others)}?" if others else ""
    raise UsageError(f"there is no finding {text!r}{meant}", f"mvc explain {others[0]}" if others else "mvc explain")


def _show(output: Output, item: Code) -> None:
    output.line(f"{output.paint(item.code, 'yellow')}  {item.title}")
    for text in (item.meaning, f"To do: {item.fix}"):
        output.line()
        output.line(textwrap.fill(text, 100))
    output.line(f"\nFor example:\n  {item.code} {item.example}")
