"""Requests that the metrics or the log cannot take: they cost their own rows, and nothing else."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from prediction_logs import Counts, classified, log
from pyarrow import parquet

from mvc.errors import InvalidFormat
from mvc.runtime.predictor import Prediction
from mvc.serving.answered import Answered
from mvc.serving.answers import Answers, Joined
from mvc.serving.loaded import Identity
from mvc.serving.prediction_log.folder import LogFolder, TooLarge
from mvc.serving.prediction_log.log import LogOptions, check_folder
from mvc.serving.prediction_log.parts import Parts
from mvc.serving.summaries import Summaries

ID = Identity("m", "v1.0.0", "00" * 32)


def request(values: dict[str, Any], predicted: Any, name: str = "r") -> Answered:
    return Answered(name, 0.0, ID, 0.0, values, len(predicted), Prediction(predicted, {}))


def rows(folder: Path) -> list[dict[str, Any]]:
    found = sorted(folder.glob("*/*/part-*.parquet"))
    return [row for part in found for row in parquet.read_table(part).to_pylist()]


def ids(folder: Path) -> list[str]:
    return [row["mvc_request_id"] for row in rows(folder)]


# A model whose answer has no rows.


@pytest.mark.parametrize("shape", [(1, 4), (4,), (), (1, 2, 2)])
def test_an_answer_without_rows_is_in_no_part(tmp_path: Path, shape: tuple[int, ...]) -> None:
    counts, sums = Counts(), Summaries()
    with log(tmp_path, counts) as opened:
        opened.read_by(sums.add, "the sums")
        opened.put(request({"X": np.zeros(shape)}, np.zeros(0, np.float32)))
        opened.put(classified("a", ["no"], [0.1]))
    assert ids(tmp_path) == ["a"]
    assert not counts.said
    assert not counts.dropped
    assert sums.by_version()[ID].values.rows == 0
    assert len(sums.by_version()) == 2


def test_a_sample_of_which_nothing_is_chosen(tmp_path: Path) -> None:
    """It divided by the number of requests."""
    counts = Counts()
    with log(tmp_path, counts, sample=1e-9) as opened:
        for _ in range(2):
            opened.put(classified("a", ["no", "yes"], [0.1, 0.9]))
            opened.flush()
    assert counts.dropped == {"sampled": 4}
    assert not counts.said


# What goes on, whatever is raised.


def test_a_reader_that_raises_costs_only_its_own_group() -> None:
    said: list[str] = []
    lost: list[tuple[str, int]] = []
    seen: list[str] = []
    answers = Answers(said.append)

    def read(joined: Joined) -> None:
        if joined.identity.model == "m":
            raise ZeroDivisionError("of the reader")

    answers.read_by(read, "the log", lambda *args: lost.append(args))
    answers.read_by(lambda joined: seen.extend(joined.ids), "the metrics")
    for _ in range(2):
        answers.put(request({"X": np.zeros(3)}, np.zeros(3), "a"))
        answers.put(classified("b", ["no"], [0.1]))
        answers.flush()
    assert seen == ["a", "b"] * 2
    assert lost == [("m", 3)] * 2
    assert said == ["m v1.0.0: requests are not in the log: ZeroDivisionError: of the reader"]


def test_the_request_that_completes_a_group_does_not_pay_for_a_reader() -> None:
    answers = Answers()
    read: list[int] = []

    def fail(joined: Joined) -> None:
        read.append(len(joined.ids))
        raise ValueError

    answers.read_by(fail, "the log")
    for _ in range(512):
        answers.put(classified("a", ["no"], [0.1]))
    assert read == [512]


@pytest.mark.parametrize("step", ["add", "write_due"])
def test_the_thread_goes_on_after_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    counts, real, raised = Counts(), getattr(Parts, step), []

    def fails_first(parts: Parts, *args: Any) -> None:
        if not raised:
            raised.append(True)
            raise (KeyError if step == "add" else GeneratorExit)("nobody thought of it")
        real(parts, *args)

    monkeypatch.setattr(Parts, step, fails_first)
    with log(tmp_path, counts, seconds=0) as opened:
        if step == "add":
            opened.put(classified("a", ["no", "no"], [0.1, 0.1]))
            with counts.news:
                assert counts.news.wait_for(lambda: counts.dropped["failed"] == 2, timeout=60)
        opened.put(classified("b", ["no"], [0.1]))
        with counts.news:
            assert counts.news.wait_for(lambda: counts.rows, timeout=60)
    assert ids(tmp_path) == ["b"]
    assert [message for message, _ in counts.said] == [
        "the prediction log has an error, and goes on: " + (
            "KeyError: 'nobody thought of it'" if step == "add" else "GeneratorExit: nobody thought of it")]


# A request that is larger than the log.


def test_a_request_larger_than_the_log_costs_no_other(tmp_path: Path) -> None:
    """It removed all parts, and made one of twenty times the limit."""
    counts, noise = Counts(), np.random.default_rng(1)
    limit = 1 << 20
    with log(tmp_path, counts, limit=limit) as opened:
        opened.put(request({"x": noise.random((1, 4))}, np.zeros(1), "old"))
    with log(tmp_path, counts, limit=limit) as opened:
        opened.put(request({"x": noise.random((2, 4))}, np.zeros(2), "before"))
        for name in ("large", "larger"):
            opened.put(request({"x": noise.random((100_000, 4))}, np.zeros(100_000), name))
        opened.put(request({"x": noise.random((1, 4))}, np.zeros(1), "after"))
    assert sorted(ids(tmp_path)) == ["after", "before", "before", "old"]
    assert counts.dropped == {"limit": 200_000}
    (message, _), = counts.said
    assert "m v1.0.0: a request is too large for the prediction log: " in message
    assert "--log-limit is 1,048,576" in message


def test_a_large_request_that_compresses_is_in_the_log(tmp_path: Path) -> None:
    counts = Counts()
    with log(tmp_path, counts, limit=1 << 20) as opened:
        opened.put(request({"x": np.zeros((1, 4))}, np.zeros(1), "before"))
        opened.put(request({"x": np.zeros((100_000, 4))}, np.zeros(100_000), "large"))
    assert len(ids(tmp_path)) == counts.rows.total() == 100_001
    assert not counts.dropped


def test_a_part_larger_than_the_limit_removes_nothing(tmp_path: Path) -> None:
    folder = LogFolder(str(tmp_path), 1000)
    folder.add("m", 0, bytes(600))
    with pytest.raises(TooLarge):
        folder.add("m", 1, bytes(1001))
    assert [path.stat().st_size for path in tmp_path.glob("*/*/part-*")] == [600]
    assert folder.add("m", 2, bytes(1000)) == 1000
    folder.close()


# Inputs of any name and shape, as a client may send them to a model without a signature.


@pytest.mark.parametrize("order", [("X", "X_0"), ("X_0", "X")])
def test_two_columns_of_one_name_stay_two(tmp_path: Path, order: tuple[str, str]) -> None:
    counts, sums = Counts(), Summaries()
    given = {"X": np.array([[1.0, 2.0], [3.0, 4.0]]), "X_0": np.array([5.0, 6.0])}
    with log(tmp_path, counts) as opened:
        opened.read_by(sums.add, "the sums")
        opened.put(request({name: given[name] for name in order}, np.zeros(2)))
    assert [(row["X_0"], row["input_X_0"], row["X_1"]) for row in rows(tmp_path)] == [(5, 1, 2), (6, 3, 4)]
    features = sums.by_version()[ID].features
    assert {name: feature.total for name, feature in features.items()} == {"X_0": 11, "input_X_0": 4, "X_1": 6}
    assert not counts.said


def test_names_that_only_look_changed(tmp_path: Path) -> None:
    with log(tmp_path) as opened:
        inputs = {"mvc_a": np.ones(1), "input_mvc_a": np.zeros(1), "predicted_1": np.ones(1) * 2}
        opened.put(request(inputs, np.array([[7.0, 8.0]])))
    row, = rows(tmp_path)
    assert (row["input_mvc_a"], row["input_input_mvc_a"], row["input_predicted_1"]) == (0, 1, 2)
    assert (row["predicted_0"], row["predicted_1"]) == (7, 8)


@pytest.mark.parametrize("hidden", [{"drop": frozenset({"X_0"})}, {"hash": frozenset({"X_0"})}])
def test_a_hidden_name_hides_both_columns_that_have_it(tmp_path: Path, hidden: dict[str, Any]) -> None:
    with log(tmp_path, **hidden) as opened:
        opened.put(request({"X": np.array([[1.0, 2.0]]), "X_0": np.array([5.0])}, np.zeros(1)))
    row, = rows(tmp_path)
    assert row["X_1"] == 2
    assert all(isinstance(row.get(name, ""), str) for name in ("X_0", "input_X_0"))


@pytest.mark.parametrize("shape", [(2, 0), (2, 0, 3), (2, 3, 0)])
def test_an_input_without_values_is_left_out(tmp_path: Path, shape: tuple[int, ...]) -> None:
    """It was told as a full disk."""
    counts = Counts()
    with log(tmp_path, counts) as opened:
        opened.put(request({"X": np.zeros(shape), "y": np.ones(2)}, np.zeros(2)))
    assert [row["y"] for row in rows(tmp_path)] == [1, 1]
    assert not [name for name in rows(tmp_path)[0] if name.startswith("X")]
    assert not counts.dropped
    assert not counts.said


# Hashed columns, and their key.


def digests(folder: Path, *values: Any) -> list[str]:
    """The digests of columns of one value each."""
    with log(folder, hash=frozenset({"x"})) as opened:
        for place, value in enumerate(values):
            opened.put(request({"x": value}, np.zeros(1), f"{place:03}"))
    return [row["x"] for row in sorted(rows(folder), key=lambda row: str(row["mvc_request_id"]))]


@pytest.mark.parametrize("equal", [
    [np.array([5], np.int64), np.array([5], np.uint8), np.array([5.0]), np.array([5], np.float32),
     np.array([5], np.float16), np.array([5.0], object), np.array(["5"], object)],
    [np.array([0.0]), np.array([-0.0]), np.array([-0.0], np.float32), np.array([0], np.int32)],
    [np.array([0.1], np.float32), np.array([0.1]), np.array([0.1], np.float16), np.array([0.1], object)],
    [np.array([1e-7], np.float32), np.array([1e-7])],
    [np.array([1 << 60], np.int64), np.array([1 << 60], np.float32), np.array([2.0 ** 60])],
    [np.array([-np.inf], np.float32), np.array([-np.inf])],
], ids=["whole", "zero", "fraction", "small", "large", "infinite"])
def test_equal_values_have_one_digest(tmp_path: Path, equal: list[Any]) -> None:
    found = digests(tmp_path, *equal)
    assert len(found) == len(equal)
    assert len({*found}) == 1


def test_other_values_have_other_digests(tmp_path: Path) -> None:
    values = [0.1, np.nextafter(0.1, 1), 1.0, 2.0 ** 53, 2.0 ** 53 + 2, np.inf, -np.inf, -0.1]
    found = digests(tmp_path, *(np.array([value]) for value in values), np.array([True]), np.array([2**53 + 1]))
    assert len({*found}) == len(values) + 2


def test_a_missing_number_has_no_digest(tmp_path: Path) -> None:
    assert digests(tmp_path, np.array([np.nan], np.float32), np.array([None], object)) == [None, None]


def _wrong_key(path: Path, kind: str) -> None:
    if kind == "pipe":
        os.mkfifo(path, 0o600)
        return
    if kind == "link":
        path.symlink_to("elsewhere")
        return
    path.write_bytes(bytes(31 if kind == "short" else 32))
    path.chmod({"read": 0o644, "group": 0o640, "changed": 0o620}.get(kind, 0o600))
    if kind == "of another":
        os.chown(path, 65534, 65534)


@pytest.mark.parametrize(("kind", "message"), [
    ("pipe", "not a regular file"), ("link", "is a symlink"), ("read", "can be read by others"),
    ("group", "can be read by others"), ("changed", "can be changed by others"), ("of another", "is of another user"),
    ("short", "has 31 bytes"),
])
def test_a_key_that_others_know_is_refused(tmp_path: Path, kind: str, message: str) -> None:
    _wrong_key(tmp_path / ".key", kind)
    with pytest.raises(InvalidFormat, match=message) as caught:
        check_folder(LogOptions(str(tmp_path), hash=frozenset({"x"})))
    assert caught.value.message.startswith(f"{tmp_path}/.key ")
    assert "\n" not in caught.value.message
    check_folder(LogOptions(str(tmp_path)))
    if caught.value.fix != "choose another folder":
        subprocess.run(caught.value.fix, shell=True, check=True)
        check_folder(LogOptions(str(tmp_path), hash=frozenset({"x"})))


def test_a_key_is_kept(tmp_path: Path) -> None:
    first, again = (digests(tmp_path, np.array([1])) for _ in range(2))
    assert again == first * 2
