"""Model Version Control: large model and data files in Git, with proof of what was evaluated.

>>> import mvc
>>> mvc.Project.find().status()  # doctest: +SKIP

Public names are imported when they are first used: `import mvc` costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mvc._version import __version__

if TYPE_CHECKING:
    from mvc.api import Project as Project
    from mvc.api import evaluate as evaluate
    from mvc.api import load as load
    from mvc.api import open_content as open  # noqa: A004 - `mvc.open`, as io.open is called
    from mvc.api import path as path
    from mvc.api import record as record
    from mvc.api import report as report
    from mvc.errors import MvcError as MvcError

__all__ = ["MvcError", "Project", "__version__", "evaluate", "load", "open", "path", "record", "report"]

_HOMES = {
    "MvcError": ("mvc.errors", "MvcError"),
    "Project": ("mvc.api", "Project"),
    "evaluate": ("mvc.api", "evaluate"),
    "load": ("mvc.api", "load"),
    "open": ("mvc.api", "open_content"),
    "path": ("mvc.api", "path"),
    "record": ("mvc.api", "record"),
    "report": ("mvc.api", "report"),
}


def __getattr__(name: str) -> object:
    """Import a public name from its home."""
    if (home := _HOMES.get(name)) is None:
        raise AttributeError(f"module 'mvc' has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415

    value = globals()[name] = getattr(import_module(home[0]), home[1])
    return value


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)
