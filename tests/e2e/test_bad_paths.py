"""One bad path among many: the rest is done, and the exit code says it."""

from __future__ import annotations

import pytest
from harness import LARGE, Begin, Repo, noise


def with_files_of_git(repo: Repo) -> None:
    """Track two files, pushed, beside files of Git's."""
    repo.write("models/README", "text")
    repo.write("models/a.bin", noise("a", LARGE))
    repo.write("models/b.bin", noise("b", LARGE))
    repo.git("add", "models/README")
    repo.ok("add", "models/a.bin", "models/b.bin")
    repo.ok("remote", "add", "nas", "../nas")
    repo.commit()
    repo.ok("push")


@pytest.fixture
def models(begin: Begin) -> Repo:
    """Return a repository with two models, a README and a `.gitignore` in one directory."""
    return begin(with_files_of_git)


GOOD = ("models/a.bin", "models/b.bin")
BAD = {
    "a file of Git's": "models/README", "the ignore file": "models/.gitignore", "nothing": "models/none.bin",
    "outside": "../outside", "Git's own directory": ".git/config",
}


def spoilt(repo: Repo, code: int, *line: str, bad: str) -> None:
    """Run a command with a bad path between two good ones."""
    result = repo.fails(code, *line, GOOD[0], bad, GOOD[1])
    assert len(result.errors) == 1, result
    assert bad in result.errors[0]
    assert len(result.fixes) == 1


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_add(models: Repo, bad: str) -> None:
    for name in GOOD:
        models.write(name, f"new {name}")
    spoilt(models, 2, "add", bad=bad)
    assert models.states() == dict.fromkeys(GOOD, "clean")
    assert models.git("diff", "--cached", "--name-only").splitlines() == [f"{name}.mvc" for name in GOOD]


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_rm(models: Repo, bad: str) -> None:
    spoilt(models, 2 if bad.startswith(".") else 3, "rm", bad=bad)
    assert models.states() == {}
    assert models.git("diff", "--name-only") == ""


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
@pytest.mark.parametrize("line", ["checkout", "checkout --rev HEAD"])
def test_checkout(models: Repo, line: str, bad: str) -> None:
    for name in GOOD:
        models.remove(name)
    spoilt(models, 2 if bad.startswith(".") else 3, *line.split(), bad=bad)
    assert models.states() == dict.fromkeys(GOOD, "clean")


def test_pull(models: Repo) -> None:
    models.remove(GOOD[0])
    spoilt(models, 3, "pull", bad="models/README")
    assert models.states() == dict.fromkeys(GOOD, "clean")


@pytest.mark.parametrize("line", ["verify", "verify -r nas", "unprotect", "push", "fetch"])
def test_others(models: Repo, line: str) -> None:
    spoilt(models, 3, *line.split(), bad="models/README")


def test_damage_outweighs_a_bad_path(models: Repo) -> None:
    loose = models.loose(models.digest(GOOD[0]))
    loose.chmod(0o644)
    loose.write_bytes(b"x")
    assert models.mvc("verify", *GOOD, "none").code == 1


def test_a_pattern_that_meets_files_of_git_s(models: Repo) -> None:
    models.write("models/c.bin", "c")
    result = models.fails(2, "add", "models/*")
    assert {error.split()[0] for error in result.errors} == {"models/.gitignore", "models/README"}
    assert models.states() == dict.fromkeys([*GOOD, "models/c.bin"], "clean")


@pytest.mark.parametrize("command", ["add", "rm", "checkout", "unprotect", "verify"])
def test_bad_paths_alone_do_not_mean_everything(models: Repo, command: str) -> None:
    before = models.git("status", "--porcelain")
    models.remove("models/a.bin")
    result = models.mvc(command, "models/README", "none", "--json")
    assert (result.code in (2, 3), result.out) == (True, "")
    assert models.states()["models/a.bin"] == "missing"
    assert models.git("status", "--porcelain") == before


def test_json_names_them(models: Repo) -> None:
    result = models.mvc("add", *GOOD, "models/README", "--json")
    assert result.code == 2
    assert [item["path"] for item in result.json["failed"]] == ["models/README"]
    assert [item["path"] for item in result.json["added"]] == [*GOOD]
