"""What is measured: each case sets a tool up anew and names the one command that counts."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from benchmarks import material
from benchmarks.tools import COPY, FLOOR, FLOOR_HASH, Environ, Tool, filled

GIB = 1 << 30


class Place(NamedTuple):
    """Where a case runs: `kept` holds material for all rounds, `repository` is one tool's own."""

    kept: Path
    repository: Path
    environ: Environ


class Case(NamedTuple):
    """A command to measure, its limit in seconds, and limits as ratios to peers in the same round."""

    name: str
    tools: tuple[str, ...]
    prepare: Callable[[Tool, Place], None]
    """Before the first round."""
    renew: Callable[[Tool, Place], None]
    """Before every run; not measured."""
    command: Callable[[Tool, Place], list[str]]
    seconds: float
    ratios: tuple[tuple[str, float], ...] = ()
    memory: float = 0
    """MiB; 0 where no limit is set."""
    subject: str = "mvc"


def _nothing(tool: Tool, place: Place) -> None:
    del tool, place


def _fresh(tool: Tool, place: Place) -> None:
    material.repository(place.repository, place.environ)
    tool.setup(place.repository, place.environ)


def _fresh_with_file(tool: Tool, place: Place) -> None:
    """A new repository with the 4 GiB file in it, durable and in the page cache, but read by no tool yet."""
    kept = material.one_file(place.kept, 4 * GIB)
    _fresh(tool, place)
    target = place.repository / "one.bin"
    if tool.name == COPY.name:
        os.link(kept, target)
    else:
        material.clone_tree(kept, target)
    with target.open("rb", buffering=0) as file:
        while file.read(1 << 20):
            pass


def _fresh_with_directory(count: int, size: int) -> Callable[[Tool, Place], None]:
    """Return how to make a new repository around the files, which no tool here changes: they stay."""

    def renew(tool: Tool, place: Place) -> None:
        target, aside = place.repository / "d", place.repository.with_name("aside")
        if not target.exists():
            place.repository.mkdir(parents=True, exist_ok=True)
            material.clone_tree(material.many_files(place.kept, count, size), target)
        target.rename(aside)
        _fresh(tool, place)
        aside.rename(target)
        os.sync()

    return renew


def _fresh_with_files(count: int, size: int) -> Callable[[Tool, Place], None]:
    def renew(tool: Tool, place: Place) -> None:
        _fresh(tool, place)
        source = material.many_files(place.kept, count, size)
        for file in source.iterdir():
            shutil.copy(file, place.repository)
        os.sync()

    return renew


def _added(renew: Callable[[Tool, Place], None]) -> Callable[[Tool, Place], None]:
    """Add what `renew` laid down, and let the tool look once: stamps settle."""

    def prepare(tool: Tool, place: Place) -> None:
        renew(tool, place)
        material.quietly(_add(tool, place), place.repository, place.environ)
        for _ in range(2):
            material.quietly(filled(tool.status, []), place.repository, place.environ)

    return prepare


def _add(tool: Tool, place: Place) -> list[str]:
    names = [path.name for path in place.repository.iterdir() if not path.name.startswith(".")]
    return filled(tool.add, sorted(name for name in names if not name.endswith((".dvc", ".mvc"))))


def _status(tool: Tool, place: Place) -> list[str]:
    del place
    return filled(tool.status, [])


def _checkout(tool: Tool, place: Place) -> list[str]:
    del place
    return filled(tool.checkout, [])


def _version(tool: Tool, place: Place) -> list[str]:
    del place
    return list(tool.version)


def _without_directory(tool: Tool, place: Place) -> None:
    del tool
    shutil.rmtree(place.repository / "d")
    os.sync()


def _touch_one(tool: Tool, place: Place) -> None:
    del tool
    (place.repository / "d" / "f000007.bin").write_bytes(os.urandom(1024))


_DVC = ("dvc",)
_ALL = ("git", "dvc", "git-lfs")
_TEN = _fresh_with_directory(10_000, 10 << 10)
_HUNDRED = _fresh_with_directory(100_000, 1 << 10)
_SINGLE = _fresh_with_files(1_000, 2 << 10)

CASES = (
    Case("version", _DVC, _fresh, _nothing, _version, 0.12),
    Case("status, empty repository", ("git", "dvc"), _fresh, _nothing, _status, 0.2),
    Case(
        "add 4 GiB, hard link", ("git-annex", FLOOR_HASH.name), _nothing, _fresh_with_file, _add, 0.8,
        (("git-annex", 1.0),), 90, "mvc-hardlink",
    ),
    Case(
        "add 4 GiB, copy", (COPY.name, "dvc", "git-lfs"), _nothing, _fresh_with_file, _add, 0, ((COPY.name, 1.25),), 90,
    ),
    Case("add 10,000 x 10 KiB", (*_ALL, FLOOR.name), _nothing, _TEN, _add, 0.7, (("git", 0.3),)),
    Case("add 100,000 x 1 KiB", (*_ALL, FLOOR.name), _nothing, _HUNDRED, _add, 3.5, (), 200),
    Case("add 1,000 separate files", _ALL, _nothing, _SINGLE, _add, 1.0),
    Case("add, 1 of 100,000 changed", _DVC, _added(_HUNDRED), _touch_one, _add, 0),
    Case("status, 10,000 files", ("git", "dvc", FLOOR.name), _added(_TEN), _nothing, _status, 0.25),
    Case("status, 100,000 files", ("git", "dvc", FLOOR.name), _added(_HUNDRED), _nothing, _status, 1.0),
    Case("status, 1,000 pointers", _DVC, _added(_SINGLE), _nothing, _status, 0.4),
    Case("checkout 10,000 x 10 KiB", ("git", "dvc"), _added(_TEN), _without_directory, _checkout, 0, (("git", 1.2),)),
)
