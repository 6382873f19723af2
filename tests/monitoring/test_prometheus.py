"""A real Prometheus: it scrapes the series, its alerts fire, and each panel of the board has data."""

from __future__ import annotations

import json
import re
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Summary, generate_latest
from servers import running

from mvc.ops.lifecycle.watching.alerts import Watched, alerts
from mvc.ops.lifecycle.watching.dashboard import ROWS, board
from mvc.ops.lifecycle.watching.live_output import series
from mvc.ops.lifecycle.watching.rules import render
from mvc.ops.lifecycle.watching.score import LiveMetric, LiveScore, LiveVersion
from mvc.quality.policy.demands import MetricDemand
from mvc.quality.reports.report import Metric

OF = ("ranker", "v1.1.0", "ab" * 32)
SECONDS = 60
"""How long a test waits for what must happen in a second or two."""


class Exposition:
    """A bad day of a server, whose counters rise with each scrape."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        base = ("model", "version", "blake3")
        self._requests = self._made(Counter, "requests", (*base, "protocol", "code"))
        self._seconds = self._made(Histogram, "request_seconds", base)
        self._counters = [
            self._made(Counter, "rows", base).labels(*OF), self._made(Counter, "swaps", base[:1]).labels(OF[0]),
            self._made(Counter, "follow_failures", ("model", "reason")).labels(OF[0], "load"),
            self._made(Counter, "predicted", (*base, "label")).labels(*OF, "yes"),
            self._made(Counter, "log_rows", base).labels(*OF),
            self._made(Counter, "log_dropped_rows", ("model", "reason")).labels(OF[0], "disk"),
            *(self._made(Counter, f"feature_{what}", (*base, "feature")).labels(*OF, "x")
              for what in ("sum", "squares", "missing")),
        ]
        self._feature_rows = self._made(Counter, "feature_rows", (*base, "feature")).labels(*OF, "x")
        self._values = self._made(Summary, "predicted_value", base).labels(*OF)
        self._made(Gauge, "in_flight", base).labels(*OF).set(2)
        self._made(Gauge, "model_info", (*base, "stage", "ref", "path")).labels(*OF, "prod", "r#prod", "m.onnx").set(1)
        self._made(Gauge, "model_retired", base).labels(*OF).set(1)
        self._made(Gauge, "follow_last_success_timestamp_seconds", base[:1]).labels(OF[0]).set(time.time() - 1000)
        self._made(Gauge, "log_bytes", ()).set(1e6)
        self._drift = (
            "".join(f'mvc_drift_{name}{{model="ranker",version="v1.1.0",blake3="{OF[2]}"}} 1\n'
                    for name in ("detected", "columns", "drifted_columns"))
            + f'mvc_drift_statistic{{model="ranker",version="v1.1.0",blake3="{OF[2]}",column="x",test="psi"}} 0.4\n'
            + f'mvc_drift_timestamp_seconds{{model="ranker",version="v1.1.0",blake3="{OF[2]}"}} 1000\n'
        )

    def _made(self, kind: Any, name: str, labels: tuple[str, ...]) -> Any:
        return kind(f"mvc_serve_{name}", "About.", labels, registry=self._registry)

    def text(self) -> bytes:
        for code in ("200", "500"):
            self._requests.labels(*OF, "rest", code).inc(5)
        for counter in self._counters:
            counter.inc(2)
        self._feature_rows.inc(10)
        self._seconds.labels(*OF).observe(3)
        self._values.observe(0.5)
        return generate_latest(self._registry) + self._drift.encode() + series(LIVE, time.time()).encode()


LIVE = LiveScore("ranker", "classification", "0" * 64, 100, 0, 0, 0, (LiveVersion(
    *OF[1:], retired=False, rows=100, labelled=90, repeated=0, metrics=(
        LiveMetric(
            Metric("auc", 0.7, higher_is_better=True, stderr=0.01),
            Metric("auc", 0.9, higher_is_better=True, stderr=0.01),
        ),
    ),
),))
RULES = render("ranker", alerts(Watched(
    "ranker", 0.5, 0.01, ["auc"], [], [MetricDemand("auc", min=0.8)], "prod", "cd" * 32, "v1.0.0",
)))


@pytest.fixture(scope="module")
def metrics() -> Iterator[int]:
    """Serve the exposition; the port."""
    exposition = Exposition()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = exposition.text()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.fixture(scope="module")
def prometheus(metrics: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Run a Prometheus that scrapes it and judges the rules, without the time that they wait; the port."""
    folder = tmp_path_factory.mktemp("prometheus")
    (folder / "rules.yml").write_text(re.sub(r"for: \d+m", "for: 0s", RULES))
    (folder / "prometheus.yml").write_text(json.dumps({
        "global": {"scrape_interval": "300ms", "scrape_timeout": "300ms", "evaluation_interval": "300ms"},
        "rule_files": ["rules.yml"],
        "scrape_configs": [{"job_name": "mvc", "static_configs": [{"targets": [f"127.0.0.1:{metrics}"]}]}],
    }))

    def command(port: int) -> list[str | Path]:
        return [
            "prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
            f"--web.listen-address=127.0.0.1:{port}",
        ]

    with running(command, folder / "log") as port:
        yield port


def ask(port: int, path: str, **query: str) -> Any:
    url = f"http://127.0.0.1:{port}/api/v1/{path}?{urllib.parse.urlencode(query)}"
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return json.load(answer)["data"]
    except urllib.error.HTTPError as error:
        if error.code == 503:
            return {"result": [], "alerts": []}  # it is starting
        raise AssertionError(f"{query}: {error.read().decode()}") from None


def eventually(missing: Callable[[], Any]) -> None:
    """Ask again until nothing is missing."""
    end = time.monotonic() + SECONDS
    while found := missing():
        assert time.monotonic() < end, found
        threading.Event().wait(0.2)


def test_alerts_fire(prometheus: int) -> None:
    quiet = {"MvcNoTraffic", "MvcNotServed", "MvcMixedVersions"}
    names = set(re.findall(r"alert: (\w+)", RULES)) - quiet

    def missing() -> set[str]:
        return names - {item["labels"]["alertname"] for item in firing(prometheus)}

    eventually(missing)
    assert not quiet & {item["labels"]["alertname"] for item in firing(prometheus)}
    for item in firing(prometheus):
        assert not re.search(r"[<{]|no value|error", "".join(item["annotations"].values())), item["annotations"]


def firing(port: int) -> list[Any]:
    return [item for item in ask(port, "alerts")["alerts"] if item["state"] == "firing"]


def test_every_panel_has_data(prometheus: int) -> None:
    found = board("ranker")
    expressions = [target["expr"] for panel in found["panels"] for target in panel.get("targets", ())]
    expressions.append(found["annotations"]["list"][0]["expr"])
    assert len(expressions) == 1 + sum(len(panel.queries) for panels in ROWS.values() for panel in panels)
    ready = [text.replace("$__rate_interval", "5s").replace("$version", ".*") for text in expressions]

    def missing() -> list[str]:
        return [text for text in ready if not has_number(ask(prometheus, "query", query=text)["result"])]

    eventually(missing)


def has_number(result: list[Any]) -> bool:
    return any(item["value"][1] != "NaN" for item in result)
