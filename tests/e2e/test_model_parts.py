"""Models in several files: external data of ONNX and shards of safetensors are tracked together, or it is said."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from harness import Repo
from quality.onnx_files import field, model, tensor

FIRST, SECOND = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"
RECORD = ("--tag", "v1.0.0", "--metric", "auc=1")


def write_onnx(repo: Repo, path: str, *locations: str) -> Path:
    return repo.write(path, model(*map(tensor, locations)))


def write_shards(repo: Repo, *named: str) -> None:
    repo.write("llm/model.safetensors.index.json", json.dumps({"weight_map": dict(enumerate(named))}))
    repo.write(f"llm/{FIRST}", "first")


def commit(repo: Repo) -> set[str]:
    """Try to commit; return the codes of the errors of the hook."""
    result = repo.run("git", "commit", "-qm", "x")
    return {line.split()[1] for line in result.err.splitlines() if line.startswith("error: MVC")}


@pytest.fixture
def repo(bare_git: Repo, environ: dict[str, str]) -> Repo:
    """Return a repository with hooks, and without a report for what is not a model."""
    environ.pop("MVC_HOOKS_ENABLED", None)
    repo = Repo(bare_git.root, environ)
    repo.ok("init")
    repo.write(".mvc/policy.yaml", 'mvc-policy: 1\nrules: [{match: "*.data", report: optional}]\n')
    repo.git("add", ".mvc/policy.yaml")
    repo.git("commit", "-qm", "policy")
    return repo


@pytest.mark.parametrize("tracked", [False, True], ids=["untracked", "tracked apart"])
@pytest.mark.parametrize("reported", [False, True], ids=["no report", "a report"])
def test_external_data_is_tracked_in_one_directory(repo: Repo, tracked: bool, reported: bool) -> None:
    write_onnx(repo, "models/m.onnx", "m.onnx.data")
    repo.write("models/m.onnx.data", "weights")
    if tracked:
        repo.ok("add", "models/m.onnx.data")
    if reported:
        repo.ok("eval", "record", "models/m.onnx", *RECORD)
    result = repo.ok("add", "models/m.onnx")
    assert "MVC314 models/m.onnx: it has weights in models/m.onnx.data, tracked neither" in result.err
    assert "MVC314" in commit(repo)
    assert repo.shell(result.fixes[-1]).code == 0
    assert repo.ok("ls", "--json").json["items"][0]["path"] == "models/m"
    repo.ok("eval", "record", "models/m", *RECORD)
    assert commit(repo) == set()
    assert repo.read("models/m/m.onnx.data") == b"weights"


def test_external_data_in_folders_is_tracked_with_its_directory(repo: Repo) -> None:
    write_onnx(repo, "models/m.onnx", "w/1", "w/2")
    for name in "12":
        repo.write(f"models/w/{name}", name)
    result = repo.ok("add", "models/m.onnx", "--json").json
    assert [item["code"] for item in result["findings"]] == ["MVC314"]
    assert repo.shell(result["findings"][0]["fix"]).code == 0
    assert repo.ok("ls", "--json").json["items"][0]["path"] == "models"


def test_external_data_that_the_report_names(repo: Repo) -> None:
    write_onnx(repo, "m.onnx", "m.onnx.data")
    repo.write("m.onnx.data", "weights")
    repo.ok("add", "m.onnx.data")
    repo.ok("eval", "record", "m.onnx", *RECORD, "--with", "m.onnx.data")
    assert "MVC314" not in repo.ok("add", "m.onnx").err
    assert commit(repo) == set()
    repo.ok("eval", "check")
    repo.write("m.onnx.data", "other weights")
    repo.ok("add", "m.onnx.data")
    assert "MVC107" in repo.fails(1, "eval", "check").err
    repo.write("m.onnx.eval.yaml", re.sub(rb"with:\n.*\n", b"", repo.read("m.onnx.eval.yaml")))
    repo.git("add", "m.onnx.eval.yaml")
    assert commit(repo) == {"MVC314"}


@pytest.mark.parametrize("location", ["../w.data", "/etc/passwd", "a/../../w.data", "..\\w.data", "w\n.data", ""])
def test_external_data_outside_is_refused(repo: Repo, location: str) -> None:
    write_onnx(repo, "models/m.onnx", location)
    result = repo.fails(2, "add", "models/m.onnx")
    assert len(result.errors) == 1
    assert "has weights at " in result.errors[0]
    assert "outside of its folder" in result.errors[0]
    assert result.fixes
    assert not repo.path("models/m.onnx.mvc").exists()
    repo.fails(2, "add", "models")
    assert repo.git("status", "--short", "--untracked-files=all") == "?? models/m.onnx"


def test_a_bomb_is_told(repo: Repo) -> None:
    raw = b""
    for _ in range(40):
        raw = field(1, field(5, field(6, raw)))
    repo.write("m.onnx", field(7, raw))
    assert "MVC313 m.onnx: the external data of m.onnx is unknown: messages are nested" in repo.ok("add", "m.onnx").err


def test_a_directory_has_all_that_its_files_name(repo: Repo) -> None:
    write_onnx(repo, "d/onnx/m.onnx", "m.onnx.data")
    repo.write("d/m.onnx.data", "in another folder")
    assert "MVC313 d: onnx/m.onnx has weights in m.onnx.data, not there" in repo.ok("add", "d").err
    repo.write("d/onnx/m.onnx.data", "weights")
    assert repo.ok("add", "d").err == ""


def test_shards_are_those_of_their_index(repo: Repo) -> None:
    write_shards(repo, FIRST, SECOND)
    result = repo.ok("add", "llm")
    assert f"MVC313 llm: model.safetensors.index.json names {SECOND}, not there" in result.err
    repo.ok("eval", "record", "llm", *RECORD)
    assert commit(repo) == {"MVC313"}
    repo.write(f"llm/{SECOND}", "second")
    assert repo.shell(result.fixes[0]).err == ""
    repo.ok("eval", "record", "llm", *RECORD)
    assert commit(repo) == set()
    write_shards(repo, FIRST)
    assert f"does not name {SECOND}, beside it" in repo.ok("add", "llm").err
    repo.write("llm/model.safetensors.index.json", "{")
    assert "is not an index of shards" in repo.ok("add", "llm").err


def test_the_gate_judges_what_the_cache_has(repo: Repo) -> None:
    base = repo.git("rev-parse", "HEAD")
    write_shards(repo, FIRST, SECOND)
    repo.ok("add", "llm")
    repo.ok("eval", "record", "llm", *RECORD)
    repo.git("commit", "-qnm", "a model")
    assert "MVC313" in repo.fails(1, "gate", "--base", base, "--head", "HEAD").out
    shutil.rmtree(repo.store / "packs")
    assert "MVC313" not in repo.ok("gate", "--base", base, "--head", "HEAD").out
