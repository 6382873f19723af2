"""What the thread of the prediction log does: requests become tables, and tables the parts of a folder.

A part is written in one go, so that a kill leaves none that is not complete.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any, TypeAlias

from mvc.errors import first_line
from mvc.quality.words import clipped
from mvc.serving.logged import Logged, LogMetrics
from mvc.serving.prediction_log.folder import LogFolder
from mvc.serving.prediction_log.table import Layout, Privacy, encode, identity, layout, names_in, rows_of, table

LARGEST = 16 << 20
"""Bytes of the tables of a part."""
_PARTS = 8
"""Parts of the largest size that a folder has room for: in one with less room, parts are smaller."""
_MOST_OPEN = 8
"""Parts that are open at once: clients that send another type in turn do not make a part for each request."""
_SLICE = 256
"""Requests that become a table at once: a table has fixed costs, and other threads run in between."""

Say: TypeAlias = Callable[[str, str], None]
"""Is told what is wrong, and what to type."""


class _Part:
    """A part that is not written yet."""

    def __init__(self, first: Logged) -> None:
        self.identity = identity(first)
        self.time = first.time
        self.begun = time.monotonic()
        self.tables: list[Any] = []
        self.rows = self.size = 0

    def add(self, made: Any) -> None:
        """Add the table of requests."""
        self.tables.append(made)
        self.rows += len(made)
        self.size += made.nbytes


class Parts:
    """The parts that are not written yet: one for each layout."""

    def __init__(
        self, folder: LogFolder, privacy: Privacy, metrics: LogMetrics, say: Say, seconds: float,
    ) -> None:
        self._folder, self._privacy, self._metrics, self._say = folder, privacy, metrics, say
        self._seconds = seconds
        self._largest = min(LARGEST, folder.limit // _PARTS)
        self._open: dict[Layout, _Part] = {}
        self._fails = False
        self._told: set[tuple[str, str]] = set()

    def add(self, requests: Sequence[Logged]) -> None:
        """Add requests; parts that become large are written, and the oldest if there are many."""
        for start in range(0, len(requests), _SLICE):
            for found, same in groupby(requests[start : start + _SLICE], layout):
                self._add(found, list(same))
            time.sleep(0)  # lets a thread with a request run: the interpreter would switch after 5 ms

    def _add(self, found: Layout, requests: list[Logged]) -> None:
        part = self._open.get(found)
        if part is None:
            part = _Part(requests[0])
            self._tell_unseen(requests[0])
        try:
            part.add(table(requests, self._privacy))
        except (ValueError, TypeError, NotImplementedError) as error:  # pyarrow has no such type
            self._drop(part.identity.model, sum(map(rows_of, requests)), first_line(error))
            return
        self._open[found] = part
        if part.size >= self._largest:
            self._write(found)
        elif len(self._open) > _MOST_OPEN:
            self._write(next(iter(self._open)))

    def write_due(self) -> None:
        """Write the parts that are old enough."""
        now = time.monotonic()
        for found in [found for found, part in self._open.items() if now - part.begun >= self._seconds]:
            self._write(found)

    def close(self) -> None:
        """Write all parts, and remove temporary files."""
        for found in list(self._open):
            self._write(found)
        self._folder.close()

    def _write(self, found: Layout) -> None:
        part = self._open.pop(found)
        try:
            size = self._folder.add(part.identity.model, part.time, encode(part.tables))
        except OSError as error:
            self._drop(part.identity.model, part.rows, error.strerror or first_line(error))
            return
        if self._fails:
            self._say(f"the prediction log {self._folder.path} is written again", "")
        self._fails = False
        self._metrics.log_rows(*part.identity, part.rows)
        self._metrics.log_bytes(size)

    def _drop(self, model: str, rows: int, reason: str) -> None:
        """Count rows that cannot be written; the first time, tell why."""
        self._metrics.log_dropped(model, "disk", rows)
        if not self._fails:
            self._say(
                f"the prediction log {self._folder.path} cannot be written: {reason}. Requests are answered, "
                "their rows are dropped and counted", f"df -h {shlex.quote(self._folder.path)}",
            )
        self._fails = True

    def _tell_unseen(self, logged: Logged) -> None:
        """Tell which columns that must not be logged the inputs do not have: perhaps they have another name now."""
        version = (logged.model, logged.blake3)
        unseen = sorted(self._privacy.names() - names_in(logged))
        if unseen and version not in self._told:
            self._say(
                f"--log-drop and --log-hash: {logged.model} {logged.version} takes no column "
                f"{', '.join(map(clipped, unseen))}, so nothing of that name is hidden", "mvc serve --help",
            )
        self._told.add(version)
