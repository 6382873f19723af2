"""`mvc export dvc`: the real DVC goes on from what it writes."""

from __future__ import annotations

import json
import shutil

import pytest
from dvc import dvc, with_dvc
from harness import LARGE, Begin, InProcess, Repo, noise

FILES = {
    "big.bin": noise("export", LARGE), "mo del[1].bin": b"a\r\nb", "data/a": b"a", "data/b c/d": b"a", "data/é": b"e",
    "models/run.sh": b"#!/bin/sh\n", "models/same": b"a",
}
TRACKED = ("big.bin", "mo del[1].bin", "data", "models/run.sh", "models/same")


def with_files(repo: Repo) -> None:
    """Let mvc track files that DVC has never seen."""
    for path, content in FILES.items():
        repo.write(path, content)
    repo.path("models/run.sh").chmod(0o755)
    repo.ok("add", *TRACKED, "-m", "of mvc")
    repo.ok("remote", "add", "nas", "../nas")
    repo.git("add", "-A")
    repo.commit("of mvc")


@pytest.fixture
def files(begin: Begin) -> Repo:
    """Return a repository of mvc."""
    return begin(with_files)


def test_the_real_dvc_accepts_it(files: Repo) -> None:
    said = files.ok("export", "dvc").out
    assert "exported data (3 B, 3 files)\n" in said
    assert 'Next: git commit -m "..."' in said
    files.commit("to DVC")
    assert json.loads(dvc(files, "status", "--json")) == {}
    for path in TRACKED:
        files.remove(path)
    dvc(files, "checkout", "-q")
    assert {path: files.read(path) for path in FILES} == FILES
    assert files.path("models/run.sh").stat().st_mode & 0o100
    files.ok("rm", "--keep", *TRACKED)
    assert files.git("status", "--short", "--untracked-files=all").splitlines() == [
        "M  .gitignore", "D  big.bin.mvc", "D  data.mvc", 'D  "mo del[1].bin.mvc"', "M  models/.gitignore",
        "D  models/run.sh.mvc", "D  models/same.mvc",
    ]
    assert json.loads(dvc(files, "status", "--json")) == {}


def test_a_second_export_does_nothing(files: Repo, in_process: InProcess) -> None:
    files.ok("export", "dvc")
    before = files.git("write-tree")
    files.commit()
    assert in_process(files.root, "export", "dvc").code == 0
    assert files.git("write-tree") == before
    assert files.git("status", "--short") == ""


def test_there_and_back(begin: Begin) -> None:
    repo = begin(with_dvc)
    before = {path: repo.read(path) for path in ("big.bin.dvc", "data.dvc", "mo del[1].bin.dvc", "dvc.lock")}
    repo.ok("import", "dvc")
    repo.commit("to mvc")
    shutil.rmtree(repo.path(".dvc/cache"))
    repo.ok("export", "dvc")
    assert {path.name for path in repo.root.rglob("*.dvc") if path.is_file()} == {
        path for path in before if path != "dvc.lock"
    }
    assert "up to date" in dvc(repo, "status", "big.bin.dvc", "data.dvc", "mo del[1].bin.dvc")
    repo.remove("data")
    dvc(repo, "checkout", "-q", "data.dvc")
    assert repo.states()["data"] == "clean"
    repo.ok("import", "dvc")
    assert repo.git("status", "--short", "*.mvc", "*.dvc") == ""


def test_what_the_cache_lacks_is_named_and_the_rest_goes_on(files: Repo) -> None:
    files.ok("push")
    files.loose(files.digest("big.bin")).unlink()
    result = files.fails(3, "export", "dvc")
    assert "big.bin: the cache does not have all of its content" in result.err
    assert files.path("data.dvc").exists()
    assert not files.path("big.bin.dvc").exists()
    (line,) = result.fixes
    assert files.shell(line).code == 0
    assert files.path("big.bin.dvc").exists()


def test_nothing_is_written_elsewhere(files: Repo) -> None:
    outside = files.root.parent / "outside"
    outside.mkdir()
    files.write(".dvc/config", f"[cache]\n    dir = {outside}\n")
    assert f"DVC's cache is in {outside}: mvc writes only to .dvc/cache" in files.fails(3, "export", "dvc").err
    files.write(".dvc/config", "")
    files.path(".dvc/cache").symlink_to(outside)
    assert files.mvc("export", "dvc").code
    assert not [*outside.iterdir()]
