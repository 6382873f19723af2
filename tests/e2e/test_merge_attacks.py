"""Merges with what an attacker or an accident left in the other branch, or while other commands run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from formats.second_implementation import digest_of
from harness import LARGE, MANY, Begin, Repo, noise
from merges.steps import found_codes

DIGEST = f'size: 1, blake3: "{"0" * 64}", xxh128: "{"0" * 32}"'
LISTED = 'mvc: 1\nkind: "dir"\nmanifest:\n'
HOSTILE = {
    "deep": b"mvc: 1\nkind: " + b"[" * 100_000,
    "outside": f'{LISTED}  - {{path: "../../outside", {DIGEST}}}\n'.encode(),
    "git": f'{LISTED}  - {{path: ".git/hooks/pre-commit", {DIGEST}}}\n'.encode(),
    "markers": b"<<<<<<< ours\nmvc: 1\n=======\nmvc: 1\n>>>>>>> theirs\n",
    "binary": b"mvc: 1\n\0\xff\xfe\n",
    "aliases": b"mvc: 1\nkind: &a [1, 2]\nmanifest: [*a, *a]\n",
    "escapes": f'{LISTED}  - {{path: "\x1b[2Ja\u202e", {DIGEST}}}\n'.encode(),
    "huge": b"mvc: 1\n" + b"# x\n" * (3 << 20),
    "empty": b"",
}


def with_directory(repo: Repo) -> None:
    """Track a directory; the branch ours has another version."""
    repo.write("data/d/a", "base")
    repo.ok("add", "data/d")
    repo.commit("base")
    repo.git("switch", "-qc", "ours")
    repo.write("data/d/a", "ours")
    repo.ok("add", "data/d")
    repo.commit("ours")


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_pointer(begin: Begin, name: str) -> None:
    repo = begin(with_directory)
    repo.git("switch", "-q", "main")
    repo.write("data/d.mvc", HOSTILE[name])
    repo.git("add", "data/d.mvc")
    repo.commit("theirs")
    repo.git("switch", "-q", "ours")
    merged = repo.run("git", "merge", "main")
    assert merged.code == 1, merged
    assert "Traceback" not in merged.err
    assert "\x1b" not in merged.err
    assert repo.git("ls-files", "--unmerged"), merged
    before = repo.git("ls-files", "--stage"), repo.contents("data/d")
    repo.mvc("status")
    repo.fails(3, "resolve", "data/d", "--theirs")
    assert (repo.git("ls-files", "--stage"), repo.contents("data/d")) == before
    repo.ok("resolve", "data/d", "--ours")
    assert (repo.states(), repo.read("data/d/a")) == ({"data/d": "clean"}, b"ours")
    assert not repo.root.with_name("outside").exists()
    repo.commit("merged")


def with_large_lists(repo: Repo) -> None:
    """Both sides change one file, and each another, of a directory whose list is an object; all is on a remote."""
    repo.write(".mvc/policy.yaml", "mvc-policy: 1\ndefaults: {report: optional}\n")
    repo.ok("remote", "add", "nas", "../nas", "--default")
    repo.git("add", "-A")
    repo.write_dir("d", MANY)
    repo.added("d")
    repo.git("switch", "-qc", "side")
    repo.write("d/part-0000.bin", "theirs")
    repo.write("d/part-0001.bin", "theirs")
    repo.added("d")
    repo.git("switch", "-q", "main")
    repo.ok("checkout")
    repo.write("d/part-0001.bin", "ours")
    repo.write("d/part-0299.bin", "ours")
    repo.added("d")
    repo.ok("push", "--all-commits")


def merged(repo: Repo) -> tuple[bytes, ...]:
    """Return what the directory has of the files that differ."""
    assert repo.states() == {"d": "clean"}
    return tuple(repo.read(f"d/part-{number:04}.bin") for number in (0, 1, 299))


def test_a_clone_that_has_no_list_of_files(begin: Begin, tmp_path: Path) -> None:
    repo = begin(with_large_lists).clone(tmp_path / "clone")
    repo.ok("init")
    stopped = repo.run("git", "merge", "origin/side")
    assert (stopped.code, stopped.fixes) == (1, ["mvc fetch --all-commits d"]), stopped
    refused = repo.fails(3, "add", "d")
    assert refused.fixes == ["mvc fetch --all-commits d"]
    assert repo.fails(3, "resolve", "d", "--theirs").fixes[0].endswith("&& mvc resolve d --theirs")
    assert repo.shell(refused.fixes[0]).code == 0
    repo.ok("resolve", "d/part-0001.bin", "--theirs")
    repo.commit("merged")
    assert merged(repo) == (b"theirs", b"theirs", b"ours")


@pytest.mark.parametrize("side", ["ours", "theirs"])
def test_gc_keeps_both_sides_of_a_conflict_and_the_merged_list(begin: Begin, side: str) -> None:
    repo = begin(with_large_lists)
    repo.git("merge", "side", code=1)
    repo.git("branch", "-q", "-D", "side")
    repo.git("reflog", "expire", "--expire=all", "--all")
    repo.ok("gc", "--yes", "--grace", "0", "--unpushed")
    repo.ok("resolve", "d/part-0001.bin", f"--{side}")
    repo.ok("gc", "--yes", "--grace", "0", "--unpushed")
    repo.ok("verify")
    repo.commit("merged")
    assert merged(repo) == (b"theirs", side.encode(), b"ours")


def test_a_side_that_the_cache_lost_is_not_taken(begin: Begin) -> None:
    repo = begin(with_directory)
    repo.git("switch", "-q", "main")
    repo.ok("checkout")
    repo.write("data/d/a", noise("lost", LARGE))
    repo.added("data/d")
    lost = repo.loose(digest_of(noise("lost", LARGE)).blake3)
    repo.git("switch", "-q", "ours")
    repo.ok("checkout")
    repo.git("merge", "main", code=1)
    lost.unlink()
    before = repo.git("ls-files", "--stage")
    for line in (("data/d", "--theirs"), ("data/d/a", "--theirs")):
        assert repo.fails(3, "resolve", *line).errors == ["the cache does not hold theirs of data/d"]
    assert (repo.git("ls-files", "--stage"), repo.read("data/d/a")) == (before, b"ours")


def test_an_octopus_that_mixes_two_reports_is_refused(repo: Repo) -> None:
    repo = repo.hooked()
    repo.write("m", "m")
    repo.ok("add", "m")
    repo.ok("eval", "record", "m", "--tag", "v1.0.0", "--metric", "auc=0.9")
    repo.commit("base")
    report = repo.read("m.eval.yaml").decode()
    for branch, old, new in (("one", "v1.0.0", "v1.0.1"), ("two", "value: 0.9", "value: 0.95")):
        repo.git("switch", "-qc", branch, "main")
        repo.write("m.eval.yaml", report.replace(old, new))
        repo.git("commit", "-qam", branch)
    repo.git("switch", "-q", "main")
    result = repo.run("git", "merge", "one", "two")
    assert (result.code, found_codes(result.err)) == (1, ("MVC128:m",)), result


@pytest.mark.parametrize(
    "mode", ["120000", "160000"], ids=["symlink", "submodule"],
)
def test_a_pointer_that_is_something_else_on_their_side(begin: Begin, mode: str) -> None:
    repo = begin(with_directory)
    repo.git("switch", "-q", "main")
    oid = repo.git("rev-parse", "HEAD" if mode == "160000" else "HEAD:data/.gitignore")
    repo.git("rm", "-q", "--cached", "data/d.mvc")
    repo.git("update-index", "--add", "--cacheinfo", f"{mode},{oid},data/d.mvc")
    repo.commit("theirs")
    repo.git("reset", "-q", "--hard")
    repo.git("switch", "-q", "-f", "ours")
    repo.git("merge", "main", code=1)
    repo.mvc("status")
    for side in ("--ours", "--theirs"):
        assert repo.fails(2, "resolve", "data/d.mvc", side).fixes == ["git add -- data/d.mvc"]
        assert repo.fails(2, "resolve", "data/d", side).errors == ["data/d is not in conflict"]
    assert repo.git("show", "HEAD:data/d.mvc")
    assert repo.read("data/d/a") == b"ours"


def test_ctrl_c_in_the_driver(repo: Repo, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "base")
    line = [sys.executable, "-P", "-m", "mvc.cli.merge_driver", "base", "ours", "theirs", "7", "x.mvc"]
    driver = subprocess.Popen(line, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    with (tmp_path / "base").open("wb"):  # it has started once it reads this
        driver.send_signal(signal.SIGINT)
        assert (driver.communicate(timeout=60)[1], driver.returncode) == ("", 130)
