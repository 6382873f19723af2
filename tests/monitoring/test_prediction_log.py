"""The prediction log: what is in it, and that nothing that goes wrong with it stops a server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from prediction_logs import Counts, classified, log
from pyarrow import parquet

from mvc.errors import MvcError, UsageError
from mvc.evaluation.live.prediction_log import find_parts, read_rows
from mvc.evaluation.predictions import Wanted
from mvc.runtime.predictor import Prediction
from mvc.serving.answered import Answered
from mvc.serving.loaded import Identity
from mvc.serving.prediction_log import log as log_module
from mvc.serving.prediction_log.folder import LogFolder
from mvc.serving.prediction_log.log import LogOptions, check_columns
from mvc.serving.tensor_model import Spec

ROW = Wanted((), ("mvc_row",), ("mvc_request_id",))


def parts(folder: Path) -> list[Path]:
    return sorted(folder.glob("*/*/part-*.parquet"))


def rows(folder: Path) -> list[dict[str, Any]]:
    return [row for part in parts(folder) for row in parquet.read_table(part).to_pylist()]


def ids(folder: Path) -> list[str]:
    return [row["mvc_request_id"] for row in rows(folder)]


def test_a_row_for_each_example(tmp_path: Path) -> None:
    counts = Counts()
    with log(tmp_path, counts) as opened:
        opened.put(classified("a", ["no", "yes"], [0.25, 0.75], city=["Bern", None]))
    first, second = rows(tmp_path)
    assert {**first, "mvc_time": first["mvc_time"].timestamp()} == {
        "mvc_request_id": "a", "mvc_row": 0, "mvc_time": 1_790_000_000.5, "mvc_model": "ranker",
        "mvc_version": "v1.0.0", "mvc_blake3": "ab" * 32, "mvc_latency_seconds": 0.01, "x": 0.0, "city": "Bern",
        "predicted": "no", "score_no": 0.75, "score_yes": 0.25,
    }
    assert (second["mvc_row"], second["city"], second["predicted"]) == (1, None, "yes")
    assert list(first)[:7] == [f"mvc_{name}" for name in (
        "request_id", "row", "time", "model", "version", "blake3", "latency_seconds")]
    assert counts.rows == {("ranker", "v1.0.0", "ab" * 32): 2}
    assert counts.bytes == sum(part.stat().st_size for part in parts(tmp_path))
    part, = parts(tmp_path)
    assert part.parent == tmp_path / "ranker/2026-09-21"
    assert oct(part.stat().st_mode & 0o777) == "0o640"
    assert parquet.read_schema(part).metadata[b"mvc.log"] == b"1"


def request(values: dict[str, Any], n: int, predicted: Any = None) -> Answered:
    output = np.zeros(n) if predicted is None else predicted
    return Answered("r", 0.0, Identity("m", "", "00" * 32), 0.0, values, len(output), Prediction(output, {}))


@pytest.mark.parametrize(("values", "wanted"), [
    (np.array([[1, 2], [3, 4]], np.int64), {"x_0": pa.int64(), "x_1": pa.int64()}),
    (np.array([1.5, 2], np.float32), {"x": pa.float32()}),
    (np.array([[1.5], [2]], np.float32), {"x": pa.float32()}),
    (np.array([True, False]), {"x": pa.bool_()}),
    (np.array(["a", "bb"]), {"x": pa.string()}),
    (np.array([b"a", b"\xff"], object), {"x": pa.string()}),
    (np.array(["a", 1], object), {"x": pa.string()}),
    (np.array(["2026-01-01", "2026-01-02"], "datetime64[us]"), {"x": pa.timestamp("us")}),
    (np.zeros((2, 3, 3), np.uint8), {"x": pa.list_(pa.uint8(), 9)}),
    (np.zeros((2, 2000), np.float32), {"x": pa.list_(pa.float32(), 2000)}),
])
def test_types_stay(tmp_path: Path, values: Any, wanted: dict[str, Any]) -> None:
    with log(tmp_path) as opened:
        opened.put(request({"x": values}, 2))
    schema = parquet.read_schema(parts(tmp_path)[0])
    assert {field.name: field.type for field in schema if field.name.startswith("x")} == wanted
    assert sum(part.rows for part in find_parts(str(tmp_path), fail)) == 2


def fail(message: str, fix: str) -> None:
    raise AssertionError(message)


def test_names_of_inputs_that_the_log_has(tmp_path: Path) -> None:
    with log(tmp_path, drop=frozenset({"predicted"}), hash=frozenset({"mvc_row"})) as opened:
        opened.put(request({"predicted": np.ones(1), "mvc_row": np.ones(1), "score_a": np.ones(1)}, 1))
    row, = rows(tmp_path)
    assert row["predicted"] == row["mvc_row"] == 0
    assert len(row["input_mvc_row"]) == 32
    assert "input_predicted" not in row
    assert row["input_score_a"] == 1


def test_another_type_begins_a_part(tmp_path: Path) -> None:
    with log(tmp_path) as opened:
        for values in (np.zeros(1), np.zeros(1), np.zeros(1, np.int64), np.array(["a"]), np.array(["ab"])):
            opened.put(request({"x": values}, 1))
    assert sorted(parquet.read_metadata(part).num_rows for part in parts(tmp_path)) == [1, 2, 2]


def test_types_that_take_turns_do_not_make_a_part_for_each_request(tmp_path: Path) -> None:
    with log(tmp_path) as opened:
        for place in range(20):
            opened.put(request({"x": np.zeros(1, (np.float32, np.float64)[place % 2])}, 1))
    assert sorted(parquet.read_metadata(part).num_rows for part in parts(tmp_path)) == [10, 10]


def test_layouts_without_end_do_not_stay_in_memory(tmp_path: Path) -> None:
    counts = Counts()
    with log(tmp_path, counts) as opened:
        for place in range(30):
            opened.put(request({f"x{place}": np.zeros(1)}, 1))
        with counts.news:
            assert counts.news.wait_for(lambda: counts.rows.total() >= 22, timeout=60)
    assert len(parts(tmp_path)) == 30


def test_an_input_without_rows_is_in_each_row(tmp_path: Path) -> None:
    with log(tmp_path) as opened:
        for n in (2, 3):
            weights = np.array([1.0, 2.0, 3.0, 4.0])
            opened.put(request({"x": np.arange(n), "threshold": np.array(0.5), "weights": weights}, n))
    found = rows(tmp_path)
    assert [row["x"] for row in found] == [0, 1, 0, 1, 2]
    assert {(row["threshold"], row["weights_0"], row["weights_3"]) for row in found} == {(0.5, 1.0, 4.0)}


@pytest.mark.parametrize("kind", [object, str])
def test_text_that_is_not_unicode_costs_no_rows(tmp_path: Path, kind: type) -> None:
    counts = Counts()
    with log(tmp_path, counts) as opened:
        for text in ("a", "\ud800", "\0"):
            opened.put(request({"x": np.zeros(1)}, 1, np.array([text], kind)))
    assert [row["predicted"] for row in rows(tmp_path)] == ["a", "?", "" if kind is str else "\0"]


def test_long_texts_fill_the_queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_module, "QUEUE", 5000)
    counts = Counts()
    with log(tmp_path, counts) as opened:
        opened.put(request({"x": np.array(["a" * 10_000], object)}, 1))
    assert counts.dropped["queue"] == 1


def test_an_input_without_rows_counts_for_each_row(tmp_path: Path) -> None:
    """A client could fill the memory with few bytes: 800 MB here."""
    counts = Counts()
    with log(tmp_path, counts) as opened:
        opened.put(request({"x": np.zeros(100_000), "constant": np.zeros(1000)}, 100_000))
    assert counts.dropped["queue"] == 100_000


def test_a_type_that_parquet_does_not_have(tmp_path: Path) -> None:
    counts = Counts()
    with log(tmp_path, counts) as opened:
        opened.put(request({"x": np.zeros(3, np.complex128)}, 3))
        opened.put(classified("a", ["no"], [0.1]))
    assert counts.dropped == {"failed": 3}
    assert ids(tmp_path) == ["a"]


# Sampling, privacy.


def test_a_sample_is_by_request_and_the_same_everywhere(tmp_path: Path) -> None:
    counts = Counts()
    for name in ("a", "b"):
        with log(tmp_path / name, counts, sample=0.3) as opened:
            for place in range(500):
                opened.put(classified(str(place), ["no", "yes"], [0.1, 0.9]))
    found = ids(tmp_path / "a")
    assert found == ids(tmp_path / "b")
    assert set(Counter(found).values()) == {2}
    assert 100 < len(found) / 2 < 200
    assert counts.dropped == {"sampled": 2 * (1000 - len(found))}


def test_hidden_columns(tmp_path: Path) -> None:
    counts = Counts()
    for folder in ("a", "a", "b"):
        with log(tmp_path / folder, counts, drop=frozenset({"x"}), hash=frozenset({"name"})) as opened:
            opened.put(classified("r", ["no", "no", "no"], [0.1] * 3, name=["Ada", "Bob", None]))
    assert "Ada" not in "".join(map(str, rows(tmp_path / "a")))
    first, second, none, again, *_ = rows(tmp_path / "a")
    assert first["name"] == again["name"] != second["name"]
    assert (len(first["name"]), none["name"]) == (32, None)
    assert first["name"] != rows(tmp_path / "b")[0]["name"], "another key"
    assert "x" not in first
    assert oct((tmp_path / "a/.key").stat().st_mode & 0o777) == "0o600"
    assert not counts.said


def test_a_hidden_column_that_is_not_there_is_said_once(tmp_path: Path) -> None:
    counts = Counts()
    with log(tmp_path, counts, drop=frozenset({"ssn"})) as opened:
        for _ in range(3):
            opened.put(classified("a", ["no"], [0.1]))
            opened.put(request({"other": np.zeros(1)}, 1))
    assert len(counts.said) == 2
    assert "ssn" in counts.said[0][0]


@pytest.mark.parametrize(("options", "spec", "message"), [
    ({"drop": frozenset({"nmae"})}, Spec("name", "BYTES", (-1,)), "they take name"),
    ({"hash": frozenset({"x_2"})}, Spec("x", "FP32", (-1, 2)), "they take x, x_0, x_1"),
])
def test_unknown_columns_are_refused(options: dict[str, Any], spec: Spec, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        check_columns(LogOptions("log", **options), [[spec]])


def test_columns_of_a_model_that_does_not_name_them() -> None:
    check_columns(LogOptions("log", drop=frozenset({"any"})), [[]])
    check_columns(LogOptions("log", drop=frozenset({"x_1", "x"})), [[Spec("x", "FP32", (-1, 2))]])


@pytest.mark.parametrize("options", [
    {"sample": 0}, {"sample": 1.5}, {"sample": float("nan")}, {"limit": 1000},
    {"drop": frozenset({"a"}), "hash": frozenset({"a"})},
])
def test_invalid_options(tmp_path: Path, options: dict[str, Any]) -> None:
    with pytest.raises(UsageError), log(tmp_path, **options):
        pass


# Time, size.


def test_a_part_is_there_soon(tmp_path: Path) -> None:
    counts = Counts()
    with log(tmp_path, counts, seconds=0) as opened:
        opened.put(classified("a", ["no"], [0.1]))
        with counts.news:
            assert counts.news.wait_for(lambda: counts.rows, timeout=60)
        assert ids(tmp_path) == ["a"]


def test_the_oldest_parts_go(tmp_path: Path) -> None:
    folder = LogFolder(str(tmp_path), 1000)
    for day in range(20):
        size = folder.add(("a", "b")[day % 2], day * 86400.0, bytes(300))
        assert size <= 1000
    assert [part.parent.name for part in sorted(parts(tmp_path), key=lambda part: part.name)] == [
        "1970-01-18", "1970-01-19", "1970-01-20"]
    folder.close()


def test_a_full_queue_drops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_module, "QUEUE", 10)
    counts = Counts()
    with log(tmp_path, counts) as opened:
        opened.put(classified("a", ["no", "no"], [0.1, 0.1]))
    opened.put(classified("late", ["no"], [0.1]))
    opened.flush()
    assert counts.dropped == {"queue": 3}


# Faults.


@pytest.fixture
def small_disk(tmp_path: Path) -> Any:
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk(small_disk: Path) -> None:
    counts = Counts()
    filler = small_disk / "filler"
    filler.write_bytes(bytes(48 << 10))
    noise = np.random.default_rng(1)
    with log(small_disk / "log", counts, seconds=0) as opened:

        def send(name: str, count: int) -> None:
            before = counts.rows.total() + counts.dropped["disk"]
            opened.put(request({"x": noise.random((1, count))}, 1)._replace(request_id=name))
            with counts.news:
                assert counts.news.wait_for(lambda: counts.rows.total() + counts.dropped["disk"] > before, timeout=60)

        for name in "ab":
            send(name, 900)
        assert (counts.dropped["disk"], len(counts.said)) == (2, 1)
        assert "No space left on device" in counts.said[0][0]
        filler.unlink()
        send("c", 2)
    assert ids(small_disk / "log") == ["c"]
    assert len(counts.said) == 2
    assert not [path for path in (small_disk / "log").rglob("*") if path.is_file() and path.parent.name != "1970-01-01"]


def test_a_full_disk_at_the_start(small_disk: Path) -> None:
    counts = Counts()
    (small_disk / "filler").write_bytes(bytes(64 << 10))
    with log(small_disk / "log", counts) as opened:
        opened.put(classified("a", ["no"], [0.1]))
    assert counts.dropped["disk"] in (0, 1)


@pytest.mark.parametrize("kind", ["file", "read-only"])
def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "log"
    if kind == "file":
        folder.write_text("")
        with pytest.raises(MvcError, match="log"), log(folder):
            pass
        return
    folder.mkdir()
    subprocess.run(["mount", "--bind", "-o", "ro", str(folder), str(folder)], check=True)
    try:
        with pytest.raises(MvcError, match="Read-only"), log(folder):
            pass
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_folder_that_is_removed_while_it_is_used(tmp_path: Path) -> None:
    import shutil

    counts = Counts()
    with log(tmp_path / "log", counts) as opened:
        shutil.rmtree(tmp_path / "log")
        opened.put(classified("a", ["no"], [0.1]))
    assert counts.dropped["disk"] + counts.rows.total() == 1


WRITER = """
import sys, time
sys.path.insert(0, {tests!r})
from pathlib import Path
from prediction_logs import classified, log
with log(Path({folder!r}), seconds=0.02) as opened:
    for place in range({count}):
        opened.put(classified(f"{name}{{place}}", ["no", "yes"], [0.1, 0.9]))
        if {slow}:
            print(place, flush=True)
            time.sleep(0.001)
"""


def writer(folder: Path, name: str, count: int, *, slow: bool) -> subprocess.Popen[bytes]:
    code = WRITER.format(tests=str(Path(__file__).parents[1]), folder=str(folder), name=name, count=count, slow=slow)
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)


def test_two_writers(tmp_path: Path) -> None:
    writers = [writer(tmp_path, name, 300, slow=False) for name in "ab"]
    assert [process.wait(60) for process in writers] == [0, 0]
    for process in writers:
        assert process.stdout is not None
        process.stdout.close()
    assert sorted(ids(tmp_path)) == sorted(f"{name}{place}" for name in "ab" for place in range(300) for _ in "nr")


def test_a_kill_leaves_complete_parts(tmp_path: Path) -> None:
    process = writer(tmp_path, "a", 100_000, slow=True)
    assert process.stdout is not None
    for _ in range(1500):
        process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    found = find_parts(str(tmp_path), fail)
    assert sum(batch.num_rows for batch in read_rows(found, ROW, fail)) == sum(part.rows for part in found)
    left = tmp_path / ".tmp"
    assert os.listdir(left)
    with log(tmp_path):
        assert len(os.listdir(left)) == 1, "that of the dead process is gone"


# Reading.


def test_what_is_no_part_is_named(tmp_path: Path) -> None:
    with log(tmp_path) as opened:
        opened.put(classified("a", ["no"], [0.1]))
    part, = parts(tmp_path)
    whole = part.read_bytes()
    (tmp_path / "notes.txt").write_text("")
    part.with_name("part-cut.parquet").write_bytes(whole[:-10])
    part.with_name("part-flipped.parquet").write_bytes(whole[:40] + bytes([whole[40] ^ 8]) + whole[41:])
    parquet.write_table(pa.table({"x": [1]}), part.with_name("other.parquet"))
    said: list[str] = []
    found = find_parts(str(tmp_path), lambda message, fix: said.append(message))
    assert {os.path.basename(item.path) for item in found} == {part.name, "part-flipped.parquet"}
    columns = tuple(name for name, kind in found[0].kinds.items() if kind in ("number", "integer"))
    read = read_rows(found, Wanted((), columns, ("mvc_request_id",)), lambda message, fix: said.append(message))
    assert sum(batch.num_rows for batch in read) == 1
    assert len(said) == 4
    for name in ("notes.txt", "part-cut", "part-flipped", "other"):
        assert any(name in line for line in said), name
