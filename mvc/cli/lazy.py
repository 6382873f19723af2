"""The whole command. A command's module is imported, and its options are built, when it is asked for.

Building all of them takes some 60 ms, and a command line names one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

from typer.main import get_command, get_command_from_info, get_group_from_info

from mvc.cli.app import app

MODULES = {
    "init": "workspace",
    "add": "workspace",
    "status": "reading",
    "diff": "reading",
    "checkout": "workspace",
    "mv": "moving",
    "rm": "moving",
    "unprotect": "moving",
    "ls": "reading",
    "log": "reading",
    "verify": "storage",
    "gc": "storage",
    "remote": "remotes",
    "push": "transfer",
    "fetch": "transfer",
    "pull": "transfer",
    "get": "transfer",
    "eval": "eval",
    "gate": "gate",
    "explain": "help",
    "hook": "hook",
    "cache": "storage",
    "config": "settings",
    "doctor": "doctor",
    "completion": "completion",
    "help": "help",
    "__complete": "completion",
}
"""Where each command is, in the order in which a user meets them: in the help, and in docs/commands.md."""


class Commands(Mapping[str, Any]):
    """The commands by name."""

    def __init__(self) -> None:
        """Know their names only."""
        self._built: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        """Return a command."""
        if name not in self._built:
            self._built[name] = _build(name)
        return self._built[name]

    def __contains__(self, name: object) -> bool:
        """Whether there is such a command."""
        return name in MODULES

    def __iter__(self) -> Iterator[str]:
        """Yield their names."""
        return iter(MODULES)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(MODULES)


def command() -> Any:
    """Return the command `mvc`."""
    group: Any = get_command(app)
    group.commands = Commands()
    return group


def _build(name: str) -> Any:
    import_module(f"mvc.cli.commands.{MODULES[name]}")
    for info in app.registered_groups:
        if info.name == name:
            return get_group_from_info(
                info, pretty_exceptions_short=False, suggest_commands=True, rich_markup_mode=None,
            )
    (found,) = (info for info in app.registered_commands if name in (info.name, getattr(info.callback, "__name__", "")))
    return get_command_from_info(found, pretty_exceptions_short=False, rich_markup_mode=None)
