"""The same with strace, on commands as a user starts them: what the sweep says does not hang on how it injects.

strace counts the calls of each process and of each kind apart, so a fault may strike several times.
"""

from __future__ import annotations

import pytest
from faults.strace import CALLS, broken
from harness import LARGE, Repo, noise

OLD = {"m.bin": noise("old", LARGE), "data/a": b"a", "data/b": noise("b", 2000), "data/c": noise("c", LARGE)}
NEW = {"m.bin": noise("new", LARGE), "data/a": b"A", "data/b": noise("d", 2000), "data/c": noise("C", LARGE)}


def lay_out(repo: Repo, files: dict[str, bytes]) -> None:
    """Make the workspace hold `files`."""
    for name, content in files.items():
        repo.write(name, content)


def held(repo: Repo) -> dict[str, bytes]:
    """Return what the tracked paths hold."""
    return {"m.bin": repo.read("m.bin"), **{f"data/{name}": content for name, content in repo.contents("data").items()}}


@pytest.mark.parametrize(
    ("kind", "point"),
    [("write", 3), ("fsync", 1), ("link", 1), ("link", 2), ("rename", 1), ("rename", 2), ("unlink", 2)],
)
def test_killed_in_add_and_again_in_checkout(repo: Repo, kind: str, point: int) -> None:
    lay_out(repo, OLD)
    repo.added("m.bin")
    repo.added("data")
    lay_out(repo, NEW)
    codes = [broken(repo, f"{CALLS[kind]}:signal=KILL:when={point}", "add", "m.bin", "data").code]
    assert held(repo) == NEW
    repo.ok("verify")
    repo.path(".git/index.lock").unlink(missing_ok=True)  # Git's own, when Git was the one that died
    repo.ok("add", "m.bin", "data")
    repo.commit()
    codes.append(broken(repo, f"{CALLS[kind]}:signal=KILL:when={point}", "checkout", "--rev", "HEAD~1").code)
    assert all(content in (OLD[name], NEW[name]) for name, content in held(repo).items())
    repo.path(".git/index.lock").unlink(missing_ok=True)
    repo.ok("checkout", "--rev", "HEAD~1")
    assert held(repo) == OLD
    repo.ok("checkout", "--rev", "HEAD")
    assert held(repo) == NEW
    repo.ok("verify")
    assert repo.debris() == []
    assert set(codes) <= {-9, 3, 0}  # 3: Git died
    assert any(codes)


@pytest.mark.parametrize("point", [1, 2, 3, 4])
def test_a_write_that_fails_once_spoils_no_other_path(repo: Repo, point: int) -> None:
    """Two directories share a pack: what the first leaves half-written must not shift the second."""
    for folder in ("one", "two"):
        for number in range(12):
            repo.write(f"{folder}/{number}", noise((folder, number), 200_000))
    contents = {folder: repo.contents(folder) for folder in ("one", "two")}
    broken(repo, f"pwrite64:error=ENOSPC:when={point}", "add", "one", "two")
    repo.ok("verify")
    for folder in ("one", "two"):
        if repo.path(f"{folder}.mvc").exists():
            repo.remove(folder)
            repo.ok("checkout", folder)
            assert repo.contents(folder) == contents[folder]
