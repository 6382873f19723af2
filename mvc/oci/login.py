"""Which file has the logins to registries: that of Docker, or of Podman."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import msgspec

from mvc.errors import UsageError
from mvc.fs.files import as_error

_FILE = "REGISTRY_AUTH_FILE"
_FOLDER = "DOCKER_CONFIG"
_MOST = 1 << 20


class _Login(msgspec.Struct):
    auth: str = ""


class Logins(msgspec.Struct):
    """What `docker login` and `podman login` write.

    Source: https://github.com/containers/image/blob/main/docs/containers-auth.json.5.md
    """

    auths: dict[str, _Login] = {}
    credHelpers: dict[str, str] = {}  # noqa: N815 - the name in the file
    credsStore: str = ""  # noqa: N815 - as above


def read_logins(environ: Mapping[str, str]) -> dict[str, Any]:
    """Return the logins in the file that the environment names, else in ~/.docker/config.json; none without a file.

    Raises:
        UsageError: it is not such a file. What is in it is not shown.
        MvcError: it cannot be read.
    """
    path = _path(environ)
    try:
        with open(path, "rb") as file:
            raw = file.read(_MOST)
    except FileNotFoundError:
        raw = b"{}"
    except OSError as error:
        raise as_error(error, path) from None
    try:
        found: dict[str, Any] = msgspec.to_builtins(msgspec.json.decode(raw, type=Logins))
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        raise UsageError(f"{path} is not a file of logins to registries", f"export {_FILE}=FILE") from None
    return found


def _path(environ: Mapping[str, str]) -> str:
    if file := environ.get(_FILE):
        return file
    folder = environ.get(_FOLDER) or os.path.join(environ.get("HOME") or os.path.expanduser("~"), ".docker")
    return os.path.join(folder, "config.json")
