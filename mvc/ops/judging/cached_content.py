"""What the cache says of a model that is judged: whether it holds the content, and which files a directory has."""

from __future__ import annotations

from collections.abc import Iterable

from mvc.errors import CorruptObject, InvalidFormat, MissingObject
from mvc.objects.pointer import Pointer
from mvc.objects.pointer_reader import parse
from mvc.project import Project
from mvc.quality.judge.facts import ModelFacts
from mvc.quality.policy.demands import demands
from mvc.quality.policy.policy import Policy
from mvc.retention.available import is_available, load_manifest

_LARGE = b'mvc: 1\nkind: "dir"\nblake3: '
"""How the pointer of a directory begins that does not list its files."""


def is_kept(project: Project, pointer: Pointer) -> bool:
    """Whether the cache has all that a pointer needs."""
    if pointer.kind == "file":  # it needs no catalog
        return project.cache.has(pointer.digest.blake3)
    try:
        return is_available(project.cache, project.catalog, pointer)
    except InvalidFormat:
        return False


def with_files(project: Project, policy: Policy, models: Iterable[ModelFacts]) -> tuple[ModelFacts, ...]:
    """Return the models with the names of the files in large directories, where the policy denies formats."""
    models = tuple(models)
    if not any(map(_is_large, models)):
        return models
    return tuple(
        model._replace(files=_files(project, model)) if _is_large(model) and demands(policy, model.path).deny else model
        for model in models
    )


def _is_large(model: ModelFacts) -> bool:
    return model.pointer is not None and model.pointer.raw.startswith(_LARGE)


def _files(project: Project, model: ModelFacts) -> tuple[str, ...] | None:
    try:
        pointer = parse(model.pointer.raw) if model.pointer else None
        return tuple(entry.path for entry in load_manifest(project.cache, pointer).entries) if pointer else None
    except (InvalidFormat, MissingObject, CorruptObject):
        return None
