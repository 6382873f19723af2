"""Git as it is used: subdirectories, worktrees, submodules, odd indexes, leaked variables."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from harness import LARGE, MVC, Repo, noise


def round_trip(repo: Repo, name: str = "models/m.bin") -> None:
    """Add, commit, change, show, and restore."""
    old = repo.added(name, noise("old", LARGE))
    repo.added(name, noise("new", 100))
    repo.write(name, b"modified")
    assert repo.states(name) == {name: "modified"}
    repo.ok("checkout", "-f")
    assert repo.states(name) == {name: "clean"}
    repo.ok("checkout", "--rev", old, name)
    assert repo.read(name) == noise("old", LARGE)
    assert repo.git("diff", "--cached", "--name-only") == f"{name}.mvc"
    assert len(repo.ok("log", name, "--json").json) == 2
    repo.ok("checkout", "--rev", "HEAD", name)
    assert repo.git("status", "--porcelain") == ""
    assert repo.states(name) == {name: "clean"}


def index_version_4(repo: Repo) -> None:
    """Compress the paths in the index."""
    repo.git("update-index", "--index-version", "4")


def split_index(repo: Repo) -> None:
    """Keep most of the index in a shared file."""
    repo.git("update-index", "--split-index")


def sparse_index(repo: Repo) -> None:
    """Collapse directories outside the cone."""
    for folder in ("models", "elsewhere/deep"):
        repo.write(f"{folder}/readme", "text")
        repo.git("add", folder)
    repo.commit()
    repo.git("sparse-checkout", "set", "--sparse-index", "models")


def autocrlf(repo: Repo) -> None:
    """Let Git write CRLF into the workspace, as it does on Windows."""
    repo.git("config", "core.autocrlf", "true")
    repo.git("config", "core.safecrlf", "true")


def untracked_cache(repo: Repo) -> None:
    """Let Git remember untracked files and watch for stat changes only."""
    repo.git("update-index", "--force-untracked-cache")
    repo.git("config", "core.checkStat", "minimal")


def detached_head(repo: Repo) -> None:
    """Leave every branch."""
    repo.git("checkout", "-q", "--detach")


def many_files(repo: Repo) -> None:
    """Use the settings of `feature.manyFiles`."""
    repo.git("config", "feature.manyFiles", "true")


def quoted_names(repo: Repo) -> None:
    """Set what changes how Git prints names and what it stages."""
    for key, value in (
        ("core.quotePath", "true"),
        ("core.precomposeUnicode", "false"),
        ("status.relativePaths", "false"),
    ):
        repo.git("config", key, value)
    repo.git("config", "core.ignoreCase", "true")
    repo.git("config", "color.ui", "always")


KINDS = [
    index_version_4,
    split_index,
    sparse_index,
    autocrlf,
    untracked_cache,
    detached_head,
    many_files,
    quoted_names,
]


@pytest.mark.parametrize("prepare", KINDS, ids=lambda kind: kind.__name__)
def test_a_round_trip_in_every_kind_of_repository(repo: Repo, prepare: Callable[[Repo], None]) -> None:
    prepare(repo)
    round_trip(repo)


def test_pointers_are_lf_in_the_index_under_autocrlf(repo: Repo, tmp_path: Path) -> None:
    autocrlf(repo)
    repo.write(".gitignore", b"*.tmp\r\n")
    repo.write("m.bin", b"1")
    repo.ok("add", "m.bin")
    repo.commit()
    assert b"\r" not in repo.git("show", "HEAD:m.bin.mvc").encode()
    clone = Repo(tmp_path / "clone", repo.environ)
    repo.git("clone", "-q", "-c", "core.autocrlf=true", ".", str(clone.root))
    assert b"\r" not in clone.read("m.bin.mvc")
    clone.write("n.bin", b"2")
    clone.ok("add", "n.bin")
    assert clone.states() == {"m.bin": "not-in-cache", "n.bin": "clean"}
    assert clone.git("check-ignore", "m.bin", "n.bin", "x.tmp").splitlines() == ["m.bin", "n.bin", "x.tmp"]


def test_an_unborn_branch(bare_git: Repo) -> None:
    bare_git.ok("init")
    bare_git.write("m.bin", b"1")
    bare_git.ok("add", "m.bin")
    assert bare_git.states() == {"m.bin": "clean"}
    bare_git.remove("m.bin")
    bare_git.ok("checkout")
    assert bare_git.ok("diff", "--json").json["changes"][0]["change"] == "added"
    bare_git.fails(2, "checkout", "--rev", "HEAD")


def test_a_git_directory_elsewhere(repo: Repo, tmp_path: Path) -> None:
    clone = Repo(tmp_path / "clone", repo.environ)
    repo.git("clone", "-q", f"--separate-git-dir={tmp_path / 'git-dir'}", ".", str(clone.root))
    assert clone.path(".git").is_file()
    round_trip(clone)
    assert (tmp_path / "git-dir/mvc/objects").is_dir()


def test_mvc_in_a_submodule_and_its_superproject_are_strangers(repo: Repo, tmp_path: Path) -> None:
    super_repo = Repo(tmp_path / "super", repo.environ)
    super_repo.root.mkdir()
    super_repo.git("init", "-q")
    super_repo.ok("init")
    super_repo.git("submodule", "--quiet", "add", str(repo.root), "sub")
    super_repo.added("m.bin", b"1")
    sub = Repo(super_repo.path("sub"), repo.environ)
    round_trip(sub)
    assert super_repo.states() == {"m.bin": "clean"}
    super_repo.write("sub/new.bin", b"new")
    result = super_repo.fails(2, "add", "sub/new.bin")
    assert "submodule" in result.errors[0]
    assert super_repo.shell(result.fixes[0]).code == 0
    assert sub.state("new.bin") == "clean"
    super_repo.fails(2, "add", "sub")
    assert super_repo.git("submodule", "status").split()[1] == "sub"


def test_worktrees_share_the_cache_and_know_their_own_files(repo: Repo, tmp_path: Path) -> None:
    repo.added("m.bin", noise("main", LARGE))
    side = Repo(tmp_path / "side tree", repo.environ)
    repo.git("worktree", "add", "-q", str(side.root), "-b", "side")
    assert side.states() == {"m.bin": "missing"}
    side.ok("checkout")
    assert side.read("m.bin") == noise("main", LARGE)
    side.added("m.bin", noise("side", LARGE))
    assert side.store == repo.store
    assert (repo.states(), side.states()) == ({"m.bin": "clean"}, {"m.bin": "clean"})
    assert repo.read("m.bin") == noise("main", LARGE)
    repo.git("merge", "-q", "side")
    assert (repo.states(), side.states()) == ({"m.bin": "behind"}, {"m.bin": "clean"})
    repo.ok("checkout")
    assert repo.read("m.bin") == noise("side", LARGE)
    assert repo.ok("log", "m.bin", "--json", cwd=side.root).json[0]["subject"] == "add m.bin"


# From a subdirectory.


def test_paths_count_from_where_the_user_is(repo: Repo) -> None:
    repo.write("models/deep/m.bin", b"1")
    assert repo.ok("add", "m.bin", "--json", cwd="models/deep").json["added"][0]["path"] == "models/deep/m.bin"
    repo.write("models/n.bin", b"2")
    repo.ok("add", "../n.bin", cwd="models/deep")
    assert sorted(repo.states()) == ["models/deep/m.bin", "models/n.bin"]
    repo.commit()
    repo.write("models/n.bin", b"3")
    assert "../n.bin" in repo.ok("status", cwd="models/deep").out
    old = repo.git("rev-parse", "HEAD")
    repo.ok("checkout", "--rev", old, "-f", "../n.bin", cwd="models/deep")
    assert repo.read("models/n.bin") == b"2"
    repo.ok("diff", "../n.bin", cwd="models/deep")
    assert repo.ok("verify", "m.bin", "--json", cwd="models/deep").json["objects"] == 1


Situation = Callable[[Repo], tuple[list[str], int]]


def not_tracked(repo: Repo) -> tuple[list[str], int]:
    """Ask for the status of a file that is not tracked."""
    repo.write("sub dir/other.bin", b"1")
    return ["status", "other.bin"], 3


def changed(repo: Repo) -> tuple[list[str], int]:
    """Check out over a change."""
    repo.write("sub dir/m.bin", b"changed")
    return ["checkout", "m.bin"], 3


def gone(repo: Repo) -> tuple[list[str], int]:
    """Add what is not there."""
    repo.remove("sub dir/m.bin")
    return ["add", "m.bin"], 3


def behind(repo: Repo) -> tuple[list[str], int]:
    """Add what Git has moved on from."""
    repo.added("sub dir/m.bin", b"newer")
    repo.git("reset", "-q", "--hard", "HEAD~1")
    return ["add", "m.bin"], 3


def never(repo: Repo) -> tuple[list[str], int]:
    """Ask for the history of a file without one."""
    repo.write("sub dir/other.bin", b"1")
    repo.git("config", "core.editor", "true")
    return ["log", "other.bin"], 3


def in_git(repo: Repo) -> tuple[list[str], int]:
    """Add what Git tracks."""
    repo.write("sub dir/other.bin", b"1")
    repo.git("add", "sub dir/other.bin")
    return ["add", "other.bin"], 2


def invalid(repo: Repo) -> tuple[list[str], int]:
    """Check out with a broken pointer."""
    repo.write("sub dir/m.bin.mvc", "garbage")
    return ["checkout", "m.bin"], 2


def conflict(repo: Repo) -> tuple[list[str], int]:
    """Check out in the middle of a merge."""
    repo.git("switch", "-q", "-c", "side")
    repo.added("sub dir/m.bin", b"theirs")
    repo.git("switch", "-q", "main")
    repo.ok("checkout")
    repo.added("sub dir/m.bin", b"ours")
    repo.git("merge", "side", code=1)
    return ["checkout", "m.bin"], 3


SITUATIONS = [not_tracked, changed, gone, behind, never, in_git, invalid, conflict]


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.__name__)
def test_the_line_to_type_works_from_a_subdirectory(repo: Repo, situation: Situation) -> None:
    repo.added("sub dir/m.bin", b"1")
    arguments, code = situation(repo)
    result = repo.fails(code, *arguments, cwd="sub dir")
    typed = repo.shell(result.fixes[0], cwd="sub dir")
    assert typed.code == 0, typed
    assert set(repo.states().values()) == {"clean"}


@pytest.mark.parametrize("state", ["modified", "missing", "behind"])
def test_the_hints_of_status_work_from_a_subdirectory(repo: Repo, state: str) -> None:
    repo.added("sub dir/m.bin", b"1")
    if state == "modified":
        repo.write("sub dir/m.bin", b"2")
    elif state == "missing":
        repo.remove("sub dir/m.bin")
    else:
        behind(repo)
    hint = next(line for line in repo.ok("status", cwd="sub dir").out.splitlines() if "  mvc " in line)
    assert repo.shell(hint, cwd="sub dir").code == 0
    assert repo.states() == {"sub dir/m.bin": "clean"}


# Files that Git leaves behind.


def test_a_leftover_index_lock_is_named_and_the_line_to_type_works(repo: Repo) -> None:
    lock = repo.write(".git/index.lock", b"")
    os.utime(lock, (0, 0))
    repo.write("m.bin", b"1")
    result = repo.fails(3, "add", "m.bin")
    assert str(lock) in result.errors[0]
    assert repo.states() == {"m.bin": "clean"}
    assert repo.shell(result.fixes[0]).code == 0
    assert not lock.exists()
    assert "m.bin.mvc" in repo.git("diff", "--cached", "--name-only")


def test_six_commands_at_once_all_succeed(repo: Repo) -> None:
    for name in "abcdef":
        repo.write(f"{name}.bin", name)
    repo.ok("add", "b.bin", "c.bin", "d.bin")
    repo.commit()
    lines = (
        "add a.bin", "rm b.bin", "mv c.bin moved.bin", "eval record d.bin --tag v1.0.0 --metric auc=1",
        "add e.bin f.bin", "hook run pre-commit",
    )
    started = [
        subprocess.Popen([MVC, *line.split()], cwd=repo.root, env=repo.environ, stderr=subprocess.PIPE)
        for line in lines
    ]
    told = [process.communicate(timeout=100)[1] for process in started]
    assert [process.returncode for process in started[:-1]] == [0] * 5, told
    assert started[-1].returncode in (0, 1), told  # it judges what is staged by then
    assert repo.git("diff", "--name-only") == ""
    assert repo.git("ls-files", "--others", "--exclude-standard") == ""
    assert set(repo.states()) == {"a.bin", "d.bin", "e.bin", "f.bin", "moved.bin"}


def test_leaked_variables_of_another_repository_change_nothing(repo: Repo, tmp_path: Path) -> None:
    other = Repo(tmp_path / "other", repo.environ)
    other.root.mkdir()
    other.git("init", "-q")
    other.write("file", b"1")
    other.git("add", "file")
    other.commit()
    leaked = {
        "GIT_DIR": f"{other.root}/.git",
        "GIT_INDEX_FILE": f"{other.root}/.git/index",
        "GIT_WORK_TREE": str(other.root),
        "GIT_OBJECT_DIRECTORY": f"{other.root}/.git/objects",
        "GIT_COMMON_DIR": f"{other.root}/.git",
        "GIT_PREFIX": "sub/",
        "GIT_NAMESPACE": "x",
    }
    before = other.git("ls-files", "-s")
    repo.write("m.bin", b"1")
    repo.ok("add", "m.bin", env=leaked)
    old = repo.commit()
    repo.added("m.bin", b"2")
    assert repo.ok("status", "--json", env=leaked).json["clean"] is True
    assert len(repo.ok("log", "m.bin", "--json", env=leaked).json) == 2
    assert repo.ok("diff", "--json", old, "HEAD", env=leaked).json["changes"]
    repo.ok("checkout", "--rev", old, env=leaked)
    assert repo.read("m.bin") == b"1"
    assert other.git("ls-files", "-s") == before
    assert sorted(path.name for path in other.root.iterdir()) == [".git", "file"]


def test_options_for_git_in_the_environment_do_not_confuse(repo: Repo) -> None:
    odd = {
        "GIT_LITERAL_PATHSPECS": "1",
        "GIT_TRACE": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_PAGER": "false",
        "LANG": "de_DE.UTF-8",
    }
    repo.write("m.bin", b"1")
    assert repo.ok("add", "m.bin", env=odd).code == 0
    assert repo.ok("status", "--json", env=odd).json["items"][0]["state"] == "clean"
    repo.commit()
    assert len(repo.ok("log", "m.bin", "--json", env=odd).json) == 1


# Merging.


def entries(repo: Repo, *names: str) -> None:
    """Change files of `data`, add and commit."""
    for name in names:
        repo.write(f"data/{name}", noise((name, "changed"), 300))
    repo.ok("add", "data")
    repo.commit()


def test_git_merges_edits_of_far_entries_of_a_directory_by_itself(repo: Repo) -> None:
    repo.write_dir("data", 9)
    repo.added("data")
    repo.git("switch", "-q", "-c", "side")
    entries(repo, "part-0001.bin")
    theirs = repo.read("data/part-0001.bin")
    repo.git("switch", "-q", "main")
    repo.ok("checkout")
    entries(repo, "part-0007.bin")
    ours = repo.read("data/part-0007.bin")
    repo.git("merge", "-q", "side")
    assert repo.state("data") == "behind"
    repo.ok("checkout")
    assert (repo.read("data/part-0001.bin"), repo.read("data/part-0007.bin")) == (theirs, ours)
    assert repo.states() == {"data": "clean"}


def test_edits_of_the_same_entry_conflict(repo: Repo) -> None:
    repo.write_dir("data", 9)
    repo.added("data")
    repo.git("switch", "-q", "-c", "side")
    entries(repo, "part-0001.bin")
    repo.git("switch", "-q", "main")
    repo.ok("checkout")
    repo.write("data/part-0001.bin", b"ours")
    repo.ok("add", "data")
    repo.commit()
    repo.git("merge", "side", code=1)
    assert repo.state("data") == "conflict"


def test_git_mv_of_a_pointer_moves_the_tracked_path(repo: Repo) -> None:
    repo.added("m.bin", b"1")
    repo.path("m.bin").rename(repo.path("n.bin"))
    repo.git("mv", "m.bin.mvc", "n.bin.mvc")
    assert repo.states() == {"n.bin": "clean"}
    assert repo.ok("diff", "--json").json["changes"][0]["change"] == "renamed"


def test_git_clean_does_not_lose_content(repo: Repo) -> None:
    repo.added("m.bin", b"1")
    repo.git("clean", "-qfdx")
    assert repo.state("m.bin") == "missing"
    repo.ok("checkout")
    assert repo.read("m.bin") == b"1"


def test_a_repository_with_sha_256(tmp_path: Path, environ: dict[str, str]) -> None:
    repo = Repo(tmp_path / "repo", environ)
    repo.root.mkdir()
    repo.git("init", "-q", "--object-format=sha256")
    repo.ok("init")
    repo.write(".mvc/policy.yaml", "mvc-policy: 1\ndefaults: {report: optional}\n")
    repo.git("add", ".mvc")
    repo.commit()
    round_trip(repo)
    for line in ("diff HEAD~1 HEAD", "ls HEAD~1", "gc", "gate --all", "gate --base HEAD~1 --head HEAD", "eval check"):
        repo.ok(*line.split())


# Names that Git reads in another way.


@pytest.mark.parametrize("name", ["2023-05-16T17:43.bag", "HEAD:m.bin", "2:m.bin", ":m.bin", "main"])
def test_a_path_wins_over_a_revision(repo: Repo, tmp_path: Path, name: str) -> None:
    repo.write("m.bin", b"another")
    repo.write(name, b"1")
    path = f"./{name}" if name.startswith(":") else name
    repo.ok("add", path, "m.bin")
    repo.ok("eval", "record", path, "--tag", "v1.0.0", "--metric", "auc=1")
    repo.commit()
    for line in ("status", "log", "verify", "eval check", "ls", "eval show", "diff", "checkout", "unprotect", "add"):
        repo.ok(*line.split(), path)
    assert [item["path"] for item in repo.ok("ls", path, "--json").json["items"]] == [name]
    repo.ok("get", str(repo.root), path, "-o", str(tmp_path / "got"))
    assert (tmp_path / "got").read_bytes() == b"1"
    read = "import mvc, sys; print(mvc.open(sys.argv[1]).read(), mvc.report(sys.argv[1]).tag)"
    assert repo.run(sys.executable, "-c", read, path).out == "b'1' v1.0.0\n"
    repo.write(name, b"2")
    assert [item["path"] for item in repo.ok("diff", path, "--json").json["changes"]] == [name]
    repo.ok("checkout", "-f", "--rev", "HEAD", path)
    repo.ok("mv", path, "moved.bin")
    repo.ok("mv", "moved.bin", path)
    repo.ok("rm", path)
    assert repo.states() == {"m.bin": "clean"}
    assert repo.git("diff", "--name-only") == ""


def test_a_revision_is_meant_where_no_path_is_called_so(repo: Repo) -> None:
    repo.added("m.bin", b"1")
    assert repo.ok("ls", "HEAD:m.bin", "--json").json["revision"]
    assert repo.fails(2, "ls", "none:m.bin").errors == ["'none' is not a revision of this repository"]
