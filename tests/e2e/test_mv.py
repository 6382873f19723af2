"""`mvc mv`: pointer, report, content, ignore line and index entry are renamed together, or nothing is changed."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import LARGE, MVC, Begin, Repo, Result, make_home, noise, some

BIG = 33 << 20
"""Bytes for which it is worth to wait until stat data can be trusted: see `mvc.workspace.observe.WORTH_WAITING`."""


def ignored(repo: Repo, *paths: str) -> list[str]:
    """Return which of `paths` Git ignores."""
    return repo.run("git", "check-ignore", "--", *paths).out.splitlines()


def staged(repo: Repo) -> list[str]:
    """Return what differs between HEAD, index and workspace, renames found."""
    return repo.git("status", "--porcelain", "-M").splitlines()


def everything(repo: Repo) -> tuple[dict[str, bytes], str]:
    """Return the content of all files of the worktree, and of the index."""
    files = {name: content for name, content in repo.contents(".").items() if not name.startswith(".git/")}
    return files, repo.git("ls-files", "--stage")


def refused(repo: Repo, code: int, *args: str, cwd: str = ".") -> str:
    """Run a command that must refuse and change nothing; return its stderr."""
    before = everything(repo)
    result = repo.fails(code, *args, cwd=cwd)
    assert everything(repo) == before
    assert repo.debris() == []
    assert len(result.errors) == 1
    return result.err


def with_models(repo: Repo) -> None:
    """Make a file with a report, a directory, and a file tracked by Git in `models`."""
    repo.write("models/m.bin", noise("m", LARGE))
    repo.write("models/bert/a", b"a")
    repo.write("models/bert/sub/b", b"b")
    repo.write("models/README", "text")
    repo.write("models/m.bin.eval.yaml", "mvc-eval: 1\n")
    repo.write("models/m.bin.eval.yaml.sig", "signature\n")
    repo.ok("add", "models/m.bin", "models/bert")
    repo.git("add", "models")
    repo.commit()


@pytest.fixture
def models(begin: Begin) -> Repo:
    """Return a repository with something of each kind in `models`."""
    return begin(with_models)


# What moves.


def test_a_file_moves_with_all_that_belongs_to_it(models: Repo) -> None:
    inode = models.path("models/m.bin").stat().st_ino
    said = models.ok("mv", "models/m.bin", "archive/2026/n.bin").out
    assert "models/m.bin -> archive/2026/n.bin" in said
    assert models.states() == {"archive/2026/n.bin": "clean", "models/bert": "clean"}
    assert models.path("archive/2026/n.bin").stat().st_ino == inode
    assert ignored(models, "models/m.bin", "archive/2026/n.bin", "models/bert") == ["archive/2026/n.bin", "models/bert"]
    assert set(staged(models)) == {
        "A  archive/2026/.gitignore",
        "R  models/m.bin.mvc -> archive/2026/n.bin.mvc",
        "M  models/.gitignore",
        "R  models/m.bin.eval.yaml -> archive/2026/n.bin.eval.yaml",
        "R  models/m.bin.eval.yaml.sig -> archive/2026/n.bin.eval.yaml.sig",
    }
    models.commit("moved")
    assert len(models.git("log", "--follow", "--oneline", "archive/2026/n.bin.mvc").splitlines()) == 2
    assert models.git("status", "--porcelain") == ""


def test_a_directory_moves_as_a_whole(models: Repo) -> None:
    models.ok("mv", "models/bert", "bert")
    assert models.contents("bert") == {"a": b"a", "sub/b": b"b"}
    assert not models.path("models/bert").exists()
    assert models.states() == {"bert": "clean", "models/m.bin": "clean"}
    assert ignored(models, "bert/a") == ["bert/a"]


def test_into_a_directory_that_is_there_it_keeps_its_name(models: Repo) -> None:
    models.path("archive").mkdir()
    models.ok("mv", "models/m.bin", "archive")
    models.ok("mv", "models/bert", "archive/")
    assert set(models.states()) == {"archive/m.bin", "archive/bert"}
    models.ok("mv", "archive/m.bin", ".")
    assert set(models.states()) == {"m.bin", "archive/bert"}


def test_a_slash_at_the_end_means_a_directory_there_or_not(models: Repo) -> None:
    models.ok("mv", "models/m.bin", "new/")
    assert set(models.states()) == {"new/m.bin", "models/bert"}
    models.ok("mv", "models/bert", "other/")
    assert set(models.states()) == {"new/m.bin", "other"}


def test_a_plain_directory_moves_what_is_tracked_below_it_and_leaves_git_s_own(models: Repo) -> None:
    models.added("models/deep/x.bin", b"x")
    result = models.ok("mv", "models", "archive")
    assert models.states() == dict.fromkeys(("archive/bert", "archive/deep/x.bin", "archive/m.bin"), "clean")
    assert "Not moved: 1 file tracked by Git" in result.out
    assert "git mv -- models/README" in result.out
    assert models.contents("models") == {"README": b"text"}
    assert ignored(models, "archive/m.bin", "archive/bert", "archive/deep/x.bin", "models/x") == [
        "archive/m.bin", "archive/bert", "archive/deep/x.bin",
    ]
    models.commit()
    assert models.git("status", "--porcelain") == ""


def test_a_plain_directory_without_anything_else_is_gone(repo: Repo) -> None:
    repo.added("old/sub/m.bin", b"1")
    repo.write("old/n.bin", b"2")
    repo.added("old/n.bin")
    repo.path("new").mkdir()
    repo.ok("mv", "old", "new")
    assert set(repo.states()) == {"new/old/sub/m.bin", "new/old/n.bin"}
    assert not repo.path("old").exists()


def test_the_user_s_lines_of_gitignore_stay(models: Repo) -> None:
    lines = models.read("models/.gitignore")
    models.write("models/.gitignore", b"*.log\n" + lines)
    models.ok("mv", "models/m.bin", "models/n.bin")
    assert models.read("models/.gitignore") == b"*.log\n" + lines.replace(b"/m.bin", b"/n.bin")
    models.ok("mv", "models", "archive")
    assert models.read("models/.gitignore") == b"*.log\n"


def test_by_the_names_of_the_pointers(models: Repo) -> None:
    models.ok("mv", "models/m.bin.mvc", "models/n.bin.mvc")
    assert "models/n.bin" in models.states()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a b.bin", "c d.bin"),
        ("naïve.bin", "数据/模型.bin"),
        ("-dash", "-other"),
        ("m.bin", "M.bin"),
        (":(top)x", "[a]*"),
    ],
)
def test_odd_names(repo: Repo, old: str, new: str) -> None:
    repo.write(old, b"1")
    repo.ok("add", "--", old)
    repo.commit()
    repo.ok("mv", "--", old, new)
    assert repo.states() == {new: "clean"}
    assert repo.git("status", "--porcelain", "--untracked-files=all", "-z").count("??") == 0
    repo.commit()
    assert repo.git("status", "--porcelain") == ""


def test_from_a_subdirectory(models: Repo) -> None:
    said = models.ok("mv", "m.bin", "../archive/n.bin", cwd="models").out
    assert "m.bin -> ../archive/n.bin" in said
    assert "archive/n.bin" in models.states()


def test_the_current_directory_stays(repo: Repo) -> None:
    repo.added("old/m.bin", b"1")
    repo.ok("mv", ".", "../new", cwd="old")
    assert repo.states() == {"new/m.bin": "clean"}
    assert repo.path("old").is_dir()


def test_the_executable_bit_moves(repo: Repo) -> None:
    repo.write("run.sh", b"1").chmod(0o755)
    repo.added("run.sh")
    repo.ok("mv", "run.sh", "go.sh")
    assert repo.path("go.sh").stat().st_mode & 0o100
    assert repo.states() == {"go.sh": "clean"}


@pytest.mark.parametrize("link", ["hardlink", "symlink"])
def test_links_into_the_cache_stay_links(repo: Repo, link: str) -> None:
    repo.ok("config", "set", "cache.link", link)
    repo.added("m.bin", noise("m", LARGE))
    repo.remove("m.bin")
    repo.ok("checkout")
    repo.ok("mv", "m.bin", "n.bin")
    assert os.path.samefile(repo.path("n.bin"), repo.loose(repo.digest("n.bin")))
    assert repo.path("n.bin").is_symlink() == (link == "symlink")
    assert repo.states() == {"n.bin": "clean"}


def test_in_a_worktree_of_its_own(repo: Repo, tmp_path: Path) -> None:
    repo.added("m.bin", b"1")
    repo.git("worktree", "add", "-q", str(tmp_path / "wt"))
    other = Repo(tmp_path / "wt", repo.environ)
    other.ok("checkout")
    other.ok("mv", "m.bin", "n.bin")
    assert other.states() == {"n.bin": "clean"}
    assert repo.states() == {"m.bin": "clean"}


# Every state.


@pytest.mark.parametrize("name", ["m.bin", "data"])
@pytest.mark.parametrize("state", ["clean", "modified", "missing", "behind", "not-in-cache"])
def test_a_path_keeps_its_state_and_its_content(repo: Repo, name: str, state: str) -> None:
    file = name if name == "m.bin" else f"{name}/part"
    old = repo.added(name) if repo.write(file, noise("old", LARGE)) else ""
    repo.write(file, noise("new", LARGE))
    repo.added(name)
    if state == "modified":
        repo.write(file, b"modified")
    elif state == "missing":
        repo.remove(name)
    elif state == "behind":
        repo.git("reset", "-q", "--hard", old)
    elif state == "not-in-cache":
        shutil.rmtree(repo.store / "objects")
    assert repo.state(name) == state
    content = repo.read(file) if state != "missing" else None
    repo.ok("mv", name, f"other/{name}")
    assert repo.states() == {f"other/{name}": state}
    assert content == (repo.read(f"other/{file}") if content is not None else None)
    assert not repo.path(name).exists()
    if state not in ("modified", "not-in-cache"):
        repo.ok("checkout")
        assert repo.states() == {f"other/{name}": "clean"}


@pytest.mark.parametrize("name", ["big.bin", "data"])
def test_nothing_is_read_again(repo: Repo, name: str) -> None:
    file = name if name == "big.bin" else f"{name}/part.bin"
    repo.write(file, noise("big", BIG))
    repo.added(name)
    last = file.rpartition("/")[2]
    assert any(repo.reads(last, "status") == 0 for _ in range(5))  # stat data of this moment proves nothing
    new = "moved.bin" if name == "big.bin" else "moved"
    assert repo.reads(last, "mv", name, new) == 0
    assert repo.reads("moved.bin" if name == "big.bin" else last, "status") == 0
    repo.path("moved.bin" if name == "big.bin" else f"moved/{last}").write_bytes(b"1")
    assert repo.states() == {new: "modified"}


def test_there_and_back_is_as_it_was(models: Repo) -> None:
    before = everything(models)
    models.ok("mv", "models/m.bin", "x/y")
    models.ok("mv", "x/y", "models/m.bin")
    models.ok("mv", "models/bert", "b")
    models.ok("mv", "b", "models/bert")
    assert everything(models) == before
    assert models.git("status", "--porcelain") == ""


# Refusals: nothing is changed.


@pytest.mark.parametrize(
    ("source", "target", "code", "said"),
    [
        ("models/m.bin", "models/README", 2, "already exists"),
        ("models/m.bin", "models/bert", 2, "inside models/bert"),
        ("models/m.bin", "models/bert/m.bin", 2, "inside models/bert"),
        ("models/bert", "models/bert/sub", 2, "into itself"),
        ("models", "models/sub", 2, "into itself"),
        ("models", "models", 2, "into itself"),
        ("models/m.bin", "models/m.bin", 2, "has that name"),
        ("models/m.bin", "models", 2, "has that name"),
        ("models/m.bin", "con", 2, "Windows"),
        ("models/m.bin", "a/b.", 2, "ends in a dot"),
        ("models/m.bin", "x.mvc", 2, "name of a pointer"),
        ("models/m.bin", "../outside", 2, "outside the repository"),
        ("models/m.bin", ".git/x", 2, "is in .git"),
        ("models/m.bin", ".mvc/x", 2, "is in .mvc"),
        ("models/m.bin", "models/README/x", 2, "not a directory"),
        ("models/m.bin", "taken", 2, "already exists"),
        ("models/m.bin", "reported", 2, "already exists"),
        ("models/m.bin", "only-in-git", 2, "in Git's index"),
        ("models/m.bin", "build/x", 2, "Git ignores build/x.mvc"),
        ("models/m.bin", "link/x", 2, "not a directory"),
        (".", "x", 2, "whole worktree"),
        ("models/README", "x", 3, "is tracked by Git, not by mvc"),
        ("nothing", "x", 3, "does not exist"),
        ("untracked", "x", 3, "not tracked"),
    ],
)
def test_refused(models: Repo, source: str, target: str, code: int, said: str) -> None:
    models.write("taken.mvc", "anything")
    models.write("reported.eval.yaml", "anything")
    models.write("untracked", "anything")
    models.write("only-in-git", "1")
    models.write(".gitignore", "build/\n")
    models.git("add", "only-in-git", ".gitignore")
    models.remove("only-in-git")
    models.path("link").symlink_to("models")
    assert said in refused(models, code, "mv", source, target)


def test_a_part_of_a_directory_is_refused_and_the_line_to_type_works(models: Repo) -> None:
    models.write("models/bert/c d", b"c")
    models.ok("add", "models/bert")
    said = refused(models, 2, "mv", "models/bert/c d", "models/bert/sub/c")
    line = said.partition("try: ")[2].strip()
    assert models.shell(line).code == 0
    assert models.contents("models/bert") == {"a": b"a", "sub/b": b"b", "sub/c": b"c"}
    assert models.state("models/bert") == "clean"


def test_into_a_tracked_directory_is_refused_and_the_line_to_type_works(models: Repo) -> None:
    said = refused(models, 2, "mv", "models/m.bin", "models/bert")
    assert models.shell(said.partition("try: ")[2].strip()).code == 0
    assert models.states() == {"models/bert": "clean"}
    assert models.read("models/bert/m.bin") == noise("m", LARGE)


def test_a_submodule_is_refused(models: Repo, tmp_path: Path) -> None:
    other = Repo(tmp_path / "other", models.environ)
    other.root.mkdir()
    other.git("init", "-q")
    other.git("commit", "-q", "--allow-empty", "-m", "x")
    models.git("submodule", "--quiet", "add", str(other.root), "sub")
    assert "submodule or repository sub" in refused(models, 2, "mv", "models/m.bin", "sub/m.bin")
    shutil.rmtree(models.path("sub"))
    models.path("sub").mkdir()  # as `git clone` leaves it
    assert "submodule or repository sub" in refused(models, 2, "mv", "models/m.bin", "sub/m.bin")


def test_a_conflict_and_a_broken_pointer_are_refused(models: Repo) -> None:
    models.write("models/bert.mvc", "garbage")
    assert "models/bert.mvc" in refused(models, 2, "mv", "models/bert", "b")
    refused(models, 2, "mv", "models", "archive")
    models.git("checkout", "--", "models/bert.mvc")
    models.git("switch", "-q", "-c", "side")
    models.added("models/m.bin", b"theirs")
    models.git("switch", "-q", "main")
    models.ok("checkout")
    models.added("models/m.bin", b"ours")
    models.git("merge", "side", code=1)
    assert "conflict" in refused(models, 3, "mv", "models/m.bin", "n.bin")


def test_what_a_sparse_checkout_leaves_out_is_refused(models: Repo) -> None:
    models.added("there/x.bin", b"x")
    models.git("sparse-checkout", "set", "models")
    assert "sparse" in refused(models, 3, "mv", "there/x.bin", "models/x.bin")


def bind(path: Path) -> None:
    """Mount a directory onto itself."""
    subprocess.run(["mount", "--bind", str(path), str(path)], check=True)


@pytest.fixture
def mounted(models: Repo) -> Iterator[Repo]:
    """Return the repository with a bind mount in it, which shares a device with the rest."""
    models.path("mnt").mkdir()
    bind(models.path("mnt"))
    yield models
    subprocess.run(["umount", "-l", str(models.path("mnt"))], check=True)


@pytest.mark.parametrize("target", ["mnt/n.bin", "mnt/new/n.bin", "mnt"])
def test_behind_a_mount_is_refused_and_the_line_to_type_works(mounted: Repo, target: str) -> None:
    said = refused(mounted, 3, "mv", "models/m.bin", target)
    assert "on another file system or mount" in said
    if "new" not in target:
        assert mounted.shell(said.partition("try: ")[2].strip()).code == 0
        new = "mnt/m.bin" if target == "mnt" else target
        assert mounted.states() == {new: "clean", "models/bert": "clean"}


def test_a_mount_itself_cannot_move_and_all_is_undone(models: Repo) -> None:
    bind(models.path("models/bert"))
    try:
        assert "can't be renamed" in refused(models, 3, "mv", "models", "archive")
        assert not models.path("archive").exists()
    finally:
        subprocess.run(["umount", "-l", str(models.path("models/bert"))], check=True)
    assert set(models.states().values()) == {"clean"}


# Killed on the way: the same command continues.

CALLS = {
    "rename": "rename,renameat,renameat2",
    "unlink": "unlink,unlinkat,rmdir",
    "mkdir": "mkdir,mkdirat",
    "fsync": "fsync,fdatasync",
    "write": "write,pwrite64",
}
LINES = {
    "file": (("models/m.bin", "archive/n.bin"), {"archive/n.bin": "modified", "models/bert": "modified"}),
    "beside": (("models/m.bin", "models/n.bin"), {"models/n.bin": "modified", "models/bert": "modified"}),
    "directory": (("models/bert", "b"), {"b": "modified", "models/m.bin": "modified"}),
    "all": (("models", "archive"), {"archive/m.bin": "modified", "archive/bert": "modified"}),
}


@pytest.fixture(scope="module")
def prepared(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository whose modified content no cache holds."""
    top = tmp_path_factory.mktemp("prepared")
    shutil.copytree(template, top / "repo", symlinks=True)
    repo = Repo(top / "repo", make_home(top / "home"))
    repo.write("models/m.bin", noise("m", LARGE))
    repo.write("models/bert/a", b"a")
    repo.write("models/m.bin.eval.yaml", "mvc-eval: 1\n")
    repo.ok("add", "models/m.bin", "models/bert")
    repo.git("add", "models")
    repo.commit()
    repo.write("models/m.bin", b"precious")
    repo.write("models/bert/a", b"dear")
    return repo.root


def precious(repo: Repo) -> list[bytes]:
    """Return the content that exists only there."""
    return sorted(found for found in repo.contents(".").values() if found in (b"precious", b"dear"))


def faulty(repo: Repo, kind: str, fault: str, *line: str) -> Result:
    """Run `mvc mv` with a fault injected; never a traceback."""
    calls = ["-e", f"trace={CALLS[kind]}", "-e", f"inject={CALLS[kind]}:{fault}"]
    result = repo.run("strace", "-f", "-qq", "-o", "/dev/null", *calls, MVC, "mv", *line)
    assert "Traceback" not in result.err, result
    return result


@pytest.mark.sampled
@pytest.mark.parametrize("kind", CALLS)
@pytest.mark.parametrize("what", LINES)
def test_killed(prepared: Path, environ: dict[str, str], tmp_path: Path, what: str, kind: str) -> None:
    line, states = LINES[what]
    died = 0
    for point in some((1, 2, 3, 4, 5, 6, 8) if kind != "write" else (2, 5, 9, 13, 17), 3):
        repo = Repo(tmp_path / f"at-{point}", environ)
        shutil.copytree(prepared, repo.root, symlinks=True)
        fault = f"signal=KILL:when={point}"
        result = faulty(repo, kind, fault, *line)
        died += result.code < 0
        assert precious(repo) == [b"dear", b"precious"]
        seen = repo.git("ls-files", "--others", "--exclude-standard").splitlines()
        assert [name for name in seen if not name.endswith((".mvc", ".yaml", ".gitignore"))] == []
        repo.path(".git/index.lock").unlink(missing_ok=True)  # Git's own, when Git was the one that died
        again = repo.mvc("mv", *line)
        assert again.code == 0 or "tracked" in again.errors[0] or "tracks" in again.errors[0], again
        assert repo.states() == states
        assert precious(repo) == [b"dear", b"precious"]
        assert all(row[1] == " " for row in staged(repo)), staged(repo)
        shutil.rmtree(repo.root)
    assert died


@pytest.mark.sampled
@pytest.mark.parametrize("kind", ["rename", "mkdir", "fsync"])
@pytest.mark.parametrize("what", LINES)
def test_an_error_of_the_system_is_undone_or_told_with_the_line_to_type(
    prepared: Path, environ: dict[str, str], tmp_path: Path, what: str, kind: str,
) -> None:
    line, states = LINES[what]
    failed = 0
    for point in some(range(1, 8), 3):
        repo = Repo(tmp_path / f"at-{point}", environ)
        shutil.copytree(prepared, repo.root, symlinks=True)
        before = everything(repo)
        result = faulty(repo, kind, f"error=EIO:when={point}", *line)
        assert result.code in (0, 3), result
        if result.code:
            failed += 1
            assert precious(repo) == [b"dear", b"precious"]
            if everything(repo) != before:
                repo.ok("mv", *line)
                assert repo.states() == states
        shutil.rmtree(repo.root)
    assert failed


def test_a_locked_index_is_named_and_the_same_line_goes_on(models: Repo) -> None:
    lock = models.write(".git/index.lock", "")
    os.utime(lock, (0, 0))
    result = models.fails(3, "mv", "models/m.bin", "n.bin")
    assert "index.lock" in result.err
    lock.unlink()
    models.ok("mv", "models/m.bin", "n.bin")
    assert all(row[1] == " " for row in staged(models))
    assert models.states() == {"n.bin": "clean", "models/bert": "clean"}


# JSON.


def test_json(models: Repo) -> None:
    document = models.ok("mv", "models", "archive", "--json").json
    assert document["left"] == ["models/README"]
    assert [tuple(item.values()) for item in document["moved"]] == [
        ("models/bert", "archive/bert", "archive/bert.mvc", "dir", 2),
        ("models/m.bin", "archive/m.bin", "archive/m.bin.mvc", "file", LARGE),
    ]
    assert list(document["moved"][0]) == ["old_path", "path", "pointer", "kind", "size"]
