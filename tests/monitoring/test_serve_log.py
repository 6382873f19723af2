"""`mvc serve --log`: what a real server keeps, until it stops."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from harness import Repo
from pyarrow import parquet
from serving.running import ROW, filtering, matrix, scaled, serving

from mvc.ops.lifecycle.watching.dashboard import board


def served(repo: Repo) -> None:
    """A model, tracked."""
    repo.write("scaled.onnx", scaled(2.0))
    repo.ok("add", "scaled.onnx")
    repo.commit()


def test_requests_are_kept_until_the_server_stops(begin: Callable[..., Repo]) -> None:
    repo = begin(served)
    with serving(repo, "scaled.onnx", "--log", "log", "--log-drop", "X_1", "--log-hash", "X_2") as server:
        for place in range(3):
            code, answer = server.ask("/v2/models/scaled/infer", {"id": f"r{place}", **matrix([ROW, ROW])})
            assert code == 200, answer
        code, answer = server.ask("/v2/models/scaled/infer", matrix([ROW]))
        series = server.ask("/metrics")[1]
        assert server.stop() == 0
    rows = [row for part in sorted(repo.root.glob("log/*/*/*.parquet")) for row in parquet.read_table(part).to_pylist()]
    assert [(row["mvc_request_id"], row["mvc_row"]) for row in rows] == [
        *((f"r{place}", row) for place in range(3) for row in range(2)), (answer["id"], 0)]
    assert {row["mvc_blake3"] for row in rows} == {repo.digest("scaled.onnx")}
    first = rows[0]
    assert (first["X_0"], first["X_3"]) == (ROW[0], ROW[3])
    assert "X_1" not in first
    assert len(first["X_2"]) == 32
    assert 0 < first["mvc_latency_seconds"] < 60
    assert {name for name in _series_of_the_board() if name not in series} == set()


def test_an_answer_without_rows_costs_nobody_anything(begin: Callable[..., Repo]) -> None:
    """It ended the log and `/metrics`, and another client's request was a 500."""
    repo = begin(served)
    repo.write("filtering.onnx", filtering())
    repo.ok("add", "filtering.onnx")
    with serving(repo, "scaled.onnx", "filtering.onnx", "--log", "log") as server:
        code, answer = server.infer("filtering", [[0.0] * 4])
        assert (code, answer["outputs"][0]["shape"]) == (200, [0])
        assert {server.infer("scaled", [ROW, ROW])[0] for _ in range(511)} == {200}
        assert server.infer("filtering", [ROW])[0] == 200
        assert server.metric("mvc_serve_rows_total", model="scaled") == 1022
        assert server.stop() == 0
        assert server.lines.empty()
    found = [parquet.read_metadata(part).num_rows for part in repo.root.glob("log/scaled/*/*.parquet")]
    assert sum(found) == 1022
    assert [*repo.root.glob("log/filtering/*/*.parquet")]


def _series_of_the_board() -> set[str]:
    text = " ".join(target["expr"] for panel in board("m")["panels"] for target in panel.get("targets", ()))
    values = {f"mvc_serve_predicted_{what}" for what in ("total", "value_sum", "value_count")}  # it has four outputs
    return set(re.findall(r"mvc_serve_\w+", text)) - values


@pytest.mark.parametrize(("options", "message"), [
    (("--log-drop", "X_1"), "options of the log are given, but no folder"),
    (("--log", "log", "--log-drop", "X_9"), "no model takes a column 'X_9'"),
    (("--log", "log", "--log-sample", "0"), "invalid rate 0"),
    (("--log", "log", "--log-limit", "10kB"), "expected at least 1 MiB"),
    (("--log", "scaled.onnx"), "scaled.onnx"),
])
def test_options_that_are_refused(begin: Callable[..., Repo], options: tuple[str, ...], message: str) -> None:
    repo = begin(served)
    result = repo.mvc("serve", "scaled.onnx", "--port", "0", "--grpc-port", "off", *options)
    assert message in result.err
    assert result.code in (2, 3)
