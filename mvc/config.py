"""Settings: flag > `MVC_*` environment > local > project > user > default.

A committed config comes with a clone, so it can name neither a command, a cache directory nor a secret:
those count only from the local or the user's file, and are ignored with a warning elsewhere.

`remotes.NAME.OPTION` are keys, too; each file may set some of a remote's options.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import takewhile
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

from mvc.errors import InvalidFormat, UsageError
from mvc.objects.pointer import LABEL, REMOTE, quote

Origin: TypeAlias = Literal["flag", "environment", "local", "project", "user", "default"]
Scope: TypeAlias = Literal["local", "project", "user"]

MAX_BYTES = 64 << 10
HEADER = "mvc-config: 1\n"
_SIZE = re.compile(r"([0-9]{1,9})(B|kB|MB|GB|TB|KiB|MiB|GiB|TiB)")
_UNITS = {
    "B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12,
    "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40,
}
LINK_TYPES = ("reflink", "copy", "hardlink", "symlink")


class Key(NamedTuple):
    """A setting: what it means, what it is unless set, and who may set it."""

    name: str
    default: str
    meaning: str
    check: Callable[[str], str]
    """Returns what is wrong with a value; empty when nothing is."""
    committed: bool = True
    """Whether a committed config may set it."""
    secret: bool = False
    """Whether its value is never shown."""

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return "MVC_" + self.name.upper().replace(".", "_")


def _check_links(value: str) -> str:
    unknown = [name for name in value.split(",") if name not in LINK_TYPES]
    return f"{unknown[0]!r} is none of {', '.join(LINK_TYPES)}" if unknown else ""


def _check_dir(value: str) -> str:
    return "" if not value or os.path.isabs(value) else f"{value!r} is not an absolute path"


def _check_default(value: str) -> str:
    return check_remote_name(value) if value else ""


def check_remote_name(name: str) -> str:
    """Return what is wrong with the name of a remote; empty when nothing is."""
    if REMOTE.fullmatch(name) is None:
        return f"{name!r} is no name for a remote: letters, digits, '-', '_' and '.', at most 64"
    return "'default' is no name for a remote: it is a key beside them" if name == "default" else ""


def _check_text(value: str) -> str:
    return "" if value and value.isprintable() else "must be one line of text"


def _check_one_of(*names: str) -> Callable[[str], str]:
    return lambda value: "" if value in names else f"{value!r} is none of {', '.join(names)}"


def parse_size(text: str) -> int | None:
    """Return the bytes in a size such as `1GB` or `512MiB`; None when it is none."""
    match = _SIZE.fullmatch(text)
    return int(match[1]) * _UNITS[match[2]] if match else None


def _check_size(value: str) -> str:
    return "" if parse_size(value) is not None else f"{value!r} is no size such as 500MB, 1GB or 2GiB"


def _check_endpoint(value: str) -> str:
    """Refuse whatever may hide a secret, and never repeat it."""
    if re.fullmatch(r"https?://[A-Za-z0-9\[][A-Za-z0-9_.:\]-]*(?:/[A-Za-z0-9_./~-]*)?", value, re.ASCII):
        return ""
    return "must be https://HOST:PORT or http://HOST:PORT, without user, '?' and '#'"


def _check_region(value: str) -> str:
    name = re.fullmatch(r"(?![0-9]+$)[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?", value, re.ASCII)
    return "" if name else f"{value!r} is no region such as eu-central-1: letters, digits and '-', at most 63"


_BOOLEAN = _check_one_of("true", "false")
KEYS: Mapping[str, Key] = {
    key.name: key
    for key in (
        Key("cache.dir", "", "Directory of the cache, absolute; empty: inside .git", _check_dir, committed=False),
        Key(
            "cache.link",
            "reflink,copy",
            "How workspace files and the cache share content, tried in this order: " + ", ".join(LINK_TYPES),
            _check_links,
        ),
        Key("remotes.default", "", "The remote that is used when none is named", _check_default),
        Key("hooks.enabled", "true", "Whether init installs Git hooks, and status misses them", _BOOLEAN),
        Key("hooks.checkout", "true", "Whether switch, merge and pull bring content in line", _BOOLEAN),
        Key("hooks.push", "true", "Whether git push sends the content, too", _BOOLEAN),
        Key("hooks.push_limit", "1GB", "How much git push sends; above that, mvc push is to be typed", _check_size),
    )
}
_ACLS = (
    "private", "public-read", "public-read-write", "authenticated-read", "aws-exec-read", "bucket-owner-read",
    "bucket-owner-full-control",
)
OPTIONS: Mapping[str, Key] = {
    key.name: key
    for key in (
        Key("url", "", "Where it is: a directory, or s3://BUCKET/PREFIX and the like", _check_text),
        Key("endpoint_url", "", "Address of the server, where it is not Amazon's", _check_endpoint),
        Key("region", "", "Region of the bucket", _check_region),
        Key("anon", "false", "Send requests without credentials, to a public bucket", _BOOLEAN),
        Key("sse", "", "Encryption on the server: AES256, aws:kms or aws:kms:dsse", _check_text),
        Key("kms_key_id", "", "Key for aws:kms", _check_text),
        Key("acl", "", "Canned ACL of what is written: " + ", ".join(_ACLS), _check_one_of(*_ACLS)),
        Key(
            "addressing_style", "auto", "How the bucket is named to the server: auto, path or virtual",
            _check_one_of("auto", "path", "virtual"),
        ),
        Key(
            "checksums",
            "",
            "S3's own checksums with what is sent: when_supported (unless set) or when_required",
            _check_one_of("when_supported", "when_required"),
        ),
        Key("profile", "", "Profile of the AWS configuration", _check_text, committed=False),
        Key("ca_bundle", "", "File of certificates to trust, absolute", _check_dir, committed=False),
        Key("access_key_id", "", "Access key", _check_text, committed=False, secret=True),
        Key("secret_access_key", "", "Secret of the access key", _check_text, committed=False, secret=True),
        Key("session_token", "", "Token of a temporary access key", _check_text, committed=False, secret=True),
    )
}
"""What can be said of a remote, as `remotes.NAME.OPTION`; all but `url` are S3's."""


def find_key(name: str) -> Key | None:
    """Return the key that is called `name`; None when there is none."""
    section, _, rest = name.partition(".")
    remote, _, option = rest.rpartition(".")
    if section == "remotes" and option in OPTIONS and not check_remote_name(remote):
        return OPTIONS[option]._replace(name=name)
    return KEYS.get(name)


def is_secret(name: str) -> bool:
    """Whether the value of the key `name` is never shown."""
    key = find_key(name)
    return key is not None and key.secret


def shown(name: str, value: str) -> str:
    """Return the value of the key `name` as it may be shown: nothing of a secret."""
    return "***" if value and is_secret(name) else value


class Setting(NamedTuple):
    """A value and where it came from."""

    value: str
    origin: Origin


class Settings(NamedTuple):
    """Every key's value, and what was ignored on the way."""

    values: Mapping[str, Setting]
    warnings: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    """The keys that a committed config sets and cannot."""

    def value(self, name: str) -> str:
        """Return the value of the key `name`."""
        return self.values[name].value

    def remotes(self) -> dict[str, dict[str, Setting]]:
        """Return what is set of each remote, by name and option."""
        found: dict[str, dict[str, Setting]] = {}
        for name, setting in self.values.items():
            if name not in KEYS:
                remote, _, option = name.removeprefix("remotes.").rpartition(".")
                found.setdefault(remote, {})[option] = setting
        return dict(sorted(found.items()))


class Layer(NamedTuple):
    """One source of settings: flat keys and text values."""

    origin: Origin
    values: Mapping[str, str]


def merge(layers: list[Layer]) -> Settings:
    """Return the settings that `layers`, the weakest first, add up to.

    Raises:
        UsageError: a value that counts is not allowed.

    """
    values = {name: Setting(key.default, "default") for name, key in KEYS.items()}
    ignored: list[str] = []
    for layer in layers:
        for name, value in layer.values.items():
            if layer.origin == "project" and (key := find_key(name)) and not key.committed:
                ignored.append(name)
                continue
            _check_value_of(layer.origin, name, value)
            values[name] = Setting(value, layer.origin)
    warnings = [f"ignored {name} in .mvc/config.yaml: a committed config cannot set it" for name in ignored]
    return Settings(values, tuple(warnings), tuple(ignored))


def _check_value_of(origin: Origin, name: str, value: str) -> None:
    try:
        check_value(name, value)
    except UsageError as error:
        if origin in get_args(Scope):
            raise UsageError(error.message, f"mvc config unset --{origin} {name}") from None
        raise


def check_value(name: str, value: str) -> Key:
    """Return the key `name` when `value` may be its value.

    Raises:
        UsageError: no such key, or no such value.

    """
    if (key := find_key(name)) is None:
        raise _unknown(name)
    if reason := key.check(value):
        raise UsageError(f"{name}: {reason}", f"mvc config set {name} {key.default or 'VALUE'}")
    return key


def _unknown(name: str) -> UsageError:
    section, _, rest = name.partition(".")
    remote, _, option = rest.rpartition(".")
    if section != "remotes" or not remote:
        return UsageError(f"no setting is called {name!r}; there are: {', '.join(KEYS)}", "mvc config list")
    if reason := check_remote_name(remote):
        return UsageError(reason, "mvc remote add NAME URL")
    return unknown_option(option)


def unknown_option(option: str) -> UsageError:
    """Return the error that says that remotes have no such option."""
    from difflib import get_close_matches  # noqa: PLC0415 - only a mistyped name needs it

    near = get_close_matches(option, OPTIONS, 3)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(OPTIONS)}"
    return UsageError(f"no option of a remote is called {option!r}; {hint}", "mvc help remotes")


def environment_layer(environ: Mapping[str, str]) -> Layer:
    """Return what `MVC_*` variables set."""
    return Layer("environment", {k.name: environ[k.variable] for k in KEYS.values() if k.variable in environ})


def file_layer(origin: Scope, raw: bytes | None, what: str) -> Layer:
    """Return what a config file sets; `what` names it in errors.

    Raises:
        InvalidFormat: it is no config.

    """
    if raw is None or _says_nothing(raw):
        return Layer(origin, {})
    from mvc.objects import strict_yaml  # noqa: PLC0415 - most configs say nothing: start-up time

    return Layer(origin, dict(_flatten(strict_yaml.load(raw, what=what, max_bytes=MAX_BYTES), what)))


def _says_nothing(raw: bytes) -> bool:
    lines = (line.strip() for line in raw.splitlines())
    return all(not line or line.startswith(b"#") or line == HEADER.strip().encode() for line in lines)


def _flatten(data: object, what: str) -> list[tuple[str, str]]:
    if not isinstance(data, dict):
        raise InvalidFormat(f"{what}: expected keys and values")
    if (version := data.pop("mvc-config", 1)) != 1:
        raise InvalidFormat(f"{what}: format {version!r}, this mvc reads format 1: upgrade mvc")
    rows = []
    for section, body in data.items():
        if not isinstance(body, dict):
            raise InvalidFormat(f"{what}: {section}: expected keys and values")
        for name, value in _names(section, body):
            if find_key(name) is None or not isinstance(value, str):
                raise InvalidFormat(f"{what}: {_complaint(name)}")
            rows.append((name, value))
    return rows


def _names(section: str, body: dict[str, object]) -> Iterator[tuple[str, object]]:
    """Yield the keys of a section; a remote's stand one level deeper."""
    for name, value in body.items():
        if section != "remotes" or name == "default":
            yield f"{section}.{name}", value
        elif isinstance(name, str) and isinstance(value, dict) and value:
            yield from ((f"{section}.{name}.{option}", setting) for option, setting in value.items())
        else:
            yield f"{section}.{name}.", value


def _complaint(name: str) -> str:
    if name.endswith("."):
        return f"{name[:-1]}: expected a name, quoted if it is a number, and its keys and values"
    if find_key(name) is None and name.startswith("remotes."):
        return f"{name}: {_unknown(name).message}"
    return f"{name}: no such setting, or not a text: quote it"


# Changing a file.


def edit(text: str, name: str, value: str | None) -> str:
    """Return the config `text` with the key set to `value`, or without it; comments stay.

    Raises:
        InvalidFormat: the text is laid out in a way that cannot be edited line by line.

    """
    lines = (text or HEADER).removesuffix("\n").split("\n")
    if value is None:
        _take_out(lines, _path(name))
    else:
        _put(lines, _path(name), value)
    result = "\n".join(lines) + "\n"
    if read(result) != {key: old for key, old in {**read(text), name: value}.items() if old is not None}:
        raise InvalidFormat("the file's layout cannot be edited line by line: edit it by hand")
    return result


def read(text: str) -> dict[str, str]:
    """Return what a config with this text sets."""
    return dict(file_layer("local", text.encode(), "config").values)


def _path(name: str) -> list[str]:
    section, _, rest = name.partition(".")
    remote, _, option = rest.rpartition(".")
    return [section, remote, option] if remote else [section, rest]


def _take_out(lines: list[str], path: list[str]) -> None:
    """Remove the line of a key, and the sections that are empty without it."""
    found = _find(lines, path)
    if len(found) == len(path):
        del lines[found.pop()]
        while found and not _body(lines, found[-1]):
            del lines[found.pop()]


def _put(lines: list[str], path: list[str], value: str) -> None:
    """Replace the line of a key, or add it at the end of its section."""
    found = _find(lines, path)
    missing = [*path[len(found) :]]
    if not missing:
        row = lines[found[-1]]
        lines[found[-1]] = f"{_indent(row)}{_spelled(path[-1])}: {quote(value)}{_comment(row)}"
        return
    at, indent = _end(lines, found[-1]) if found else (len(lines), "")
    added = [f"{indent}{'  ' * depth}{_spelled(key)}:" for depth, key in enumerate(missing)]
    lines[at:at] = [*added[:-1], f"{added[-1]} {quote(value)}"]


def _find(lines: list[str], path: list[str]) -> list[int]:
    """Return where the keys of `path` stand, as far as they are there: each in the section of the one before."""
    found: list[int] = []
    for key in path:
        body = _body(lines, found[-1] if found else None)
        rows = [n for n in body if _indent(lines[n]) == _indent(lines[body[0]])]
        row = next((n for n in rows if lines[n].strip().startswith(f"{_spelled(key)}:")), None)
        if row is None:
            break
        found.append(row)
    return found


def _body(lines: list[str], section: int | None) -> list[int]:
    """Return the lines of a section, without comments; of the whole file when `section` is None."""
    start, depth = (0, -1) if section is None else (section + 1, len(_indent(lines[section])))
    rows = (n for n in range(start, len(lines)) if lines[n].strip() and not lines[n].lstrip().startswith("#"))
    return list(takewhile(lambda n: len(_indent(lines[n])) > depth, rows))


def _end(lines: list[str], section: int) -> tuple[int, str]:
    """Return where a section ends, and how deep its keys stand."""
    if body := _body(lines, section):
        return body[-1] + 1, _indent(lines[body[0]])
    return section + 1, _indent(lines[section]) + "  "


def _indent(row: str) -> str:
    return row[: len(row) - len(row.lstrip(" "))]


def _spelled(key: str) -> str:
    """Return a key as it stands in a file: quoted where some YAML reader takes it for something else."""
    return key if LABEL.fullmatch(key) else quote(key)


def _comment(row: str) -> str:
    """Return the comment at the end of a line `key: value  # comment`, with the space before it."""
    match = re.fullmatch(r"""\s*\w+:\s*(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^\s#'"][^\s#]*)?(\s+#.*)""", row)
    return match[1] if match else ""


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a config file."""
    sections: dict[str, dict[str, Any]] = {}
    for key in KEYS.values():
        section, _, name = key.name.partition(".")
        entry = sections.setdefault(section, {"type": "object", "additionalProperties": False, "properties": {}})
        entry["properties"][name] = _schema_of(key)
    options = {name: _schema_of(option) for name, option in OPTIONS.items()}
    remote = {"type": "object", "additionalProperties": False, "minProperties": 1, "properties": options}
    sections["remotes"]["patternProperties"] = {f"^(?!default$){REMOTE.pattern}$": remote}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "mvc config, format 1",
        "type": "object",
        "additionalProperties": False,
        "properties": {"mvc-config": {"const": 1}, **sections},
    }


def _schema_of(key: Key) -> dict[str, str]:
    return {"type": "string", "default": key.default, "description": key.meaning}
