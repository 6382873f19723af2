"""The whole command, every group of commands registered."""

from __future__ import annotations

from typing import Any

from typer.main import get_command

from mvc.cli import settings, workspace  # noqa: F401 - importing them registers their commands
from mvc.cli.app import app


def command() -> Any:
    """Return the command `mvc`."""
    return get_command(app)
