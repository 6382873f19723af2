"""The one place that reads YAML. What comes from a file is untrusted.

The text is capped and scanned as events before anything is built: PyYAML's C loader dies
with SIGSEGV on some 32,000 nested brackets, and aliases expand without bound. What passes
is decoded into a typed value by msgspec: an unknown key is an error.
"""

from __future__ import annotations

import re
from math import isinf
from typing import Any, TypeVar

import msgspec
import yaml

from mvc.errors import InvalidFormat

T = TypeVar("T")

MAX_DEPTH = 8
MAX_INTEGER_DIGITS = 19

try:
    _Base: type[Any] = yaml.CSafeLoader
except AttributeError:  # PyYAML built without libyaml
    _Base = yaml.SafeLoader


class _Loader(_Base):  # type: ignore[misc]  # chosen at run time
    """YAML 1.1 as PyYAML has it, without timestamps, octals and sexagesimals."""

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
    """Return the number, unless it is so large that it would read as infinity."""
    if isinf(number := float(node.value)):
        raise yaml.constructor.ConstructorError(None, None, "a number too large", node.start_mark)
    return number


_Loader.add_constructor("tag:yaml.org,2002:float", _finite)


def decode(raw: bytes, type_: type[T], *, what: str, max_bytes: int) -> T:
    """Return `raw` as a value of `type_`.

    `what` names the file in errors.

    Raises:
        InvalidFormat: too large, not UTF-8, not YAML, more than plain data, or not of `type_`.

    """
    return convert(load(raw, what=what, max_bytes=max_bytes), type_, what=what)


def convert(data: object, type_: type[T], *, what: str) -> T:
    """Return plain data as a value of `type_`.

    Raises:
        InvalidFormat: it is not of `type_`.

    """
    try:
        return msgspec.convert(data, type_)
    except msgspec.ValidationError as error:
        raise InvalidFormat(f"{what}: {_said_plainly(str(error))}") from None


_HINTS = {
    ("Expected `str`, got `int`", "Expected `str`, got `float`"): "quote it",
    ("Expected `float`, got `str`", "Expected `float | null`, got `str`"): "it must be a finite number",
}
"""By how msgspec's message begins: a text that YAML takes for a number wants quotes, and `.nan` is read as a text."""


def _said_plainly(message: str) -> str:
    """Return msgspec's message in one line, with what it means."""
    hints = [f": {hint}" for begins, hint in _HINTS.items() if message.startswith(begins)]
    return "".join([" ".join(message.split()), *hints])


def load(raw: bytes, *, what: str, max_bytes: int) -> object:
    """Return `raw` as plain data: dict, list, str, int, float, bool, None.

    Raises:
        InvalidFormat: too large, not UTF-8, not YAML, or more than plain data.

    """
    if len(raw) > max_bytes:
        raise InvalidFormat(f"{what}: {len(raw)} bytes, at most {max_bytes} are read")
    try:
        text = raw.decode()
        _scan(text, what)
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader without extensions
    except UnicodeDecodeError:
        raise InvalidFormat(f"{what}: not UTF-8") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InvalidFormat(f"{what}: not YAML: {_first_line(error)}") from None


def _first_line(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).partition("\n")[0]
    return f"line {mark.line + 1}: {problem}" if mark else str(problem)


def _scan(text: str, what: str) -> None:
    """Refuse, from the flat event stream, whatever is not plain, shallow, duplicate-free data."""
    depth, documents = 0, 0
    keys: list[set[str] | None] = []
    expect_key: list[bool] = []
    for event in yaml.parse(text, Loader=_Base):
        line = event.start_mark.line + 1 if event.start_mark else 0
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise InvalidFormat(f"{what}: line {line}: anchors and aliases are not read")
        if getattr(event, "tag", None):
            raise InvalidFormat(f"{what}: line {line}: tags are not read")
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise InvalidFormat(f"{what}: line {line}: more than one document")
        if isinstance(event, yaml.CollectionEndEvent):
            keys.pop()
            expect_key.pop()
            depth -= 1
            continue
        if isinstance(event, yaml.NodeEvent):
            _check_node(event, keys, expect_key, f"{what}: line {line}")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise InvalidFormat(f"{what}: line {line}: nested deeper than {MAX_DEPTH}")
            keys.append(set() if isinstance(event, yaml.MappingStartEvent) else None)
            expect_key.append(True)


def _check_node(event: Any, keys: list[set[str] | None], expect_key: list[bool], where: str) -> None:
    """Hold a node against its place: a mapping's key must be a new, plain string."""
    scalar = isinstance(event, yaml.ScalarEvent)
    if scalar and event.implicit[0] and re.fullmatch(rf"-?[0-9]{{{MAX_INTEGER_DIGITS + 1},}}", event.value):
        raise InvalidFormat(f"{where}: an integer of more than {MAX_INTEGER_DIGITS} digits")
    if not keys or (seen := keys[-1]) is None:
        return
    if expect_key[-1]:
        if not scalar:
            raise InvalidFormat(f"{where}: a key that is not a plain string")
        if event.implicit[0] and not _is_text(event.value):
            raise InvalidFormat(f"{where}: the key {event.value!r} is not read as text: quote it")
        if event.value == "<<":
            raise InvalidFormat(f"{where}: merge keys are not read")
        if event.value in seen:
            raise InvalidFormat(f"{where}: the key {event.value!r} stands twice")
        seen.add(event.value)
    expect_key[-1] = not expect_key[-1]


def _is_text(plain: str) -> bool:
    """Whether an unquoted scalar is text, and no number, boolean or null."""
    resolvers = _Loader.yaml_implicit_resolvers.get(plain[:1], [])
    return not any(pattern.match(plain) for _, pattern in resolvers)
