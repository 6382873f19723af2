"""The packages of the extra `eval`, which nothing but an evaluation needs."""

from __future__ import annotations

from importlib.util import find_spec

from mvc.errors import UsageError
from mvc.packages import install

_PACKAGES = ("numpy", "pyarrow", "sklearn", "fairlearn")


def require(what: str = "metrics from predictions") -> None:
    """Check that the packages are installed, which `what` need.

    Raises:
        UsageError: one is missing.
    """
    if missing := next((name for name in _PACKAGES if find_spec(name) is None), ""):
        raise UsageError(f"{what} need the package {missing}", install("eval"))
