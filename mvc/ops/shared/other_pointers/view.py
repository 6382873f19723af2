"""Trees and history as the judge sees them: with pointers of DVC and git-lfs at PATH.mvc, if the policy says so.

The judge and the search for earlier versions know one name for a pointer. See `mvc.quality.pointer_files`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from mvc.modelfiles.magic import is_lfs_pointer
from mvc.objects.dvc.imported import FILE as IMPORTED
from mvc.objects.dvc.names import is_of_data
from mvc.objects.lfs import MAX_BYTES as MAX_LFS
from mvc.objects.pointer import SUFFIX
from mvc.ops.shared.other_pointers.reading import joined, of_dvc, of_lfs
from mvc.project import CONFIG
from mvc.quality.files import POLICY, REGULAR, REVOKED, SIGNERS, SYMLINK, WAIVERS
from mvc.quality.files import SUFFIX as REPORT
from mvc.quality.judge import fixes
from mvc.quality.pointer_files import OtherPointer, is_other, is_pointer, lock_of, pipeline_of, stem
from mvc.scm.blobs import blob_sizes, stream_blobs
from mvc.scm.history import CommitChanges
from mvc.scm.index_changes import Entry, Index
from mvc.scm.plumbing import Git, RawChange

MAX_DVC = 1 << 20
"""Largest file of DVC that is read: YAML takes a second for a megabyte."""
_SETTINGS = {POLICY, SIGNERS, REVOKED, WAIVERS, CONFIG, IMPORTED}
_OF_GIT = {".gitattributes", ".gitignore", ".gitmodules"}
"""With `_SETTINGS` what is never a model, though a pattern of git-lfs such as `*` may take it in."""
_NO_FILE = Entry("000000", "0" * 40)


class _Found(NamedTuple):
    """A pointer, and the mode of the file that has it."""

    pointer: OtherPointer
    entry: Entry

    @property
    def as_entry(self) -> Entry:
        return Entry(self.entry.mode, self.pointer.oid, self.entry.conflicted)

    def behind(self, link: str) -> _Found:
        """Return that its path is behind a symlink: DVC writes where that leads."""
        file = self.pointer.file
        problem = f"{file}: the output is behind the symlink {link}"
        return self._replace(pointer=OtherPointer(file, problem=problem, fix=fixes.untrack(file)))


class PointerView:
    """Shows the pointers of the kinds that a policy names. Each blob is read once."""

    def __init__(self, git: Git, kinds: Collection[str], raws: Mapping[str, bytes] | None = None) -> None:
        """`kinds` are those of a policy with `has_other_pointers`; `raws` need not be read."""
        self._git = git
        self._dvc, self._lfs = "dvc" in kinds, "lfs" in kinds
        self._raws = {**(raws or {})}
        """What was read, of small enough blobs; empty for others."""
        self._parsed: dict[tuple[str, str, str], list[tuple[str, OtherPointer]]] = {}
        """The outputs in files of DVC, by path, blob, and that of the `dvc.yaml` beside."""

    @property
    def patterns(self) -> tuple[str, ...]:
        """Git's patterns for the files that may have pointers, besides those of mvc; all files for git-lfs."""
        return ("*",) if self._lfs else ("*.dvc", "*dvc.lock", "*dvc.yaml")

    def tree(self, entries: Mapping[str, Entry], among: Collection[str] | None = None) -> dict[str, Entry]:
        """Return the files of a tree with its pointers; those of git-lfs only `among` some paths, if given.

        Raises:
            MvcError: this clone lacks a blob that may be a pointer.
        """
        seen = dict(entries)
        pointers = self._pointers(entries, entries if among is None else among)
        for path, found in pointers.items():
            if any(item.pointer.file == path for item in found):
                model = path.removesuffix(REPORT)
                if model != path and (model in pointers or model + SUFFIX in entries):
                    continue  # its report: git-lfs stores it, and nobody can read it
                seen.pop(path, None)
            link = _link_above(path, entries)
            items = [item.behind(link) for item in found] if link else found
            seen[path + SUFFIX] = _one(items, path + SUFFIX if path + SUFFIX in entries else "")
        return seen

    def index(self, index: Index) -> Index:
        """Return the index, and what it changes, with pointers.

        Raises:
            MvcError: as for `tree`.
        """
        head = {path: entry for path, entry in index.entries.items() if path not in index.changes}
        head |= {
            path: Entry(change.old_mode, change.old) for path, change in index.changes.items()
            if change.old_mode.strip("0")
        }
        files = (*index.entries, *index.changes)
        reported = {model for path in files if (model := stem(path)) and not is_pointer(path)}
        among = None if POLICY in index.changes else {*index.changes, *reported}
        old, new = self.tree(head, among), self.tree(index.entries, among)
        special = {path for side in (old, new) for path, entry in side.items() if is_other(entry.oid)}
        special |= (head.keys() - old.keys()) | (index.entries.keys() - new.keys())
        changes = {path: change for path, change in index.changes.items() if path not in special}
        sides = ((path, old.get(path), new.get(path)) for path in special)
        changes |= {path: _change(path, before, after) for path, before, after in sides if before != after}
        known = index.known | {entry.oid for entry in old.values() if is_other(entry.oid)}
        return Index(new, changes, known, index.inherited)

    def history(self, commits: list[CommitChanges]) -> list[CommitChanges]:
        """Return the changes of commits, newest first, with those of pointers.

        Raises:
            MvcError: as for `tree`.
        """
        sides = [(change.path, entry) for item in commits for change in item.changes for entry in _sides(change)]
        self._read(sides)
        replayed: dict[str, Entry] = {}
        seen = [CommitChanges(item.commit, tuple(self._replay(item, replayed))) for item in reversed(commits)]
        return seen[::-1]

    def _replay(self, item: CommitChanges, there: dict[str, Entry]) -> Iterator[RawChange]:
        """Yield the changes of a commit, with those of pointers; `there` are the files of DVC before it, then after."""
        own = {change.path: change for change in item.changes if stem(change.path)}
        units = {unit for change in item.changes if is_of_data(unit := lock_of(change.path) or change.path)}
        old = self._of(units, {change.path: _sides(change)[0] for change in item.changes}, there)
        changed = (change for change in item.changes if change.path in units or lock_of(change.path))
        there |= {change.path: Entry(change.mode, change.oid) for change in changed}
        new = self._of(units, {change.path: _sides(change)[1] for change in item.changes}, there)
        for path in sorted(old.keys() | new.keys()):
            before, after = (_one(side[path]) if path in side else None for side in (old, new))
            if before != after:
                yield _merged(_change(path + SUFFIX, before, after), own.pop(path + SUFFIX, None))
        yield from own.values()

    # Files with pointers.

    def _pointers(self, entries: Mapping[str, Entry], among: Collection[str]) -> dict[str, list[_Found]]:
        """Return the pointers by tracked path."""
        lfs = {path: entries[path] for path in among if path in entries} if self._lfs else {}
        dvc = {path: entry for path, entry in entries.items() if is_of_data(path) or lock_of(path)} if self._dvc else {}
        self._read([*dvc.items(), *lfs.items()])
        return self._of(filter(is_of_data, dvc), lfs, dvc)

    def _of(
        self, units: Iterable[str], lfs: Mapping[str, Entry], dvc: Mapping[str, Entry],
    ) -> dict[str, list[_Found]]:
        """Return the pointers in the files of DVC named `units`, and in those that may be of git-lfs."""
        found: dict[str, list[_Found]] = {}
        for unit in sorted(units) if self._dvc else ():
            for path, item in self._of_dvc(unit, dvc):
                found.setdefault(path, []).append(item)
        for path, entry in lfs.items() if self._lfs else ():
            raw = self._raws.get(entry.oid, b"")
            if entry.mode in REGULAR and _may_be_lfs(path) and is_lfs_pointer(raw, len(raw)):
                pointer = of_lfs(path, raw, executable=entry.mode == REGULAR[1])
                found.setdefault(path, []).append(_Found(pointer, entry))
        return found

    def _of_dvc(self, path: str, dvc: Mapping[str, Entry]) -> Iterator[tuple[str, _Found]]:
        entry, beside = dvc.get(path, _NO_FILE), dvc.get(pipeline_of(path), _NO_FILE)
        if not entry.mode.strip("0"):
            return
        if entry.mode not in REGULAR:
            yield path.removesuffix(".dvc"), _Found(OtherPointer(path, problem=f"{path}: not a regular file"), entry)
            return
        if beside.mode.strip("0") and beside.mode not in REGULAR:
            file = pipeline_of(path)
            problem = f"{file}: not a regular file"
            yield path, _Found(OtherPointer(path, problem=problem, fix=fixes.stage_fixed(file)), entry)
            return
        pipeline = beside.oid if beside.mode.strip("0") else ""
        key = (path, entry.oid, pipeline)
        if key not in self._parsed:
            self._parsed[key] = [*of_dvc(path, self._raws.get(entry.oid, b""), self._raws.get(pipeline))]
        for out, pointer in self._parsed[key]:
            yield out, _Found(pointer, entry)

    def _read(self, files: Iterable[tuple[str, Entry]]) -> None:
        """Read files of DVC, and others small enough for a pointer of git-lfs."""
        files = [(path, entry) for path, entry in files if entry.mode in REGULAR and entry.oid not in self._raws]
        dvc = {entry.oid for path, entry in files if self._dvc and (is_of_data(path) or lock_of(path))}
        rest = {entry.oid for path, entry in files if self._lfs and _may_be_lfs(path)} - dvc
        small = {oid for oid, size in blob_sizes(self._git, sorted(rest)).items() if size <= MAX_LFS}
        wanted = sorted(dvc | small)
        if wanted:
            self._raws |= zip(wanted, stream_blobs(self._git, wanted, MAX_DVC), strict=True)


def _may_be_lfs(path: str) -> bool:
    """Whether a pointer of git-lfs at a path is that of a model, not of settings or of a file of mvc."""
    return not (is_pointer(path) or path in _SETTINGS or path.rpartition("/")[2] in _OF_GIT)


def _link_above(path: str, entries: Mapping[str, Entry]) -> str:
    """Return the symlink in a tree that a path is behind; empty if there is none."""
    while path := path.rpartition("/")[0]:
        if (entry := entries.get(path)) and entry.mode == SYMLINK:
            return path
    return ""


def _one(found: list[_Found], own: str = "") -> Entry:
    pointer = joined([item.pointer for item in found], own)
    return found[0]._replace(pointer=pointer).as_entry


def _sides(change: RawChange) -> tuple[Entry, Entry]:
    return Entry(change.old_mode, change.old), Entry(change.mode, change.oid)


def _change(path: str, old: Entry | None, new: Entry | None) -> RawChange:
    before, after = old or _NO_FILE, new or _NO_FILE
    return RawChange(path, before.mode, after.mode, before.oid, after.oid)


def _merged(change: RawChange, own: RawChange | None) -> RawChange:
    """Return the change of a path's pointer, where one of mvc changes as well: what is there afterwards counts."""
    if own is None:
        return change
    old = own if own.old_mode.strip("0") else change
    new = own if own.mode.strip("0") else change
    return RawChange(change.path, old.old_mode, new.mode, old.old, new.oid)
