"""The package of the extra `oci`."""

from __future__ import annotations

from importlib.util import find_spec

from mvc.errors import UsageError
from mvc.packages import install


def require() -> None:
    """Check that the package for registries is installed.

    Raises:
        UsageError: it is not.
    """
    if find_spec("oras") is None:
        raise UsageError("registries need the package oras", install("oci"))
