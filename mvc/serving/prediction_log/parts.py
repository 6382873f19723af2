"""What the thread of the prediction log does: requests become tables, and tables the parts of a folder.

A part is written in one go, so that a kill leaves none that is not complete.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable
from typing import Any, TypeAlias

from mvc.errors import first_line
from mvc.quality.words import clipped
from mvc.serving.loaded import Identity
from mvc.serving.logged import LogMetrics
from mvc.serving.prediction_log.folder import LogFolder
from mvc.serving.prediction_log.joined import Joined, Layout
from mvc.serving.prediction_log.table import Privacy, encode, names_in, table

LARGEST = 16 << 20
"""Bytes of the tables of a part."""
_PARTS = 8
"""Parts of the largest size that a folder has room for: in one with less room, parts are smaller."""
_MOST_OPEN = 8
"""Parts that are open at once: clients that send another type in turn do not make a part for each request."""

Say: TypeAlias = Callable[[str, str], None]
"""Is told what is wrong, and what to type."""


class _Part:
    """A part that is not written yet."""

    def __init__(self, first: Joined) -> None:
        self.identity, self.time = first.identity, first.begin
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
        self._told: set[Identity] = set()

    def add(self, requests: Joined) -> None:
        """Add requests; parts that become large are written, and the oldest if there are many."""
        part = self._open.get(requests.layout)
        if part is None:
            part = _Part(requests)
            self._tell_unseen(requests)
        try:
            part.add(table(requests, self._privacy))
        except (ValueError, TypeError, NotImplementedError) as error:  # pyarrow has no such type
            self._drop(requests.identity.model, len(requests.place), first_line(error))
            return
        self._open[requests.layout] = part
        if part.size >= self._largest:
            self._write(requests.layout)
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

    def _tell_unseen(self, requests: Joined) -> None:
        """Tell which columns that must not be logged the inputs do not have: perhaps they have another name now."""
        unseen = sorted(self._privacy.names() - names_in(requests))
        if unseen and requests.identity not in self._told:
            self._say(
                f"--log-drop and --log-hash: {requests.identity.model} {requests.identity.version} takes no column "
                f"{', '.join(map(clipped, unseen))}, so nothing of that name is hidden", "mvc serve --help",
            )
        self._told.add(requests.identity)
