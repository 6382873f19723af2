"""Resolves what a user types for content and revisions: here, and nowhere else.

REV is a Git revision, a version or a stage. REF is a path, `REV:PATH`, or a version or a stage, which name a path, too.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import NamedTuple

from mvc.errors import CorruptObject, MvcError, Refused, UsageError
from mvc.objects.names import registered_name
from mvc.objects.pointer import SUFFIX as POINTER
from mvc.ops.shared.selection import is_path
from mvc.ops.shared.versions.read import (
    files_at,
    find_version,
    no_such_model,
    no_such_version,
    nothing_held,
    read_registry,
    read_version,
    version_files,
)
from mvc.ops.shared.versions.unregistered import find_unregistered
from mvc.project import Project
from mvc.quality.reports.tags import parse_version
from mvc.registry.event import Event
from mvc.registry.grammar import LATEST, Reference, parse_reference
from mvc.registry.state import Holding, Model
from mvc.scm.commits import is_revision as is_git_revision
from mvc.scm.commits import resolve as resolve_in_git
from mvc.scm.incomplete import lacks_versions


class Named(NamedTuple):
    """The content that a version or a stage names."""

    rev: str
    """The version, such as `ranker@v1.2.0`; the commit if it is not registered."""
    commit: str
    path: str
    """From the top of the worktree."""
    events: tuple[Event, ...] = ()
    """What says so: the events that decided what the stage holds, and that of the version."""


def resolve(project: Project, rev: str) -> str:
    """Return the commit that REV names.

    Raises:
        UsageError: it names none.
        Refused: a stage holds nothing.
        CorruptObject: its tag is forged.
        MvcError: it is ambiguous, or this clone may lack the tag.
    """
    if named := registered(project, rev):
        return named.commit
    if is_git_revision(project.git, rev):
        return resolve_in_git(project.git, rev)
    if named := unregistered_version(project, rev):
        return named.commit
    if reference := parse_reference(rev):
        raise _unknown(project, reference)
    if parse_version(rev):
        raise _without_name(project, rev)
    return resolve_in_git(project.git, rev)  # raises the error


def is_revision(project: Project, word: str) -> bool:
    """Whether `word` names a commit."""
    with suppress(MvcError):
        return bool(resolve(project, word))
    return False


def split_reference(project: Project, text: str, is_path: Callable[[str], bool]) -> tuple[str, str]:
    """Return REV and path of a REF; without a revision the path is as typed.

    A path that `is_path` accepts takes precedence, and so does anything that begins with `./`.

    Raises:
        MvcError: as `resolve` does.
    """
    reference = parse_reference(text)
    is_plain = ":" not in text and reference is None and parse_version(text) is None
    if is_plain or text.startswith((":", "./")) or is_path(text):
        return "", text
    rev, colon, path = text.partition(":")
    if colon:
        return rev, path.removeprefix("./")
    named = registered(project, text) or unregistered_version(project, text)
    if named:
        return named.rev, named.path
    if is_git_revision(project.git, text):  # a tag of another program
        return "", text
    raise _unknown(project, reference) if reference else _without_name(project, text)


def split_revisions(
    project: Project, command: str, words: list[str], most: int,
) -> tuple[tuple[str, ...], list[str]]:
    """Return the revisions, at most `most`, and the paths after them. `--` separates them, as in Git.

    Without `--`, a word that may be both is a path if it is the only one.

    Raises:
        UsageError: there are too many revisions, or one of several words may be both.
    """
    if "--" in words:
        at = words.index("--")
        if at > most:
            message = f"{at} words before --, expected {'one revision' if most == 1 else f'at most {most} revisions'}"
            raise UsageError(message, f"{command} {'REV ' * most}-- PATH")
        return tuple(words[:at]), words[at + 1 :]
    revisions: list[str] = []
    for word in words[:most]:
        there = is_path(project, word)
        if not is_revision(project, word) or (len(words) == 1 and there):
            if not there and (parse_reference(word) or parse_version(word)):
                resolve(project, word)  # raises the error
            break
        if there:
            raise _ambiguous(command, words, len(revisions))
        revisions.append(word)
    return tuple(revisions), words[len(revisions) :]


def _ambiguous(command: str, words: list[str], at: int) -> UsageError:
    as_revision = shlex.join([*words[: at + 1], "--", *words[at + 1 :]])
    as_path = shlex.join([*words[:at], "--", *words[at:]])
    fix = f"{command} {as_revision}  # takes the revision; {command} {as_path} takes the path"
    return UsageError(f"{words[at]!r} is both a revision and a path", fix)


# Registered versions.


def registered(project: Project, text: str) -> Named | None:
    """Return the registered content; None if the text is no reference, or its model unknown."""
    reference = parse_reference(text)
    if reference is None:
        return None
    registry = read_registry(project, reference.base)
    if model := registry.models.get(reference.base):
        found = _of_model(project, model, reference)
        if found is None and (forged := next((item for item in registry.ignored if item.tag == text), None)):
            raise CorruptObject(f"the tag {text} is not that of a version: {forged.problem}", "mvc verify --tags")
        return found
    path = _path(project, reference)
    for model in _models_at(project, path) if path else ():
        with suppress(UsageError):
            found = _of_model(project, model, reference)
            if found and found.path == path:
                return found
    return None


def _of_model(project: Project, model: Model, reference: Reference) -> Named | None:
    """Return what a reference names of a model; None if it has no such version.

    Raises:
        Refused: the stage holds nothing, or all versions are retired.
    """
    if reference.stage:
        held = model.held(reference.stage)
        if held is None:
            raise nothing_held(project, model.name, reference.stage)
        return _named(project, model, held.version, held)
    if reference.version == LATEST:
        return _named(project, model, _latest(model), None)
    found = find_version(model, reference.version)
    return _named(project, model, found.name, None) if found else None


def _latest(model: Model) -> str:
    if model.latest is None:
        raise Refused(f"all versions of {model.name} are retired", f"mvc history {shlex.quote(model.name)}")
    return model.latest.name


def _named(project: Project, model: Model, name: str, held: Holding | None) -> Named:
    """Return a version's content, which must be what its tags say; `held` by a stage."""
    version = model.versions.get(name)
    tags = (held.given if held else None, version.event if version else None)
    events = [event for event in tags if event]
    commit, files = events[0].commit, [version_files(project, event) for event in events]
    if version and version.retired:
        project.around.remark(f"{model.name}@{name} is retired: {version.retired.message or 'no reason given'}", "")
    decided = [held.event, *events] if held else events
    return Named(f"{model.name}@{name}" if version else commit, commit, files[0].path, tuple(decided))


def _path(project: Project, reference: Reference) -> str:
    """Return the path that a reference begins with; empty for one outside the worktree."""
    with suppress(UsageError):
        return project.shell.path(reference.base)
    return ""


def _models_at(project: Project, path: str) -> Iterator[Model]:
    """Yield the models that have, or may have, versions at a path."""
    here = files_at(project, "HEAD", path) if is_git_revision(project.git, "HEAD") else None
    names = {here.pointer.notes.name if here else "", registered_name(path)}
    for model in read_registry(project).models.values():
        pointers = {version.event.trailers.pointer for version in model.versions.values()}
        if path + POINTER in pointers or ("" in pointers and model.name in names):
            yield model


# Others.


def unregistered_version(project: Project, text: str) -> Named | None:
    """Return the content of a version that only a committed report names."""
    reference = parse_reference(text)
    if reference is None or reference.stage or reference.version == LATEST:
        return None
    found = find_unregistered(project, reference.base, _path(project, reference), reference.version)
    if found is None:
        return None
    commit = found.commit[:12]
    if lack := lacks_versions(project.git):
        message = f"no tag of {text} is known here, but {lack.what}; commit {commit} has its report"
        project.around.remark(message, lack.fix)
    else:
        line = f"mvc register {shlex.quote(found.name)} --rev {commit}"
        project.around.remark(f"{text} is not registered; commit {commit} has its report", line)
    return Named(found.commit, found.commit, found.path)


def _unknown(project: Project, reference: Reference) -> MvcError:
    """Return the error for a version, or a stage, that neither a tag nor a report names."""
    if model := read_registry(project, reference.base).models.get(reference.base):
        return no_such_version(project, model, reference.version)
    return no_such_model(project, reference.base)


def _without_name(project: Project, version: str) -> UsageError:
    """Return the error for a version without the name of its model."""
    models = read_registry(project).models.values()
    names = [model.name for model in models if find_version(model, version)]
    if not names:
        return UsageError(f"{version!r} is neither a revision nor a version of a model", "mvc models")
    name = f"{names[0]}@{version}"
    others = f"; and of {', '.join(names[1:])}" if names[1:] else ""
    return UsageError(f"{version!r} is a version of {names[0]}{others}: type {name}", f"mvc ls {shlex.quote(name)}")


def model_version(project: Project, text: str) -> tuple[Model, str]:
    """Return the model and the version that `NAME@VERSION` names; it must be registered.

    Raises:
        UsageError: it is not in that form, or not registered.
        Refused: it is the latest version, and all are retired.
        MvcError: this clone may lack its tag.
    """
    reference = parse_reference(text)
    if reference is None or reference.stage:
        raise UsageError(f"{text!r} is not a version: expected NAME@VERSION", "mvc models")
    model = read_registry(project, reference.base).models.get(reference.base)
    if model is None:
        raise no_such_model(project, reference.base)
    if reference.version == LATEST:
        return model, _latest(model)
    return model, read_version(project, model, reference.version).name
