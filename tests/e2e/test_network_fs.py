"""File systems that lack what local ones have: hard links, renameat2, flock, fsync of directories, shared memory.

`strace` makes system calls fail with the errors of such file systems.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from harness import LARGE, MVC, InProcess, Repo, Result, noise

from mvc.fs import file_systems, new_names
from mvc.fs.scratch import Scratch

NO_LINKS = "link,linkat:error={}"
NO_NOREPLACE = "renameat2:error={}"
FILES = {"m.bin": noise("m", LARGE), "data/a": b"a", "data/b": noise("b", LARGE), "data/c": noise("c", 2000)}


def refused(repo: Repo, faults: list[str], *args: str, only: tuple[Path, ...] = ()) -> Result:
    """Run `mvc ARGS` with some calls refused, for the paths in `only` if given; it must not print a traceback."""
    calls = ",".join(fault.partition(":")[0] for fault in faults)
    options = ["-e", f"trace={calls}", *(part for fault in faults for part in ("-e", f"inject={fault}"))]
    options += [part for path in only for part in ("-P", str(path))]
    log = repo.root.parent / "trace"
    result = repo.run("strace", "-f", "-qq", "-o", str(log), *options, MVC, *args)
    assert "Traceback" not in result.err, result
    assert result.code != 70, result
    assert "(INJECTED)" in log.read_text(), "no call was refused"
    return result


def lay_out(repo: Repo) -> None:
    """Write what is to be added."""
    for name, content in FILES.items():
        repo.write(name, content)


def all_is_there(repo: Repo) -> None:
    """The content comes back from the cache, which is sound."""
    repo.ok("verify")
    repo.path("m.bin").unlink()
    repo.remove("data")
    repo.ok("checkout")
    assert {name: repo.read(name) for name in FILES} == FILES
    assert repo.debris() == []


# Hard links.

WITHOUT = {
    "links": [NO_LINKS.format("EPERM")],
    "links, FUSE": [NO_LINKS.format("ENOSYS")],
    "links and renameat2": [NO_LINKS.format("EPERM"), NO_NOREPLACE.format("EINVAL")],
    "links and renameat2, old kernel": [NO_LINKS.format("EOPNOTSUPP"), NO_NOREPLACE.format("ENOSYS")],
}


@pytest.mark.parametrize("faults", WITHOUT.values(), ids=WITHOUT)
@pytest.mark.parametrize("link", ["copy", "hardlink"])
def test_adding_works_without(repo: Repo, faults: list[str], link: str) -> None:
    repo.ok("config", "set", "cache.link", link)
    lay_out(repo)
    result = refused(repo, faults, "add", "m.bin", "data")
    assert (result.code, result.err) == (0, "")
    assert repo.path("m.bin").stat().st_nlink == 1
    repo.commit()
    all_is_there(repo)


@pytest.mark.parametrize("faults", WITHOUT.values(), ids=WITHOUT)
def test_a_cache_is_made_without(bare_git: Repo, tmp_path: Path, faults: list[str]) -> None:
    cache = tmp_path / "cache"
    result = refused(bare_git, faults, "init", "--cache", str(cache), "--shared", "group")
    assert (result.code, result.err) == (0, "")
    assert (cache / "store.yaml").read_text().startswith("mvc-store: 1\n")
    lay_out(bare_git)
    bare_git.ok("add", "m.bin", "data")
    all_is_there(bare_git)


@pytest.mark.parametrize("faults", WITHOUT.values(), ids=WITHOUT)
def test_damage_is_replaced_without(repo: Repo, faults: list[str]) -> None:
    lay_out(repo)
    repo.ok("add", "m.bin", "data")
    for path in (*repo.store.glob("objects/*/*"), *repo.store.glob("packs/*.pack")):
        path.chmod(0o644)
        path.write_bytes(path.read_bytes()[:-1] + b"!")
    repo.path("m.bin").touch()
    for name in ("data/a", "data/b", "data/c"):
        repo.path(name).touch()
    refused(repo, faults, "add", "m.bin", "data")
    all_is_there(repo)


@pytest.mark.parametrize(
    ("name", "point", "taken"),
    [("m.bin", 1, "objects/*/*"), ("n.bin", 1, "packs/*.pack"), ("n.bin", 2, "packs/*.idx")],
    ids=["object", "pack", "index"],
)
def test_killed_where_only_the_name_is_taken(repo: Repo, name: str, point: int, taken: str) -> None:
    """The name exists and is empty: that is not taken for content, and the next `add` fills it."""
    lay_out(repo)
    repo.write("n.bin", noise("n", 700))
    kill = f"rename:signal=KILL:when={point}"
    assert refused(repo, [*WITHOUT["links and renameat2"], kill], "add", name).code < 0
    (path,) = repo.store.glob(taken)
    assert path.stat().st_size == 0
    repo.ok("status")
    repo.ok("add", name)
    assert path.stat().st_size > 0
    repo.ok("add", "m.bin", "data")
    all_is_there(repo)


@pytest.mark.parametrize("folder", [False, True], ids=["file", "directory"])
def test_what_is_taken_is_never_overwritten(tmp_path: Path, folder: bool) -> None:
    """The last resort, if no other call can rename without overwriting."""
    make = Path.mkdir if folder else Path.touch
    for name in ("a", "b"):
        make(tmp_path / name)
    kept = (tmp_path / "b").stat().st_ino
    assert new_names._rename_reserved(str(tmp_path / "a"), str(tmp_path / "b")) is False
    assert (tmp_path / "b").stat().st_ino == kept
    made = (tmp_path / "a").stat().st_ino
    assert new_names._rename_reserved(str(tmp_path / "a"), str(tmp_path / "c")) is True
    assert (tmp_path / "c").stat().st_ino == made
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("folder", [False, True], ids=["file", "directory"])
def test_a_name_that_was_taken_in_vain_is_given_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: bool
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    (Path.mkdir if folder else Path.touch)(tmp_path / "a")
    monkeypatch.setattr(os, "rename", full)
    with pytest.raises(OSError, match="full"):
        new_names._rename_reserved(str(tmp_path / "a"), str(tmp_path / "b"))
    assert (tmp_path / "a").exists()
    assert not (tmp_path / "b").exists()


# Locks.


@pytest.mark.parametrize("error", ["ENOLCK", "EOPNOTSUPP", "ENOSYS"])
def test_without_locks_reading_goes_on_and_editing_says_what_is_missing(repo: Repo, error: str) -> None:
    repo.added("m.bin", b"1")
    fault = f"flock:error={error}"
    assert refused(repo, [fault], "verify").code == 0
    result = refused(repo, [fault], "add", "m.bin")
    assert result.code == 3
    assert "has no locks" in result.errors[0]
    assert str(repo.store / "locks") in result.errors[0]
    assert repo.shell(result.fixes[0]).code == 0
    assert repo.state("m.bin") == "clean"


def test_a_cache_without_locks_is_used_by_a_repository_that_has_them(repo: Repo, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    repo.ok("init", "--cache", str(cache))
    lay_out(repo)
    only = (cache / "locks/store",)
    assert refused(repo, ["flock:error=ENOLCK"], "add", "m.bin", "data", only=only).code == 0
    repo.path("m.bin").unlink()
    assert refused(repo, ["flock:error=ENOLCK"], "checkout", only=only).code == 0
    assert repo.read("m.bin") == FILES["m.bin"]
    (pack,) = cache.glob("packs/*.pack")
    pack.chmod(0o644)
    pack.write_bytes(pack.read_bytes()[:-1] + b"!")
    result = refused(repo, ["flock:error=ENOLCK"], "verify", only=only)
    assert result.code == 3, "putting aside wants the cache alone"
    assert "has no locks" in result.errors[-1]
    assert not list(cache.glob("quarantine/*"))


# fsync.


@pytest.mark.parametrize("error", ["EINVAL", "EOPNOTSUPP"])
def test_a_directory_that_cannot_be_synced_is_none_the_worse(repo: Repo, error: str) -> None:
    lay_out(repo)
    folders = [repo.root, repo.store / "packs", repo.store / "objects"]
    result = refused(repo, [f"fsync:error={error}"], "add", "m.bin", "data", only=tuple(folders))
    assert (result.code, result.err) == (0, "")
    all_is_there(repo)


@pytest.mark.parametrize("error", ["EIO", "ENOSPC"])
def test_a_directory_s_other_errors_are_errors(repo: Repo, error: str) -> None:
    lay_out(repo)
    result = refused(repo, [f"fsync:error={error}"], "add", "m.bin", "data", only=(repo.store / "packs",))
    assert result.code == 3


def test_a_file_that_cannot_be_synced_is_not_stored(repo: Repo) -> None:
    lay_out(repo)
    assert refused(repo, ["fsync:error=EINVAL"], "add", "m.bin").code == 3
    assert not repo.path("m.bin.mvc").exists()


# The catalog, and times.


def network(path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """Make the file system at `path` look like one of this type."""
    device = path.stat().st_dev
    mounts = path / "mountinfo"
    mounts.write_text(f"36 35 {os.major(device)}:{os.minor(device)} / /mnt rw,noatime shared:1 - {kind} server:/x rw\n")
    monkeypatch.setattr(file_systems, "_MOUNTS", str(mounts))


@pytest.mark.parametrize(
    ("kind", "wal"),
    [("nfs4", False), ("cifs", False), ("fuse.sshfs", False), ("9p", False), ("ext4", True), ("fuseblk", True)],
)
def test_the_catalog_has_no_wal_on_a_network(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_process: InProcess, kind: str, wal: bool
) -> None:
    network(tmp_path, monkeypatch, kind)
    repo.write("m.bin", b"1")
    assert in_process(repo.root, "add", "m.bin").code == 0
    (path,) = repo.store.glob("catalog-*.db")
    assert path.read_bytes()[18] == (2 if wal else 1)  # sqlite.org/fileformat2.html: 2 is WAL
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("select path from snapshot").fetchall() == [("m.bin",)]
    assert repo.states() == {"m.bin": "clean"}


def test_a_catalog_that_moves_between_the_two_goes_on(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_process: InProcess
) -> None:
    repo.added("m.bin", b"1")
    network(tmp_path, monkeypatch, "nfs")
    repo.write("n.bin", b"2")
    assert in_process(repo.root, "add", "n.bin").code == 0
    repo.write("o.bin", b"3")
    repo.ok("add", "o.bin")
    (path,) = repo.store.glob("catalog-*.db")
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("select path from snapshot order by path").fetchall() == [("m.bin",), ("n.bin",), ("o.bin",)]


def test_what_this_system_mounts_can_be_told(tmp_path: Path) -> None:
    assert Path(file_systems._MOUNTS).exists()
    assert file_systems.on_network(str(tmp_path)) is False


def test_a_scratch_of_another_machine_is_not_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parent = tmp_path / "tmp"
    with Scratch(str(parent)) as scratch:
        mine = Path(scratch.path).name
    theirs = f"{int(mine[:8], 16) ^ 1:08x}{mine[8:]}"
    for name in (mine, theirs):
        (parent / name).mkdir()
    network(tmp_path, monkeypatch, "nfs4")
    with Scratch(str(parent)):
        assert (parent / theirs).exists()
        assert not (parent / mine).exists()
    monkeypatch.undo()
    with Scratch(str(parent)):
        assert not (parent / theirs).exists()
