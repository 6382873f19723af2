"""The `.gitattributes` files without the lines that gave the imported files to git-lfs."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from mvc.fs.scratch import Scratch
from mvc.fs.tree import Replacement
from mvc.objects.parsing.gitattributes import FILE
from mvc.objects.parsing.lfs_attributes import lfs_macros, lfs_patterns, without_lfs
from mvc.objects.pointer import SUFFIX
from mvc.project import ATTRIBUTE_LINES, Project
from mvc.scm.attributes import matching_patterns
from mvc.scm.blobs import read_blobs
from mvc.scm.index import IndexEntry, files_ending

_MOST = 16 << 20
_PLAIN = "".join(f"{line} -filter\n" for line in (*ATTRIBUTE_LINES, FILE)).encode()
"""After a pattern of git-lfs that stays, and that pointers match."""


class Served(NamedTuple):
    """The paths to which patterns of git-lfs may apply."""

    imported: Collection[str]
    """They are mvc's now, or were before."""
    others: Collection[str]
    """They stay git-lfs's, or Git's."""
    is_all: bool
    """Whether everything was selected, so that patterns without a file have no use."""


def without_patterns(project: Project, served: Served) -> list[Replacement]:
    """Return the new content of each `.gitattributes` that changes.

    A pattern of git-lfs is removed unless one of the other paths matches it. Files of mvc are excluded from one that
    stays.
    """
    paths = (entry.path for entry in _entries(project))
    files = {path: raw for path in paths if (raw := project.tree.read(path, _MOST)) is not None}
    macros = lfs_macros(files.get(FILE, b""))
    patterns = {path: found for path, raw in files.items() if (found := lfs_patterns(raw, macros))}
    own = {name for path in served.imported for name in _beside(path)}
    with Scratch(f"{project.home}/tmp") as scratch:
        every = [*served.imported, *served.others, *own]
        matched = matching_patterns(project.git, project.layout, scratch.path, patterns, every)
    kept = _matching(matched, served.others)
    if not served.is_all:
        used = _matching(matched, served.imported)
        kept |= {(file, number) for file, found in patterns.items() for number in found if (file, number) not in used}
    shadowed = {file for file, _ in kept & _matching(matched, own)}
    changed = []
    for path, found in patterns.items():
        new = without_lfs(files[path], [number for number in found if (path, number) not in kept], macros)
        if path in shadowed and not new.endswith(_PLAIN):
            new += (b"\n" if new and not new.endswith(b"\n") else b"") + _PLAIN
        if new != files[path]:
            changed.append(Replacement(path, files[path], new))
    return changed


def not_staged(project: Project) -> list[str]:
    """Return each `.gitattributes` that differs from the index only by patterns of git-lfs that it lacks.

    An import that was interrupted left it so.
    """
    entries = [entry for entry in _entries(project) if entry.state == "tracked"]
    found = dict(zip(entries, read_blobs(project.git, [entry.oid for entry in entries]), strict=True))
    macros = lfs_macros(next((raw for entry, raw in found.items() if entry.path == FILE), b""))
    return [entry.path for entry, old in found.items() if _lacks_patterns(project, entry.path, old, macros)]


def _lacks_patterns(project: Project, path: str, old: bytes, macros: Collection[bytes]) -> bool:
    new = project.tree.read(path, _MOST) or b""
    kept, lines = set(new.split(b"\n")), old.split(b"\n")
    gone = [number for number in lfs_patterns(old, macros) if lines[number] not in kept]
    return bool(gone) and new.removesuffix(_PLAIN) == without_lfs(old, gone, macros)


def _entries(project: Project) -> list[IndexEntry]:
    """Return the `.gitattributes` files of index and workspace."""
    found = {entry.path: entry for entry in files_ending(project.git, FILE) if not entry.stage}
    return [entry for path, entry in sorted(found.items()) if posixpath.basename(path) == FILE]


def _matching(matched: Mapping[str, set[tuple[str, int]]], paths: Iterable[str]) -> set[tuple[str, int]]:
    return {place for path in paths for place in matched.get(path, ())}


def _beside(path: str) -> tuple[str, str]:
    """Return the files that stand for a tracked path in Git."""
    return path + SUFFIX, posixpath.join(posixpath.dirname(path), ".gitignore")
