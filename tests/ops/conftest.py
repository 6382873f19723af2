"""Repositories, empty or with a starting history, and the `Project` that use cases take."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from harness import LARGE, Begin, Repo, noise

from mvc.project import Project, Surroundings
from mvc.surroundings import surroundings


def two_versions(repo: Repo) -> None:
    """Commit a file and a directory; `m.bin` has an earlier version, tagged `old`."""
    repo.write("data/a", b"a")
    repo.write("data/sub/b", b"b")
    repo.write("m.bin", noise("old", LARGE))
    repo.ok("add", "m.bin", "data")
    repo.commit("old")
    repo.git("tag", "old")
    repo.added("m.bin", noise("new", LARGE))


@pytest.fixture
def repo(begin: Begin) -> Repo:
    """Return a repository with two versions of `m.bin` and a directory `data`."""
    return begin(two_versions)


@pytest.fixture
def project(repo: Repo) -> Iterator[Project]:
    """Return the project of that repository."""
    with Project.find(surroundings(repo.root)) as found:
        yield found


@pytest.fixture
def fresh(tmp_path: Path, environ: dict[str, str]) -> Repo:
    """Return an empty Git repository in which mvc is set up."""
    repo = Repo(tmp_path / "repo", environ)
    repo.write(".mvc/config.yaml", "")
    repo.git("init", "-q")
    return repo


@pytest.fixture
def open_fresh(fresh: Repo) -> Iterator[Callable[..., Project]]:
    """Return a function that opens its project as it is now, with more environment variables."""
    opened: list[Project] = []

    def at(variables: Mapping[str, str] | None = None) -> Project:
        environ = {**fresh.environ, **(variables or {})}
        opened.append(Project.find(Surroundings(str(fresh.root), environ, str(fresh.root / "none.yaml"))))
        return opened[-1]

    yield at
    for project in opened:
        project.close()
