"""The command line that takes one side of a conflict."""

from __future__ import annotations

from mvc.project import Shell


def taking_line(shell: Shell, paths: tuple[str, ...], gone: str = "", more: str = "") -> str:
    """Return the line that resolves `paths`, with the alternative in a comment; `more` is a further one.

    `gone` is the side that deleted the path: the line keeps it.
    """
    line = shell.line("mvc resolve", *paths)
    if gone:
        kept = "theirs" if gone == "ours" else "ours"
        return f"{line} --{kept}  # keeps it; --{gone} deletes it, as that side did"
    return f"{line} --ours  # or --theirs{more}"
