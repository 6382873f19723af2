"""`mvc config`: settings, where they come from, and changing them."""

from __future__ import annotations

import os
import shlex
from typing import NamedTuple

from mvc import config
from mvc.errors import UsageError
from mvc.project import CONFIG, Project
from mvc.scm.plumbing import stage
from mvc.scratch import Staging
from mvc.tree import Replacement, Tree, replace_files


class Value(NamedTuple):
    """A setting as `config list` shows it."""

    name: str
    value: str
    origin: config.Origin


def list_values(project: Project, scope: config.Scope | None = None) -> list[Value]:
    """Return every setting that counts, or what the file of `scope` sets."""
    if scope is not None:
        return [Value(name, value, scope) for name, value in project.config_layer(scope).values.items()]
    return [Value(name, *setting) for name, setting in project.settings.values.items()]


def get_value(project: Project, name: str, scope: config.Scope | None = None) -> Value | None:
    """Return one setting; None when the file of `scope` does not set it.

    Raises:
        UsageError: no such key.

    """
    if name not in config.KEYS:
        config.check_value(name, "")
    return next((value for value in list_values(project, scope) if value.name == name), None)


def set_value(project: Project, name: str, value: str | None, scope: config.Scope) -> str:
    """Set a key in the file of `scope`, or take it out when `value` is None; the file's path.

    A project's file is staged.

    Raises:
        UsageError: no such key or value, or one that a committed file can't set.
        InvalidFormat: the file can't be edited line by line.

    """
    key = config.check_value(name, config.KEYS[name].default if value is None and name in config.KEYS else value or "")
    if scope == "project" and not key.committed and value is not None:
        line = f"mvc config set --local {name} {shlex.quote(value or '')}"
        raise UsageError(f"a committed config cannot set {name}", line)
    if scope == "project":
        _edit(project, project.tree, CONFIG, (name, value), project.project_config() or b"")
        stage(project.git, [CONFIG])
    else:
        folder, file = os.path.split(project.config_path(scope))
        os.makedirs(folder, exist_ok=True)
        with Tree(folder) as tree:
            _edit(project, tree, file, (name, value), tree.read(file, config.MAX_BYTES) or b"")
    project.__dict__.pop("settings", None)
    return project.config_path(scope)


def _edit(project: Project, tree: Tree, file: str, change: tuple[str, str | None], text: bytes) -> None:
    old = tree.read(file, config.MAX_BYTES)  # a sparse checkout may lack what the index has
    new = config.edit(text.decode(), *change).encode()
    with Staging(f"{project.home}/tmp") as staging:
        replace_files(tree, staging, [Replacement(file, old, new)] if new != old else [])
