"""Pointers into the workspace and the index, each with its line in `.gitignore`."""

from __future__ import annotations

from collections import defaultdict

from mvc.objects.manifest import Encoded, Manifest
from mvc.objects.pointer import SUFFIX, Notes, Pointer, dir_pointer
from mvc.project import Project
from mvc.scm.plumbing import stage, write_blobs
from mvc.store.writer import CacheWriter
from mvc.tree import Replacement, replace_files
from mvc.workspace import gitignore


def store_directory(writer: CacheWriter, manifest: Manifest, encoded: Encoded, notes: Notes) -> Pointer:
    """Return the pointer of a directory, its manifest stored unless the pointer lists the files."""
    if not encoded.inline:
        for _, body in encoded.objects:
            writer.put_bytes(body)
    return dir_pointer(manifest, encoded, notes)


def publish_pointers(project: Project, files: list[Replacement], *, stage_them: bool = True) -> None:
    """Write pointers (and what belongs to them), ignore what they stand for, stage all of it once.

    Raises:
        MvcError: a file was changed by another program meanwhile, or Git's index is locked.

    """
    tracked = [item.path.removesuffix(SUFFIX) for item in files if item.path.endswith(SUFFIX)]
    files = [*files, *_ignore_files(project, tracked)]
    with project.staging() as staging:
        replace_files(project.tree, staging, [item for item in files if item.old != item.new])
    if stage_them:
        write_blobs(project.git, [item.new for item in files])
        stage(project.git, [item.path for item in files])


def _ignore_files(project: Project, paths: list[str]) -> list[Replacement]:
    folders: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        folder, _, name = path.rpartition("/")
        folders[folder].append(name)
    return [_ignore_file(project, folder, names) for folder, names in sorted(folders.items())]


def _ignore_file(project: Project, folder: str, names: list[str]) -> Replacement:
    path = f"{folder}/.gitignore" if folder else ".gitignore"
    old = project.tree.read(path, gitignore.MAX_BYTES)
    text = (old or b"").decode("utf-8", "surrogateescape")
    new = gitignore.update(text, add=names).encode("utf-8", "surrogateescape")
    return Replacement(path, old, new)
