"""`mvc which`: what a stage holds, or held at some time; and which version some bytes are."""

from __future__ import annotations

import os
import shlex
from typing import NamedTuple

from mvc.errors import CorruptObject, MvcError, Refused, UsageError
from mvc.fs.files import as_error
from mvc.fs.tree import Tree
from mvc.ops.shared.versions.dates import date_of, end_of
from mvc.ops.shared.versions.packages import artifacts_of
from mvc.ops.shared.versions.read import VersionFiles, nothing_held, read_model, read_registry, version_files
from mvc.ops.shared.versions.unregistered import unregistered_of
from mvc.project import Project
from mvc.registry.event import Event
from mvc.registry.state import Holding, Model
from mvc.scm.incomplete import lacks_versions
from mvc.workspace.observe import ObserveOptions, observe
from mvc.workspace.read_files import hashing


class Held(NamedTuple):
    """What a stage holds."""

    name: str
    stage: str
    version: str
    """Empty if the commit has no registered version."""
    commit: str
    blake3: str
    report: str
    """The blake3 of the report; empty without one."""
    path: str
    tag: str
    """The tag of the event that gave it to the stage."""
    date: str
    """When it did: ISO 8601."""
    author: str
    """Who did: name and email address."""
    message: str
    artifacts: tuple[str, ...]
    """What `mvc package --oci` noted: `HOST/REPO@sha256:…`, the newest last."""


def which(project: Project, name: str, stage: str = "", at: str = "") -> tuple[Held, ...]:
    """Return what a stage of a model holds, or all its stages, now or at a date.

    A date without a time is the end of that day, in the local time zone.

    Raises:
        UsageError: the model is unknown, or the date invalid.
        Refused: the stage holds nothing.
        CorruptObject: a tag is forged.
        MvcError: this clone may lack the tags.
    """
    until = end_of(at) if at else float("inf")
    model = read_registry(project, name, until=until).models.get(name)
    when = f" at {at}" if at else ""
    if model is None:
        read_model(project, name)
        raise Refused(f"no version of {name} was registered{when}", f"mvc history {shlex.quote(name)}")
    held = [item for item in model.holding() if stage in ("", item.stage)]
    if stage and not held:
        raise nothing_held(project, name, stage, when)
    return tuple(_held(project, model, item) for item in held)


def _held(project: Project, model: Model, item: Holding) -> Held:
    files = version_files(project, item.given or item.event)
    return Held(
        model.name, item.stage, item.version, item.commit, files.blake3, files.report_blake3, files.path,
        item.event.tag, date_of(item.event), item.event.author, item.event.message,
        artifacts_of(project.git, item.commit, files.path),
    )


# Bytes.


class FileVersion(NamedTuple):
    """A version that a file or directory is."""

    name: str
    version: str
    commit: str
    path: str
    """The tracked path in that commit."""
    registered: bool = False
    retired: bool = False
    stages: tuple[str, ...] = ()
    """The stages that hold it."""


class WhichFile(NamedTuple):
    """A file or directory, and the versions that it is."""

    path: str
    """As typed."""
    blake3: str
    versions: tuple[FileVersion, ...]


def which_file(project: Project, path: str) -> WhichFile:
    """Hash the typed `path`, and return the versions with this content, or the newest report that has it.

    Raises:
        Refused: none has it.
        MvcError: the file cannot be read, or this clone may lack the tags.
    """
    blake3 = _blake3(project, path)
    found = [item for model in read_registry(project).models.values() for item in _with_content(project, model, blake3)]
    if found:
        return WhichFile(path, blake3, tuple(found))
    if other := unregistered_of(project, blake3):
        return WhichFile(path, blake3, (FileVersion(other.name, other.tag, other.commit, other.path),))
    if lack := lacks_versions(project.git):
        raise MvcError(f"no version that is known here has the content of {path}, but {lack.what}", lack.fix)
    raise Refused(f"no version has the content of {path}, blake3 {blake3}", "mvc models")


def _blake3(project: Project, path: str) -> str:
    full = os.path.realpath(os.path.join(project.around.cwd, path))
    folder, name = os.path.split(full)
    try:
        with Tree(folder) as tree:
            found = observe(tree, name, project.links, ObserveOptions(None, hashing(project.around.progress)))
    except OSError as error:
        raise as_error(error, path) from None
    if found.digest is None:
        raise UsageError(f"{path} is neither a file nor a directory", "mvc which --file PATH")
    return found.digest.blake3


def _files(project: Project, event: Event) -> VersionFiles | None:
    """Return the files of a version; None for a forged one, and for one of GTO that mvc does not track."""
    try:
        return version_files(project, event)
    except (CorruptObject, Refused) as error:
        project.around.remark(error.message, error.fix)
        return None


def _with_content(project: Project, model: Model, blake3: str) -> list[FileVersion]:
    found = []
    for version in model.versions.values():
        files = _files(project, version.event) if version.event.trailers.blake3 in ("", blake3) else None
        if files and files.blake3 == blake3:
            stages = [item.stage for item in model.holding() if item.commit == version.event.commit]
            found.append(FileVersion(
                model.name, version.name, version.event.commit, files.path,
                registered=True, retired=version.retired is not None, stages=tuple(stages),
            ))
    return found
