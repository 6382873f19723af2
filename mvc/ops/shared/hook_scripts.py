"""The scripts of the Git hooks: their content, and which are installed."""

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
from mvc.scm.plumbing import Layout

NAMES = ("pre-commit", "pre-merge-commit", "pre-push", "post-checkout", "post-merge")
BEFORE = ".pre-mvc"
"""Appended to the name of an earlier hook."""
ENABLED = "hooks.enabled"
_LEGACY = ".legacy"
"""Appended by pre-commit to the name of a hook that it calls first."""
_CALL = b"mvc hook run"
_MAX_BYTES = 1 << 20
MARK = re.compile(rb"^# mvc hook install wrote this: ([0-9a-f]{16})\n", re.MULTILINE)
_PACKAGE = os.path.dirname(os.path.abspath(mvc.__file__))
HookState: TypeAlias = Literal["installed", "called", "outdated", "edited", "missing"]


class Hook(NamedTuple):
    """A hook of Git, and its state.

    `called`: another program's hook, which calls mvc. `outdated`: mvc's, of another version or installation.
    `missing`: none of these, or not executable, so that Git does not call it.
    """

    name: str
    state: HookState


class Hooks(NamedTuple):
    """The directory where Git looks for this repository's hooks, and the hooks in it."""

    folder: str
    own: bool
    """Whether the directory is inside the repository's `.git`, so that no other repository uses it."""
    wanted: bool
    """The setting `hooks.enabled`."""
    hooks: tuple[Hook, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        """The hooks that should be installed and are not."""
        return tuple(hook.name for hook in self.hooks if hook.state == "missing") if self.wanted else ()

    @property
    def fix(self) -> str:
        """The command to type if some are missing."""
        return "mvc hook install" if self.own else foreign_folder(self.folder).fix


def find_hooks(project: Project) -> Hooks:
    """Return the repository's hooks."""
    folder = hooks_folder(project.git)
    wanted = project.settings.value(ENABLED) == "true"
    hooks = tuple(Hook(name, hook_state(folder, name)) for name in NAMES)
    return Hooks(folder, is_own_folder(project.layout, folder), wanted, hooks)


def is_own_folder(layout: Layout, folder: str) -> bool:
    """Whether the directory is inside the repository's `.git`."""
    real = os.path.realpath(folder)
    return any(real.startswith(f"{os.path.realpath(parent)}/") for parent in (layout.common_dir, layout.git_dir))


def foreign_folder(folder: str) -> UsageError:
    """Return the error that hooks in `folder` would apply to other repositories as well."""
    return UsageError(
        f"Git looks for hooks in {folder}, outside this repository: they would apply to other repositories as well",
        'put \'mvc hook run NAME "$@"\' into the hooks there (mvc help hooks), or mvc hook install --force, '
        "or mvc init --no-hooks",
    )


def hook_state(folder: str, name: str) -> HookState:
    """Return the state of a hook in the directory `folder`."""
    path = script_path(folder, name)
    raw = read_hook(path)
    if raw is None or not (os.access(f"{folder}/{name}", os.X_OK) and os.access(path, os.X_OK)):
        return "missing"
    if MARK.search(raw):
        if not is_untouched(raw):
            return "edited"
        return "installed" if raw == script(name) else "outdated"
    # husky sets the directory `_` as Git's; its hooks call the user's, which are beside that.
    husky = f"{os.path.dirname(folder)}/{name}" if os.path.basename(folder) == "_" else ""
    return "called" if _calls_mvc(raw) or _calls_mvc(read_hook(husky) or b"") else "missing"


def script_path(folder: str, name: str) -> str:
    """Return the path of mvc's script: pre-commit renames it, and calls it."""
    path = f"{folder}/{name}"
    if not _is_marked(path) and os.access(path, os.X_OK) and _is_marked(path + _LEGACY):
        return path + _LEGACY
    return path


def _is_marked(path: str) -> bool:
    raw = read_hook(path)
    return raw is not None and MARK.search(raw) is not None


def is_untouched(raw: bytes) -> bool:
    """Whether this is an unedited script of mvc."""
    found = MARK.search(raw)
    return found is not None and found[1] == _checksum(MARK.sub(b"", raw, 1))


def _calls_mvc(raw: bytes) -> bool:
    return any(_CALL in line.partition(b"#")[0] for line in raw.splitlines())


def read_hook(path: str) -> bytes | None:
    """Return the start of the file `path`; None when there is none."""
    with suppress(FileNotFoundError, IsADirectoryError, NotADirectoryError), open(path, "rb") as file:
        return file.read(_MAX_BYTES)
    return None


def script(name: str) -> bytes:
    """Return the script of a hook, as this version of mvc writes it."""
    with open(f"{_folder()}/{name}", "rb") as file:
        raw = file.read()
    for variable, path in ((b"python", sys.executable), (b"package", _PACKAGE)):
        raw = raw.replace(b"\n%s=\n" % variable, b"\n%s=%s\n" % (variable, os.fsencode(shlex.quote(path))), 1)
    first, rest = raw.split(b"\n", 1)
    return b"%s\n# mvc hook install wrote this: %s\n%s" % (first, _checksum(raw), rest)


def _checksum(raw: bytes) -> bytes:
    return blake3(raw).hexdigest()[:16].encode()


def _folder() -> str:
    """Return the directory of the scripts: in the package, or beside it when mvc runs from its sources."""
    shipped = f"{_PACKAGE}/_hooks"
    return shipped if os.path.isdir(shipped) else f"{os.path.dirname(_PACKAGE)}/hooks"

