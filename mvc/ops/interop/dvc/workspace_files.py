"""The files of the workspace into the cache, verified by their md5 as they are read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mvc.objects.dvc.digest import DvcDigest, Md5, is_content
from mvc.objects.manifest import Entry
from mvc.ops.interop.dvc.objects import Objects
from mvc.project import Project
from mvc.store.cache.source_file import ReadFile, SourceFile
from mvc.workspace.observe import Observed, ObserveOptions, observe
from mvc.workspace.read_files import FileReader, storing

_JOBS = 4
"""Large files read at the same time."""


class _Verifying:
    """Stores files, and remembers which have the content that DVC names."""

    def __init__(self, objects: Objects, expected: Mapping[str, DvcDigest]) -> None:
        self._objects = objects
        self._expected = expected
        self.verified: set[str] = set()

    def small(self, path: str, data: bytes) -> None:
        if (old := self._expected.get(path)) and is_content(data, old):
            self.verified.add(path)

    def large(self, source: SourceFile) -> ReadFile:
        old = self._expected.get(source.path)
        md5 = Md5(text=old is not None and old.text)
        found = self._objects.writer.put_file(source._replace(also=(md5.update,)))
        if old and md5.fits(old):
            self.verified.add(source.path)
        return found


def read_workspace(
    project: Project, objects: Objects, path: str, files: Iterable[tuple[str, DvcDigest]],
) -> tuple[Observed, dict[str, Entry]]:
    """Return what is at the path of an output, and those of its `files` that have the content that DVC names.

    Their names are relative to the path; that of a file itself is empty. They are stored, and noted in `objects`.
    """
    names = dict(files)
    check = _Verifying(objects, {f"{path}/{name}" if name else path: old for name, old in names.items()})
    reader = storing(objects.writer, project.around.progress, _JOBS, (), check.small)._replace(large=check.large)
    observed = observe(project.tree, path, project.links, _options(project, objects, path, reader, names))
    entries = {}
    for entry in observed.entries():
        if old := names.get(entry.path):
            if (f"{path}/{entry.path}" if entry.path else path) in check.verified:
                objects.note(old, entry.digest)
            if objects.digest(old) == entry.digest:
                entries[entry.path] = entry
    return observed, entries


def _options(
    project: Project, objects: Objects, path: str, reader: FileReader, names: Mapping[str, DvcDigest],
) -> ObserveOptions:
    """Read the named files only; one that an interrupted import has read and stored is not read again."""
    known = project.catalog.snapshot(path)
    return ObserveOptions(known, reader, objects.writer.lacking, covers=None if "" in names else names.__contains__)
