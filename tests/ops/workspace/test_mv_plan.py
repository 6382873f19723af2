"""What `mvc mv` would move, and what it refuses before it changes anything."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from harness import Repo

from mvc.errors import MvcError, UsageError
from mvc.fs.tree import Tree
from mvc.objects.hashing import hash_bytes
from mvc.objects.manifest import Entry, Manifest
from mvc.objects.names import fold
from mvc.objects.pointer import Pointer, dir_pointer, emit, file_pointer
from mvc.ops.workspace.planning.mv_plan import copying_line, plan_move
from mvc.project import Project

FILE = file_pointer(hash_bytes(b"x"))
DIRECTORY = dir_pointer(Manifest.of([Entry("part", *hash_bytes(b"x"))]))


@pytest.fixture
def track(repo: Repo) -> Callable[..., None]:
    """Return a function that tracks a path: content, pointer, and the pointer in the index."""

    def add(path: str, pointer: Pointer = FILE) -> None:
        repo.write(f"{path}/part" if pointer.kind == "dir" else path, "x")
        repo.write(f"{path}.mvc", emit(pointer))
        repo.git("add", f"{path}.mvc")

    return add


def moved(project: Project, source: str, target: str, *, into: bool = False) -> dict[str, str]:
    """Return the old and new names that are planned."""
    return {item.old: item.new for item in plan_move(project, source, target, into=into).moves}


@pytest.mark.parametrize(
    ("source", "target", "into", "names"),
    [
        ("m/a", "b", False, {"m/a": "b"}),
        ("m/a.mvc", "b.mvc", False, {"m/a": "b"}),
        ("m/a", "other", False, {"m/a": "other/a"}),
        ("m/a", "new", True, {"m/a": "new/a"}),
        ("m/a", "", False, {"m/a": "a"}),
        ("m", "n", False, {"m/a": "n/a", "m/d": "n/d"}),
        ("m", "new", True, {"m/a": "new/a", "m/d": "new/d"}),
        ("m", "other", False, {"m/a": "other/m/a", "m/d": "other/m/d"}),
        ("m/d", "x/y", False, {"m/d": "x/y"}),
    ],
)
def test_a_directory_as_target_gets_what_is_moved(
    repo: Repo, project: Project, track: Callable[..., None], source: str, target: str, into: bool,
    names: dict[str, str],
) -> None:
    track("m/a")
    track("m/d", DIRECTORY)
    repo.write("other/file", "x")
    assert moved(project, source, target, into=into) == names


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        ("", "b", "the whole worktree can't be moved"),
        ("a", "a", "a already has that name"),
        ("m", "m/n", "m can't be moved into itself"),
        ("d/part", "b", "d/part is part of d, which is tracked as a whole"),
        ("a", "d/b", "d/b would be inside d, which is tracked as a whole"),
        ("a", "b.mvc", "b.mvc would be the name of a pointer"),
        ("a", "taken", "taken already exists"),
        ("a", "taken/b", "taken is a symlink or not a directory: mvc does not follow it"),
        ("a", "nested/b", "nested/b would be in the submodule or repository nested"),
        ("a", "ignored/b", "Git ignores ignored/b.mvc: it would not be committed"),
        ("a", "indexed", "indexed is in Git's index, but not in the workspace"),
        ("a", "reported", "reported.eval.yaml already exists"),
    ],
)
def test_what_cannot_be_moved_is_refused(
    repo: Repo, project: Project, track: Callable[..., None], source: str, target: str, message: str,
) -> None:
    track("a")
    track("m/b")
    track("d", DIRECTORY)
    repo.write("a.eval.yaml", "x")
    repo.write("taken", "x")
    repo.write("reported.eval.yaml", "x")
    repo.write("nested/.git/HEAD", "x")
    repo.write(".gitignore", "ignored/\n")
    repo.write("indexed", "x")
    repo.git("add", "indexed")
    repo.remove("indexed")
    with pytest.raises(UsageError) as caught:
        moved(project, source, target)
    assert caught.value.message == message
    assert caught.value.fix


@pytest.mark.parametrize(
    ("source", "message", "fix"),
    [
        ("git", "git is tracked by Git, not by mvc", "git mv -- git DST"),
        ("here", "here is not tracked", "mvc add here"),
        ("away", "away is not tracked and does not exist", "mvc ls  # lists tracked paths"),
    ],
)
def test_what_is_not_tracked_names_the_right_command(
    repo: Repo, project: Project, source: str, message: str, fix: str,
) -> None:
    repo.write("git", "x")
    repo.write("here", "x")
    repo.git("add", "git")
    with pytest.raises(MvcError) as caught:
        moved(project, source, "b")
    assert (caught.value.message, caught.value.fix) == (message, fix)


class IgnoringCase(Tree):
    """The workspace on a file system that ignores case."""

    def lstat(self, path: str) -> os.stat_result | None:
        there = {fold(name): name for name in os.listdir(self.root)}
        return super().lstat(there.get(fold(path), path))


def test_one_name_in_two_spellings_is_moved_by_a_third(
    repo: Repo, project: Project, track: Callable[..., None],
) -> None:
    track("a")
    project.__dict__["tree"] = IgnoringCase(str(repo.root))
    with pytest.raises(UsageError) as caught:
        moved(project, "a", "A")
    assert caught.value.message == "a and A are the same file on this file system"
    assert caught.value.fix == "mvc mv a A.tmp && mvc mv A.tmp A"
    repo.ok("add", "a")
    assert repo.shell(caught.value.fix).code == 0
    assert repo.states() == {"A": "clean"}


def test_hard_links_are_two_names(repo: Repo, project: Project, track: Callable[..., None]) -> None:
    track("a")
    repo.path("A").hardlink_to(repo.path("a"))
    with pytest.raises(UsageError, match="A already exists"):
        moved(project, "a", "A")


def test_a_killed_move_continues(repo: Repo, project: Project, track: Callable[..., None]) -> None:
    track("a")
    repo.write("b.mvc", emit(FILE))
    (item,) = plan_move(project, "a", "b", into=False).moves
    assert (item.new, item.begun) == ("b", True)
    repo.remove("a.mvc")
    (item,) = plan_move(project, "a", "b", into=False).moves
    assert (item.old, item.begun) == ("a", True)


def test_the_line_that_copies_instead(repo: Repo, project: Project, track: Callable[..., None]) -> None:
    track("a")
    repo.write("a.eval.yaml", "x")
    (item,) = plan_move(project, "a", "b", into=False).moves
    assert copying_line(project, item) == (
        "cp -a a b && cp -a a.eval.yaml b.eval.yaml && mvc add b && git add -- b.eval.yaml && mvc rm a"
    )
