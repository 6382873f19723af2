"""`mvc hook install` and `uninstall`: the Git hooks. Each first calls the hook that existed before.

The scripts are in hooks/. One line marks a script as mvc's, with a checksum of the rest: edited scripts are
neither replaced nor removed.
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
from mvc.fs.files import DIRECTORY, aside_line
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
    """The hooks that were changed, and those that failed; the others needed no change."""

    folder: str
    changed: tuple[str, ...]
    chained: tuple[str, ...]
    """All hooks that call an earlier hook."""
    failed: tuple[Failure, ...] = ()


def install(project: Project, *, force: bool = False) -> Installed:
    """Install the hooks; they call existing hooks first. Doing so again is harmless.

    With `force`, also into a directory that others use, and in place of edited scripts of mvc, which are renamed.

    Raises:
        UsageError: `core.hooksPath` leads to a directory that others use.
    """
    folder = hooks_folder(project.git)
    if not force and not is_own_folder(project.layout, folder):
        raise foreign_folder(folder)
    if (own := get_value(project, ENABLED, "local")) and own.value == "false":
        set_value(project, ENABLED, None, "local")
    os.makedirs(folder, exist_ok=True)
    with project.staging() as staging:
        changed, failed = _each(lambda name: _install(staging, folder, name, force=force))
    fsync_upward(os.path.realpath(folder))
    return _result(folder, changed, failed)


def uninstall(project: Project) -> Installed:
    """Remove the hooks, and restore the earlier ones. `status` no longer reports missing hooks."""
    folder = hooks_folder(project.git)
    disable(project)
    changed, failed = _each(lambda name: _uninstall(folder, name))
    return _result(folder, changed, failed)


def disable(project: Project) -> None:
    """Record in the clone's config that it uses no hooks."""
    if project.settings.value(ENABLED) != "false":
        set_value(project, ENABLED, "false", "local")


def _each(act: Callable[[str], bool]) -> tuple[tuple[str, ...], tuple[Failure, ...]]:
    """Return the hooks that `act` changed, and those for which it failed."""
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


def _install(staging: Staging, folder: str, name: str, *, force: bool) -> bool:
    """Install one hook; return whether that changed anything."""
    path = script_path(folder, name)
    raw, wanted = read_hook(path), script(name)
    if raw == wanted and os.access(path, os.X_OK):
        return False
    if raw is not None and not is_untouched(raw):
        if hook_state(folder, name) == "called":
            return False
        _put_aside(path, raw, force=force)
    elif raw is None and os.path.lexists(path):  # a dangling symlink, or a directory
        _put_aside(path, b"", force=force)
    _write(staging, path, wanted)
    return True


def _put_aside(path: str, raw: bytes, *, force: bool) -> None:
    """Rename the existing file: it is never overwritten."""
    if not MARK.search(raw):
        if not rename_new(path, path + BEFORE):
            raise MvcError(
                f"cannot keep the hook {path}: {path}{BEFORE} exists already",
                f"{aside_line(path + BEFORE)} && mvc hook install",
            )
    elif not force:
        line = f"mvc hook install --force  # replaces it, and keeps your version as {os.path.basename(path)}{_EDITED}"
        raise MvcError(f"{path} was edited after mvc installed it: not changed", line)
    elif not rename_new(path, path + _EDITED):
        line = f"{aside_line(path + _EDITED)} && mvc hook install --force"
        raise MvcError(f"{path}{_EDITED} exists already", line)


def _uninstall(folder: str, name: str) -> bool:
    """Remove one hook, and restore the earlier one; return whether that changed anything."""
    path, before = script_path(folder, name), f"{folder}/{name}{BEFORE}"
    raw, had = read_hook(path), os.path.lexists(before)
    if raw is not None and MARK.search(raw):
        if not is_untouched(raw):
            line = f"{aside_line(path)} && mvc hook uninstall"
            raise MvcError(f"{path} was edited after mvc installed it: not changed", line)
        if had:
            os.rename(before, path)
        else:
            os.unlink(path)
        return True
    if not had:
        return False
    if not rename_new(before, path):
        line = f"{aside_line(path)} && mvc hook uninstall  # or keep it, and delete {shlex.quote(before)}"
        raise MvcError(f"cannot restore {before}: {path} exists, and is not a script of mvc", line)
    return True


def _write(staging: Staging, path: str, raw: bytes) -> None:
    """Write a script atomically; if that fails, rename the earlier hook back."""
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
