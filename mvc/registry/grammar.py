"""The names of tags that keep the registry, as GTO 1.10 writes and reads them (its `gto/constants.py`).

| tag | event |
|---|---|
| `ranker@v1.2.0` | the version is registered |
| `ranker@v1.2.0!` | it is retired |
| `ranker#prod#3` | the stage gets the version of the tagged commit |
| `ranker#prod!#4` | the stage loses it |
| `ranker@deprecated` | the model is deprecated |

A number may end any of them; the highest one of a model, plus one, is the next. GTO writes `DIR:NAME` as `DIR=NAME`.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple, TypeAlias

from mvc.objects.pointer import NAME
from mvc.quality.reports.tags import parse_version

Action: TypeAlias = Literal["register", "retire", "promote", "unassign", "deprecate"]

LATEST = "latest"
"""Instead of a version: the highest one."""

_TAG = re.compile(
    rf"(?P<model>(?:[a-zA-Z0-9_./-]+=)?{NAME.pattern})"
    rf"(?:(?:\#(?P<stage>{NAME.pattern})|@(?P<version>v[0-9][0-9a-zA-Z.+-]*))(?P<cancel>!?)|@deprecated)"
    r"(?:\#(?P<number>[0-9]{1,18}))?",
    re.ASCII,
)


class TagName(NamedTuple):
    """The parts of a tag's name."""

    model: str
    action: Action
    version: str = ""
    """Such as `v1.2.0`; empty for events of stages, whose tagged commit says it."""
    stage: str = ""
    number: int = 0
    """0 without one."""


def parse_tag(tag: str) -> TagName | None:
    """Return the parts of a tag's name; None for a tag that is not of the registry."""
    if (match := _TAG.fullmatch(tag)) is None:
        return None
    model, stage, version, cancel, number = match.groups()
    if version and parse_version(version) is None:
        return None
    action: Action = "deprecate"
    if version:
        action = "retire" if cancel else "register"
    elif stage:
        action = "unassign" if cancel else "promote"
    return TagName(model.replace("=", ":"), action, version or "", stage or "", int(number or 0))


def spell_tag(name: TagName) -> str:
    """Return the tag's name: the inverse of `parse_tag`."""
    what = f"#{name.stage}" if name.stage else f"@{name.version or 'deprecated'}"
    cancel = "!" if name.action in ("retire", "unassign") else ""
    return f"{name.model.replace(':', '=')}{what}{cancel}{f'#{name.number}' if name.number else ''}"


def tag_patterns(model: str) -> tuple[str, ...]:
    """Return patterns of `git for-each-ref` for the tags of a model, and perhaps a few others."""
    start = f"refs/tags/{model.replace(':', '=')}"
    return f"{start}@*", f"{start}#*", f"{start}#*/**"


class Reference(NamedTuple):
    """A reference to a version: `ranker@v1.2.0`, `ranker@latest`, `ranker#prod`, `models/ranker.onnx@v1.2.0`."""

    base: str
    """The name of a model, or a path."""
    version: str = ""
    stage: str = ""


def parse_reference(text: str) -> Reference | None:
    """Return the parts of a reference; None for any other text, such as a path or `HEAD@{1}`."""
    base, _, version = text.rpartition("@")
    if base and (version == LATEST or parse_version(version)):
        return Reference(base, version=version)
    base, _, stage = text.partition("#")
    if base and NAME.fullmatch(stage):
        return Reference(base, stage=stage)
    return None
