"""The use case `add`: what it returns, and that a path that fails does not stop the others."""

from __future__ import annotations

import os

import pytest
from harness import Repo, noise

from mvc.errors import UsageError
from mvc.objects.hashing import hash_bytes
from mvc.ops.workspace.add import AddOptions, add
from mvc.project import Project


def test_what_was_added_is_returned(repo: Repo, project: Project) -> None:
    repo.write("new.bin", b"new")
    (added,) = add(project, ["new.bin"]).added
    digest = hash_bytes(b"new")
    assert (added.path, added.pointer, added.kind) == ("new.bin", "new.bin.mvc", "file")
    assert (added.size, added.files, added.blake3, added.changed) == (3, 1, digest.blake3, True)
    assert repo.git("diff", "--cached", "--name-only").splitlines() == [".gitignore", "new.bin.mvc"]


def test_the_same_content_is_no_change(project: Project) -> None:
    assert [item.changed for item in add(project, ["m.bin", "data"]).added] == [False, False]


def test_a_path_that_fails_does_not_stop_the_others(repo: Repo, project: Project) -> None:
    os.mkfifo(repo.path("pipe"))
    repo.write("new.bin", b"new")
    result = add(project, ["pipe", "new.bin"])
    assert [item.path for item in result.added] == ["new.bin"]
    (failure,) = result.failed
    assert failure.path == "pipe"
    assert failure.fix
    assert not repo.path("pipe.mvc").exists()


def test_going_back_to_an_older_version_fails_for_that_path_alone(repo: Repo, project: Project) -> None:
    repo.git("checkout", "-q", "old", "--", "m.bin.mvc")
    repo.write("data/c", b"c")
    result = add(project, ["m.bin", "data"])
    assert [item.path for item in result.added] == ["data"]
    assert [failure.path for failure in result.failed] == ["m.bin"]
    assert add(project, ["m.bin"], AddOptions(force=True)).failed == ()


@pytest.mark.parametrize("path", ["", "nothing", "*.none"])
def test_a_path_that_is_not_there_is_told_and_the_others_are_added(repo: Repo, project: Project, path: str) -> None:
    repo.write("m.bin", noise("newest", 10))
    with pytest.raises(UsageError):
        add(project, [path])
    assert repo.git("status", "--porcelain") == ""
    result = add(project, ["m.bin", path])
    assert [item.path for item in result.added] == ["m.bin"]
    assert [(item.path, item.exit_code) for item in result.failed] == [(path, 2)]


def test_without_staging_only_the_pointer_is_written(repo: Repo, project: Project) -> None:
    repo.write("m.bin", b"newest")
    assert add(project, ["m.bin"], AddOptions(stage=False)).added[0].changed
    assert repo.git("status", "--porcelain") == " M m.bin.mvc"
