"""What is tracked, in a real Git index, and what a path on the command line means."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from mvc.errors import MvcError, UsageError
from mvc.fs.tree import Tree
from mvc.objects.hashing import hash_bytes
from mvc.objects.pointer import emit, file_pointer
from mvc.scm.plumbing import Git, scrubbed
from mvc.workspace.tracked import Tracked, holder_of, list_tracked, matching, select

Write = Callable[..., None]
POINTER = file_pointer(hash_bytes(b"model"))


@pytest.fixture
def git(top: Path) -> Git:
    """Return an empty repository in the worktree."""
    identity = {f"GIT_{who}_{what}": "a" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    found = Git(str(top), {**scrubbed({"PATH": os.environ["PATH"], "HOME": str(top.parent)}), **identity})
    found.run("init", "-q", "-b", "main")
    return found


@pytest.fixture
def write(top: Path) -> Write:
    """Return a function that writes a pointer, valid by default."""

    def pointer(path: str, raw: bytes = emit(POINTER)) -> None:
        (top / path).parent.mkdir(parents=True, exist_ok=True)
        (top / path).write_bytes(raw)

    return pointer


def conditions(git: Git, tree: Tree) -> dict[str, str]:
    """Return every tracked path with its condition."""
    return {path: item.condition for path, item in list_tracked(git, tree).items()}


def test_pointers_in_the_index_and_beside_it_are_tracked_in_order(git: Git, tree: Tree, write: Write) -> None:
    for path in ("z.mvc", "a/naïve\n.bin.mvc", "a.mvc", "-x.mvc"):
        write(path)
    git.run("add", "z.mvc")
    found = list_tracked(git, tree)
    assert found["z"] == Tracked("z", emit(POINTER), POINTER)
    assert found["z"].pointer_path == "z.mvc"
    assert list(found) == sorted(found)
    assert {path for path, item in found.items() if not item.condition} == {"z", "a", "-x"}


def test_what_is_no_pointer_is_not_tracked(git: Git, tree: Tree, write: Write, top: Path) -> None:
    for path in (".mvc", "sub/.mvc", "ignored/a.mvc", "model.MVC", "model.mvc.txt"):
        write(path)
    (top / ".gitignore").write_text("ignored/\n")
    (top / "link.mvc").symlink_to("sub/.mvc")
    git.run("add", "link.mvc")
    assert conditions(git, tree) == {}


def test_a_deleted_pointer_is_not_tracked_any_more(git: Git, tree: Tree, write: Write, top: Path) -> None:
    write("a.mvc")
    git.run("add", "a.mvc")
    (top / "a.mvc").unlink()
    assert conditions(git, tree) == {}


def test_one_bad_pointer_does_not_hide_the_others(git: Git, tree: Tree, write: Write, top: Path) -> None:
    write("good.mvc")
    write("newer.mvc", b"mvc: 2\n")
    write("con.mvc")
    write("huge.mvc", b"x" * (1 << 20))
    write("real/in.mvc")
    git.run("add", "real/in.mvc")
    (top / "real").rename(top / "moved")
    (top / "real").symlink_to("moved")
    found = list_tracked(git, tree)
    assert {path: item.condition for path, item in found.items() if path != "moved/in"} == {
        "good": "",
        "newer": "invalid",
        "con": "invalid",
        "huge": "invalid",
        "real/in": "invalid",
    }
    assert "upgrade mvc" in found["newer"].problem
    assert "symlink" in found["real/in"].problem


def test_a_pointer_in_conflict_and_a_sparse_one(git: Git, tree: Tree, write: Write, top: Path) -> None:
    write("a.mvc")
    write("far/b.mvc")
    for branch, size in (("main", b"1"), ("theirs", b"2"), ("main", b"3")):
        git.attempt("checkout", "-q", branch)
        if branch == "theirs":
            git.run("checkout", "-q", "-b", "theirs")
        write("a.mvc", emit(file_pointer(hash_bytes(size))))
        git.run("add", "-A")
        git.run("commit", "-qm", "x")
    assert git.attempt("merge", "-q", "theirs").returncode == 1
    git.run("update-index", "--skip-worktree", "far/b.mvc")
    (top / "far/b.mvc").unlink()
    found = list_tracked(git, tree)
    assert conditions(git, tree) == {"a": "conflict", "far/b": "not-checked-out"}
    assert found["far/b"].pointer == POINTER


# What a path means.

TRACKED = {
    path: Tracked(path) for path in ("data", "models/a.onnx", "models/b.onnx", "models/deep/c", "top.bin", "x.mvc")
}

MEANS = {
    "everything": ([], dict.fromkeys(TRACKED, ())),
    "the top": ([""], dict.fromkeys(TRACKED, ())),
    "itself": (["top.bin"], {"top.bin": ()}),
    "its pointer": (["top.bin.mvc"], {"top.bin": ()}),
    "a path that looks like a pointer": (["x.mvc"], {"x.mvc": ()}),
    "a directory above": (["models"], {"models/a.onnx": (), "models/b.onnx": (), "models/deep/c": ()}),
    "inside": (["data/sub/file"], {"data": ("sub/file",)}),
    "two parts": (["data/a", "data/b"], {"data": ("a", "b")}),
    "a part and all": (["data/a", "data"], {"data": ()}),
    "all and a part": (["data", "data/a"], {"data": ()}),
    "a pattern": (["*.onnx"], {"models/a.onnx": (), "models/b.onnx": ()}),
    "an anchored pattern": (["models/*"], {"models/a.onnx": (), "models/b.onnx": (), "models/deep/c": ()}),
    "a pattern and a path": (["a.*", "top.bin"], {"models/a.onnx": (), "top.bin": ()}),
    "the same twice": (["data", "data"], {"data": ()}),
}


@pytest.mark.parametrize(("paths", "expected"), MEANS.values(), ids=MEANS)
def test_a_path_means(paths: list[str], expected: dict[str, tuple[str, ...]]) -> None:
    found = select(TRACKED, paths)
    assert {selection.item.path: selection.inside for selection in found} == expected
    assert [selection.item.path for selection in found] == [path for path in TRACKED if path in expected]


@pytest.mark.parametrize("path", ["none", "top.", "models/none", "*.none", "dat", "data2", "model", "none.mvc"])
def test_a_path_that_means_nothing_is_an_error_that_names_it(path: str) -> None:
    with pytest.raises(MvcError) as caught:
        select(TRACKED, ["top.bin", path])
    assert path in caught.value.message


def test_a_selection_covers_its_parts_and_what_is_below() -> None:
    (selection,) = select(TRACKED, ["data/a", "data/b/c"])
    covered = [name for name in ("a", "a/x", "ab", "b", "b/c", "b/c/d", "b/cd") if selection.covers(name)]
    assert covered == ["a", "a/x", "b/c", "b/c/d"]
    (whole,) = select(TRACKED, ["data"])
    assert whole.covers("anything")


@pytest.mark.parametrize(
    ("path", "holder"),
    [("data/a", "data"), ("data/a/b/c", "data"), ("data", ""), ("data2/a", ""), ("models/a.onnx/x", "models/a.onnx")],
)
def test_the_tracked_directory_that_holds_a_path(path: str, holder: str) -> None:
    assert holder_of(TRACKED, path) == holder
    assert holder_of(iter(TRACKED), path) == holder


@pytest.mark.parametrize("pattern", ["[", "[]", "!"])
def test_a_pattern_that_makes_no_sense_matches_nothing(pattern: str) -> None:
    assert matching(pattern, TRACKED) == []


@pytest.mark.parametrize("pattern", ["*\\", "[z-a]"])
def test_a_pattern_that_gitignore_does_not_know_is_refused(pattern: str) -> None:
    with pytest.raises(UsageError, match="invalid pattern"):
        matching(pattern, TRACKED)


def test_a_name_without_wildcards_is_no_pattern() -> None:
    assert matching("top.bin", TRACKED) == []
