"""Writes pointers into the workspace and the index, each with its line in `.gitignore`."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TypeAlias

from mvc.fs.files import UnsafePath
from mvc.fs.scratch import Scratch
from mvc.fs.tree import Replacement, Tree, fsync_folders, replace_files
from mvc.objects.manifest import Manifest
from mvc.objects.pointer import SUFFIX, Notes, Pointer, dir_pointer
from mvc.project import Project
from mvc.scm.index import ignored_files, list_files
from mvc.scm.staging import stage, write_blobs
from mvc.store.cache.writer import CacheWriter
from mvc.workspace import gitignore
from mvc.workspace.rename import remove_file
from mvc.workspace.scan import MOST_EXCLUDED
from mvc.workspace.tracked import folders_above


def store_directory(writer: CacheWriter, manifest: Manifest, notes: Notes) -> Pointer:
    """Return the pointer of a directory; store its manifest unless the pointer lists the files."""
    if not manifest.is_inline:
        store_manifest(writer, manifest)
    return dir_pointer(manifest, notes)


def store_manifest(writer: CacheWriter, manifest: Manifest) -> None:
    """Store a manifest and its shards."""
    for digest, encode in manifest.objects():
        if not writer.holds(digest.blake3):
            writer.put_bytes(encode(), digest)


Shown: TypeAlias = Mapping[str, Sequence[str]]
"""By directory, the paths in it that `.mvcignore` excludes and Git may have."""


def publish_pointers(
    project: Project, files: list[Replacement], *, stage_them: bool = True, shown: Shown = MappingProxyType({}),
) -> None:
    """Write pointers and the files that belong to them, ignore their content, and stage everything at once.

    Git goes on to see the `shown` paths.

    Raises:
        MvcError: another program changed a file meanwhile, or Git's index is locked.
    """
    tracked = [item.path.removesuffix(SUFFIX) for item in files if item.path.endswith(SUFFIX)]
    files = [*files, *ignore_files(project.tree, add=tracked, shown=shown)]
    with project.staging() as staging:
        replace_files(project.tree, staging, files)
    if stage_them:
        write_blobs(project.git, [item.new for item in files])
        stage(project.git, [item.path for item in files])


def ignore_files(
    tree: Tree, *, add: Iterable[str] = (), remove: Iterable[str] = (), shown: Shown = MappingProxyType({}),
) -> list[Replacement]:
    """Return the new content of every `.gitignore` that has, or gets, a line for one of the paths."""
    folders: dict[str, tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
    for which, paths in enumerate((add, remove)):
        for path in paths:
            folder, _, name = path.rpartition("/")
            folders[folder][which].append(name)
    return [_ignore_file(tree, folder, *names, shown) for folder, names in sorted(folders.items())]


def _ignore_file(tree: Tree, folder: str, add: list[str], remove: list[str], shown: Shown) -> Replacement:
    path = f"{folder}/.gitignore" if folder else ".gitignore"
    old = tree.read(path, gitignore.MAX_BYTES)
    text = (old or b"").decode("utf-8", "surrogateescape")
    here = {name: shown[full] for name in add if (full := f"{folder}/{name}" if folder else name) in shown}
    new = gitignore.update(text, add=add, remove=remove, shown=here).encode("utf-8", "surrogateescape")
    return Replacement(path, old, new)


def stop_ignoring(project: Project, paths: list[str]) -> list[str]:
    """Remove the lines of `paths` from their `.gitignore`, and delete one that becomes empty; return these files.

    Earlier removals in the same directories become durable as well.
    """
    files = ignore_files(project.tree, remove=paths)
    changed = [item for item in files if item.old is not None and item.old != item.new]
    with project.staging() as staging:
        replace_files(project.tree, staging, [item for item in changed if item.new])
    for item in changed:
        if not item.new:
            remove_file(project.tree, item.path)
    fsync_folders(project.tree, paths)
    return [item.path for item in files]


def keep_ignoring(project: Project, paths: Iterable[str]) -> None:
    """Restore missing lines in `.gitignore` without which Git would see the content.

    A `.gitignore` in conflict is not touched: staging it would hide the conflict.
    """
    folders: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        folders[path.rpartition("/")[0]].append(path)
    inside = [path for beside in folders.values() if _lacks_lines(project.tree, beside) for path in beside]
    if inside and (seen := set(inside) - ignored_files(project.git, inside)):
        files = ignore_files(project.tree, add=sorted(seen))
        entries = list_files(project.git, *(f":(literal){item.path}" for item in files))
        conflicts = {entry.path for entry in entries if entry.stage}
        publish_pointers(project, [item for item in files if item.path not in conflicts])


def _lacks_lines(tree: Tree, paths: list[str]) -> bool:
    try:
        return any(item.old != item.new for item in ignore_files(tree, add=paths))
    except (UnsafePath, OSError):  # behind a symlink, or a symlink: reported when it is written
        return False


# Files of Git in a tracked directory.


def shown_to_git(project: Project, path: str, excluded: Sequence[str]) -> list[str]:
    """Return which of the `excluded` names in the directory `path` Git is to see: all that the user does not ignore.

    None if there are very many, or if the directory is a repository of its own.
    """
    if not excluded or len(excluded) > MOST_EXCLUDED or any(f"/{name}".endswith("/.git/") for name in excluded):
        return []
    with Scratch(f"{project.home}/tmp") as scratch:
        _copy_ignore_files(project.tree, scratch.path, [f"{path}/{name}" for name in excluded])
        git = project.git.at(scratch.path).with_environ(
            GIT_DIR=project.layout.git_dir, GIT_WORK_TREE=scratch.path, GIT_INDEX_FILE=f"{scratch.path}/.no-index",
        )
        hidden = ignored_files(git, [f"{path}/{name}" for name in excluded])
    return [name for name in excluded if f"{path}/{name}" not in hidden]


def _copy_ignore_files(tree: Tree, target: str, paths: Iterable[str]) -> None:
    """Copy the `.gitignore` files above `paths`, without the lines that mvc wrote."""
    for folder in ["", *folders_above(paths)]:
        name = f"{folder}/.gitignore" if folder else ".gitignore"
        if raw := tree.read(name, gitignore.MAX_BYTES):
            os.makedirs(f"{target}/{folder}", exist_ok=True)
            own = gitignore.without_block(raw.decode("utf-8", "surrogateescape"))
            with open(f"{target}/{name}", "wb") as file:
                file.write(own.encode("utf-8", "surrogateescape"))
