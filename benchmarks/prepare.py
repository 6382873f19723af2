"""What happens before a run and is not measured: repositories are made, files laid down, added, committed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks import material
from benchmarks.tools import Environ, Tool, filled

ONE = "one.bin"
"""The large file of a repository; many small ones lie in `d`."""


class Place(NamedTuple):
    """Where a case runs: `kept` holds material for all rounds, `repository` is one tool's own."""

    kept: Path
    repository: Path
    environ: Environ


Step = Callable[[Tool, Place], None]


def nothing(tool: Tool, place: Place) -> None:
    """Leave everything as it is."""
    del tool, place


def job(name: str, *paths: str) -> Step:
    """Return the step that does a job of the tool."""

    def run(tool: Tool, place: Place) -> None:
        _quietly(place, filled(tool.jobs[name], paths))

    return run


def _quietly(place: Place, *commands: Sequence[str]) -> None:
    for command in commands:
        material.quietly([*command], place.repository, place.environ)


# Repositories.


def fresh(tool: Tool, place: Place) -> None:
    """Make a new repository, set up for the tool."""
    material.repository(place.repository, place.environ)
    _quietly(place, *tool.setup)


def with_file(size: int) -> Step:
    """Return how to make a repository with a large file, durable and in the page cache, but read by no tool yet."""

    def make(tool: Tool, place: Place) -> None:
        kept = material.one_file(place.kept, size)
        fresh(tool, place)
        target = place.repository / ONE
        if tool.repository:
            material.clone_tree(kept, target)
        else:
            os.link(kept, target)
        with target.open("rb", buffering=0) as file:
            while file.read(1 << 20):
                pass

    return make


def with_sparse_file(size: int) -> Step:
    """Return how to make a repository with a large file of zeros, which needs no disk."""

    def make(tool: Tool, place: Place) -> None:
        fresh(tool, place)
        with (place.repository / ONE).open("wb") as file:
            file.truncate(size)

    return make


def with_directory(count: int, size: int) -> Step:
    """Return how to make a new repository around the files, which no tool here changes: they stay."""

    def make(tool: Tool, place: Place) -> None:
        target, aside = place.repository / "d", place.repository.with_name("aside")
        if not target.exists():
            place.repository.mkdir(parents=True, exist_ok=True)
            material.clone_tree(material.many_files(place.kept, count, size), target)
        target.rename(aside)
        fresh(tool, place)
        aside.rename(target)
        os.sync()

    return make


def with_files(count: int, size: int) -> Step:
    """Return how to make a repository with files that are tracked one by one."""

    def make(tool: Tool, place: Place) -> None:
        fresh(tool, place)
        for file in material.many_files(place.kept, count, size).iterdir():
            shutil.copy(file, place.repository)
        os.sync()

    return make


def with_history(history: material.History) -> Step:
    """Return how to make a repository with many versions of pointers; nothing of their content is there."""

    def make(tool: Tool, place: Place) -> None:
        source = material.many_commits(place.kept, history)
        material.repository(place.repository, place.environ)
        _quietly(place, ("git", "fetch", "-q", str(source), "main"), ("git", "reset", "-q", "--hard", "FETCH_HEAD"))
        _quietly(place, *tool.setup, ("git", "commit", "-q", "--allow-empty", "-m", "set up"))

    return make


# What the tool does before it is measured.


def names(place: Place) -> list[str]:
    """Return what lies in the repository and is for the tool to track."""
    found = (path.name for path in place.repository.iterdir() if not path.name.startswith("."))
    return sorted(name for name in found if not name.endswith((".dvc", ".mvc")))


def added(make: Step) -> Step:
    """Return a step that adds what `make` laid down, and lets the tool look twice: stamps settle."""

    def prepare(tool: Tool, place: Place) -> None:
        make(tool, place)
        _quietly(place, filled(tool.jobs["add"], names(place)))
        if "status" in tool.jobs:
            _quietly(place, *[tool.jobs["status"]] * 2)

    return prepare


def committed(make: Step) -> Step:
    """Return a step that adds what `make` laid down, and commits it."""

    def prepare(tool: Tool, place: Place) -> None:
        added(make)(tool, place)
        if tool.repository:
            _quietly(place, ("git", "add", "-A"), ("git", "commit", "-q", "-m", "work"))

    return prepare


def with_garbage(make: Step) -> Step:
    """Return a step that adds a file that nothing leads to in the end, to what `make` laid down."""

    def prepare(tool: Tool, place: Place) -> None:
        make(tool, place)
        (place.repository / "unwanted").write_bytes(os.urandom(1 << 20))
        _quietly(place, filled(tool.jobs["add"], ["unwanted"]), ("git", "reset", "-q", "--hard"))
        (place.repository / "unwanted").unlink()

    return prepare


# Changes.


def without(name: str) -> Step:
    """Return the step that takes a file or directory away from the workspace."""

    def take(tool: Tool, place: Place) -> None:
        del tool
        material.discard(place.repository / name)
        os.sync()

    return take


def change(count: int) -> Step:
    """Return the step that writes new content into `count` files of the directory."""

    def write(tool: Tool, place: Place) -> None:
        del tool
        for number in range(count):
            (place.repository / "d" / f"f{number + 7:06}.bin").write_bytes(os.urandom(1024))

    return write


def moved_back(tool: Tool, place: Place) -> None:
    """Undo the move of the round before."""
    if (place.repository / "e").exists():
        job("mv", "e", "d")(tool, place)
