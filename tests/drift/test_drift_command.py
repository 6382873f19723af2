"""`mvc drift` on files, on the data set of a model's report, and on a prediction log."""

from __future__ import annotations

import json
import re
import subprocess
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from drift_scene import VERSION, columns, drift, part, table, with_model
from harness import PROJECT, Begin, InProcess, Repo
from prometheus_client.parser import text_string_to_metric_families
from pyarrow import csv, parquet


@pytest.fixture
def model(begin: Begin) -> Repo:
    return begin(with_model)


def refused(repo: Repo, in_process: InProcess, *words: str, code: int = 2) -> str:
    found = in_process(repo.root, "drift", *words)
    assert (found.code, found.out) == (code, ""), found
    return found.err


# References.


def test_a_version_is_compared_with_its_rows_of_the_log(model: Repo, in_process: InProcess) -> None:
    found = drift(model, in_process, "--reference", VERSION, "--current", "log")
    assert (found["model"], found["version"], len(found["blake3"])) == ("ranker", "v1.0.0", 64)
    assert (found["reference"]["rows"], len(found["reference"]["blake3"])) == (900, 64)
    assert (found["current"]["rows"], found["versions"]) == (500, [VERSION])
    assert set(columns(found)) == {"w", "h"}  # X_0 and X_1, by position
    assert (found["only_reference"], found["only_current"]) == (["truth"], ["predicted"])


@pytest.mark.parametrize("reference", [f"{rev}data/holdout.parquet" for rev in ("", "HEAD:", f"{VERSION}:")])
def test_data_is_compared_with_all_rows_of_the_log(model: Repo, in_process: InProcess, reference: str) -> None:
    found = drift(model, in_process, "--reference", reference, "--current", "log", code=1)
    assert (found["current"]["rows"], found["versions"]) == (1000, [VERSION, "ranker@v1.1.0"])
    assert [name for name, column in columns(found).items() if column["drifted"]] == ["w"]
    assert (found["model"], found["version"], found["blake3"]) == ("", "", "")


def test_the_model_in_the_workspace_stands_for_its_data(model: Repo, in_process: InProcess) -> None:
    assert drift(model, in_process, "--reference", "models/ranker.bin", "--current", "log")["version"] == "v1.0.0"


def test_the_data_set_is_that_of_the_commit(model: Repo, in_process: InProcess) -> None:
    parquet.write_table(table(50, 9).drop_columns(["country"]), model.root / "data/holdout.parquet")
    model.ok("add", "-q", "data/holdout.parquet")
    model.commit("other data")
    assert drift(model, in_process, "--reference", VERSION, "--current", "log")["reference"]["rows"] == 900


def test_data_of_git_is_proven_by_its_digest(model: Repo, in_process: InProcess) -> None:
    csv.write_csv(table(300), model.root / "data/plain.csv")
    model.ok("eval", "record", "-q", "models/ranker.bin", "--bump", "minor", "--metric", "auc=0.9",
             "--dataset", "plain=data/plain.csv")
    line = ("--reference", "models/ranker.bin", "--current", "data/plain.csv")
    assert drift(model, in_process, *line)["reference"]["rows"] == 300
    csv.write_csv(table(301), model.root / "data/plain.csv")
    assert "has other content now" in refused(model, in_process, *line, code=3)


def test_one_of_several_data_sets_is_to_be_named(model: Repo, in_process: InProcess) -> None:
    csv.write_csv(table(300), model.root / "data/plain.csv")
    model.ok("eval", "record", "-q", "models/ranker.bin", "--bump", "minor", "--metric", "auc@a=0.9",
             "--dataset", "a=data/plain.csv", "--dataset", "b=data/holdout.parquet")
    told = refused(model, in_process, "--reference", "models/ranker.bin", "--current", "log")
    assert "names 2 data sets: data/plain.csv, data/holdout.parquet" in told
    assert "--reference data/plain.csv" in told


def test_rows_of_other_versions_are_not_those_of_the_reference(model: Repo, in_process: InProcess) -> None:
    (model.root / "log/ranker/part-1.parquet").unlink()
    told = refused(model, in_process, "--reference", VERSION, "--current", "log")
    assert "log has no rows of ranker@v1.0.0: it has ranker@v1.1.0" in told


def test_a_log_of_several_models_and_what_is_no_part(model: Repo, in_process: InProcess) -> None:
    (model.root / "log/notes.txt").write_text("x")
    assert "notes.txt: not a part of a prediction log: skipped" in in_process(
        model.root, "drift", "--reference", VERSION, "--current", "log").err
    parquet.write_table(part("v1.0.0", "d" * 64, 5, model="other"), model.root / "log/part-3.parquet")
    told = refused(model, in_process, "--reference", "data/holdout.parquet", "--current", "log")
    assert "several models: other, ranker" in told
    assert "no rows of a prediction log" in refused(model, in_process, "--reference", VERSION, "--current", "models")


def test_the_json_is_that_of_the_page(model: Repo, in_process: InProcess) -> None:
    page = (PROJECT / "docs/commands.md").read_text().partition("\n## mvc drift\n")[2]
    told = json.loads(page.partition("```json\n")[2].partition("```")[0])
    found = drift(model, in_process, "--reference", VERSION, "--current", "log")
    assert [*found] == [*told]
    assert [*found["reference"]] == [*told["reference"]]
    for key in ("columns", "tests", "picture", "reference"):
        one, other = (found["columns"][0], told["columns"][0])
        if key != "columns":
            one, other = ((side[key][0] if key == "tests" else side[key]) for side in (one, other))
        assert [*one] == [*other]


# Files.


@pytest.fixture
def files(repo: Repo) -> Repo:
    parquet.write_table(table(900), repo.root / "a.parquet")
    csv.write_csv(table(700), repo.root / "same.csv")
    csv.write_csv(table(700, 0.5), repo.root / "b.csv")
    return repo


def test_exit_codes_and_the_table(files: Repo, in_process: InProcess) -> None:
    same = in_process(files.root, "drift", "--reference", "a.parquet", "--current", "same.csv")
    assert (same.code, same.out.splitlines()[-1]) == (
        0, "No drift in 4 columns, 700 rows against 900 (false discovery rate 0.05).")
    other = in_process(files.root, "drift", "--reference", "a.parquet", "--current", "b.csv")
    assert other.code == 1
    first = other.out.splitlines()[1].split()
    assert first[:2] == ["drift", "w"]
    assert other.out.splitlines()[-1].startswith("Drift in 1 of 4 columns, 700 rows against 900")


def test_a_format_changes_nothing(files: Repo, in_process: InProcess) -> None:
    rows = table(400)
    rows = rows.append_column("flag", pa.array([row % 3 == 0 for row in range(400)]))
    rows = rows.append_column("gap", pa.array([None if row % 3 else row * 0.7 for row in range(400)]))
    parquet.write_table(rows, files.root / "x.parquet")
    csv.write_csv(rows, files.root / "x.csv")
    (files.root / "x.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows.to_pylist()))
    answers = [drift(files, in_process, "--reference", "x.parquet", "--current", f"x.{ending}", "--level", "0.1")
               for ending in ("parquet", "csv", "jsonl")]
    for answer in answers:
        del answer["current"]["name"]
        assert answer == answers[0]
    assert {name: column["kind"] for name, column in columns(answers[0]).items()} == {
        "w": "number", "h": "number", "gap": "number", "country": "category", "truth": "category", "flag": "category"}


def test_columns_of_all_kinds(files: Repo, in_process: InProcess) -> None:
    n, numbers = 300, table(300)["w"].to_numpy()

    def side(**more: Any) -> pa.Table:
        return pa.table({
            "both": numbers, "constant": [1.5] * n, "empty": pa.array([None] * n, pa.null()),
            "time": pa.array(range(n), pa.timestamp("s")), "list": pa.array([[1]] * n),
            "infinite": np.where(np.arange(n) < 3, np.inf, numbers),
            "late": pa.array([None] * n, pa.float64()), **more,
        })

    parquet.write_table(side(type=["x"] * n, gone=[1.0] * n), files.root / "x.parquet")
    parquet.write_table(side(type=[1] * n, extra=[1.0] * n, late=numbers), files.root / "y.parquet")
    found = drift(files, in_process, "--reference", "x.parquet", "--current", "y.parquet", code=1)
    assert (found["only_reference"], found["only_current"]) == (["gone"], ["extra"])
    assert found["skipped"] == {"time": "is of type timestamp[ms]", "list": "is of type list<element: int64>"}
    notes = {name: column["note"] for name, column in columns(found).items()}
    assert notes == {
        "both": "", "infinite": "", "constant": "the same value everywhere", "empty": "no values on both sides",
        "late": "no values in the reference",
        "type": "type changed: texts in the reference, numbers in the current data",
    }
    assert {name for name, column in columns(found).items() if column["drifted"]} == {"late", "type"}
    assert columns(found)["infinite"]["reference"]["infinite"] == 3


@pytest.mark.parametrize(("current", "told"), [
    (b"w\n" + b"2026-01-01\n" * 9, "texts in the reference, values of type date32"),
])
def test_texts_that_became_something_else_drifted(
    files: Repo, in_process: InProcess, current: bytes, told: str,
) -> None:
    files.write("x.csv", "w\n" + "München\n" * 9)
    files.write("y.csv", current)
    found = drift(files, in_process, "--reference", "x.csv", "--current", "y.csv", code=1)
    assert told in columns(found)["w"]["note"]
    assert "no column can be compared: w is of type" in refused(
        files, in_process, "--reference", "y.csv", "--current", "y.csv")


def test_more_texts_than_categories_can_have(files: Repo, in_process: InProcess) -> None:
    for name in ("x", "y"):
        texts = [f"{name}{index}" if index % 10 else None for index in range(12_000)]
        parquet.write_table(pa.table({"text": texts}), files.root / f"{name}.parquet")
    (column,) = drift(files, in_process, "--reference", "x.parquet", "--current", "y.parquet")["columns"]
    assert (column["kind"], column["reference"]["rows"], column["reference"]["missing"]) == ("text", 12_000, 1200)
    assert [test["test"] for test in column["tests"]] == ["missing"]


def test_chosen_columns(files: Repo, in_process: InProcess) -> None:
    line = ("--reference", "a.parquet", "--current", "b.csv")
    assert set(columns(drift(files, in_process, *line, "--columns", "h,country"))) == {"h", "country"}
    assert "no column 'nope' in the reference: it has w, h, country, truth" in refused(
        files, in_process, *line, "--columns", "w,nope")


def test_a_long_table_is_folded(files: Repo, in_process: InProcess) -> None:
    wide = pa.table({f"c{index}": table(50)["w"] for index in range(45)})
    parquet.write_table(wide, files.root / "x.parquet")
    line = (files.root, "drift", "--reference", "x.parquet", "--current", "x.parquet")
    assert "... and 25 more columns (-v names them)" in in_process(*line).out
    assert in_process(*line, "-v").out.count("same ") == 45


@pytest.mark.parametrize(("name", "content", "told"), [
    ("e.csv", b"", "cannot be read as csv"), ("e.csv", b"w,h\n", "no rows"), ("e.jsonl", b"", "no common column"),
    ("e.parquet", b"PAR1 no", "cannot be read as parquet"), ("e.csv", b"q,r\n1,2\n", "no common column"),
    ("e.csv", b",".join([b"w"] * 100_000) + b"\n", "100,000 columns, expected at most"),
    ("e.csv", b"w\n" + b"1\n" * 3_000_000 + b"x\n", "'x'"),
    ("e.txt", b"w\n1\n", "expected a file named"), ("missing.csv", None, "No such file"),
    ("e.csv", b"w,w\n1,2\n", "several columns"), ("e.csv", b"w,h\xe9\n1,2\n", "can't decode byte 0xe9"),
])
def test_bad_files_are_refused(
    files: Repo, in_process: InProcess, name: str, content: bytes | None, told: str,
) -> None:
    if content is not None:
        (files.root / name).write_bytes(content)
    found = in_process(files.root, "drift", "--reference", "a.parquet", "--current", name)
    assert (found.code, found.out) == (3 if content is None else 2, ""), found
    assert told in found.err
    assert len(found.err.splitlines()) <= 2


def test_a_damaged_page_is_refused(files: Repo, in_process: InProcess) -> None:
    whole = bytearray((files.root / "a.parquet").read_bytes())
    whole[4:60] = bytes(56)
    (files.root / "e.parquet").write_bytes(whole)
    told = refused(files, in_process, "--reference", "a.parquet", "--current", "e.parquet")
    assert "e.parquet: cannot be read as parquet" in told


def test_a_tracked_directory_is_no_reference_but_a_file_in_it_is(model: Repo, in_process: InProcess) -> None:
    (model.root / "sets").mkdir()
    parquet.write_table(table(40), model.root / "sets/a.parquet")
    model.ok("add", "-q", "sets")
    line = ("--current", "data/holdout.parquet", "--reference")
    assert "sets is a directory, expected a file" in refused(model, in_process, *line, "sets")
    assert drift(model, in_process, *line, "sets/a.parquet")["reference"]["rows"] == 40


@pytest.mark.parametrize("level", ["0", "1", "-0.1", "nan", "inf"])
def test_levels_that_are_none(files: Repo, in_process: InProcess, level: str) -> None:
    told = refused(files, in_process, "--reference", "a.parquet", "--current", "b.csv", f"--level={level}")
    assert "expected a number between 0 and 1" in told


@pytest.mark.parametrize("words", [(), ("--reference", "a.parquet"), ("--current", "b.csv")])
def test_both_sides_must_be_given(files: Repo, in_process: InProcess, words: tuple[str, ...]) -> None:
    assert " is given" in refused(files, in_process, *words)


# What is written.

HOSTILE = '<script>alert(1)</script>"\\\n{}'


@pytest.fixture
def hostile(files: Repo) -> Repo:
    for name, shift in (("x", 0.0), ("y", 1.0)):
        texts = [HOSTILE if row % 2 else f"{name}<b>" for row in range(200)]
        rows = {HOSTILE: table(200, shift)["w"], "kind": texts}
        parquet.write_table(pa.table(rows), files.root / f"{name}.parquet")
    return files


def test_metrics_are_read_by_prometheus(hostile: Repo, in_process: InProcess) -> None:
    found = drift(hostile, in_process, "--reference", "x.parquet", "--current", "y.parquet", "--prom", "x.prom", code=1)
    written = (hostile.root / "x.prom").read_text()
    subprocess.run(["promtool", "check", "metrics"], input=written.encode(), check=True, capture_output=True)
    samples = [sample for family in text_string_to_metric_families(written) for sample in family.samples]
    values = {sample.name: sample.value for sample in samples}
    assert (values["mvc_drift_detected"], values["mvc_drift_columns"], values["mvc_drift_drifted_columns"]) == (1, 2, 2)
    assert values["mvc_drift_rows"] == 200
    tests = {(sample.labels["column"], sample.labels["test"]): sample.value
             for sample in samples if sample.name == "mvc_drift_p_value"}
    assert len(tests) == 2
    for (name, test), p in tests.items():
        (column,) = (item for item in found["columns"] if item["name"] == name.replace("\\n", "\n"))
        (expected,) = (item["adjusted"] for item in column["tests"] if item["test"] == test)
        assert p == expected
    assert all([*sample.labels][:3] == ["model", "version", "blake3"] for sample in samples)


class Page(HTMLParser):
    """Collects elements and attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.names: set[str] = set()
        self.words = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.names |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.words += data


def test_the_page_loads_nothing_and_runs_nothing(hostile: Repo, in_process: InProcess) -> None:
    drift(hostile, in_process, "--reference", "x.parquet", "--current", "y.parquet", "--html", "x.html", code=1)
    text = (hostile.root / "x.html").read_text()
    page = Page()
    page.feed(text)
    assert not {"script", "b", "img", "link", "iframe", "a"} & set(page.tags)
    assert not {"href", "src", "style", "onload"} & page.names
    assert page.tags.count("svg") == 4  # a histogram, and a bar for each category
    assert HOSTILE.replace("\n", "\\n") in page.words
    assert re.search(r"default-src 'none'; style-src 'sha256-[A-Za-z0-9+/=]{44}'", text)
    assert "://" not in text


def test_files_are_replaced_as_a_whole_or_not_at_all(files: Repo, in_process: InProcess) -> None:
    (files.root / "x.prom").write_text("old")
    line = ("drift", "--reference", "a.parquet", "--current")
    assert in_process(files.root, *line, "nowhere.csv", "--prom", "x.prom").code == 3
    assert (files.root / "x.prom").read_text() == "old"
    assert in_process(files.root, *line, "b.csv", "--prom", "no/x.prom").code == 3
    assert in_process(files.root, *line, "b.csv", "--prom", "x.prom").code == 1
    assert (files.root / "x.prom").read_text().startswith("# HELP mvc_drift_detected")
    assert sorted(path.name for path in files.root.glob("x.prom*")) == ["x.prom"]


def test_what_is_read_is_not_written_over(files: Repo, in_process: InProcess) -> None:
    before = (files.root / "b.csv").read_bytes()
    data = ("--reference", "a.parquet", "--current", "b.csv")
    for outputs in (("--prom", "b.csv"), ("--html", "./b.csv"), ("--prom", "x", "--html", "x")):
        found = in_process(files.root, "drift", *data, *outputs)
        assert found.code == 2
        assert "would write over another file of this command" in found.err
    assert (files.root / "b.csv").read_bytes() == before
    assert not (files.root / "x").exists()
