"""Where a remote is: a directory or a URL, checked and spelled in one way, and the bucket that lies there.

No secret stands in a URL: it is refused, and never repeated in the message.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from mvc.errors import UsageError
from mvc.store.buckets.bucket import Bucket

DIRECTORY = "file"
S3 = "s3"
COMMON = frozenset({DIRECTORY, S3, "gs", "gcs", "az", "abfs", "abfss", "ssh", "sftp", "http", "https"})
"""Protocols that a committed config may name. Whatever else is installed, only whoever owns the clone."""
NOT_PLACES = frozenset({
    "local", "memory", "data", "reference", "dir", "zip", "tar", "libarchive", "git", "generic",
    "cached", "blockcache", "filecache", "simplecache", "asyncwrapper", "async_wrapper",
})
"""Protocols of fsspec's that lead to another URL, to this process, or to a file that says where to read."""

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]", re.ASCII)
_HOST = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9_.-]*@)?[A-Za-z0-9\[][A-Za-z0-9_.:\]-]*", re.ASCII)
_OWN = frozenset({"objects", "packs", "repos", "recipes", "gc", "tmp", "quarantine", "lost+found"})
MARKER = "mvc-remote.yaml"


class RemoteSettings(NamedTuple):
    """A remote as the settings have it: where it is, and how to get there."""

    name: str
    url: str
    """Of a directory its absolute path, once `Project.remote` has checked it."""
    options: Mapping[str, str]
    """What its backend is told, by the names in docs/remotes.md. There may be secrets among the values."""

    def __repr__(self) -> str:
        """Return it without the values of its options: some are secrets."""
        return f"RemoteSettings({self.name!r}, {self.url!r}, {sorted(self.options)})"


class Location(NamedTuple):
    """A URL taken apart."""

    protocol: str
    path: str
    """The path of a directory, or what stands behind `protocol://`: bucket or host, and a prefix."""

    @property
    def url(self) -> str:
        """Its one spelling: a directory is a plain path."""
        return self.path if self.protocol == DIRECTORY else f"{self.protocol}://{self.path}"


def parse(text: str) -> Location:
    """Return where `text` leads: an absolute directory, one outside of the repository (`../x`), or a URL.

    Raises:
        UsageError: it is none of these, or has a secret in it.

    """
    if not text or not text.isprintable():
        raise UsageError(f"{hidden(text)!r} is no directory or URL", "mvc help remotes")
    if "::" in re.sub(r"\[[^]]*\]", "", text):  # but for the address of a host
        raise UsageError(f"{hidden(text)}: chained URLs are not for remotes", "mvc help remotes")
    if match := _URL.fullmatch(text):
        return _parse_url(match[1].lower(), match[2])
    return _parse_directory(text)


def _parse_directory(text: str) -> Location:
    head = text.partition("/")[0]
    if ":" in head:
        raise UsageError(f"{hidden(text)} is no URL: s3://BUCKET/PREFIX or ssh://HOST/PATH", "mvc help remotes")
    if head.startswith("~"):
        raise UsageError(f"{text}: write the directory out", "mvc help remotes")
    path = os.path.normpath(text)
    path = "/" + path.lstrip("/") if path.startswith("/") else path
    if not path.startswith("/") and path.partition("/")[0] != "..":
        raise UsageError(f"{text} is inside of the worktree", "mvc help remotes  # a directory elsewhere")
    return Location(DIRECTORY, path)


def _parse_url(protocol: str, rest: str) -> Location:
    if protocol == DIRECTORY:
        if not rest.startswith("/"):
            raise UsageError(f"file://{rest}: another host; write file:///DIR or just /DIR", "mvc help remotes")
        return _parse_directory(rest)
    if protocol in NOT_PLACES:
        raise UsageError(f"{protocol}:// is no place for a remote", "mvc help remotes")
    if reason := _secret_in(protocol, rest):
        raise UsageError(f"{hidden(f'{protocol}://{rest}')}: {reason}", "mvc help remotes")
    host, *parts = rest.split("/")
    pattern = _BUCKET if protocol in (S3, "gs", "gcs") else _HOST
    if pattern.fullmatch(host) is None:
        raise UsageError(f"{protocol}://{rest}: {host!r} is no bucket or host", "mvc help remotes")
    parts = [part for part in parts if part]
    if {".", ".."} & {*parts}:
        raise UsageError(f"{protocol}://{rest}: a part of it is '.' or '..'", "mvc help remotes")
    return Location(protocol, "/".join([host, *parts]))


def _secret_in(protocol: str, rest: str) -> str:
    """Return why `rest` may hold a secret; empty when it does not."""
    if "?" in rest or "#" in rest:
        return "a URL of a remote has no '?' and no '#': there may be a secret behind it"
    user, at, _ = rest.rpartition("@")  # a slash may be a part of the secret
    if ":" in user or (at and protocol in (S3, "gs", "gcs", "http", "https")):
        return "credentials are not for URLs"
    return ""


def deleting(url: str) -> str:
    """Return the line that deletes the file at `url`."""
    if url.startswith("/"):
        return f"rm -f -- {shlex.quote(url)}"
    command = {S3: "aws s3 rm", "gs": "gcloud storage rm"}.get(url.partition("://")[0], "delete")
    return f"{command} {shlex.quote(url)}"


def instead(verb: str, name: str, text: str, flag: str = "") -> str:
    """Return what to type instead of the URL `text` with credentials in it; empty when it has none."""
    protocol, _, rest = re.sub(r"[?#].*", "", text, flags=re.DOTALL).partition("://")
    place = rest.rpartition("@")[2]
    if f"{protocol}://{place}" == text or not place:
        return ""
    line = f"mvc remote {verb} {name} {shlex.quote(f'{protocol}://{place}')}{flag}"
    keys = f"mvc remote set {name} --local -o access_key_id=VALUE -o secret_access_key=VALUE"
    return f"{line} && {keys}" if protocol == S3 else line


def hidden(url: str) -> str:
    """Return `url` without what may be a secret in it: user and password, query and fragment."""
    url = re.sub(r"[?#].*", lambda match: f"{match[0][0]}***", url, flags=re.DOTALL)
    return re.sub(r"^([A-Za-z0-9+.-]*://)?.*@", lambda match: f"{match[1] or ''}***@", url, flags=re.DOTALL)


def check_options(settings: RemoteSettings, location: Location) -> None:
    """Refuse options that the backend does not have.

    Raises:
        UsageError: there is one.

    """
    if location.protocol != S3 and settings.options:
        option = next(iter(settings.options))
        message = f"{option} is an option of s3:// remotes, and {settings.name} is none"
        raise UsageError(message, f"mvc remote set {settings.name} -o {option}=")


def default_name(names: Iterable[str], default: str) -> str:
    """Return which of the remotes is meant when none is named.

    Raises:
        UsageError: there is none, or several and no default.

    """
    names = [*names]
    if not names:
        raise UsageError("no remote is set up", "mvc remote add NAME URL")
    if not default and len(names) > 1:
        message = f"there are several remotes, and no default: {', '.join(names)}"
        raise UsageError(message, f"mvc remote default {names[0]}")
    return default or names[0]


def unknown_remote(name: str, names: Iterable[str]) -> UsageError:
    """Return the error that says that there is no remote `name`."""
    from difflib import get_close_matches  # noqa: PLC0415 - only a mistyped name needs it

    names = [*names]
    near = get_close_matches(name, names, 3)
    others = f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(names)}" if names else ""
    message = f"no remote is called {name!r}" + (f"; {others}" if others else "")
    return UsageError(message, "mvc remote list" if names else "mvc remote add NAME URL")


def open_bucket(settings: RemoteSettings) -> Bucket:
    """Return the bucket of a remote, patient with a server that has a bad moment; nothing is asked of it yet.

    Raises:
        UsageError: its URL is wrong, or the package for it is not installed.

    """
    bucket = connect(settings)
    if parse(settings.url).protocol == DIRECTORY:
        return bucket
    from mvc.store.buckets.retry import Retrying  # noqa: PLC0415 - only servers need it

    return Retrying(bucket)


def connect(settings: RemoteSettings) -> Bucket:
    """Return the bucket of a remote, which fails at once when the server does.

    Raises:
        UsageError: see `open_bucket`.

    """
    location = parse(settings.url)
    if location.protocol == DIRECTORY:
        from mvc.store.buckets.directory import DirectoryBucket  # noqa: PLC0415 - only the backend that is used

        refuse_foreign(location.path, f"mvc remote set {settings.name}")
        return DirectoryBucket(location.path)
    if location.protocol == S3:
        from mvc.store.buckets.s3.bucket import S3Bucket  # noqa: PLC0415 - as above

        return S3Bucket(location.url, settings.options, name=settings.name)
    return _connect_fsspec(location)


def _connect_fsspec(location: Location) -> Bucket:
    # Only the module of the backend that is used is loaded: they take long.
    match location.protocol:
        case "gs" | "gcs":
            from mvc.store.buckets.gs import GoogleBucket  # noqa: PLC0415

            return GoogleBucket(location.url)
        case "az" | "abfs" | "abfss":
            from mvc.store.buckets.azure import AzureBucket  # noqa: PLC0415

            return AzureBucket(location.url)
        case "ssh" | "sftp":
            from mvc.store.buckets.ssh import SshBucket  # noqa: PLC0415

            return SshBucket(location.url)
        case "http" | "https":
            from mvc.store.buckets.web import WebBucket  # noqa: PLC0415

            return WebBucket(location.url)
        case _:
            from mvc.store.buckets.fsspec_bucket import FsspecBucket  # noqa: PLC0415

            return FsspecBucket(location.url)


def refuse_foreign(path: str, command: str) -> None:
    """Refuse a directory that holds something, and is no remote: a typing error, or a hostile config.

    `command` is what to type, a directory behind it.

    Raises:
        UsageError: it is one.

    """
    try:
        with os.scandir(path) as entries:
            names = {entry.name for entry in entries}
    except OSError:  # not there yet, or not to be read: whoever uses it will say so
        return
    strange = sorted(name for name in names if name not in _OWN and not name.startswith((".", "mvc-")))
    if strange and MARKER not in names:
        raise UsageError(
            f"{path} holds {strange[0]!r} and is no remote: use a directory of its own",
            f"{command} {shlex.quote(f'{path}/mvc'.replace('//', '/'))}",
        )
