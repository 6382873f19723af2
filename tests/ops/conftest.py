"""A repository with a starting history, and the `Project` that use cases take."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from harness import LARGE, Begin, Repo, noise

from mvc.project import Project
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
