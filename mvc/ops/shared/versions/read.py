"""Reads the registry, and the files of a version in its commit."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from difflib import get_close_matches
from typing import NamedTuple

from mvc.errors import CorruptObject, MvcError, Refused, UsageError
from mvc.objects.hashing import hash_bytes
from mvc.objects.names import fold as fold_case
from mvc.objects.names import registered_name
from mvc.objects.pointer import SUFFIX as POINTER
from mvc.objects.pointer import Pointer, path_of
from mvc.objects.pointer_reader import pointer_in
from mvc.ops.shared.dvc.imported import read_imported
from mvc.ops.shared.revisions import tracked_at
from mvc.project import Project
from mvc.quality.files import SUFFIX as REPORT
from mvc.quality.reports.tags import spelling
from mvc.registry.event import Event, IgnoredTag, read_events
from mvc.registry.grammar import tag_patterns
from mvc.registry.state import Model, Registry, Version, fold
from mvc.scm.blobs import read_blobs
from mvc.scm.commits import CommitPath, blobs_at
from mvc.scm.incomplete import lacks_versions, naming
from mvc.scm.tags import read_tags


def read_registry(project: Project, *names: str, until: float = float("inf")) -> Registry:
    """Return all models, or those of `names`, as they were at the time `until`, in seconds since the epoch.

    Remarks name what an answer may lack: tags that are ignored, and those that this clone may not have.

    Raises:
        MvcError: Git cannot read the tags.
    """
    patterns = [pattern for name in names for pattern in tag_patterns(name)]
    registry = fold(read_events(read_tags(project.git, *patterns)), until)
    if names:
        models = {name: model for name, model in registry.models.items() if name in names}
        registry = Registry(models, tuple(item for item in registry.ignored if item.model in names))
    if registry.models:
        _tell(project, [item for item in registry.ignored if item.model in registry.models])
    return registry


def _tell(project: Project, ignored: list[IgnoredTag]) -> None:
    if ignored:
        more = f", and {len(ignored) - 1:,} more" if ignored[1:] else ""
        project.around.remark(f"ignored the tag {ignored[0].tag}: {ignored[0].problem}{more}", "mvc verify --tags")
    if lack := lacks_versions(project.git):
        project.around.remark(f"{lack.what}, so versions may be missing", lack.fix)


def read_model(project: Project, name: str, until: float = float("inf")) -> Model:
    """Return a model of the registry.

    Raises:
        UsageError: there is no such model.
        MvcError: this clone may lack its tags.
    """
    if model := read_registry(project, name, until=until).models.get(name):
        return model
    raise no_such_model(project, name)


def no_such_model(project: Project, name: str) -> MvcError:
    """Return the error for a model that the registry does not have, or not in this clone."""
    if lack := lacks_versions(project.git):
        return MvcError(f"no version of {name} is known here, but {lack.what}", lack.fix)
    known = list(read_registry(project).models)
    near = [other for other in known if fold_case(other) == fold_case(name)] or get_close_matches(name, known, 1)
    meant = f"; did you mean {near[0]}?" if near else ""
    return UsageError(f"no version of {name} is registered{meant}", f"mvc history {near[0]}" if near else "mvc models")


def read_version(project: Project, model: Model, version: str) -> Version:
    """Return a version of a model.

    Raises:
        UsageError: it is not registered.
        MvcError: this clone may lack its tag.
    """
    if found := find_version(model, version):
        return found
    raise no_such_version(project, model, version)


def find_version(model: Model, version: str) -> Version | None:
    """Return a version of a model, typed with or without the `v`; None if it is not registered."""
    return next((item for name, item in model.versions.items() if spelling(name) == spelling(version)), None)


def no_such_version(project: Project, model: Model, version: str) -> MvcError:
    """Return the error for a version that a model does not have, or not in this clone."""
    if lack := lacks_versions(project.git):
        return MvcError(f"{model.name}@{version} is not known here, but {lack.what}", lack.fix)
    line = f"mvc history {shlex.quote(model.name)}  # lists the versions"
    return UsageError(f"{model.name}@{version} is not registered", line)


def nothing_held(project: Project, model: str, stage: str, when: str = "") -> MvcError:
    """Return the error for a stage that holds nothing, or not in this clone; `when` such as ` at 2026-03-03`."""
    if lack := lacks_versions(project.git):
        return MvcError(f"nothing is known to be in {model}#{stage}{when}, but {lack.what}", lack.fix)
    return Refused(f"nothing is in {model}#{stage}{when}", f"mvc history {shlex.quote(model)}")


# The files of a version.


class VersionFiles(NamedTuple):
    """A version's tracked path, pointer and report in its commit."""

    path: str
    pointer: Pointer
    report: bytes | None
    """None without one."""
    raw: bytes
    """The pointer as a file."""

    @property
    def report_blake3(self) -> str:
        """The blake3 of the report; empty without one."""
        return "" if self.report is None else hash_bytes(self.report).blake3


def version_files(project: Project, event: Event) -> VersionFiles:
    """Return what an event's commit has of its model, which must be what the tag says.

    Raises:
        CorruptObject: the tag says otherwise: it was forged, or moved.
        Refused: the commit has no such model.
    """
    return checked(event, files_at(project, event.commit, event_path(project, event)))


def event_path(project: Project, event: Event) -> str:
    """Return the tracked path that an event is about, as the tag says, or its commit.

    Raises:
        Refused: the commit has no such model.
    """
    pointer = event.trailers.pointer
    return path_of(pointer) if pointer else model_path(project, event.commit, event.model)


def checked(event: Event, found: VersionFiles | None) -> VersionFiles:
    """Return what the tagged commit has, if it is what the tag says.

    Raises:
        CorruptObject: it is not.
    """
    claim = event.trailers
    if found is None:
        raise _disagrees(event, f"{claim.pointer} is not in its commit, or invalid")
    name = found.pointer.notes.name or registered_name(found.path)
    if claim.pointer and fold_case(name) != fold_case(event.model):
        raise _disagrees(event, f"{claim.pointer} is of the model {name}")
    if claim.blake3 not in ("", found.pointer.digest.blake3):
        raise _disagrees(event, f"it says blake3 {claim.blake3[:12]}, its commit {found.pointer.digest.blake3[:12]}")
    if claim.blake3 and claim.report != found.report_blake3:
        report = found.report_blake3[:12] or "no report"
        raise _disagrees(event, f"it says report {claim.report[:12] or 'none'}, its commit has {report}")
    return found


def _disagrees(event: Event, reason: str) -> CorruptObject:
    return CorruptObject(f"the tag {event.tag} is forged or was moved: {reason}", "mvc verify --tags")


def files_at(project: Project, commit: str, path: str) -> VersionFiles | None:
    """Return pointer and report of a tracked path in a commit; None without a valid pointer.

    Raises:
        MvcError: Git cannot read them.
    """
    return files_of(project, [CommitPath(commit, path)]).get(CommitPath(commit, path))


def files_of(project: Project, places: Iterable[CommitPath]) -> dict[CommitPath, VersionFiles]:
    """Return pointer and report of tracked paths in commits, where there is a valid pointer.

    Raises:
        MvcError: Git cannot read them.
    """
    places = list(places)
    wanted = (CommitPath(commit, path + suffix) for commit, path in places for suffix in (POINTER, REPORT))
    oids = blobs_at(project.git, wanted)
    with naming({oid: f"{path} of {commit[:12]}" for (commit, path), oid in oids.items()}):
        content = dict(zip(oids.values(), read_blobs(project.git, oids.values()), strict=True))
    raws = {place: content[oid] for place, oid in oids.items()}
    found = {}
    for place in places:
        raw = raws.get(CommitPath(place.commit, place.path + POINTER))
        if raw is not None and (pointer := pointer_in(raw)):
            report = raws.get(CommitPath(place.commit, place.path + REPORT))
            found[place] = VersionFiles(place.path, pointer, report, raw)
    lacking = [place for place in places if place not in found]
    return found | _imported_files(project, lacking) if lacking else found


def _imported_files(project: Project, places: list[CommitPath]) -> dict[CommitPath, VersionFiles]:
    """Return those paths that DVC tracked, and whose content was imported."""
    if not read_imported(project):
        return {}
    tracked = {commit: tracked_at(project, commit) for commit in {place.commit for place in places}}
    items = ((place, tracked[place.commit].get(place.path)) for place in places)
    return {
        place: VersionFiles(place.path, item.pointer, None, item.raw)
        for place, item in items if item is not None and item.pointer is not None
    }


def model_path(project: Project, commit: str, name: str) -> str:
    """Return the tracked path of a model in a commit: by the name in its pointer, else by its file name.

    Of several paths with such a file name it is the one with a report.

    Raises:
        Refused: there is none, or more than one.
    """
    tracked = tracked_at(project, commit)
    named = [path for path, item in tracked.items() if item.pointer and item.pointer.notes.name == name]
    unnamed = [path for path, item in tracked.items() if item.pointer and not item.pointer.notes.name]
    found = named or [path for path in unnamed if registered_name(path) == fold_case(name)]
    if len(found) > 1:
        reports = blobs_at(project.git, {CommitPath(commit, path + REPORT) for path in found})
        found = [path for path in found if CommitPath(commit, path + REPORT) in reports] or found
    if len(found) == 1:
        return found[0]
    if found:
        raise Refused(f"{len(found)} tracked paths could be {name}: {', '.join(found[:3])}", _naming(name))
    raise Refused(f"no tracked path of {commit[:12]} is named {name}", _naming(name))


def _naming(name: str) -> str:
    return f"mvc add PATH --name {shlex.quote(name)}  # and commit it"
