"""`mvc drift` on text that cannot be read any more, and on single parts of a log."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest
from drift_scene import VERSION, columns, drift, part, with_model
from harness import Begin, InProcess, Repo
from pyarrow import parquet

CHANGED = "type changed: texts in the reference, bytes that are not text in the current data"


def write_cities(path: Path, encoding: str) -> None:
    rows = (f"{('Köln', 'Bonn')[row % 2]},{row % 7 / 3}" for row in range(200))
    path.write_bytes("\n".join(["city,n", *rows, ""]).encode(encoding))


@pytest.mark.parametrize("chosen", [(), ("--columns", "city")])
def test_text_that_is_no_longer_utf_8_is_drift(repo: Repo, in_process: InProcess, chosen: tuple[str, ...]) -> None:
    write_cities(repo.root / "a.csv", "utf-8")
    write_cities(repo.root / "b.csv", "latin-1")
    found = drift(repo, in_process, "--reference", "a.csv", "--current", "b.csv", *chosen, code=1)
    city = columns(found)["city"]
    assert (city["drifted"], city["note"], found["skipped"]) == (True, CHANGED, {})
    both = drift(repo, in_process, "--reference", "b.csv", "--current", "b.csv")
    assert both["skipped"] == {"city": "is of type binary"}


@pytest.mark.parametrize("type_", [pa.binary(), pa.large_binary(), pa.binary(4)])
def test_bytes_in_parquet_are_no_text(repo: Repo, in_process: InProcess, type_: pa.DataType) -> None:
    parquet.write_table(pa.table({"b": ["abcd"] * 50}), repo.root / "a.parquet")
    parquet.write_table(pa.table({"b": pa.array([b"abc\xff"] * 50, type_)}), repo.root / "b.parquet")
    found = drift(repo, in_process, "--reference", "a.parquet", "--current", "b.parquet", code=1)
    assert columns(found)["b"]["note"] == CHANGED


def test_views_of_text_are_text(repo: Repo, in_process: InProcess) -> None:
    for name, other in (("a", "x"), ("b", "y")):
        texts = pa.array([other if row % 2 else "z" for row in range(200)], pa.string_view())
        parquet.write_table(pa.table({"b": texts}), repo.root / f"{name}.parquet")
    assert drift(repo, in_process, "--reference", "a.parquet", "--current", "a.parquet")["skipped"] == {}
    found = drift(repo, in_process, "--reference", "a.parquet", "--current", "b.parquet", code=1)
    assert columns(found)["b"]["new"]["first"] == ["y"]


def test_rows_are_counted_where_no_column_can_be_compared(repo: Repo, in_process: InProcess) -> None:
    repo.write("a.csv", "x\n1\n2\n")
    repo.write("b.csv", "x\nu\nv\nw\n")
    found = drift(repo, in_process, "--reference", "a.csv", "--current", "b.csv", code=1)
    assert [found[side]["rows"] for side in ("reference", "current")] == [2, 3]


def test_a_part_is_a_log(begin: Begin, in_process: InProcess) -> None:
    model = begin(with_model)
    one, other = (f"log/ranker/part-{number}.parquet" for number in (1, 2))
    found = drift(model, in_process, "--reference", VERSION, "--current", one)
    assert (set(columns(found)), found["versions"]) == ({"w", "h"}, [VERSION])
    told = in_process(model.root, "drift", "--reference", VERSION, "--current", other)
    assert (told.code, told.out) == (2, "")
    assert f"{other} has no rows of {VERSION}: it has ranker@v1.1.0" in told.err


def test_parts_are_compared_without_what_only_the_log_says(repo: Repo, in_process: InProcess) -> None:
    for name, latency in (("a", 0.1), ("b", 9.0)):
        rows = part("v1.0.0", "d" * 64, 300, mvc_latency_seconds=[latency + row / 1e4 for row in range(300)])
        parquet.write_table(rows, repo.root / f"{name}.parquet")
    found = drift(repo, in_process, "--reference", "a.parquet", "--current", "b.parquet")
    assert set(columns(found)) == {"X_0", "X_1", "predicted"}
    assert (found["only_reference"], found["only_current"]) == ([], [])


@pytest.mark.parametrize("column", ["mvc_model", "mvc_version", "mvc_blake3"])
def test_rows_of_a_log_without_a_version(begin: Begin, in_process: InProcess, column: str) -> None:
    """No server writes them; another program may."""
    model = begin(with_model)
    path = model.root / "log/ranker/part-1.parquet"
    rows = parquet.read_table(path)
    texts = [text if place >= 100 else None for place, text in enumerate(rows[column].to_pylist())]
    place = rows.schema.get_field_index(column)
    rows = rows.set_column(place, column, pa.array(texts, pa.string()))
    parquet.write_table(rows.append_column("mvc_row", pa.array([0] * 500, pa.int32())), path)
    told = in_process(model.root, "drift", "--reference", VERSION, "--current", "log", "--json")
    if column == "mvc_model":
        assert (told.code, "has rows of several models: , ranker" in told.err) == (2, True), told
    else:
        left = 100 if column == "mvc_blake3" else 0
        assert json.loads(told.out)["current"]["rows"] == 500 - left
    model.write("labels.csv", "mvc_request_id,truth\n7,a\n200,b\n")
    told = in_process(model.root, "monitor", "score", "ranker", "--log", "log/ranker/part-1.parquet", "--truth",
                      "labels.csv")
    assert told.code == (2 if column == "mvc_blake3" else 0), told
    assert ("invalid version" in told.err) == (column == "mvc_blake3")


@pytest.mark.parametrize(("name", "content"), [
    ("e.csv", b""), ("e.csv", b"w,h\n"), ("e.csv", b"q\n1\n"), ("e.csv", b"w,w\n1,2\n"), ("e.csv", b"w,h\xe9\n1,2\n"),
    ("e.jsonl", b"{"), ("e.parquet", b"PAR1 no"), ("e.txt", b"w\n1\n"), ("missing.csv", None),
])
def test_what_cannot_be_read_is_said_with_what_to_do(
    repo: Repo, in_process: InProcess, name: str, content: bytes | None,
) -> None:
    repo.write("a.csv", "w,h\n1,2\n2,3\n")
    if content is not None:
        repo.write(name, content)
    found = in_process(repo.root, "drift", "--reference", "a.csv", "--current", name)
    assert found.code == (3 if content is None else 2)
    assert [line[:7] for line in found.err.splitlines()] == ["error: ", "  try: "], found


def test_outputs_that_cannot_be_written_and_a_reference_that_is_no_file(repo: Repo, in_process: InProcess) -> None:
    repo.write("a.csv", "w,h\n1,2\n2,3\n")
    (repo.root / "folder").mkdir()
    for option in ("--prom", "--html"):
        for place, line in (
            ("folder", "name a file, not a directory"), ("no/x", f"mkdir -p {repo.root}/no"),
            ("a.csv/x", f"check the path: ls -ld {repo.root}/a.csv"),
        ):
            told = in_process(repo.root, "drift", "--reference", "a.csv", "--current", "a.csv", option, place)
            assert (told.code, told.err.splitlines()[1]) == (3, f"  try: {line}")
    told = in_process(repo.root, "drift", "--reference", "/dev/null", "--current", "a.csv")
    assert "/dev/null is not a regular file" in told.err
