"""`mvc verify`: no flipped byte hides, whatever mode and mtime say."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from harness import LARGE, MANY, Repo, noise


def flip(path: Path, offset: int) -> None:
    """Flip one bit of a file and put mode and times back: nothing but the bytes tells."""
    before = path.stat()
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 1]))
    path.chmod(before.st_mode & 0o7777)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def only_pack(repo: Repo) -> Path:
    """Return the one pack of the cache."""
    (pack,) = (repo.store / "packs").glob("*.pack")
    return pack


def test_a_sound_cache(repo: Repo) -> None:
    repo.added("m.bin", noise("m", LARGE))
    repo.write_dir("data", MANY)
    repo.added("data")
    document = repo.ok("verify", "--json").json
    assert document["wrong"] == []
    assert document["objects"] == MANY + 2
    assert ": no problems." in repo.ok("verify").out
    repo.ok("verify", "--quick")
    assert repo.ok("verify", "m.bin", "--json").json["objects"] == 1


@pytest.mark.parametrize("quick", [[], ["--quick"]])
@pytest.mark.parametrize("offset", [0, LARGE // 2, LARGE - 1])
def test_a_flip_in_a_loose_object(repo: Repo, offset: int, quick: list[str]) -> None:
    content = noise("m", LARGE)
    repo.added("m.bin", content)
    repo.remove("m.bin")
    loose = repo.loose(repo.digest("m.bin"))
    flip(loose, offset)
    result = repo.fails(1, "verify", *quick)
    assert loose.name in result.errors[0]
    assert "m.bin needs it" in result.errors[1]
    assert not loose.exists()
    assert [path.name.partition(".")[0] for path in (repo.store / "quarantine").iterdir()] == [loose.name]
    assert repo.state("m.bin") == "not-in-cache"
    again = repo.fails(1, "verify")
    assert "m.bin needs it" in again.errors[1]
    repo.write("m.bin", content)  # from a backup, say
    assert "repaired from m.bin" in repo.shell(again.fixes[0]).err
    repo.ok("verify")
    assert repo.states() == {"m.bin": "clean"}


# Repair.


@pytest.mark.parametrize("size", [100, LARGE])
def test_the_workspace_s_bytes_take_the_place_of_damaged_ones(repo: Repo, size: int) -> None:
    content = noise("m", size)
    repo.added("m.bin", content)
    flip(repo.loose(repo.digest("m.bin")) if size == LARGE else only_pack(repo), 50)
    result = repo.fails(1, "verify")
    assert len(result.errors) == 1
    assert result.errors[0].endswith("its bytes do not match its name; repaired from m.bin")
    repo.ok("verify")
    repo.remove("m.bin")
    repo.ok("checkout")
    assert repo.read("m.bin") == content


def test_a_damaged_file_of_a_directory_is_repaired(repo: Repo) -> None:
    files = repo.write_dir("data", MANY)
    repo.added("data")
    body = files["part-0002.bin"]
    flip(only_pack(repo), only_pack(repo).read_bytes().index(body) + 7)
    assert repo.fails(1, "verify").errors[0].endswith("repaired from data/part-0002.bin")
    repo.ok("verify")
    repo.remove("data")
    repo.ok("checkout")
    assert repo.contents("data") == files


def test_a_damaged_manifest_is_written_anew(repo: Repo) -> None:
    files = repo.write_dir("data", MANY)
    repo.added("data")
    flip(only_pack(repo), only_pack(repo).read_bytes().index(b"mvc-manifest 1") + 3)
    assert repo.fails(1, "verify").errors[0].endswith("repaired from data")
    repo.ok("verify")
    repo.remove("data")
    repo.ok("checkout")
    assert repo.contents("data") == files


def test_a_workspace_that_shares_the_damaged_bytes_repairs_nothing(repo: Repo) -> None:
    repo.ok("config", "set", "cache.link", "hardlink")
    repo.added("m.bin", noise("m", LARGE))
    flip(repo.path("m.bin"), 50)
    result = repo.fails(1, "verify")
    assert "moved to quarantine" in result.errors[0]
    assert repo.fails(1, "verify").errors


def test_other_bytes_in_the_workspace_repair_nothing(repo: Repo) -> None:
    repo.added("m.bin", noise("m", LARGE))
    repo.write("m.bin", noise("edited", LARGE))
    flip(repo.loose(repo.digest("m.bin")), 50)
    assert "moved to quarantine" in repo.fails(1, "verify").errors[0]
    assert repo.read("m.bin") == noise("edited", LARGE)


# Who needs it.


def test_commits_and_tags_that_need_it_are_named(repo: Repo) -> None:
    first = repo.added("m.bin", noise("old", LARGE))
    repo.git("tag", "v1")
    repo.git("tag", "-m", "same", "v1-again")
    old = repo.loose(repo.digest("m.bin"))
    repo.added("m.bin", noise("new", LARGE))
    repo.git("tag", "v2")
    flip(old, 5)
    result = repo.fails(1, "verify")
    assert f"  needed by m.bin, from {first[:12]} (v1, v1-again) " in result.err
    flip(repo.loose(repo.digest("m.bin")), 5)
    (wrong,) = repo.mvc("verify", "--json").json["wrong"]
    assert [(use["path"], use["subject"], use["tags"]) for use in wrong["history"]] == [("m.bin", "add m.bin", ["v2"])]


def test_a_flip_in_a_packed_object_names_its_user_and_keeps_the_others(repo: Repo) -> None:
    files = repo.write_dir("data", 5)
    repo.added("data")
    repo.added("other.bin", noise("other", 100))
    bodies = only_pack_with(repo, files["part-0002.bin"])
    flip(bodies, bodies.read_bytes().index(files["part-0002.bin"]) + 7)
    repo.remove("data/part-0002.bin")
    result = repo.fails(1, "verify")
    assert [error for error in result.errors if "needs it" in error] == ["data/part-0002.bin needs it"]
    assert repo.state("data") == "not-in-cache"
    assert repo.state("other.bin") == "clean"
    repo.fails(1, "verify")
    repo.remove("data/part-0001.bin")
    repo.ok("checkout", "data/part-0001.bin")
    repo.write("data/part-0002.bin", files["part-0002.bin"])
    assert "repaired from" in repo.shell(result.fixes[0]).err
    repo.ok("verify")
    assert repo.states() == {"data": "clean", "other.bin": "clean"}


def only_pack_with(repo: Repo, body: bytes) -> Path:
    """Return the one pack that holds `body`."""
    (pack,) = (path for path in (repo.store / "packs").glob("*.pack") if body in path.read_bytes())
    return pack


def test_every_byte_of_a_pack_index_counts(repo: Repo) -> None:
    files = repo.write_dir("data", 3)
    repo.added("data")
    index = only_pack(repo).with_suffix(".idx")
    whole = index.read_bytes()
    for offset in (20, 1100, len(whole) - 1):
        flip(index, offset)
        result = repo.mvc("verify")
        assert result.code in (1, 2, 3), offset
        assert result.errors, offset
        for name in ("packs", "quarantine"):
            for path in (repo.store / name).glob("*"):
                path.unlink()
        assert repo.contents("data") == files
        repo.ok("add", "data")
        repo.ok("verify")
        index = only_pack(repo).with_suffix(".idx")
        assert index.read_bytes() == whole


def test_a_pack_cut_short(repo: Repo) -> None:
    repo.write_dir("data", 3)
    repo.added("data")
    pack = only_pack(repo)
    pack.chmod(0o644)
    os.truncate(pack, pack.stat().st_size - 1)
    repo.fails(1, "verify")
    repo.ok("add", "data")
    repo.ok("verify")


def test_what_nobody_needs_is_wrong_once(repo: Repo) -> None:
    repo.added("m.bin", noise("old", LARGE))
    old = repo.loose(repo.digest("m.bin"))
    repo.added("m.bin", noise("new", LARGE))
    flip(old, 5)
    assert repo.ok("verify", "m.bin").code == 0
    assert len(repo.fails(1, "verify").errors) == 1
    repo.ok("verify")


def test_a_missing_object_is_not_wrong(repo: Repo) -> None:
    repo.added("m.bin", noise("m", LARGE))
    repo.loose(repo.digest("m.bin")).unlink()
    repo.ok("verify")
    assert repo.state("m.bin") == "not-in-cache"


def test_json_names_object_reason_and_users(repo: Repo) -> None:
    repo.added("m.bin", noise("m", LARGE))
    loose = repo.loose(repo.digest("m.bin"))
    flip(loose, 9)
    result = repo.mvc("verify", "--json")
    assert (result.code, result.err) == (1, "")
    (wrong,) = result.json["wrong"]
    assert [use["path"] for use in wrong.pop("history")] == ["m.bin"]
    assert wrong == {
        "blake3": loose.name,
        "reason": "its bytes do not match its name",
        "users": ["m.bin"],
        "repaired_from": "m.bin",
        "whole": False,
    }


def test_add_of_the_same_bytes_repairs_an_object_that_was_found_damaged(repo: Repo) -> None:
    content = noise("m", LARGE)
    repo.added("m.bin", content)
    loose = repo.loose(repo.digest("m.bin"))
    flip(loose, 9)
    repo.write("copy.bin", content)
    repo.ok("add", "copy.bin")
    assert loose.read_bytes() == content
    repo.ok("verify")
