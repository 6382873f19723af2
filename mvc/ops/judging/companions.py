"""The content at the paths that reports were evaluated with, such as a tokenizer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property

from mvc.errors import InvalidFormat
from mvc.objects.hashing import hash_bytes
from mvc.objects.pointer import Pointer
from mvc.ops.judging.blobs import Blobs
from mvc.ops.judging.trees import Trees, pointers_of
from mvc.project import Project
from mvc.quality.files import MAX_BYTES, REGULAR, FileAt
from mvc.quality.files import SUFFIX as REPORT
from mvc.quality.judge.facts import Companions, ModelFacts
from mvc.quality.pointer_files import pointer_in_file, stem
from mvc.quality.reports.report_document import parse_report
from mvc.scm.blobs import stream_blobs
from mvc.scm.index_changes import Entry, Index
from mvc.scm.plumbing import Git


def of_change(trees: Trees, touched: Iterable[ModelFacts]) -> tuple[Companions, ...]:
    """Return the companions of the `touched` models, and of others whose report names a path that the change touches.

    Raises:
        MvcError: this clone lacks a report or a companion.
    """
    changed = {stem(path) or path for path in trees.judged.changes}
    named = {model: set(_named(model.report)) for model in touched if model.pointer is not None}
    for model in _others(trees, {model.path for model in named}, changed):
        named[model] = {path for path in _named(model.report) if not changed.isdisjoint(_and_above(path))}
    return _in_git(_Contents(trees.merge.git, trees.blobs, trees.judged.entries), named, changed)


def of_index(git: Git, index: Index, models: Iterable[ModelFacts]) -> tuple[Companions, ...]:
    """Return the companions of the models that a commit changes, as its index has them.

    Raises:
        MvcError: Git cannot read a companion.
    """
    named = {model: set(_named(model.report)) for model in models if model.pointer is not None}
    if not any(named.values()):
        return ()
    return _in_git(_Contents(git, Blobs(git), index.entries), named, {stem(path) or path for path in index.changes})


def _in_git(
    contents: _Contents, named: Mapping[ModelFacts, Iterable[str]], changed: Iterable[str],
) -> tuple[Companions, ...]:
    found = (_companions(model, paths, contents.at) for model, paths in named.items())
    moved = contents.of_pointers(changed)
    return tuple(item._replace(moved=moved) for item in found if item.there)


def of_workspace(project: Project, models: Iterable[ModelFacts]) -> tuple[Companions, ...]:
    """Return the companions of models, as the workspace's pointers have them."""
    named = [(model, paths) for model in models if model.pointer is not None and (paths := set(_named(model.report)))]
    tracked = {path: item.pointer for path, item in project.tracked().items()} if named else {}

    def at(path: str) -> str | None:
        found = _by_pointers(path, tracked, tracked.get)
        return "" if found is None and project.tree.lstat(path) is None else found

    found = (_companions(model, paths, at) for model, paths in named)
    return tuple(item for item in found if item.there)


def _companions(model: ModelFacts, paths: Iterable[str], at: Callable[[str], str | None]) -> Companions:
    contents = ((path, at(path)) for path in sorted(paths))
    return Companions(model, tuple((path, blake3) for path, blake3 in contents if blake3 is not None))


def _named(report: FileAt | None) -> Iterator[str]:
    """Yield the paths that a report was evaluated with; none for an unreadable one."""
    if report and report.is_regular and _names_others(report.raw):
        try:
            parsed = parse_report(report.raw, "")
        except InvalidFormat:
            return
        yield from (used.path for used in parsed.together)
        if parsed.predictions:
            yield parsed.predictions.path


def _names_others(raw: bytes) -> bool:
    """Whether a report may name other paths that were evaluated; most name none."""
    return b"with" in raw or b"predictions" in raw


def _and_above(path: str) -> Iterator[str]:
    while path:
        yield path
        path = path.rpartition("/")[0]


# In Git.


def _others(trees: Trees, known: set[str], changed: set[str]) -> Iterator[ModelFacts]:
    """Yield the other models whose report may name one of the `changed` paths."""
    pointers = {path: entry for path, entry in pointers_of(trees.judged.entries).items() if path not in known}
    reports = {path: entry for path in pointers if (entry := trees.judged.entries.get(path + REPORT))}
    words = [path.encode(errors="surrogateescape") for path in changed]
    oids = [entry.oid for entry in reports.values() if entry.mode in REGULAR]
    likely = {
        oid for oid, raw in zip(oids, stream_blobs(trees.merge.git, oids, MAX_BYTES), strict=True)
        if _names_others(raw) and (b"\\" in raw or any(word in raw for word in words))
    }
    for path, entry in reports.items():
        if entry.oid in likely:
            trees.blobs.load_files((entry, pointers[path]))
            yield ModelFacts(path, trees.blobs.file(pointers[path]), trees.blobs.file(entry))


class _Contents:
    """The contents of a judged tree, or of an index, by path."""

    def __init__(self, git: Git, blobs: Blobs, entries: Mapping[str, Entry]) -> None:
        self._git, self._blobs, self._entries = git, blobs, entries
        self._pointers = pointers_of(entries)

    @cached_property
    def _folders(self) -> set[str]:
        return {folder for path in self._entries for folder in _and_above(path.rpartition("/")[0])}

    def at(self, path: str) -> str | None:
        """Return the blake3 of the content at a path; empty where there is none, None where it is unknown."""
        found = _by_pointers(path, self._pointers, self._pointer)
        if found is not None:
            return found
        entry = self._entries.get(path)
        if entry is not None and entry.mode in REGULAR and not entry.conflicted:
            return hash_bytes(self._git.run("cat-file", "blob", entry.oid)).blake3
        known = entry or path in self._folders or any(part in self._pointers for part in _and_above(path))
        return None if known else ""

    def of_pointers(self, paths: Iterable[str]) -> tuple[str, ...]:
        """Return the blake3 of the tracked ones of some paths."""
        found = (self._pointer(path) for path in sorted(paths) if path in self._pointers)
        return tuple(pointer.identity for pointer in found if pointer)

    def _pointer(self, path: str) -> Pointer | None:
        entry = self._pointers[path]
        if entry.conflicted:
            return None
        self._blobs.load_files([entry])
        return pointer_in_file(self._blobs.file(entry))


def _by_pointers(path: str, tracked: Mapping[str, object], pointer: Callable[[str], Pointer | None]) -> str | None:
    """Return the blake3 that the pointers have for a path: its own, or that of a directory which lists its files."""
    holder = next((part for part in _and_above(path) if part in tracked), "")
    found = pointer(holder) if holder else None
    if found is None or holder == path:
        return (found and found.digest.blake3) or None
    inside = path[len(holder) + 1 :]
    listed = found.manifest.entries if found.manifest else ()
    known = found.manifest and not any(entry.path.startswith(f"{inside}/") for entry in listed)
    return next((entry.blake3 for entry in listed if entry.path == inside), "" if known else None)
