"""The whole command, every group of commands registered."""

from __future__ import annotations

from typing import Any

from typer.main import get_command

from mvc.cli import (  # noqa: F401 - importing them registers their commands
    cache,
    check,
    completion,
    doctor,
    explain,
    gate,
    gc,
    get,
    hook,
    moving,
    remotes,
    settings,
    sign,
    transfer,
    verify,
    workspace,
)
from mvc.cli import eval as eval_  # noqa: F401
from mvc.cli import help as help_  # noqa: F401
from mvc.cli.app import app

ORDER = (
    "init", "add", "status", "diff", "checkout", "mv", "rm", "unprotect", "ls", "log", "verify", "gc",
    "remote", "push", "fetch", "pull", "get", "eval", "gate", "explain", "hook", "cache", "config", "doctor",
    "completion", "help",
)
"""As a user meets them: in the help, and in docs/commands.md."""


def command() -> Any:
    """Return the command `mvc`."""
    group: Any = get_command(app)
    group.commands = {name: group.commands[name] for name in sorted(group.commands, key=_place)}
    return group


def _place(name: str) -> int:
    return ORDER.index(name) if name in ORDER else len(ORDER)
