"""Settings: flag > `MVC_*` environment > local > project > user > default.

A committed config comes with a clone, so it can name neither a command nor a cache directory:
those count only from the local or the user's file, and are ignored with a warning elsewhere.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple, TypeAlias

from mvc.errors import InvalidFormat, UsageError

Origin: TypeAlias = Literal["flag", "environment", "local", "project", "user", "default"]
Scope: TypeAlias = Literal["local", "project", "user"]

MAX_BYTES = 64 << 10
HEADER = "mvc-config: 1\n"
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

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return "MVC_" + self.name.upper().replace(".", "_")


def _check_links(value: str) -> str:
    unknown = [name for name in value.split(",") if name not in LINK_TYPES]
    return f"{unknown[0]!r} is none of {', '.join(LINK_TYPES)}" if unknown else ""


def _check_dir(value: str) -> str:
    return "" if not value or os.path.isabs(value) else f"{value!r} is not an absolute path"


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
    )
}


class Setting(NamedTuple):
    """A value and where it came from."""

    value: str
    origin: Origin


class Settings(NamedTuple):
    """Every key's value, and what was ignored on the way."""

    values: Mapping[str, Setting]
    warnings: tuple[str, ...] = ()

    def value(self, name: str) -> str:
        """Return the value of the key `name`."""
        return self.values[name].value


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
    warnings: list[str] = []
    for layer in layers:
        for name, value in layer.values.items():
            if layer.origin == "project" and not KEYS[name].committed:
                warnings.append(f"ignored {name} in .mvc/config.yaml: a committed config cannot set it")
                continue
            check_value(name, value)
            values[name] = Setting(value, layer.origin)
    return Settings(values, tuple(warnings))


def check_value(name: str, value: str) -> Key:
    """Return the key `name` when `value` may be its value.

    Raises:
        UsageError: no such key, or no such value.

    """
    if (key := KEYS.get(name)) is None:
        raise UsageError(f"no setting is called {name!r}; there are: {', '.join(KEYS)}", "mvc config list")
    if reason := key.check(value):
        raise UsageError(f"{name}: {reason}", f"mvc config set {name} {key.default or 'VALUE'}")
    return key


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
        for name, value in body.items():
            if f"{section}.{name}" not in KEYS or not isinstance(value, str):
                raise InvalidFormat(f"{what}: {section}.{name}: no such setting, or not a text")
            rows.append((f"{section}.{name}", value))
    return rows


def edit(text: str, name: str, value: str | None) -> str:
    """Return the config `text` with the key set to `value`, or without it; comments stay.

    Raises:
        InvalidFormat: the text is laid out in a way that cannot be edited line by line.

    """
    section, _, key = name.partition(".")
    lines = (text or HEADER).removesuffix("\n").split("\n")
    line = None if value is None else f"  {key}: {_quote(value)}"
    start = next((n for n, row in enumerate(lines) if re.fullmatch(rf"{section}:\s*(#.*)?", row)), None)
    if start is None:
        lines += [f"{section}:", line] if line else []
    else:
        _edit_section(lines, start, key, line)
    result = "\n".join(lines) + "\n"
    if dict(file_layer("local", result.encode(), "config").values).get(name) != value:
        raise InvalidFormat("the file's layout cannot be edited line by line: edit it by hand")
    return result


def _edit_section(lines: list[str], start: int, key: str, line: str | None) -> None:
    end = start + 1
    while end < len(lines) and (not lines[end].strip() or lines[end].startswith((" ", "#"))):
        end += 1
    body = [n for n in range(start + 1, end) if lines[n].strip() and not lines[n].lstrip().startswith("#")]
    old = next((n for n in body if lines[n].strip().startswith(f"{key}:")), None)
    if old is not None:
        lines[old : old + 1] = [line + _comment(lines[old])] if line else []
        if not line and body == [old]:
            del lines[start]
    elif line:
        lines.insert(start + 1, line)


def _comment(row: str) -> str:
    """Return the comment at the end of a line `key: value  # comment`, with the space before it."""
    match = re.fullmatch(r"""\s*\w+:\s*(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^\s#'"][^\s#]*)?(\s+#.*)""", row)
    return match[1] if match else ""


def _quote(value: str) -> str:
    from mvc.objects.pointer import quote  # noqa: PLC0415 - only who changes a setting needs it

    return quote(value)


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a config file."""
    sections: dict[str, dict[str, Any]] = {}
    for key in KEYS.values():
        section, _, name = key.name.partition(".")
        entry = sections.setdefault(section, {"type": "object", "additionalProperties": False, "properties": {}})
        entry["properties"][name] = {"type": "string", "default": key.default, "description": key.meaning}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "mvc config, format 1",
        "type": "object",
        "additionalProperties": False,
        "properties": {"mvc-config": {"const": 1}, **sections},
    }
