"""The hooks `post-checkout` and `post-merge`: the workspace follows the pointers, and loses nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from harness import MANY, Begin, Repo


def with_branches(repo: Repo) -> None:
    """Install hooks; branch `main` has m.bin, branch `side` another m.bin, n.bin and data/."""
    hooked = repo.hooked()
    for name in ("pre-commit", "pre-merge-commit"):  # reports are not what is tested here
        hooked.path(f".git/hooks/{name}").unlink()
    hooked.added("m.bin", "main")
    hooked.git("switch", "-qc", "side")
    hooked.write("n.bin", "new")
    hooked.write_dir("data", 3)
    hooked.ok("add", "n.bin", "data")
    hooked.added("m.bin", "side")


@pytest.fixture
def moving(begin: Begin) -> Repo:
    """Return a repository with hooks and two branches."""
    return begin(with_branches).with_hooks_enabled()


def switch(repo: Repo, *args: str) -> str:
    """Run `git switch ARGS`, which must succeed; return its stderr."""
    result = repo.run("git", "switch", *args)
    assert result.code == 0, result
    return result.err


def test_a_switch_brings_files_in_line_and_back(moving: Repo) -> None:
    said = switch(moving, "main")
    assert "m.bin checked out" in said
    assert moving.read("m.bin") == b"main"
    assert not moving.path("n.bin").exists()
    assert not moving.path("data").exists()
    assert moving.git("status", "--porcelain") == ""
    moving.ok("status", "--exit-code")
    switch(moving, "side")
    assert (moving.read("m.bin"), moving.read("n.bin"), len(moving.contents("data"))) == (b"side", b"new", 3)
    moving.ok("status", "--exit-code")


def test_a_detached_head_a_tag_and_a_bisection_are_followed(moving: Repo) -> None:
    moving.git("switch", "-q", "--detach", "main")
    assert moving.read("m.bin") == b"main"
    moving.git("checkout", "-q", "side")
    assert moving.read("m.bin") == b"side"
    for number in range(4):
        moving.added("m.bin", f"version {number}")
    newest = moving.git("rev-parse", "HEAD:m.bin.mvc")
    moving.git("bisect", "start", "HEAD", "main")
    assert moving.git("rev-parse", "HEAD:m.bin.mvc") != newest
    moving.ok("status", "--exit-code")


def test_what_is_changed_here_and_nowhere_else_is_left(moving: Repo) -> None:
    moving.write("m.bin", "precious")
    moving.write("n.bin", "precious, too")
    moving.write("data/mine.txt", "and this")
    said = switch(moving, "main")
    assert "not in the cache" in said
    assert moving.read("m.bin") == b"precious"
    assert moving.read("n.bin") == b"precious, too"
    assert moving.read("data/mine.txt") == b"and this"
    assert len(moving.contents("data")) == 4
    assert "error:" not in said


def test_content_that_the_cache_lacks_is_only_told(moving: Repo, tmp_path: Path) -> None:
    clone = moving.clone(tmp_path / "clone").hooked()
    said = switch(clone, "main")
    assert "m.bin: the content is not in the cache" in said
    assert "mvc pull m.bin" in said
    said = switch(clone, "side")
    assert "3 paths: the content is not in the cache" in said
    assert re.search(r"try: mvc pull$", said, re.MULTILINE)
    assert not clone.path("m.bin").exists()


def test_what_leaves_stays_where_the_cache_lost_it(moving: Repo) -> None:
    for pack in (moving.store / "packs").glob("*"):
        pack.unlink()
    said = switch(moving, "main")
    assert moving.read("n.bin") == b"new"
    assert "n.bin" in said


def test_content_that_a_directory_or_git_holds_now_is_not_deleted(moving: Repo) -> None:
    moving.write("models/a.bin", "a")
    moving.write("plain.bin", "plain")
    moving.ok("add", "models/a.bin", "plain.bin")
    moving.commit("apart")
    moving.git("switch", "-qc", "together")
    moving.ok("rm", "--keep", "models/a.bin", "plain.bin")
    moving.git("add", "-f", "plain.bin")
    moving.ok("add", "models")
    moving.commit("together")
    switch(moving, "side")
    assert moving.states()["models/a.bin"] == "clean"
    switch(moving, "together")
    assert moving.read("models/a.bin") == b"a"
    assert moving.read("plain.bin") == b"plain"
    moving.ok("status", "--exit-code")


def test_two_pointers_of_one_content_both_leave(moving: Repo) -> None:
    moving.write("twin.bin", "new")
    moving.ok("add", "twin.bin")
    moving.commit()
    switch(moving, "main")
    assert not moving.path("n.bin").exists()
    assert not moving.path("twin.bin").exists()


def test_a_file_that_git_restores_moves_nothing(moving: Repo) -> None:
    moving.git("checkout", "-q", "main", "--", "m.bin.mvc")
    assert moving.read("m.bin") == b"side"
    assert moving.state("m.bin") == "behind"


def test_a_switch_that_changes_no_pointer_does_not_start_mvc(moving: Repo) -> None:
    moving.write("readme", "text")
    moving.git("add", "readme")
    moving.commit()
    hook = moving.path(".git/hooks/post-checkout")
    hook.write_text(re.sub("(?m)^python=.*$", "python=/bin/false", hook.read_text()))
    traced = moving.root.parent / "trace"
    watched = ("strace", "-f", "-qq", "-e", "execve", "-o", str(traced), "git", "switch", "-q")
    assert moving.run(*watched, "--detach", "HEAD~1").code == 0
    assert "post-checkout" in traced.read_text()
    assert "/bin/false" not in traced.read_text()
    assert moving.run(*watched, "main").code == 0
    assert "/bin/false" in traced.read_text()


def test_a_new_worktree_gets_its_content(moving: Repo, tmp_path: Path) -> None:
    moving.git("worktree", "add", "-q", str(tmp_path / "linked"), "main")
    linked = Repo(tmp_path / "linked", moving.environ)
    assert linked.read("m.bin") == b"main"
    linked.ok("status", "--exit-code")
    assert moving.read("m.bin") == b"side"


def test_a_merge_brings_files_in_line(moving: Repo) -> None:
    switch(moving, "main")
    assert moving.git("merge", "-q", "side") == ""
    assert moving.read("m.bin") == b"side"
    assert moving.read("n.bin") == b"new"
    moving.ok("status", "--exit-code")


def test_a_true_merge_a_squashed_one_and_a_pull_do_so_too(moving: Repo, tmp_path: Path) -> None:
    switch(moving, "main")
    moving.added("own.bin", "own")
    moving.git("branch", "-q", "here")
    moving.git("merge", "-q", "-X", "theirs", "-m", "merge", "side")
    moving.ok("status", "--exit-code")
    switch(moving, "here")
    moving.git("merge", "-q", "--squash", "-X", "theirs", "side")
    assert (moving.read("m.bin"), moving.read("own.bin")) == (b"side", b"own")
    moving.git("commit", "-qm", "squashed")
    moving.ok("status", "--exit-code")
    clone = moving.clone(tmp_path / "clone").hooked()
    clone.ok("config", "set", "--local", "cache.dir", str(moving.store))
    moving.added("m.bin", "newer")
    clone.git("pull", "-q")
    assert clone.read("m.bin") == b"newer"


def test_a_merge_of_which_git_says_nothing_is_a_warning_with_a_line_to_type(moving: Repo) -> None:
    moving.shell("rm -f .git/ORIG_HEAD")
    result = moving.mvc("hook", "run", "post-merge", "0")
    assert result.code == 0
    assert "warning: the commit before the merge is unknown: ORIG_HEAD is missing" in result.err
    assert result.fixes == ["mvc status"]


def test_a_merge_that_takes_a_model_away_takes_its_content(moving: Repo) -> None:
    moving.git("switch", "-qc", "without")
    moving.ok("rm", "n.bin")
    moving.commit()
    switch(moving, "side")
    assert moving.read("n.bin") == b"new"
    moving.git("merge", "-q", "without")
    assert not moving.path("n.bin").exists()


def test_a_large_directory_changes_only_where_it_differs(moving: Repo) -> None:
    moving.write_dir("many", MANY)
    moving.ok("add", "many")
    moving.commit()
    kept = moving.path("many/part-0001.bin").stat()
    moving.git("switch", "-qc", "other")
    moving.write("many/part-0000.bin", "changed")
    moving.ok("add", "many")
    moving.commit()
    assert "many checked out" in switch(moving, "side")
    assert moving.path("many/part-0001.bin").stat().st_ino == kept.st_ino
    moving.ok("status", "--exit-code")


def test_in_a_rebase_nothing_moves_until_it_is_over(moving: Repo) -> None:
    switch(moving, "main")
    moving.added("own.bin", "own")
    switch(moving, "side")
    moving.write("text", "text")
    moving.git("add", "text")
    moving.commit("text")
    inode = moving.path("m.bin").stat().st_ino
    done = moving.run("git", "rebase", "-q", "-x", 'test "$(cat m.bin)" = side', "main", "-X", "theirs")
    assert done.code == 0, done
    assert moving.path("m.bin").stat().st_ino == inode
    assert moving.states()["own.bin"] == "missing"
    moving.ok("checkout")
    moving.ok("status", "--exit-code")


def test_switched_off_nothing_moves(moving: Repo) -> None:
    moving.ok("config", "set", "hooks.checkout", "false")
    assert "checked out" not in switch(moving, "main")
    assert moving.read("m.bin") == b"side"
    moving.git("merge", "-q", "side")
    assert moving.read("n.bin") == b"new"


def test_an_invalid_pointer_or_setting_is_a_warning_and_the_switch_is_done(moving: Repo) -> None:
    moving.write("odd.bin.mvc", "no pointer\n")
    moving.git("add", "odd.bin.mvc")
    moving.commit("odd")
    switch(moving, "main")
    assert "warning:" in switch(moving, "side")
    moving.write(".mvc/config.yaml", 'mvc-config: 1\nhooks:\n  checkout: "maybe"\n')
    said = switch(moving, "main")
    assert "warning: hooks.checkout" in said
    assert "error:" not in said


def test_names_in_warnings_cannot_drive_the_terminal(moving: Repo) -> None:
    name = "\x1b[31mred.bin.mvc"
    moving.write(name, "no pointer\n")
    moving.git("add", name)
    moving.commit("odd")
    switch(moving, "main")
    assert "\x1b" not in switch(moving, "-q", "side")


def test_it_works_from_a_folder_that_the_switch_takes_away(moving: Repo) -> None:
    moving.write("deep/down/x.bin", "x")
    moving.ok("add", "deep/down/x.bin")
    moving.commit()
    done = moving.run("git", "switch", "main", cwd="deep/down")
    assert done.code == 0
    assert "Traceback" not in done.err
    assert not moving.path("deep/down/x.bin").exists()
