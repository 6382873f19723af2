"""What is measured: each case sets a tool up anew and names the one command that counts."""

from __future__ import annotations

import os
from collections.abc import Callable

from benchmarks.case import Case
from benchmarks.gate_cases import GATES
from benchmarks.hook_cases import HOOKS
from benchmarks.import_cases import IMPORTS
from benchmarks.material import History
from benchmarks.merge_cases import MERGES
from benchmarks.prepare import (
    ONE,
    Place,
    added,
    change,
    committed,
    fresh,
    job,
    moved_back,
    names,
    nothing,
    with_directory,
    with_file,
    with_files,
    with_garbage,
    with_history,
    with_sparse_file,
    without,
)
from benchmarks.terminal import after_interrupt, until_progress
from benchmarks.tools import CAT, COPY, FLOOR, FLOOR_BLAKE3, FLOOR_HASH, ONE_CORE, Tool, filled
from benchmarks.transfer_cases import TRANSFERS

GIB = 1 << 30
_BY_CORES = 1 / max(1, 0.7 * len(os.sched_getaffinity(0)))
"""The goal on all cores / on one."""


def _run(name: str, *paths: str) -> Callable[[Tool, Place], list[str]]:
    """Return what gives the command of a job."""

    def command(tool: Tool, place: Place) -> list[str]:
        del place
        return filled(tool.jobs[name], paths)

    return command


def _add(tool: Tool, place: Place) -> list[str]:
    return filled(tool.jobs["add"], names(place))


def _at_a_terminal(work: Case) -> tuple[Case, Case]:
    """Return the cases of how long a user of mvc waits for progress, and for the end after Ctrl-C."""
    work = work._replace(subject="mvc-hardlink")
    first = work._replace(name=f"{work.name}, first progress", seconds=0.5, measure=until_progress)
    return first, work._replace(name=f"{work.name}, Ctrl-C", seconds=1, measure=after_interrupt)


_DVC = ("dvc",)
_ALL = ("git", "dvc", "git-lfs")
_PROVERS = ("git", "git-lfs", "git-annex")
_TEN = with_directory(10_000, 10 << 10)
_HUNDRED = with_directory(100_000, 1 << 10)
_SINGLE = with_files(1_000, 2 << 10)
_GIB = with_file(GIB)
_SPARSE = with_sparse_file(16 * GIB)

CASES = (
    Case("version", _DVC, fresh, nothing, _run("version"), 0.12),
    Case("status, empty repository", ("git", "dvc"), fresh, nothing, _run("status"), 0.2),
    Case(
        "add 4 GiB, hard link", ("git-annex", FLOOR_HASH.name), nothing, with_file(4 * GIB), _add, 0.8,
        (("git-annex", 0.8),), 90, "mvc-hardlink",
    ),
    Case(
        "add 4 GiB by cores", (ONE_CORE.name, FLOOR_BLAKE3.name), nothing, with_file(4 * GIB), _add, 0,
        ((ONE_CORE.name, _BY_CORES),), 90, "mvc-hardlink",
    ),
    Case(
        "add 4 GiB, copy", (COPY.name, "dvc", "git-lfs"), nothing, with_file(4 * GIB), _add, 0,
        ((COPY.name, 1.25),), 90,
    ),
    Case("add 10,000 x 10 KiB", (*_ALL, FLOOR.name), nothing, _TEN, _add, 0.7, (("git", 0.3),)),
    Case("add 100,000 x 1 KiB", (*_ALL, FLOOR.name), nothing, _HUNDRED, _add, 3.5, (), 200),
    Case("add 1,000 separate files", _ALL, nothing, _SINGLE, _add, 1.0, (("git-lfs", 0.5),)),
    Case("add, 1 of 100,000 changed", _DVC, added(_HUNDRED), change(1), _add),
    Case("status, 10,000 files", ("git", "dvc", FLOOR.name), added(_TEN), nothing, _run("status"), 0.25),
    Case("status, 100,000 files", ("git", "dvc", FLOOR.name), added(_HUNDRED), nothing, _run("status"), 1.0),
    Case("status, 1,000 pointers", _DVC, added(_SINGLE), nothing, _run("status"), 0.4),
    Case("diff, 100 of 10,000 files changed", ("git", "dvc"), committed(_TEN), change(100), _run("diff")),
    Case(
        "checkout 10,000 x 10 KiB", ("git", "dvc"), added(_TEN), without("d"), _run("checkout"), 0, (("git", 1.0),),
    ),
    Case("checkout 1 GiB", (COPY.name, "dvc", "git-lfs"), committed(_GIB), without(ONE), _run("checkout")),
    Case("mv, 10,000 files", ("git", "dvc"), committed(_TEN), moved_back, _run("mv", "d", "e")),
    Case("rm, 10,000 files", ("git", "dvc"), nothing, committed(_TEN), _run("rm", "d")),
    Case(
        "unprotect 1 GiB", ("git-annex",), committed(_GIB), job("relink"), _run("unprotect", ONE),
        subject="mvc-hardlink",
    ),
    Case("cache size, 10,000 objects", (), committed(_TEN), nothing, _run("size")),
    Case("doctor, 10,000 files", (), committed(_TEN), nothing, _run("doctor")),
    Case("ls, 10,000 files", ("git", "dvc"), committed(_TEN), nothing, _run("ls")),
    Case("log, 100 commits", ("git",), with_history(History(100, 1)), nothing, _run("log", "m00")),
    Case("verify 1 GiB", _PROVERS, committed(_GIB), nothing, _run("verify")),
    Case("verify --quick 1 GiB", ("git-annex", CAT.name), committed(_GIB), nothing, _run("verify --quick")),
    Case("verify 10,000 x 10 KiB", _PROVERS, committed(_TEN), nothing, _run("verify")),
    Case(
        "verify --quick 10,000 x 10 KiB", ("git-annex", CAT.name), committed(_TEN), nothing, _run("verify --quick"),
    ),
    Case(
        "verify 300 x 4 MiB by cores", (ONE_CORE.name,), committed(with_directory(300, 4 << 20)), nothing,
        _run("verify"), 0, ((ONE_CORE.name, _BY_CORES),), 90,
    ),
    Case(
        "gc, 10,000 commits x 100 pointers", (), with_garbage(with_history(History(10_000, 100))), nothing,
        _run("gc"), 10,
    ),
    Case(
        "gc, 1,000 commits that change 100 pointers", (), with_garbage(with_history(History(1_000, 100, 100))), nothing,
        _run("gc"),
    ),
    *HOOKS,
    *IMPORTS,
    *GATES,
    *MERGES,
    *TRANSFERS,
    *_at_a_terminal(Case("add 16 GiB", (), nothing, _SPARSE, _add)),
    *_at_a_terminal(Case("checkout 16 GiB", (), added(_SPARSE), without(ONE), _run("checkout"))),
    *_at_a_terminal(Case("verify 16 GiB", (), added(_SPARSE), nothing, _run("verify"))),
)
