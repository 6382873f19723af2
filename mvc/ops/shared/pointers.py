"""Writes pointers into the workspace and the index, each with its line in `.gitignore`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from mvc.fs.files import UnsafePath
from mvc.fs.tree import Replacement, Tree, fsync_folders, replace_files
from mvc.objects.manifest import Encoded, Manifest
from mvc.objects.pointer import SUFFIX, Notes, Pointer, dir_pointer
from mvc.project import Project
from mvc.scm.index import ignored_files, list_files
from mvc.scm.staging import stage, write_blobs
from mvc.store.cache.writer import CacheWriter
from mvc.workspace import gitignore
from mvc.workspace.rename import remove_file


def store_directory(writer: CacheWriter, manifest: Manifest, encoded: Encoded, notes: Notes) -> Pointer:
    """Return the pointer of a directory; store its manifest unless the pointer lists the files."""
    if not encoded.inline:
        for _, body in encoded.objects:
            writer.put_bytes(body)
    return dir_pointer(manifest, encoded, notes)


def publish_pointers(project: Project, files: list[Replacement], *, stage_them: bool = True) -> None:
    """Write pointers and the files that belong to them, ignore their content, and stage everything at once.

    Raises:
        MvcError: another program changed a file meanwhile, or Git's index is locked.
    """
    tracked = [item.path.removesuffix(SUFFIX) for item in files if item.path.endswith(SUFFIX)]
    files = [*files, *ignore_files(project.tree, add=tracked)]
    with project.staging() as staging:
        replace_files(project.tree, staging, files)
    if stage_them:
        write_blobs(project.git, [item.new for item in files])
        stage(project.git, [item.path for item in files])


def ignore_files(tree: Tree, *, add: Iterable[str] = (), remove: Iterable[str] = ()) -> list[Replacement]:
    """Return the new content of every `.gitignore` that has, or gets, a line for one of the paths."""
    folders: dict[str, tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
    for which, paths in enumerate((add, remove)):
        for path in paths:
            folder, _, name = path.rpartition("/")
            folders[folder][which].append(name)
    return [_ignore_file(tree, folder, *names) for folder, names in sorted(folders.items())]


def _ignore_file(tree: Tree, folder: str, add: list[str], remove: list[str]) -> Replacement:
    path = f"{folder}/.gitignore" if folder else ".gitignore"
    old = tree.read(path, gitignore.MAX_BYTES)
    text = (old or b"").decode("utf-8", "surrogateescape")
    new = gitignore.update(text, add=add, remove=remove).encode("utf-8", "surrogateescape")
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
