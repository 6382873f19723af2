"""`mvc add -u`, `mvc add DIR` above tracked paths, and `mvc eval record --add`."""

from __future__ import annotations

import json
import os

import pytest
from harness import LARGE, Begin, Repo, noise

LATER = 1 << 32
"""A time, in seconds since the epoch, that is in the future."""


def with_models(repo: Repo) -> None:
    """Track three paths, in two directories."""
    repo.write("models/m.bin", noise("m", LARGE))
    repo.write("models/bert/a", "a")
    repo.write("data/d.bin", noise("d", LARGE))
    repo.ok("add", "models/m.bin", "models/bert", "data/d.bin")
    repo.commit()


@pytest.fixture
def models(begin: Begin) -> Repo:
    """Return a repository with three tracked paths, in two directories."""
    return begin(with_models)


def added(repo: Repo, *words: str) -> list[str]:
    """Return the paths that `mvc add` changes."""
    found = json.loads(repo.ok("add", "--json", *words).out)
    return [item["path"] for item in found["added"] if item["changed"]]


def test_all_that_changed_and_only_that(models: Repo) -> None:
    models.write("models/bert/b", "b")
    models.write("data/d.bin", "changed")
    models.write("models/new.bin", "new")
    assert added(models, "-u") == ["data/d.bin", "models/bert"]
    assert set(models.states().values()) == {"clean"}
    assert models.ok("add", "-u").out == "No tracked path changed.\n"


def test_a_directory_stands_for_what_changed_below_it(models: Repo) -> None:
    models.write("models/m.bin", "changed")
    models.write("data/d.bin", "changed")
    assert added(models, "models") == ["models/m.bin"]
    models.write("models/bert/b", "b")
    assert added(models, ".") == ["data/d.bin", "models/bert"]


def test_new_files_are_named_and_those_of_mvc_are_not(models: Repo) -> None:
    models.write("models/new.bin", "new")
    models.write("models/ignored.log", "log")
    models.write(".gitignore", "*.log\n")
    models.write("data/other.bin", "other")
    models.ok("eval", "record", "models/m.bin", "--tag", "v1.0.0", "--no-stage")
    assert json.loads(models.ok("add", "models", "--json").out)["untracked"] == ["models/new.bin"]
    assert "not added: models/new.bin" in models.ok("add", "models").err
    assert "untracked" not in json.loads(models.ok("add", "-u", "--json").out)


def test_missing_content_is_no_change(models: Repo) -> None:
    models.remove("models/m.bin")
    assert added(models, "-u") == []
    assert added(models, "models") == []
    assert models.states()["models/m.bin"] == "missing"


@pytest.mark.parametrize("words", [["-u"], ["."], ["-u", "-f"], [".", "-f"]])
def test_content_behind_its_pointer_is_no_change(models: Repo, words: list[str]) -> None:
    models.write("models/m.bin", "newer")
    models.ok("add", "models/m.bin")
    models.commit("newer")
    models.git("reset", "-q", "--hard", "HEAD~")
    assert models.states()["models/m.bin"] == "behind"
    assert added(models, *words) == []
    assert models.states()["models/m.bin"] == "behind"


@pytest.mark.parametrize("words", [["-u"], ["models"], ["."]])
def test_a_file_whose_time_proves_nothing_is_read_and_unchanged(models: Repo, words: list[str]) -> None:
    """As one just written is: its time is not before that of the catalog's record."""
    os.utime(models.path("models/m.bin"), (LATER, LATER))
    for _ in range(2):
        assert models.ok("add", "-m", "other", *words).out == "No tracked path changed.\n"
        assert json.loads(models.ok("add", "--json", *words).out)["added"] == []
    assert models.git("status", "--porcelain") == ""
    assert "unchanged models/m.bin" in models.ok("add", "models/m.bin").out


def test_with_one_that_changed_only_that_is_named(models: Repo) -> None:
    os.utime(models.path("models/m.bin"), (LATER, LATER))
    models.write("models/bert/b", "b")
    result = models.ok("add", "-u")
    assert result.out.startswith("added models/bert (")
    assert "m.bin" not in result.out
    assert "1 pointer" in result.out


def test_one_that_cannot_be_added_does_not_stop_the_others(models: Repo) -> None:
    models.write("models/m.bin", "changed")
    models.path("models/bert/link").symlink_to("a")
    result = models.fails(2, "add", "-u")
    assert "models/bert/link" in result.errors[0]
    assert models.states()["models/m.bin"] == "clean"


def test_update_and_paths_exclude_each_other(models: Repo) -> None:
    models.fails(2, "add", "-u", "models")
    models.fails(2, "add")


def test_without_tracked_paths_the_worktree_is_refused(repo: Repo) -> None:
    assert added(repo, "-u") == []
    assert "whole worktree" in repo.fails(2, "add", ".").errors[0]


# eval record --add


def test_record_adds_the_model_first(models: Repo) -> None:
    models.write("models/m.bin", "changed")
    result = models.ok("eval", "record", "models/m.bin", "--add", "--tag", "v1.0.0", "--metric", "auc=0.9")
    assert "added models/m.bin" in result.out
    assert "differs" not in result.err
    assert models.git("diff", "--cached", "--name-only").split() == ["models/m.bin.eval.yaml", "models/m.bin.mvc"]
    assert models.states()["models/m.bin"] == "clean"


def test_record_adds_a_new_model_too(models: Repo) -> None:
    models.write("new.bin", "new")
    models.ok("eval", "record", "new.bin", "--add", "--tag", "v1.0.0", "--metric", "auc=0.9", "--no-stage")
    assert models.states()["new.bin"] == "clean"
    assert models.git("diff", "--cached", "--name-only") == ""


@pytest.mark.parametrize("words", [["models", "--tag", "v1"], ["models/bert/a", "--tag", "v1"], ["models/m.bin"]])
def test_record_adds_nothing_if_it_cannot_record(models: Repo, words: list[str]) -> None:
    models.write("models/bert/a", "changed")
    models.write("models/m.bin", "changed")
    models.fails(2, "eval", "record", *words, "--add")
    assert models.states()["models/bert"] == models.states()["models/m.bin"] == "modified"


def test_record_says_why_the_model_cannot_be_added(models: Repo) -> None:
    models.path("models/bert/link").symlink_to("a")
    models.fails(2, "eval", "record", "models/bert", "--add", "--tag", "v1.0.0")
    assert not models.path("models/bert.eval.yaml").exists()
