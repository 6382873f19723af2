"""The prediction log: requests and predictions, as Parquet files. Format: docs/monitor.md, "The log".

The path of a request only leaves it to be joined with others. A thread writes them as a part once a minute, or earlier
if they are large.
"""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from xxhash import xxh64_intdigest

from mvc.errors import UsageError, first_line
from mvc.fs.files import as_error
from mvc.quality.words import clipped
from mvc.serving.answered import LogMetrics
from mvc.serving.answers import Answers, Joined
from mvc.serving.prediction_log.folder import LogFolder
from mvc.serving.prediction_log.parts import Parts, Say
from mvc.serving.prediction_log.table import Privacy, column_names, load_libraries
from mvc.serving.tensor_model import Spec

QUEUE = 64 << 20
"""Bytes of arrays that wait for the thread."""
SECONDS = 60.0
"""After which a part is written, however small."""
LIMIT = 1 << 30
"""Bytes that the parts in a folder may have, unless another number is given."""
MIN_LIMIT = 1 << 20
_PAUSE = 1.0
"""Seconds between two looks at the queue."""
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class LogOptions(NamedTuple):
    """What `mvc serve` was told about the log."""

    folder: str
    sample: float = 1.0
    """The share of requests that are logged."""
    drop: frozenset[str] = frozenset()
    """Columns that are left out."""
    hash: frozenset[str] = frozenset()
    """Columns that are logged as a keyed digest."""
    limit: int = LIMIT


class PredictionLog:
    """A log that is open for writing, to be used with `with`."""

    def __init__(
        self, options: LogOptions, metrics: LogMetrics, say: Say, answers: Answers, seconds: float = SECONDS,
    ) -> None:
        """Log `answers` in a thread; a part is written `seconds` after its first row, at the latest.

        Raises:
            UsageError: an option is invalid.
            MvcError: the folder cannot be written, and not because the disk is full; or its key cannot be used.
        """
        _check(options)
        load_libraries()
        folder = LogFolder(options.folder, options.limit)
        self._parts = Parts(folder, _privacy(folder, options), metrics, say, seconds)
        self._metrics, self._say = metrics, say
        self._threshold = int(options.sample * (1 << 64))
        self._answers = answers
        self._queue: list[Joined] = []
        self._waiting = 0
        self._closed = False
        self._told: set[type[BaseException]] = set()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name="prediction-log", daemon=True)
        self._thread.start()
        answers.read_by(self._put, "the prediction log", self._failed)

    def __enter__(self) -> PredictionLog:
        return self

    def __exit__(self, *_: object) -> None:
        """Write what is left."""
        self._answers.flush()
        with self._lock:
            self._closed = True
        self._wake.set()
        self._thread.join()

    def _put(self, joined: Joined) -> None:
        """Log requests, if there is room in the queue. It never waits."""
        if joined.prediction is None:
            return
        chosen = self._sampled(joined)
        if not len(chosen.place):  # nothing was chosen, or the model had no row to return
            return
        with self._lock:
            size = chosen.memory
            fits = self._waiting + size <= QUEUE and not self._closed
            if fits:
                self._waiting += size
                self._queue.append(chosen)
                is_much = self._waiting > QUEUE // 2
        if not fits:
            self._metrics.log_dropped(joined.identity.model, "queue", len(chosen.place))
        elif is_much:
            self._wake.set()

    def _sampled(self, joined: Joined) -> Joined:
        if self._threshold >> 64:
            return joined
        hashes = [xxh64_intdigest(name.encode(errors="replace")) for name in joined.ids]
        chosen = joined.chosen(np.array(hashes, np.uint64) < self._threshold)
        self._metrics.log_dropped(joined.identity.model, "sampled", len(joined.place) - len(chosen.place))
        return chosen

    def _run(self) -> None:
        while not self._closed:
            self._wake.wait(_PAUSE)
            self._wake.clear()
            self._answers.flush()
            self._guarded(self._write)
            self._guarded(self._parts.write_due)
        self._guarded(self._write)
        self._guarded(self._parts.close)

    def _guarded(self, step: Callable[[], None]) -> None:
        """Do a step of the thread; whatever it raises, the thread goes on. The kind of an error is told once."""
        try:
            step()
        except BaseException as error:  # noqa: BLE001 - without the thread nothing more would be logged
            self._tell(error)

    def _tell(self, error: BaseException) -> None:
        if type(error) not in self._told:
            self._told.add(type(error))
            self._say(f"the prediction log has an error, and goes on: {type(error).__name__}: {first_line(error)}", "")

    def _failed(self, model: str, rows: int) -> None:
        self._metrics.log_dropped(model, "failed", rows)

    def _write(self) -> None:
        """Put all that waits into parts."""
        with self._lock:
            queue, self._queue, self._waiting = self._queue, [], 0
        for joined in queue:
            try:
                self._parts.add(joined)
            except Exception as error:  # noqa: BLE001 - as above; the others are logged
                self._failed(joined.identity.model, len(joined.place))
                self._tell(error)


def check_folder(options: LogOptions) -> None:
    """Check what can be known before a model is loaded.

    Raises:
        UsageError: an option is invalid.
        MvcError: the folder cannot be written, and not because the disk is full; or its key cannot be used.
    """
    _check(options)
    folder = LogFolder(options.folder, options.limit)
    _privacy(folder, options)
    folder.close()


def check_columns(options: LogOptions, models: Sequence[Sequence[Spec]]) -> None:
    """Check that the models take the columns that are not to be logged, as far as all say what they take.

    Raises:
        UsageError: none takes a column, so that its name is probably misspelt.
    """
    if not all(models):
        return
    known = {name for inputs in models for spec in inputs for name in column_names(spec.name, spec.shape[1:])}
    known |= {spec.name for inputs in models for spec in inputs}
    for option, names in (("--log-drop", options.drop), ("--log-hash", options.hash)):
        if unknown := sorted(names - known):
            there = ", ".join(map(clipped, sorted(known)))
            message = f"{option}: no model takes a column {clipped(unknown[0])!r}: they take {there}"
            raise UsageError(message, "mvc serve --help")


def _check(options: LogOptions) -> None:
    if not 0 < options.sample <= 1:
        raise UsageError(f"invalid rate {options.sample:g}: expected more than 0, at most 1", "--log-sample 0.1")
    if options.limit < MIN_LIMIT:
        raise UsageError(f"invalid limit {options.limit:,} bytes: expected at least 1 MiB", "--log-limit 1GiB")
    if both := sorted(options.drop & options.hash):
        raise UsageError(f"column {clipped(both[0])!r} cannot be dropped and hashed at once", "mvc serve --help")


def _privacy(folder: LogFolder, options: LogOptions) -> Privacy:
    """Return what must not be readable, after a first look at the folder."""
    try:
        key = folder.key() if options.hash else b""
        folder.open()
    except OSError as error:
        if options.hash or error.errno not in _FULL:
            raise as_error(error, options.folder) from None
    return Privacy(options.drop, options.hash, key)
