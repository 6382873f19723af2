"""The cached content of a judged model, and the names of a directory's files."""

from __future__ import annotations

from collections.abc import Iterable

from mvc.errors import CorruptObject, InvalidFormat, MissingObject
from mvc.objects.pointer import Pointer
from mvc.objects.pointer_reader import parse
from mvc.project import Project
from mvc.quality.judge.facts import ModelFacts
from mvc.quality.policy.demands import demands
from mvc.quality.policy.policy import Policy
from mvc.retention.available import Availability, availability, file_availability, load_manifest
from mvc.store.cache.cache import Cache

_LARGE = b'mvc: 1\nkind: "dir"\nblake3: '
"""The first lines of the pointer of a directory that does not list its files."""


def in_cache(project: Project, pointer: Pointer) -> Availability:
    """Return whether the cache has all objects of a pointer, and agrees with it."""
    if pointer.kind == "file":  # this needs no catalog, which takes time to open
        return file_availability(project.cache, pointer.digest)
    try:
        return availability(project.cache, project.catalog, pointer)
    except InvalidFormat:
        return Availability(complete=False)


def with_files(project: Project, policy: Policy, models: Iterable[ModelFacts]) -> tuple[ModelFacts, ...]:
    """Return the models; large directories with the names of their files, where the policy denies formats."""
    return tuple(
        model._replace(files=file_names(project.cache, model.pointer.raw))
        if model.pointer and model.pointer.raw.startswith(_LARGE) and demands(policy, model.path).deny else model
        for model in models
    )


def file_names(cache: Cache, raw: bytes) -> tuple[str, ...] | None:
    """Return the names of the files of a directory's pointer; None when it or its manifest cannot be read."""
    try:
        return tuple(entry.path for entry in load_manifest(cache, parse(raw)).entries)
    except (InvalidFormat, MissingObject, CorruptObject):
        return None
