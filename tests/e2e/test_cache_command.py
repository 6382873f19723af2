"""`mvc cache`: where it is, and what it takes."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from harness import LARGE, InProcess, Repo, noise, rounds

PARTS = ["loose", "packs", "tmp", "quarantine", "trash", "catalog"]


def test_dir_prints_the_path_and_nothing_else(repo: Repo, tmp_path: Path) -> None:
    assert repo.ok("cache", "dir").out == f"{repo.store}\n"
    repo.path("sub").mkdir()
    assert repo.ok("cache", "dir", cwd="sub").out == f"{repo.store}\n"
    repo.ok("config", "set", "cache.dir", str(tmp_path / "else where"))
    assert repo.ok("cache", "dir").out == f"{tmp_path / 'else where'}\n"


def test_size_of_every_part(repo: Repo) -> None:
    repo.write("m.bin", noise("m", LARGE))
    repo.write_dir("data", 5)
    repo.ok("add", "m.bin", "data")
    for name, content in (("tmp/x/1", b"12"), ("quarantine/x", b"123"), ("trash/deep/y", b"1234")):
        (repo.store / name).parent.mkdir(parents=True, exist_ok=True)
        (repo.store / name).write_bytes(content)
    document = repo.ok("cache", "size", "--json").json
    assert list(document) == ["cache", *PARTS, "bytes"]
    packs = sum(path.stat().st_size for path in (repo.store / "packs").iterdir())
    catalog = [path.stat().st_size for path in repo.store.glob("catalog-*")]
    assert document == {
        "cache": str(repo.store),
        "loose": {"number": 1, "bytes": LARGE},
        "packs": {"number": 1, "bytes": packs},
        "tmp": {"number": 1, "bytes": 2},
        "quarantine": {"number": 1, "bytes": 3},
        "trash": {"number": 1, "bytes": 4},
        "catalog": {"number": len(catalog), "bytes": sum(catalog)},
        "bytes": LARGE + packs + 9 + sum(catalog),
    }
    said = repo.ok("cache", "size").out
    assert [line.split()[0] for line in said.splitlines()] == [*PARTS, "total"]


def test_of_an_empty_cache_and_one_that_is_gone(repo: Repo) -> None:
    assert repo.ok("cache", "size", "--json").json["loose"] == {"number": 0, "bytes": 0}
    shutil.rmtree(repo.store)
    assert repo.ok("cache", "size", "--json").json["bytes"] == 0


def test_a_cache_elsewhere_and_the_catalog_here(repo: Repo, tmp_path: Path) -> None:
    repo.ok("init", "--cache", str(tmp_path / "shared"))
    repo.added("m.bin", noise("m", LARGE))
    (repo.store / "tmp/left").mkdir(parents=True)
    (repo.store / "tmp/left/1").write_bytes(b"12345")
    document = repo.ok("cache", "size", "--json").json
    assert document["cache"] == str(tmp_path / "shared")
    assert document["loose"] == {"number": 1, "bytes": LARGE}
    assert document["tmp"] == {"number": 1, "bytes": 5}
    assert document["catalog"]["bytes"] > 0


def test_no_symlink_is_followed(repo: Repo, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/large").write_bytes(bytes(10_000))
    repo.added("m.bin", noise("m", LARGE))
    (repo.store / "objects/zz").symlink_to(tmp_path / "outside")
    (repo.store / "objects/link").symlink_to(tmp_path / "outside/large")
    (repo.store / "objects/loop").symlink_to(repo.store)
    shutil.rmtree(repo.store / "trash")
    (repo.store / "trash").symlink_to(tmp_path / "outside")
    result = repo.ok("cache", "size", "--json")
    assert result.json["loose"] == {"number": 1, "bytes": LARGE}
    assert result.json["trash"] == {"number": 0, "bytes": 0}


@pytest.mark.sampled
def test_many_objects_are_counted_one_look_each(repo: Repo, in_process: InProcess) -> None:
    """Linear: no object is opened, and none is looked at twice."""
    objects = repo.store / "objects"
    folders = rounds("MVC_CACHE_FOLDERS", 40, 200)
    for folder in range(folders):
        (objects / f"{folder:02x}").mkdir(parents=True, exist_ok=True)
        for number in range(500):
            os.close(os.open(objects / f"{folder:02x}" / f"{folder:02x}{number:062x}", os.O_CREAT | os.O_WRONLY))
    assert in_process(repo.root, "cache", "size", "--json").json["loose"] == {"number": folders * 500, "bytes": 0}
    counts = repo.run("strace", "-f", "-c", "-S", "calls", "mvc", "cache", "size").err
    calls = {row.split()[-1]: int(row.split()[3]) for row in counts.splitlines() if row[:1] == " " and "." in row}
    assert calls["newfstatat"] < folders * 500 + 5_000
    assert calls["openat"] < 2_000


@pytest.mark.parametrize("what", ["dir", "size"])
def test_outside_of_a_repository(tmp_path: Path, repo: Repo, what: str) -> None:
    outside = Repo(tmp_path, repo.environ)
    assert "not in a Git repository" in outside.fails(2, "cache", what).errors[0]
