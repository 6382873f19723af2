"""The names and paths of a model, now and before."""

from __future__ import annotations

from mvc.objects.pointer import SUFFIX
from mvc.ops.judging.trees import Trees
from mvc.quality.judge.facts import Past


def names_of(trees: Trees, path: str, past: Past) -> set[str]:
    """Return the names in the pointers of a model."""
    pointers = trees.judged.entries.get(path + SUFFIX), past.before and past.before.pointer
    return {trees.blobs.identity(pointer.oid).name for pointer in pointers if pointer} - {""}


def paths_of(path: str, past: Past) -> tuple[str, ...]:
    """Return the current and former paths of a model."""
    return tuple(dict.fromkeys([path, *(version.path for version in past.versions)]))


def file_name(path: str) -> str:
    """Return a file's name without its last suffix: how a model without a name is registered."""
    name = path.rpartition("/")[2]
    return name.rpartition(".")[0] or name
