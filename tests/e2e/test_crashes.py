"""Killed, interrupted, or refused by the system at some call: the next plain command works and nothing is lost.

`strace` makes the Nth call of a kind fail, or be the last thing the process does.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import LARGE, MVC, InProcess, Repo, Result, noise

CALLS = {
    "write": "write,pwrite64",
    "fsync": "fsync,fdatasync",
    "link": "link,linkat",
    "rename": "rename,renameat,renameat2",
    "unlink": "unlink,unlinkat,rmdir",
    "mkdir": "mkdir,mkdirat",
    "chmod": "fchmod",
    "open": "openat",
}
OLD = {"m.bin": noise("old", LARGE), "data/a": b"a", "data/b": noise("b", 2000), "data/c": noise("c", LARGE)}
NEW = {"m.bin": noise("new", LARGE), "data/a": b"A", "data/d": noise("d", 2000), "data/c": noise("C", LARGE)}


def lay_out(repo: Repo, files: dict[str, bytes]) -> None:
    """Make the workspace hold just `files`."""
    for name in ("m.bin", "data"):
        if repo.path(name).exists():
            repo.remove(name)
    for name, content in files.items():
        repo.write(name, content)


def held(repo: Repo) -> dict[str, bytes]:
    """Return what the tracked paths hold."""
    return {"m.bin": repo.read("m.bin"), **{f"data/{name}": content for name, content in repo.contents("data").items()}}


@pytest.fixture(scope="module")
def prepared(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository with OLD and NEW committed, and a tag for each."""
    from harness import make_home

    top = tmp_path_factory.mktemp("prepared")
    shutil.copytree(template, top / "repo", symlinks=True)
    repo = Repo(top / "repo", make_home(top / "home"))
    for tag, files in (("old", OLD), ("new", NEW)):
        lay_out(repo, files)
        repo.ok("add", "m.bin", "data")
        repo.commit(tag)
        repo.git("tag", tag)
    return repo.root


def copies(
    prepared: Path, environ: dict[str, str], tmp_path: Path, points: tuple[int, ...]
) -> Iterator[tuple[int, Repo]]:
    """Yield a fresh copy of the prepared repository for every point."""
    for point in points:
        repo = Repo(tmp_path / f"at-{point}", environ)
        shutil.copytree(prepared, repo.root, symlinks=True)
        yield point, repo
        shutil.rmtree(repo.root)


def broken(repo: Repo, fault: str, *args: str) -> Result:
    """Run `mvc ARGS` with a fault injected; never a traceback."""
    calls = ["-e", f"trace={fault.partition(':')[0]}", "-e", f"inject={fault}"]
    result = repo.run("strace", "-f", "-qq", "-o", str(repo.root.parent / "trace"), *calls, MVC, *args)
    assert "Traceback" not in result.err, result
    assert "Exception ignored" not in result.err, result
    assert result.code != 70, result
    return result


def runs(in_process: InProcess, repo: Repo, *args: str) -> None:
    """Run a plain command that must succeed."""
    result = in_process(repo.root, *args)
    assert result.code == 0, result
    assert result.err == "", result


def all_is_well(repo: Repo, in_process: InProcess) -> None:
    """Both versions come back bit for bit, the cache is sound, and nothing is left over."""
    runs(in_process, repo, "verify")
    for revision, files in (("old", OLD), ("new", NEW)):
        runs(in_process, repo, "checkout", "--rev", revision)
        assert held(repo) == files
    assert repo.debris() == []


def to_add(repo: Repo) -> None:
    """Bring the repository to where NEW is in the workspace, and neither in the pointers nor in the cache."""
    repo.git("reset", "-q", "--hard", "old")
    shutil.rmtree(repo.store)
    lay_out(repo, OLD)
    repo.ok("add", "m.bin", "data")
    lay_out(repo, NEW)


@pytest.fixture(scope="module")
def to_add_prepared(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository in which NEW is to be added."""
    from harness import make_home

    top = tmp_path_factory.mktemp("to-add")
    shutil.copytree(prepared, top / "repo", symlinks=True)
    to_add(Repo(top / "repo", make_home(top / "home")))
    return top / "repo"


@pytest.mark.parametrize(
    ("kind", "points"),
    [
        ("write", (1, 3, 6, 10)),
        ("fsync", (1, 2, 3, 5, 7)),
        ("link", (1, 2, 3)),
        ("rename", (1, 2, 3)),
        ("unlink", (1, 4)),
        ("mkdir", (1, 2)),
        ("chmod", (1, 2)),
    ],
)
def test_add_killed(
    to_add_prepared: Path,
    environ: dict[str, str],
    tmp_path: Path,
    in_process: InProcess,
    kind: str,
    points: tuple[int, ...],
) -> None:
    died = 0
    for point, repo in copies(to_add_prepared, environ, tmp_path, points):
        died += broken(repo, f"{CALLS[kind]}:signal=KILL:when={point}", "add", "m.bin", "data").code < 0
        assert held(repo) == NEW
        runs(in_process, repo, "verify")
        repo.path(".git/index.lock").unlink(missing_ok=True)  # Git's own, when Git was the one that died
        runs(in_process, repo, "add", "m.bin", "data")
        assert "data.mvc" in repo.git("diff", "--cached", "--name-only")
        all_is_well(repo, in_process)
    assert died


@pytest.mark.parametrize(
    ("kind", "points"),
    [
        ("write", (1, 4, 8)),
        ("fsync", (1, 2, 3)),
        ("rename", (1, 2, 3, 4, 5, 6)),
        ("unlink", (1, 2, 3)),
        ("mkdir", (1, 2)),
    ],
)
def test_checkout_killed(
    prepared: Path,
    environ: dict[str, str],
    tmp_path: Path,
    in_process: InProcess,
    kind: str,
    points: tuple[int, ...],
) -> None:
    died = 0
    for point, repo in copies(prepared, environ, tmp_path, points):
        died += broken(repo, f"{CALLS[kind]}:signal=KILL:when={point}", "checkout", "--rev", "old").code < 0
        for name in ("m.bin", "data/a", "data/c"):
            assert not repo.path(name).exists() or repo.read(name) in (OLD[name], NEW[name])
        repo.path(".git/index.lock").unlink(missing_ok=True)
        runs(in_process, repo, "checkout")
        runs(in_process, repo, "checkout", "--rev", "old")
        assert held(repo) == OLD
        all_is_well(repo, in_process)
    assert died


@pytest.mark.parametrize("kind", ["write", "fsync", "rename", "open"])
def test_add_interrupted_leaves_nothing_behind(
    to_add_prepared: Path,
    environ: dict[str, str],
    tmp_path: Path,
    in_process: InProcess,
    kind: str,
) -> None:
    codes = []
    for point, repo in copies(to_add_prepared, environ, tmp_path, {"open": (300,)}.get(kind, (1, 3))):
        codes.append(broken(repo, f"{CALLS[kind]}:signal=INT:when={point}", "add", "m.bin", "data").code)
        assert held(repo) == NEW
        # Between making a scratch directory and locking it nothing can be caught: an empty one may stay, to be swept.
        assert not [path for path in repo.debris() if path.is_file()]
        repo.path(".git/index.lock").unlink(missing_ok=True)
        runs(in_process, repo, "add", "m.bin", "data")
        all_is_well(repo, in_process)
    assert set(codes) <= {130, 3, 0}
    assert 130 in codes or kind == "open"


@pytest.mark.parametrize("error", ["EIO", "ENOSPC"])
@pytest.mark.parametrize(
    ("kind", "points"), [("write", (1, 2, 5)), ("fsync", (1, 2, 3, 5)), ("link", (1, 2)), ("rename", (1, 2))]
)
def test_add_on_a_failing_disk(
    to_add_prepared: Path,
    environ: dict[str, str],
    tmp_path: Path,
    in_process: InProcess,
    kind: str,
    points: tuple[int, ...],
    error: str,
) -> None:
    for point, repo in copies(to_add_prepared, environ, tmp_path, points):
        result = broken(repo, f"{CALLS[kind]}:error={error}:when={point}", "add", "m.bin", "data")
        assert result.code in (0, 3), result
        assert kind == "write" or bool(result.errors) == (result.code == 3), result  # stderr is written to as well
        assert held(repo) == NEW
        assert repo.debris() == []
        runs(in_process, repo, "verify")
        repo.path(".git/index.lock").unlink(missing_ok=True)
        runs(in_process, repo, "add", "m.bin", "data")
        all_is_well(repo, in_process)


@pytest.mark.parametrize("point", [1, 2, 3, 4])
def test_a_write_that_fails_once_spoils_no_other_path(repo: Repo, in_process: InProcess, point: int) -> None:
    """Two directories share a pack: what the first leaves half-written must not shift the second."""
    for folder in ("one", "two"):
        for number in range(12):
            repo.write(f"{folder}/{number}", noise((folder, number), 200_000))
    contents = {folder: repo.contents(folder) for folder in ("one", "two")}
    broken(repo, f"pwrite64:error=ENOSPC:when={point}", "add", "one", "two")
    runs(in_process, repo, "verify")
    for folder in ("one", "two"):
        if repo.path(f"{folder}.mvc").exists():
            repo.remove(folder)
            runs(in_process, repo, "checkout", folder)
            assert repo.contents(folder) == contents[folder]


@pytest.fixture(scope="module")
def to_collect_prepared(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository with garbage beside what is needed: loose, and in a pack that both are in."""
    from harness import make_home

    top = tmp_path_factory.mktemp("to-collect")
    shutil.copytree(prepared, top / "repo", symlinks=True)
    repo = Repo(top / "repo", make_home(top / "home"))
    kept = {"x/kept": b"kept", "x/large": noise("kept", LARGE)}
    for name, content in {**kept, "x/garbage": b"garbage", "y.bin": noise("garbage", LARGE)}.items():
        repo.write(name, content)
    repo.ok("add", "x", "y.bin")
    repo.remove("x/garbage")
    repo.ok("add", "x")
    repo.ok("rm", "y.bin")
    repo.commit("x")
    return repo.root


@pytest.mark.parametrize("fault", ["signal=KILL", "error=EIO"])
@pytest.mark.parametrize(
    ("kind", "points"),
    [("write", (1, 2, 3)), ("fsync", (1, 2, 3)), ("link", (1, 2)), ("rename", (1, 2, 3, 4)), ("unlink", (1, 3, 5))],
)
def test_gc_stopped(
    to_collect_prepared: Path,
    environ: dict[str, str],
    tmp_path: Path,
    in_process: InProcess,
    kind: str,
    points: tuple[int, ...],
    fault: str,
) -> None:
    free = ("gc", "--yes", "--grace", "0", "--unpushed")
    for point, repo in copies(to_collect_prepared, environ, tmp_path, points):
        result = broken(repo, f"{CALLS[kind]}:{fault}:when={point}", *free)
        assert result.code < 0 or result.code in (0, 3), result
        all_is_well(repo, in_process)
        runs(in_process, repo, *free)
        assert repo.ok("verify", "--json").json["objects"] == 10
        for name, content in {"x/kept": b"kept", "x/large": noise("kept", LARGE)}.items():
            repo.remove(name)
            runs(in_process, repo, "checkout", name)
            assert repo.read(name) == content
        assert not list((repo.store / "trash").iterdir())
