"""`mvc status --pushed` and `mvc verify -r`: the remote is asked for its objects, or reads of it verify them."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from harness import LARGE, MANY, Repo, noise


@pytest.fixture
def nas(repo: Repo, tmp_path: Path) -> Path:
    """Return the directory of the remote `nas`, which the repository has, and which is empty."""
    repo.ok("remote", "add", "nas", str(tmp_path / "nas"))
    repo.git("add", ".mvc")
    repo.commit("remote")
    return tmp_path / "nas"


def flip(path: Path, offset: int) -> None:
    """Flip one bit of a read-only file."""
    content = bytearray(path.read_bytes())
    content[offset] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)


def pushed(repo: Repo, *args: str) -> dict[str, bool | None]:
    """Return what `mvc status` says of every path."""
    return {item["path"]: item["pushed"] for item in repo.mvc("status", "--json", *args).json["items"]}


# status --pushed.


def test_pushed_is_asked_for_and_counts(repo: Repo, nas: Path) -> None:
    repo.added("a.bin", noise("a", LARGE))
    repo.added("b.bin", noise("b", 100))
    assert pushed(repo) == {"a.bin": None, "b.bin": None}
    assert pushed(repo, "--pushed") == {"a.bin": False, "b.bin": False}
    repo.ok("push", "a.bin")
    assert pushed(repo, "--pushed") == {"a.bin": True, "b.bin": False}
    result = repo.mvc("status", "--pushed", "--exit-code")
    assert result.code == 1
    assert "not pushed       b.bin\n  mvc push b.bin" in result.out
    assert repo.ok("status", "--exit-code").out.startswith("Clean: 2 paths.\n")
    assert repo.mvc("status", "--pushed", "--json").json["clean"] is False
    repo.shell("mvc push b.bin")
    assert repo.ok("status", "--pushed", "--exit-code").out.startswith("Clean: 2 paths.\nPushed: 2 paths.\n")
    repo.write("a.bin", "changed")
    assert repo.mvc("status", "--pushed", "--exit-code").code == 1
    assert pushed(repo, "--pushed") == {"a.bin": True, "b.bin": True}  # what the pointer stands for
    assert nas.exists()


def test_every_file_of_a_directory_is_asked_for(repo: Repo, nas: Path) -> None:
    files = repo.write_dir("data", MANY)
    repo.write("data/large", noise("large", LARGE))
    repo.added("data")
    repo.ok("push")
    assert pushed(repo, "--pushed") == {"data": True}
    next((nas / "objects").glob("*/*")).unlink()
    assert pushed(repo, "--pushed") == {"data": False}
    assert pushed(repo, "--pushed", "data/part-0001.bin") == {"data": True}
    assert pushed(repo, "--pushed", "data/large") == {"data": False}
    assert len(files) == MANY


def test_a_pointer_that_names_no_remote_is_told_why(repo: Repo, nas: Path) -> None:
    for name in ("a.bin", "m.bin"):
        repo.added(name, noise(name, 100))
    repo.path("m.bin.mvc").write_text(repo.path("m.bin.mvc").read_text() + 'remote: "gone"\n')
    said = "m.bin.mvc names its own remote: no remote is called 'gone'; there are: nas"
    out = repo.mvc("status", "--pushed").out
    assert f"not pushed       m.bin  ({said})\n" in out
    assert "\n  mvc push a.bin  # sends the missing objects\n  mvc remote list\n" in out
    assert repo.fails(3, "push").errors == [said]
    items = repo.mvc("status", "--pushed", "--json").json["items"]
    assert [(item["pushed"], item["problem"], item["fix"]) for item in items] == [
        (True, "", ""),
        (False, said, "mvc remote list"),
    ]
    out = repo.mvc("status", "--pushed").out
    assert "mvc push" not in out
    assert not nas.joinpath("objects").exists()


def test_a_fresh_clone_can_ask(repo: Repo, nas: Path, tmp_path: Path) -> None:
    """As in CI: nothing is fetched, and still every object is asked for."""
    repo.write_dir("data", 4200)
    repo.write("data/large", noise("large", LARGE))
    repo.added("data")
    repo.ok("push")
    clone = repo.clone(tmp_path / "clone")
    assert clone.ok("status", "--pushed", "--exit-code", "--json").json["clean"] is True
    assert clone.mvc("status", "--exit-code").code == 1
    next((nas / "objects").glob("*/*")).unlink()
    assert repo.clone(tmp_path / "other").mvc("status", "--pushed", "--exit-code").code == 1
    shutil.rmtree(nas / "packs")
    assert pushed(repo.clone(tmp_path / "third"), "--pushed") == {"data": False}


def test_each_pointer_s_own_remote(repo: Repo, nas: Path, tmp_path: Path) -> None:
    repo.ok("remote", "default", "nas")
    repo.ok("remote", "add", "prod", str(tmp_path / "prod"))
    repo.write("a", noise("a", LARGE))
    repo.write("b", noise("b", LARGE))
    repo.ok("add", "a", "b")
    repo.path("b.mvc").write_text(repo.path("b.mvc").read_text() + 'remote: "prod"\n')
    repo.ok("push")
    assert pushed(repo, "--pushed") == {"a": True, "b": True}
    assert pushed(repo, "--pushed", "-r", "prod") == {"a": False, "b": True}
    assert pushed(repo, "--pushed", "-r", "nas") == {"a": True, "b": False}
    assert "mvc push -r nas b" in repo.ok("status", "--pushed", "-r", "nas").out
    assert repo.fails(2, "status", "-r", "nas").fixes == ["mvc status --pushed -r nas"]
    assert repo.fails(2, "status", "--pushed", "-r", "none").fixes
    assert nas.exists()


def test_a_broken_pointer_does_not_stop_the_others(repo: Repo, nas: Path) -> None:
    repo.added("a", noise("a", LARGE))
    repo.added("b", noise("b", LARGE))
    repo.ok("push")
    repo.write("b.mvc", "nonsense")
    assert pushed(repo, "--pushed") == {"a": True, "b": None}
    assert repo.mvc("status", "--pushed").code == 2
    assert nas.exists()


def test_nothing_tracked(repo: Repo, nas: Path) -> None:
    assert "Next: mvc add PATH" in repo.ok("status", "--pushed").out
    assert not nas.exists()


# verify -r.


@pytest.fixture
def three(repo: Repo, nas: Path) -> Repo:
    """Return a repository with a directory, a large and a very large file, pushed."""
    repo.write_dir("data", MANY)
    repo.write("m.bin", noise("m", LARGE))
    repo.write("huge.bin", noise("huge", 20 << 20))
    repo.ok("add", "data", "m.bin", "huge.bin")
    repo.commit("three")
    repo.ok("push")
    assert nas.exists()
    return repo


def test_a_sound_remote(three: Repo) -> None:
    document = three.ok("verify", "-r", "nas", "--json").json
    assert list(document) == ["remote", "objects", "bytes", "wrong"]
    assert (document["remote"], document["objects"], document["wrong"]) == ("nas", MANY + 3, [])
    assert three.ok("verify", "-r", "nas", "m.bin", "--json").json["objects"] == 1
    assert three.ok("verify", "-r", "nas", "data/part-0001.bin", "--json").json["objects"] == 2  # with the manifest
    three.ok("verify", "-r", "nas", "--quick")
    assert re.fullmatch(r"Checked .* on nas, .*: no problems\.\n", three.ok("verify", "-r", "nas").out)
    assert three.fails(2, "verify", "-r", "none").fixes


@pytest.mark.parametrize("quick", [[], ["--quick"]])
@pytest.mark.parametrize("path", ["m.bin", "huge.bin", "data/part-0005.bin"])
def test_what_is_wrong_is_named_and_left(three: Repo, nas: Path, path: str, quick: list[str]) -> None:
    content = three.read(path)
    (holder,) = [item for item in nas.rglob("*") if item.is_file() and content in item.read_bytes()]
    flip(holder, holder.read_bytes().index(content) + len(content) - 1)
    before = {item: item.read_bytes() for item in nas.rglob("*") if item.is_file()}
    result = three.fails(1, "verify", "-r", "nas", *quick)
    assert len(result.errors) == 1
    assert f", needed by {path}: its bytes do not match its name on nas" in result.errors[0]
    assert f"needed by {path}, from {three.git('rev-parse', 'HEAD')[:12]}" in result.err
    assert {item: item.read_bytes() for item in nas.rglob("*") if item.is_file()} == before
    three.ok("verify")
    assert three.shell(result.fixes[0]).code == 0
    three.ok("verify", "-r", "nas", *quick)


def test_what_only_history_needs_is_named_too(three: Repo, nas: Path) -> None:
    name = three.digest("m.bin")
    three.added("m.bin", noise("new", LARGE))
    flip(nas / "objects" / name[:2] / name, 10)
    three.ok("verify", "-r", "nas", "m.bin")
    result = three.fails(1, "verify", "-r", "nas")
    assert f"needed by m.bin, from {three.git('rev-parse', 'HEAD~1')[:12]}" in result.err
    assert three.shell(result.fixes[0]).code == 0
    three.ok("verify", "-r", "nas")


def test_absent_is_not_wrong(three: Repo, nas: Path) -> None:
    for item in (nas / "objects").glob("*/*"):
        item.unlink()
    assert three.ok("verify", "-r", "nas", "--json").json["objects"] == MANY + 1


def test_a_fresh_clone_can_verify_a_path(three: Repo, nas: Path, tmp_path: Path) -> None:
    clone = three.clone(tmp_path / "clone")
    assert clone.ok("verify", "-r", "nas", "data", "--json").json["objects"] == MANY + 1
    assert clone.states()["data"] == "not-in-cache"
    assert nas.exists()


def test_what_cannot_be_read_is_wrong(three: Repo, nas: Path) -> None:
    name = three.digest("m.bin")
    (nas / "objects" / name[:2] / name).chmod(0)
    user = ["setpriv", "--inh-caps=-all", "--bounding-set=-all", "mvc", "verify", "-r", "nas"]
    result = three.run(*user)
    assert result.code == 1, result
    assert name in result.errors[0]
    assert len(result.errors) == 1
