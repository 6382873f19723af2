"""Models of each format, written by the real libraries: loaded as they were, or refused."""

from __future__ import annotations

import io
import os
import pickle
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pandas as pd
import pytest
import skops.io
import xgboost
from onnx.external_data_helper import convert_model_to_external_data
from runtime.written import MODELS, NAMES, Written, columns, data, make, pickled, pipeline
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mvc.errors import InvalidFormat, MvcError, Refused, UsageError
from mvc.modelfiles import mlmodel
from mvc.modelfiles.signature import Field
from mvc.modelfiles.signatures import read_signature
from mvc.modelfiles.ubjson import is_whole
from mvc.runtime.estimator import Estimator
from mvc.runtime.formats import UnknownFormat
from mvc.runtime.load import load
from mvc.runtime.predictor import features
from mvc.runtime.skops import MAX_SCHEMA

ONNX = next(item for item in MODELS if item.name == "tensor.onnx")


class Hostile:
    """It makes a directory where it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("was-run",)

    def predict(self, rows: object) -> object:
        return rows


class Doubled:
    """A class of the user's, which no scan knows."""

    def predict(self, rows: np.ndarray) -> np.ndarray:
        return rows[:, 0] * 2


def load_doubled(path: str) -> Doubled:
    assert Path(path).is_file()
    return Doubled()


class Scoring:
    """A classifier of two labels whose scores are what a test says."""

    classes_ = ("no", "yes")

    def __init__(self, scores: object) -> None:
        self.scores = scores

    def predict(self, rows: np.ndarray) -> list[str]:
        return ["yes"] * len(rows)

    def predict_proba(self, rows: np.ndarray) -> object:
        return self.scores


@pytest.mark.parametrize(("scores", "problem"), [
    ([[0.5, 0.5]], r"scores of the shape \[1, 2\], expected \[2, 2\]"),
    ([[0.5], [0.5]], r"scores of the shape \[2, 1\], expected \[2, 2\]"),
    ([[0.1, 0.2, 0.7]] * 2, r"scores of the shape \[2, 3\], expected \[2, 2\]"),
    ([["a", "b"]] * 2, "scores of type <U1, expected numbers"),
])
def test_scores_that_are_not_one_for_each_row_and_label_are_an_error(scores: object, problem: str) -> None:
    assert [*Estimator(Scoring([[0.2, 0.8]] * 2), "m").predict({"a": np.zeros(2)}).scores] == ["no", "yes"]
    with pytest.raises(InvalidFormat, match=problem):
        Estimator(Scoring(scores), "m").predict({"a": np.zeros(2)})


@pytest.mark.parametrize("item", MODELS, ids=lambda item: item.name)
def test_a_loaded_model_predicts_as_the_one_that_was_written(item: Written, tmp_path: Path) -> None:
    model, path = make(item, tmp_path)
    rows, _ = data(item.labels)
    loaded = load(str(path))
    assert features(loaded.signature, [*NAMES, "truth"], "truth", "data") == list(NAMES)
    found = loaded.predict(columns(rows))
    np.testing.assert_allclose(found.predicted, model.predict(rows), rtol=1e-4, atol=1e-5)
    if item.labels:
        assert list(found.scores) == [str(label) for label in range(item.labels)]
        np.testing.assert_allclose(np.column_stack([*found.scores.values()]), model.predict_proba(rows), atol=1e-5)
    else:
        assert found.scores == {}


@pytest.mark.parametrize("item", MODELS, ids=lambda item: item.name)
def test_a_model_that_is_cut_short_is_an_error(item: Written, tmp_path: Path) -> None:
    _, path = make(item, tmp_path)
    whole = path.read_bytes()
    for length in (0, 1, 20, len(whole) // 3, len(whole) // 2):
        path.write_bytes(whole[:length])
        with pytest.raises(MvcError) as error:
            load(str(path))
        assert "\n" not in error.value.message
        assert item.name in error.value.message


def test_a_header_of_lightgbm_with_a_huge_number_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "m.txt"
    path.write_text(f"tree\nversion=v4\ntree_sizes={'9' * 5000}\n\nTree=0\n")
    with pytest.raises(InvalidFormat, match="not as long as its header says"):
        load(str(path))


@pytest.mark.parametrize("booster", ["gbtree", "dart", "gblinear"])
def test_no_beginning_of_a_booster_is_whole(booster: str, tmp_path: Path) -> None:
    """XGBoost would crash on many of them."""
    xgboost.XGBClassifier(n_estimators=2, booster=booster, n_jobs=1).fit(*data(2)).save_model(tmp_path / "m.ubj")
    whole = (tmp_path / "m.ubj").read_bytes()
    assert is_whole(whole)
    assert not any(is_whole(whole[:length]) for length in range(len(whole)))
    assert not is_whole(whole + b"\0")
    for raw in (b"{L", b"[" * 300, b"[#l\xff\xff\xff\xff", b"{$S", b"?", b"SU\xff"):
        assert not is_whole(raw)


def test_a_model_that_names_its_columns_gets_them_by_name(tmp_path: Path) -> None:
    model, there = pipeline()
    skops.io.dump(model, tmp_path / "m.skops")
    loaded = load(str(tmp_path / "m.skops"))
    chosen = features(loaded.signature, ["country", "other", "size", "truth"], "truth", "data")
    assert chosen == ["size", "country"]
    assert loaded.predict(there).predicted.tolist() == model.predict(pd.DataFrame(there)).tolist()
    with pytest.raises(InvalidFormat, match=r"no column 'country', which the model takes"):
        features(loaded.signature, ["size", "truth"], "truth", "data")


def test_data_with_more_columns_than_the_model_takes_is_an_error(tmp_path: Path) -> None:
    loaded = load(str(make(ONNX, tmp_path)[1]))
    with pytest.raises(InvalidFormat, match=r"d.csv: 5 columns besides 'truth', expected the 4 that the model takes"):
        features(loaded.signature, [*NAMES, "e", "truth"], "truth", "d.csv")
    with pytest.raises(InvalidFormat, match=r"column 'b' is of type object, and the model takes numbers"):
        loaded.predict({**columns(data(2)[0]), "b": np.array(["x"] * 60, object)})


TELLING = [item for item in MODELS if item.name.endswith((".onnx", ".txt", ".ubj", ".json", ".skops"))]


@pytest.mark.parametrize("item", TELLING, ids=lambda item: item.name)
def test_a_signature_is_read_without_the_library(item: Written, tmp_path: Path) -> None:
    _, path = make(item, tmp_path)
    with path.open("rb") as file:
        found = read_signature(file)
    told = load(str(path)).signature
    if item.name.endswith(".onnx"):
        assert found.inputs == told.inputs
        assert [field.name for field in found.outputs] == [field.name for field in told.outputs]
    elif item.name.endswith(".txt"):
        assert [field.name for field in found.inputs] == [f"Column_{place}" for place in range(4)]
        assert [field.name for field in found.outputs] == [field.name for field in told.outputs]
    else:
        assert found == told
    whole = path.read_bytes()
    for length in range(0, len(whole), 17):  # a damaged file says less, and is no error
        read_signature(io.BytesIO(whole[:length]))


def test_the_signature_of_skops_is_that_of_the_estimator_in_it(tmp_path: Path) -> None:
    model, _ = pipeline()
    rows, truth = data(2)
    search = GridSearchCV(make_pipeline(StandardScaler(), LogisticRegression()), {"logisticregression__C": [1]}, cv=2)
    table = pd.DataFrame(rows, columns=NAMES)
    for estimator in (model, search.fit(table, np.where(truth, "cat", "dog")), StandardScaler().fit(rows)):
        skops.io.dump(estimator, tmp_path / "m.skops")
        with (tmp_path / "m.skops").open("rb") as file:
            found = read_signature(file)
        names = [*getattr(estimator, "feature_names_in_", ["X"])]
        assert [field.name for field in found.inputs] == names
        labels = getattr(estimator, "classes_", None)
        assert found.outputs == (() if labels is None else (Field("label", str(labels.dtype)),))


def test_pipelines_in_pipelines_are_read_once(tmp_path: Path) -> None:
    model: Any = LogisticRegression()
    for _ in range(30):
        model = make_pipeline(model)
    skops.io.dump(model.fit(*data(2)), tmp_path / "m.skops")
    with (tmp_path / "m.skops").open("rb") as file:
        assert read_signature(file).inputs == (Field("X", "", (None, 4)),)


@pytest.mark.parametrize("ending", ["ubj", "json"])
def test_the_signature_of_xgboost_has_the_names_of_its_features(tmp_path: Path, ending: str) -> None:
    names = ["a", "the größte", '"quoted"', "d"]
    rows, truth = data(2)
    model = xgboost.XGBClassifier(n_estimators=2, n_jobs=1).fit(pd.DataFrame(rows, columns=names), truth)
    model.save_model(tmp_path / f"m.{ending}")
    with (tmp_path / f"m.{ending}").open("rb") as file:
        found = read_signature(file)
    assert [field.name for field in found.inputs] == names
    assert found.outputs == (Field("binary:logistic", "float32"),)


COLUMNS = """[{"type": "double", "name": "a", "required": true}, {"type": "string", "name": "b"}]"""
TENSORS = """[{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 4]}}]"""


def test_mlflows_file_states_a_signature(tmp_path: Path) -> None:
    stated = f"{MLMODEL}signature:\n  inputs: '{COLUMNS}'\n  outputs: '{TENSORS}'\n  params: null\n"
    found = mlmodel.read(io.BytesIO(stated.encode()))
    assert found == ((Field("a", "double"), Field("b", "string")), (Field("0", "float32", (None, 4)),))
    for text in (MLMODEL, "[1]", "signature: 1", "signature: {inputs: '[1'}", "signature: {inputs: '[{}]'}", "\0"):
        assert mlmodel.read(io.BytesIO(text.encode())) == ((), ())


@pytest.mark.parametrize("name", ["magika", "silero-onnx"])
def test_the_signature_of_a_real_network_is_that_of_onnx_runtime(
    model_file: Callable[[str], Path], name: str,
) -> None:
    with model_file(name).open("rb") as file:
        assert read_signature(file) == load(str(model_file(name))).signature


# What runs code.


def test_a_pickle_that_runs_code_is_refused_and_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    pickled(Hostile(), tmp_path / "m.pkl")
    with pytest.raises(Refused, match=r"m.pkl: its pickles name what is not known to be harmless: posix.mkdir"):
        load("m.pkl")
    assert not Path("was-run").exists()
    with pytest.raises(UnknownFormat):  # nothing is left that predicts
        load("m.pkl", trust=True)
    assert Path("was-run").exists()


def test_a_class_of_the_users_is_loaded_only_with_trust(tmp_path: Path) -> None:
    pickled(Doubled(), tmp_path / "m.pkl")
    skops.io.dump(Doubled(), tmp_path / "m.skops")
    for name in ("m.pkl", "m.skops"):
        with pytest.raises(Refused, match=f"{name}.*Doubled"):
            load(str(tmp_path / name))
        found = load(str(tmp_path / name), trust=True).predict({"a": np.array([1.0, 2.0])})
        assert found.predicted.tolist() == [2, 4]


def test_a_pickle_hidden_under_another_name_is_scanned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("m.onnx", "m.txt", "m.ubj", "m.skops"):
        Path(name).write_bytes(pickle.dumps(Hostile()))
        with pytest.raises(Refused):
            load(name)
    assert not Path("was-run").exists()


def test_a_skops_file_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "m.skops", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("schema.json", b" " * (MAX_SCHEMA + 1))
    with pytest.raises(InvalidFormat, match=r"m.skops: its content is larger than any model"):
        load(str(tmp_path / "m.skops"))


# ONNX.


def test_a_real_network_tells_what_it_takes(model_file: Callable[[str], Path]) -> None:
    loaded = load(str(model_file("magika")))
    (taken,) = loaded.signature.inputs
    assert (taken.type, len(taken.shape)) == ("int32", 2)
    width = taken.shape[1]
    assert width
    found = loaded.predict({str(place): np.zeros(3, np.int64) for place in range(width)})
    assert len(found.predicted) == 3
    np.testing.assert_allclose(sum(found.scores.values()), 1, rtol=1e-5)


def test_a_network_that_takes_no_table_says_so(model_file: Callable[[str], Path]) -> None:
    loaded = load(str(model_file("silero-onnx")))
    there = {field.name: np.zeros(1, np.float32) for field in loaded.signature.inputs}
    with pytest.raises(InvalidFormat, match=r"'state' as tensor.float. of 3 dimensions, which columns do not make"):
        loaded.predict(there)


def test_external_data_is_beside_the_model(tmp_path: Path) -> None:
    _, path = make(ONNX, tmp_path)
    model = onnx.load(path)
    weights = onnx.numpy_helper.from_array(np.zeros((64, 64), np.float32), "weights")
    model.graph.initializer.append(weights)
    convert_model_to_external_data(model, location="w.data", size_threshold=0)
    (tmp_path / "box").mkdir()
    onnx.save(model, tmp_path / "box/m.onnx")
    rows = columns(data(2)[0])
    assert len(load(str(tmp_path / "box")).predict(rows).predicted) == 60
    (tmp_path / "box/w.data").unlink()
    with pytest.raises(InvalidFormat, match=r"external data 'w.data' is not tracked with it"):
        load(str(tmp_path / "box/m.onnx"))
    (tmp_path / "w.data").write_bytes(bytes(1 << 16))
    for location in ("../w.data", str(tmp_path / "w.data"), "x/../../w.data"):
        for entry in model.graph.initializer[-1].external_data:
            if entry.key == "location":
                entry.value = location
        (tmp_path / "box/m.onnx").write_bytes(model.SerializeToString())
        with pytest.raises(InvalidFormat, match=r"its external data is outside its directory"):
            load(str(tmp_path / "box/m.onnx"))


# Other formats.

MLMODEL = """\
flavors:
  python_function:
    env: {conda: conda.yaml, virtualenv: python_env.yaml}
    loader_module: mlflow.sklearn
    model_path: model.skops
    predict_fn: predict
    python_version: 3.11.7
  sklearn:
    code: null
    pickled_model: model.skops
    serialization_format: skops
    sklearn_version: 1.9.1
    skops_trusted_types: null
mlflow_version: 3.17.2
model_uuid: 624c4cbb680841f7928ec8db5da0a018
utc_time_created: '2026-11-30 21:25:53.397574'
"""
"""As MLflow 3.17.2 writes it."""


@pytest.mark.parametrize(("written", "key", "name"), [
    ("sklearn:", "pickled_model", "m.skops"), ("sklearn:", "pickled_model", "m.joblib"),
    ("onnx:", "data", "tensor.onnx"), ("xgboost:", "data", "2.ubj"), ("lightgbm:", "data", "lightgbm2.txt"),
])
def test_a_folder_of_mlflow_has_the_model_of_its_flavor(tmp_path: Path, written: str, key: str, name: str) -> None:
    item = next(item for item in MODELS if item.name == name)
    model, _ = make(item, tmp_path)
    text = MLMODEL.replace("  sklearn:", f"  {written}").replace("pickled_model: model.skops", f"{key}: {name}")
    (tmp_path / "MLmodel").write_text(text)
    rows, _ = data(item.labels)
    assert load(str(tmp_path)).predict(columns(rows)).predicted.tolist() == model.predict(rows).tolist()


@pytest.mark.parametrize(("name", "problem"), [
    ("../m.skops", "names '../m.skops', which is not a file in its folder"),
    ("/etc/passwd", "names '/etc/passwd', which is not"), ("nothing", "names 'nothing', which is not"),
])
def test_a_folder_of_mlflow_has_its_model_inside(tmp_path: Path, name: str, problem: str) -> None:
    (tmp_path / "box").mkdir()
    (tmp_path / "m.skops").write_bytes(b"x")
    (tmp_path / "box/MLmodel").write_text(MLMODEL.replace("pickled_model: model.skops", f"pickled_model: {name}"))
    with pytest.raises(InvalidFormat, match=problem):
        load(str(tmp_path / "box"))


def test_a_flavor_that_mvc_does_not_know_is_named(tmp_path: Path) -> None:
    (tmp_path / "MLmodel").write_text("flavors: {spark: {model_data: sparkml}}\n")
    with pytest.raises(UnknownFormat, match="has the flavors spark, expected one of onnx, sklearn"):
        load(str(tmp_path))
    (tmp_path / "MLmodel").write_text("[1]\n")
    with pytest.raises(InvalidFormat, match="has no flavors"):
        load(str(tmp_path))


def test_a_format_that_mvc_does_not_load_needs_the_users_function(model_file: Callable[[str], Path]) -> None:
    path = str(model_file("minilm"))
    with pytest.raises(UnknownFormat, match=r"model.safetensors has the format safetensors, which mvc does not load"):
        load(path)
    loaded = load(path, loader=f"{__name__}:load_doubled")
    assert loaded.predict({"a": np.array([3.0])}).predicted.tolist() == [6]


@pytest.mark.parametrize(("loader", "problem"), [
    ("json", "expected MODULE:FUNCTION"), ("no_such_module:f", "No module named"), ("json:nothing", "has no function"),
    ("json:loads", "failed: JSONDecodeError"),
])
def test_a_loader_that_cannot_be_used_is_an_error(loader: str, problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        load(__file__, loader=loader)


def test_onnx_runtime_keeps_nothing_to_send(tmp_path: Path) -> None:
    make(ONNX, tmp_path)
    line = [sys.executable, "-c", "import sys; from mvc.runtime.load import load; load(sys.argv[1])"]
    subprocess.run([*line, f"{tmp_path}/{ONNX.name}"], env={"HOME": str(tmp_path / "home")}, check=True)
    assert not [*tmp_path.glob("home/**/*.db")]
