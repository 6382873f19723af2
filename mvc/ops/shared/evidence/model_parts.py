"""Whether all parts of a model are tracked together: external data of ONNX, shards of safetensors. Read from the cache.

Only headers and indexes are read, and not compared with a digest. What the cache lacks says nothing.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable
from typing import NamedTuple

from mvc.errors import CorruptObject, InvalidFormat, MissingObject
from mvc.modelfiles.onnx_data import external_locations
from mvc.modelfiles.shards import INDEX, LARGEST, shard_problems
from mvc.objects.manifest import Entry
from mvc.objects.names import is_valid_path
from mvc.objects.pointer import Pointer
from mvc.quality.files import FileAt
from mvc.quality.judge.facts import ModelFacts, Parts
from mvc.quality.pointer_files import is_onnx, may_have_parts, pointer_in_file
from mvc.store.cache.cache import Cache

_LONG = 200
"""Characters of a location in a message."""


def with_parts(
    cache: Cache, models: Iterable[ModelFacts], is_tracked: Callable[[str], bool],
) -> tuple[ModelFacts, ...]:
    """Return the models, with what their files say about other files."""
    return tuple(
        model._replace(parts=_parts(cache, model.path, model.pointer, is_tracked))
        if model.pointer and model.in_cache is not False else model
        for model in models
    )


def _parts(cache: Cache, path: str, file: FileAt, is_tracked: Callable[[str], bool]) -> Parts | None:
    pointer = pointer_in_file(file) if may_have_parts(path, file) else None
    return parts_of(cache, path, pointer, is_tracked) if pointer else None


def parts_of(cache: Cache, path: str, pointer: Pointer, is_tracked: Callable[[str], bool]) -> Parts | None:
    """Return what the files of a model say about others.

    None if the cache lacks one, and for a directory whose pointer does not list its files: it has more than 256.
    """
    try:
        if pointer.kind == "file":
            return _of_file(cache, path, pointer.digest.blake3, is_tracked) if is_onnx(path) else None
        return _of_directory(cache, pointer.manifest.entries) if pointer.manifest else None
    except (MissingObject, CorruptObject):
        return None


def _of_file(cache: Cache, path: str, blake3: str, is_tracked: Callable[[str], bool]) -> Parts:
    found, (folder, name) = _locations(cache, blake3), posixpath.split(path)
    apart = [posixpath.join(folder, place) for place in found.inside]
    return Parts(tuple((place, is_tracked(place)) for place in apart), found.told(name), found.left(name))


def _of_directory(cache: Cache, entries: Iterable[Entry]) -> Parts:
    entries = tuple(entries)
    names = {entry.path for entry in entries}
    problems: list[str] = []
    outside: list[str] = []
    for entry in entries:
        folder, name = posixpath.split(entry.path)
        if is_onnx(name):
            found = _locations(cache, entry.blake3)
            missing = (place for place in found.inside if posixpath.join(folder, place) not in names)
            problems += found.told(entry.path)
            problems += (f"{entry.path} has weights in {place}, not there" for place in missing)
            outside += found.left(entry.path)
        elif name.endswith(INDEX):
            beside = {posixpath.basename(other) for other in names if posixpath.dirname(other) == folder}
            with cache.buffered(entry.blake3) as file:
                problems += shard_problems(file.read(LARGEST + 1), name, beside)
    return Parts((), tuple(problems), tuple(outside))


class _Locations(NamedTuple):
    """Where an ONNX file has external data."""

    inside: tuple[str, ...] = ()
    """Below its own folder."""
    outside: tuple[str, ...] = ()
    problem: str = ""

    def told(self, name: str) -> tuple[str, ...]:
        return (f"the external data of {name} is unknown: {self.problem}",) if self.problem else ()

    def left(self, name: str) -> tuple[str, ...]:
        return tuple(f"{name} has weights at {place[:_LONG]!r}, outside of its folder" for place in self.outside)


def _locations(cache: Cache, blake3: str) -> _Locations:
    try:
        with cache.buffered(blake3) as file:
            found = [posixpath.normpath(place) for place in external_locations(file)]
    except InvalidFormat as error:
        return _Locations(problem=error.message)
    return _Locations(tuple(filter(is_valid_path, found)), tuple(place for place in found if not is_valid_path(place)))
