"""The only module that reads YAML, which is untrusted.

The size is limited, and the events of the parser are checked before anything is built: PyYAML's C loader crashes on
about 32,000 nested brackets, and aliases can expand without limit.
"""

from __future__ import annotations

import re
from math import isinf
from typing import Any

import yaml

from mvc.errors import InvalidFormat

MAX_DEPTH = 8
MAX_INTEGER_DIGITS = 19

try:
    _Base: type[Any] = yaml.CSafeLoader
except AttributeError:  # PyYAML built without libyaml
    _Base = yaml.SafeLoader


class _Loader(_Base):  # type: ignore[misc]  # chosen at run time
    """YAML 1.1 as PyYAML reads it, without timestamps, octal and sexagesimal numbers."""

    yaml_implicit_resolvers: dict[str, list[Any]] = {}  # noqa: RUF012 - PyYAML's own class-level table


_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(?:~|null|)$"), ["~", "n", ""])
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^-?(?:0|[1-9][0-9]*)$"), list("-0123456789"))
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(?:(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+)$"),
    list("-+.0123456789"),
)


def _finite(_: object, node: yaml.ScalarNode) -> float:
    """Return the number, unless it is too large for a float."""
    if isinf(number := float(node.value)):
        raise yaml.constructor.ConstructorError(None, None, "the number is too large", node.start_mark)
    return number


_Loader.add_constructor("tag:yaml.org,2002:float", _finite)


def load(raw: bytes, *, what: str, max_bytes: int, max_depth: int = MAX_DEPTH) -> object:
    """Return `raw` as plain data: dict, list, str, int, float, bool, None.

    Raises:
        InvalidFormat: too large, not UTF-8, not YAML, or more than plain data.
    """
    if len(raw) > max_bytes:
        raise InvalidFormat(f"{what}: {len(raw)} bytes, expected at most {max_bytes}")
    try:
        text = raw.decode()
        _scan(text, what, max_depth)
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader without extensions
    except UnicodeDecodeError:
        raise InvalidFormat(f"{what}: not UTF-8") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InvalidFormat(f"{what}: not YAML: {_first_line(error)}") from None


def _first_line(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).partition("\n")[0]
    return f"line {mark.line + 1}: {problem}" if mark else str(problem)


class _Collection:
    """A mapping or sequence that is not closed yet."""

    def __init__(self, event: Any) -> None:
        self._keys: set[str] | None = set() if isinstance(event, yaml.MappingStartEvent) else None
        self._expects_key = True

    def add(self, event: Any, where: str) -> None:
        """Add a node, and check it if it is a key."""
        if self._keys is None:
            return
        if self._expects_key:
            _check_key(event, self._keys, where)
            self._keys.add(event.value)
        self._expects_key = not self._expects_key


def _scan(text: str, what: str, max_depth: int) -> None:
    """Refuse anything but plain data: aliases, tags, deep nesting, duplicate keys."""
    documents = 0
    collections: list[_Collection] = []
    for event in yaml.parse(text, Loader=_Base):
        where = f"{what}: line {event.start_mark.line + 1 if event.start_mark else 0}"
        _check_event(event, where)
        documents += isinstance(event, yaml.DocumentStartEvent)
        if documents > 1:
            raise InvalidFormat(f"{where}: more than one document")
        if isinstance(event, yaml.NodeEvent) and collections:
            collections[-1].add(event, where)
        if isinstance(event, yaml.CollectionEndEvent):
            collections.pop()
        if isinstance(event, yaml.CollectionStartEvent):
            if len(collections) == max_depth:
                raise InvalidFormat(f"{where}: nested deeper than {max_depth}")
            collections.append(_Collection(event))


def _check_event(event: Any, where: str) -> None:
    if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
        raise InvalidFormat(f"{where}: anchors and aliases are not supported")
    if getattr(event, "tag", None):
        raise InvalidFormat(f"{where}: tags are not supported")
    plain = isinstance(event, yaml.ScalarEvent) and event.implicit[0]
    if plain and re.fullmatch(rf"-?[0-9]{{{MAX_INTEGER_DIGITS + 1},}}", event.value):
        raise InvalidFormat(f"{where}: integer with more than {MAX_INTEGER_DIGITS} digits")


def _check_key(event: Any, keys: set[str], where: str) -> None:
    if not isinstance(event, yaml.ScalarEvent):
        raise InvalidFormat(f"{where}: a key is not a string")
    if event.implicit[0] and not _is_text(event.value):
        raise InvalidFormat(f"{where}: key {event.value!r} is not a string: quote it")
    if event.value == "<<":
        raise InvalidFormat(f"{where}: merge keys are not supported")
    if event.value in keys:
        raise InvalidFormat(f"{where}: duplicate key {event.value!r}")


def _is_text(plain: str) -> bool:
    """Whether an unquoted scalar is a string."""
    resolvers = _Loader.yaml_implicit_resolvers.get(plain[:1], [])
    return not any(pattern.match(plain) for _, pattern in resolvers)
