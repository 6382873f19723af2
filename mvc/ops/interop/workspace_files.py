"""The files of the workspace into the cache, verified by another program's digests as they are read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mvc.objects.foreign import ForeignDigest, is_content
from mvc.objects.manifest import Entry
from mvc.objects.pointer import Pointer
from mvc.ops.interop.ledger import Ledger
from mvc.ops.shared.workspace_content import pointer_id, same_content
from mvc.project import Project
from mvc.retention.available import record_packed
from mvc.store.cache.source_file import ReadFile, SourceFile
from mvc.store.cache.writer import LOOSE_AT
from mvc.workspace.observe import Observed, ObserveOptions, observe, settled
from mvc.workspace.read_files import FileReader, storing

_JOBS = 4
"""Large files read at the same time."""


class _Verifying:
    """Stores files, and remembers which have the content that the other program names."""

    def __init__(self, ledger: Ledger, expected: Mapping[str, ForeignDigest]) -> None:
        self._ledger = ledger
        self._expected = expected
        self.verified: set[str] = set()

    def small(self, path: str, data: bytes) -> None:
        if (old := self._expected.get(path)) and is_content(data, old):
            self.verified.add(path)

    def large(self, source: SourceFile) -> ReadFile:
        if (old := self._expected.get(source.path)) is None:
            return self._ledger.writer.put_file(source)
        check = old.check()
        found = self._ledger.writer.put_file(source._replace(also=(check.update,)))
        if check.fits():
            self.verified.add(source.path)
        return found


def read_workspace(
    project: Project, ledger: Ledger, path: str, files: Iterable[tuple[str, ForeignDigest]], *, whole: bool = False,
) -> tuple[Observed, dict[str, Entry]]:
    """Return what is at the path, and those of its `files` that have the content that the other program names.

    Their names are relative to the path; that of a file itself is empty. They are stored, and noted in the ledger;
    with `whole`, all others of a directory are read and stored as well.
    """
    names = dict(files)
    check = _Verifying(ledger, {f"{path}/{name}" if name else path: old for name, old in names.items()})
    reader = storing(ledger.writer, project.around.progress, _JOBS, (), check.small)._replace(large=check.large)
    options = _options(project, ledger, path, reader, None if whole or "" in names else names)
    observed = observe(project.tree, path, project.links, options)
    entries = {}
    for entry in observed.entries():
        if old := names.get(entry.path):
            if (f"{path}/{entry.path}" if entry.path else path) in check.verified:
                ledger.note(old, entry.digest)
            if ledger.digest(old) == entry.digest:
                entries[entry.path] = entry
    if (snapshot := observed.snapshot) is not None:  # an interrupted import goes on from there
        project.catalog.remember(path, settled(project.tree, path, project.links, snapshot))
    return observed, entries


def _options(
    project: Project, ledger: Ledger, path: str, reader: FileReader, names: Mapping[str, ForeignDigest] | None,
) -> ObserveOptions:
    """Read only these files, or all; one that an interrupted import has read and stored is not read again."""
    known = project.catalog.snapshot(path)
    return ObserveOptions(known, reader, ledger.writer.lacking, covers=None if names is None else names.__contains__)


def remember(project: Project, imported: Iterable[tuple[str, Pointer, Observed]]) -> None:
    """Record that the workspace has the content of the pointers at these paths, so that it is not read again."""
    for path, pointer, observed in imported:
        if not same_content(pointer, observed):
            continue
        project.catalog.set_synced(path, pointer_id(pointer))
        groups = observed.groups
        is_large = pointer.kind == "dir" and pointer.manifest is None
        if is_large and all(size < LOOSE_AT for group in groups for size in group.files.sizes):
            record_packed(project.cache, project.catalog, pointer, [group.shard for group in groups])
    project.catalog.flush()
