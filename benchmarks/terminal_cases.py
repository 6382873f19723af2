"""Large files that a user waits for at a terminal: sparse, so that they need no disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from benchmarks.case import Case
from benchmarks.prepare import ONE, Place, Step, added, fresh, nothing, without
from benchmarks.terminal import after_interrupt, until_progress
from benchmarks.tools import Tool, filled

_SIZE = 16 << 30


def _with_sparse_file(tool: Tool, place: Place) -> None:
    fresh(tool, place)
    with (place.repository / ONE).open("wb") as file:
        file.truncate(_SIZE)


def _typed(job: str, *paths: str) -> Callable[[Tool, Place], list[str]]:
    return lambda tool, place: filled(tool.jobs[job], paths)  # noqa: ARG005


def _cases() -> Iterator[Case]:
    once = added(_with_sparse_file)
    works: tuple[tuple[str, Step, Step, tuple[str, ...]], ...] = (
        ("add", nothing, _with_sparse_file, (ONE,)),
        ("checkout", once, without(ONE), ()),
        ("verify", once, nothing, ()),
    )
    for job, prepare, renew, paths in works:
        about = Case("", (), prepare, renew, _typed(job, *paths), subject="mvc-hardlink")
        yield about._replace(name=f"{job} 16 GiB, first progress", seconds=0.5, measure=until_progress)
        yield about._replace(name=f"{job} 16 GiB, Ctrl-C", seconds=1, measure=after_interrupt)


AT_A_TERMINAL = tuple(_cases())
