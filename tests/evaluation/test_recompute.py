"""Whatever a report says of its predictions, computing them again ends with a result or a line of what is wrong."""

from __future__ import annotations

import io
from typing import get_args

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from mvc.errors import MvcError
from mvc.evaluation.paired import compare
from mvc.evaluation.recompute import load_predictions, recompute
from mvc.evaluation.roles import Kind
from mvc.evaluation.score import score
from mvc.quality.judge.facts import Recomputed
from mvc.quality.reports.report import Dataset, Metric, Model, Predictions, Report, label

DIGEST = "0" * 64
COLUMNS = ("truth", "predicted", "p1", "p2", "query", "country", "class", "")
CELLS = st.sampled_from([
    "0", "1", "2", "0.5", "0.25", "-1", "a", "b", "", "nan", "1e400", "1e100", "-1e100", "1e-300", "1e-49",
])
NAMES = st.sampled_from(["missing", *COLUMNS])
ANY = st.just("") | NAMES


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """Return a table of which most columns have one kind of cell."""
    kinds = [draw(st.sampled_from([["0", "1"], ["0.1", "0.9"], ["a", "b", "c"], ["1", "2", "3"]])) for _ in COLUMNS]
    count = draw(st.integers(0, 8))
    rows = [[draw(st.sampled_from(kind)) for kind in kinds] for _ in range(count)]
    if rows and draw(st.booleans()):
        rows[0][draw(st.integers(0, len(COLUMNS) - 1))] = draw(CELLS)
    return "\n".join(",".join(row) for row in [list(COLUMNS), *rows]).encode()


said = st.builds(
    Predictions, path=st.sampled_from(["p.csv", "p.jsonl", "p.parquet", "p"]), blake3=st.just(DIGEST),
    n=st.none() | st.integers(0, 8), dataset=st.sampled_from(["", "holdout"]), truth=ANY, predicted=ANY,
    scores=st.lists(NAMES, max_size=3), task=st.sampled_from(["", *get_args(Kind)]),
    positive=st.sampled_from(["", "1", "a", "x"]), group=ANY, weight=ANY, sensitive=st.lists(NAMES, max_size=2),
)
usual = st.builds(
    Predictions, path=st.just("p.csv"), blake3=st.just(DIGEST), dataset=st.just("holdout"),
    scores=st.sampled_from([[], ["p1"], ["p1", "p2", "predicted"]]), task=st.sampled_from(["", *get_args(Kind)]),
    group=st.sampled_from(["", "query"]), weight=st.sampled_from(["", "p2"]),
    sensitive=st.sampled_from([[], ["country"]]),
)
metrics = st.lists(st.builds(
    Metric, name=st.sampled_from(["auc", "accuracy", "mae", "ndcg@5", "recall", "latency"]), value=st.floats(0, 1),
    dataset=st.sampled_from(["", "holdout"]), slice=st.dictionaries(NAMES, st.sampled_from(["a", "1"]), max_size=2),
), max_size=3)


@settings(deadline=None)  # the libraries are loaded on the way
@given(said | usual, files(), metrics)
def test_any_report_and_any_file(predictions: Predictions, file: bytes, numbers: list[Metric]) -> None:
    holdout = Dataset("holdout", DIGEST)
    report = Report(2, Model(DIGEST), datasets=[holdout], metrics=numbers, predictions=predictions)
    found = recompute(report, predictions, io.BytesIO(file))
    assert isinstance(found, Recomputed)
    assert not (found.problem and found.differences)


@settings(deadline=None, max_examples=30)
@given(usual, st.sampled_from(["", "predicted", "p1"]), files(), metrics)
def test_any_two_predictions(predictions: Predictions, other: str, file: bytes, numbers: list[Metric]) -> None:
    pair = predictions, replace(predictions, predicted=other)
    try:
        old, new = (load_predictions(item, numbers, io.BytesIO(file)) for item in pair)
        tests = list(compare(old, new, {label(item) for item in score(new).metrics}))
    except MvcError:
        return
    assert all(0 < test.p <= 1 and test.ci[0] <= test.ci[1] for test in tests)
