"""`mvc hook install` and `uninstall`, `init`, `status` and `doctor` about Git's hooks."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from harness import PROJECT, Repo

NAMES = ("pre-commit", "pre-merge-commit", "pre-push", "post-checkout", "post-merge")
BARE = "/usr/bin:/bin"
"""A PATH as a graphical Git client has it: without mvc."""


@pytest.fixture
def fresh(bare_git: Repo) -> Repo:
    """Return a fresh Git repository of somebody who wants hooks, without Git's samples."""
    repo = Repo(bare_git.root, {name: text for name, text in bare_git.environ.items() if name != "MVC_HOOKS_ENABLED"})
    shutil.rmtree(repo.path(".git/hooks"))
    return repo


def hooks(repo: Repo) -> dict[str, tuple[int, bytes]]:
    """Return mode and bytes of what lies in `.git/hooks`."""
    found = sorted(repo.path(".git/hooks").iterdir())
    return {path.name: (path.lstat().st_mode, path.read_bytes()) for path in found}


def stamps(repo: Repo) -> dict[str, tuple[int, int]]:
    found = {path.name: path.stat() for path in repo.path(".git/hooks").iterdir()}
    return {name: (status.st_ino, status.st_ctime_ns) for name, status in found.items()}


def write_hook(repo: Repo, name: str, body: str, mode: int = 0o755, folder: str = ".git/hooks") -> Path:
    path = repo.write(f"{folder}/{name}", f"#!/bin/sh\n{body}\n")
    path.chmod(mode)
    return path


# What is laid down.


def test_init_lays_five_hooks_down_and_says_so(fresh: Repo) -> None:
    said = fresh.ok("init").out
    assert set(hooks(fresh)) == set(NAMES)
    assert all(os.access(fresh.path(f".git/hooks/{name}"), os.X_OK) and name in said for name in NAMES)
    assert "hooks missing" not in fresh.ok("status").out


def test_a_second_time_changes_nothing(fresh: Repo) -> None:
    fresh.ok("init")
    before = stamps(fresh)
    assert "already" in fresh.ok("hook", "install").out
    fresh.ok("init")
    assert stamps(fresh) == before


def test_without_hooks_a_clone_remembers_it_until_they_are_installed(fresh: Repo) -> None:
    fresh.ok("init", "--no-hooks")
    fresh.ok("init")
    assert not fresh.path(".git/hooks").exists()
    assert "hooks missing" not in fresh.ok("status").out
    fresh.ok("hook", "install")
    fresh.path(".git/hooks/pre-push").unlink()
    assert "hooks missing: mvc init" in fresh.ok("status").out
    fresh.ok("init")
    assert "hooks missing" not in fresh.ok("status").out


def test_a_clone_misses_them_and_init_changes_no_committed_file(fresh: Repo, tmp_path: Path) -> None:
    fresh.ok("init")
    fresh.commit()
    clone = fresh.clone(tmp_path / "clone")
    said = clone.ok("status").out
    assert "hooks missing: mvc init" in said
    assert clone.shell(said.rpartition("hooks missing: ")[2]).code == 0
    assert clone.git("status", "--porcelain") == ""
    assert "hooks missing" not in clone.ok("status").out
    assert "hooks" not in clone.ok("status", "--json").json


def test_a_project_that_does_without_has_none_and_misses_none(fresh: Repo, tmp_path: Path) -> None:
    fresh.ok("init", "--no-hooks")
    fresh.ok("config", "set", "--project", "hooks.enabled", "false")
    fresh.commit()
    clone = fresh.clone(tmp_path / "clone")
    clone.ok("init")
    assert "hooks missing" not in clone.ok("status").out
    assert not clone.path(".git/hooks/pre-push").exists()


def test_they_judge_a_commit_wherever_it_is_typed(fresh: Repo) -> None:
    fresh.ok("init")
    fresh.write("models/m.bin", b"weights")
    fresh.ok("add", "models/m.bin")
    for path in (fresh.environ["PATH"], BARE):
        refused = fresh.run("git", "commit", "-m", "no report", cwd="models", env={"PATH": path})
        assert refused.code == 1
        assert "MVC101 m.bin" in refused.err
    assert fresh.run("git", "rev-parse", "HEAD").code != 0


def test_what_lies_in_the_worktree_or_in_python_s_variables_is_not_taken_for_mvc(fresh: Repo, tmp_path: Path) -> None:
    fresh.ok("init")
    for folder in (fresh.root, tmp_path / "elsewhere"):
        for name in ("mvc/__init__.py", "mvc/hook.py", "platformdirs.py", "typing.py"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text("raise SystemExit('taken in')")
    environ = {"PYTHONPATH": str(tmp_path / "elsewhere"), "PYTHONHOME": "/nowhere", "VIRTUAL_ENV": "/nowhere"}
    done = fresh.run("git", "commit", "-m", "set up", env=environ)
    assert done.code == 0, done


@pytest.mark.parametrize("name", NAMES)
def test_the_scripts_are_plain_shell(name: str) -> None:
    script = PROJECT / "hooks" / name
    subprocess.run(["sh", "-n", str(script)], check=True)
    linted = subprocess.run(
        [Path(sys.executable).parent / "shellcheck", str(script)], capture_output=True, text=True, check=False,
    )
    assert linted.returncode == 0, linted.stdout


# What was there before.


def test_a_hook_that_is_there_comes_first_and_its_exit_code_counts(fresh: Repo) -> None:
    write_hook(fresh, "pre-commit", 'echo "theirs: $#"; exit ${THEIRS:-0}')
    assert "called first: pre-commit" in fresh.ok("init").out
    refused = fresh.run("git", "commit", "-m", "x", env={"THEIRS": "7"})
    assert refused.code == 1
    assert "theirs: 0" in refused.err
    assert fresh.run("git", "commit", "-m", "x").code == 0


def test_a_hook_that_is_not_executable_is_not_called_as_git_does_not(fresh: Repo) -> None:
    write_hook(fresh, "pre-commit", "exit 7", 0o644)
    fresh.ok("init")
    assert fresh.run("git", "commit", "-m", "x").code == 0


def test_both_hooks_of_a_push_get_all_of_stdin(fresh: Repo, tmp_path: Path) -> None:
    write_hook(fresh, "pre-push", f'cat > {tmp_path}/refs; echo "$@" > {tmp_path}/arguments; exit ${{THEIRS:-0}}')
    fresh.ok("init")
    fresh.ok("remote", "add", "store", str(tmp_path / "store"))
    fresh.commit()
    fresh.git("init", "-q", "--bare", str(tmp_path / "hub"))
    fresh.git("remote", "add", "origin", str(tmp_path / "hub"))
    fresh.write("m.bin", b"weights")
    fresh.ok("add", "m.bin")
    fresh.git("commit", "--no-verify", "-qm", "model")
    assert fresh.run("git", "push", "origin", "main", env={"THEIRS": "7"}).code == 1
    assert not (tmp_path / "store").exists()
    fresh.git("push", "-q", "origin", "main")
    head = fresh.git("rev-parse", "HEAD")
    assert (tmp_path / "refs").read_text() == f"refs/heads/main {head} refs/heads/main {'0' * 40}\n"
    assert (tmp_path / "arguments").read_text() == f"origin {tmp_path}/hub\n"
    assert list((tmp_path / "store/packs").iterdir())


def test_a_checkout_ends_as_the_hook_that_was_there_says(fresh: Repo) -> None:
    write_hook(fresh, "post-checkout", 'echo "$@" >> .git/told; exit 3')
    fresh.ok("init")
    fresh.commit()
    fresh.git("switch", "-qc", "side", code=1)  # Git's word for any
    assert fresh.read(".git/told").split()[-1] == b"1"


def test_uninstalling_gives_back_what_was_there(fresh: Repo, tmp_path: Path) -> None:
    write_hook(fresh, "pre-commit", "echo theirs", 0o700)
    write_hook(fresh, "post-merge", "echo theirs", 0o644)
    write_hook(fresh, "commit-msg", "true")
    (tmp_path / "target").write_text("#!/bin/sh\n")
    fresh.path(".git/hooks/pre-push").symlink_to(tmp_path / "target")
    before = hooks(fresh)
    fresh.ok("init")
    assert hooks(fresh) != before
    fresh.ok("hook", "uninstall")
    assert hooks(fresh) == before
    assert fresh.path(".git/hooks/pre-push").is_symlink()
    assert "No mvc hooks" in fresh.ok("hook", "uninstall").out
    assert "hooks missing" not in fresh.ok("status").out


def test_a_hook_that_already_calls_mvc_is_left_alone(fresh: Repo) -> None:
    write_hook(fresh, "pre-commit", 'mvc hook run pre-commit "$@"')
    fresh.ok("init")
    assert b"mvc hook run" in hooks(fresh)["pre-commit"][1]
    assert "pre-commit.pre-mvc" not in hooks(fresh)
    fresh.write("m.bin", b"weights")
    fresh.ok("add", "m.bin")
    refused = fresh.run("git", "commit", "-m", "no report")
    assert (refused.code, refused.err.count("MVC101 m.bin")) == (1, 1)


def test_an_edited_hook_is_left_until_force_which_keeps_it(fresh: Repo) -> None:
    fresh.ok("init")
    path = fresh.path(".git/hooks/pre-commit")
    path.write_text(path.read_text() + "# mine\n")
    edited = path.read_bytes()
    for command in ("install", "uninstall"):
        assert "was edited" in fresh.fails(3, "hook", command).errors[0]
        assert path.read_bytes() == edited
    fix = fresh.fails(3, "hook", "install").fixes[0]
    assert fresh.shell(fix).code == 0
    assert path.read_bytes() != edited
    assert fresh.read(".git/hooks/pre-commit.edited") == edited
    assert fresh.run("git", "commit", "-m", "x").code == 0


def test_nothing_is_overwritten_when_another_tool_took_the_place(fresh: Repo) -> None:
    write_hook(fresh, "pre-commit", "echo first")
    fresh.ok("init")
    write_hook(fresh, "pre-commit", "echo of another tool")
    before = hooks(fresh)
    refused = fresh.fails(3, "hook", "install")
    assert hooks(fresh) == before
    assert fresh.shell(refused.fixes[0]).code == 0
    fresh.ok("hook", "install")
    assert "of another tool" in fresh.run("git", "commit", "-m", "x").err


def test_uninstalling_under_another_tool_says_what_is_left(fresh: Repo) -> None:
    write_hook(fresh, "pre-commit", "echo first")
    fresh.ok("init")
    write_hook(fresh, "pre-commit", "echo of another tool")
    refused = fresh.fails(3, "hook", "uninstall")
    assert set(hooks(fresh)) == {"pre-commit", "pre-commit.pre-mvc"}
    assert fresh.shell(refused.fixes[0]).code == 0
    assert b"echo first" in hooks(fresh)["pre-commit"][1]


# Where.


def test_hooks_that_others_use_too_are_not_touched_unless_forced(fresh: Repo, tmp_path: Path) -> None:
    fresh.ok("init", "--no-hooks")
    fresh.ok("config", "unset", "--local", "hooks.enabled")
    for folder in (".githooks", str(tmp_path / "shared")):
        fresh.git("config", "core.hooksPath", folder)
        where = fresh.root / folder
        write_hook(fresh, "pre-commit", "echo theirs", folder=str(where))
        refused = fresh.fails(2, "hook", "install")
        assert str(where) in refused.errors[0]
        assert [path.name for path in where.iterdir()] == ["pre-commit"]
        result = fresh.ok("init")
        assert "no hooks are installed" in result.err
        said = fresh.ok("status").out
        assert f"hooks missing in {where}: put 'mvc hook run NAME" in said
        doctor = fresh.fails(1, "doctor")
        assert "not this repository's own" in doctor.out
        assert f"missing Git hooks in {where}: pre-commit and 4 more" in doctor.errors
        fresh.ok("hook", "install", "--force")
        assert "hooks missing" not in fresh.ok("status").out
        fresh.ok("doctor")
        assert {path.name for path in where.iterdir()} == {*NAMES, "pre-commit.pre-mvc"}
        fresh.ok("hook", "uninstall")
        assert [path.name for path in where.iterdir()] == ["pre-commit"]
        fresh.ok("config", "unset", "--local", "hooks.enabled")


def test_what_husky_calls_is_seen(fresh: Repo) -> None:
    fresh.git("config", "core.hooksPath", ".husky/_")
    fresh.ok("init")
    for name in NAMES:
        write_hook(fresh, name, '. "$(dirname "$0")/h"', folder=".husky/_")
    assert "hooks missing in" in fresh.ok("status").out
    for name in NAMES:
        write_hook(fresh, name, f'mvc hook run {name} "$@"', 0o644, folder=".husky")
    assert "hooks missing" not in fresh.ok("status").out


def test_hooks_that_are_done_without_elsewhere_are_not_missed(fresh: Repo) -> None:
    fresh.git("config", "core.hooksPath", "/dev/null")
    fresh.ok("init")
    assert "hooks missing in /dev/null" in fresh.ok("status").out
    fresh.ok("init", "--no-hooks")
    assert "hooks missing" not in fresh.ok("status").out
    fresh.ok("doctor")


@pytest.mark.parametrize("body", [None, 'mvc hook run pre-commit "$@"'])
def test_a_hook_that_git_ignores_is_missing_until_it_is_installed(fresh: Repo, body: str | None) -> None:
    fresh.ok("init")
    if body:
        write_hook(fresh, "pre-commit", body)
    assert "hooks missing" not in fresh.ok("status").out
    fresh.path(".git/hooks/pre-commit").chmod(0o644)
    assert "hooks missing: mvc init" in fresh.ok("status").out
    (problem,) = fresh.mvc("doctor", "--json").json["problems"]
    assert problem["name"] == "hooks-missing"
    fresh.write("m.bin", b"weights")
    fresh.ok("add", "m.bin")
    assert fresh.shell(problem["fix"]).code == 0
    assert "hooks missing" not in fresh.ok("status").out
    assert "MVC101" in fresh.run("git", "commit", "-m", "no report").err


def test_a_hook_that_another_tool_called_is_missing_when_that_is_off(fresh: Repo) -> None:
    fresh.ok("init")
    fresh.path(".git/hooks/pre-commit").rename(fresh.path(".git/hooks/pre-commit.legacy"))
    theirs = write_hook(fresh, "pre-commit", '"$0".legacy "$@"')
    assert "hooks missing" not in fresh.ok("status").out
    theirs.chmod(0o644)
    assert "hooks missing: mvc init" in fresh.ok("status").out
    fresh.ok("init")
    assert "hooks missing" not in fresh.ok("status").out


def test_the_line_for_hooks_elsewhere_works_there(fresh: Repo) -> None:
    fresh.git("config", "core.hooksPath", ".githooks")
    assert 'mvc hook run NAME "$@"' in fresh.ok("init").err
    write_hook(fresh, "pre-commit", 'mvc hook run pre-commit "$@"', folder=".githooks")
    fresh.write("m.bin", b"weights")
    fresh.ok("add", "m.bin")
    assert "MVC101" in fresh.run("git", "commit", "-m", "no report").err


def test_a_folder_of_hooks_inside_of_git_is_the_repository_s_own(fresh: Repo) -> None:
    fresh.git("config", "core.hooksPath", ".git/my-hooks")
    fresh.ok("init")
    assert {path.name for path in fresh.path(".git/my-hooks").iterdir()} == set(NAMES)


def test_hooks_behind_a_symlink_are_somebody_else_s(fresh: Repo, tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    fresh.path(".git/hooks").symlink_to(tmp_path / "theirs")
    fresh.ok("init")
    assert not list((tmp_path / "theirs").iterdir())


def test_hooks_switched_off_stay_off(fresh: Repo) -> None:
    fresh.git("config", "core.hooksPath", "/dev/null")
    fresh.ok("init")
    assert fresh.fails(3, "hook", "install", "--force").code == 3


def test_a_linked_worktree_has_the_same_hooks(fresh: Repo, tmp_path: Path) -> None:
    fresh.ok("init", "--no-hooks")
    fresh.commit()
    fresh.git("worktree", "add", "-q", str(tmp_path / "linked"))
    linked = Repo(tmp_path / "linked", fresh.environ)
    linked.ok("hook", "install")
    assert set(hooks(fresh)) == set(NAMES)
    linked.write("m.bin", b"weights")
    linked.ok("add", "m.bin")
    assert "MVC101 m.bin" in linked.run("git", "commit", "-m", "no report").err


def test_a_submodule_has_hooks_of_its_own(fresh: Repo, tmp_path: Path) -> None:
    fresh.ok("init")
    fresh.commit()
    outer = Repo(tmp_path / "outer", fresh.environ)
    outer.root.mkdir()
    outer.git("init", "-q")
    outer.git("submodule", "add", "-q", str(fresh.root), "inner")
    inner = Repo(outer.root / "inner", fresh.environ)
    inner.ok("init")
    inner.write("m.bin", b"weights")
    inner.ok("add", "m.bin")
    assert "MVC101 m.bin" in inner.run("git", "commit", "-m", "no report").err
    assert not outer.path(".git/hooks/pre-commit").exists()


def test_a_branch_without_mvc_can_be_committed_to_and_switched_to(fresh: Repo) -> None:
    fresh.ok("init")
    fresh.commit()
    fresh.git("switch", "-q", "--orphan", "pages")
    fresh.write("index.html", "<p>")
    fresh.git("add", "index.html")
    assert fresh.run("git", "commit", "-m", "page").code == 0
    fresh.git("switch", "-q", "main")


# When mvc is gone.


def replant(repo: Repo, python: str, package: str) -> None:
    """Have the hooks look for mvc elsewhere, as after the removal of an environment."""
    for name in NAMES:
        path = repo.path(f".git/hooks/{name}")
        lines = path.read_text().splitlines()
        lines = [f"python={python}" if line.startswith("python=") else line for line in lines]
        path.write_text("\n".join(f"package={package}" if row.startswith("package=") else row for row in lines) + "\n")


def test_without_the_mvc_they_came_from_another_on_the_path_does(fresh: Repo) -> None:
    fresh.ok("init")
    replant(fresh, "/gone/bin/python", "/gone/mvc")
    fresh.write("m.bin", b"weights")
    fresh.ok("add", "m.bin")
    assert "MVC101 m.bin" in fresh.run("git", "commit", "-m", "no report").err


def test_without_any_mvc_a_commit_and_a_push_stop_and_say_what_to_type(fresh: Repo, tmp_path: Path) -> None:
    fresh.ok("init")
    replant(fresh, "/gone/bin/python", "/gone/mvc")
    refused = fresh.run("git", "commit", "-m", "x", env={"PATH": BARE})
    assert refused.code == 1
    assert "/gone/mvc" in refused.errors[0]
    assert "mvc hook install" in refused.fixes[0]
    fresh.git("commit", "-q", "--no-verify", "-m", "x")
    fresh.git("init", "-q", "--bare", str(tmp_path / "hub"))
    stopped = fresh.run("git", "push", str(tmp_path / "hub"), "main", env={"PATH": BARE})
    assert (stopped.code, len(stopped.fixes)) == (1, 1)
    assert fresh.run("git", "push", str(tmp_path / "hub"), "main", env={"PATH": BARE, "MVC_SKIP_PUSH": "1"}).code == 0


def test_without_any_mvc_a_switch_only_warns(fresh: Repo) -> None:
    fresh.ok("init")
    fresh.commit()
    fresh.git("switch", "-qc", "side")
    fresh.write("m.bin", b"weights")
    fresh.ok("add", "m.bin")
    fresh.git("commit", "-q", "--no-verify", "-m", "model")
    replant(fresh, "/gone/bin/python", "/gone/mvc")
    done = fresh.run("git", "switch", "main", env={"PATH": BARE})
    assert done.code == 0
    assert "mvc is gone" in done.err
    merged = fresh.run("git", "merge", "side", env={"PATH": BARE})
    assert merged.code == 0
    assert "mvc is gone" in merged.err


@pytest.fixture
def renewed(fresh: Repo, tmp_path: Path) -> Repo:
    """Return a repository with a model on a branch; the Python of its hooks has lost mvc, as in an environment anew."""
    fresh.ok("init")
    fresh.commit()
    fresh.git("switch", "-qc", "side")
    fresh.write("m.bin", b"weights")
    fresh.ok("add", "m.bin")
    fresh.git("commit", "-q", "--no-verify", "-m", "model")
    fresh.git("init", "-q", "--bare", str(tmp_path / "hub"))
    replant(fresh, str(Path(sys.executable).resolve()), str(PROJECT / "mvc"))
    return fresh


def test_when_its_python_has_lost_mvc_another_on_the_path_does(renewed: Repo, tmp_path: Path) -> None:
    renewed.write("n.bin", b"weights")
    renewed.ok("add", "n.bin")
    assert "MVC101 n.bin" in renewed.run("git", "commit", "-m", "no report").err
    renewed.git("reset", "-q", "--hard")
    assert "no remote is configured" in renewed.run("git", "push", str(tmp_path / "hub"), "side").err
    assert "m.bin deleted" in renewed.run("git", "switch", "main").err
    assert "m.bin checked out" in renewed.run("git", "merge", "side").err


def test_when_its_python_has_lost_mvc_and_no_other_is_there_it_says_what_to_type(renewed: Repo, tmp_path: Path) -> None:
    bare = {"PATH": BARE}
    refused = renewed.run("git", "commit", "--allow-empty", "-m", "x", env=bare)
    assert (refused.code, len(refused.fixes)) == (1, 1)
    assert "mvc hook install" in refused.fixes[0]
    stopped = renewed.run("git", "push", str(tmp_path / "hub"), "side", env=bare)
    assert (stopped.code, len(stopped.fixes)) == (1, 1)
    for line in (("switch", "main"), ("merge", "side")):
        done = renewed.run("git", *line, env=bare)
        assert (done.code, "mvc is gone" in done.err, len(done.fixes)) == (0, True, 1)


def test_a_merge_that_git_commits_asks_another_mvc_as_well(renewed: Repo) -> None:
    renewed.git("switch", "-q", "main")
    renewed.git("commit", "-q", "--no-verify", "--allow-empty", "-m", "main")
    assert "MVC101 m.bin" in renewed.run("git", "merge", "side").err
    renewed.git("merge", "--abort")
    stopped = renewed.run("git", "merge", "side", env={"PATH": BARE})
    assert "the mvc that judges each merge here is gone" in stopped.errors[0]


def test_doctor_tells_of_hooks_and_what_to_type(fresh: Repo) -> None:
    fresh.ok("init")
    assert "hooks       installed" in fresh.ok("doctor").out
    shipped = fresh.path(".git/hooks/pre-push").read_bytes()
    fresh.ok("hook", "uninstall")
    assert "hooks.enabled is false" in fresh.ok("doctor").out
    fresh.ok("config", "unset", "--local", "hooks.enabled")
    for damage, name in ((None, "hooks-missing"), (b"other", "hooks-outdated")):
        if damage:
            run = [sys.executable, "-c", _AS_OF_ANOTHER_PLACE, str(fresh.path(".git/hooks/pre-push"))]
            assert fresh.run(*run).code == 0
        (problem,) = fresh.mvc("doctor", "--json").json["problems"]
        assert problem["name"] == name
        assert fresh.shell(problem["fix"]).code == 0
        fresh.ok("doctor")
    assert fresh.path(".git/hooks/pre-push").read_bytes() == shipped


_AS_OF_ANOTHER_PLACE = """
import sys
from mvc.ops.shared import hook_scripts as hooks
hooks._PACKAGE, hooks._folder = "/other/mvc", lambda folder=hooks._folder(): folder
open(sys.argv[1], "wb").write(hooks.script("pre-push"))
"""


def test_an_unknown_hook_is_named_with_those_that_there_are(fresh: Repo) -> None:
    assert "pre-merge-commit" in fresh.fails(2, "hook", "run", "pre-receive").errors[0]
