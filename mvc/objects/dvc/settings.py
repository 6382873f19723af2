"""DVC's settings: https://dvc.org/doc/user-guide/project-structure/configuration."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from configparser import Error, RawConfigParser
from typing import NamedTuple

from mvc.errors import InvalidFormat

_REMOTE = re.compile(r"""'?\s*remote\s*"(.*)"\s*'?""")
_OPTIONS = {
    "region": "region", "profile": "profile", "endpointurl": "endpoint_url", "access_key_id": "access_key_id",
    "secret_access_key": "secret_access_key", "session_token": "session_token", "allow_anonymous_login": "anon",
    "credentialpath": "credentials_file", "configpath": "config_file", "ssl_verify": "ca_bundle",
}
"""DVC's options of S3 that requests need, by mvc's names."""
PATHS = ("credentials_file", "config_file", "ca_bundle")
"""Options that name a file."""
_RUNS = ("credentialpath", "configpath")
"""Options whose files may name a command to run: a committed file does not decide on them."""
_INDIRECT = "remote://"


class SettingsFile(NamedTuple):
    """A file with settings: its text, and the directory that its paths are relative to."""

    path: str
    text: str
    folder: str
    committed: bool = False


class DvcRemote(NamedTuple):
    """A remote of DVC."""

    name: str
    url: str
    """A URL, or a path; relative to `folder`."""
    folder: str
    options: Mapping[str, str]
    """By mvc's names. Some are secrets."""


class DvcSettings(NamedTuple):
    """The settings that say where content is."""

    remotes: Mapping[str, DvcRemote]
    default: str
    """The name of the default remote; empty without one."""
    cache: tuple[str, str]
    """The directory of the cache, and what it is relative to."""


def read_settings(files: Iterable[SettingsFile], default_cache: str) -> DvcSettings:
    """Return the settings in `files`; later files take precedence.

    Raises:
        InvalidFormat: a file is not in DVC's format.
    """
    cache, core = (default_cache, ""), ""
    remotes: dict[str, tuple[dict[str, str], str]] = {}
    for file in files:
        for title, options in _sections(file):
            if title == "cache" and "dir" in options:
                cache = (options["dir"], file.folder)
            elif title == "core":
                core = options.get("remote", core).lower()
            elif match := _REMOTE.fullmatch(title):
                known = remotes.get(match[1], ({}, ""))
                given = {key: value for key, value in options.items() if not (file.committed and key in _RUNS)}
                remotes[match[1]] = ({**known[0], **given}, file.folder if "url" in options else known[1])
    found = {name: _remote(name, remotes) for name, (options, _) in remotes.items() if "url" in options}
    return DvcSettings(found, core, cache)


def _sections(file: SettingsFile) -> Iterable[tuple[str, dict[str, str]]]:
    parser = RawConfigParser(delimiters=("=",), comment_prefixes=("#",), inline_comment_prefixes=("#",), strict=False)
    try:
        parser.read_string(file.text, file.path)
    except Error as error:
        reason = str(error).partition("\n")[0]
        raise InvalidFormat(f"{file.path} is not in DVC's format: {reason}", f"check {file.path}") from None
    for title in parser.sections():
        yield title, {key: _unquoted(value or "") for key, value in parser.items(title)}


def _unquoted(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"" else value


def _remote(name: str, remotes: Mapping[str, tuple[dict[str, str], str]]) -> DvcRemote:
    options, folder = remotes[name]
    base, _, rest = options["url"].removeprefix(_INDIRECT).partition("/")
    if options["url"].startswith(_INDIRECT) and base in remotes and "url" in remotes[base][0]:
        other, folder = remotes[base]
        options = {**other, **options, "url": f"{other['url'].rstrip('/')}/{rest}"}
    given = {mine: options[theirs].strip() for theirs, mine in _OPTIONS.items() if options.get(theirs)}
    return DvcRemote(name, options["url"], folder, given)
