"""Settings: flag > `MVC_*` environment > local > project > user > default.

A committed config comes with a clone, so it cannot set a command, a cache directory or a secret: these are ignored
there, with a warning, and read from the local and the user's file only.

`remotes.NAME.OPTION` are keys as well; each file may set some options of a remote.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

from mvc.errors import InvalidFormat, UsageError
from mvc.objects.parsing import yaml_lines
from mvc.objects.pointer import REMOTE

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
    """A setting: its default, its meaning, and who may set it."""

    name: str
    default: str
    meaning: str
    check: Callable[[str], str]
    """Returns why a value is invalid; empty when it is valid."""
    committed: bool = True
    """Whether a committed config may set it."""
    secret: bool = False
    """Whether its value must never be shown."""

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return "MVC_" + self.name.upper().replace(".", "_")


def _check_links(value: str) -> str:
    unknown = [name for name in value.split(",") if name not in LINK_TYPES]
    return f"invalid value {unknown[0]!r}: expected one of {', '.join(LINK_TYPES)}" if unknown else ""


def _check_dir(value: str) -> str:
    return "" if not value or os.path.isabs(value) else f"invalid value {value!r}: expected an absolute path"


def _check_default(value: str) -> str:
    return check_remote_name(value) if value else ""


def check_remote_name(name: str) -> str:
    """Return why the name of a remote is invalid; empty when it is valid."""
    if REMOTE.fullmatch(name) is None:
        return f"invalid remote name {name!r}: expected at most 64 letters, digits, '-', '_' and '.'"
    return "invalid remote name 'default': it is a setting" if name == "default" else ""


def _check_text(value: str) -> str:
    return "" if value and value.isprintable() else "expected one line of text"


def _check_login(value: str) -> str:
    if reason := _check_text(value):
        return reason
    return "" if value == value.strip() else "expected no blank at its ends"


def _check_one_of(*names: str) -> Callable[[str], str]:
    return lambda value: "" if value in names else f"invalid value {value!r}: expected one of {', '.join(names)}"


def parse_size(text: str) -> int | None:
    """Return a size such as `1GB` or `512MiB` in bytes; None for an invalid one."""
    match = _SIZE.fullmatch(text)
    return int(match[1]) * _UNITS[match[2]] if match else None


def _check_size(value: str) -> str:
    return "" if parse_size(value) is not None else f"invalid size {value!r}: expected one such as 500MB, 1GB or 2GiB"


def _check_endpoint(value: str) -> str:
    """Refuse a value that may contain a secret, without showing it."""
    if re.fullmatch(r"https?://[A-Za-z0-9\[][A-Za-z0-9_.:\]-]*(?:/[A-Za-z0-9_./~-]*)?", value, re.ASCII):
        return ""
    return "expected https://HOST:PORT or http://HOST:PORT, without user, '?' and '#'"


def _check_region(value: str) -> str:
    name = re.fullmatch(r"(?![0-9]+$)[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?", value, re.ASCII)
    return "" if name else f"invalid region {value!r}: expected at most 63 letters, digits and '-'"


_BOOLEAN = _check_one_of("true", "false")
KEYS: Mapping[str, Key] = {
    key.name: key
    for key in (
        Key("cache.dir", "", "Absolute path of the cache; empty for one inside .git", _check_dir, committed=False),
        Key(
            "cache.link",
            "reflink,copy",
            "How workspace files share content with the cache, in order of preference: " + ", ".join(LINK_TYPES),
            _check_links,
        ),
        Key("remotes.default", "", "The remote that is used unless another is given", _check_default),
        Key("hooks.enabled", "true", "Whether init installs Git hooks, and status warns without them", _BOOLEAN),
        Key("hooks.checkout", "true", "Whether switch, merge and pull update the content", _BOOLEAN),
        Key("hooks.push", "true", "Whether git push sends the content as well", _BOOLEAN),
        Key("hooks.push_limit", "1GB", "How much content git push sends; more needs mvc push", _check_size),
    )
}
_ACLS = (
    "private", "public-read", "public-read-write", "authenticated-read", "aws-exec-read", "bucket-owner-read",
    "bucket-owner-full-control",
)
OPTIONS: Mapping[str, Key] = {
    key.name: key
    for key in (
        Key("url", "", "Address: a directory, or a URL such as s3://BUCKET/PREFIX", _check_text),
        Key("endpoint_url", "", "Address of the server, unless it is Amazon's", _check_endpoint),
        Key("region", "", "Region of the bucket", _check_region),
        Key("anon", "false", "Send requests without credentials, for a public bucket", _BOOLEAN),
        Key("sse", "", "Encryption on the server: AES256, aws:kms or aws:kms:dsse", _check_text),
        Key("kms_key_id", "", "Key for aws:kms", _check_text),
        Key("acl", "", "Canned ACL of written objects: " + ", ".join(_ACLS), _check_one_of(*_ACLS)),
        Key(
            "addressing_style", "auto", "How requests name the bucket: auto, path or virtual",
            _check_one_of("auto", "path", "virtual"),
        ),
        Key(
            "checksums",
            "",
            "S3 checksums of sent objects: when_supported (the default) or when_required",
            _check_one_of("when_supported", "when_required"),
        ),
        Key("profile", "", "Profile of the AWS configuration", _check_login, committed=False),
        Key("ca_bundle", "", "Absolute path of a file with trusted certificates", _check_dir, committed=False),
        Key("access_key_id", "", "Access key", _check_login, committed=False, secret=True),
        Key("secret_access_key", "", "Secret of the access key", _check_login, committed=False, secret=True),
        Key("session_token", "", "Token of a temporary access key", _check_login, committed=False, secret=True),
    )
}
"""The options of a remote, `remotes.NAME.OPTION`; all but `url` are for S3."""


def find_key(name: str) -> Key | None:
    """Return the key with this name; None for an unknown one."""
    section, _, rest = name.partition(".")
    remote, _, option = rest.rpartition(".")
    if section == "remotes" and option in OPTIONS and not check_remote_name(remote):
        return OPTIONS[option]._replace(name=name)
    return KEYS.get(name)


def is_secret(name: str) -> bool:
    """Whether the value of the key `name` must never be shown."""
    key = find_key(name)
    return key is not None and key.secret


def shown(name: str, value: str) -> str:
    """Return the value of the key `name`, or `***` for a secret."""
    return "***" if value and is_secret(name) else value


class Setting(NamedTuple):
    """A value and its origin."""

    value: str
    origin: Origin


class Settings(NamedTuple):
    """The values of all keys, and the ignored keys."""

    values: Mapping[str, Setting]
    warnings: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    """The keys in a committed config that it cannot set."""

    def value(self, name: str) -> str:
        """Return the value of the key `name`."""
        return self.values[name].value

    def remotes(self) -> dict[str, dict[str, Setting]]:
        """Return the settings of all remotes, by name and option."""
        found: dict[str, dict[str, Setting]] = {}
        for name, setting in self.values.items():
            if name not in KEYS:
                remote, _, option = name.removeprefix("remotes.").rpartition(".")
                found.setdefault(remote, {})[option] = setting
        return dict(sorted(found.items()))


class Layer(NamedTuple):
    """The settings of one origin, with flat keys."""

    origin: Origin
    values: Mapping[str, str]


def merge(layers: list[Layer]) -> Settings:
    """Return the settings of all `layers`, where later ones override earlier ones.

    Raises:
        UsageError: a value is invalid.
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
    """Return the key `name` if `value` is valid for it.

    Raises:
        UsageError: the key is unknown, or the value invalid.
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
        return UsageError(f"unknown setting {name!r}: expected one of {', '.join(KEYS)}", "mvc config list")
    if reason := check_remote_name(remote):
        return UsageError(reason, "mvc remote add NAME URL")
    return unknown_option(option)


def unknown_option(option: str) -> UsageError:
    """Return the error for an unknown option of a remote."""
    from difflib import get_close_matches  # noqa: PLC0415 - only a mistyped name needs it

    near = get_close_matches(option, OPTIONS, 3)
    hint = f"did you mean {' or '.join(near)}?" if near else f"expected one of {', '.join(OPTIONS)}"
    return UsageError(f"unknown option {option!r} of a remote: {hint}", "mvc help remotes")


def environment_layer(environ: Mapping[str, str]) -> Layer:
    """Return the settings in `MVC_*` variables."""
    return Layer("environment", {k.name: environ[k.variable] for k in KEYS.values() if k.variable in environ})


def file_layer(origin: Scope, raw: bytes | None, what: str) -> Layer:
    """Return the settings in a config file; `what` names it in errors.

    Raises:
        InvalidFormat: the file is invalid.
    """
    if raw is None or _is_empty(raw):
        return Layer(origin, {})
    from mvc.objects.parsing import strict_yaml  # noqa: PLC0415 - start-up time: most configs are empty

    return Layer(origin, dict(_flatten(strict_yaml.load(raw, what=what, max_bytes=MAX_BYTES), what)))


def _is_empty(raw: bytes) -> bool:
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
                raise InvalidFormat(f"{what}: {_problem(name)}")
            rows.append((name, value))
    return rows


def _names(section: str, body: dict[str, object]) -> Iterator[tuple[str, object]]:
    """Yield the keys of a section; those of a remote are one level deeper."""
    for name, value in body.items():
        if section != "remotes" or name == "default":
            yield f"{section}.{name}", value
        elif isinstance(name, str) and isinstance(value, dict) and value:
            yield from ((f"{section}.{name}.{option}", setting) for option, setting in value.items())
        else:
            yield f"{section}.{name}.", value


def _problem(name: str) -> str:
    if name.endswith("."):
        return f"{name[:-1]}: expected a name (quoted if it is a number) with keys and values"
    if find_key(name) is None and name.startswith("remotes."):
        return f"{name}: {_unknown(name).message}"
    return f"{name}: unknown setting, or not a string: quote it"


def edit(text: str, name: str, value: str | None) -> str:
    """Return the config `text` with the key set to `value`, or without it; comments stay.

    Raises:
        InvalidFormat: the layout cannot be edited line by line.
    """
    lines = (text or HEADER).removesuffix("\n").split("\n")
    if value is None:
        yaml_lines.remove(lines, _path(name))
    else:
        yaml_lines.put(lines, _path(name), value)
    result = "\n".join(lines) + "\n"
    if read(result) != {key: old for key, old in {**read(text), name: value}.items() if old is not None}:
        raise InvalidFormat("the file's layout cannot be edited line by line: edit it by hand")
    return result


def read(text: str) -> dict[str, str]:
    """Return the settings in the text of a config."""
    return dict(file_layer("local", text.encode(), "config").values)


def _path(name: str) -> list[str]:
    section, _, rest = name.partition(".")
    remote, _, option = rest.rpartition(".")
    return [section, remote, option] if remote else [section, rest]


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
