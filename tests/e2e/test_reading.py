"""`mvc.open` and `mvc.path`: content by reference, from cache or remote, verified when it was read to the end."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from harness import LARGE, MANY, Repo, noise

import mvc

PART = 16 << 20
HUGE = noise("huge", 1 << 20) * 40
"""More than two parts of a download."""


@pytest.fixture
def clone(repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repo:
    """Return a clone whose cache is empty; all of the content is on a remote."""
    repo.ok("remote", "add", "nas", str(tmp_path / "nas"))
    repo.write("m.bin", noise("m", LARGE))
    repo.write("huge.bin", HUGE)
    repo.write_dir("few", 3)
    repo.write_dir("many", MANY)
    repo.ok("add", "m.bin", "huge.bin", "few", "many")
    repo.commit("all")
    repo.ok("push")
    clone = repo.clone(tmp_path / "clone")
    monkeypatch.chdir(clone.root)
    return clone


def holds(clone: Repo) -> set[str]:
    """Return the names of the loose objects of the cache."""
    return {path.name for path in (clone.store / "objects").glob("*/*")}


def test_a_file_is_read_from_the_remote_without_fetching_it(clone: Repo) -> None:
    with mvc.open("huge.bin") as file:
        file.seek(30 << 20)
        assert file.read(100) == HUGE[30 << 20 :][:100]
        file.seek(-7, os.SEEK_END)
        assert file.read() == HUGE[-7:]
        file.seek(0)
        assert file.read() == HUGE
    assert holds(clone) == set()


@pytest.mark.parametrize("reference", ["few/part-0001.bin", "many/part-0001.bin", "HEAD:many/part-0001.bin"])
def test_a_file_of_a_directory(clone: Repo, reference: str) -> None:
    with mvc.open(reference) as file:
        assert file.read() == noise(("dir", 1), 200)


def test_a_revision(clone: Repo) -> None:
    clone.ok("pull", "m.bin")
    clone.added("m.bin", b"new")
    with mvc.open("m.bin") as new, mvc.open("m.bin", rev="HEAD~1") as old:
        assert (new.read(), old.read()) == (b"new", noise("m", LARGE))


@pytest.mark.parametrize("place", ["remote", "cache"])
def test_wrong_bytes_are_an_error_at_the_end(clone: Repo, tmp_path: Path, place: str) -> None:
    name = clone.digest("m.bin")
    if place == "cache":
        clone.ok("fetch", "m.bin")
    top = clone.store if place == "cache" else tmp_path / "nas"
    path = top / "objects" / name[:2] / name
    path.chmod(0o644)
    path.write_bytes(b"\0" + path.read_bytes()[1:])
    with mvc.open("m.bin") as file, pytest.raises(mvc.MvcError, match="does not match") as told:
        list(iter(lambda: file.read(1000), b""))
    if place == "cache":
        assert clone.shell(told.value.fix).code == 0
        with mvc.open("m.bin") as file:
            assert file.read() == noise("m", LARGE)
    else:
        assert told.value.fix == "mvc pull m.bin"


@pytest.mark.parametrize("trouble", ["cut short", "cut in its pack", "down", "empty"])
def test_another_remote_is_tried(clone: Repo, tmp_path: Path, trouble: str) -> None:
    """As `mvc pull` does."""
    shutil.copytree(tmp_path / "nas", tmp_path / "other")
    clone.ok("remote", "add", "other", str(tmp_path / "other"))
    clone.ok("remote", "default", "nas")
    reference = "few/part-0001.bin" if "pack" in trouble else "m.bin"
    if trouble == "cut short":
        name = clone.digest("m.bin")
        os.truncate(tmp_path / "nas/objects" / name[:2] / name, LARGE - 1)
    elif trouble == "cut in its pack":
        for pack in (tmp_path / "nas/packs").glob("*.pack"):
            os.truncate(pack, 20)
    elif trouble == "down":
        clone.ok("remote", "set", "nas", "https://127.0.0.1:1/nas")
    else:
        shutil.rmtree(tmp_path / "nas")
    for _ in "the other remote", "the cache":
        with mvc.open(reference) as file:
            assert file.read() == (noise(("dir", 1), 200) if "pack" in trouble else noise("m", LARGE))


def test_no_answer_and_no_other_remote(clone: Repo) -> None:
    clone.ok("remote", "set", "nas", "https://127.0.0.1:1/nas")
    with pytest.raises(mvc.MvcError, match=r"127\.0\.0\.1") as caught:
        mvc.open("m.bin")
    assert caught.value.exit_code == 3


def test_what_is_no_file(clone: Repo) -> None:
    with pytest.raises(mvc.MvcError, match="is a directory"):
        mvc.open("few")
    with pytest.raises(mvc.MvcError, match="not tracked"):
        mvc.open("nothing")
    with pytest.raises(mvc.MvcError, match="names a revision"):
        mvc.open("HEAD:m.bin", rev="HEAD")
    with pytest.raises(mvc.MvcError, match="is not a revision"):
        mvc.open("m.bin", rev="nowhere")


# Paths.


def test_a_path_in_the_workspace_when_that_has_the_content(clone: Repo) -> None:
    clone.ok("pull", "m.bin")
    assert mvc.path("m.bin") == clone.root / "m.bin"


@pytest.mark.parametrize(("name", "files"), [("few", 3), ("many", MANY)])
def test_a_directory_is_laid_out_once(clone: Repo, name: str, files: int) -> None:
    path = mvc.path(name)
    assert path.name == name
    assert {file.name: file.read_bytes() for file in path.iterdir()} == {
        f"part-{number:04}.bin": noise(("dir", number), 200) for number in range(files)
    }
    assert mvc.path(f"HEAD:{name}") == path
    assert not clone.path(name).exists()


def test_the_same_content_at_another_path_has_another_name(clone: Repo) -> None:
    clone.write("n.bin.mvc", clone.read("m.bin.mvc"))
    for name in ("m.bin", "n.bin", "m.bin"):
        found = mvc.path(name)
        assert (found.name, found.read_bytes()) == (name, noise("m", LARGE))


def test_a_part_of_a_directory(clone: Repo) -> None:
    path = mvc.path("many/part-0007.bin")
    assert path.read_bytes() == noise(("dir", 7), 200)
    assert len(list(path.parent.iterdir())) == 1


def test_a_changed_workspace_is_not_taken_for_the_content(clone: Repo) -> None:
    clone.ok("pull", "m.bin")
    clone.write("m.bin", b"changed")
    assert mvc.path("m.bin").read_bytes() == noise("m", LARGE)


def test_gc_removes_what_was_laid_out(clone: Repo) -> None:
    path = mvc.path("few")
    clone.ok("gc", "--yes")
    assert path.exists()
    clone.ok("gc", "--yes", "--grace", "0")
    assert not path.exists()


def test_what_is_nowhere(clone: Repo, tmp_path: Path) -> None:
    (tmp_path / "nas").rename(tmp_path / "gone")
    for get in mvc.open, mvc.path:
        with pytest.raises(mvc.MvcError) as caught:
            get("m.bin")
        assert caught.value.exit_code == 3
