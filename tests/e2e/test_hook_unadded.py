"""`git commit -a` cannot add a model: the hook says which ones were modified and not added, and the commit is made."""

from __future__ import annotations

import os

import pytest
from harness import LARGE, Begin, Repo, Result, noise

from mvc.ops.workspace.planning import unadded as subject
from mvc.project import Project
from mvc.surroundings import surroundings

NOTE = "note: modified but not added: "


def with_models(repo: Repo) -> None:
    """Track a file, a directory and a large directory; none needs a report."""
    repo.write(".mvc/policy.yaml", "mvc-policy: 1\ndefaults: {report: optional}\n")
    repo.write("readme.txt", "1")
    repo.write("models/m.bin", noise("m", LARGE))
    repo.write("models/bert/a", "a")
    repo.write_dir("many", subject.MOST_FILES + 1)
    repo.ok("add", "models/m.bin", "models/bert", "many")
    repo.git("add", "-A")
    repo.commit()
    repo.ok("hook", "install")


@pytest.fixture
def models(begin: Begin) -> Repo:
    """Return a repository with hooks, a tracked file and directories; mvc has read them."""
    repo = begin(with_models).hooked()
    repo.ok("status")
    return repo


def commit(repo: Repo, *words: str) -> Result:
    """Change a file of Git, and commit."""
    repo.write("readme.txt", repo.read("readme.txt") + b".")
    result = repo.run("git", "commit", "-m", "x", *words)
    assert result.code == 0, result
    return result


def notes(result: Result) -> list[str]:
    """Return the paths that the hook names."""
    (line,) = [line for line in result.err.splitlines() if line.startswith(NOTE)] or [NOTE]
    return [name for name in line.removeprefix(NOTE).split(", ") if name]


def test_modified_models_are_named(models: Repo) -> None:
    models.write("models/m.bin", noise("other", LARGE))
    models.write("models/bert/b", "b")
    result = commit(models, "-a")
    assert notes(result) == ["models/bert", "models/m.bin"]
    assert models.shell(result.fixes[0]).code == 0
    assert set(models.states().values()) == {"clean"}
    assert notes(commit(models, "-a")) == []


@pytest.mark.parametrize("change", ["-a", "--all"])
def test_clean_missing_and_linked_content_is_not_named(models: Repo, change: str) -> None:
    models.remove("models/bert")
    os.link(models.path("models/m.bin"), models.path("linked"))
    models.write(".gitignore", "linked\n")
    assert NOTE not in commit(models, change).err


def test_only_a_commit_of_all_is_told(models: Repo) -> None:
    models.write("models/m.bin", "mine")
    models.write("staged.txt", "1")
    models.git("add", "staged.txt")
    assert NOTE not in commit(models).err
    assert NOTE not in commit(models, "--", "readme.txt").err
    assert notes(commit(models, "-a")) == ["models/m.bin"]


def test_a_directory_that_lost_or_changed_a_file_is_named(models: Repo) -> None:
    models.write("models/bert/a", "longer")
    assert notes(commit(models, "-a")) == ["models/bert"]
    models.write("many/new.bin", "new")  # too many files to look at
    models.ok("add", "models/bert")
    assert notes(commit(models, "-a")) == []


def test_more_than_a_few_are_counted(models: Repo) -> None:
    for number in range(5):
        models.write(f"models/{number}.bin", "1")
    models.ok("add", *(f"models/{number}.bin" for number in range(5)))
    for number in range(5):
        models.write(f"models/{number}.bin", "changed")
    assert notes(commit(models, "-a")) == ["models/0.bin", "models/1.bin", "models/2.bin and 2 more"]


def test_without_a_catalog_nothing_is_said_nor_made(models: Repo) -> None:
    for file in models.store.glob("catalog-*"):
        file.unlink()
    models.write("models/m.bin", "mine")
    assert NOTE not in commit(models, "-a").err
    assert not list(models.store.glob("catalog-*"))


def test_a_bounded_number_of_paths_is_looked_at(models: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    """The paths that were read last come first, so that 10,000 clean ones cost no more than 256."""
    monkeypatch.setattr(subject, "MOST_PATHS", 1)
    models.write("models/bert/a", "changed")
    models.write("models/m.bin", "changed")
    models.ok("status")
    models.write("models/bert/a", "changed again")
    models.ok("status", "models/bert")
    models.write("models/bert/a", "again")
    models.write("models/m.bin", "again")
    monkeypatch.chdir(models.root)
    with Project.find(surroundings()) as project:
        assert subject.unadded(project, {"models/bert.mvc", "models/m.bin.mvc"}) == ["models/bert"]
