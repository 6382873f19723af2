"""The use case `status`: the state of each tracked path, from workspace, pointer and cache."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest
from harness import Repo

from mvc.errors import MvcError
from mvc.ops.workspace.reading.status import ChangedFile, Status, status
from mvc.project import Project


def states(found: Status) -> dict[str, str]:
    """Return the state of each path."""
    return {item.path: item.state for item in found.items}


def test_a_clean_repository(project: Project) -> None:
    found = status(project)
    assert found.clean
    assert states(found) == {"data": "clean", "m.bin": "clean"}


CHANGES: dict[str, Callable[[Repo], object]] = {
    "modified": lambda repo: repo.write("m.bin", b"other"),
    "missing": lambda repo: repo.remove("m.bin"),
    "behind": lambda repo: repo.git("checkout", "-q", "old", "--", "m.bin.mvc"),
    "not-in-cache": lambda repo: shutil.rmtree(repo.store / "objects"),
    "invalid": lambda repo: repo.write("m.bin.mvc", "no pointer"),
}


@pytest.mark.parametrize("state", CHANGES)
def test_a_state(repo: Repo, project: Project, state: str) -> None:
    CHANGES[state](repo)
    found = status(project)
    assert not found.clean
    assert states(found) == {"data": "clean", "m.bin": state}


def test_the_files_of_a_directory_that_differ(repo: Repo, project: Project) -> None:
    repo.write("data/a", b"longer")
    repo.write("data/c", b"c")
    repo.remove("data/sub/b")
    (item,) = status(project, ["data"]).items
    assert item.state == "modified"
    assert set(item.changes) == {
        ChangedFile("a", "modified", 1, 6),
        ChangedFile("c", "added", None, 1),
        ChangedFile("sub/b", "deleted", 1, None),
    }


def test_only_what_was_asked_for(project: Project) -> None:
    assert states(status(project, ["m.bin"])) == {"m.bin": "clean"}


def test_a_path_that_is_not_tracked(project: Project) -> None:
    with pytest.raises(MvcError, match="nothing is not tracked"):
        status(project, ["nothing"])
