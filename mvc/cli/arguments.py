"""Arguments and options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

Paths = Annotated[list[str] | None, typer.Argument(metavar="[PATH]...", show_default=False)]
"""Any number of paths; none means all."""
SomePaths = Annotated[list[str], typer.Argument(metavar="PATH...", show_default=False)]
Remote = Annotated[str | None, typer.Option("-r", "--remote", metavar="NAME", help="Use this remote.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
