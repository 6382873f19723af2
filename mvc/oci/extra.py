"""The package of the extra `oci`."""

from __future__ import annotations

from mvc.errors import UsageError
from mvc.packages import install, missing


def require() -> None:
    """Check that the package for registries is installed.

    Raises:
        UsageError: it is not.
    """
    if package := missing(("oras",)):
        raise UsageError(f"registries need the package {package}", install("oci"))
