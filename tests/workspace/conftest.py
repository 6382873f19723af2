"""A worktree without Git, and readers of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mvc.fs.progress import Silent
from mvc.fs.tree import Tree
from mvc.objects.digest import Digest
from mvc.objects.hashing import hash_bytes
from mvc.store.cache.cache import Cache
from mvc.store.cache.source_file import SourceFile
from mvc.workspace.links import Links
from mvc.workspace.read_files import FileReader, hashing


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """Return the top of a worktree."""
    folder = tmp_path / "top"
    folder.mkdir()
    return folder


@pytest.fixture
def tree(top: Path) -> Iterator[Tree]:
    """Return the worktree, opened."""
    with Tree(str(top)) as opened:
        yield opened


@pytest.fixture
def links(tmp_path: Path) -> Links:
    """Return a cache, and how its objects are written into the workspace."""
    return Links(Cache(str(tmp_path / "cache")), ("copy",))


@pytest.fixture
def fill(top: Path) -> Callable[..., None]:
    """Return a function that writes workspace files."""

    def write(files: dict[str, bytes]) -> None:
        for path, data in files.items():
            (top / path).parent.mkdir(parents=True, exist_ok=True)
            (top / path).write_bytes(data)

    return write


class Recorder:
    """A reader that hashes, and remembers what it read."""

    def __init__(self) -> None:
        self.read: list[bytes | str] = []
        self._plain = hashing(Silent())

    def reader(self) -> FileReader:
        """Return the reader."""

        def small(data: bytes) -> Digest:
            self.read.append(data)
            return hash_bytes(data)

        def large(source: SourceFile) -> object:
            self.read.append(source.path)
            return self._plain.large(source)

        return self._plain._replace(small=small, large=large)  # type: ignore[arg-type]


@pytest.fixture
def recorder() -> Recorder:
    """Return a reader that remembers what it read."""
    return Recorder()
