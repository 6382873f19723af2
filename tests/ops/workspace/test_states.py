"""Use cases of the workspace, called one after the other: the state of a tracked path after each."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from harness import Repo

from mvc.errors import MvcError
from mvc.ops.shared.checkout import CheckedOut, CheckoutOptions, check_out
from mvc.ops.workspace.add import AddOptions, add
from mvc.ops.workspace.reading.diff import diff
from mvc.ops.workspace.reading.ls import ls
from mvc.ops.workspace.reading.status import ChangedFile, StatusItem, status
from mvc.ops.workspace.rm import remove
from mvc.ops.workspace.unprotect import unprotect
from mvc.project import Project


@pytest.fixture
def tracked(repo: Repo, project: Project) -> Project:
    """Return a project with a file and a directory, added and committed."""
    repo.write("m.bin", "one")
    repo.write("d/a", "1")
    repo.write("d/sub/b", "2")
    add(project, ["m.bin", "d"])
    repo.git("commit", "-qm", "one")
    return project


def item(project: Project, path: str) -> StatusItem:
    """Return the status of one path."""
    (found,) = status(project, [path]).items
    return found


def test_added_paths_are_clean_and_listed(tracked: Project) -> None:
    assert status(tracked).clean
    assert [(entry.path, entry.kind, entry.size, entry.files) for entry in ls(tracked).items] == [
        ("d", "dir", 2, 2), ("m.bin", "file", 3, 1),
    ]
    assert [entry.path for entry in ls(tracked, "HEAD:d", recursive=True).items] == ["d/a", "d/sub/b"]


def test_the_changed_files_of_a_directory_are_named(repo: Repo, tracked: Project) -> None:
    repo.write("d/a", "changed")
    repo.write("d/new", "")
    repo.remove("d/sub")
    found = item(tracked, "d")
    assert (found.state, found.changes) == (
        "modified",
        (ChangedFile("a", "modified", 1, 7), ChangedFile("new", "added", None, 0), ChangedFile("sub/b", "deleted", 1)),
    )
    assert item(tracked, "d/sub").changes == (ChangedFile("sub/b", "deleted", 1),)
    assert item(tracked, "m.bin").state == "clean"


def test_content_that_is_nowhere_else_is_overwritten_only_by_force(repo: Repo, tracked: Project) -> None:
    repo.write("m.bin", "only here")
    (failure,) = check_out(tracked, ["m.bin"]).failed
    assert failure.message == "m.bin: changed here and not in the cache, so not overwritten"
    assert repo.read("m.bin") == b"only here"
    (done,) = check_out(tracked, ["m.bin"], CheckoutOptions(force=True)).done
    assert (done, repo.read("m.bin")) == (CheckedOut("m.bin", 1, 0, 3), b"one")
    repo.write("m.bin", "only here")
    (failure,) = check_out(tracked, ["m.bin"]).failed  # the cache has it now, but nobody would find it there
    assert failure.message == "m.bin: changed here and named by no pointer, so not overwritten"


def test_a_path_behind_its_pointer_is_not_added(repo: Repo, tracked: Project) -> None:
    old = repo.read("m.bin.mvc")
    repo.write("m.bin", "two")
    add(tracked, ["m.bin"])
    repo.write("m.bin.mvc", old)
    assert item(tracked, "m.bin").state == "behind"
    (failure,) = add(tracked, ["m.bin"]).failed
    assert failure.message == "m.bin is behind its pointer: adding it would revert that update"
    repo.write("m.bin", "three")
    (failure,) = add(tracked, ["m.bin"]).failed
    assert failure.message == (
        "m.bin was changed here, and its pointer was updated meanwhile: adding it would revert that update"
    )
    (added,) = add(tracked, ["m.bin"], AddOptions(force=True)).added
    assert (added.changed, item(tracked, "m.bin").state) == (True, "clean")


def test_a_part_of_a_directory_is_added_and_the_rest_is_not(repo: Repo, tracked: Project) -> None:
    repo.write("d/a", "changed")
    repo.write("d/sub/b", "changed as well")
    add(tracked, ["d/sub"])
    assert item(tracked, "d").changes == (ChangedFile("a", "modified", 1, 7),)


def test_missing_content_comes_back_from_the_cache(repo: Repo, tracked: Project) -> None:
    repo.remove("d")
    assert item(tracked, "d").state == "missing"
    assert check_out(tracked).done == (CheckedOut("d", 2, 0, 2),)
    assert repo.contents("d") == {"a": b"1", "sub/b": b"2"}


def test_a_difference_is_by_content_and_names_renames(repo: Repo, tracked: Project) -> None:
    assert diff(tracked).changes == ()
    repo.write("n.bin", "one")
    add(tracked, ["n.bin"])
    remove(tracked, ["m.bin"])
    repo.remove("d/a")
    changes = {change.path: (change.change, change.old and change.old.path) for change in diff(tracked).changes}
    assert changes == {"d": ("modified", "d"), "n.bin": ("renamed", "m.bin")}
    (file,) = diff(tracked, paths=["d"]).changes[0].files
    assert (file.path, file.change, file.old_size, file.size) == ("a", "deleted", 1, None)


def test_only_content_in_the_cache_is_deleted(repo: Repo, tracked: Project) -> None:
    repo.write("d/a", "only here")
    result = remove(tracked, ["d", "m.bin"])
    assert [removed.path for removed in result.removed] == ["m.bin"]
    assert [failure.message for failure in result.failed] == ["d/a: not in the cache, so not deleted"]
    assert not repo.path("m.bin").exists()
    (removed,) = remove(tracked, ["d"], keep=True).removed
    assert (removed.kept, repo.read("d/a")) == (True, b"only here")


def test_a_shared_file_gets_its_own_content(repo: Repo, open_fresh: Callable[..., Project]) -> None:
    repo.write("m.bin", b"x" * (2 << 20))
    project = open_fresh(variables={"MVC_CACHE_LINK": "hardlink"})
    add(project, ["m.bin"])
    shared = repo.path("m.bin").stat()
    assert (shared.st_nlink, shared.st_mode & 0o222) == (2, 0)
    (done,) = unprotect(project, ["m.bin"]).unprotected
    assert (done.files, done.size) == (1, 2 << 20)
    own = repo.path("m.bin").stat()
    assert (own.st_nlink, own.st_mode & 0o200) == (1, 0o200)
    assert item(project, "m.bin").state == "clean"
    assert unprotect(project, ["m.bin"]).unprotected == ()


def test_an_unknown_path_is_refused_by_all(tracked: Project) -> None:
    for use_case in (status, check_out, remove, unprotect):
        with pytest.raises(MvcError, match="gone is not tracked"):
            use_case(tracked, ["gone"])
