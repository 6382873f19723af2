"""`mvc config`: reads and changes settings."""

from __future__ import annotations

from typing import NamedTuple

from mvc import config
from mvc.ops.shared.config_files import change
from mvc.project import Project


class Value(NamedTuple):
    """A setting as `config list` shows it; a secret is `***`."""

    name: str
    value: str
    origin: config.Origin


def list_values(project: Project, scope: config.Scope | None = None) -> list[Value]:
    """Return every setting in effect, or those in the file of `scope`."""
    if scope is not None:
        found = project.config_layer(scope).values
        return [Value(name, config.shown(name, value), scope) for name, value in found.items()]
    values = project.settings.values
    return [Value(name, config.shown(name, setting.value), setting.origin) for name, setting in values.items()]


def get_value(project: Project, name: str, scope: config.Scope | None = None) -> Value | None:
    """Return one setting, in effect or in the file of `scope`; None if it is not set.

    Raises:
        UsageError: there is no such key.
    """
    if config.find_key(name) is None:
        config.check_value(name, "")
    return next((value for value in list_values(project, scope) if value.name == name), None)


def set_value(project: Project, name: str, value: str | None, scope: config.Scope) -> str:
    """Set a key in the file of `scope`, or remove it if `value` is None; return the path of the file.

    Raises:
        UsageError: key or value is invalid, or must not be set in a committed file.
        InvalidFormat: the file cannot be edited line by line.
    """
    return change(project, [(name, value)], scope)
