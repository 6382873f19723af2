"""A repository for use cases that are called without the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from harness import Repo

from mvc.project import Project, Surroundings


@pytest.fixture
def repo(tmp_path: Path, environ: dict[str, str]) -> Repo:
    """Return an empty Git repository in which mvc is set up."""
    repo = Repo(tmp_path / "repo", environ)
    repo.write(".mvc/config.yaml", "")
    repo.git("init", "-q")
    return repo


@pytest.fixture
def open_project(repo: Repo) -> Iterator[Callable[..., Project]]:
    """Return a function that opens the project as it is now, from a directory of the user."""
    opened: list[Project] = []

    def at(folder: str = ".", variables: Mapping[str, str] | None = None) -> Project:
        start = repo.path(folder)
        environ = {**repo.environ, **(variables or {})}
        opened.append(Project.find(Surroundings(str(start), environ, str(repo.root / "none.yaml"))))
        return opened[-1]

    yield at
    for project in opened:
        project.close()


@pytest.fixture
def project(open_project: Callable[..., Project]) -> Project:
    """Return the project, opened."""
    return open_project()
