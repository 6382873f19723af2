"""`mvc config`: settings, where they come from, and changing them."""

from __future__ import annotations

from typing import NamedTuple

from mvc import config
from mvc.ops.shared.config_files import change
from mvc.project import Project


class Value(NamedTuple):
    """A setting as `config list` shows it: a secret as `***`."""

    name: str
    value: str
    origin: config.Origin


def list_values(project: Project, scope: config.Scope | None = None) -> list[Value]:
    """Return every setting that counts, or what the file of `scope` sets."""
    if scope is not None:
        found = project.config_layer(scope).values
        return [Value(name, config.shown(name, value), scope) for name, value in found.items()]
    values = project.settings.values
    return [Value(name, config.shown(name, setting.value), setting.origin) for name, setting in values.items()]


def get_value(project: Project, name: str, scope: config.Scope | None = None) -> Value | None:
    """Return one setting; None when it is a remote's, or a file's that is asked for, and not set.

    Raises:
        UsageError: no such key.

    """
    if config.find_key(name) is None:
        config.check_value(name, "")
    return next((value for value in list_values(project, scope) if value.name == name), None)


def set_value(project: Project, name: str, value: str | None, scope: config.Scope) -> str:
    """Set a key in the file of `scope`, or take it out when `value` is None; the file's path.

    Raises:
        UsageError: no such key or value, or one that a committed file can't set.
        InvalidFormat: the file can't be edited line by line.

    """
    return change(project, [(name, value)], scope)
