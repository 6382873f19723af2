"""Command lines that resolve a conflict."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Sequence

from mvc.objects.pointer import Notes
from mvc.project import Shell

_OPTIONS = {"name": "--name", "desc": "-m"}
"""Of `mvc add`, by note."""
_LISTED = 10
"""Most files in a line."""


def taking_line(shell: Shell, paths: tuple[str, ...], gone: str = "", more: str = "") -> str:
    """Return the line that resolves `paths`, with the alternative in a comment; `more` is a further one.

    `gone` is the side that deleted the path: the line keeps it.
    """
    line = shell.line("mvc resolve", *paths)
    if gone:
        kept = "theirs" if gone == "ours" else "ours"
        return f"{line} --{kept}  # keeps it; --{gone} deletes it, as that side did"
    return f"{line} --ours  # or --theirs{more}"


def taking_files_line(shell: Shell, path: str, files: Collection[str]) -> str:
    """Return the line that takes these files of a directory from one side; many as a pattern."""
    return taking_line(shell, paths_of(path, files), more="; all other files are merged")


def paths_of(path: str, files: Collection[str]) -> tuple[str, ...]:
    """Return what selects these files of a directory in conflict, of which they are all that both sides changed."""
    return tuple(f"{path}/{name}" for name in files) if len(files) <= _LISTED else (f"{path}/*",)


def merging_line(shell: Shell, path: str, notes: Sequence[str], ours: Notes, theirs: Notes, then: str = "") -> str:
    """Return the line that merges a directory of which both sides changed only these notes, if any.

    It takes ours of them. It is empty if `mvc add` cannot set one. `then` follows it.
    """
    if not _OPTIONS.keys() >= {*notes}:
        return ""
    texts = [f" {_OPTIONS[name]} {shlex.quote(str(getattr(ours, name) or getattr(theirs, name)))}" for name in notes]
    return f"{shell.line('mvc add', path)}{''.join(texts)}{then}  # merges the lists of both sides"
