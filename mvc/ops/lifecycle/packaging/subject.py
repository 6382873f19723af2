"""What is packaged: a proven copy of a tracked path, with its pointer, report and signature."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from mvc.errors import UsageError
from mvc.fs.files import check_unchanged
from mvc.fs.progress import Progress
from mvc.objects.digest import Digest
from mvc.objects.hashing import hash_bytes, hash_stream
from mvc.objects.manifest import Entry
from mvc.objects.names import registered_name
from mvc.objects.pointer import SUFFIX as POINTER
from mvc.objects.pointer import Pointer, emit
from mvc.ops.shared.reports import matching_report, report_at
from mvc.ops.shared.selection import is_path
from mvc.ops.shared.versions.references import split_reference
from mvc.project import Project
from mvc.quality.files import SIGNATURES
from mvc.quality.files import SUFFIX as REPORT
from mvc.quality.reports.report import Report
from mvc.registry.grammar import parse_reference
from mvc.retention.available import load_manifest
from mvc.store.cache.source_file import ReadFile, SourceFile
from mvc.workspace.read_files import FileReader, hashing


class Subject(NamedTuple):
    """What a REF names, and what belongs to it."""

    name: str
    """Of the model."""
    version: str
    """Empty if neither REF nor report names one."""
    path: str
    """From the top of the worktree."""
    commit: str
    """Empty for the pointer in the workspace."""
    pointer: Pointer
    documents: dict[str, bytes]
    """Pointer, report and signature, by what their names add to the path."""
    report: Report | None
    """None without one of this content."""


def subject_of(project: Project, text: str, path: str, commit: str, pointer: Pointer) -> Subject:
    """Return what belongs to the tracked `path`, with its `pointer` at a `commit` or in the workspace.

    A report of other content is left out, with a remark.

    Raises:
        UsageError: the user named a part of a directory.
    """
    rev, typed = split_reference(project, text, partial(is_path, project))
    if (named := typed.rstrip("/") if rev else project.shell.path(typed)) != path:
        line = shlex.join(["mvc", "package", f"{rev}:{path}" if rev else project.shell.show(path)])
        raise UsageError(f"{named} is a part of {path}, whose digest is of all", f"{line} --oci HOST/REPO")
    registered = parse_reference(rev)
    raw = report_at(project, commit, path + REPORT)
    report = matching_report(raw, pointer.identity, path + REPORT)
    _remark_left_out(project, path, raw, report)
    documents = {POINTER: emit(pointer)}
    if raw and report:
        documents[REPORT] = raw
        if signature := report_at(project, commit, path + REPORT + SIGNATURES):
            documents[REPORT + SIGNATURES] = signature
    name = registered.base if registered else pointer.notes.name or registered_name(path)
    version = registered.version if registered else report.tag if report else ""
    return Subject(name, version, path, commit, pointer, documents, report)


def _remark_left_out(project: Project, path: str, raw: bytes | None, report: Report | None) -> None:
    if raw and report is None:
        line = project.shell.line("mvc eval show", path)
        project.around.remark(f"{path}{REPORT} is not a report of this content: it is left out", line)
    for used in report.together if report else ():
        line = "track what belongs together in one directory"
        project.around.remark(f"{used.path}, with which {path} was evaluated, is not part of the package", line)


def files_of(project: Project, pointer: Pointer) -> Iterator[Entry]:
    """Yield the files of a tracked path; the path of a tracked file itself is empty.

    Raises:
        MvcError: as for `load_manifest`.
    """
    if pointer.kind == "file":
        yield Entry("", *pointer.digest, pointer.exec)
    else:
        yield from load_manifest(project.cache, pointer).entries


class Sums(dict[str, str]):
    """The sha256 of content by its BLAKE3, both in hex, and both computed in one read."""

    def reader(self, progress: Progress) -> FileReader:
        """Return what computes the digests of files, and remembers them."""
        return hashing(progress)._replace(small=self._small, large=self._large)

    def _small(self, data: bytes) -> Digest:
        digest = hash_bytes(data)
        self[digest.blake3] = hashlib.sha256(data).hexdigest()
        return digest

    def _large(self, source: SourceFile) -> ReadFile:
        sha256 = hashlib.sha256()
        digest = hash_stream(source.fd, source.status.st_size, source.progress, (sha256.update,))
        check_unchanged(source.fd, source.status, source.path)
        self[digest.blake3] = sha256.hexdigest()
        return ReadFile(digest, source.status)
