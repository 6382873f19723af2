"""The use case `add`: what it returns, and that a path that fails does not stop the others."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from harness import Repo, noise

from mvc.errors import UsageError
from mvc.fs.progress import Silent
from mvc.objects.hashing import hash_bytes
from mvc.ops.workspace.add import AddOptions, add
from mvc.ops.workspace.mv import move
from mvc.ops.workspace.reading.status import status
from mvc.project import Project
from mvc.store.cache.cache import Cache, Stored
from mvc.store.cache.writer import LOOSE_AT
from mvc.surroundings import surroundings


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


@pytest.mark.parametrize("path", ["nothing", "*.none"])
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


# Paths of one command.


@pytest.mark.parametrize(
    ("paths", "added"),
    [
        (["new/x", "new"], ["new"]),
        (["new", "new/sub/y", "new/x"], ["new"]),
        (["new/sub/y", "new/sub", "other"], ["new/sub", "other"]),
        (["new/*", "new"], ["new"]),
        (["new", "new"], ["new"]),
        (["data/a", "data", "data/sub/b"], ["data"]),
        (["m.bin", "m.bin.mvc"], ["m.bin"]),
        (["new/x", "new-er"], ["new/x", "new-er"]),
    ],
)
def test_what_lies_inside_another_path_is_added_with_that(
    repo: Repo, project: Project, paths: list[str], added: list[str],
) -> None:
    for name in ("new/x", "new/sub/y", "other", "new-er"):
        repo.write(name, name)
    assert [item.path for item in add(project, paths).added] == added


@pytest.mark.parametrize(
    "paths", [["A.bin", "a.bin"], ["M.bin"], ["M.BIN", "a.bin"], ["caf\u00e9", "cafe\u0301"], ["DATA"]],
)
def test_names_that_are_equal_where_case_does_not_count_are_refused(
    repo: Repo, project: Project, paths: list[str],
) -> None:
    for path in paths:
        repo.write(path, path)
    with pytest.raises(UsageError, match="equal on a case-insensitive file system") as caught:
        add(project, paths)
    assert caught.value.fix.startswith("mv -n -- ")
    assert repo.git("ls-files", "--others", "--exclude-standard").splitlines() != []
    assert add(project, ["m.bin"]).failed == ()  # it is tracked already


def test_a_move_to_a_name_that_is_equal_where_case_does_not_count(repo: Repo, project: Project) -> None:
    with pytest.raises(UsageError, match="equal on a case-insensitive file system"):
        move(project, "m.bin", "Data")
    assert move(project, "m.bin", "M.bin").moved


# Files that vanish meanwhile.


class Vanishing(Silent):
    """Removes a file once all names are listed, before any is read."""

    def __init__(self, repo: Repo, name: str) -> None:
        self._path = repo.path(name)

    def expect(self, count: int) -> None:
        self._path.unlink(missing_ok=True)


@pytest.mark.parametrize(
    ("paths", "gone", "line"),
    [
        (["new"], "new/sub/y", "mvc add new"),
        (["new.bin"], "new.bin", "mvc add new.bin"),
        (["data/sub", "data/c"], "data/c", "mvc add data/c data/sub"),
    ],
)
def test_a_file_that_vanishes_is_named_with_the_line_to_type(
    repo: Repo, paths: list[str], gone: str, line: str,
) -> None:
    for name in ("new/x", "new/sub/y", "new.bin", "data/c"):
        repo.write(name, name)
    around = surroundings(repo.root)._replace(progress=Vanishing(repo, gone))
    with Project.find(around) as project:
        result = add(project, [*paths, "m.bin"])
    assert [item.path for item in result.added] == ["m.bin"]
    (failure,) = result.failed
    assert (failure.message, failure.fix, failure.exit_code) == (f"{gone} vanished while it was read", line, 3)


def test_a_file_that_vanishes_does_not_stop_status(repo: Repo) -> None:
    repo.write("data/a", "changed")
    with Project.find(surroundings(repo.root)._replace(progress=Vanishing(repo, "data/a"))) as project:
        data, model = status(project).items
    assert (data.problem, data.unreadable, model.state) == ("data/a vanished while it was read", True, "clean")


@pytest.mark.parametrize(("size", "looked_up"), [(10, 0), (LOOSE_AT, 1)], ids=["small files", "one is large"])
def test_where_small_files_are_is_known_after_they_were_added(
    fresh: Repo, open_fresh: Callable[..., Project], monkeypatch: pytest.MonkeyPatch, size: int, looked_up: int,
) -> None:
    fresh.write_dir("d", 300)
    fresh.write("d/last", noise("last", size))
    add(open_fresh(), ["d"])
    asked: list[str] = []
    look_up = Cache.look_up

    def counted(cache: Cache, name: str) -> Stored | None:
        asked.append(name)
        return look_up(cache, name)

    monkeypatch.setattr(Cache, "look_up", counted)
    project = open_fresh()
    assert status(project).clean
    assert (len(asked) > 0) == bool(looked_up)
    asked.clear()
    assert status(project).clean
    assert asked == []
    for index in Path(project.cache.root, "packs").glob("*.idx"):
        index.chmod(0o644)
        os.truncate(index, 0)
    shutil.rmtree(fresh.path("d"))
    assert [item.state for item in status(open_fresh()).items] == ["not-in-cache"]
