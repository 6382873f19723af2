"""`mvc verify FILE`: which version a file is, wherever it lies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from harness import LARGE, MANY, Begin, Repo, noise

OLD, NEW = noise("old", LARGE), noise("new", LARGE)


def with_versions(repo: Repo) -> None:
    """Commit two versions of a model, the first with a report and a Git tag, and two directories."""
    repo.write("models/m.bin", OLD)
    repo.ok("add", "models/m.bin")
    repo.commit("first")
    repo.git("tag", "release-1")
    repo.ok("eval", "record", "models/m.bin", "--tag", "v1.0.0", "--metric", "auc=0.9")
    repo.commit("report")
    repo.write("models/m.bin", NEW)
    repo.write("bert/shard", "shard")
    repo.write_dir("many", MANY)
    repo.ok("add", "models/m.bin", "bert", "many")
    repo.commit("second")


@pytest.fixture
def versions(begin: Begin) -> Repo:
    """Return a repository with two versions of a model, and directories."""
    return begin(with_versions)


def identified(repo: Repo, *words: str, code: int = 0) -> list[dict[str, Any]]:
    """Return the files that `mvc verify` names in its JSON document."""
    done = repo.mvc("verify", "--json", *words)
    assert done.code == code, done
    found: list[dict[str, Any]] = json.loads(done.out).get("files", [])
    return found


def test_a_file_anywhere_is_a_version(versions: Repo, tmp_path: Path) -> None:
    (tmp_path / "found.onnx").write_bytes(OLD)
    (found,) = identified(versions, str(tmp_path / "found.onnx"))
    assert (found["blake3"], found["size"], found["tag"]) == (versions.digest("HEAD~2:models/m.bin"), LARGE, "v1.0.0")
    (version,) = found["versions"]
    assert (version["path"], version["subject"], version["tags"]) == ("models/m.bin", "first", ["release-1"])
    text = versions.ok("verify", str(tmp_path / "found.onnx")).out
    assert "found.onnx is v1.0.0 of models/m.bin, from " in text
    assert "Checked" not in text


def test_a_link_is_what_it_points_at(versions: Repo, tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(NEW)
    (tmp_path / "link").symlink_to("target")
    assert identified(versions, str(tmp_path / "link"))[0]["versions"][0]["subject"] == "second"


@pytest.mark.parametrize("name", ["bert/shard", "many/part-0003.bin"])
def test_a_file_of_a_directory(versions: Repo, tmp_path: Path, name: str) -> None:
    (tmp_path / "copy").write_bytes(versions.read(name))
    (found,) = identified(versions, str(tmp_path / "copy"))
    assert [version["path"] for version in found["versions"]] == [name]


def test_content_that_was_added_and_not_committed(versions: Repo) -> None:
    versions.write("new.bin", "never committed")
    versions.ok("add", "new.bin")
    versions.write("copy", "never committed")
    assert "copy is new.bin, never committed" in versions.ok("verify", "copy").out
    versions.shell("git rm -q --cached new.bin.mvc && rm new.bin.mvc")
    assert "copy is new.bin, never committed" in versions.ok("verify", "copy").out


def test_an_unknown_file_is_no_version(versions: Repo) -> None:
    versions.write("unknown", "unknown")
    assert "unknown is not a version" in versions.mvc("verify", "unknown").out
    assert identified(versions, "unknown", code=1)[0]["versions"] == []
    versions.write("copy", OLD)
    assert [len(item["versions"]) for item in identified(versions, "unknown", "copy", code=1)] == [0, 1]


def test_tracked_paths_are_verified_beside_files(versions: Repo) -> None:
    versions.write("copy", OLD)
    done = versions.ok("verify", "models/m.bin", "copy", cwd=".")
    assert "copy is v1.0.0 of models/m.bin" in done.out
    assert "Checked 1 object" in done.out
    document = json.loads(versions.ok("verify", "bert", "models/m.bin.mvc", "--json").out)
    assert (document["objects"], "files" in document) == (2, False)


def test_what_is_neither_a_file_nor_tracked_is_refused(versions: Repo) -> None:
    versions.path("empty").mkdir()
    for word in ("empty", "nothing"):
        assert "not tracked" in versions.fails(3, "verify", word).errors[0]
    versions.fails(2, "verify", "../nothing")


def test_a_file_beside_a_remote_that_is_verified(versions: Repo) -> None:
    versions.ok("remote", "add", "nas", "../nas")
    versions.ok("push")
    versions.write("copy", OLD)
    assert "copy is v1.0.0" in versions.ok("verify", "-r", "nas", "models/m.bin", "copy").out
