"""Completions of a word on the command line.

Only names that mvc accepts are offered: without control characters, each is one line.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from mvc.errors import InvalidName
from mvc.objects.names import check_path
from mvc.objects.pointer import SUFFIX, path_of
from mvc.ops.shared.remotes import configured_remotes
from mvc.project import Project, Surroundings
from mvc.registry.event import read_events
from mvc.registry.state import Model, fold
from mvc.scm.index import files_ending, list_files
from mvc.scm.plumbing import Git, scrubbed
from mvc.scm.refs import list_refs
from mvc.scm.tags import read_tags

_NOT_MODELS = frozenset({".git", ".mvc"})


def tracked(around: Surroundings, text: str) -> list[str]:
    """Return the tracked paths that `text` could become: one level, as shells do it. A folder ends in a slash.

    Raises:
        MvcError: the directory is not in a Git repository.
    """
    folder, stem = _split(text)
    start = os.path.join(around.cwd, folder)
    entries = files_ending(Git(start, scrubbed(around.environ)), SUFFIX)
    pointers = [
        entry.path for entry in entries if entry.state == "skip-worktree" or os.path.lexists(f"{start}/{entry.path}")
    ]
    parts = (path_of(path).partition("/") for path in pointers)
    names = {first + slash for first, slash, _ in parts}
    if _is_inside_tracked(start):
        names |= set(_children(start))
    return _offered(folder, stem, names)


def addable(around: Surroundings, text: str) -> list[str]:
    """Return the files and directories that `text` could become, without those that Git tracks.

    Raises:
        MvcError: the directory is not in a Git repository.
    """
    folder, stem = _split(text)
    start = os.path.join(around.cwd, folder)
    entries = list_files(Git(start, scrubbed(around.environ)), ":(glob)*")
    in_git = {entry.path for entry in entries if entry.state != "untracked"}
    names = {name for name in _children(start) if name not in in_git and not name.endswith(SUFFIX)}
    return _offered(folder, stem, names)


def directories(around: Surroundings, text: str) -> list[str]:
    """Return the directories that `text` could become."""
    folder, stem = _split(text)
    return _offered(folder, stem, (name for name in _children(os.path.join(around.cwd, folder)) if name.endswith("/")))


def revisions(around: Surroundings, text: str) -> list[str]:
    """Return the branches and tags that `text` could become.

    Raises:
        MvcError: the directory is not in a Git repository.
    """
    git = Git(around.cwd, scrubbed(around.environ))
    held = [f"{model.name}#{item.stage}" for model in _models(git) for item in model.holding()]
    return [name for name in ("HEAD", *list_refs(git), *held) if name.startswith(text)]


def models(around: Surroundings, text: str) -> list[str]:
    """Return the registered models that `text` could become.

    Raises:
        MvcError: the directory is not in a Git repository.
    """
    return [model.name for model in _models(Git(around.cwd, scrubbed(around.environ))) if model.name.startswith(text)]


def versions(around: Surroundings, text: str) -> list[str]:
    """Return the registered versions that `text` could become, without retired ones: `ranker@v1.2.0`.

    Raises:
        MvcError: the directory is not in a Git repository.
    """
    found = _models(Git(around.cwd, scrubbed(around.environ)))
    names = [f"{model.name}@{item.name}" for model in found for item in model.versions.values() if not item.retired]
    return [name for name in names if name.startswith(text)]


def stages(around: Surroundings, text: str) -> list[str]:
    """Return the stages of all models that `text` could become.

    Raises:
        MvcError: the directory is not in a Git repository.
    """
    found = {stage for model in _models(Git(around.cwd, scrubbed(around.environ))) for stage in model.stages}
    return sorted(stage for stage in found if stage.startswith(text))


def _models(git: Git) -> Iterable[Model]:
    return fold(read_events(read_tags(git))).models.values()


def remotes(around: Surroundings, text: str) -> list[str]:
    """Return the remotes that `text` could become.

    Raises:
        MvcError: the directory is not in a Git repository, or its settings are invalid.
    """
    with Project.discover(around) as project:
        return [name for name in configured_remotes(project.settings) if name.startswith(text)]


def _split(text: str) -> tuple[str, str]:
    folder, slash, stem = text.rpartition("/")
    return folder + slash, stem


def _is_inside_tracked(start: str) -> bool:
    """Whether `start` or a directory above it is tracked."""
    folder = os.path.realpath(start)
    while folder != os.path.dirname(folder):
        if os.path.isfile(folder + SUFFIX):
            return True
        folder = os.path.dirname(folder)
    return False


def _children(start: str) -> list[str]:
    try:
        with os.scandir(start or ".") as entries:
            return [entry.name + "/" * entry.is_dir() for entry in entries if entry.name not in _NOT_MODELS]
    except OSError:
        return []


def _offered(folder: str, stem: str, names: Iterable[str]) -> list[str]:
    """Return the `names` that begin with `stem`; hidden ones only if `stem` begins with a dot.

    Names that look like an option or a home directory get a `./`.
    """
    hidden = stem.startswith(".")
    fitting = (name for name in names if name.startswith(stem) and (hidden or not name.startswith(".")))
    accepted = [folder + name for name in sorted(fitting) if _is_accepted(name.removesuffix("/"))]
    return [f"./{name}" if name.startswith(("-", "~")) and not stem else name for name in accepted]


def _is_accepted(name: str) -> bool:
    try:
        return bool(check_path(name))
    except InvalidName:
        return False
