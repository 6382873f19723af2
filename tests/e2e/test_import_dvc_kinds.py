"""`mvc import dvc`: each kind of output that the real DVC makes."""

from __future__ import annotations

import shutil

import pytest
from dvc import KINDS, MADE, UNTRACKED, dvc, in_dvc, with_kinds
from harness import LONG, Begin, Repo, noise

OUTS = {
    "deep/data", "empty", "imported.bin", "noted.bin", "old", "one.out", "second.bin", "text.csv", "two.out",
}


@pytest.fixture
def kinds(begin: Begin) -> Repo:
    """Return a repository in which DVC tracks all kinds of outputs."""
    return begin(with_kinds)


def contents(repo: Repo) -> dict[str, bytes]:
    return {name: repo.read(name) for name in [*KINDS, *MADE, *UNTRACKED] if repo.path(name).exists()}


def imported(repo: Repo) -> str:
    """Import all but the output whose directory only DVC knows; return what was said."""
    result = repo.mvc("-v", "import", "dvc")
    assert result.code == 2, result
    (problem,) = result.errors
    assert "late.out, of dvc.lock: the wdir of its stage late has variables, which mvc does not resolve" in problem
    return result.out + result.err


def test_all_kinds_are_tracked_as_they_are(kinds: Repo) -> None:
    imported(kinds)
    assert contents(kinds) == KINDS | UNTRACKED | MADE
    assert kinds.states() == dict.fromkeys(OUTS, "clean")
    ignores = {path: kinds.read(path).decode() for path in (".mvcignore", "deep/.mvcignore")}
    assert ignores == {path: kinds.read(path.replace("mvc", "dvc")).decode() for path in ignores}
    listed = kinds.ok("ls", "-R").out
    assert "deep/data/a" in listed
    assert ".tmp" not in listed
    assert "unwanted" not in listed
    assert kinds.path("hidden.dvc").exists()
    assert kinds.path("imported.bin.dvc").exists() is False


def test_notes_are_kept(kinds: Repo) -> None:
    kinds.ok("remote", "add", "second", "../mvc second")
    imported(kinds)
    noted, second, source = (kinds.read(f"{name}.bin.mvc").decode() for name in ("noted", "second", "imported"))
    assert 'desc: "of last year"\n' in noted
    assert 'labels: {dvc.labels: "a, b", dvc.meta: "{\\"by\\": \\"me\\"}", dvc.type: "model"}\n' in noted
    assert second.endswith('remote: "second"\n')
    assert 'labels: {dvc.source: "../source.bin"}\n' in source


def test_they_come_from_the_remotes_when_nothing_else_has_them(kinds: Repo) -> None:
    first, second = kinds.root.parent / "first store", kinds.root.parent / "second store"
    assert len([path for path in second.rglob("*") if path.is_file()]) == 1
    assert first.exists()
    for path in (*(kinds.path(out) for out in OUTS), kinds.path(".dvc/cache"), kinds.root.parent / "source.bin"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    imported(kinds)
    kinds.ok("checkout")
    found = {path: kinds.read(path) for path in KINDS | MADE}
    same = {path: content.replace(b"\r\n", b"\n") for path, content in found.items() if path != "old/deep/er/binary"}
    assert found | same == KINDS | MADE | {"text.csv": b"a\nb\n", "old/windows": b"a\nb\n"}
    assert found["old/unix"] == found["old/windows"] == found["text.csv"]  # DVC 2 kept one of those that differ so


def test_dvc_2_took_line_ends_for_equal(kinds: Repo) -> None:
    kinds.write("text.csv", KINDS["text.csv"].replace(b"\r\n", b"\n"))
    imported(kinds)
    assert kinds.states()["text.csv"] == "clean"
    assert b"\r" not in kinds.read("text.csv")


def test_a_stage_that_dvc_no_longer_has_is_left_alone(kinds: Repo) -> None:
    kinds.write("dvc.yaml", "stages:\n  other:\n    cmd: echo\n")
    kinds.ok("import", "dvc")
    assert kinds.states().keys() == OUTS - {"one.out", "two.out"}


def test_a_pipeline_that_mvc_cannot_read(kinds: Repo) -> None:
    kinds.write("dvc.yaml", "stages:\n  one: &same\n    cmd: echo\n  two: *same\n")
    said = kinds.ok("-v", "import", "dvc")
    reason = "dvc.yaml: line 2: anchors and aliases are not supported"
    assert f"note: {reason}: what it says about outputs, artifacts and metrics is left out" in said.err
    kinds.write("dvc.yaml", "stages:\n  one: &same\n    cmd: echo\n    wdir: late\n  two: *same\n")
    assert f"error: {reason}\n" in kinds.fails(2, "import", "dvc").err


def with_many(repo: Repo) -> None:
    dvc(repo, "init", "-q")
    repo.write_dir("many", 10_000 if LONG else 600, "one")
    in_dvc(repo, 'repo.add("many")')
    repo.git("add", "-A")
    repo.commit("one")
    for number, path in enumerate(sorted(repo.path("many").iterdir())[::7]):
        path.rename(path.with_name(f"new{number}"))
    repo.write("many/large", noise("large", 3 << 20))
    in_dvc(repo, 'repo.add("many")')
    repo.git("commit", "-qam", "two")


def test_many_files_in_two_versions(begin: Begin) -> None:
    repo = begin(with_many)
    now = repo.contents("many")
    result = repo.ok("import", "dvc", "--all-commits")
    assert "1 version of the history imported" in result.out
    assert repo.states() == {"many": "clean"}
    repo.commit("imported")
    shutil.rmtree(repo.path(".dvc/cache"))
    repo.ok("checkout", "--rev", "HEAD~2", "many")
    then = repo.contents("many")
    assert sorted(then.values()) == sorted(content for path, content in now.items() if path != "large")
    repo.ok("checkout", "--rev", "HEAD", "many")
    assert repo.contents("many") == now
