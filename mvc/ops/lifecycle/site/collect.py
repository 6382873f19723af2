"""The models of a site with their files: all are read at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

from mvc.errors import CorruptObject, Refused
from mvc.objects.hashing import hash_bytes
from mvc.ops.lifecycle.site.context import Context
from mvc.ops.lifecycle.site.workers import Each
from mvc.ops.shared.reports import matching_report
from mvc.ops.shared.versions.dates import date_of
from mvc.ops.shared.versions.read import VersionFiles, checked, event_path, files_of
from mvc.ops.shared.versions.tag_signatures import signature_problem
from mvc.project import Project
from mvc.quality.files import SUFFIX
from mvc.registry.event import Event
from mvc.registry.kinds import event_kinds
from mvc.registry.state import Holding, Model, Version
from mvc.scm.blobs import read_blobs
from mvc.scm.commits import CommitPath, blobs_at
from mvc.site.facts import Period, Plot, Signature, SiteEvent, SiteModel, SiteVersion

_PICTURES = (".svg", ".png")
_ROOM = 150_000
"""Bytes of pictures on a page."""


def _kept(model: Model, context: Context) -> list[Version]:
    """Return the versions that have a page, the lowest first: also older ones that are the latest, or in a stage."""
    used = {item.commit for item in model.holding()} | ({model.latest.event.commit} if model.latest else set())
    there = (item for item in model.versions.values() if item.event.commit not in context.old - used)
    return sorted(there, key=lambda item: item.rank)


def collect(project: Project, models: Iterable[Model], context: Context, each: Each) -> Iterator[SiteModel]:
    """Yield models with the files of their versions.

    Raises:
        MvcError: Git or `ssh-keygen` cannot be used.
    """
    kept = [(model, _kept(model, context)) for model in models]
    files = _Files(project, [version for _, versions in kept for version in versions], each)
    for model, versions in kept:
        yield _site_model(project, model, versions, files, context)


def _site_model(
    project: Project, model: Model, versions: list[Version], files: _Files, context: Context,
) -> SiteModel:
    held: dict[str, list[str]] = {}
    for item in model.holding():
        held.setdefault(item.commit, []).append(item.stage)
    latest = model.latest
    in_use = {*held, latest.event.commit if latest else ""}
    found = tuple(
        files.version(version, tuple(held.get(version.event.commit, ())),
                      _signature(project, context, version.event, verify=version.event.commit in in_use))
        for version in versions
    )
    path = next((item.path for item in reversed(found) if item.path), "")
    kinds, version_of = event_kinds(model), model.version_names()
    events = [
        SiteEvent(date_of(event), kinds[event.oid], version_of(event), event.stage, valid(event.author), event.tag,
                  event.is_signed, valid(event.message))
        for _, event in reversed(model.moments)
    ]
    return SiteModel(
        model.name, path, found, latest.name if latest else "", tuple(_periods(model)), tuple(events),
        model.moments[-1].time, model.deprecated is not None, context.tips.get(model.name),
        len(model.versions) - len(found),
    )


def _signature(project: Project, context: Context, event: Event, *, verify: bool) -> Signature:
    """Return whether a tag is signed; only those of versions in use are verified, as that takes a process each."""
    if not event.is_signed:
        return "none"
    if not verify:
        return "present"
    return "invalid" if signature_problem(project, context.keys, event, context.now) else "valid"


def _periods(model: Model) -> Iterator[Period]:
    found = [period for holdings in model.stages.values() for period in _of_stage(holdings)]
    yield from sorted(found, key=lambda item: item.start)


def _of_stage(holdings: tuple[Holding, ...]) -> Iterator[Period]:
    for item, after in pairwise((*holdings, None)):
        if item:
            event = item.event
            end = after.time if after else None
            author, message = valid(event.author), valid(event.message)
            yield Period(item.stage, item.version, item.commit, item.time, end, author, message)


def valid(text: str) -> str:
    """Return text of a tag, which may not be UTF-8, as text that is."""
    return text if text.isascii() else text.encode(errors="replace").decode()


class _Read(NamedTuple):
    path: str
    files: VersionFiles | None
    problem: str


class _Files:
    """The files of versions, read at once."""

    def __init__(self, project: Project, versions: Iterable[Version], each: Each) -> None:
        places: dict[Event, CommitPath] = {}
        self._read: dict[Event, _Read] = {}
        for event in (version.event for version in versions):
            try:
                places[event] = CommitPath(event.commit, event_path(project, event))
            except Refused as error:
                self._read[event] = _Read("", None, error.message)
        found = files_of(project, places.values())
        for event, place in places.items():
            try:
                self._read[event] = _Read(place.path, checked(event, found.get(place)), "")
            except CorruptObject as error:
                self._read[event] = _Read(place.path, None, error.message)
        there = {event: (item.files, item.path) for event, item in self._read.items() if item.files}
        reports = each(
            matching_report, [item.report for item, _ in there.values()],
            [item.pointer.identity for item, _ in there.values()], [path + SUFFIX for _, path in there.values()],
        )
        self._reports = dict(zip(there, reports, strict=True))
        self._pictures = self._read_pictures(project)

    def _read_pictures(self, project: Project) -> dict[CommitPath, bytes]:
        """Return the pictures that reports name, and that Git has."""
        wanted = {
            CommitPath(event.commit, item.path)
            for event, report in self._reports.items() if report
            for item in report.artifacts if item.path.lower().endswith(_PICTURES)
        }
        oids = blobs_at(project.git, sorted(wanted))
        return dict(zip(oids, read_blobs(project.git, oids.values()), strict=True))

    def version(self, version: Version, stages: tuple[str, ...], signature: Signature) -> SiteVersion:
        """Return a version with its files."""
        event = version.event
        path, files, problem = self._read[event]
        return SiteVersion(
            version.name, event.tag, event.commit, date_of(event), valid(event.author), valid(event.message), signature,
            version.retired is not None, stages, path, files.pointer if files else None, self._reports.get(event),
            files.blake3 if files else "", files.report_blake3 if files else "", problem, tuple(self._plots(event)),
        )

    def _plots(self, event: Event) -> Iterator[Plot]:
        report, room = self._reports.get(event), _ROOM
        for item in report.artifacts if report else ():
            raw = self._pictures.get(CommitPath(event.commit, item.path))
            if raw and len(raw) <= room and hash_bytes(raw).blake3 == item.blake3:
                room -= len(raw)
                yield Plot(item.path, raw)
