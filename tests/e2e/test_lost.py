"""Content that no pointer names is no safe copy: it is overwritten only with `-f`, then listed, and it comes back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from harness import MANY, Begin, Repo

from mvc.project import Project
from mvc.store.cache.writer import CacheWriter
from mvc.surroundings import surroundings

MINE = b"hours of work"


def with_versions(repo: Repo) -> None:
    """Commit two versions of a file and of a directory, the first tagged `old`, and push both to a remote."""
    repo.ok("remote", "add", "nas", "../nas")
    for tag in "old", "new":
        repo.write("m.bin", tag)
        repo.write("d/1", f"{tag} 1")
        repo.write("d/2", "2")
        repo.ok("add", "m.bin", "d")
        repo.git("add", "-A")
        repo.commit(tag)
        repo.git("tag", tag)
        repo.ok("push")


@pytest.fixture
def versions(begin: Begin) -> Repo:
    """Return a repository with two versions of `m.bin` and `d`."""
    return begin(with_versions)


# How content gets into the cache without a pointer that names it.


def killed_add(repo: Repo) -> None:
    """Leave what an `add` leaves that was killed before it wrote pointers."""
    with Project.find(surroundings(repo.root)) as project, CacheWriter(project.cache) as writer:
        for path in "m.bin", "d/1":
            writer.put_bytes(repo.read(path))


def reset(repo: Repo) -> None:
    """Add, and throw the pointers away."""
    repo.ok("add", "m.bin", "d")
    repo.git("reset", "-q", "--hard")


def restored(repo: Repo) -> None:
    """Add, and bring the pointers of HEAD back."""
    repo.ok("add", "m.bin", "d")
    repo.git("checkout", "-q", "HEAD", "--", "m.bin.mvc", "d.mvc")


def forced_before(repo: Repo) -> None:
    """Let `checkout -f` overwrite it, and write it again."""
    repo.ok("checkout", "-f")
    write_mine(repo)


def removed_before(repo: Repo) -> None:
    """Add, remove, bring the pointers of HEAD back, and write the content again."""
    repo.ok("add", "m.bin", "d")
    repo.ok("rm", "m.bin", "d")
    repo.git("checkout", "-q", "HEAD", "--", "m.bin.mvc", "d.mvc", ".gitignore")
    write_mine(repo)
    repo.write("d/2", "2")


def write_mine(repo: Repo) -> None:
    """Change both paths."""
    repo.write("m.bin", MINE)
    repo.write("d/1", MINE)


DOORS = [killed_add, reset, restored, forced_before, removed_before]


@pytest.mark.parametrize("leave", DOORS)
def test_content_that_no_pointer_names_is_kept_by_every_command(versions: Repo, leave: Callable[[Repo], None]) -> None:
    write_mine(versions)
    leave(versions)
    for command in (["checkout"], ["checkout", "--rev", "old"], ["pull"], ["rm", "m.bin", "d"]):
        result = versions.mvc(*command)
        assert result.code == 3, result
        assert [error.partition(":")[0] for error in result.errors] == ["d/1", "m.bin"], result
        assert (versions.read("m.bin"), versions.read("d/1")) == (MINE, MINE)
    assert versions.git("status", "--porcelain") == ""


@pytest.mark.parametrize("leave", DOORS)
def test_what_force_saves_is_named_listed_and_comes_back(versions: Repo, leave: Callable[[Repo], None]) -> None:
    write_mine(versions)
    leave(versions)
    saved = versions.ok("checkout", "-f", "--json").json["saved"]
    assert [(item["path"], item["size"]) for item in saved] == [("d/1", len(MINE)), ("m.bin", len(MINE))]
    assert versions.states() == {"d": "clean", "m.bin": "clean"}
    listed = {item["blake3"] for item in versions.ok("log", "--lost", "--json").json}
    assert {item["blake3"] for item in saved} <= listed
    versions.ok("get", ".", saved[0]["blake3"], "-o", "back")
    assert versions.read("back") == MINE


def test_the_hook_after_a_switch_keeps_it(versions: Repo) -> None:
    hooked = versions.hooked()
    hooked.git("branch", "other", "old")
    write_mine(hooked)
    hooked.ok("add", "m.bin", "d")
    done = hooked.run("git", "switch", "-f", "other")
    assert "d/1: changed here and named by no pointer, so not overwritten" in done.err
    assert (hooked.read("m.bin"), hooked.read("d/1")) == (MINE, MINE)


def test_a_refused_add_stores_nothing_and_its_line_loses_nothing(versions: Repo, tmp_path: Path) -> None:
    """The pointer moved on while the content was changed here."""
    clone = versions.clone(tmp_path / "clone")
    clone.ok("init")
    clone.ok("pull")
    clone.git("reset", "-q", "--hard", "old")
    write_mine(clone)
    clone.write("d/notes.txt", "notes")
    for command in (["checkout", "d"], ["add", "d"], ["checkout", "d"]):
        result = clone.fails(3, *command)
        assert (clone.read("d/1"), clone.read("d/notes.txt")) == (MINE, b"notes")
    assert clone.ok("log", "--lost", "--json").json == []
    assert result.fixes == [
        "mvc fetch d && mvc checkout -f d  # saves it to the cache first: mvc log --lost lists it",
    ]
    assert clone.shell(result.fixes[0]).code == 0
    assert clone.contents("d") == {"1": b"old 1", "2": b"2"}
    paths = [use["path"] for item in clone.ok("log", "--lost", "--json").json for use in item["users"]]
    assert sorted(paths) == ["d/1", "d/notes.txt"]


# What counts as a name.


def on_a_branch(repo: Repo) -> None:
    repo.git("switch", "-qc", "side")
    repo.ok("add", "m.bin")
    repo.commit("side")
    repo.git("switch", "-q", "main")


def in_a_stash(repo: Repo) -> None:
    repo.ok("add", "m.bin")
    repo.git("stash", "-q")


def in_a_reflog(repo: Repo) -> None:
    repo.ok("add", "m.bin")
    repo.commit("gone")
    for _ in range(3):  # more moves than the nearest commits tell
        repo.git("reset", "-q", "--hard", "old")
        repo.git("reset", "-q", "--hard", "new")


def in_the_index(repo: Repo) -> None:
    repo.ok("add", "m.bin")
    repo.shell("git show HEAD:m.bin.mvc > m.bin.mvc")


def at_another_path(repo: Repo) -> None:
    repo.shell("cp m.bin twin.bin")
    repo.ok("add", "--no-stage", "twin.bin")


def in_another_worktree(repo: Repo) -> None:
    repo.git("worktree", "add", "-q", "../linked", "-b", "linked")
    repo.write("../linked/m.bin", MINE)
    repo.ok("add", "--no-stage", "m.bin", cwd="../linked")


NAMES = [on_a_branch, in_a_stash, in_a_reflog, in_the_index, at_another_path, in_another_worktree]


@pytest.mark.parametrize("name", NAMES)
def test_content_that_a_pointer_names_is_overwritten_without_force(
    versions: Repo, name: Callable[[Repo], None],
) -> None:
    versions.write("m.bin", MINE)
    name(versions)
    assert versions.read("m.bin") == MINE
    assert versions.ok("checkout", "m.bin", "--json").json["saved"] == []
    assert versions.read("m.bin") == b"new"


def test_a_file_that_the_directory_has_under_another_name_is_deleted(versions: Repo) -> None:
    versions.write("d/copy", "2")
    versions.ok("checkout", "d")
    assert sorted(versions.contents("d")) == ["1", "2"]


def test_a_revision_replaces_the_only_pointer_and_says_what_it_named(versions: Repo) -> None:
    """As `git checkout REV -- PATH` does with what is staged; mvc keeps it listed."""
    versions.write("m.bin", MINE)
    versions.ok("add", "m.bin")
    result = versions.ok("checkout", "--rev", "old", "m.bin")
    assert "saved m.bin (13 B) to the cache" in result.out
    assert versions.read("m.bin") == b"old"
    (item,) = versions.ok("log", "--lost", "--json").json
    assert [use["path"] for use in item["users"]] == ["m.bin"]


def test_history_that_cannot_be_read_names_nothing(versions: Repo) -> None:
    versions.write("m.bin", MINE)
    in_a_stash(versions)
    versions.path(".git/refs/heads/broken").write_text("0" * 39)
    assert versions.fails(3, "checkout", "m.bin").errors == [
        "m.bin: changed here and named by no pointer, so not overwritten",
    ]
    versions.ok("checkout", "-f", "m.bin")


# The list.


def test_nothing_is_lost_where_pointers_name_everything(versions: Repo) -> None:
    assert "Nothing is lost" in versions.ok("log", "--lost").out
    assert "log needs a path" in versions.fails(2, "log").errors[0]


@pytest.mark.parametrize("count", [2, MANY])
def test_a_removed_directory_is_listed_and_comes_back(versions: Repo, count: int) -> None:
    files = versions.write_dir("big", count)
    versions.ok("add", "big")
    assert "mvc log --lost lists the content" in versions.ok("rm", "big").out
    found = versions.ok("log", "--lost", "big", "--json").json
    assert versions.ok("log", "--lost", "elsewhere", "--json").json == []
    if count < MANY:
        assert sorted(use["path"] for item in found for use in item["users"]) == [f"big/{name}" for name in files]
        return
    (item,) = found
    assert (item["kind"], item["size"]) == ("dir", sum(map(len, files.values())))
    versions.ok("get", ".", item["blake3"][:12], "-o", "back")
    assert versions.contents("back") == files


def test_the_list_does_not_need_the_catalog(versions: Repo) -> None:
    write_mine(versions)
    versions.ok("checkout", "-f")
    for path in versions.store.glob("catalog-*"):
        path.unlink()
    result = versions.ok("log", "--lost")
    assert "path unknown" in result.out
    line = result.out.splitlines()[-1].removeprefix("Next: ").replace("OUT", "back", 1)
    assert versions.shell(line).code == 0
    assert versions.read("back") == MINE


def test_an_abbreviation_names_one_object_and_a_path_comes_first(versions: Repo) -> None:
    write_mine(versions)
    versions.ok("checkout", "-f", "m.bin")
    (item,) = versions.ok("log", "--lost", "m.bin", "--json").json
    name = item["blake3"][:12]
    versions.write(name, "a file with the name of an object")
    versions.ok("add", name)
    versions.commit()
    versions.ok("get", ".", name, "-o", "path")
    assert versions.read("path") == b"a file with the name of an object"
    versions.ok("get", ".", item["blake3"], "-o", "object")
    assert versions.read("object") == MINE
    assert "not tracked" in versions.fails(3, "get", ".", "0123456789ab", "-o", "none").errors[0]
