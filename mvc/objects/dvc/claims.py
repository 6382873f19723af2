"""The paths that a file of DVC claims: a `.dvc` file, or the stages in a `dvc.yaml`, even if malformed."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator

from mvc.errors import InvalidFormat
from mvc.objects.dvc.names import PIPELINE, SUFFIX
from mvc.objects.parsing.strict_yaml import load

_OUTPUTS = ("outs", "metrics", "plots")
_MAX_BYTES = 1 << 20
_WORD = re.compile(r"[^\s'\"\[\]{},:&*]+")
"""Possibly a path, in a file that cannot be read."""


def claims_outputs(path: str) -> bool:
    """Whether a file of DVC may name outputs, by its name."""
    name = path.rpartition("/")[2]
    return name == PIPELINE or (name.endswith(SUFFIX) and name != SUFFIX)


def outputs(path: str, raw: bytes, known: Collection[str] = ()) -> set[str]:
    """Return the paths whose content the file of DVC at `path` keeps, relative to the top.

    `X.dvc` counts for `X` if it does not say. A file that is more than plain YAML counts for all `known` paths that it
    mentions.
    """
    folder = posixpath.dirname(path)
    own = {path.removesuffix(SUFFIX)} if path.endswith(SUFFIX) else set()
    try:
        stages = list(_stages(load(raw, what=path, max_bytes=_MAX_BYTES)))
    except InvalidFormat:
        words = _WORD.findall(raw.decode(errors="surrogateescape"))
        return own | {found for word in words if (found := _at(folder, word)) in known}
    if not any(stage.get("outs") for stage in stages):
        return own
    return {found for stage in stages for found in _of_stage(folder, stage) if found}


def _stages(data: object) -> Iterator[dict[object, object]]:
    """Yield the mappings that have outputs: a `.dvc` file itself, or each stage."""
    if not isinstance(data, dict):
        return
    yield data
    stages = data.get("stages")
    for stage in stages.values() if isinstance(stages, dict) else ():
        if isinstance(stage, dict):
            yield stage
            if isinstance(stage.get("do"), dict):
                yield stage["do"]


def _of_stage(folder: str, stage: dict[object, object]) -> Iterator[str]:
    top = posixpath.join(folder, str(stage.get("wdir") or "."))
    for key in _OUTPUTS:
        found = stage.get(key)
        for item in found if isinstance(found, list) else ():
            yield from (_at(top, name) for name in _names(item))


def _names(item: object) -> Iterator[str]:
    """Yield the path of an output that DVC keeps: `PATH`, `{path: PATH, …}` or `{PATH: {…}}`."""
    if not isinstance(item, dict):
        yield str(item)
        return
    options = {item["path"]: item} if "path" in item else item
    uncached = {name for name, said in options.items() if isinstance(said, dict) and said.get("cache") is False}
    yield from (str(name) for name in options if name not in uncached)


def _at(folder: str, name: str) -> str:
    """Return a path relative to the top; empty for one outside of it, and for a URL."""
    found = posixpath.normpath(posixpath.join(folder, name))
    return "" if "://" in name or found.startswith(("/", "../")) or found in (".", "..") else found
