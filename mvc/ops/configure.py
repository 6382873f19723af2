"""`mvc config`: settings, where they come from, and changing them."""

from __future__ import annotations

import os
import shlex
from typing import NamedTuple, TypeAlias

from mvc import config
from mvc.errors import InvalidFormat, UsageError
from mvc.fsutil import fsync_upward
from mvc.project import CONFIG, Project
from mvc.scm.plumbing import stage
from mvc.scratch import Staging
from mvc.store.location import parse
from mvc.tree import Replacement, Tree, replace_files

Changes: TypeAlias = list[tuple[str, str | None]]
"""Keys and their new values; None takes one out."""
_PRIVATE = 0o600


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


def change(project: Project, changes: Changes, scope: config.Scope) -> str:
    """Set keys in the file of `scope`, all or none; the file's path. A project's file is staged.

    Raises:
        UsageError: no such key or value, or one that a committed file can't set.
        InvalidFormat: the file can't be edited line by line.

    """
    for name, value in changes:
        _check(name, value, scope)
    project.config_layer(scope)  # one that is no config is named as the file that it is
    if scope == "project":
        _edit(project, project.tree, CONFIG, changes, project.project_config() or b"")
        stage(project.git, [CONFIG])
    else:
        folder, file = os.path.split(project.config_path(scope))
        os.makedirs(folder, exist_ok=True)
        with Tree(folder) as tree:
            _edit(project, tree, file, changes, tree.read(file, config.MAX_BYTES) or b"")
        fsync_upward(os.path.realpath(folder))
    project.__dict__.pop("settings", None)
    return project.config_path(scope)


def _check(name: str, value: str | None, scope: config.Scope) -> None:
    key = config.find_key(name)
    if key is None or value is not None:
        key = config.check_value(name, value or "")
    if value is None:
        return
    if name.startswith("remotes.") and name.endswith(".url"):
        parse(value)
    if scope == "project" and not key.committed:
        shown = "VALUE" if key.secret else shlex.quote(value)
        raise UsageError(f"a committed config cannot set {name}", f"mvc config set --local {name} {shown}")


def _edit(project: Project, tree: Tree, file: str, changes: Changes, text: bytes) -> None:
    old = tree.read(file, config.MAX_BYTES)  # a sparse checkout may lack what the index has
    try:
        new = text.decode()
    except UnicodeDecodeError:
        raise InvalidFormat(f"{file}: not UTF-8: edit it by hand") from None
    for name, value in changes:
        new = config.edit(new, name, value)
    secret = any(map(config.is_secret, config.read(new)))
    replacement = Replacement(file, old, new.encode(), _PRIVATE if secret else 0o666)
    with Staging(f"{project.home}/tmp") as staging:
        replace_files(tree, staging, [replacement])
