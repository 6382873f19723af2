"""Caches, and ways to look into them and to damage them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from mvc.objects.digest import Digest
from mvc.store.cache.cache import Cache
from mvc.store.cache.source_file import SourceFile
from mvc.store.cache.writer import CacheWriter

Spoil = Callable[..., None]


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    """Return an empty cache."""
    return Cache(str(tmp_path / "cache"))


@pytest.fixture
def put() -> Callable[..., list[Digest]]:
    """Return a function that stores bytes, in one pack when they are small."""

    def store(cache: Cache, *bodies: bytes) -> list[Digest]:
        with CacheWriter(cache) as writer:
            return [writer.put_bytes(body) for body in bodies]

    return store


@pytest.fixture
def source() -> Callable[[Path], SourceFile]:
    """Return a function that opens a workspace file for storing."""

    def opened(path: Path, *, likely: bool = False) -> SourceFile:
        fd = os.open(path, os.O_RDONLY)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        return SourceFile(fd, os.fstat(fd), folder, path.name, path.name, likely)

    return opened


@pytest.fixture
def spoil() -> Spoil:
    """Return a function that changes a file and puts its mode and times back, as rot does."""

    def change(path: str | Path, edit: Callable[[bytearray], object]) -> None:
        before = os.stat(path)
        data = bytearray(Path(path).read_bytes())
        edit(data)
        os.chmod(path, 0o644)
        Path(path).write_bytes(data)
        os.chmod(path, before.st_mode)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert os.stat(path).st_mode == before.st_mode

    return change


def files_below(folder: str | Path) -> list[str]:
    """Return the paths of all files below a directory, relative to it."""
    top = Path(folder)
    return sorted(str(path.relative_to(top)) for path in top.rglob("*") if not path.is_dir())


@pytest.fixture(name="files_below")
def _files_below() -> Callable[[str | Path], list[str]]:
    """Return `files_below`."""
    return files_below
