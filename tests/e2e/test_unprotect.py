"""`mvc unprotect`: files that share their content with the cache become writable copies."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from harness import LARGE, MVC, Repo, noise

BIG = 33 << 20
"""Bytes for which it is worth to wait until stat data can be trusted: see `mvc.workspace.observe.WORTH_WAITING`."""


def linked(repo: Repo, link: str, files: dict[str, bytes], *tracked: str) -> None:
    """Add files, and check them out as links into the cache."""
    repo.ok("config", "set", "cache.link", link)
    for name, content in files.items():
        repo.write(name, content)
    repo.ok("add", *tracked)
    repo.commit()
    for name in tracked:
        repo.remove(name)
    repo.ok("checkout")


def is_own(path: Path) -> bool:
    """Whether the file is writable and shares its content with no other file."""
    status = path.lstat()
    return stat.S_ISREG(status.st_mode) and status.st_nlink == 1 and bool(status.st_mode & 0o200)


@pytest.mark.parametrize("link", ["hardlink", "symlink"])
def test_a_file_becomes_one_of_its_own_and_the_cache_keeps_its_object(repo: Repo, link: str) -> None:
    linked(repo, link, {"m.bin": noise("m", LARGE)}, "m.bin")
    assert not is_own(repo.path("m.bin"))
    said = repo.ok("unprotect", "m.bin").out
    assert "unprotected m.bin (1 file" in said
    assert is_own(repo.path("m.bin"))
    assert repo.states() == {"m.bin": "clean"}
    with repo.path("m.bin").open("r+b") as file:
        file.write(b"written")
    assert repo.states() == {"m.bin": "modified"}
    repo.ok("verify")
    repo.ok("checkout", "-f")
    assert repo.read("m.bin") == noise("m", LARGE)
    assert repo.debris() == []


@pytest.mark.parametrize("link", ["hardlink", "symlink"])
def test_a_directory_or_parts_of_it(repo: Repo, link: str) -> None:
    files = {f"data/{name}": noise(name, LARGE) for name in ("a.bin", "b.bin", "sub/c.bin", "sub/d.txt")}
    linked(repo, link, files, "data")
    repo.ok("unprotect", "data/a.bin")
    assert [is_own(repo.path(name)) for name in files] == [True, False, False, False]
    repo.ok("unprotect", "data/**/*.bin")
    assert [is_own(repo.path(name)) for name in files] == [True, True, True, False]
    document = repo.ok("unprotect", "data", "--json").json
    assert document == {"unprotected": [{"path": "data", "files": 1, "size": LARGE}], "failed": []}
    assert all(is_own(repo.path(name)) for name in files)
    assert {name: repo.read(name) for name in files} == files
    assert repo.states() == {"data": "clean"}


def test_files_with_the_same_content(repo: Repo) -> None:
    files = {f"data/{number}": noise("same", LARGE) for number in range(3)} | {"x.bin": noise("same", LARGE)}
    linked(repo, "hardlink", files, "data", "x.bin")
    assert repo.path("x.bin").stat().st_nlink == 5
    repo.ok("unprotect", "data", "x.bin")
    assert all(is_own(repo.path(name)) for name in files)
    assert repo.states() == {"data": "clean", "x.bin": "clean"}


def test_plain_files_are_left_alone(repo: Repo) -> None:
    repo.added("m.bin", noise("m", LARGE))
    repo.write_dir("data", 3)
    repo.added("data")
    before = {name: repo.path(name).stat() for name in ("m.bin", "data/part-0000.bin")}
    assert "No protected files" in repo.ok("unprotect", "m.bin", "data").out
    assert {name: repo.path(name).stat() for name in before} == before
    assert repo.ok("unprotect", "m.bin", "--json").json == {"unprotected": [], "failed": []}


def test_a_second_time_there_is_nothing_to_do(repo: Repo) -> None:
    linked(repo, "hardlink", {"m.bin": noise("m", LARGE)}, "m.bin")
    repo.ok("unprotect", "m.bin")
    inode = repo.path("m.bin").stat().st_ino
    assert "No protected files" in repo.ok("unprotect", "m.bin").out
    assert repo.path("m.bin").stat().st_ino == inode


def test_a_read_only_file_without_another_name_keeps_its_inode(repo: Repo) -> None:
    repo.added("m.bin", noise("m", LARGE))
    repo.path("m.bin").chmod(0o444)
    inode = repo.path("m.bin").stat().st_ino
    repo.ok("unprotect", "m.bin")
    assert is_own(repo.path("m.bin"))
    assert repo.path("m.bin").stat().st_ino == inode
    assert repo.states() == {"m.bin": "clean"}


def test_the_executable_bit_stays(repo: Repo, tmp_path: Path) -> None:
    repo.write("run", noise("r", LARGE)).chmod(0o555)
    repo.added("run")
    os.link(repo.path("run"), tmp_path / "other-name")
    repo.ok("unprotect", "run")
    assert is_own(repo.path("run"))
    assert repo.path("run").stat().st_mode & 0o100
    assert repo.states() == {"run": "clean"}


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_the_mode_is_what_the_umask_says(repo: Repo, umask: int) -> None:
    linked(repo, "hardlink", {"m.bin": noise("m", LARGE)}, "m.bin")
    assert repo.shell(f"umask {umask:o} && {MVC} unprotect m.bin").code == 0
    assert stat.S_IMODE(repo.path("m.bin").stat().st_mode) == 0o666 & ~umask


@pytest.mark.parametrize("name", ["big.bin", "data"])
def test_the_next_status_reads_nothing(repo: Repo, name: str) -> None:
    file = name if name == "big.bin" else "data/big.bin"
    linked(repo, "hardlink", {file: noise("big", BIG)}, name)
    assert any(repo.reads("big.bin", "status") == 0 for _ in range(5))  # stat data of this moment proves nothing
    assert repo.reads("big.bin", "unprotect", name) == 1
    assert repo.reads("big.bin", "status") == 0
    assert repo.states() == {name: "clean"}


def test_a_modified_directory_keeps_what_was_changed(repo: Repo) -> None:
    linked(repo, "hardlink", {"data/a": noise("a", LARGE), "data/b": noise("b", LARGE)}, "data")
    repo.remove("data/b")
    repo.write("data/b", b"changed")
    repo.ok("unprotect", "data")
    assert is_own(repo.path("data/a"))
    assert repo.contents("data") == {"a": noise("a", LARGE), "b": b"changed"}
    assert repo.states() == {"data": "modified"}


def test_a_symlink_whose_object_is_gone_is_told_and_the_rest_goes_on(repo: Repo) -> None:
    linked(repo, "symlink", {"data/a": noise("a", LARGE), "data/b": noise("b", LARGE)}, "data")
    os.unlink(os.readlink(repo.path("data/a")))
    result = repo.fails(3, "unprotect", "data")
    assert "data/a is a symlink into a cache that was moved, or lost the object" in result.errors[0]
    assert is_own(repo.path("data/b"))
    assert repo.path("data/a").is_symlink()


def test_a_symlink_to_elsewhere_is_left_alone(repo: Repo, tmp_path: Path) -> None:
    (tmp_path / "outside").write_bytes(noise("m", LARGE))
    repo.added("m.bin", noise("m", LARGE))
    repo.remove("m.bin")
    repo.path("m.bin").symlink_to(tmp_path / "outside")
    repo.ok("unprotect", "m.bin")
    assert repo.path("m.bin").is_symlink()


def test_what_was_written_through_the_link_is_kept_as_it_is(repo: Repo) -> None:
    linked(repo, "hardlink", {"m.bin": noise("m", LARGE)}, "m.bin")
    path = repo.path("m.bin")
    path.chmod(0o644)
    path.write_bytes(b"x" + path.read_bytes()[1:])
    path.chmod(0o444)
    repo.ok("unprotect", "m.bin")
    assert is_own(path)
    assert repo.states() == {"m.bin": "modified"}


def test_untracked_is_refused(repo: Repo) -> None:
    repo.write("x", b"1")
    assert "not tracked" in repo.fails(3, "unprotect", "x").errors[0]


def test_behind_a_mount(repo: Repo) -> None:
    linked(repo, "symlink", {"mnt/data/a": noise("a", LARGE)}, "mnt/data")
    subprocess.run(["mount", "--bind", str(repo.path("mnt")), str(repo.path("mnt"))], check=True)
    try:
        repo.ok("unprotect", "mnt/data")
        assert is_own(repo.path("mnt/data/a"))
        assert repo.states() == {"mnt/data": "clean"}
        assert repo.debris() == []
    finally:
        subprocess.run(["umount", "-l", str(repo.path("mnt"))], check=True)


@pytest.mark.parametrize("calls", ["rename,renameat,renameat2", "write,pwrite64", "copy_file_range", "openat"])
@pytest.mark.parametrize("link", ["hardlink", "symlink"])
def test_killed_nothing_is_lost(repo: Repo, tmp_path: Path, link: str, calls: str) -> None:
    files = {f"data/{name}": noise(name, 9 << 20) for name in "ab"}
    linked(repo, link, files, "data")
    died = 0
    for point in (250, 320, 380) if calls == "openat" else (1, 2, 3):
        fault = ["-e", f"trace={calls}", "-e", f"inject={calls}:signal=KILL:when={point}"]
        died += repo.run("strace", "-f", "-qq", "-o", "/dev/null", *fault, MVC, "unprotect", "data").code != 0
        assert {name: repo.read(name) for name in files} == files
        assert repo.states() == {"data": "clean"}
    assert died
    repo.ok("unprotect", "data")
    assert all(is_own(repo.path(name)) for name in files)
    repo.ok("verify")


def test_a_full_disk_is_told_and_nothing_is_lost(repo: Repo, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)], check=True)
    try:
        small = repo.clone(disk / "clone")
        small.ok("init")
        linked(small, "hardlink", {"m.bin": noise("m", 3 << 20)}, "m.bin")
        result = small.fails(3, "unprotect", "m.bin")
        assert "No space left" in result.errors[0]
        assert small.read("m.bin") == noise("m", 3 << 20)
        assert small.debris() == []
        shutil.rmtree(small.root)
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)
