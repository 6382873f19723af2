"""`mvc status`: every state, reached as users reach it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from harness import LARGE, MANY, Repo, noise


def test_clean_and_modified_and_missing(repo: Repo) -> None:
    repo.added("m.bin", b"1")
    assert repo.state("m.bin") == "clean"
    repo.write("m.bin", b"2")
    assert repo.state("m.bin") == "modified"
    repo.remove("m.bin")
    assert repo.state("m.bin") == "missing"


def test_a_directory_names_the_files_that_differ(repo: Repo) -> None:
    repo.write_dir("data", 4)
    repo.added("data")
    repo.write("data/part-0000.bin", b"changed")
    repo.remove("data/part-0001.bin")
    repo.write("data/new.bin", b"new")
    changes = repo.mvc("status", "--json").json["items"][0]["changes"]
    assert [(change["path"], change["change"], change["old_size"], change["size"]) for change in changes] == [
        ("new.bin", "added", None, 3),
        ("part-0000.bin", "modified", 200, 7),
        ("part-0001.bin", "deleted", 200, None),
    ]
    said = repo.ok("status").out
    assert "1 added, 1 deleted, 1 modified" in said
    assert all(name in said for name in ("new.bin", "part-0000.bin", "part-0001.bin"))


@pytest.mark.parametrize("kind", ["file", "directory"])
def test_a_file_that_became_a_directory_and_back(repo: Repo, kind: str) -> None:
    repo.write("x" if kind == "file" else "x/inner", b"was")
    repo.added("x")
    repo.remove("x")
    repo.write("x/inner" if kind == "file" else "x", b"is")
    assert repo.state("x") == "modified"
    repo.fails(3, "checkout", "x")
    repo.ok("checkout", "-f", "x")
    assert repo.read("x" if kind == "file" else "x/inner") == b"was"


@pytest.mark.parametrize("how", ["branch", "reset", "stash", "cherry-pick"])
@pytest.mark.parametrize("name", ["m.bin", "data"])
def test_behind_when_git_moved_the_pointer_and_not_modified(repo: Repo, name: str, how: str) -> None:
    content = "m.bin" if name == "m.bin" else "data/part"
    repo.write(content, b"old")
    old = repo.added(name)
    repo.write(content, b"new")
    new = repo.added(name)
    if how == "branch":
        repo.git("switch", "-q", "-c", "side", old)
    elif how == "reset":
        repo.git("reset", "-q", "--hard", old)
    elif how == "stash":
        repo.write(content, b"newer")
        repo.ok("add", name)
        repo.git("stash", "-q")
    else:
        repo.git("switch", "-q", "-c", "side", old)
        repo.ok("checkout")
        repo.git("cherry-pick", new)
    assert repo.state(name) == "behind"
    assert "behind" in repo.fails(3, "add", name).errors[0]
    repo.ok("checkout")
    assert repo.state(name) == "clean"
    assert repo.read(content) == (b"new" if how in ("stash", "cherry-pick") else b"old")


def test_add_of_what_is_behind_needs_force_and_says_how(repo: Repo) -> None:
    old = repo.added("m.bin", b"old")
    repo.added("m.bin", b"new")
    repo.git("reset", "-q", "--hard", old)
    result = repo.fails(3, "add", "m.bin")
    assert "mvc add -f m.bin" in result.fixes[0]
    assert repo.shell(result.fixes[0]).code == 0
    assert repo.read("m.bin") == b"old"
    repo.git("reset", "-q", "--hard", "ORIG_HEAD")
    repo.ok("add", "-f", "m.bin")
    assert repo.git("diff", "--cached", "--name-only") == "m.bin.mvc"


def test_a_change_made_while_the_pointer_moved_on_is_not_added_silently(repo: Repo) -> None:
    old = repo.added("m.bin", b"old")
    repo.added("m.bin", b"new")
    repo.git("reset", "-q", "--hard", old)
    repo.write("m.bin", b"mine")
    assert repo.state("m.bin") == "modified"
    assert "was updated meanwhile" in repo.fails(3, "add", "m.bin").errors[0]
    repo.ok("add", "-f", "m.bin")
    assert repo.states() == {"m.bin": "clean"}


@pytest.mark.parametrize("size", [10, LARGE])
def test_not_in_cache_in_a_clone_with_and_without_the_file(repo: Repo, tmp_path: Path, size: int) -> None:
    repo.added("m.bin", noise("m", size))
    clone = repo.clone(tmp_path / "clone")
    assert clone.state("m.bin") == "not-in-cache"
    clone.write("m.bin", noise("m", size))
    assert clone.state("m.bin") == "not-in-cache"
    clone.ok("add", "m.bin")
    assert clone.state("m.bin") == "clean"


@pytest.mark.parametrize("count", [3, MANY])
def test_a_directory_lacking_one_object_is_not_in_cache(repo: Repo, count: int) -> None:
    repo.write_dir("data", count)
    repo.write("data/large.bin", noise("l", LARGE))
    repo.added("data")
    assert repo.state("data") == "clean"
    repo.remove("data/large.bin")
    large = next(item for item in repo.ok("ls", "-R", "data", "--json").json["items"] if item["size"] == LARGE)
    os.unlink(repo.loose(large["blake3"]))
    repo.write("data/large.bin", noise("l", LARGE))
    assert repo.state("data") == "not-in-cache"


def test_invalid_and_the_rest_goes_on_with_exit_2(repo: Repo) -> None:
    for name in ("a.bin", "b.bin", "c.bin"):
        repo.added(name, name)
    repo.write("b.bin.mvc", "mvc: 1\nkind: file\n")
    repo.write("c.bin", b"changed")
    result = repo.mvc("status", "--json")
    assert result.code == 2
    assert {item["path"]: item["state"] for item in result.json["items"]} == {
        "a.bin": "clean",
        "b.bin": "invalid",
        "c.bin": "modified",
    }
    said = repo.mvc("status")
    assert said.code == 2
    assert "b.bin.mvc" in said.out
    assert "\n  git checkout -- b.bin.mvc\n" in said.out
    repo.shell("git checkout -- b.bin.mvc")
    assert repo.state("b.bin") == "clean"


def test_conflict_is_told_and_its_hint_settles_it(repo: Repo) -> None:
    base = repo.added("m.bin", b"base")
    repo.git("switch", "-q", "-c", "side")
    repo.added("m.bin", b"theirs")
    repo.git("switch", "-q", "main")
    repo.ok("checkout")
    repo.added("m.bin", b"ours")
    repo.git("merge", "side", code=1)
    assert repo.state("m.bin") == "conflict"
    assert "conflict" in repo.fails(3, "add", "m.bin").errors[0]
    assert "conflict" in repo.fails(3, "checkout", "m.bin").errors[0]
    hint = next(line for line in repo.mvc("status").out.splitlines() if "mvc resolve" in line)
    assert repo.shell(hint).code == 0
    assert repo.state("m.bin") == "clean"
    assert base


def test_not_checked_out_in_a_sparse_checkout(repo: Repo) -> None:
    repo.added("here/a.bin", b"a")
    repo.added("there/b.bin", b"b")
    repo.git("sparse-checkout", "set", "here")
    assert repo.states() == {"here/a.bin": "clean", "there/b.bin": "not-checked-out"}
    assert repo.mvc("status", "--exit-code").code == 0
    repo.ok("checkout")
    assert not repo.path("there").exists()


def test_exit_code_judges_content_only(repo: Repo) -> None:
    repo.added("m.bin", b"1")
    assert repo.mvc("status", "--exit-code").code == 0
    repo.write("m.bin", b"2")
    assert (repo.mvc("status").code, repo.mvc("status", "--exit-code").code) == (0, 1)
    repo.remove("m.bin")
    assert repo.mvc("status", "--exit-code").code == 1


def test_json_has_the_documented_keys(repo: Repo) -> None:
    repo.added("m.bin", b"1")
    document = repo.ok("status", "--json").json
    assert set(document) == {"clean", "items"}
    assert document["clean"] is True
    assert set(document["items"][0]) >= {"path", "kind", "state", "size", "report", "pushed", "changes"}
    assert (document["items"][0]["report"], document["items"][0]["pushed"]) == ("missing", None)


def test_status_of_some_paths(repo: Repo) -> None:
    for name in ("models/a.bin", "models/b.bin", "data/c.bin"):
        repo.added(name, name)
    assert sorted(repo.states("models")) == ["models/a.bin", "models/b.bin"]
    assert sorted(repo.states("*.bin")) == ["data/c.bin", "models/a.bin", "models/b.bin"]
    assert sorted(repo.states("models/a.bin.mvc")) == ["models/a.bin"]
    result = repo.fails(3, "status", "models/x.bin")
    assert "not tracked" in result.errors[0]


def test_status_of_a_part_of_a_directory(repo: Repo) -> None:
    repo.write_dir("data", 3)
    repo.added("data")
    repo.write("data/part-0001.bin", b"changed")
    assert repo.states("data/part-0000.bin") == {"data": "clean"}
    assert repo.states("data/part-0001.bin") == {"data": "modified"}
    assert repo.states("data/*1.bin") == {"data": "modified"}


def test_nothing_tracked_yet(repo: Repo) -> None:
    assert "mvc add" in repo.ok("status").out
    assert repo.ok("status", "--json").json == {"clean": True, "items": []}


def test_what_was_tracked_and_whose_pointer_was_deleted_is_not_tracked(repo: Repo) -> None:
    repo.added("m.bin", b"1")
    repo.remove("m.bin.mvc")
    assert repo.states() == {}


def test_mode_bits_count_for_executables_only(repo: Repo) -> None:
    repo.added("m.bin", b"1")
    repo.path("m.bin").chmod(0o600)
    assert repo.state("m.bin") == "clean"
    repo.path("m.bin").chmod(0o755)
    assert repo.state("m.bin") == "modified"


def test_files_of_another_program_that_end_like_pointers(repo: Repo, tmp_path: Path) -> None:
    repo.added("m.bin", "weights")
    repo.write("src/controllers.mvc", "class X\n")
    repo.git("add", "src")
    repo.commit("sources")
    assert repo.states() == {"m.bin": "clean", "src/controllers": "invalid"}
    repo.write(".mvc/policy.yaml", 'mvc-policy: 1\ndefaults: {report: optional, git: {allow: ["/src/**"]}}\n')
    repo.git("add", ".mvc/policy.yaml")
    repo.commit("allowed")
    assert repo.states() == {"m.bin": "clean"}
    repo.ok("remote", "add", "nas", str(tmp_path / "nas"), "--default")
    for words in (("checkout",), ("push", "--rev", "HEAD"), ("ls", "HEAD"), ("diff", "HEAD"), ("doctor",), ("verify",)):
        repo.ok(*words)
    repo.write("src/controllers.mvc", "mvc: 1\n")
    assert repo.states()["src/controllers"] == "invalid"
