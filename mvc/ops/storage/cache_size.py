"""`mvc cache size`: what the cache and the catalog take on the disk."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import NamedTuple

from mvc.fs.files import DIRECTORY
from mvc.project import Project

_GONE = (FileNotFoundError, NotADirectoryError, PermissionError)


class Usage(NamedTuple):
    """How many there are, and how many bytes they hold."""

    number: int
    bytes: int


class CacheSize(NamedTuple):
    """What lies in the cache, part by part, and beside it."""

    cache: str
    loose: Usage
    """Objects in files of their own."""
    packs: Usage
    """Packs, each with its index: `number` is of packs, not of files."""
    tmp: Usage
    """What commands that run now, or were killed, are writing."""
    quarantine: Usage
    """Damaged bytes that `verify` put aside."""
    trash: Usage
    """What was taken out of use and can still be had."""
    catalog: Usage
    """What is remembered so that it is not read again; always in this clone."""
    bytes: int
    """All of it."""


def cache_size(project: Project) -> CacheSize:
    """Count what the cache holds. No symlink is followed, and nothing is read.

    Raises:
        OSError: a directory can't be listed.
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
    """Yield name and size of the regular files below `folder`; what vanishes meanwhile, or is private, is left out."""
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
