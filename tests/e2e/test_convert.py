"""`mvc convert`: from a tracked model to another format with its report, and what the gate makes of it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import joblib
import numpy as np
import onnx
import pandas as pd
import pytest
import skops.io
import xgboost
from faults.strace import CALLS, broken
from harness import Begin, InProcess, Repo, Result, some
from runtime.test_load import Hostile
from runtime.written import NAMES, data, pickled, pipeline
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

import mvc
from mvc.quality.reports.report import Report
from mvc.quality.reports.report_document import parse_report

CONVERT = ("convert", "m.skops", "m.onnx", "--to", "onnx", "--data", "d.csv")
POLICY = """\
mvc-policy: 1
rules:
  - {match: "*.onnx", metrics: {auc: {min: 0.8}}, from: {report: required}}
  - {match: "*", report: optional}
"""


def with_models(repo: Repo) -> None:
    """Track a classifier as skops and as joblib, a network and a pipeline; beside are rows."""
    rows, truth = data(2)
    pd.DataFrame(rows, columns=NAMES).assign(truth=truth).to_csv(repo.root / "d.csv", index=False)
    model = LogisticRegression().fit(rows, np.where(truth, "cat", "dog"))
    skops.io.dump(model, repo.root / "m.skops")
    joblib.dump(model, repo.root / "m.joblib")
    network = MLPClassifier((32,), max_iter=300, tol=1e-3, random_state=1).fit(rows, truth)
    joblib.dump(network, repo.root / "n.joblib")
    texts, there = pipeline()
    joblib.dump(texts, repo.root / "p.joblib")
    pd.DataFrame(there).to_csv(repo.root / "t.csv", index=False)
    np.savez(repo.root / "w.npz", a=np.arange(6.0), b=np.ones((2, 3), np.float32))
    xgboost.XGBClassifier(n_estimators=2, n_jobs=1).fit(rows, truth).save_model(repo.root / "x.ubj")
    shutil.copy(repo.root / "d.csv", repo.root / "d.csv.bin")
    shutil.copy(repo.root / "w.npz", repo.root / "w.npz.safetensors")
    repo.ok("add", "w.npz.safetensors", "m.skops", "m.joblib", "n.joblib", "p.joblib", "w.npz", "x.ubj", "d.csv.bin")
    repo.commit("models")


@pytest.fixture
def models(begin: Begin) -> Repo:
    return begin(with_models)


@pytest.fixture
def type_(models: Repo, in_process: InProcess) -> InProcess:
    """Return a function that types a command in the repository."""
    return lambda *args: in_process(models.root, *args)


def report_of(repo: Repo, path: str) -> Report:
    return parse_report(repo.read(f"{path}.eval.yaml"), path)


def digest(repo: Repo, path: str) -> str:
    return str(repo.ok("ls", "--json", path).json["items"][0]["blake3"])


def refused(found: Result, code: int, message: str, fix: str = "") -> None:
    assert (found.code, found.out) == (code, ""), found
    assert found.err.splitlines() == [f"error: {message}", *([f"  try: {fix}"] if fix else [])]


# What is written.


def test_a_model_is_written_added_and_reported(models: Repo, type_: InProcess) -> None:
    found = type_(*CONVERT)
    assert found.code == 0, found
    assert found.out.splitlines()[0].startswith("added m.onnx (")
    assert found.out.splitlines()[1] == "recorded m.onnx.eval.yaml (v1.0.0, 7 metrics)"
    report = report_of(models, "m.onnx")
    assert report.model.blake3 == digest(models, "m.onnx")
    (source,) = report.sources
    assert (source.path, source.blake3, source.by) == ("m.skops", digest(models, "m.skops"), "mvc convert --to onnx")
    assert source.params == {"opset": 18, "atol": 1e-5, "rtol": 1e-3, "min_agreement": 0.999}
    (sample,) = report.datasets
    assert (sample.id, sample.path, sample.n) == ("sample", "d.csv", 60)
    values = {item.name: item for item in report.metrics}
    assert {item.dataset for item in report.metrics} == {"sample"}
    assert values["parity/agreement"].value == 1
    assert 0 < values["parity/max_abs_difference"].value < 1e-5
    counts = {name.removeprefix("parity/"): item.n for name, item in values.items() if item.n is not None}
    assert counts == {"agreement": 60, "max_abs_difference": 60, "max_rel_difference": 60}
    assert values["parity/size_bytes"].value == os.path.getsize(models.root / "m.onnx")
    assert values["parity/source_size_bytes"].value == os.path.getsize(models.root / "m.skops")
    assert values["parity/latency_ms"].value > 0 < values["parity/source_latency_ms"].value
    assert report.environment is not None
    assert {"skl2onnx", "onnxruntime", "scikit-learn"} <= report.environment.packages.keys()
    staged = models.git("diff", "--cached", "--name-only").splitlines()
    assert staged == [".gitignore", "m.onnx.eval.yaml", "m.onnx.mvc"]
    assert models.states()["m.onnx"] == "clean"
    assert not models.debris()


@pytest.mark.parametrize(("args", "metrics"), [
    (("n.joblib", "n8.onnx", "--to", "onnx-int8", "--data", "d.csv"), 7),
    (("n.joblib", "n16.onnx", "--to", "onnx-fp16", "--data", "d.csv"), 7),
    (("p.joblib", "p.onnx", "--to", "onnx", "--data", "t.csv"), 7),
    (("m.joblib", "m2.skops", "--to", "skops", "--data", "d.csv"), 7),
    (("w.npz", "w.safetensors", "--to", "safetensors"), 4),
    (("HEAD:m.skops", "m.onnx", "--to", "onnx", "--data", "d.csv", "--atol", "0.5"), 7),
])
def test_each_format(models: Repo, type_: InProcess, args: tuple[str, ...], metrics: int) -> None:
    assert type_("convert", *args).code == 0
    report = report_of(models, args[1])
    assert len(report.metrics) == metrics
    assert [item.by for item in report.sources] == [f"mvc convert --to {args[3]}"]
    assert [item.path for item in report.sources] == [args[0].removeprefix("HEAD:")]
    before = models.read(args[1])
    again = type_("convert", *args)
    assert f"unchanged {args[1]} " in again.out, again
    assert models.read(args[1]) == before


def test_a_real_network_shrinks_to_a_quarter(
    repo: Repo, in_process: InProcess, model_file: Callable[[str], Path],
) -> None:
    shutil.copy(model_file("magika"), repo.root / "magika.onnx")  # it tells kinds of files by their bytes
    texts = (
        "import os\n\ndef f(x):\n    return os.path.join(x)\n", '{"a": [1, 2.5], "b": null},\n', "<p><b>bold</b></p>\n",
        "SELECT a FROM t WHERE b = 1;\n", "#include <stdio.h>\nint main() { return 0; }\n", "a,b,c\n1,2,3\n",
    )
    table = pd.DataFrame(np.array([np.resize(np.frombuffer(text.encode(), np.uint8), 2048) for text in texts]))
    table.columns = [f"byte{place}" for place in range(2048)]
    table.to_csv(repo.root / "files.csv", index=False)
    repo.ok("add", "magika.onnx")
    found = in_process(repo.root, "convert", "magika.onnx", "small.onnx", "--to", "onnx-int8", "--data", "files.csv")
    assert found.code == 0, found
    values = {item.name.removeprefix("parity/"): item.value for item in report_of(repo, "small.onnx").metrics}
    assert values["size_bytes"] < 0.3 * values["source_size_bytes"]
    assert values["agreement"] == 1
    assert 0 < values["max_abs_difference"] < 0.1


def test_a_network_with_external_data(models: Repo, type_: InProcess) -> None:
    assert type_("convert", "n.joblib", "n.onnx", "--to", "onnx", "--data", "d.csv").code == 0
    network = onnx.load(models.root / "n.onnx")
    models.path("box").mkdir()
    onnx.save(network, models.root / "box/n.onnx", save_as_external_data=True, location="n.data", size_threshold=0)
    models.ok("add", "box")
    for number, name in enumerate(("box", "box/n.onnx")):
        assert type_("convert", name, f"{number}.onnx", "--to", "onnx-fp16", "--data", "d.csv").code == 0
        report = report_of(models, f"{number}.onnx")
        assert (report.sources[0].path, report.sources[0].blake3) == ("box", digest(models, "box"))
        size = sum(path.stat().st_size for path in models.path("box").iterdir())
        assert next(item.value for item in report.metrics if item.name == "parity/source_size_bytes") == size
    assert models.read("0.onnx") == models.read("1.onnx")


def test_the_source_is_what_the_pointer_names(models: Repo, type_: InProcess) -> None:
    whole = models.read("m.skops")
    models.write("m.skops", whole + b"\0")
    refused(type_(*CONVERT), 2, "m.skops differs from its pointer", "mvc add m.skops")
    models.path("m.skops").unlink()
    assert type_(*CONVERT).code == 0  # of the cache
    models.path("m.onnx").unlink()
    assert type_("convert", "HEAD:m.skops", *CONVERT[2:]).code == 0


def test_the_sample_decides_beyond_the_limits_and_nothing_is_written(models: Repo, type_: InProcess) -> None:
    before = sorted(path.name for path in models.root.iterdir())
    line = ("convert", "n.joblib", "n.onnx", "--to", "onnx-int8", "--data", "d.csv", "--rtol", "0", "--atol", "1e-6")
    found = type_(*line)
    assert found.code == 1
    (message,), (fix,) = found.errors, found.fixes
    assert message.startswith("n.joblib as onnx-int8: outputs differ by up to 0.")
    assert message.endswith(", more than --atol 1e-06 and --rtol 0 allow; nothing was written")
    assert sorted(path.name for path in models.root.iterdir()) == before
    assert models.git("status", "--porcelain", "-uno") == ""
    assert models.shell(fix).code == 0
    limit = report_of(models, "n.onnx").sources[0].params["atol"]
    differs = next(item.value for item in report_of(models, "n.onnx").metrics if "abs" in item.name)
    assert isinstance(limit, float)
    assert differs <= limit < 1.2 * differs


def test_labels_that_no_longer_agree(models: Repo, type_: InProcess) -> None:
    model = joblib.load(models.path("m.joblib"))
    rows = data(2)[0].astype(float)
    rest = rows[:, :3] @ model.coef_[0, :3] + model.intercept_[0]
    rows[:, 3] = (np.resize([1e-10, -1e-10], 60) - rest) / model.coef_[0, 3]  # float32 cannot tell their labels
    pd.DataFrame(rows, columns=NAMES).to_csv(models.root / "edge.csv", index=False)
    found = type_(*CONVERT[:-1], "edge.csv")
    assert found.code == 1
    assert found.errors[0].endswith(" of the labels agree, less than --min-agreement 0.999; nothing was written")
    assert not models.path("m.onnx").exists()
    assert models.shell(found.fixes[0]).code == 0


# What is there already.


def test_a_file_that_is_not_tracked_is_not_replaced_unless_it_is_the_same(models: Repo, type_: InProcess) -> None:
    models.write("m.onnx", "mine")
    refused(type_(*CONVERT), 2, "m.onnx exists, and is not tracked", "mv -n -- m.onnx m.onnx.aside")
    assert models.read("m.onnx") == b"mine"
    models.path("m.onnx").unlink()
    assert type_(*CONVERT).code == 0
    whole = models.read("m.onnx")
    models.git("reset", "-q")
    for name in (".gitignore", "m.onnx.mvc", "m.onnx.eval.yaml"):
        models.git("checkout", "-q", "--", name) if name[0] == "." else models.path(name).unlink()
    assert type_(*CONVERT).code == 0  # as a killed command leaves it
    assert models.read("m.onnx") == whole


def test_a_tracked_file_is_replaced_if_it_is_saved(models: Repo, type_: InProcess) -> None:
    assert type_(*CONVERT).code == 0
    models.commit("converted")
    models.path("m.onnx").unlink()
    models.write("m.onnx", "mine")
    refused(type_(*CONVERT), 2, "m.onnx differs from its pointer", "mvc add m.onnx")
    models.ok("checkout", "-f", "m.onnx")
    rows, truth = data(2)
    skops.io.dump(LogisticRegression(C=0.1).fit(rows, truth), models.root / "m.skops")
    models.ok("add", "m.skops")
    before = digest(models, "m.onnx")
    assert type_(*CONVERT).code == 0
    assert digest(models, "m.onnx") != before
    report = report_of(models, "m.onnx")
    assert (report.tag, report.sources[0].blake3) == ("v1.0.1", digest(models, "m.skops"))


@pytest.mark.parametrize(("target", "message", "fix"), [
    ("box/new.onnx", "box/new.onnx is inside box, which is tracked as a whole", "choose another file"),
    ("box.onnx", "box.onnx is a directory, expected a file", "choose another file"),
    ("d.onnx", "d.onnx is tracked by Git and can't be tracked by mvc as well",
     "git rm --cached -- d.onnx && mvc add d.onnx"),
    ("far/m.onnx", "far does not exist", "mkdir -p -- far"),
    ("m.bin", "m.bin: --to onnx writes files named *.onnx", "mvc convert m.skops m.onnx --to onnx --data d.csv"),
    ("../m.onnx", None, "mvc -C DIR COMMAND  # in the repository that has it; or copy it into this one"),
])
def test_a_target_that_cannot_be_written(
    models: Repo, type_: InProcess, target: str, message: str | None, fix: str,
) -> None:
    models.write("box/a", "a")
    models.write("box.onnx/a", "a")
    models.write("d.onnx", "of Git")
    models.git("add", "d.onnx")
    models.ok("add", "box", "box.onnx")
    found = type_("convert", "m.skops", target, *CONVERT[3:])
    refused(found, 2, message or f"../m.onnx is outside the repository {models.root}", fix)


# The report.


def test_the_version_is_that_of_the_source(models: Repo, type_: InProcess) -> None:
    models.ok("eval", "record", "m.skops", "--tag", "v2.3.0", "--metric", "auc=0.9")
    assert type_(*CONVERT).code == 0
    assert report_of(models, "m.onnx").tag == "v2.3.0"
    models.commit("converted")
    models.ok("eval", "record", "m.skops", "--tag", "v2.4.0", "--metric", "auc=0.9")
    models.commit("evaluated again")
    assert type_("convert", "HEAD~1:m.skops", "m8.onnx", *CONVERT[3:]).code == 0
    assert report_of(models, "m8.onnx").tag == "v2.3.0"


def test_an_evaluation_and_a_conversion_of_the_same_bytes_keep_each_other(models: Repo, type_: InProcess) -> None:
    assert type_(*CONVERT).code == 0
    found = type_("eval", "record", "m.onnx", "--bump", "minor", "--metric", "auc=0.9", "--dataset", "holdout=d.csv")
    assert found.code == 0
    assert found.err == ""
    report = report_of(models, "m.onnx")
    assert [item.id for item in report.datasets] == ["holdout", "sample"]
    assert {item.name for item in report.metrics} >= {"auc", "parity/agreement"}
    assert report.sources[0].by == "mvc convert --to onnx"
    assert type_(*CONVERT).code == 0
    again = report_of(models, "m.onnx")
    assert again.tag == report.tag
    assert sorted(item.name for item in again.metrics) == sorted(item.name for item in report.metrics)
    assert {item.dataset for item in again.metrics if item.name == "auc"} == {"holdout"}
    found = type_("eval", "record", "m.onnx", "--bump", "minor", "--metric", "auc=0.9", "--dataset", "sample=t.csv")
    assert [item.name for item in report_of(models, "m.onnx").metrics] == ["auc"]  # other data of that name


def test_the_gate_demands_a_report_of_the_source_and_judges_the_new_bytes(models: Repo, type_: InProcess) -> None:
    models.write(".mvc/policy.yaml", POLICY)
    models.git("add", ".mvc/policy.yaml")
    models.commit("policy")
    models.git("checkout", "-q", "-b", "change")
    assert type_(*CONVERT).code == 0

    def findings() -> list[str]:
        models.commit("more")
        judged = type_("gate", "--base", "main", "--json")
        found = [item["code"] for item in judged.json["findings"] if item["severity"] == "error"]
        assert judged.code == bool(found), judged
        return found

    assert findings() == ["MVC109", "MVC201"]
    models.ok("eval", "record", "m.skops", "--tag", "v1.0.0", "--metric", "auc=0.9")
    assert findings() == ["MVC201"]  # that auc is not one of these bytes
    (fix,) = type_("eval", "check", "m.onnx").fixes
    assert fix == "mvc eval record m.onnx --tag v1.0.0 --metric auc=NUMBER"  # the sample is no data of an evaluation
    models.ok("eval", "record", "m.onnx", "--bump", "minor", "--metric", "auc=0.9")
    assert findings() == []


def test_a_report_that_cannot_be_read_is_told_before_anything_is_written(models: Repo, type_: InProcess) -> None:
    models.write("m.onnx.eval.yaml", "mvc-eval: [mine")
    found = type_(*CONVERT)
    assert found.code == 2
    assert found.errors[0].startswith("the earlier report cannot be read: m.onnx.eval.yaml")
    assert not models.path("m.onnx").exists()


# What cannot be converted.


@pytest.mark.parametrize(("args", "code", "message", "fix"), [
    (("m.skops", "m.onnx", "--to", "onnx", "--data", "bad.csv"), 2,
     "bad.csv: 2 columns besides 'truth', expected the 4 that the model takes",
     "choose the columns that the model takes; name that of the labels 'truth'"),
    (("p.joblib", "p.onnx", "--to", "onnx", "--data", "d.csv"), 2,
     "d.csv: no column 'size', which the model takes", ""),
    (("m.skops", "m.onnx", "--to", "onnx", "--data", "texts.csv"), 2,
     "column 'b' is of type object, and the model takes numbers", ""),
    (("m.skops", "m.onnx", "--to", "onnx", "--data", "empty.csv"), 2, "empty.csv: no rows", ""),
    (("m.skops", "m.onnx", "--to", "onnx", "--data", "none.csv"), 2, "none.csv does not exist", "--data SAMPLE.csv"),
    (("m.skops", "m.onnx", "--to", "onnx", "--data", "."), 2, ". is a directory, expected a file of rows",
     "--data SAMPLE.csv"),
    (("m.skops", "m.onnx", "--to", "onnx", "--data", "m.joblib"), 2,
     "m.joblib: expected a file named *.csv, *.jsonl, *.ndjson, *.parquet", "choose a file of one of these formats"),
    (("m.skops", "m.onnx", "--to", "onnx"), 2, "--to onnx compares the outputs on a sample, and none is given",
     "mvc convert m.skops m.onnx --to onnx --data SAMPLE.csv  # rows that the model takes"),
    (("m.skops", "m.onnx", "--to", "onnx", "--data", "link.csv"), 2, "link.csv is a symlink, expected a file",
     "--data SAMPLE.csv"),
    (("w.npz", "w.safetensors", "--to", "safetensors", "--data", "d.csv"), 2,
     "--to safetensors compares the arrays themselves: it takes no --data",
     "mvc convert w.npz w.safetensors --to safetensors"),
    (("m.skops", "m.onnx", "--to", "gguf", "--data", "d.csv"), 2,
     "--to gguf: expected onnx, onnx-int8, onnx-fp16, safetensors, skops",
     "mvc convert SRC OUT.onnx --to onnx --data SAMPLE.csv"),
    (("w.npz", "w.onnx", "--to", "onnx", "--data", "d.csv"), 2,
     "w.npz has the format numpy: --to onnx converts skops, joblib, pickle", "choose --to safetensors"),
    (("m.skops", "n.skops", "--to", "skops", "--data", "d.csv"), 2,
     "m.skops has the format skops: --to skops converts joblib, pickle",
     "choose --to onnx or onnx-int8 or onnx-fp16"),
    (("w.npz.safetensors", "w.npz.safetensors", "--to", "safetensors"), 2,
     "w.npz.safetensors is the source: what it becomes needs a path of its own", "choose another file"),
    (("x.ubj", "x.onnx", "--to", "onnx", "--data", "d.csv"), 2,
     "x.ubj has the format xgboost, and cannot be converted", ""),
    (("d.csv.bin", "x.onnx", "--to", "onnx", "--data", "d.csv"), 2,
     "d.csv.bin has no format that mvc knows, and cannot be converted", ""),
    (("m.joblib", "m.onnx", "--to", "onnx-int8", "--data", "d.csv"), 2,
     "no operator of the model has weights that can have fewer bits: it has LinearClassifier", ""),
    (("m.joblib", "m.safetensors", "--to", "safetensors"), 2,
     "m.joblib has a LogisticRegression, expected arrays by name", ""),
    (("m.skops", "m.onnx", "--to", "onnx", "--data", "d.csv", "--atol", "nan"), 2,
     "--atol nan: expected a finite number of at least 0", "--atol 0.01"),
    (("m.skops", "m.onnx", "--to", "onnx", "--data", "d.csv", "--min-agreement", "1.5"), 2,
     "--min-agreement 1.5: expected a finite number from 0 to 1", "--min-agreement 0.01"),
    (("nothing", "m.onnx", "--to", "onnx", "--data", "d.csv"), 3, "nothing is not tracked and does not exist",
     "mvc ls  # lists tracked paths"),
])
def test_bad_input_is_one_error_and_nothing_is_written(
    models: Repo, type_: InProcess, args: tuple[str, ...], code: int, message: str, fix: str,
) -> None:
    models.write("bad.csv", "a,b,truth\n1,2,0\n")
    models.write("texts.csv", "a,b,c,d\n1,x,3,4\n")
    models.write("empty.csv", "a,b,c,d\n")
    models.path("link.csv").symlink_to("d.csv")
    before = sorted(path.name for path in models.root.iterdir())
    refused(type_("convert", *args), code, message, fix)
    assert sorted(path.name for path in models.root.iterdir()) == before


def test_a_model_that_may_run_code_needs_trust(models: Repo, type_: InProcess) -> None:
    pickled(Hostile(), models.root / "h.pkl")
    models.ok("add", "h.pkl")
    line = "mvc convert h.pkl h.onnx --to onnx --data d.csv"
    found = type_(*line.split()[1:])
    refused(found, 1, "h.pkl: its pickles name what is not known to be harmless: posix.mkdir",
            f"{line} --trust  # runs code in the model: only if you know who wrote it")
    assert not models.path("was-run").exists()


# Killed.

POINTS = [*(("rename", point) for point in range(1, 13)), *(("unlink", point) for point in range(1, 25, 3))]


@pytest.mark.parametrize(("kind", "point"), some(POINTS, 4))
def test_a_killed_conversion_leaves_nothing_half_written(models: Repo, kind: str, point: int) -> None:
    line = ("convert", "w.npz", "w.safetensors", "--to", "safetensors")
    whole = Repo(models.root.parent / "whole", models.environ)
    shutil.copytree(models.root, whole.root, symlinks=True)
    whole.ok(*line)
    broken(models, f"{CALLS[kind]}:signal=KILL:when={point}", *line)
    if models.path("w.safetensors").exists():
        assert models.read("w.safetensors") == whole.read("w.safetensors")
    models.path(".git/index.lock").unlink(missing_ok=True)  # Git's own, when Git was the one that died
    models.ok(*line)
    assert models.git("ls-files", "-s", "w.safetensors.mvc") == whole.git("ls-files", "-s", "w.safetensors.mvc")
    assert models.states()["w.safetensors"] == "clean"
    assert not models.debris()


# From Python.


def test_mvc_load(models: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(models.root)
    rows = {name: data(2)[0][:, place] for place, name in enumerate(NAMES)}
    loaded = mvc.load("HEAD:m.skops")
    assert [field.shape for field in loaded.signature.inputs] == [(None, 4)]
    assert set(loaded.predict(rows).predicted) == {"cat", "dog"}
    pickled(Hostile(), models.root / "h.pkl")
    models.ok("add", "h.pkl")
    with pytest.raises(mvc.MvcError, match="not known to be harmless"):
        mvc.load("h.pkl")
    models.write("mine.py", "class M:\n    def predict(self, rows):\n        return rows[:, 0]\n"
                            "def load(path):\n    return M()\n")
    assert mvc.load("w.npz", loader="mine:load").predict({"a": np.ones(2)}).predicted.tolist() == [1, 1]
    models.write("m.skops", "changed")
    with pytest.raises(mvc.MvcError, match=r"m.skops differs from its pointer"):
        mvc.load("m.skops")


def test_ls_shows_signatures_as_json_if_asked(models: Repo, type_: InProcess) -> None:
    (item,) = type_("-v", "ls", "--json", "m.skops").json["items"]
    assert item["signature"] == {
        "inputs": [{"name": "X", "type": "", "shape": [None, 4]}],
        "outputs": [{"name": "label", "type": "<U3", "shape": [None]}],
    }
    assert "signature" not in type_("ls", "--json", "m.skops").json["items"][0]
    models.write("box/MLmodel", f"signature: {{inputs: '{json.dumps([{'type': 'double', 'name': 'a'}])}'}}\n")
    models.ok("add", "box")
    assert type_("-v", "ls", "box").out.splitlines()[1:] == ["    in   a  double[?]"]
