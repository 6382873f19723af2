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
from mvc.scm.index import files_ending

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
    entries = files_ending(project.git, FILE)
    paths = sorted({entry.path for entry in entries if posixpath.basename(entry.path) == FILE})
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


def _matching(matched: Mapping[str, set[tuple[str, int]]], paths: Iterable[str]) -> set[tuple[str, int]]:
    return {place for path in paths for place in matched.get(path, ())}


def _beside(path: str) -> tuple[str, str]:
    """Return the files that stand for a tracked path in Git."""
    return path + SUFFIX, posixpath.join(posixpath.dirname(path), ".gitignore")
