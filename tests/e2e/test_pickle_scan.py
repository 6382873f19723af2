"""`formats: {pickle: scan}`: what a pickle would call stops commit, check and gate."""

from __future__ import annotations

import io
import os
import pickle
import re
import zipfile
from typing import Any

import joblib
import numpy as np
import pytest
from harness import LARGE, MANY, Repo, Result, noise

POLICY = "mvc-policy: 1\ndefaults: {report: optional}\nrules:\n  - match: 'models/**'\n    formats: {pickle: scan}\n"


class Evil:
    """Runs a command when it is unpickled; no test unpickles it."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("touch ran",)


EVIL = pickle.dumps(Evil())


@pytest.fixture
def scanned(repo: Repo) -> Repo:
    """Return a repository with hooks, whose policy scans pickles."""
    repo.write(".mvc/policy.yaml", POLICY)
    repo.git("add", "-A")
    repo.commit("policy")
    return repo.hooked()


def torch(content: bytes) -> bytes:
    """Return a zip in the layout of PyTorch."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("m/data.pkl", content)
        archive.writestr("m/data/0", noise("weights", LARGE))
    return file.getvalue()


def codes(result: Result) -> list[str]:
    """Return the codes of the errors."""
    return re.findall(r"^error: MVC(\d{3}) ", result.err, re.MULTILINE)


@pytest.mark.parametrize(("path", "content"), [
    ("models/m.pkl", EVIL), ("models/m", EVIL), ("models/m.pt", torch(EVIL)), ("models/m.bin", EVIL + noise(1, LARGE)),
])
def test_a_commit_of_one_that_runs_something_is_refused(scanned: Repo, path: str, content: bytes) -> None:
    scanned.write(path, content)
    scanned.ok("add", path)
    before = scanned.git("ls-files", "--stage"), scanned.git("rev-parse", "HEAD")
    result = scanned.run("git", "commit", "-qm", "x")
    assert result.code == 1
    assert codes(result) == ["310"]
    assert "posix.system" in result.err
    assert (scanned.git("ls-files", "--stage"), scanned.git("rev-parse", "HEAD")) == before
    assert scanned.read(path) == content
    assert not scanned.path("ran").exists()
    assert scanned.shell(result.fixes[0]).code == 0
    assert scanned.git("diff", "--cached", "--name-only") in ("", "models/.gitignore")


def test_what_is_harmless_is_committed(scanned: Repo) -> None:
    weights = {"weights": np.arange(90_000.0), "labels": np.array(["a", None], dtype=object)}
    joblib.dump(weights, scanned.path("m.joblib"))
    scanned.write("models/m.joblib", scanned.read("m.joblib"))
    scanned.write("models/m.pt", torch(pickle.dumps({"a": 1}, 2)))
    scanned.write("models/m.onnx", noise("onnx", 999))
    scanned.ok("add", "models/m.joblib", "models/m.pt", "models/m.onnx")
    result = scanned.run("git", "commit", "-qm", "x")
    assert (result.code, result.err) == (0, "")


def test_other_paths_are_not_scanned(scanned: Repo) -> None:
    scanned.added("other/m.pkl", EVIL)


@pytest.mark.parametrize("count", [3, MANY])
def test_files_of_a_directory(scanned: Repo, count: int) -> None:
    scanned.write_dir("models/dir", count)
    scanned.write("models/dir/sub/optimizer.pt", torch(EVIL))
    scanned.ok("add", "models/dir")
    result = scanned.run("git", "commit", "-qm", "x")
    assert codes(result) == ["310"]
    assert "models/dir/sub/optimizer.pt would call" in result.err


def test_names_drive_no_terminal(scanned: Repo) -> None:
    scanned.write("models/m.pkl", b"\x80\x04\x8c\x08os\x1b[31m\n\x8c\x06system\x93.")
    scanned.ok("add", "models/m.pkl")
    result = scanned.run("git", "commit", "-qm", "x")
    assert codes(result) == ["310"]
    assert "\x1b" not in result.err
    assert "\\x1b[31m" in result.err


def test_the_check_says_it_anew_and_as_it_is_remembered(scanned: Repo) -> None:
    scanned.write("models/a.pkl", EVIL)
    scanned.write("models/b.pkl", pickle.dumps([1]))
    scanned.ok("add", "models/a.pkl", "models/b.pkl")
    for _ in range(2):
        result = scanned.fails(1, "eval", "check")
        assert codes(result) == ["310"]
        assert "MVC310 models/a.pkl" in result.err
    scanned.write(".mvc/policy.yaml", POLICY.replace("scan", "allow"))
    scanned.ok("eval", "check")


def test_a_commit_that_brings_no_content_scans_none(scanned: Repo) -> None:
    scanned.write("models/a.pkl", EVIL)
    scanned.ok("add", "models/a.pkl")
    scanned.git("commit", "-qnm", "past the hook")
    scanned.write("readme.txt", "text")
    scanned.git("add", "readme.txt")
    scanned.commit()


def gate(repo: Repo) -> Result:
    """Judge the branch against main."""
    return repo.mvc("gate", "--base", "main", "--head", "side")


@pytest.fixture
def side(scanned: Repo) -> Repo:
    """Return that repository on another branch than main."""
    scanned.git("checkout", "-qb", "side")
    return scanned


def test_the_gate_finds_it(side: Repo) -> None:
    side.write("models/a.pkl", EVIL)
    side.ok("add", "models/a.pkl")
    side.git("commit", "-qnm", "past the hook")
    result = gate(side)
    assert (result.code, codes(result)) == (1, ["310"])


def test_the_gate_lets_pass_what_is_harmless(side: Repo) -> None:
    side.added("models/a.pkl", pickle.dumps([1]))
    assert gate(side).code == 0


def test_the_gate_fails_what_it_cannot_look_at_until_it_is_brought(side: Repo, tmp_path: Any) -> None:
    side.ok("remote", "add", "r", str(tmp_path / "remote"), "--default")
    side.git("add", "-A")
    side.added("models/a.pkl", pickle.dumps([1]))
    side.added("models/b.onnx", noise("onnx", 99))
    side.ok("push")
    clone = side.clone(tmp_path / "clone")
    clone.git("fetch", "-q", "origin", "main:main")
    result = gate(clone)
    assert (result.code, codes(result)) == (1, ["311", "311"]), "loaders ignore names, so b.onnx counts as well"
    assert "models/a.pkl" in result.errors[0]
    for line in result.fixes:
        assert clone.shell(line).code == 0
    assert gate(clone).code == 0


def test_a_shared_cache_that_holds_other_bytes_is_found_out(scanned: Repo, tmp_path: Any) -> None:
    scanned.ok("config", "set", "--local", "cache.dir", str(tmp_path / "shared"))
    scanned.write("models/m.bin", EVIL + noise(1, LARGE))
    scanned.ok("add", "models/m.bin")
    name = scanned.digest("models/m.bin")
    stored = tmp_path / "shared/objects" / name[:2] / name
    stored.chmod(0o644)
    stored.write_bytes(b"harmless" + bytes(LARGE))
    result = scanned.run("git", "commit", "-qm", "x")
    assert codes(result) == ["310"]
    assert "damaged" in result.err
