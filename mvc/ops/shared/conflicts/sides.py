"""What the two sides of a merge contribute to a tracked path: its files and notes."""

from __future__ import annotations

import os
from collections.abc import Mapping

from mvc.errors import CorruptObject, InvalidFormat, InvalidName, MissingObject
from mvc.objects.manifest import Manifest
from mvc.objects.merge import Merged, Side, Sides, merge, merged_files
from mvc.objects.pointer import Pointer
from mvc.project import Project
from mvc.retention.available import availability, load_manifest
from mvc.scm.blobs import read_blobs
from mvc.scm.index import conflict_blobs
from mvc.workspace.tracked import Tracked, parsed

BASE, OURS, THEIRS = 1, 2, 3
"""Stages of the index."""


def side_of(project: Project, pointer: Pointer) -> Side:
    """Return the files and notes of a pointer.

    Raises:
        MissingObject: the cache lacks the list of files of a directory.
        CorruptObject: it is damaged there.
        InvalidFormat: it breaks its format.
    """
    if pointer.kind == "file":
        return Side.of_file(pointer)
    availability(project.cache, project.catalog, pointer)  # a manifest known to be valid is not checked again
    manifest = load_manifest(project.cache, pointer)
    return Side(Manifest(manifest.shards, manifest.read, lambda: pointer.total), pointer.notes)


def sides_of_directory(project: Project, item: Tracked, blobs: Mapping[int, str]) -> Sides | None:
    """Return the sides of a directory, given as blobs by stage; None if it cannot be merged by file.

    A pointer in the workspace that is none of them is what the user chose.

    Raises:
        MissingObject: the cache lacks the list of files of a side.
    """
    raws = dict(zip(blobs, read_blobs(project.git, blobs.values()), strict=True))
    pointers = {stage: parsed(item.path, raw).pointer for stage, raw in raws.items()}
    ours, theirs, base = (pointers.get(stage) for stage in (OURS, THEIRS, BASE))
    if ours is None or theirs is None or {ours.kind, theirs.kind} != {"dir"} or (raws.get(BASE) and base is None):
        return None
    own = parsed(item.path, item.raw).pointer if item.raw not in raws.values() else None
    return Sides(
        side_at(project, item, base, BASE) if base and base.kind == "dir" else Side(),
        side_at(project, item, ours, OURS),
        side_at(project, item, theirs, THEIRS),
        side_at(project, item, own, THEIRS) if own and own.kind == "dir" else None,
    )


def side_at(project: Project, item: Tracked, pointer: Pointer, stage: int) -> Side:
    """Return the side of the directory `item` that has `pointer`.

    Raises:
        MissingObject: the cache lacks the list of its files; with the line that fetches it.
    """
    try:
        return side_of(project, pointer)
    except MissingObject:
        whose = {BASE: "the common ancestor's", OURS: "our", THEIRS: "the other side's"}[stage]
        message = f"the cache lacks {whose} list of files of {item.path}"
        raise MissingObject(message, _fetch(project, item, stage)) from None


def _fetch(project: Project, item: Tracked, stage: int) -> str:
    merging = os.path.exists(f"{project.layout.git_dir}/MERGE_HEAD")
    theirs = "--rev MERGE_HEAD" if merging else "--all-commits"
    scope = {BASE: "--all-commits", OURS: "--rev HEAD", THEIRS: theirs}[stage]
    return project.shell.line(f"mvc fetch {scope}", item.path)


def merge_in_conflict(project: Project, item: Tracked) -> tuple[Sides, Merged] | None:
    """Return the sides of a directory in conflict, and their merge; None if mvc cannot merge it by file."""
    try:
        sides = sides_of_directory(project, item, conflict_blobs(project.git, item.pointer_path))
        if sides is None:
            return None
        merged = merge(sides)
        merged_files(sides, merged)
    except (MissingObject, CorruptObject, InvalidFormat, InvalidName):
        return None
    return sides, merged
