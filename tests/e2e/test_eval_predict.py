"""`mvc eval predict`: from a tracked model to the report of its predictions."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from harness import InProcess, Repo
from pyarrow import parquet
from runtime.test_load import ONNX, Doubled
from runtime.written import MODELS, NAMES, data, make, pickled

PREDICT = ("eval", "predict", "m.onnx", "d.csv", "-o")


@pytest.fixture
def model(repo: Repo, tmp_path: Path) -> Repo:
    rows, truth = data(3)
    lines = [",".join(map(str, [*row, label])) for row, label in zip(rows, truth, strict=True)]
    repo.write("d.csv", "\n".join([",".join([*NAMES, "truth"]), *lines]) + "\n")
    repo.write("m.onnx", make(ONNX, tmp_path)[1].read_bytes())
    repo.ok("add", "m.onnx")
    repo.commit("a model")
    return repo


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_predictions_are_what_eval_score_reads(
    model: Repo, in_process: InProcess, ending: str,
) -> None:
    found = in_process(model.root, *PREDICT, f"p.{ending}")
    assert found.out == f"wrote p.{ending} (60 rows, with predicted, score_0, score_1, score_2)\n", found
    score = ("eval", "score", "m.onnx", "--predictions", f"p.{ending}", "--score", "score_0,score_1,score_2")
    scored = in_process(model.root, *score, "--tag", "v1.0.0")
    assert scored.code == 0, scored
    right = np.mean(make(ONNX, model.root)[0].predict(data(3)[0]) == data(3)[1])
    assert scored.out.split("accuracy", 1)[1].split()[0] == f"{right:.6g}"


def test_the_model_that_is_run_is_the_one_of_the_pointer(model: Repo, in_process: InProcess) -> None:
    whole = (model.root / "m.onnx").read_bytes()
    (model.root / "m.onnx").unlink()
    assert in_process(model.root, *PREDICT, "p.csv").code == 0  # of the cache
    model.write("m.onnx", whole + b"\0")
    refused = in_process(model.root, *PREDICT, "q.csv")
    assert (refused.code, refused.err) == (2, "error: m.onnx differs from its pointer\n  try: mvc add m.onnx\n")
    assert not (model.root / "q.csv").exists()
    assert in_process(model.root, "eval", "predict", "HEAD:m.onnx", "d.csv", "-o", "q.csv").code == 0
    assert (model.root / "q.csv").read_bytes() == (model.root / "p.csv").read_bytes()


def test_a_model_that_may_run_code_is_refused_with_the_line_that_trusts_it(model: Repo, in_process: InProcess) -> None:
    pickled(Doubled(), model.root / "m.pkl")
    model.ok("add", "m.pkl")
    refused = in_process(model.root, "eval", "predict", "m.pkl", "d.csv", "-o", "p.csv")
    assert refused.code == 1
    assert "error: m.pkl: its pickles name what is not known to be harmless: runtime.test_load.Doubled\n" in refused.err
    assert "try: mvc eval predict m.pkl d.csv -o p.csv --trust  # runs code in the model" in refused.err
    assert in_process(model.root, "eval", "predict", "m.pkl", "d.csv", "-o", "p.csv", "--trust").code == 0


@pytest.mark.parametrize(("content", "problem"), [
    ("a,b,c,truth\n1,2,3,0\n", "d.csv: 3 columns besides 'truth', expected the 4 that the model takes"),
    ("a,b,c,d,predicted,truth\n", "d.csv: no rows"),
    ("a,b,c,d\n1,2,x,4\n", "column 'c' is of type object, and the model takes numbers"),
    ("a,a,c,d\n1,2,3,4\n", "d.csv: several columns have the same name"),
    ("", "d.csv: cannot be read as csv: Empty CSV file"),
])
def test_bad_data_is_one_error_and_nothing_is_written(
    model: Repo, in_process: InProcess, content: str, problem: str,
) -> None:
    model.write("d.csv", content)
    before = sorted(path.name for path in model.root.iterdir())
    refused = in_process(model.root, *PREDICT, "p.csv")
    assert refused.code == 2, refused
    assert refused.err.splitlines()[0] == f"error: {problem}"
    assert sorted(path.name for path in model.root.iterdir()) == before


@pytest.mark.parametrize(("target", "problem"), [
    ("p.txt", "p.txt: expected a file named *.csv, *.jsonl, *.ndjson, *.parquet"),
    ("d.csv", "d.csv is the data: predictions need a file of their own"),
    ("far/p.csv", "far does not exist"),
])
def test_a_target_that_cannot_be_written_is_an_error(
    model: Repo, in_process: InProcess, target: str, problem: str,
) -> None:
    refused = in_process(model.root, *PREDICT, target)
    assert (refused.code, refused.err.splitlines()[0]) == (2, f"error: {problem}")


def test_a_function_of_the_users_loads_any_format(model: Repo) -> None:
    model.write("mine.py", "class Half:\n    def predict(self, rows):\n        return rows[:, 0] / 2\n"
                           "def load(path):\n    return Half()\n")
    model.write("m.bin", "of my own")
    model.ok("add", "m.bin")
    line = ("eval", "predict", "m.bin", "d.csv", "-o", "p.csv")
    refused = model.mvc(*line)
    assert refused.code == 2
    assert "try: mvc eval predict m.bin d.csv -o p.csv --loader MODULE:FUNCTION" in refused.err
    assert "(60 rows, with predicted)" in model.ok(*line, "--loader", "mine:load").out


def test_a_missing_number_is_left_out_of_json_lines(model: Repo) -> None:
    table = pa.table({**{name: [0.5, 1.5] for name in NAMES}, "age": [float("nan"), 40.0], "truth": [0, 1]})
    model.write("mine.py", "import numpy as np\nclass M:\n    def predict(self, rows):\n"
                           "        return np.zeros(len(rows), int)\ndef load(path):\n    return M()\n")
    parquet.write_table(table, model.root / "d.parquet")
    model.ok("eval", "predict", "m.onnx", "d.parquet", "-o", "p.jsonl", "--loader", "mine:load")
    assert ["age" in json.loads(line) for line in model.read("p.jsonl").splitlines()] == [False, True]


def test_a_model_inside_a_tracked_directory(model: Repo, in_process: InProcess) -> None:
    (model.root / "box").mkdir()
    model.write("box/config.json", "{}")
    model.write("box/m.onnx", (model.root / "m.onnx").read_bytes())
    model.ok("add", "box")
    for reference in ("box/m.onnx", "box", "m.onnx"):
        found = in_process(model.root, "eval", "predict", reference, "d.csv", "-o", "p.csv")
        assert found.code == 0, found
    refused = in_process(model.root, "eval", "predict", "box/n.onnx", "d.csv", "-o", "q.csv")
    assert (refused.code, refused.err) == (2, "error: box has no file n.onnx\n  try: mvc ls -R\n")


def test_a_column_without_any_value_is_of_missing_numbers(model: Repo, in_process: InProcess, tmp_path: Path) -> None:
    booster = next(item for item in MODELS if item.name == "3.ubj")
    model.write("m.ubj", make(booster, tmp_path)[1].read_bytes())
    model.ok("add", "m.ubj")
    model.write("d.csv", "a,b,c,d,truth\n1,2,,4,0\n2,,,5,1\n")
    assert in_process(model.root, "eval", "predict", "m.ubj", "d.csv", "-o", "p.csv").code == 0
    assert len(model.read("p.csv").splitlines()) == 3


def test_ls_shows_what_a_model_takes_and_returns(model: Repo, in_process: InProcess) -> None:
    found = in_process(model.root, "-v", "ls")
    assert found.out.splitlines()[1:] == [
        "    in   X  float32[?, 4]", "    out  label  int64[?]", "    out  probabilities  float32[?, 3]",
    ]
    assert len(in_process(model.root, "ls").out.splitlines()) == 1
