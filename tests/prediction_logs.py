"""Prediction logs for the tests, written by the log itself."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from mvc.runtime.predictor import Prediction
from mvc.serving.answered import Answered
from mvc.serving.answers import Answers
from mvc.serving.loaded import Identity
from mvc.serving.prediction_log.log import LogOptions, PredictionLog


class Counts:
    """What a log counted."""

    def __init__(self) -> None:
        self.rows: Counter[tuple[str, str, str]] = Counter()
        self.dropped: Counter[str] = Counter()
        self.bytes = 0
        self.said: list[tuple[str, str]] = []
        self.news = threading.Condition()

    def log_rows(self, model: str, version: str, blake3: str, rows: int) -> None:
        with self.news:
            self.rows[model, version, blake3] += rows
            self.news.notify_all()

    def log_dropped(self, model: str, reason: str, rows: int) -> None:
        with self.news:
            self.dropped[reason] += rows
            self.news.notify_all()

    def log_bytes(self, size: int) -> None:
        self.bytes = size

    def say(self, message: str, fix: str) -> None:
        self.said.append((message, fix))


@contextmanager
def log(folder: Path, counts: Counts | None = None, seconds: float = 60, **options: object) -> Iterator[Answers]:
    counts = counts or Counts()
    answers = Answers()
    with PredictionLog(LogOptions(str(folder), **options), counts, counts.say, answers, seconds):
        yield answers


def classified(
    ids: str, labels: Sequence[str], scores: Sequence[float], version: str = "v1.0.0", blake3: str = "ab" * 32,
    model: str = "ranker", **columns: Sequence[object],
) -> Answered:
    """A request whose rows were classified as `no` or `yes`, with the scores of `yes`."""
    likely = np.array(scores, np.float64)
    given = {name: np.array(values, object) for name, values in columns.items()}
    features = {"x": np.arange(len(labels), dtype=np.float32), **given}
    prediction = Prediction(np.array(labels, object), {"no": 1 - likely, "yes": likely})
    return Answered(ids, 1_790_000_000.5, Identity(model, version, blake3), 0.01, features, len(labels), prediction)
