"""Disks that fill up, break or are read-only; files that change meanwhile; commands that run at once."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness import LARGE, MVC, Repo, Result, noise

Mount = Callable[..., Path]
UNPRIVILEGED = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
"""Takes from root what a plain user lacks: going past file modes."""


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Mount]:
    """Return a function that mounts something below the test's directory, and again with other options."""
    mounted: list[Path] = []

    def run(name: str, *options: str) -> Path:
        path = tmp_path / name
        path.mkdir(exist_ok=True)
        subprocess.run(["mount", *options, str(path)], check=True)
        if path not in mounted:
            mounted.append(path)
        return path

    yield run
    for path in mounted:
        subprocess.run(["umount", "-l", str(path)], check=True)


def disk(mount: Mount, name: str, kilobytes: int) -> Path:
    """Mount a small disk."""
    return mount(name, "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs")


def grow(path: Path, kilobytes: int) -> None:
    """Give a small disk more space."""
    subprocess.run(["mount", "-o", f"remount,size={kilobytes}k", str(path)], check=True)


def fails_clearly(result: Result, path: str) -> None:
    """Hold an error about a full or read-only disk against what a user needs to know."""
    assert result.code == 3, result
    assert len(result.errors) == 1, result
    assert len(result.fixes) == 1, result
    assert any(reason in result.err for reason in ("No space left", "Read-only file system", "Permission denied")), (
        result
    )
    assert path in result.err, result


# Full disks.


def write_content(repo: Repo, kind: str) -> dict[str, bytes]:
    """Write 1.5 MB as one large file or as many small ones, named `x`; what each holds."""
    if kind == "large":
        repo.write("x", noise("x", 1_500_000))
    else:
        for number in range(10):
            repo.write(f"x/{number}", noise(("x", number), 150_000))
    return held(repo)


def held(repo: Repo) -> dict[str, bytes]:
    """Return what `x` holds."""
    return {"": repo.read("x")} if repo.path("x").is_file() else repo.contents("x")


@pytest.mark.parametrize("kilobytes", [16, 200, 1400])
@pytest.mark.parametrize("kind", ["large", "small"])
def test_add_into_a_full_cache(repo: Repo, mount: Mount, kind: str, kilobytes: int) -> None:
    cache = disk(mount, "cache", 4000)
    repo.ok("init", "--cache", str(cache))
    grow(cache, kilobytes)
    content = write_content(repo, kind)
    fails_clearly(repo.mvc("add", "x"), str(cache))
    assert held(repo) == content
    assert not repo.path("x.mvc").exists()
    assert repo.git("status", "--porcelain").splitlines() in (["?? x"], ["?? x/"])
    assert list((cache / "tmp").rglob("*")) == []
    grow(cache, 8000)
    repo.ok("add", "x")
    repo.ok("verify")
    repo.remove("x")
    repo.ok("checkout")
    assert held(repo) == content


@pytest.mark.parametrize("kilobytes", [600, 1000, 1900])
@pytest.mark.parametrize("kind", ["large", "small"])
def test_checkout_into_a_full_workspace(repo: Repo, mount: Mount, kind: str, kilobytes: int, tmp_path: Path) -> None:
    repo.ok("init", "--cache", str(tmp_path / "cache"))
    content = write_content(repo, kind)
    repo.added("x")
    repo.write("small.bin", b"small")
    old = repo.added("small.bin")
    top = disk(mount, "disk", 4000)
    small = Repo(top / "clone", repo.environ)
    repo.git("clone", "-q", "--depth=1", f"file://{repo.root}", str(small.root))
    small.ok("init", "--cache", str(tmp_path / "cache"))
    used = sum(path.lstat().st_blocks for path in top.rglob("*")) // 2
    grow(top, used + kilobytes)
    result = small.mvc("checkout")
    if kilobytes < 1600:
        fails_clearly(result, "x")
        assert small.path("small.bin").exists()
    assert small.debris() == []
    grow(top, used + 8000)
    small.ok("checkout")
    assert held(small) == content
    assert small.git("status", "--porcelain") == ""
    assert old


def test_what_was_there_stays_when_a_new_version_does_not_fit(repo: Repo, mount: Mount, tmp_path: Path) -> None:
    top = disk(mount, "disk", 8000)
    small = Repo(top / "clone", repo.environ)
    repo.git("clone", "-q", str(repo.root), str(small.root))
    small.ok("init", "--cache", str(tmp_path / "cache"))
    old = small.added("x", noise("old", 1_000_000))
    small.added("x", noise("new", 1_000_000))
    used = sum(path.lstat().st_blocks for path in top.rglob("*")) // 2
    grow(top, used + 500)
    fails_clearly(small.mvc("checkout", "--rev", old), "x")
    assert small.read("x") == noise("new", 1_000_000)
    grow(top, 16000)
    small.ok("checkout", "--rev", old)
    assert small.read("x") == noise("old", 1_000_000)


@pytest.mark.parametrize("spare", [0, 4, 8, 40])
def test_add_where_repository_and_cache_share_a_full_disk(repo: Repo, mount: Mount, spare: int) -> None:
    top = disk(mount, "disk", 8000)
    small = Repo(top / "clone", repo.environ)
    repo.git("clone", "-q", str(repo.root), str(small.root))
    small.ok("init")
    small.added("x", b"old")
    small.write("x", b"new content")
    used = int(small.run("df", "--output=used", "-k", str(top)).out.split()[-1])
    grow(top, used + spare)
    result = small.mvc("add", "x")
    assert result.code in (0, 3)
    assert small.read("x") == b"new content"
    assert small.debris() == []
    grow(top, used + 8000)
    small.ok("add", "x")
    small.commit()
    small.ok("verify")
    assert small.states() == {"x": "clean"}
    small.ok("checkout", "--rev", "HEAD~1")
    assert small.read("x") == b"old"


# Read-only.


@pytest.fixture
def frozen(repo: Repo, mount: Mount) -> Repo:
    """Return a repository whose cache can be read only; `x` and `big` are in it."""
    cache = mount("cache", "-t", "tmpfs", "tmpfs")
    repo.ok("init", "--cache", str(cache))
    write_content(repo, "small")
    repo.added("x")
    repo.added("big", noise("big", LARGE))
    mount("cache", "-o", "remount,ro")
    return repo


def test_a_read_only_cache_can_be_read(frozen: Repo) -> None:
    content = held(frozen)
    frozen.remove("x")
    assert frozen.states() == {"big": "clean", "x": "missing"}
    frozen.ok("checkout")
    assert held(frozen) == content
    for arguments in (
        ["diff"],
        ["ls", "-R"],
        ["log", "x"],
        ["verify"],
        ["config", "list"],
        ["checkout", "--rev", "HEAD"],
    ):
        frozen.ok(*arguments)


def test_adding_to_a_read_only_cache_is_one_clear_error(frozen: Repo) -> None:
    for name in ("tiny", "large"):
        frozen.write(name, noise(name, LARGE if name == "large" else 9))
        fails_clearly(frozen.mvc("add", name), "cache")
        assert not frozen.path(f"{name}.mvc").exists()
        assert frozen.path(name).exists()
    frozen.write("x/0", b"changed")
    result = frozen.mvc("checkout", "-f")
    fails_clearly(result, "cache")
    assert frozen.read("x/0") == b"changed"


def test_a_read_only_git_directory_can_be_looked_at(repo: Repo, mount: Mount) -> None:
    repo.added("m.bin", b"1")
    repo.added("n.bin", b"1")
    repo.remove("n.bin")
    mount("repo/.git", "--bind", str(repo.root / ".git"))
    mount("repo/.git", "-o", "remount,bind,ro")
    assert repo.states() == {"m.bin": "clean", "n.bin": "missing"}
    for arguments in (["diff"], ["ls"], ["log", "m.bin"], ["verify"]):
        repo.ok(*arguments)
    for arguments in (["add", "m.bin"], ["checkout"]):
        fails_clearly(repo.mvc(*arguments), ".git")


def test_an_unreadable_file_does_not_undo_the_others(repo: Repo) -> None:
    for name in ("a.bin", "z.bin"):
        repo.write(name, name)
    repo.write("data/secret.bin", b"secret").chmod(0)
    repo.write("alone.bin", noise("alone", LARGE)).chmod(0)
    result = repo.run(*UNPRIVILEGED, MVC, "add", "a.bin", "data", "alone.bin", "z.bin")
    assert result.code == 3
    assert [error.partition(":")[0] for error in result.errors] == ["data", "alone.bin"]
    assert "data/secret.bin" in result.err
    assert repo.states() == {"a.bin": "clean", "z.bin": "clean"}


def test_status_of_an_unreadable_file_goes_on(repo: Repo) -> None:
    for name in ("a.bin", "b.bin"):
        repo.added(name, name)
    repo.write("a.bin", b"changed").chmod(0)
    result = repo.run(*UNPRIVILEGED, MVC, "status")
    assert result.code == 3
    assert "a.bin  (a.bin: Permission denied)\n1 path clean\n  ls -l -- a.bin\n" in result.out


def test_a_pointer_that_cannot_be_read_is_not_called_wrong(repo: Repo) -> None:
    """Checking it out again, as for one that breaks the format, would lose what it says."""
    for name in ("a.bin", "b.bin"):
        repo.added(name, name)
    repo.path("a.bin.mvc").chmod(0)
    result = repo.run(*UNPRIVILEGED, MVC, "status")
    assert result.code == 3
    assert "a.bin  (a.bin.mvc: Permission denied)\n1 path clean\n  ls -l -- a.bin.mvc\n" in result.out


def test_a_directory_that_cannot_be_written_to(repo: Repo) -> None:
    repo.write("models/m.bin", b"1")
    repo.path("models").chmod(0o555)
    result = repo.run(*UNPRIVILEGED, MVC, "add", "models/m.bin")
    repo.path("models").chmod(0o755)
    fails_clearly(result, "models")
    assert sorted(path.name for path in repo.path("models").iterdir()) == ["m.bin"]
    repo.ok("add", "models/m.bin")


# Files that change meanwhile.

_WRITER = """
import os, sys
fd = os.open(sys.argv[1], os.O_WRONLY)
print(flush=True)
count = 0
while not os.path.exists(sys.argv[2]):
    count += 1
    os.pwrite(fd, count.to_bytes(8, "little"), 0)
"""


@pytest.mark.parametrize("link", ["copy", "hardlink"])
def test_a_file_that_changes_while_it_is_read_is_refused_and_left_alone(repo: Repo, tmp_path: Path, link: str) -> None:
    repo.ok("config", "set", "cache.link", link)
    path = repo.write("m.bin", noise("m", 48 << 20))
    stop = tmp_path / "stop"
    with subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(path), str(stop)],
        stdout=subprocess.PIPE,
    ) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        try:
            codes = []
            while 3 not in codes and len(codes) < 20:
                result = repo.mvc("add", "m.bin")
                codes.append(result.code)
        finally:
            stop.touch()
    assert codes[-1] == 3
    assert "changed while it was read" in result.errors[0]
    assert path.stat().st_mode & 0o200
    assert path.stat().st_nlink == 1
    assert repo.shell(f"{MVC} add m.bin").code == 0
    repo.ok("verify")
    assert repo.states() == {"m.bin": "clean"}


def test_hard_link_mode_copies_a_file_that_somebody_has_open_for_writing(repo: Repo) -> None:
    repo.ok("config", "set", "cache.link", "hardlink")
    path = repo.write("m.bin", noise("m", LARGE))
    with path.open("r+b") as writer:
        repo.ok("add", "m.bin")
        writer.write(b"later")
    assert repo.state("m.bin") == "modified"
    repo.ok("verify")


# At once.


def together(*commands: tuple[Repo, list[str]]) -> None:
    """Run commands at the same time; each must succeed."""
    running = [
        subprocess.Popen(
            [MVC, *args],
            cwd=repo.root,
            env=repo.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for repo, args in commands
    ]
    for process in running:
        _, err = process.communicate()
        assert process.returncode == 0, err


def test_adds_at_once_in_one_repository(repo: Repo) -> None:
    names = [f"models/{number}" for number in range(6)]
    for number, name in enumerate(names):
        repo.write(f"{name}/small", noise(name, 100))
        repo.write(f"{name}/same", b"the same in all")
        repo.write(f"{name}/large", noise(number % 2, LARGE))
    together(*((repo, ["add", name]) for name in names))
    assert repo.states() == dict.fromkeys(names, "clean")
    assert len(repo.git("diff", "--cached", "--name-only").splitlines()) == len(names) + 1
    assert len(repo.path("models/.gitignore").read_text().splitlines()) == len(names) + 2
    repo.commit()
    contents = repo.contents("models")
    repo.git("clean", "-qfdx", "models")
    repo.ok("checkout")
    repo.ok("verify")
    assert repo.contents("models") == contents


def test_adds_and_checkouts_at_once_in_two_worktrees(repo: Repo, tmp_path: Path) -> None:
    repo.added("m.bin", noise("m", LARGE))
    repo.write_dir("data", 20)
    repo.added("data")
    side = Repo(tmp_path / "side", repo.environ)
    repo.git("worktree", "add", "-q", str(side.root))
    for tree in (repo, side):
        tree.write("same.bin", noise("same", LARGE))
        tree.write("own.bin", noise(tree.root, LARGE))
    together(
        (repo, ["add", "same.bin", "own.bin"]),
        (side, ["add", "same.bin", "own.bin"]),
        (side, ["checkout"]),
        (repo, ["verify"]),
    )
    assert set(repo.states().values()) == set(side.states().values()) == {"clean"}
    assert repo.read("own.bin") != side.read("own.bin")
    repo.ok("verify")


def test_whoever_waits_says_for_whom(repo: Repo) -> None:
    repo.added("m.bin", b"1")
    repo.write("m.bin", b"2")
    (path,) = (repo.store / "locks").glob("worktree*")
    with path.open("w") as lock:
        lock.write("mvc add other (process 42)")
        lock.flush()
        fcntl.flock(lock, fcntl.LOCK_EX)
        waiting = subprocess.Popen(
            [MVC, "add", "m.bin"],
            cwd=repo.root,
            env=repo.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert waiting.stderr is not None
        assert waiting.stderr.readline() == b"waiting for mvc add other (process 42)\n"
        fcntl.flock(lock, fcntl.LOCK_UN)
    _, err = waiting.communicate()
    assert (waiting.returncode, err) == (0, b"")
    assert repo.states() == {"m.bin": "clean"}
