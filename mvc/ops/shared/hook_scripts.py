"""The scripts of the Git hooks: which are installed, and what each should be."""

from __future__ import annotations

import os
import re
import shlex
import sys
from contextlib import suppress
from typing import Literal, NamedTuple, TypeAlias

from blake3 import blake3

import mvc
from mvc.errors import UsageError
from mvc.project import Project
from mvc.scm.changes import hooks_folder

NAMES = ("pre-commit", "pre-merge-commit", "pre-push", "post-checkout", "post-merge")
BEFORE = ".pre-mvc"
"""What is appended to the name of the hook that was there before."""
ENABLED = "hooks.enabled"
_LEGACY = ".legacy"
"""What pre-commit appends to the name of a hook that it calls first."""
_CALL = b"mvc hook run"
_MAX_BYTES = 1 << 20
_MARK = re.compile(rb"^# mvc hook install wrote this: ([0-9a-f]{16})\n", re.MULTILINE)
_PACKAGE = os.path.dirname(os.path.abspath(mvc.__file__))
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


def look_at_hooks(project: Project) -> Hooks:
    """Return where the hooks are, and what."""
    folder = hooks_folder(project.git)
    wanted = project.settings.value(ENABLED) == "true"
    return Hooks(folder, _is_own(project, folder), wanted, tuple(Hook(name, _state(folder, name)) for name in NAMES))


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
