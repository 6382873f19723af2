"""`mvc hook install` and `uninstall`: the Git hooks, each of which calls first what was there before.

The scripts are the files of hooks/. Each says in a line of its own that mvc wrote it, with a checksum of the rest:
only what nobody has edited since is replaced or taken away.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from mvc.errors import MvcError
from mvc.fs.durable_names import fsync_upward
from mvc.fs.files import DIRECTORY
from mvc.fs.new_names import rename_new
from mvc.fs.scratch import Staging
from mvc.fs.tree import write_durable
from mvc.ops.setup.configure import get_value, set_value
from mvc.ops.shared.failures import Failure, collecting
from mvc.ops.shared.hook_scripts import (
    BEFORE,
    ENABLED,
    MARK,
    NAMES,
    foreign_folder,
    hook_state,
    is_own_folder,
    is_untouched,
    read_hook,
    script,
    script_path,
)
from mvc.project import Project
from mvc.scm.changes import hooks_folder

_EDITED = ".edited"


class Installed(NamedTuple):
    """What was done, by hook; the rest was as it should be."""

    folder: str
    changed: tuple[str, ...]
    chained: tuple[str, ...]
    """Those of all hooks that call what was there before."""
    failed: tuple[Failure, ...] = ()


def install(project: Project, *, force: bool = False) -> Installed:
    """Lay the hooks down. A hook that is there is called first; again is harmless.

    With `force`, also in a directory that others use, and in place of a script of mvc's that was edited: it is kept.

    Raises:
        UsageError: `core.hooksPath` leads to a directory that others use.
    """
    folder = hooks_folder(project.git)
    if not force and not is_own_folder(project.layout, folder):
        raise foreign_folder(folder)
    _record(project, enabled=True)
    os.makedirs(folder, exist_ok=True)
    with project.staging() as staging:
        changed, failed = _each(lambda name: _install(staging, folder, name, force=force))
    fsync_upward(os.path.realpath(folder))
    return _result(folder, changed, failed)


def uninstall(project: Project) -> Installed:
    """Take the hooks away, and give back what was there before. `status` misses them no more."""
    folder = hooks_folder(project.git)
    _record(project, enabled=False)
    changed, failed = _each(lambda name: _uninstall(folder, name))
    return _result(folder, changed, failed)


def disable(project: Project) -> None:
    """Record in the clone's config that it uses no hooks."""
    _record(project, enabled=False)


def _record(project: Project, *, enabled: bool) -> None:
    """Say it in the clone's own config, unless it is so there."""
    mine = get_value(project, ENABLED, "local")
    if enabled and mine is not None and mine.value == "false":
        set_value(project, ENABLED, None, "local")
    elif not enabled and project.settings.value(ENABLED) != "false":
        set_value(project, ENABLED, "false", "local")


def _each(act: Callable[[str], bool]) -> tuple[tuple[str, ...], tuple[Failure, ...]]:
    """Return the hooks for which `act` changed something, and those for which it could not."""
    failed: list[Failure] = []
    changed: list[str] = []
    for name in NAMES:
        with collecting(failed, name):
            if act(name):
                changed.append(name)
    return tuple(changed), tuple(failed)


def _result(folder: str, changed: tuple[str, ...], failed: tuple[Failure, ...]) -> Installed:
    chained = tuple(name for name in NAMES if os.path.lexists(f"{folder}/{name}{BEFORE}"))
    return Installed(folder, changed, chained, failed)


# Where.


# What is there.


# The scripts.


# One hook.


def _install(staging: Staging, folder: str, name: str, *, force: bool) -> bool:
    """Lay one hook down; whether that changed anything."""
    path = script_path(folder, name)
    raw, wanted = read_hook(path), script(name)
    if raw == wanted and os.access(path, os.X_OK):
        return False
    if raw is not None and not is_untouched(raw):
        if hook_state(folder, name) == "called":
            return False
        _put_aside(path, raw, force=force)
    elif raw is None and os.path.lexists(path):  # a symlink that leads nowhere, or a directory
        _put_aside(path, b"", force=force)
    _write(staging, path, wanted)
    return True


def _put_aside(path: str, raw: bytes, *, force: bool) -> None:
    """Give another name to what is there: it is never overwritten."""
    if not MARK.search(raw):
        if not rename_new(path, path + BEFORE):
            raise MvcError(
                f"{path} is not mvc's, and {path}{BEFORE}, which was there before mvc, would be overwritten",
                f"rm {shlex.quote(path + BEFORE)}  # if nothing needs it any more; then mvc hook install",
            )
    elif not force:
        line = f"mvc hook install --force  # writes it anew, and keeps yours as {os.path.basename(path)}{_EDITED}"
        raise MvcError(f"{path} was edited since mvc wrote it, and was left as it is", line)
    elif not rename_new(path, path + _EDITED):
        line = f"rm {shlex.quote(path + _EDITED)}  # then mvc hook install --force"
        raise MvcError(f"{path}{_EDITED} is there already, and would be overwritten", line)


def _uninstall(folder: str, name: str) -> bool:
    """Take one hook away, and bring back what was there before; whether there was anything to do."""
    path, before = script_path(folder, name), f"{folder}/{name}{BEFORE}"
    raw, had = read_hook(path), os.path.lexists(before)
    if raw is not None and MARK.search(raw):
        if not is_untouched(raw):
            line = f"rm {shlex.quote(path)}  # then mvc hook uninstall"
            raise MvcError(f"{path} was edited since mvc wrote it, and was left as it is", line)
        if had:
            os.rename(before, path)
        else:
            os.unlink(path)
        return True
    if not had:
        return False
    if not rename_new(before, path):
        line = f"mv {shlex.quote(before)} {shlex.quote(path)}  # if that is what you want"
        raise MvcError(f"{path} is not mvc's, so {os.path.basename(before)} did not get its name back", line)
    return True


def _write(staging: Staging, path: str, raw: bytes) -> None:
    """Write a script, whole or not at all; when that fails, what was put aside for it comes back."""
    folder, name = os.path.split(path)
    fd = os.open(folder, DIRECTORY)
    try:
        staging.place(partial(write_durable, data=raw, mode=0o777), folder, fd, name)
    except OSError:
        if not os.path.lexists(path):
            with suppress(OSError):
                rename_new(path + BEFORE, path)
        raise
    finally:
        os.close(fd)
