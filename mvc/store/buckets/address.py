"""Addresses of remotes: a directory or a URL, checked and in canonical form.

A URL with a secret is refused, and the message does not repeat the secret.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from mvc.errors import UsageError

DIRECTORY = "file"
S3 = "s3"
_PROTOCOLS = frozenset({DIRECTORY, S3, "gs", "gcs", "az", "abfs", "abfss", "ssh", "sftp", "http", "https"})
_BUCKETS = frozenset({S3, "gs", "gcs"})
"""The protocols whose URLs name a bucket instead of a host."""
_WITH_USER = frozenset({"az", "abfs", "abfss", "ssh", "sftp"})
"""The protocols whose URLs may have a user or a container before the host."""
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]", re.ASCII)
_HOST = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9_.-]*@)?[A-Za-z0-9\[][A-Za-z0-9_.:\]-]*", re.ASCII)
_HOST_AND_PORT = re.compile(r"(?:\[[^]]*\]|[^:]*)(?::[0-9]*)?", re.ASCII)


class RemoteSettings(NamedTuple):
    """A remote as configured: its address and how to reach it."""

    name: str
    url: str
    """A directory checked by `Project.remote` is an absolute path."""
    options: Mapping[str, str]
    """Options of the bucket, by the names in docs/remotes.md. Some values are secrets."""

    def __repr__(self) -> str:
        """Omit the values of the options: some are secrets."""
        return f"RemoteSettings({self.name!r}, {self.url!r}, {sorted(self.options)})"


class Location(NamedTuple):
    """A parsed address."""

    protocol: str
    path: str
    """The path of a directory, or what follows `protocol://`: bucket or host, and a prefix."""

    @property
    def url(self) -> str:
        """The canonical form: a plain path for a directory."""
        return self.path if self.protocol == DIRECTORY else f"{self.protocol}://{self.path}"


def parse(text: str) -> Location:
    """Parse an absolute directory, one outside the repository (`../x`), or a URL.

    Raises:
        UsageError: the address is invalid, or contains a secret. The fix may contain `set NAME`, for the remote.
    """
    if not text or not text.isprintable():
        raise UsageError(f"{hidden(text)!r} is not a directory or URL", "mvc help remotes")
    if "::" in re.sub(r"\[[^]]*\]", "", text):  # except in an IPv6 address
        raise UsageError(f"{hidden(text)}: chained URLs are not supported", "mvc help remotes")
    if match := _URL.fullmatch(text):
        return _parse_url(match[1].lower(), match[2])
    return _parse_directory(text)


def _parse_directory(text: str) -> Location:
    head = text.partition("/")[0]
    if ":" in head:
        raise UsageError(f"{hidden(text)} is not a URL: s3://BUCKET/PREFIX or ssh://HOST/PATH", "mvc help remotes")
    if head.startswith("~"):
        raise UsageError(f"{text}: write the full path of the directory", "mvc help remotes")
    path = os.path.normpath(text)
    path = "/" + path.lstrip("/") if path.startswith("/") else path
    if not path.startswith("/") and path.partition("/")[0] != "..":
        raise UsageError(f"{text} is inside the worktree", "mvc help remotes  # use a directory outside it")
    return Location(DIRECTORY, path)


def _parse_url(protocol: str, rest: str) -> Location:
    if protocol == DIRECTORY:
        if not rest.startswith("/"):
            raise UsageError(f"file://{rest} names another host: write file:///DIR or just /DIR", "mvc help remotes")
        return _parse_directory(rest)
    if protocol not in _PROTOCOLS:
        expected = "a directory, or a URL with s3://, gs://, az://, ssh:// or https://"
        message = f"{protocol}:// is not supported: expected {expected}"
        raise UsageError(message, "mvc remote set NAME URL  # mvc help remotes lists them")
    if reason := _secret_in(protocol, rest):
        raise UsageError(f"{hidden(f'{protocol}://{rest}')}: {reason}", "mvc help remotes")
    host, *parts = rest.split("/")
    pattern = _BUCKET if protocol in _BUCKETS else _HOST
    if pattern.fullmatch(host) is None:
        raise UsageError(f"{protocol}://{rest}: invalid bucket or host {host!r}", "mvc help remotes")
    parts = [part for part in parts if part]
    if {".", ".."} & {*parts}:
        raise UsageError(f"{protocol}://{rest}: its path contains '.' or '..'", "mvc help remotes")
    return Location(protocol, "/".join([host, *parts]))


def _secret_in(protocol: str, rest: str) -> str:
    """Return why `rest` may contain a secret; empty if it does not."""
    if "?" in rest or "#" in rest:
        return "'?' and '#' are not allowed in a remote's URL: a secret may follow"
    return "credentials are not allowed in a URL" if _credentials(protocol, rest) else ""


def _credentials(protocol: str, rest: str) -> str:
    """Return the part of `rest` that may be credentials; empty if there are none.

    They end before the first slash: behind the host, `@` belongs to a name. But behind a colon that starts no port
    there may be a password with a slash, so that they end at the last `@` of all.
    """
    authority = rest.partition("/")[0]
    user, at, _ = authority.rpartition("@")
    host = _BUCKET if protocol in _BUCKETS else _HOST_AND_PORT
    if ":" in user or (not at and ":" in authority and host.fullmatch(authority) is None):
        return rest.rpartition("@")[0]
    return "" if protocol in _WITH_USER else user


def deleting(url: str) -> str:
    """Return the command that deletes the file at `url`."""
    if url.startswith("/"):
        return f"rm -f -- {shlex.quote(url)}"
    command = {S3: "aws s3 rm", "gs": "gcloud storage rm"}.get(url.partition("://")[0], "delete")
    return f"{command} {shlex.quote(url)}"


def instead(verb: str, name: str, text: str, flag: str = "") -> str:
    """Return what to type instead of the URL `text` with credentials; empty without credentials."""
    protocol, _, rest = re.sub(r"[?#].*", "", text, flags=re.DOTALL).partition("://")
    secret = _credentials(protocol.lower(), rest)
    address = rest.removeprefix(f"{secret}@") if secret else rest
    ends_twice = "/" in secret and "@" in secret  # either may be the end of the password
    if ends_twice or f"{protocol}://{address}" == text or not address or protocol.lower() not in _PROTOCOLS:
        return ""
    line = f"mvc remote {verb} {name} {shlex.quote(f'{protocol}://{address}')}{flag}"
    keys = f"mvc remote set {name} --local -o access_key_id=VALUE -o secret_access_key=VALUE"
    return f"{line} && {keys}" if protocol == S3 else line


def hidden(url: str) -> str:
    """Return `url` without parts that may be secret: user and password, query and fragment."""
    match = _URL.fullmatch(url)
    if match is None:
        secret, at, rest = url.rpartition("@")
        return f"***@{rest}" if at and ":" in secret.partition("/")[0] else url
    rest = re.sub(r"[?#].*", lambda found: f"{found[0][0]}***", match[2], flags=re.DOTALL)
    if secret := _credentials(match[1].lower(), rest):
        rest = f"***{rest.removeprefix(secret)}"
    return f"{match[1]}://{rest}"


def check_options(settings: RemoteSettings, location: Location) -> None:
    """Refuse options that the bucket does not have.

    Raises:
        UsageError: an option is unknown.
    """
    if location.protocol != S3 and settings.options:
        option = next(iter(settings.options))
        message = f"{option} is an option of s3:// remotes only, and {settings.name} is at {hidden(location.url)}"
        raise UsageError(message, f"mvc remote set {settings.name} -o {option}=")


def default_name(names: Iterable[str], default: str) -> str:
    """Return the default remote.

    Raises:
        UsageError: there is none, or there are several and no default.
    """
    names = [*names]
    if not names:
        raise UsageError("no remote is configured", "mvc remote add NAME URL")
    if not default and len(names) > 1:
        message = f"several remotes and no default: {', '.join(names)}"
        raise UsageError(message, f"mvc remote default {names[0]}")
    return default or names[0]


def unknown_remote(name: str, names: Iterable[str]) -> UsageError:
    """Return the error for an unknown remote."""
    from difflib import get_close_matches  # noqa: PLC0415 - only a mistyped name needs it

    names = [*names]
    near = get_close_matches(name, names, 3)
    others = f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(names)}" if names else ""
    message = f"no remote is called {name!r}" + (f"; {others}" if others else "")
    return UsageError(message, "mvc remote list" if names else "mvc remote add NAME URL")
