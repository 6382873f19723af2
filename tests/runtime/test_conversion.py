"""Models of each format in others, by the real libraries: the same outputs, the same bytes each time."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pandas as pd
import pytest
import skops.io
from onnx import TensorProto, helper
from runtime.written import NAMES, data
from sklearn.compose import make_column_transformer
from sklearn.ensemble import GradientBoostingRegressor, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.semi_supervised import LabelPropagation
from sklearn.svm import SVC, LinearSVC

from mvc.errors import InvalidFormat, Refused, UsageError
from mvc.packages import install
from mvc.runtime import packages
from mvc.runtime.conversion import arrays, parity, precision, to_onnx, to_skops
from mvc.runtime.conversion.convert import convert
from mvc.runtime.conversion.targets import TARGETS, Limits, targets_from
from mvc.runtime.estimator import Estimator
from mvc.runtime.load import load
from mvc.runtime.predictor import Prediction

ROWS, LABELS = data(3)
WORDS = np.array(["cat", "dog", "eel"])[LABELS]
TABLE = pd.DataFrame(ROWS.astype(float), columns=["X", "the größte", "a b", "a_b"])
MIXED = TABLE.assign(country=np.where(ROWS[:, 1] > 0, "DE", "FR"), n=(ROWS[:, 0] * 10).astype(int))
ENCODER = make_column_transformer(
    (OneHotEncoder(), ["country"]), (StandardScaler(), ["the größte", "n"]), ("passthrough", ["a b"]),
)
SEARCH = GridSearchCV(make_pipeline(StandardScaler(), LogisticRegression()), {"logisticregression__C": [1]}, cv=2)
NETWORK = MLPClassifier((32,), max_iter=500, tol=1e-3, random_state=1)
ESTIMATORS: dict[str, tuple[Any, Any, Any]] = {
    "linear": (LogisticRegression(), ROWS, LABELS),
    "numbers": (LinearRegression(), ROWS, ROWS[:, 0] * 3 + 1),
    "forest": (RandomForestClassifier(5, random_state=1), ROWS, WORDS),
    "boosting": (HistGradientBoostingClassifier(max_iter=5, max_bins=20), ROWS, LABELS),
    "regression": (GradientBoostingRegressor(n_estimators=5), ROWS, ROWS[:, 1]),
    "network": (NETWORK, ROWS, LABELS),
    "no scores": (LinearSVC(), ROWS, LABELS),
    "no scores at the end": (make_pipeline(StandardScaler(), LinearSVC()), TABLE, WORDS),
    "kernel": (SVC(), ROWS, LABELS),
    "named": (LogisticRegression(), TABLE, WORDS),
    "named and scaled": (make_pipeline(StandardScaler(), LogisticRegression()), TABLE, LABELS),
    "texts": (make_pipeline(ENCODER, LogisticRegression()), MIXED, WORDS),
    "search": (SEARCH, TABLE, WORDS),
}


def columns(rows: Any) -> dict[str, Any]:
    named = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(rows, columns=NAMES)
    return {name: values.to_numpy(object if values.dtype == "str" else None) for name, values in named.items()}


@pytest.mark.parametrize("name", ESTIMATORS)
def test_an_estimator_as_onnx_returns_the_same(name: str, tmp_path: Path) -> None:
    estimator, rows, truth = ESTIMATORS[name]
    before, given = Estimator(estimator.fit(rows, truth), name), columns(rows)
    assert to_onnx.write(estimator, given, str(tmp_path / "m.onnx")) <= to_onnx.OPSETS[""]
    model = onnx.load(tmp_path / "m.onnx")
    onnx.checker.check_model(model)
    assert len({item.domain for item in model.opset_import}) == len(model.opset_import)
    after = load(str(tmp_path / "m.onnx"))
    found = parity.compare(before.predict(given), after.predict(given), 1e-3)
    assert found.keeps(TARGETS["onnx"].limits), found
    assert found.rows == len(rows)
    named = isinstance(rows, pd.DataFrame)
    assert [field.name for field in after.signature.inputs] == ([*rows] if named else ["X"])
    if hasattr(estimator, "predict_proba"):  # a classifier's labels survive
        assert list(after.predict(given).scores) == [str(label) for label in estimator.classes_]


def test_what_skl2onnx_cannot_convert_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InvalidFormat, match=r"^skl2onnx cannot convert LabelPropagation: Unable to find a shape") as e:
        to_onnx.write(LabelPropagation().fit(ROWS, LABELS), columns(ROWS), str(tmp_path / "m.onnx"))
    assert "\n" not in e.value.message
    assert not (tmp_path / "m.onnx").exists()


@pytest.mark.parametrize(("package", "write", "fix"), [
    ("skl2onnx", lambda path: to_onnx.write(SEARCH, {}, path), install("onnx")),
    ("onnxruntime", lambda path: precision.write_int8(path, path), install("onnx")),
    ("skops", lambda path: to_skops.write(SEARCH, path), install("convert")),
    ("safetensors", lambda path: arrays.convert(path, "numpy", path, trust=False), install("convert")),
    ("torch", lambda path: arrays.convert(path, "pytorch", path, trust=False), "pip install torch"),
])
def test_a_missing_package_is_named_with_the_line_that_installs_it(
    package: str, write: Any, fix: str, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(packages, "find_spec", lambda name: None if name == package else find_spec(name))
    with pytest.raises(UsageError, match=f" needs the package {package}$") as error:
        write("nowhere")
    assert error.value.fix == fix


# Fewer bits.


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a network as ONNX."""
    path = tmp_path_factory.mktemp("network") / "network.onnx"
    to_onnx.write(NETWORK.fit(ROWS, LABELS), columns(ROWS), str(path))
    return path


@pytest.mark.parametrize(("to", "write", "kind"), [
    ("onnx-int8", precision.write_int8, TensorProto.INT8), ("onnx-fp16", precision.write_fp16, TensorProto.FLOAT16),
])
def test_a_network_with_fewer_bits_returns_almost_the_same(
    network: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], to: str, write: Any, kind: int,
) -> None:
    opset = write(str(network), str(tmp_path / "m.onnx"))
    made = onnx.load(tmp_path / "m.onnx")
    assert opset == next(item.version for item in made.opset_import if not item.domain)
    assert kind in {item.data_type for item in made.graph.initializer}
    given = columns(ROWS)
    before, after = load(str(network)).predict(given), load(str(tmp_path / "m.onnx")).predict(given)
    found = parity.compare(before, after, TARGETS[to].limits.relative)
    assert found.keeps(TARGETS[to].limits), found
    assert found.absolute > 0
    assert capfd.readouterr() == ("", "")
    with pytest.raises(InvalidFormat, match="no operator of the model has weights that can have fewer bits: it has "):
        write(str(tmp_path / "m.onnx"), str(tmp_path / "again.onnx"))


@pytest.mark.parametrize("to", ["onnx-int8", "onnx-fp16"])
def test_an_estimator_is_converted_on_the_way(to: str, network: Path, tmp_path: Path) -> None:
    model = Estimator(NETWORK, "network")
    assert convert("", model, columns(ROWS), to, str(tmp_path / "direct")) > 0
    assert convert(str(network), load(str(network)), columns(ROWS), to, str(tmp_path / "by.onnx")) > 0
    assert (tmp_path / "direct").read_bytes() == (tmp_path / "by.onnx").read_bytes()


def test_an_operator_that_is_not_supported_is_one_line(tmp_path: Path) -> None:
    node = helper.make_node("Nothing", ["X"], ["Y"])
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 2]) for name in "XY"]
    graph = helper.make_graph([node], "model", ends[:1], ends[1:])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)]), tmp_path / "m.onnx")
    for write in (precision.write_int8, precision.write_fp16):
        with pytest.raises(InvalidFormat) as error:
            write(str(tmp_path / "m.onnx"), str(tmp_path / "n.onnx"))
        assert "\n" not in error.value.message


# Arrays.

ARRAYS = {
    "f": np.arange(6.0).reshape(2, 3), "turned": np.arange(6, dtype=np.float32).reshape(2, 3).T,
    "big": np.array(7, ">i4"),
    "half": np.array([1.5], np.float16), "none": np.zeros((0, 3)), "flags": np.array([True, False]),
    "nan": np.array([np.nan, np.inf]),
}


def test_arrays_are_the_same_as_safetensors(tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    np.savez_compressed(tmp_path / "m.npz", **ARRAYS)
    np.save(tmp_path / "m.npy", ARRAYS["f"])
    (tmp_path / "m.pkl").write_bytes(pickle.dumps(ARRAYS))
    for name, kind in (("m.npz", "numpy"), ("m.npy", "numpy"), ("m.pkl", "pickle")):
        target = tmp_path / f"{name}.safetensors"
        found = arrays.convert(str(tmp_path / name), kind, str(target), trust=False)
        assert (found.absolute, found.relative, found.beyond, found.agreeing) == (0, 0, 0, None)
        made = load_file(target)
        expected = {"array": ARRAYS["f"]} if kind == "numpy" and name == "m.npy" else ARRAYS
        assert made.keys() == expected.keys()
        for key, values in expected.items():
            np.testing.assert_array_equal(made[key], values)
            assert (made[key].dtype, made[key].shape) == (values.dtype.newbyteorder("="), values.shape)


@pytest.mark.parametrize(("content", "problem"), [
    ({"a": np.array(["x"])}, "m.npz: 'a' has the type <U1, expected numbers"),
    ({"a": np.array([{}])}, "m.npz: NumPy cannot read it: Object arrays cannot be loaded"),
])
def test_what_is_no_array_of_numbers_is_refused(tmp_path: Path, content: Any, problem: str) -> None:
    np.savez(tmp_path / "m.npz", **content)
    with pytest.raises(InvalidFormat, match=problem):
        arrays.convert(str(tmp_path / "m.npz"), "numpy", str(tmp_path / "out"), trust=False)
    assert not (tmp_path / "out").exists()


def test_an_archive_that_would_fill_the_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.savez_compressed(tmp_path / "m.npz", a=np.zeros(1 << 16))
    monkeypatch.setattr(arrays, "MOST", 1 << 16)
    with pytest.raises(InvalidFormat, match=r"m.npz: its arrays have 524,4\d\d bytes, at most 65,536 are converted"):
        arrays.convert(str(tmp_path / "m.npz"), "numpy", str(tmp_path / "out"), trust=False)


def test_other_pickles_are_refused(tmp_path: Path) -> None:
    (tmp_path / "m.pkl").write_bytes(b"cos\ngetcwd\n(tR.")
    with pytest.raises(Refused, match="its pickles name what is not known to be harmless"):
        arrays.convert(str(tmp_path / "m.pkl"), "pickle", str(tmp_path / "out"), trust=False)
    with pytest.raises(InvalidFormat, match=r"m.pkl has a str, expected arrays by name"):
        arrays.convert(str(tmp_path / "m.pkl"), "pickle", str(tmp_path / "out"), trust=True)


# The same bytes.

TWICE = """
import pickle, sys
from mvc.runtime.conversion import precision, to_onnx, to_skops
folder = sys.argv[1]
for name, estimator, given in pickle.load(sys.stdin.buffer):
    to_onnx.write(estimator, given, f"{folder}/{name}.onnx")
    to_skops.write(estimator, f"{folder}/{name}.skops")
precision.write_int8(f"{folder}/network.onnx", f"{folder}/int8.onnx")
precision.write_fp16(f"{folder}/network.onnx", f"{folder}/fp16.onnx")
"""


def test_another_process_writes_the_same_bytes(tmp_path: Path) -> None:
    trained = ((name, ESTIMATORS[name]) for name in ("texts", "boosting", "search", "network"))
    models = pickle.dumps([(name, model.fit(rows, truth), columns(rows)) for name, (model, rows, truth) in trained])
    made = []
    for seed in "12":
        (tmp_path / seed).mkdir()
        command = [sys.executable, "-W", "ignore", "-c", TWICE, tmp_path / seed]
        environ = {**os.environ, "PYTHONHASHSEED": seed}
        subprocess.run(command, input=models, check=True, capture_output=True, env=environ)
        made.append({path.name: path.read_bytes() for path in (tmp_path / seed).iterdir()})
    assert len(made[0]) == 10
    assert [name for name in made[0] if made[0][name] != made[1][name]] == []


def test_numbered_skops_is_what_was_dumped(tmp_path: Path) -> None:
    estimator, rows, truth = ESTIMATORS["texts"]
    to_skops.write(estimator.fit(rows, truth), str(tmp_path / "m.skops"))
    assert skops.io.get_untrusted_types(file=tmp_path / "m.skops") == []
    again = skops.io.load(tmp_path / "m.skops")
    np.testing.assert_array_equal(again.predict_proba(rows), estimator.predict_proba(rows))
    with pytest.raises(InvalidFormat, match=r"^skops cannot write a "):
        to_skops.write((row for row in rows), str(tmp_path / "n.skops"))


# How much outputs differ.


def numbers(*values: float) -> Prediction:
    return Prediction(np.array(values, float), {})


@pytest.mark.parametrize(("old", "new", "absolute", "relative", "beyond"), [
    (numbers(1, 2), numbers(1, 2), 0, 0, 0),
    (numbers(100, 2), numbers(101, 2), 1, 0.01, 0.9),  # with --rtol 0.001
    (numbers(0), numbers(0.5), 0.5, 500, 0.5),
    (numbers(np.nan, np.inf, -np.inf), numbers(np.nan, np.inf, -np.inf), 0, 0, 0),
    (numbers(1e308), numbers(-1e308), np.inf, np.inf, np.inf),
    (numbers(np.nan), numbers(1), np.inf, np.inf, np.inf),
    (numbers(1), numbers(np.nan), np.inf, np.inf, np.inf),
    (numbers(np.inf), numbers(-np.inf), np.inf, np.inf, np.inf),
])
def test_differences_of_numbers(
    old: Prediction, new: Prediction, absolute: float, relative: float, beyond: float,
) -> None:
    found = parity.compare(old, new, 0.001)
    assert found[2:5] == pytest.approx((absolute, relative, beyond))
    assert (found.rows, found.agreeing) == (len(old.predicted), None)
    assert found.keeps(Limits(found.beyond, 0.001, 1)) is True
    assert found.keeps(Limits(found.beyond * 0.999, 0.001, 1)) is (beyond in (0, np.inf))


def test_labels_agree_by_value_and_scores_by_order() -> None:
    old = Prediction(np.array([1.0, 2.0, 2.0]), {"1": np.array([0.9, 0.2, 0.1]), "2": np.array([0.1, 0.8, 0.9])})
    new = Prediction(np.array([1, 2, 1]), {"a": np.array([0.8, 0.2, 0.6]), "b": np.array([0.2, 0.8, 0.4])})
    found = parity.compare(old, new, 0)
    assert (found.agreeing, found.rows, found.absolute) == (2, 3, 0.5)
    assert parity.joined(found, found).agreement == 2 / 3
    words = Prediction(np.array(["1", "x"], object), {})
    assert parity.compare(words, Prediction(np.array(["1", "y"]), {}), 0).agreeing == 1
    with pytest.raises(InvalidFormat, match="returns other outputs: 3 rows with 2 scores became 3 rows with 1 scores"):
        parity.compare(old, new._replace(scores={"a": np.zeros(3)}), 0)


def test_the_targets_of_a_format() -> None:
    assert targets_from("skops") == ["onnx", "onnx-int8", "onnx-fp16"]
    assert targets_from("xgboost") == []
    assert json.dumps(sorted(TARGETS)) == '["onnx", "onnx-fp16", "onnx-int8", "safetensors", "skops"]'
