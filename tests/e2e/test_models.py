"""Real models: versions that come back bit for bit and still predict."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from harness import Repo

ModelFile = Callable[[str], Path]


@pytest.mark.parametrize(
    ("name", "link"),
    [
        ("magika", "reflink,copy"),
        ("magika", "hardlink"),
        ("silero-onnx", "reflink,copy"),
        ("silero-jit", "symlink"),
        ("profanity", "reflink,copy"),
        ("minilm", "reflink,copy"),
        ("minilm", "hardlink"),
    ],
)
def test_a_published_model_goes_and_comes_back(repo: Repo, model_file: ModelFile, name: str, link: str) -> None:
    original = model_file(name)
    repo.ok("config", "set", "cache.link", link)
    target = f"models/{original.name}"
    repo.path("models").mkdir()
    shutil.copyfile(original, repo.path(target))
    first = repo.added(target)
    assert repo.path(f"{target}.mvc").stat().st_size < 1000
    repo.remove(target)
    repo.write(target, original.read_bytes()[:-7] + b"retrained")
    repo.added(target)
    repo.ok("checkout", "--rev", first)
    assert repo.read(target) == original.read_bytes()
    repo.ok("verify")
    assert repo.states() == {target: "clean"}
    assert int(repo.git("count-objects").partition(" objects, ")[2].split()[0]) < 200  # kB: no model is in Git


def test_a_directory_of_models_shows_which_file_changed(repo: Repo, model_file: ModelFile) -> None:
    repo.path("release").mkdir()
    for name in ("silero-onnx", "silero-jit", "profanity"):
        shutil.copyfile(model_file(name), repo.path("release") / model_file(name).name)
    first = repo.added("release")
    shutil.copyfile(model_file("magika"), repo.path("release/silero_vad.onnx"))
    second = repo.added("release")
    changed = [
        line
        for line in repo.git("diff", "-U0", first, second, "--", "release.mvc").splitlines()
        if line.startswith("+  - ")
    ]
    assert len(changed) == 1
    assert "silero_vad.onnx" in changed[0]
    files = repo.ok("diff", "--json", first, second).json["changes"][0]["files"]
    assert [(file["change"], file["path"]) for file in files] == [("modified", "silero_vad.onnx")]
    assert len([path for path in (repo.store / "objects").rglob("*") if path.is_file()]) == 4


def test_a_model_trained_here_predicts_the_same_after_going_back(repo: Repo) -> None:
    import joblib
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression

    features, labels = load_iris(return_X_y=True)
    repo.path("models").mkdir()
    revisions, predictions = [], []
    for strength in (0.001, 10.0):
        model = LogisticRegression(C=strength, max_iter=500).fit(features, labels)
        joblib.dump(model, repo.path("models/iris.joblib"))
        revisions.append(repo.added("models/iris.joblib"))
        predictions.append(model.predict_proba(features).tolist())
    for revision, expected in zip(revisions, predictions, strict=True):
        repo.ok("checkout", "--rev", revision)
        assert joblib.load(repo.path("models/iris.joblib")).predict_proba(features).tolist() == expected
    assert predictions[0] != predictions[1]


def test_a_model_can_be_used_while_it_is_a_hard_link(repo: Repo, model_file: ModelFile) -> None:
    repo.ok("config", "set", "cache.link", "hardlink")
    shutil.copyfile(model_file("profanity"), repo.path("model.joblib"))
    repo.added("model.joblib")
    repo.remove("model.joblib")
    repo.ok("checkout")
    assert repo.read("model.joblib") == model_file("profanity").read_bytes()
    assert not repo.path("model.joblib").stat().st_mode & 0o222
    assert os.path.samefile(repo.path("model.joblib"), repo.loose(repo.digest("model.joblib")))
