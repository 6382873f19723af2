"""The packages of the extra `eval`, which nothing but an evaluation needs."""

from __future__ import annotations

from importlib.util import find_spec

from mvc.errors import UsageError
from mvc.packages import install

_PACKAGES = ("numpy", "pyarrow", "sklearn", "fairlearn")


def require() -> None:
    """Check that the packages are installed.

    Raises:
        UsageError: one is missing.
    """
    if missing := next((name for name in _PACKAGES if find_spec(name) is None), ""):
        raise UsageError(f"metrics from predictions need the package {missing}", install("eval"))
