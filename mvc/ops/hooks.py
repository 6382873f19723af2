"""`mvc hook install` and `uninstall`: the Git hooks, each of which calls first what was there before.

The scripts are the files of hooks/. Each says in a line of its own that mvc wrote it, with a checksum of the rest:
only what nobody has edited since is replaced or taken away.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Literal, NamedTuple, TypeAlias

from blake3 import blake3

from mvc.errors import MvcError, UsageError
from mvc.fsutil import DIRECTORY, fsync_upward, rename_new
from mvc.ops.common import Failure, collecting
from mvc.ops.configure import get_value, set_value
from mvc.project import Project
from mvc.scm.changes import hooks_folder
from mvc.scratch import Staging
from mvc.tree import write_durable

NAMES = ("pre-commit", "pre-merge-commit", "pre-push", "post-checkout", "post-merge")
BEFORE = ".pre-mvc"
"""What is appended to the name of the hook that was there before."""
ENABLED = "hooks.enabled"
_LEGACY = ".legacy"
"""What pre-commit appends to the name of a hook that it calls first."""
_EDITED = ".edited"
_CALL = b"mvc hook run"
_MAX_BYTES = 1 << 20
_MARK = re.compile(rb"^# mvc hook install wrote this: ([0-9a-f]{16})\n", re.MULTILINE)
_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

State: TypeAlias = Literal["installed", "called", "outdated", "edited", "missing"]


class Hook(NamedTuple):
    """A hook of Git, and what is there.

    `called`: somebody else's, which calls mvc. `outdated`: mvc's, of another version or place. `missing`: none of
    these, or not executable, so that Git does not call it.
    """

    name: str
    state: State


class Hooks(NamedTuple):
    """Where Git looks for this repository's hooks, and what is there."""

    folder: str
    own: bool
    """Whether that is inside of the repository's `.git`, so that nobody else uses it."""
    wanted: bool
    """What `hooks.enabled` says."""
    hooks: tuple[Hook, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        """The hooks that should be there and are not."""
        return tuple(hook.name for hook in self.hooks if hook.state == "missing") if self.wanted else ()

    @property
    def fix(self) -> str:
        """What to type when some are missing."""
        return "mvc hook install" if self.own else _elsewhere(self.folder).fix


class Installed(NamedTuple):
    """What was done, by hook; the rest was as it should be."""

    folder: str
    changed: tuple[str, ...]
    chained: tuple[str, ...]
    """Those of all hooks that call what was there before."""
    failed: tuple[Failure, ...] = ()


def look_at_hooks(project: Project) -> Hooks:
    """Return where the hooks are, and what."""
    folder = hooks_folder(project.git)
    wanted = project.settings.value(ENABLED) == "true"
    return Hooks(folder, _is_own(project, folder), wanted, tuple(Hook(name, _state(folder, name)) for name in NAMES))


def install(project: Project, *, force: bool = False) -> Installed:
    """Lay the hooks down. A hook that is there is called first; again is harmless.

    With `force`, also in a directory that others use, and in place of a script of mvc's that was edited: it is kept.

    Raises:
        UsageError: `core.hooksPath` leads to a directory that others use.

    """
    folder = hooks_folder(project.git)
    if not force and not _is_own(project, folder):
        raise _elsewhere(folder)
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


def forgo(project: Project) -> None:
    """Remember that this clone does without hooks."""
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


def _is_own(project: Project, folder: str) -> bool:
    real = os.path.realpath(folder)
    places = (project.layout.common_dir, project.layout.git_dir)
    return any(real.startswith(f"{os.path.realpath(place)}/") for place in places)


def _elsewhere(folder: str) -> UsageError:
    return UsageError(
        f"Git looks for hooks in {folder}, which is not this repository's own: others would get them, too",
        'put \'mvc hook run NAME "$@"\' into the hooks there (mvc help hooks), or mvc hook install --force, '
        "or mvc init --no-hooks",
    )


# What is there.


def _state(folder: str, name: str) -> State:
    place = _place(folder, name)
    raw = _read(place)
    if raw is None or not all(os.access(path, os.X_OK) for path in (f"{folder}/{name}", place)):
        return "missing"
    if _MARK.search(raw):
        state: State = "installed" if raw == script(name) else "outdated"
        return state if _is_untouched(raw) else "edited"
    return "called" if _calls_mvc(raw) or _calls_mvc(_read(_of_husky(folder, name)) or b"") else "missing"


def _place(folder: str, name: str) -> str:
    """Return where mvc's script of this hook is, or would be: pre-commit moves it aside, and calls it."""
    path = f"{folder}/{name}"
    if not _is_marked(path) and os.access(path, os.X_OK) and _is_marked(path + _LEGACY):
        return path + _LEGACY
    return path


def _of_husky(folder: str, name: str) -> str:
    """Return the file that husky's hook calls, if this is one: Git knows only the directory `_` beside it."""
    return f"{os.path.dirname(folder)}/{name}" if os.path.basename(folder) == "_" else ""


def _is_marked(path: str) -> bool:
    raw = _read(path)
    return raw is not None and _MARK.search(raw) is not None


def _is_untouched(raw: bytes) -> bool:
    found = _MARK.search(raw)
    return found is not None and found[1] == _checksum(_MARK.sub(b"", raw, 1))


def _calls_mvc(raw: bytes) -> bool:
    return any(_CALL in line.partition(b"#")[0] for line in raw.splitlines())


def _read(path: str) -> bytes | None:
    with suppress(FileNotFoundError, IsADirectoryError, NotADirectoryError), open(path, "rb") as file:
        return file.read(_MAX_BYTES)
    return None


# The scripts.


def script(name: str) -> bytes:
    """Return the script of a hook, as this mvc writes it."""
    with open(f"{_folder()}/{name}", "rb") as file:
        raw = file.read()
    for variable, path in ((b"python", sys.executable), (b"package", _PACKAGE)):
        raw = raw.replace(b"\n%s=\n" % variable, b"\n%s=%s\n" % (variable, os.fsencode(shlex.quote(path))), 1)
    first, rest = raw.split(b"\n", 1)
    return b"%s\n# mvc hook install wrote this: %s\n%s" % (first, _checksum(raw), rest)


def _checksum(raw: bytes) -> bytes:
    return blake3(raw).hexdigest()[:16].encode()


def _folder() -> str:
    """Return where the scripts lie: in the package, or beside it where mvc runs from its sources."""
    shipped = f"{_PACKAGE}/_hooks"
    return shipped if os.path.isdir(shipped) else f"{os.path.dirname(_PACKAGE)}/hooks"


# One hook.


def _install(staging: Staging, folder: str, name: str, *, force: bool) -> bool:
    """Lay one hook down; whether that changed anything."""
    path = _place(folder, name)
    raw, wanted = _read(path), script(name)
    if raw == wanted and os.access(path, os.X_OK):
        return False
    if raw is not None and not _is_untouched(raw):
        if _state(folder, name) == "called":
            return False
        _put_aside(path, raw, force=force)
    elif raw is None and os.path.lexists(path):  # a symlink that leads nowhere, or a directory
        _put_aside(path, b"", force=force)
    _write(staging, path, wanted)
    return True


def _put_aside(path: str, raw: bytes, *, force: bool) -> None:
    """Give another name to what is there: it is never overwritten."""
    if not _MARK.search(raw):
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
    path, before = _place(folder, name), f"{folder}/{name}{BEFORE}"
    raw, had = _read(path), os.path.lexists(before)
    if raw is not None and _MARK.search(raw):
        if not _is_untouched(raw):
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
