"""Whose content it is, or was: one line for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mvc.cli.output import visible

if TYPE_CHECKING:
    from mvc.ops.uses import Use

FEW_USES = 3
"""How many are told without `-v`."""


def tell_use(use: Use) -> str:
    """Return in one line whose content it is, or was."""
    if not use.commit:
        return f"{visible(use.path)}, never committed"
    tags = f" ({', '.join(map(visible, use.tags))})" if use.tags else ""
    origin = f"{use.commit[:12]}{tags} {use.date[:10]} {visible(use.author)}"
    return f"{visible(use.path)}, from {origin}: {visible(use.subject)}"
