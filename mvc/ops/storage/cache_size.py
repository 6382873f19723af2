"""`mvc cache size`: the disk usage of the cache and the catalog."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import NamedTuple

from mvc.fs.files import DIRECTORY
from mvc.project import Project

_GONE = (FileNotFoundError, NotADirectoryError, PermissionError)


class Usage(NamedTuple):
    """A number of files, objects or packs, and their bytes."""

    number: int
    bytes: int


class CacheSize(NamedTuple):
    """The disk usage of the cache and the catalog, part by part."""

    cache: str
    loose: Usage
    """Objects in files of their own."""
    packs: Usage
    """Packs with their indexes; `number` counts packs."""
    tmp: Usage
    """Files of commands that are running or were killed."""
    quarantine: Usage
    """Damaged objects that `mvc verify` found."""
    trash: Usage
    """Objects that `mvc gc` freed and will delete."""
    catalog: Usage
    """Stat data and digests of the workspace; always in this clone."""
    bytes: int
    """The sum."""


def cache_size(project: Project) -> CacheSize:
    """Add up the sizes of files; symlinks are not followed.

    Raises:
        OSError: a directory cannot be listed.
    """
    root, home = project.cache.root, project.home
    packs = dict(_files(f"{root}/packs"))
    temporary = {f"{root}/tmp", f"{home}/tmp"}
    parts = (
        _usage(_files(f"{root}/objects")),
        Usage(sum(name.endswith(".pack") for name in packs), sum(packs.values())),
        _usage(file for folder in temporary for file in _files(folder)),
        _usage(_files(f"{root}/quarantine")),
        _usage(_files(f"{root}/trash")),
        _usage(file for file in _files(home, deep=False) if file[0].startswith("catalog-")),
    )
    return CacheSize(root, *parts, sum(part.bytes for part in parts))


def _usage(files: Iterable[tuple[str, int]]) -> Usage:
    sizes = [size for _, size in files]
    return Usage(len(sizes), sum(sizes))


def _files(folder: str, *, deep: bool = True) -> Iterator[tuple[str, int]]:
    """Yield name and size of the regular files below `folder`, without those that vanish or cannot be read."""
    with suppress(*_GONE):
        fd = os.open(folder, DIRECTORY)
        try:
            yield from _files_in(fd, deep=deep)
        finally:
            os.close(fd)


def _files_in(fd: int, *, deep: bool) -> Iterator[tuple[str, int]]:
    with os.scandir(fd) as entries:
        for entry in entries:
            with suppress(*_GONE):
                if entry.is_file(follow_symlinks=False):
                    yield entry.name, entry.stat(follow_symlinks=False).st_size
                elif deep and entry.is_dir(follow_symlinks=False):
                    inner = os.open(entry.name, DIRECTORY, dir_fd=fd)
                    try:
                        yield from _files_in(inner, deep=True)
                    finally:
                        os.close(inner)
