"""What the thread of the prediction log does: requests become the parts of a folder.

A part is written in one go, so that a kill leaves none that is not complete.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

import numpy as np

from mvc.errors import first_line
from mvc.quality.words import clipped
from mvc.serving.answered import Dropped, LogMetrics
from mvc.serving.answers import Joined, Layout, concatenated
from mvc.serving.loaded import Identity
from mvc.serving.prediction_log.folder import LogFolder, TooLarge
from mvc.serving.prediction_log.table import Privacy, encode, names_in, table

LARGEST = 16 << 20
"""Bytes of the requests of a part."""
_PARTS = 8
"""Parts of the largest size that a folder has room for: in one with less room, parts are smaller."""
_MOST_OPEN = 8
"""Parts that are open at once: clients that send another type in turn do not make a part for each request."""

Say: TypeAlias = Callable[[str, str], None]
"""Is told what is wrong, and what to type."""


class _Part:
    """A part that is not written yet."""

    def __init__(self, first: Joined) -> None:
        self.model, self.time = first.identity.model, first.begin
        self.begun = time.monotonic()
        self.requests: dict[Identity, list[Joined]] = {}
        self.size = 0

    def add(self, requests: Joined) -> None:
        """Add requests."""
        self.requests.setdefault(requests.identity, []).append(requests)
        self.size += requests.memory

    def rows(self) -> dict[Identity, int]:
        """Return how many rows it has of each version."""
        return {identity: sum(len(item.place) for item in same) for identity, same in self.requests.items()}


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
        self._failed: set[tuple[Identity, Dropped]] = set()

    def add(self, requests: Joined) -> None:
        """Add requests; parts that become large are written, and the oldest if there are many."""
        for piece in self._pieces(requests):
            self._add(piece)

    def _pieces(self, requests: Joined) -> Iterator[Joined]:
        """Yield what may be in one part: a request as large as a part is alone, so that no other is lost with it."""
        count = len(requests.ids)
        rows = np.bincount(requests.place, minlength=count)
        large = rows * (requests.memory / max(1, len(requests.place))) >= self._largest
        if not large.any():
            yield requests
            return
        if not large.all():
            yield requests.chosen(~large)
        for place in np.flatnonzero(large):
            yield requests.chosen(np.arange(count) == place)

    def _add(self, requests: Joined) -> None:
        if requests.layout in self._open and requests.memory >= self._largest:
            self._write(requests.layout)
        part = self._open.get(requests.layout)
        if part is None:
            part = self._open[requests.layout] = _Part(requests)
            self._tell_unseen(requests)
        part.add(requests)
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
        rows = part.rows()
        try:
            content = encode([table(concatenated(same), self._privacy) for same in part.requests.values()])
            size = self._folder.add(part.model, part.time, content)
        except TooLarge as error:
            self._fail(rows, "limit", f"a request is too large for the prediction log: {error}")
        except OSError as error:
            self._drop(part.model, sum(rows.values()), error.strerror or first_line(error))
        except Exception as error:  # noqa: BLE001 - pyarrow may lack a type; whatever it is, the next part is tried
            self._fail(rows, "failed", f"requests have no form in the prediction log: {first_line(error)}")
        else:
            self._written(rows, size)

    def _written(self, rows: Mapping[Identity, int], size: int) -> None:
        if self._fails:
            self._say(f"the prediction log {self._folder.path} is written again", "")
        self._fails = False
        for identity, count in rows.items():
            self._metrics.log_rows(*identity, count)
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

    def _fail(self, rows: Mapping[Identity, int], reason: Dropped, what: str) -> None:
        """Count rows that cannot be in the log; once for each version and reason, tell why."""
        for identity, count in rows.items():
            self._metrics.log_dropped(identity.model, reason, count)
            if (identity, reason) not in self._failed:
                served = f"{identity.model} {identity.version}"
                self._say(f"{served}: {what}. Such are answered, their rows are dropped and counted", "")
            self._failed.add((identity, reason))

    def _tell_unseen(self, requests: Joined) -> None:
        """Tell which columns that must not be logged the inputs do not have: perhaps they have another name now."""
        unseen = sorted(self._privacy.names() - names_in(requests))
        if unseen and requests.identity not in self._told:
            self._say(
                f"--log-drop and --log-hash: {requests.identity.model} {requests.identity.version} takes no column "
                f"{', '.join(map(clipped, unseen))}, so nothing of that name is hidden", "mvc serve --help",
            )
        self._told.add(requests.identity)
