"""The packages that protocols need; extras of mvc install them."""

from __future__ import annotations

import logging
from importlib.util import find_spec

from mvc.errors import UsageError
from mvc.packages import install

_MODULES = {"s3": "aiobotocore", "gs": "google.auth", "az": "azure.storage.blob", "ssh": "asyncssh", "http": "aiohttp"}
"""By extra."""
_EXTRAS = {"gcs": "gs", "abfs": "az", "abfss": "az", "sftp": "ssh", "https": "http"}
"""Of protocols that are not called as their extra."""


def missing_package(url: str) -> UsageError | None:
    """Return the error that the package for `url` is not installed; None if it is, or for a directory."""
    protocol, _, rest = url.partition("://")
    extra = _EXTRAS.get(protocol, protocol)
    if not rest or extra not in _MODULES or _is_installed(_MODULES[extra]):
        return None
    message = f"{protocol}:// needs the package {_MODULES[extra].replace('.', '-')}"
    return UsageError(message, install(extra))


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # its parent is missing
        return False


def need(url: str) -> None:
    """Require the package for `url`; keep the logs of libraries off the terminal.

    Raises:
        UsageError: it is not installed.
    """
    if error := missing_package(url):
        raise error
    for name in ("aiobotocore", "aiohttp", "asyncio", "asyncssh", "azure", "botocore", "google"):
        if not (logger := logging.getLogger(name)).handlers:
            logger.addHandler(logging.NullHandler())
