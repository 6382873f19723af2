"""Packages that load models, each imported by the format that needs it."""

from __future__ import annotations

from importlib.util import find_spec

from mvc.errors import UsageError


def require(package: str, what: str, line: str = "") -> None:
    """Check that a package is installed; `what` needs it, and `line` installs it.

    Raises:
        UsageError: it is missing.
    """
    if find_spec(package) is None:
        raise UsageError(f"{what} needs the package {package}", line or f"pip install {package}")
