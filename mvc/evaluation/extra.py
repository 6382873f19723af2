"""The packages of the extra `eval`, which nothing but an evaluation needs."""

from __future__ import annotations

from mvc.errors import UsageError
from mvc.packages import install, missing

_PACKAGES = ("numpy", "pyarrow", "sklearn", "fairlearn")


def require(what: str = "metrics from predictions") -> None:
    """Check that the packages are installed, which `what` need.

    Raises:
        UsageError: one is missing.
    """
    if package := missing(_PACKAGES):
        raise UsageError(f"{what} need the package {package}", install("eval"))
