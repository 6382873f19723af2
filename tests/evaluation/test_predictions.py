"""Predictions files: the same columns from all formats, and one clear error for each that is wrong."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from mvc.errors import MvcError
from mvc.evaluation import predictions
from mvc.evaluation.predictions import PredictionsFile, Wanted
from mvc.evaluation.roles import Loaded, Roles, kind_of, load
from mvc.evaluation.score import score

COLUMNS: dict[str, list[Any]] = {
    "truth": [0, 1, 1, 0, 1, 0], "predicted": [0, 1, 0, 0, 1, 1], "score": [0.1, 0.9, 0.4, 0.2, 0.8, 0.6],
    "country": ["DE", "NA", "DE", "NA", "DE", "NA"], "wide": [1, 10, 2, 1, 10, 2],
}


def csv(columns: dict[str, list[Any]]) -> bytes:
    rows = zip(*columns.values(), strict=True)
    return "".join(",".join(map(str, row)) + "\n" for row in (columns, *rows)).encode()


def jsonl(columns: dict[str, list[Any]]) -> bytes:
    rows = (dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def packed(columns: dict[str, Any], **said: Any) -> bytes:
    file = io.BytesIO()
    parquet.write_table(pa.table(columns), file, **said)
    return file.getvalue()


FORMATS = {"csv": csv, "jsonl": jsonl, "parquet": packed}
ROLES = Roles(scores=("score",))


def loaded(raw: bytes, ending: str = "csv", roles: Roles = ROLES) -> Loaded:
    return load(PredictionsFile(io.BytesIO(raw), f"p.{ending}"), roles)


def changed(**columns: list[Any]) -> bytes:
    return csv({**COLUMNS, **columns})


@pytest.mark.parametrize("ending", FORMATS)
def test_columns_are_the_same_in_all_formats(ending: str) -> None:
    file = PredictionsFile(io.BytesIO(FORMATS[ending](COLUMNS)), f"P.{ending.upper()}")
    table = file.read(Wanted(("truth", "country", "wide"), ("score",), ("predicted",)))
    assert table.n == 6
    assert table.texts["country"].labels == ("DE", "NA")
    assert table.texts["truth"].codes.tolist() == COLUMNS["truth"]
    assert table.texts["wide"].labels == ("1", "2", "10")
    assert table.texts["wide"].codes.tolist() == [0, 2, 1, 0, 2, 1]
    assert table.numbers["score"].tolist() == COLUMNS["score"]
    assert table.groups["predicted"].tolist() == [0, 1, 0, 0, 1, 1]


@pytest.mark.parametrize("ending", FORMATS)
def test_metrics_are_the_same_in_all_formats(ending: str) -> None:
    roles = ROLES._replace(slices=("country",))
    assert score(loaded(FORMATS[ending](COLUMNS), ending, roles)) == score(loaded(csv(COLUMNS), "csv", roles))


def test_many_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predictions, "_BATCH", 7)
    monkeypatch.setattr(predictions, "_BLOCK", 200)
    many = {"truth": [str(row % 13) for row in range(500)], "predicted": ["1"] * 500}
    for ending, write in FORMATS.items():
        table = PredictionsFile(io.BytesIO(write(many)), f"p.{ending}").read(Wanted(("truth",), ()))
        found = table.texts["truth"]
        assert [found.labels[code] for code in found.codes] == many["truth"]


def test_slices_may_be_dates_in_csv() -> None:
    found = loaded(changed(country=["2026-01-02"] * 6), roles=ROLES._replace(slices=("country",)))
    assert found.slices["country"].labels == ("2026-01-02",)


def test_labels_of_other_types_are_texts() -> None:
    raw = packed({"truth": [True, False], "predicted": pa.array(["true", "false"]).dictionary_encode()})
    assert loaded(raw, "parquet", Roles()).roles.positive == "true"
    raw = packed({"truth": [1.0, 0.0], "predicted": [1, 0], "score": np.float32([0.5, 0.25])})
    assert loaded(raw, "parquet").roles.positive == "1"


def test_predictions_are_told_by_the_scores() -> None:
    found = loaded(csv({name: COLUMNS[name] for name in ("truth", "score")}))
    assert found.examples.predicted.codes.tolist() == [0, 1, 0, 0, 1, 1]
    shares = {"truth": ["a", "b", "c"], "pa": [0.5, 0.2, 0.1], "pb": [0.3, 0.7, 0.1], "pc": [0.2, 0.1, 0.8]}
    found = loaded(csv(shares), roles=Roles(scores=("pa", "pb", "pc")))
    assert (found.examples.predicted.codes.tolist(), found.examples.positive) == ([0, 1, 2], None)


def test_the_other_label_may_be_positive() -> None:
    flipped = changed(score=[1 - value for value in COLUMNS["score"]])
    found, other = score(loaded(csv(COLUMNS))), score(loaded(flipped, roles=ROLES._replace(positive="0")))
    values, others = ({item.name: item.value for item in one.metrics} for one in (found, other))
    same = ("auc", "log_loss", "brier", "accuracy", "ece")
    assert [others[name] for name in same] == pytest.approx([values[name] for name in same])


def test_the_kind_is_told_by_the_truth() -> None:
    assert loaded(csv({"truth": [0.5, 1.5], "predicted": [1, 2]}), roles=Roles()).roles.kind == "regression"
    texts = csv({"truth": ["a", "b"], "predicted": ["a", "b"]})
    assert loaded(texts, roles=Roles(positive="a")).roles.kind == "classification"
    ranking = {"truth": [1, 0, 1], "s": [0.5, 0.2, 0.1], "q": ["x", "x", "y"]}
    assert loaded(csv(ranking), roles=Roles(scores=("s",), group="q")).roles.kind == "ranking"
    assert [kind_of(task) for task in ("tabular-regression", "ranking", "translation", "")] == [
        "regression", "ranking", None, None,
    ]


WRONG: dict[str, tuple[bytes, str, Roles, str]] = {
    "column missing": (csv(COLUMNS), "csv", ROLES._replace(truth="label"), "no column 'label': it has truth, pred"),
    "slice missing": (csv(COLUMNS), "csv", ROLES._replace(slices=("city",)), "no column 'city'"),
    "texts as scores": (csv(COLUMNS), "csv", Roles(scores=("country",)), "'country' is text, expected numbers"),
    "a text among scores": (changed(score=[0.1] * 5 + ["x"]), "csv", ROLES, "column 'score'"),
    "NaN among scores": (changed(score=[0.1] * 5 + ["nan"]), "csv", ROLES, "'score' is nan in row 6"),
    "too large a number": (changed(wide=["1e101"] + [0.1] * 5), "csv", ROLES._replace(weight="wide"), "at most 1e"),
    "infinite score": (changed(score=["inf"] + [0.1] * 5), "csv", ROLES, "'score' is inf in row 1"),
    "truth missing": (changed(truth=[0, 1, "", 0, 1, 0]), "csv", ROLES, "'truth' has no value in row 3"),
    "null in JSON": (jsonl({**COLUMNS, "truth": [0, 1, None, 0, 1, 0]}), "jsonl", ROLES, "no value in row 3"),
    "one class": (changed(truth=[1] * 6), "csv", ROLES, "all of column 'truth' is '1'"),
    "unequal lengths": (csv(COLUMNS) + b"1,1\n", "csv", ROLES, "cannot be read as csv"),
    "label never seen": (
        changed(predicted=[0, 1, "dgo", 0, 1, 0]), "csv", ROLES, "'predicted' has 'dgo', but 'truth' only",
    ),
    "fractions as labels": (packed({"truth": [0.5, 1.0], "predicted": [0, 1]}), "parquet", ROLES._replace(
        scores=(), kind="classification"), "has '0.5', expected whole numbers"),
    "labels or amounts": (csv(COLUMNS), "csv", Roles(), "may be labels or amounts"),
    "neither positive": (changed(truth=list("ababab"), predicted=list("ababab")), "csv", ROLES, "neither is known"),
    "positive unknown": (csv(COLUMNS), "csv", ROLES._replace(positive="2"), "no label '2'"),
    "scores of other labels": (
        csv(COLUMNS), "csv", Roles(scores=("score", "wide")), "2 columns of scores, expected 1 for 2 labels",
    ),
    "list column": (
        packed({"truth": [[1], [0]], "predicted": [1, 0]}), "parquet", Roles(kind="classification"), "of type list",
    ),
    "not Parquet": (b"PAR1" * 9, "parquet", ROLES, "cannot be read as parquet"),
    "not JSON": (b"{", "jsonl", ROLES, "cannot be read as jsonl"),
    "another ending": (b"", "txt", ROLES, "expected a file named"),
    "empty": (b"", "csv", ROLES, "cannot be read as csv"),
    "header only": (b"truth,predicted,score\n", "csv", ROLES, "no rows|is of type null"),
    "two columns of a name": (b"truth,truth,score\n1,0,1\n", "csv", ROLES, "several columns are named 'truth'"),
    "negative weight": (
        changed(wide=[1, 1, 1, 1, 1, -1]), "csv", ROLES._replace(weight="wide"), "weights in column 'wide'",
    ),
    "label and number": (csv(COLUMNS), "csv", ROLES._replace(weight="truth"), "at once"),
    "truth as prediction": (csv(COLUMNS), "csv", ROLES._replace(predicted="truth"), "cannot be truth and prediction"),
    "truth as score": (csv(COLUMNS), "csv", Roles(scores=("truth",)), "cannot be truth and prediction|at once"),
    "ranking without queries": (csv(COLUMNS), "csv", ROLES._replace(kind="ranking"), "column of queries"),
    "nothing relevant": (changed(truth=[0] * 6), "csv", ROLES._replace(group="wide"), "no result is relevant"),
    "long text": (changed(truth=["a" * 300, *"babab"]), "csv", ROLES, "at most 200 characters"),
    "rows without end": (packed({"truth": np.zeros(20_000_001, np.int8), "predicted": np.zeros(20_000_001, np.int8)}),
                         "parquet", Roles(kind="classification"), "more than 20,000,000 rows"),
}


@pytest.mark.parametrize("name", WRONG)
def test_one_clear_error(name: str) -> None:
    raw, ending, roles, says = WRONG[name]
    with pytest.raises(MvcError, match=says) as caught:
        loaded(raw, ending, roles)
    assert "\n" not in caught.value.message


def test_too_many_labels() -> None:
    with pytest.raises(MvcError, match="'truth' has more than 1,000 different values"):
        loaded(csv({"truth": list(range(1001)), "predicted": [1] * 1001}), roles=Roles(kind="classification"))


def test_a_row_group_that_would_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = packed({"truth": ["x" * 100, "y" * 100] * 5000, "predicted": ["x"] * 10_000}, use_dictionary=False)
    monkeypatch.setattr(predictions, "MAX_CHUNK", 1 << 20)
    assert len(raw) < 200_000
    with pytest.raises(MvcError, match="row group 0 has 1,0"):
        loaded(raw, "parquet", Roles())


def test_a_row_that_does_not_fit_a_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predictions, "_BLOCK", 100)
    with pytest.raises(MvcError, match="cannot be read as csv"):
        loaded(changed(country=["x" * 5000] * 6), roles=ROLES._replace(slices=("country",)))


SLICES = {
    "too many": ({"wide": list(range(101))}, Roles(slices=("wide",)), "101 values, expected at most 100"),
    "three labels": ({"wide": ["1"] * 101}, Roles(sensitive=("wide",)), "needs a classification with two labels"),
    "class": ({"class": ["1"] * 101}, Roles(slices=("class",)), "named 'class'"),
}


@pytest.mark.parametrize("name", SLICES)
def test_slices_that_cannot_be(name: str) -> None:
    more, roles, says = SLICES[name]
    columns = {"truth": [*"abc" * 33, "a", "b"], "predicted": [*"abc" * 33, "b", "b"], **more}
    with pytest.raises(MvcError, match=says):
        score(loaded(csv(columns), roles=roles))


def test_slices_and_differences_of_groups() -> None:
    from fairlearn.metrics import demographic_parity_difference, equalized_odds_difference

    found = score(loaded(csv(COLUMNS), roles=ROLES._replace(sensitive=("country",))), "holdout")
    by_name = {(item.name, tuple(item.slice.values())): item for item in found.metrics}
    assert by_name["accuracy", ("DE",)].value == 2 / 3
    assert by_name["accuracy", ("DE",)].n == 3
    assert {item.dataset for item in found.metrics} == {"holdout"}
    truth, predicted = np.array(COLUMNS["truth"]), np.array(COLUMNS["predicted"])
    for of in (demographic_parity_difference, equalized_odds_difference):
        expected = of(truth, predicted, sensitive_features=COLUMNS["country"])
        assert by_name[f"country/{of.__name__}", ()].value == pytest.approx(expected)
    assert found.undefined == ()


def test_a_slice_of_one_class_lacks_some_metrics() -> None:
    found = score(loaded(changed(truth=[1, 0, 1, 0, 1, 1]), roles=ROLES._replace(slices=("country",))))
    assert found.undefined == ("auc[country=DE]", "average_precision[country=DE]")
