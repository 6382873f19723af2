"""The packages of the extra `serve`, which nothing but a server needs."""

from __future__ import annotations

from importlib.util import find_spec

from mvc.errors import UsageError
from mvc.packages import install

_PACKAGES = ("numpy", "kserve", "prometheus_client")


def require() -> None:
    """Check that the packages are installed.

    Raises:
        UsageError: one is missing.
    """
    if missing := next((name for name in _PACKAGES if find_spec(name) is None), ""):
        raise UsageError(f"a server needs the package {missing}", install("serve"))
