"""Processes that share the work of a large site."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

from mvc.site.templating import require

Each: TypeAlias = Callable[..., Iterable[Any]]
"""Calls a function with the items of some lists, as `map` does."""
_FEW = 4
"""Models that this process does alone: starting others takes longer."""
_CHUNKS = 32
"""Parts of the work for each process: few are sent quickly, many end at the same time."""


@contextmanager
def each_of(jobs: int, models: int) -> Iterator[Each]:
    """Return what calls functions for this many models: in up to `jobs` processes if there are many."""
    if jobs <= 1 or models <= _FEW:
        yield map
        return
    from concurrent.futures import ProcessPoolExecutor  # noqa: PLC0415 - import time
    from multiprocessing import get_context  # noqa: PLC0415 - as above

    quiet = (signal.SIGINT, signal.SIG_IGN)  # after Ctrl-C, this process ends them
    with ProcessPoolExecutor(jobs, get_context("spawn"), signal.signal, quiet) as pool:
        for _ in range(jobs):
            pool.submit(require)  # they start while Git reads files

        def each(function: Callable[..., Any], *items: list[Any]) -> Iterable[Any]:
            return pool.map(function, *items, chunksize=max(len(items[0]) // (jobs * _CHUNKS), 1))

        yield each
