"""The command `mvc`, with subcommands that are imported and built on first use.

Building all of them takes about 60 ms, and a command line uses one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import copy
from importlib import import_module
from typing import Any

from typer.main import get_command, get_command_from_info, get_group_from_info

from mvc.cli.app import app

MODULES = {
    "init": "workspace",
    "add": "workspace",
    "status": "reading.status",
    "diff": "reading.diff",
    "checkout": "workspace",
    "resolve": "workspace",
    "mv": "moving",
    "rm": "moving",
    "unprotect": "moving",
    "ls": "reading.listing",
    "log": "reading.listing",
    "verify": "storage",
    "gc": "storage",
    "remote": "remotes",
    "push": "transfer",
    "fetch": "transfer",
    "pull": "transfer",
    "get": "transfer",
    "eval": "quality.predicting",
    "compare": "compare",
    "convert": "quality.converting",
    "package": "production.package",
    "serve": "production.serve",
    "drift": "production.drift",
    "monitor": "production.monitor",
    "gate": "gate",
    "waive": "quality.waive",
    "explain": "help",
    "register": "versions",
    "promote": "versions",
    "rollback": "versions",
    "retire": "versions",
    "deprecate": "versions",
    "which": "versions",
    "history": "versions",
    "models": "versions",
    "audit": "audit",
    "site": "site",
    "hook": "hook",
    "cache": "storage",
    "config": "settings",
    "import": "interop.imports",
    "export": "interop.exports",
    "doctor": "doctor",
    "completion": "completion",
    "help": "help",
    "__complete": "completion",
}
"""The module of each command, in the order of the help and of docs/commands.md."""


class Commands(Mapping[str, Any]):
    """The commands by name, each built when first used."""

    def __init__(self, root: Any) -> None:
        self._root = root
        self._built: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._built:
            self._built[name] = _build(name)
            _take_global_options(self._built[name], self._root)
        return self._built[name]

    def __contains__(self, name: object) -> bool:
        return name in MODULES

    def __iter__(self) -> Iterator[str]:
        return iter(MODULES)

    def __len__(self) -> int:
        return len(MODULES)


def command() -> Any:
    """Return the command `mvc`."""
    group: Any = get_command(app)
    group.commands = Commands(group)
    return group


def _take_global_options(command: Any, root: Any) -> None:
    """Let the global options also follow `command`, where its help does not repeat them."""
    for inner in getattr(command, "commands", {}).values():
        _take_global_options(inner, root)
    options = [copy(option) for option in root.params if option.name != "version"]
    run = command.callback

    def callback(**values: Any) -> Any:
        root.callback(**{option.name: values.pop(option.name) for option in options})
        return run(**values) if run else None

    for option in options:
        option.hidden = True
    command.params += options
    command.callback = callback


def _build(name: str) -> Any:
    import_module(f"mvc.cli.commands.{MODULES[name]}")
    for info in app.registered_groups:
        if info.name == name:
            return get_group_from_info(
                info, pretty_exceptions_short=False, suggest_commands=True, rich_markup_mode=None,
            )
    (match,) = (info for info in app.registered_commands if name in (info.name, getattr(info.callback, "__name__", "")))
    return get_command_from_info(match, pretty_exceptions_short=False, rich_markup_mode=None)
