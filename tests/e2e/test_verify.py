"""`mvc verify`: no flipped byte hides, whatever mode and mtime say."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

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


# What is missing.


def lose(repo: Repo, *names: str) -> None:
    """Delete the cache's objects, and these paths of the workspace."""
    for folder in ("objects", "packs"):
        shutil.rmtree(repo.store / folder, ignore_errors=True)
    for name in names:
        repo.remove(name)


def document(repo: Repo, code: int) -> dict[str, list[dict[str, Any]]]:
    """Return what `mvc verify --json` prints."""
    result = repo.mvc("verify", "--json")
    assert (result.code, result.err) == (code, "")
    return dict(result.json)


def tracked(repo: Repo) -> None:
    """Track a file and two directories, one with a manifest object."""
    repo.write("m.bin", noise("m", LARGE))
    repo.write("d/a", "a")
    repo.write("d/b", "b")
    repo.write_dir("data", MANY)
    repo.ok("add", "m.bin", "d", "data")
    repo.commit()


@pytest.mark.parametrize("quick", [[], ["--quick"]])
def test_what_only_the_workspace_has_is_not_lost(repo: Repo, quick: list[str]) -> None:
    tracked(repo)
    lose(repo)
    assert "missing" not in repo.ok("verify", *quick, "--json").json
    assert repo.states() == dict.fromkeys(("m.bin", "d", "data"), "not-in-cache")


@pytest.mark.parametrize(
    ("gone", "users"),
    [
        (["m.bin"], ["m.bin"]),
        (["d/a"], ["d/a"]),
        (["d", "data"], ["d/a", "d/b", "data"]),
        (["data/part-0001.bin"], ["data"]),  # the cache had its list
    ],
)
def test_what_is_nowhere_is_named_with_who_needs_it(repo: Repo, gone: list[str], users: list[str]) -> None:
    tracked(repo)
    lose(repo, *gone)
    result = repo.fails(1, "verify")
    paths = sorted({user.partition("/")[0] for user in users})
    assert [error.partition(":")[0].partition("/")[0] for error in result.errors] == paths
    assert result.fixes == [f"mvc log {path}  # its other versions" for path in paths]
    assert all(repo.shell(fix).code == 0 for fix in result.fixes)
    assert result.out.endswith(f"{len(users)} problem{'s' if len(users) > 1 else ''}.\n")
    missing = document(repo, 1)["missing"]
    assert sorted(item["users"][0] for item in missing) == users
    assert {item["history"][0]["subject"] for item in missing} == {"work"}
    assert repo.ok("verify", "data" if gone == ["m.bin"] else "m.bin").out.endswith("no problems.\n")


def test_what_was_never_committed_may_be_given_up(repo: Repo) -> None:
    repo.write("m.bin", b"1")
    repo.ok("add", "m.bin")
    lose(repo, "m.bin")
    (fix,) = repo.fails(1, "verify").fixes
    assert repo.shell(fix).code == 0
    repo.ok("verify")


def test_a_clone_that_pulled_nothing_has_lost_nothing(repo: Repo, tmp_path: Path) -> None:
    tracked(repo)
    repo.ok("remote", "add", "nas", "../nas", "--default")
    repo.ok("push")
    repo.git("commit", "-qam", "remote")
    clone = repo.clone(tmp_path / "clone")
    result = clone.ok("verify")
    assert result.err.splitlines() == ["note: 4 needed objects not in this clone, so not verified", "  try: mvc pull"]
    assert clone.mvc("verify", "m.bin").err.splitlines()[1] == "  try: mvc pull m.bin"
    assert [item["lost"] for item in clone.ok("verify", "--json").json["missing"]] == [False] * 4
    assert "missing" not in clone.ok("verify", "-r", "nas", "--json").json
    for path in (tmp_path / "nas").glob("objects/*/*"):
        path.unlink()
    assert clone.fails(1, "verify", "-r", "nas").errors[0].startswith("m.bin: object ")
    repo.ok("verify", "-r", "nas")  # this clone has it, and can push it again
    repo.ok("remote", "add", "other", "../other")
    lose(repo, "m.bin", "d", "data")
    assert repo.ok("verify", "-r", "nas", "--json").json["missing"][0]["lost"] is False


@pytest.mark.parametrize(
    ("text", "code"),
    [("garbage", 2), ('mvc: 1\nkind: "file"\n', 2), ("<<<<<<< ours\n", 2)],
)
def test_a_pointer_that_cannot_be_read_is_named(repo: Repo, text: str, code: int) -> None:
    tracked(repo)
    repo.write("m.bin.mvc", text)
    result = repo.fails(code, "verify")
    assert result.errors[0].startswith("m.bin.mvc: ")
    assert result.out.endswith("1 problem.\n")
    assert document(repo, code)["failed"][0]["path"] == "m.bin"
    repo.ok("verify", "d")
    flip(only_pack_with(repo, b"mvc-manifest 1"), 20)
    assert repo.fails(code, "verify").errors  # 2 takes precedence over 1, as in status
    assert repo.shell(result.fixes[0]).code == 0
    repo.ok("verify")


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
