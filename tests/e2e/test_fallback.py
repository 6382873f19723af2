"""What a remote lacks, or has damaged, comes from another one; the damage is named, and mended by the line to type."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from harness import LARGE, MANY, Repo, noise


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return where the remotes are: `a` and `b` and `nas`, which is the default."""
    return tmp_path / "remotes"


@pytest.fixture
def pushed(repo: Repo, folder: Path) -> Repo:
    """Return a repository with content of all kinds on three remotes."""
    folder.mkdir()
    for name in ("b", "nas", "a"):
        repo.ok("remote", "add", name, str(folder / name), *(["--default"] if name == "nas" else []))
    repo.git("add", ".mvc")
    repo.write("m.bin", noise("m", LARGE))
    repo.write("n.bin", noise("n", LARGE))
    repo.write_dir("data", MANY)
    repo.ok("add", "m.bin", "n.bin", "data")
    repo.commit()
    for name in ("b", "nas", "a"):
        repo.ok("push", "-r", name)
    return repo


@pytest.fixture
def clone(pushed: Repo, tmp_path: Path) -> Repo:
    """Return a fresh clone of it."""
    return pushed.clone(tmp_path / "clone")


def spoil(path: Path, offset: int = 1000) -> bytes:
    """Flip one bit of a read-only file; what it holds now."""
    content = bytearray(path.read_bytes())
    content[offset] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)
    path.chmod(0o444)
    return bytes(content)


def spoil_in_pack(remote: Path, part: bytes) -> None:
    """Flip one bit in the pack of a remote, where `part` is."""
    (pack,) = (remote / "packs").glob("*.pack")
    spoil(pack, pack.read_bytes().index(part) + len(part) - 1)


def loose(remote: Path, repo: Repo, path: str) -> Path:
    """Return where a large object lies on a remote."""
    name = repo.digest(path)
    return remote / "objects" / name[:2] / name


def warnings(err: str) -> list[str]:
    """Return what is wrong although all arrived, line by line."""
    return [line.removeprefix("warning: ") for line in err.splitlines() if line.startswith("warning: ")]


def test_what_is_damaged_comes_from_another_remote(pushed: Repo, folder: Path, clone: Repo) -> None:
    wrong = spoil(loose(folder / "nas", pushed, "m.bin"))
    spoil_in_pack(folder / "nas", pushed.read("data/part-0100.bin"))
    result = clone.ok("pull")
    names = {path: pushed.digest(path) for path in ("m.bin", "data/part-0100.bin")}
    assert sorted(warnings(result.err)) == sorted(
        f"{path}: object {name} is damaged on nas: it came from a" for path, name in names.items()
    )
    assert clone.states() == {"data": "clean", "m.bin": "clean", "n.bin": "clean"}
    assert clone.contents("data") == pushed.contents("data")
    assert (clone.store / "quarantine" / f"{names['m.bin']}.arrived").read_bytes() == wrong
    clone.ok("verify")  # what is needed is here: what is in quarantine does no harm
    assert sorted(result.fixes) == ["mvc push --repair -r nas data/part-0100.bin", "mvc push --repair -r nas m.bin"]
    for line in result.fixes:
        assert clone.shell(line).code == 0
    clone.ok("verify", "-r", "nas")


def test_what_is_absent_comes_from_another_remote(pushed: Repo, folder: Path, clone: Repo) -> None:
    loose(folder / "nas", pushed, "m.bin").unlink()
    loose(folder / "a", pushed, "m.bin").unlink()
    result = clone.ok("pull", "--json").json
    assert result["failed"] == []
    (warning,) = result["warnings"]
    name = pushed.digest("m.bin")
    assert warning == {
        "path": "m.bin", "blake3": name, "error": f"object {name} is not on nas: it came from b",
        "fix": "mvc push -r nas m.bin",
    }
    assert result["transferred"] == MANY + 3
    assert clone.shell(warning["fix"]).code == 0
    assert loose(folder / "nas", pushed, "m.bin").exists()


def test_a_manifest_comes_from_another_remote(pushed: Repo, folder: Path, clone: Repo) -> None:
    spoil_in_pack(folder / "nas", b"mvc-manifest 1")
    shutil.rmtree(folder / "a/packs")
    result = clone.ok("pull", "data")
    assert warnings(result.err) == [f"data: object {pushed.digest('data')} is damaged on nas: it came from b"]
    assert clone.contents("data") == pushed.contents("data")


def test_many_warnings_do_not_flood(pushed: Repo, folder: Path, clone: Repo) -> None:
    shutil.rmtree(folder / "nas/packs")
    result = clone.ok("pull")
    assert 0 < len(warnings(result.err)) < 15
    assert f"{MANY + 1 - len(warnings(result.err))} more warnings" in result.err
    assert clone.contents("data") == pushed.contents("data")
    assert clone.ok("-q", "pull").err == ""


def test_a_remote_that_was_named_is_the_only_one(pushed: Repo, folder: Path, clone: Repo) -> None:
    spoil(loose(folder / "nas", pushed, "m.bin"))
    assert "is damaged on" in clone.fails(3, "pull", "-r", "nas").errors[0]
    assert not clone.path("m.bin").exists()
    clone.ok("pull", "-r", "b")
    assert clone.read("m.bin") == pushed.read("m.bin")


def test_only_what_lacks_is_asked_of_others(pushed: Repo, folder: Path, clone: Repo) -> None:
    loose(folder / "nas", pushed, "m.bin").unlink()
    spoil(loose(folder / "a", pushed, "n.bin"))
    result = clone.ok("pull", "--json").json
    assert [warning["path"] for warning in result["warnings"]] == ["m.bin"]
    assert not (clone.store / "quarantine" / f"{pushed.digest('n.bin')}.arrived").exists()


def test_what_is_wrong_everywhere(pushed: Repo, folder: Path, clone: Repo) -> None:
    first = spoil(loose(folder / "nas", pushed, "m.bin"), 1)
    for number, name in enumerate("ab"):
        spoil(loose(folder / name, pushed, "m.bin"), number + 2)
    result = clone.fails(3, "pull")
    assert len(result.errors) == 1
    assert f"is damaged on {folder / 'nas'}" in result.errors[0]
    assert warnings(result.err) == []
    (aside,) = (clone.store / "quarantine").iterdir()
    assert aside.read_bytes() == first
    assert "quarantine" in clone.fails(1, "verify").errors[0]
    assert clone.read("n.bin") == pushed.read("n.bin")


def test_what_is_absent_everywhere(pushed: Repo, folder: Path, clone: Repo) -> None:
    for name in ("nas", "a", "b"):
        loose(folder / name, pushed, "m.bin").unlink()
    (error,) = clone.fails(3, "pull").errors
    assert "is neither in the cache nor on any of the remotes nas, a, b: committed by Ada" in error


def test_what_is_absent_here_and_damaged_there_is_damaged(pushed: Repo, folder: Path, clone: Repo) -> None:
    spoil(loose(folder / "b", pushed, "m.bin"))
    for name in ("nas", "a"):
        loose(folder / name, pushed, "m.bin").unlink()
    (error,) = clone.fails(3, "pull").errors
    assert f"is damaged on {folder / 'b'}" in error


def test_others_that_cannot_be_reached_hide_nothing(
    pushed: Repo, folder: Path, clone: Repo, tmp_path: Path,
) -> None:
    spoil(loose(folder / "nas", pushed, "m.bin"))
    shutil.rmtree(folder / "b")
    clone.ok("remote", "set", "a", str(tmp_path / "no/such/place"))
    clone.ok("remote", "add", "c", "s3://nowhere/at-all", "-o", "endpoint_url=http://127.0.0.1:9", "-o", "anon=true")
    clone.ok("remote", "add", "d", str(tmp_path / "no-remote"))
    (tmp_path / "no-remote").mkdir()
    (tmp_path / "no-remote/strange").write_bytes(b"x")
    result = clone.fails(3, "pull")
    assert len(result.errors) == 1
    assert f"is damaged on {folder / 'nas'}" in result.errors[0]
    clone.ok("remote", "add", "e", str(folder / "e"))
    pushed.ok("remote", "add", "e", str(folder / "e"))
    pushed.ok("push", "-r", "e", "m.bin")
    assert "it came from e" in clone.ok("pull").err
    assert not (tmp_path / "no").exists()


def away(folder: Path) -> tuple[str, str]:
    """Take a remote off the network; where it is now, and what is said of that."""
    return str(folder / "no/such/place"), "cannot be reached"


def unmounted(folder: Path) -> tuple[str, str]:
    """Leave of a remote the empty directory that it was mounted on."""
    (folder / "mount").mkdir()
    return str(folder / "mount"), "is empty"


@pytest.mark.parametrize("gone", [away, unmounted])
def test_a_remote_that_gives_no_answer_stops_nobody_else(
    pushed: Repo, folder: Path, clone: Repo, gone: Callable[[Path], tuple[str, str]],
) -> None:
    place, told = gone(folder)
    clone.ok("remote", "set", "nas", place)
    plan = clone.ok("pull", "--dry-run", "--json").json
    assert plan["transferred"] == MANY + 3
    result = clone.ok("pull")
    (warning,) = warnings(result.err)
    assert warning.startswith("nas did not answer: content came from a: ")
    assert told in warning
    assert clone.states() == {"data": "clean", "m.bin": "clean", "n.bin": "clean"}
    assert clone.contents("data") == pushed.contents("data")


def test_what_only_the_silent_remote_has_is_named(pushed: Repo, folder: Path, clone: Repo) -> None:
    for name in "ab":
        loose(folder / name, pushed, "m.bin").unlink()
    place, told = away(folder)
    clone.ok("remote", "set", "nas", place)
    result = clone.fails(3, "pull")
    (error,) = result.errors
    assert error.startswith("m.bin: ")
    assert told in error
    assert place in error
    assert clone.states() == {"data": "clean", "m.bin": "not-in-cache", "n.bin": "clean"}


def test_when_nobody_has_any_of_it_the_silent_remote_is_the_error(pushed: Repo, folder: Path, clone: Repo) -> None:
    shutil.rmtree(folder / "a")
    shutil.rmtree(folder / "b")
    place, told = away(folder)
    clone.ok("remote", "set", "nas", place)
    for command in ("fetch", "pull"):
        (error,) = clone.fails(3, command).errors
        assert told in error
        assert place in error


def test_a_remote_that_falls_silent_in_the_midst(pushed: Repo, folder: Path, clone: Repo) -> None:
    marker = (folder / "nas/mvc-remote.yaml").read_bytes()
    shutil.rmtree(folder / "nas")
    (folder / "nas").mkdir()
    (folder / "nas/mvc-remote.yaml").write_bytes(marker)
    (folder / "nas/packs").symlink_to(folder / "elsewhere")
    (warning,) = warnings(clone.ok("pull").err)
    assert warning.startswith("nas did not answer: content came from a: ")
    assert "is a symlink" in warning
    assert clone.contents("data") == pushed.contents("data")


def test_a_plan_tells_where_it_would_come_from(pushed: Repo, folder: Path, clone: Repo) -> None:
    loose(folder / "nas", pushed, "m.bin").unlink()
    result = clone.ok("pull", "--dry-run", "--json").json
    (warning,) = result["warnings"]
    assert warning["error"].endswith("is not on nas: it would come from a")
    assert result["transferred"] == MANY + 3
    assert clone.state("m.bin") == "not-in-cache"


def test_the_line_to_type_means_the_same_revisions(pushed: Repo, folder: Path, clone: Repo) -> None:
    old = loose(folder / "nas", pushed, "m.bin")
    pushed.added("m.bin", noise("new", LARGE))
    pushed.ok("push")
    spoil(old)
    clone.git("pull", "-q")
    clone.ok("pull")
    result = clone.ok("fetch", "--rev", "HEAD~1", "m.bin")
    assert result.fixes == ["mvc push --repair -r nas --rev 'HEAD~1' m.bin"]
    assert clone.shell(result.fixes[0]).code == 0
    clone.ok("verify", "-r", "nas")


def test_get_and_python_try_others_too(pushed: Repo, folder: Path, tmp_path: Path) -> None:
    spoil(loose(folder / "nas", pushed, "m.bin"))
    loose(folder / "nas", pushed, "n.bin").unlink()
    here = Repo(tmp_path, pushed.environ)
    here.ok("get", f"file://{pushed.root}", "m.bin", "-o", "got")
    assert here.read("got") == pushed.read("m.bin")
    clone = pushed.clone(tmp_path / "another")
    script = "import mvc, sys; sys.stdout.buffer.write(mvc.{}('{}').{}())"
    for name, call, how in (("n.bin", "open", "read"), ("m.bin", "path", "read_bytes")):
        result = clone.run("python", "-c", script.format(call, name, how))
        assert (result.code, result.err) == (0, "")
        assert result.out.encode(errors="surrogateescape") == pushed.read(name)
