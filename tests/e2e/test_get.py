"""`mvc get`: content of another repository arrives, and nothing of it is left behind."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from harness import LARGE, MVC, Repo, noise


@pytest.fixture
def there(repo: Repo, tmp_path: Path) -> Repo:
    """Return a repository whose content is on a remote, in two versions."""
    repo.ok("remote", "add", "nas", str(tmp_path / "nas"))
    repo.write("models/few/run.sh", "echo run")
    repo.path("models/few/run.sh").chmod(0o755)
    repo.write("models/few/w.bin", noise("w", LARGE))
    repo.ok("add", "models/few")
    repo.added("models/m.bin", noise("old", LARGE))
    repo.git("tag", "v1")
    repo.added("models/m.bin", noise("new", LARGE))
    repo.ok("push", "--all-commits")
    return repo


@pytest.fixture
def here(tmp_path: Path, environ: dict[str, str]) -> Repo:
    """Return an empty directory that is no repository."""
    (tmp_path / "here").mkdir()
    return Repo(tmp_path / "here", environ)


@pytest.fixture(params=["path", "path without its cache", "URL"])
def address(request: pytest.FixtureRequest, there: Repo, tmp_path: Path) -> str:
    """Return how the other repository is named."""
    if request.param == "URL":
        return f"file://{there.root}"
    if request.param != "path":
        return str(there.clone(tmp_path / "clone").root)
    return str(there.root)


def test_a_file(here: Repo, address: str) -> None:
    result = here.ok("get", address, "models/m.bin")
    assert result.out == f"Wrote models/m.bin to {here.path('m.bin')} (614.4 kB)\n"
    assert here.read("m.bin") == noise("new", LARGE)
    assert os.access(here.path("m.bin"), os.W_OK)
    assert here.path("m.bin").stat().st_nlink == 1
    assert os.listdir(here.root) == ["m.bin"]


def test_what_a_killed_one_left_is_removed_by_the_next(here: Repo, address: str) -> None:
    kill = ("-e", "trace=renameat2", "-e", "inject=renameat2:signal=KILL")
    assert here.run("strace", "-f", "-qq", "-o", "/dev/null", *kill, MVC, "get", address, "models/m.bin").code == -9
    assert os.listdir(here.root) == [".mvc-tmp"]
    here.ok("get", address, "models/few/w.bin")
    assert os.listdir(here.root) == ["w.bin"]


def test_a_revision_and_a_name(here: Repo, address: str) -> None:
    here.ok("get", address, "v1:models/m.bin", "-o", "old.bin")
    assert here.read("old.bin") == noise("old", LARGE)


def test_a_directory_and_a_part_of_one(here: Repo, address: str) -> None:
    here.ok("get", address, "models/few")
    assert here.contents("few") == {"run.sh": b"echo run", "w.bin": noise("w", LARGE)}
    assert here.path("few/run.sh").stat().st_mode & 0o777 == 0o755
    assert here.path("few/w.bin").stat().st_mode & 0o777 == 0o644
    here.ok("get", address, "models/few/run.sh")
    assert here.read("run.sh") == b"echo run"


def test_a_bare_repository_is_cloned(here: Repo, there: Repo, tmp_path: Path) -> None:
    for name in ("bare.git", "bare"):
        there.git("clone", "-q", "--bare", str(there.root), str(tmp_path / name))
        here.ok("get", str(tmp_path / name), "models/m.bin", "-o", f"{name}.bin")
        assert here.read(f"{name}.bin") == noise("new", LARGE)


def test_a_worktree_may_be_called_like_a_bare_repository(here: Repo, there: Repo, tmp_path: Path) -> None:
    there.clone(tmp_path / "work.git").ok("pull")
    (tmp_path / "nas").rename(tmp_path / "gone")
    here.ok("get", str(tmp_path / "work.git"), "models/m.bin")


@pytest.mark.parametrize("bare", [True, False])
def test_a_remote_beside_a_repository_is_not_looked_for_elsewhere(
    here: Repo, there: Repo, tmp_path: Path, bare: bool,
) -> None:
    there.ok("remote", "set", "nas", "../nas")
    there.git("commit", "-qam", "relative")
    address = f"file://{there.root}"
    if bare:
        address = str(tmp_path / "bare")
        there.git("clone", "-q", "--bare", str(there.root), address)
    for choice in ([], ["-r", "nas"]):
        result = here.fails(3, "get", address, "models/m.bin", *choice)
        assert result.errors[0].startswith("the remote nas of that repository is ../nas, relative to a clone of it")
        assert result.fixes == ["mvc get CLONE REF  # or mvc get REPO REF -r NAME, with another remote"]
        assert ".mvc-tmp" not in result.err
    assert "not tracked" in here.fails(3, "get", address, "models/none.bin").errors[0]
    here.ok("get", str(there.clone(tmp_path / "clone").root), "models/m.bin")
    here.remove("m.bin")
    there.ok("remote", "add", "other", str(tmp_path / "nas"))
    there.git("commit", "-qam", "another")
    here.ok("get", f"file://{there.root}", "models/m.bin", "-r", "other")


@pytest.mark.parametrize("path", ["x.git", "x.git?token=s3cret", "x.git#s3cret"])
def test_a_password_is_not_repeated(here: Repo, path: str) -> None:
    result = here.fails(3, "get", f"https://u:s3cret@127.0.0.1:1/{path}", "m.bin")
    assert result.errors[0].startswith("https://***@127.0.0.1:1/x.git")
    assert "s3cret" not in result.err


@pytest.mark.parametrize("address", ["{}", "file://{}"])
def test_a_repository_of_another_user_comes_with_git_s_own_line(here: Repo, there: Repo, address: str) -> None:
    line = ("get", address.format(there.root), "models/m.bin")
    environ = {"GIT_TEST_ASSUME_DIFFERENT_OWNER": "1"}
    result = here.fails(2, *line, env=environ)
    assert "repository of another user" in result.errors[0]
    assert result.fixes[0].startswith("git config --global --add safe.directory ")
    assert here.shell(result.fixes[0]).code == 0
    assert "repository of another user" not in here.mvc(*line, env=environ).err


def test_an_address_without_a_password_is_named(here: Repo) -> None:
    for address in ("git@localhost:none/x.git", "/no/u@x.git"):
        environ = {"GIT_SSH_COMMAND": "false"}
        assert here.fails(3, "get", address, "m.bin", env=environ).errors[0].startswith(f"{address} cannot be cloned")


def test_nothing_is_overwritten(here: Repo, address: str) -> None:
    here.write("m.bin", "mine")
    assert "already exists" in here.fails(2, "get", address, "models/m.bin").errors[0]
    assert here.read("m.bin") == b"mine"


def test_what_cannot_be_had(here: Repo, there: Repo, tmp_path: Path) -> None:
    assert "is not tracked" in here.fails(3, "get", str(there.root), "models/none.bin").errors[0]
    assert "cannot be cloned" in here.fails(3, "get", str(tmp_path / "nowhere"), "m.bin").errors[0]
    assert "cannot be cloned" in here.fails(3, "get", "ext::sh -c touch% ran", "m.bin").errors[0]
    assert "is not a revision" in here.fails(2, "get", str(there.root), "none:models/m.bin").errors[0]
    assert "does not exist" in here.fails(2, "get", str(there.root), "models/m.bin", "-o", "no/such/m").errors[0]
    (tmp_path / "nas").rename(tmp_path / "gone")
    here.fails(3, "get", f"file://{there.root}", "models/m.bin")
    assert os.listdir(here.root) == []
