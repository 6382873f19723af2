"""The packages of the extra `serve`, which nothing but a server needs."""

from __future__ import annotations

from mvc.errors import UsageError
from mvc.packages import install, missing

_PACKAGES = ("numpy", "kserve", "prometheus_client")


def require(*, log: bool = False) -> None:
    """Check that the packages are installed; for a prediction `log` also the one that writes it.

    Raises:
        UsageError: one is missing.
    """
    if package := missing((*_PACKAGES, "pyarrow") if log else _PACKAGES):
        raise UsageError(f"a server needs the package {package}", install("serve"))
