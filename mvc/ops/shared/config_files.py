"""Edits config files."""

from __future__ import annotations

import os
import shlex
from typing import TypeAlias

from mvc import config
from mvc.errors import InvalidFormat, UsageError
from mvc.fs.durable_names import fsync_upward
from mvc.fs.scratch import Staging
from mvc.fs.tree import Replacement, Tree, replace_files
from mvc.project import CONFIG, Project
from mvc.scm.staging import stage
from mvc.store.buckets.address import parse

Changes: TypeAlias = list[tuple[str, str | None]]
"""Keys and their new values; None removes a key."""
_PRIVATE = 0o600


def change(project: Project, changes: Changes, scope: config.Scope) -> str:
    """Set keys in the file of `scope`, all or none; return its path. A project's file is staged.

    Raises:
        UsageError: no such key or value, or one that a committed file cannot set.
        InvalidFormat: the file cannot be edited line by line.
    """
    for name, value in changes:
        _check(name, value, scope)
    project.config_layer(scope)  # raises if the file is invalid
    if scope == "project":
        _edit(project.home, project.tree, CONFIG, changes, project.project_config() or b"")
        stage(project.git, [CONFIG])
    else:
        folder, file = os.path.split(project.config_path(scope))
        os.makedirs(folder, exist_ok=True)
        with Tree(folder) as tree:
            _edit(project.home, tree, file, changes, tree.read(file, config.MAX_BYTES) or b"")
        fsync_upward(os.path.realpath(folder))
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


def _edit(home: str, tree: Tree, file: str, changes: Changes, text: bytes) -> None:
    old = tree.read(file, config.MAX_BYTES)  # a sparse checkout may leave the file out
    try:
        new = text.decode()
    except UnicodeDecodeError:
        raise InvalidFormat(f"{file}: not UTF-8: edit it by hand") from None
    for name, value in changes:
        new = config.edit(new, name, value)
    secret = any(map(config.is_secret, config.read(new)))
    replacement = Replacement(file, old, new.encode(), _PRIVATE if secret else 0o666)
    with Staging(f"{home}/tmp") as staging:
        replace_files(tree, staging, [replacement])
