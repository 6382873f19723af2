"""The series of a server, by prometheus_client, which is imported only here."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Literal, NamedTuple, TypeAlias, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest
from prometheus_client.core import CounterMetricFamily, SummaryMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from mvc.serving.answered import Dropped
from mvc.serving.answers import Answers
from mvc.serving.loaded import Identity, Loaded
from mvc.serving.summaries import Summaries

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
Reason: TypeAlias = Literal["git", "content", "load", "smoke", "other"]
"""What failed when a server followed the registry."""
Protocol: TypeAlias = Literal["rest", "grpc"]
_LABELS = Identity._fields
_BUCKETS = (.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30)


class _Children(NamedTuple):
    """The series of one version that change with each request."""

    seconds: Histogram
    rows: Counter
    in_flight: Gauge
    codes: dict[tuple[str, int], Counter]


class Metrics:
    """What `/metrics` tells. Methods may be called from any thread."""

    def __init__(self, answers: Answers) -> None:
        """Sum up `answers`."""
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a series more for each, which no rule reads
        self._registry = registry = CollectorRegistry()

        def counter(name: str, about: str, labels: tuple[str, ...] = _LABELS) -> Counter:
            return Counter(f"mvc_serve_{name}", about, labels, registry=registry)

        def gauge(name: str, about: str, labels: tuple[str, ...] = _LABELS) -> Gauge:
            return Gauge(f"mvc_serve_{name}", about, labels, registry=registry)

        self._requests = counter("requests", "Requests that were answered.", (*_LABELS, "protocol", "code"))
        self._seconds = Histogram(
            "mvc_serve_request_seconds", "From the whole request to its answer.", _LABELS, registry=registry,
            buckets=_BUCKETS)
        self._rows = counter("rows", "Rows that were predicted.")
        self._in_flight = gauge("in_flight", "Requests that are not answered yet.")
        self._info = gauge("model_info", "1 for what is served.", (*_LABELS, "stage", "ref", "path"))
        self._loaded = gauge("model_loaded_timestamp_seconds", "When it was loaded.")
        self._retired = gauge("model_retired", "1 if the registry says that it is not to be used any more.")
        self._swaps = counter("swaps", "Versions that took the place of another.", ("model",))
        self._failures = counter("follow_failures", "Looks at the registry that failed.", ("model", "reason"))
        self._followed = gauge(
            "follow_last_success_timestamp_seconds", "When the registry was last read.", ("model",))
        self._log_rows = counter("log_rows", "Rows in the prediction log.")
        self._log_dropped = counter("log_dropped_rows", "Rows that are not in it.", ("model", "reason"))
        self._log_bytes = gauge("log_bytes", "Bytes of the prediction log.", ())
        self._answers = answers
        summaries = Summaries()
        answers.read_by(summaries.add, "the metrics of features and predictions")
        registry.register(_Sums(summaries))
        self._children: dict[Identity, _Children] = {}

    def text(self) -> bytes:
        """Return all series in Prometheus' text format."""
        self._answers.flush()
        return generate_latest(self._registry)

    # Requests.

    def begin(self, loaded: Loaded) -> None:
        """Count a request that is not answered yet."""
        self._of(loaded.identity).in_flight.inc()

    def end(self, loaded: Loaded, protocol: Protocol, code: int, seconds: float, rows: int) -> None:
        """Count a request that ended; `code` is a status of HTTP."""
        children = self._of(loaded.identity)
        children.in_flight.dec()
        children.seconds.observe(seconds)
        children.rows.inc(rows)
        if (counted := children.codes.get((protocol, code))) is None:
            counted = children.codes[protocol, code] = self._requests.labels(*loaded.identity, protocol, str(code))
        counted.inc()

    def _of(self, identity: Identity) -> _Children:
        if (found := self._children.get(identity)) is None:
            found = self._children[identity] = _Children(
                self._seconds.labels(*identity), self._rows.labels(*identity), self._in_flight.labels(*identity), {})
        return found

    # What is served.

    def serves(self, loaded: Loaded) -> None:
        """Say that this version is served."""
        self._info.labels(*loaded.identity, loaded.stage, loaded.ref, loaded.path).set(1)
        self._loaded.labels(*loaded.identity).set(time.time())
        self._retired.labels(*loaded.identity).set(0)
        self._of(loaded.identity)

    def swapped(self, before: Loaded, after: Loaded) -> None:
        """Say that a version took the place of another."""
        self.serves(after)
        self._swaps.labels(after.identity.model).inc()
        if before.identity != after.identity:
            self._info.remove(*before.identity, before.stage, before.ref, before.path)
            self._loaded.remove(*before.identity)
            self._retired.remove(*before.identity)

    def retired(self, loaded: Loaded, *, is_retired: bool) -> None:
        """Say whether the registry has retired what is served."""
        self._retired.labels(*loaded.identity).set(is_retired)

    def followed(self, model: str) -> None:
        """Say that the registry was read."""
        self._followed.labels(model).set(time.time())

    def follow_failed(self, model: str, reason: Reason) -> None:
        """Say that it was not, or that what it says could not be served."""
        self._failures.labels(model, reason).inc()

    def follows(self, model: str) -> None:
        """Begin the series of a model that follows the registry with 0."""
        self._swaps.labels(model)
        for reason in get_args(Reason):
            self._failures.labels(model, reason)

    # The prediction log.

    def log_rows(self, model: str, version: str, blake3: str, rows: int) -> None:
        """Count rows that were written."""
        self._log_rows.labels(model, version, blake3).inc(rows)

    def log_dropped(self, model: str, reason: Dropped, rows: int) -> None:
        """Count rows that were not."""
        self._log_dropped.labels(model, reason).inc(rows)

    def log_bytes(self, size: int) -> None:
        """Set the bytes that the log has."""
        self._log_bytes.set(size)


class _Sums(Collector):
    """The sums as series."""

    def __init__(self, summaries: Summaries) -> None:
        self._summaries = summaries

    def collect(self) -> Iterator[Metric]:
        """Yield a family of series for each kind of sum."""
        features = (*_LABELS, "feature")
        total = CounterMetricFamily("mvc_serve_feature_sum", "Sum of a feature.", labels=features)
        squares = CounterMetricFamily("mvc_serve_feature_squares", "Sum of its squares.", labels=features)
        rows = CounterMetricFamily("mvc_serve_feature_rows", "Rows that had it.", labels=features)
        missing = CounterMetricFamily("mvc_serve_feature_missing", "Rows without its value.", labels=features)
        labels = CounterMetricFamily("mvc_serve_predicted", "Rows by predicted label.", labels=(*_LABELS, "label"))
        value = SummaryMetricFamily("mvc_serve_predicted_value", "Predicted numbers.", labels=_LABELS)
        value_squares = CounterMetricFamily(
            "mvc_serve_predicted_value_squares", "Sum of their squares.", labels=_LABELS)
        for identity, summary in self._summaries.by_version().items():
            for name, feature in summary.features.items():
                for family, number in zip((total, squares, rows, missing), feature, strict=True):
                    family.add_metric([*identity, name], number)
            for label, count in summary.labels.items():
                labels.add_metric([*identity, label], count)
            if summary.values.rows:
                value.add_metric(identity, summary.values.rows, summary.values.total)
                value_squares.add_metric(identity, summary.values.squares)
        yield from (total, squares, rows, missing, labels, value, value_squares)

    def describe(self) -> Iterator[Metric]:
        """Yield nothing: there is nothing to sum up yet."""
        return iter(())
