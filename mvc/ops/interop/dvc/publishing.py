"""Pointers in the place of DVC's files: written, and staged. DVC's cache, settings and history stay as they are."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from mvc.fs.tree import Replacement, replace_files
from mvc.objects.dvc.digest import DvcDigest
from mvc.objects.dvc.imported import FILE, Content, encode
from mvc.objects.dvc.imported import MAX_BYTES as MOST
from mvc.objects.dvc.names import IGNORE
from mvc.objects.pointer import SUFFIX, Pointer, emit
from mvc.ops.shared.dvc.files import FoundOut
from mvc.ops.shared.pointers import publish_pointers
from mvc.project import Project
from mvc.scm.index import index_paths
from mvc.scm.staging import stage
from mvc.workspace import gitignore
from mvc.workspace.ignore import FILE as MVC_IGNORE
from mvc.workspace.observe import Observed
from mvc.workspace.rename import remove_file

_ATTRIBUTES = f"{FILE.rpartition('/')[0]}/.gitattributes"
_UNION = b"dvc text eol=lf merge=union\n"
"""Two branches may import: the lines of both hold."""


class Prepared(NamedTuple):
    """An output whose content is in the cache, its pointer, and what the workspace has at its path."""

    found: FoundOut
    pointer: Pointer
    observed: Observed


def publish(
    project: Project, outs: Iterable[FoundOut], prepared: Iterable[Prepared], finished: Iterable[FoundOut],
    imported: Mapping[DvcDigest, Content], ignores: Mapping[str, bytes],
) -> tuple[str, ...]:
    """Write and stage pointers, the list of imported content, and `.mvcignore` files; remove `.dvc` files.

    A `.dvc` file is removed once all of its `outs` have pointers. Return those that were. What an interrupted import
    wrote is staged as well.

    Raises:
        MvcError: another program changed a file meanwhile, or Git's index is locked.
    """
    prepared, index = list(prepared), index_paths(project.git)
    pointers = [Replacement(item.found.out.path + SUFFIX, None, emit(item.pointer)) for item in prepared]
    resumed = [found for found in finished if not (found.out.stage and index.at_or_below(found.out.path + SUFFIX))]
    pointers += (_unchanged(project, found.out.path + SUFFIX) for found in resumed)
    files = [*_list(project, imported), *_ignoring(project, ignores)]
    if pointers or any(item.old != item.new for item in files):
        publish_pointers(project, [*files, *pointers])  # pointers last: the list tells that they were imported
    done = [*(item.found for item in prepared), *resumed]
    have_pointers = {(found.file, found.out.path) for found in done}
    unfinished = {found.file for found in outs if (found.file, found.out.path) not in have_pointers}
    gone = [found for found in done if not found.out.stage and found.file not in unfinished]
    if gone:
        _remove(project, gone)
    return tuple(sorted({found.file for found in gone}))


def _unchanged(project: Project, path: str) -> Replacement:
    raw = project.tree.read(path, MOST) or b""
    return Replacement(path, raw, raw)


def _list(project: Project, imported: Mapping[DvcDigest, Content]) -> list[Replacement]:
    if not imported:
        return []
    old = project.tree.read(FILE, MOST + 1)
    attributes = project.tree.read(_ATTRIBUTES, MOST)
    return [
        Replacement(FILE, old, encode(imported)),
        Replacement(_ATTRIBUTES, attributes, _UNION if attributes is None else attributes),
    ]


def _ignoring(project: Project, ignores: Mapping[str, bytes]) -> list[Replacement]:
    """Return a `.mvcignore` beside each `.dvcignore`, unless there is another one."""
    paths = {f"{path.removesuffix(IGNORE)}{MVC_IGNORE}": raw for path, raw in ignores.items() if _has_rules(raw)}
    files = (Replacement(path, project.tree.read(path, MOST), raw) for path, raw in paths.items())
    return [item for item in files if item.old in (None, item.new)]


def _has_rules(raw: bytes) -> bool:
    return any(line.strip() and not line.strip().startswith(b"#") for line in raw.splitlines())


def _remove(project: Project, outs: list[FoundOut]) -> None:
    """Remove `.dvc` files, and the lines that DVC wrote for their outputs into `.gitignore`: mvc's block has others."""
    names: dict[str, set[str]] = defaultdict(set)
    for found in outs:
        folder, _, name = found.out.path.rpartition("/")
        names[f"{folder}/.gitignore" if folder else ".gitignore"].add(name)
    changed = [item for path in names if (item := _without_lines(project, path, names[path])) is not None]
    with project.staging() as staging:
        replace_files(project.tree, staging, changed)
    files = sorted({found.file for found in outs})
    for file in files:
        remove_file(project.tree, file)
    stage(project.git, [*(item.path for item in changed), *files])


def _without_lines(project: Project, path: str, names: set[str]) -> Replacement | None:
    """Return the ignore file without DVC's lines, which are before or after mvc's block."""
    old = project.tree.read(path, gitignore.MAX_BYTES)
    if old is None:
        return None
    text = old.decode("utf-8", "surrogateescape")
    lines = {line for name in names for line in (f"/{name}", ignoring(name))}
    return Replacement(path, old, gitignore.without_lines(text, lines).encode("utf-8", "surrogateescape"))


def ignoring(name: str) -> str:
    """Return the line of `.gitignore` that DVC writes for an output in its directory."""
    return "/" + re.sub(r"([\[\]!*#?])", r"\\\1", name)


def unlink_copies(project: Project, cache: str, prepared: Iterable[Prepared]) -> list[str]:
    """Remove symlinks into DVC's `cache` whose content is mvc's now; return the paths that lack files then."""
    root, lacking = f"{os.path.realpath(cache)}/", []
    for found, _, observed in prepared:
        path = found.out.path
        names = [f"{path}/{label}" if label else path for label in observed.scan.links]
        links = [name for name in names if os.path.realpath(f"{project.root}/{name}").startswith(root)]
        for name in links:
            remove_file(project.tree, name)
        if links:
            lacking.append(path)
    return lacking
