"""Symlinks into a cache that was moved, or that lost the objects: mvc knows its own, and makes them again."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from harness import LARGE, Begin, Repo, noise

FILES = {"a": noise("a", LARGE), "sub/b": noise("b", LARGE), "small": b"small"}


def with_symlinks(repo: Repo) -> None:
    """Track a file and a directory as symlinks into the cache; `old` is a tag where the directory has a file more."""
    repo.ok("config", "set", "cache.link", "symlink")
    repo.write("m.bin", noise("m", LARGE))
    for name, content in FILES.items():
        repo.write(f"d/{name}", content)
    repo.write("d/more", noise("more", LARGE))
    repo.ok("add", "m.bin", "d")
    repo.git("add", ".mvc")
    repo.commit()
    repo.git("tag", "old")
    repo.remove("d/more")
    repo.ok("add", "d")
    repo.commit()
    repo.ok("checkout", "--relink")


def moved_repository(repo: Repo) -> Repo:
    """Move the repository."""
    shutil.move(repo.root, repo.root.parent / "moved")
    return Repo(repo.root.parent / "moved", repo.environ)


def moved_cache(repo: Repo) -> Repo:
    """Move the cache elsewhere."""
    for name in ("objects", "packs", "store.yaml"):
        (repo.root.parent / "cache").mkdir(exist_ok=True)
        shutil.move(repo.store / name, repo.root.parent / "cache" / name)
    repo.ok("config", "set", "--local", "cache.dir", str(repo.root.parent / "cache"))
    return repo


@pytest.fixture(params=[moved_repository, moved_cache], ids=lambda move: move.__name__)
def moved(begin: Begin, request: pytest.FixtureRequest) -> Repo:
    """Return a repository with symlinks that lead nowhere."""
    repo: Repo = request.param(begin(with_symlinks))
    assert not repo.path("m.bin").exists()
    assert not repo.path("d/sub/b").exists()
    return repo


def whole(repo: Repo) -> None:
    assert repo.read("m.bin") == noise("m", LARGE)
    assert repo.contents("d") == FILES
    assert repo.states() == {"m.bin": "clean", "d": "clean"}


def test_status_says_it_and_the_line_it_names_repairs_it(moved: Repo) -> None:
    result = moved.mvc("status", "--exit-code")
    assert result.code == 1
    assert moved.states() == {"m.bin": "missing", "d": "missing"}
    assert "mvc checkout PATH" in result.out
    moved.ok("checkout")
    assert os.path.islink(moved.path("m.bin"))
    whole(moved)


def test_doctor_names_them_and_the_line_repairs_them(moved: Repo) -> None:
    result = moved.mvc("doctor", "--json")
    (problem,) = [item for item in result.json["problems"] if item["name"] == "dangling-links"]
    assert moved.shell(problem["fix"]).code == 0
    whole(moved)


@pytest.mark.parametrize(
    "line", ["add d", "add m.bin", "add d/sub/b", "unprotect d", "unprotect m.bin", "eval record d"],
)
def test_a_command_that_needs_the_content_says_what_repairs_it(moved: Repo, line: str) -> None:
    options = ("--tag", "v1.0.0") if line.startswith("eval") else ()
    before = moved.read("d.mvc")
    result = moved.fails(3, *line.split(), *options)
    assert "is a symlink into a cache that was moved" in result.errors[0]
    assert moved.shell(result.fixes[0]).code == 0
    moved.ok(*line.split(), *options)
    assert moved.read("d.mvc") == before


@pytest.mark.parametrize("line", ["checkout", "checkout -f", "checkout --relink", "checkout d/sub/b m.bin", "pull"])
def test_checkout_makes_them_again(moved: Repo, line: str, tmp_path: Path) -> None:
    moved.ok("remote", "add", "nas", str(tmp_path / "nas"))
    moved.ok(*line.split())
    assert moved.read("d/sub/b") == FILES["sub/b"]
    moved.ok("checkout")
    whole(moved)


def test_other_versions_can_be_checked_out(moved: Repo) -> None:
    moved.ok("checkout", "--rev", "old", "d")
    assert moved.contents("d") == {**FILES, "more": noise("more", LARGE)}


def test_a_switch_repairs_what_it_brings(begin: Begin) -> None:
    repo = moved_repository(begin(with_symlinks).hooked())
    hooked = repo.hooked()
    hooked.git("checkout", "-q", "old")
    assert repo.contents("d") == {**FILES, "more": noise("more", LARGE)}


def test_a_file_that_a_pointer_no_longer_has_is_deleted(begin: Begin) -> None:
    repo = begin(with_symlinks)
    repo.git("checkout", "-q", "old")
    repo.ok("checkout")
    repo = moved_repository(repo)
    repo.git("checkout", "-q", "main")
    repo.ok("checkout")
    whole(repo)


def test_rm_deletes_them(moved: Repo) -> None:
    moved.ok("rm", "m.bin", "d")
    assert not os.path.lexists(moved.path("m.bin"))
    assert not os.path.lexists(moved.path("d"))
    assert moved.states() == {}


def test_what_the_user_changed_beside_them_is_not_lost(moved: Repo) -> None:
    moved.remove("d/small")
    moved.write("d/small", "changed")
    assert moved.states()["d"] == "modified"
    assert "changed here and not in the cache" in moved.fails(3, "checkout", "d").errors[0]
    assert moved.read("d/small") == b"changed"


def test_an_object_that_is_nowhere_leaves_the_link(moved: Repo) -> None:
    name = os.path.basename(os.readlink(moved.path("m.bin")))
    (found,) = moved.root.parent.rglob(f"objects/*/{name}")
    found.unlink()
    assert moved.states()["m.bin"] == "not-in-cache"
    moved.fails(3, "checkout", "m.bin")
    assert os.path.islink(moved.path("m.bin"))


@pytest.mark.parametrize("target", ["nowhere", "/objects/ab/" + "cd" * 32, "/objects/ab/abcd"])
def test_other_dangling_symlinks_are_the_user_s_own(moved: Repo, target: str) -> None:
    moved.ok("checkout")
    moved.path("d/own").symlink_to(target)
    for line in ("add d", "checkout --relink d", "rm d"):
        assert "d/own is a dangling symlink" in moved.fails(2, *line.split()).errors[0]
    assert os.path.islink(moved.path("d/own"))


def test_links_that_were_copied_from_elsewhere_are_not_stored(moved: Repo) -> None:
    shutil.copytree(moved.path("d"), moved.path("new"), symlinks=True)
    result = moved.fails(3, "add", "new")
    assert "is a symlink into a cache that was moved" in result.errors[0]
    assert moved.shell(result.fixes[0]).code == 0


def test_mv_moves_them_and_they_can_be_made_again(moved: Repo) -> None:
    moved.ok("mv", "m.bin", "n.bin")
    moved.ok("mv", "d", "e")
    assert moved.states() == {"n.bin": "missing", "e": "missing"}
    moved.ok("checkout")
    assert moved.contents("e") == FILES
