"""The packages of the extra `serve`, which nothing but a server needs."""

from __future__ import annotations

from mvc.errors import UsageError
from mvc.packages import install, missing

_PACKAGES = ("numpy", "kserve", "prometheus_client")


def require() -> None:
    """Check that the packages are installed.

    Raises:
        UsageError: one is missing.
    """
    if package := missing(_PACKAGES):
        raise UsageError(f"a server needs the package {package}", install("serve"))
