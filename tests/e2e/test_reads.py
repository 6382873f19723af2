"""Which commands read a model, counted by their system calls."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from harness import LARGE, MVC, Repo, noise


def reads(repo: Repo, name: str, *args: str) -> int:
    """Run `mvc ARGS` and return how many bytes it reads from the workspace file `name`."""
    trace = repo.root.parent / "trace"
    result = repo.run(
        "strace",
        "-f",
        "--seccomp-bpf",
        "-y",
        "-qq",
        "-e",
        "trace=read,pread64,readv,preadv,preadv2,copy_file_range,sendfile,mmap",
        "-o",
        str(trace),
        MVC,
        *args,
    )
    assert result.code == 0, result
    wanted = f"<{repo.root / name}>"
    lines = [line for line in trace.read_text(errors="replace").splitlines() if wanted in line and "mmap(" not in line]
    mapped = [line for line in trace.read_text(errors="replace").splitlines() if wanted in line and "mmap(" in line]
    assert not mapped
    return sum(int(found[1]) for line in lines if (found := re.search(r"= (\d+)$", line)))


def age(path: Path) -> None:
    """Give a file another mtime, as `touch` does, with the same content."""
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns - 100 * 10**9))


def settled(repo: Repo, name: str) -> bool:
    """Run status until it reads nothing: stat data of this moment proves nothing, older ones do."""
    return any(reads(repo, name, "status") == 0 for _ in range(5))


@pytest.mark.parametrize("tracked", ["m.bin", "data"])
def test_touching_a_file_costs_one_read_and_then_nothing(repo: Repo, tracked: str) -> None:
    file = "m.bin" if tracked == "m.bin" else "data/m.bin"
    repo.write(file, noise("m", LARGE))
    repo.added(tracked)
    assert settled(repo, file)
    age(repo.path(file))
    assert reads(repo, file, "status") == LARGE
    assert settled(repo, file)
    for command in (["status"], ["add", tracked], ["checkout"], ["diff"], ["status"]):
        assert reads(repo, file, *command) == 0, command


def test_a_touched_file_is_not_stored_twice(repo: Repo) -> None:
    repo.write("m.bin", noise("m", LARGE))
    repo.added("m.bin")
    age(repo.path("m.bin"))
    assert "unchanged" in repo.ok("add", "m.bin").out
    assert settled(repo, "m.bin")
    assert len([path for path in (repo.store / "objects").rglob("*") if path.is_file()]) == 1


@pytest.mark.parametrize("tracked", ["m.bin", "data"])
def test_the_digest_of_a_modified_file_is_remembered(repo: Repo, tracked: str) -> None:
    file = "m.bin" if tracked == "m.bin" else "data/m.bin"
    repo.write(file, noise("m", LARGE))
    repo.added(tracked)
    repo.write(file, noise("changed", LARGE))
    assert settled(repo, file)
    assert repo.state(tracked) == "modified"
    for command in (["status"], ["diff"], ["status", tracked]):
        assert reads(repo, file, *command) == 0, command


def test_one_changed_file_of_a_directory_is_the_only_one_read(repo: Repo) -> None:
    for name in ("a", "b"):
        repo.write(f"data/{name}.bin", noise(name, LARGE))
    repo.added("data")
    assert settled(repo, "data/b.bin")
    repo.write("data/a.bin", noise("changed", LARGE))
    assert reads(repo, "data/b.bin", "add", "data") == 0


def test_add_reads_a_new_file_once(repo: Repo) -> None:
    repo.write("m.bin", noise("m", LARGE))
    assert reads(repo, "m.bin", "add", "m.bin") == LARGE


def test_a_change_with_the_old_mtime_and_size_is_noticed(repo: Repo) -> None:
    path = repo.write("m.bin", noise("m", LARGE))
    repo.added("m.bin")
    assert settled(repo, "m.bin")
    before = path.stat()
    path.write_bytes(noise("other", LARGE))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert repo.state("m.bin") == "modified"


def test_without_the_catalog_everything_still_works(repo: Repo) -> None:
    repo.added("m.bin", noise("m", LARGE))
    for junk in (b"", b"not a database" * 1000):
        for path in repo.store.glob("catalog-*"):
            path.unlink()
        (repo.store / "catalog-2.db").write_bytes(junk)
        assert repo.states() == {"m.bin": "clean"}
        repo.ok("add", "m.bin")
        repo.ok("checkout")


def test_a_leading_dot_makes_a_path_of_what_looks_like_a_revision(repo: Repo) -> None:
    repo.added("HEAD:m.bin", b"odd name")
    assert repo.ok("ls", "./HEAD:m.bin", "--json").json["items"][0]["path"] == "HEAD:m.bin"
