"""Variables that select a login or a server.

A secret of a CI job often ends with a line break. It is refused before the first request: no header can have one, and
servers and SDKs only say that the login is wrong.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterable
from contextlib import suppress
from netrc import NetrcParseError, netrc

from mvc.store.buckets.bucket import RemoteError

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
TRUST = ("SSL_CERT_FILE", "SSL_CERT_DIR")


def check_environment(names: Iterable[str]) -> None:
    """Refuse variables with a line break, a control character, or a blank at their ends.

    Raises:
        RemoteError: it names the variable, and does not show its value.
    """
    for name in names:
        if problem := problem_of(os.environ.get(name, "")):
            raise RemoteError(f"{name} {problem}", _fix(name, os.environ[name]))


def check_netrc(host: str) -> None:
    """Refuse a login for `host` in ~/.netrc with a control character; a file that cannot be read is skipped.

    Raises:
        RemoteError: it names the file.
    """
    path = os.environ.get("NETRC") or os.path.expanduser("~/.netrc")
    with suppress(OSError, UnicodeDecodeError, NetrcParseError):
        for text in netrc(path).authenticators(host) or ():
            if problem := problem_of(text or ""):
                raise RemoteError(f"{path}: the login for {host} {problem}", f"edit {path}")


def certificates() -> str:
    """Return the file or directory of the system's certificates, or of SSL_CERT_FILE; empty where there is none."""
    paths = ssl.get_default_verify_paths()
    return paths.cafile or (paths.capath if paths.capath and os.listdir(paths.capath) else "")


def both_cases(names: Iterable[str]) -> list[str]:
    """Return names of variables that are read in capitals and in small letters."""
    return [spelled for name in names for spelled in (name, name.lower())]


def problem_of(value: str) -> str:
    """Return what is wrong with a setting of one line; empty if nothing is."""
    if "\n" in value or "\r" in value:
        return "contains a line break"
    if value != value.strip():
        return "begins or ends with a blank"
    return "" if not value or value.isprintable() else "contains a control character"


def _fix(name: str, value: str) -> str:
    if value.isascii():
        return f"""export {name}="$(printf %s "${name}" | tr -d '[:space:][:cntrl:]')"  # or where it is set"""
    return f"export {name}=...  # type it anew: it was copied with an invisible character"
