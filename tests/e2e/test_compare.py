"""`mvc compare`."""

from __future__ import annotations

import json
import struct

import pytest
from harness import Begin, Repo, noise
from versions import RANKER, registered


def evaluated(repo: Repo) -> None:
    """Register three versions with slices, parameters, errors; the last on other data, the second without a loss."""
    for number, (auc, data) in enumerate([(0.9, "1,2"), (0.92, "1,2"), (0.95, "3,4")]):
        repo.write("data/holdout.csv", data)
        header = json.dumps({"w": {"dtype": "F32", "shape": [number + 1, 2], "data_offsets": [0, 0]}}).encode()
        repo.write("m.safetensors", struct.pack("<Q", len(header)) + header + noise(number, 10))
        repo.ok("add", "m.safetensors", "--name", "m")
        metrics = [{"name": "auc", "value": auc, "stderr": 0.01}, {"name": "auc", "value": 0.5, "slice": {"c": "DE"}}]
        metrics += [{"name": "loss", "value": 0.5 - number / 10}] if number != 1 else []
        repo.write("metrics.json", json.dumps(metrics))
        repo.ok(
            "eval", "record", "m.safetensors", "--tag", f"v1.{number}.0", "--metrics", "metrics.json",
            "--dataset", "holdout=data/holdout.csv", "--param", f"rate={number}", "--param", "seed=1",
        )
        repo.commit(f"v1.{number}.0")
        repo.ok("register", "m")


@pytest.fixture
def repo(begin: Begin) -> Repo:
    return begin(evaluated)


def test_references_side_by_side(repo: Repo) -> None:
    shown = repo.ok("compare", "m@v1.0.0", "m@v1.1.0").out
    rows = [line.split() for line in shown.splitlines()]
    assert rows[0] == ["m@v1.0.0", "m@v1.1.0"]
    assert ["report", "v1.0.0", "v1.1.0"] in rows
    assert ["auc@holdout", "0.9", "±", "0.01", "0.92", "±", "0.01", "*"] in rows
    assert ["loss@holdout", "0.5", "-"] in rows
    assert ["param", "rate", "0", "1"] in rows
    assert ["tensor", "w", "F32[1,2]", "F32[2,2]"] in rows
    assert "seed" not in shown
    assert "DE" not in shown
    all_of_it = repo.ok("-v", "compare", "m@v1.0.0", "m@v1.1.0").out
    assert "param seed" in all_of_it
    assert "auc[c=DE]@holdout" in all_of_it


def test_a_model_stands_for_its_versions_and_the_best_is_named(repo: Repo) -> None:
    repo.ok("retire", "m@v1.0.0")
    shown = repo.ok("compare", "m", "--by", "loss").out
    assert "v1.0.0 (retired)" in shown
    assert shown.splitlines()[-3:] == [
        "Best by loss@holdout, lower is better: m@v1.2.0", "Without loss@holdout: m@v1.1.0",
        "Measured on other data: m@v1.0.0",
    ]
    assert repo.ok("compare", "m", "--by", "auc@holdout").out.splitlines()[-2:] == [
        "Best by auc@holdout, higher is better: m@v1.1.0", "Measured on other data: m@v1.2.0",
    ]
    assert "(a tie)" in repo.ok("compare", "m@v1.0.0", "m@v1.0.0", "--by", "auc").out


def test_more_versions_than_columns_become_rows(repo: Repo) -> None:
    shown = repo.ok("compare", *["m"] * 3).out.splitlines()
    assert shown[0].split() == ["commit", "report", "model", "size", "auc@holdout", "loss@holdout"]
    assert [line.split()[0] for line in shown[1:10]] == ["m@v1.0.0", "m@v1.1.0", "m@v1.2.0"] * 3


def test_workspace_and_commits(repo: Repo) -> None:
    repo.write("m.safetensors", "new")
    repo.ok("add", "m.safetensors")
    here, there = repo.ok("compare", "m.safetensors", "HEAD:m.safetensors", "--json").json["items"]
    assert (here["commit"], here["report"], here["tag"], here["tensors"]) == ("", "stale", "", {})
    assert (there["report"], there["tag"], there["params"]) == ("ok", "v1.2.0", {"rate": 2, "seed": 1})


def test_a_directory_stands_for_its_tracked_paths(repo: Repo) -> None:
    repo.write("box/a.bin", "a")
    repo.write("box/bert/x.safetensors", (9).to_bytes(8, "little") + b'{"w": {}}')
    repo.ok("add", "box/a.bin", "box/bert")
    found = repo.ok("compare", "box", "--json").json["items"]
    assert [(item["ref"], item["report"], item["tensors"]) for item in found] == [
        ("box/a.bin", "missing", {}), ("box/bert", "missing", {}),
    ]


def test_markdown(repo: Repo) -> None:
    repo.ok("add", "m.safetensors", "--name", "m", "-m", "a | b")
    lines = repo.ok("compare", "m@v1.1.0", "m@v1.2.0", "--md").out.splitlines()
    assert lines[:2] == ["| | `m@v1.1.0` | `m@v1.2.0` |", "| --- | --- | --- |"]
    assert "| `auc@holdout` | `0.92 ± 0.01 !` | `0.95 ± 0.01` |" in lines


def test_a_policy_decides_direction_and_limits(repo: Repo) -> None:
    repo.write(".mvc/policy.yaml", "mvc-policy: 1\nrules: [{match: '*', metrics: {auc: {max: 1, min: 0.1, "
               "direction: lower}}}]\nstages: {prod: {metrics: {'auc[c=DE]': {min: 0.4}}}}\n")
    repo.git("commit", "-qam", "policy")
    found = repo.ok("compare", "m", "--by", "auc", "--json").json
    assert found["best"] == {
        "metric": "auc@holdout", "higher_is_better": False, "best": ["m@v1.0.0"], "missing": [],
        "incomparable": ["m@v1.2.0"],
    }
    assert [tuple(item.values()) for item in found["limits"]] == [
        ("auc", 0.1, "min"), ("auc", 1, "max"), ("auc[c=DE]", 0.4, "prod min"),
    ]


def forge(repo: Repo, tag: str) -> None:
    body = repo.git("cat-file", "tag", tag).replace("Mvc-Model-Blake3: ", "Mvc-Model-Blake3: 0")
    repo.write("body", body + "\n")
    repo.git("update-ref", f"refs/tags/{tag}", repo.git("hash-object", "-t", "tag", "-w", "body"))


def test_a_forged_version_is_left_out_and_named(repo: Repo) -> None:
    forge(repo, "m@v1.1.0")
    result = repo.mvc("compare", "m")
    assert result.code == 0
    assert "m@v1.1.0 is forged or was moved" in result.err
    assert result.out.splitlines()[0].split() == ["m@v1.0.0", "m@v1.2.0"]
    repo.fails(1, "compare", "m@v1.1.0")
    forge(repo, "m@v1.0.0")
    forge(repo, "m@v1.2.0")
    assert "none of these versions can be read: m" in repo.fails(1, "compare", "m").err


def test_errors(repo: Repo) -> None:
    assert "'f1'; there is auc@holdout, loss@holdout" in repo.fails(2, "compare", "m", "--by", "f1").err
    repo.fails(2, "compare", "m@v9.0.0")
    repo.fails(1, "compare", "HEAD:nothing")
    repo.fails(3, "compare", "nothing")
    repo.ok("eval", "record", "m.safetensors", "--tag", "v2.0.0", "--metric", "score=1")
    assert "score: direction not known" in repo.fails(2, "compare", "m.safetensors", "--by", "score").err


def test_versions_without_a_file_in_the_cache(begin: Begin) -> None:
    repo = begin(registered)
    found = repo.ok("compare", "ranker", "--by", "auc", "--json").json
    assert [item["path"] for item in found["items"]] == [RANKER] * 3
    assert found["best"]["best"] == ["ranker@v1.1.0"]
    for path in (repo.store / "packs").iterdir():
        path.unlink()
    items = repo.ok("compare", "ranker", "--json").json["items"]
    assert [item["tensors"] for item in items] == [None] * 3


def test_a_plot_is_written_beside_the_table(repo: Repo) -> None:
    assert "auc@holdout" in repo.ok("compare", "m", "--plot", "out.svg").out
    assert b"v1.2.0" in repo.read("out.svg")
    repo.ok("compare", "m", "--plot", "out.svg", "--json")
    error = repo.fails(3, "compare", "m", "--plot", "nowhere/out.svg").err
    assert f"mkdir -p {repo.root}/nowhere" in error


def test_log_and_diff_show_how_metrics_changed(repo: Repo) -> None:
    lines = [line.strip() for line in repo.ok("log", "m.safetensors").out.splitlines()[2::3]]
    assert lines == [
        "v1.2.0: auc@holdout 0.92 -> 0.95 (other data), loss@holdout 0.3, ... 1 slice",
        "v1.1.0: auc@holdout 0.9 -> 0.92 (better), ... 1 slice",
        "v1.0.0: auc@holdout 0.9, loss@holdout 0.5, ... 1 slice",
    ]
    assert "auc@holdout  0.9 -> 0.92 (better)" in repo.ok("diff", "m@v1.0.0", "m@v1.1.0", "m.safetensors").out
    assert "auc@holdout  0.92 -> 0.95 (other data)" in repo.ok("diff", "m@v1.1.0", "m@v1.2.0", "m.safetensors").out
    first = repo.ok("log", "m.safetensors", "--json").json[1]["changes"][0]
    assert first == {
        "name": "auc@holdout", "old": 0.9, "new": 0.92, "higher_is_better": True, "same_data": True,
    }
