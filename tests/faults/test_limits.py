"""Disks of every size, file systems that are read-only, few files at once, wrong clocks, absurd sizes.

More sizes: MVC_LIMITS=1 python -m pytest tests/faults/test_limits.py
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import judge
from e2e.test_shared_cache import User, as_root, opened
from harness import LARGE, LONG, MVC, Repo, Result, noise
from injector import Outcome
from switched import load_all, run
from worlds import OPERATIONS, Nodes, Operation, World, build, look, put_back

EVERY = "MVC_LIMITS" in os.environ
SPARE = tuple(range(0, 6000, 20)) if EVERY else (0, 4, 8, 24, 100, 420, 700, 1300) if LONG else (0, 8, 420, 1300)
"""Kilobytes that are left."""
FEW = tuple(range(60)) if EVERY else (0, 1, 2, 3, 5, 8, 13) if LONG else (0, 2, 8)
"""Files that may still be made."""
TRIED = (
    "add-all", "add-many", "push", "pull-new", "pull-update", "checkout-missing", "checkout-rev", "gc", "mv-folder",
    "eval-record",
)


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a file system in memory, whose size can be set."""
    path = tmp_path_factory.mktemp("disk")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100m,nr_inodes=100000", "tmpfs", str(path)], check=True)
    yield path
    subprocess.run(["umount", "-l", str(path)], check=True)


class Built(NamedTuple):
    """A world on that disk."""

    disk: Path
    world: World
    nodes: Nodes

    def roomy(self) -> None:
        """Let it have all the room it may want."""
        self._limit(f"size={100 << 10}k,nr_inodes=100000")

    def leave(self, what: str, spare: int) -> None:
        """Leave `spare` kilobytes, or files."""
        self.roomy()
        status = os.statvfs(self.disk)
        used = (status.f_blocks - status.f_bfree) * status.f_frsize >> 10
        files = status.f_files - status.f_ffree
        self._limit(f"size={used + spare}k" if what == "space" else f"nr_inodes={files + spare}")

    def _limit(self, options: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{options}", str(self.disk)], check=True)


@pytest.fixture(scope="module")
def built(disk: Path) -> Built:
    """Return a world on a small disk."""
    load_all()
    world = build(disk / "world")
    return Built(disk, world, look(str(world.root)))


def command(world: World, operation: Operation, *args: str) -> Result:
    """Run the command of an operation, or another in its place."""
    return run(world.root / operation.where, world.environ, *(args or operation.args))


def model_of(built: Built, operation: Operation) -> tuple[Nodes, judge.Model]:
    """Return the world before a command, and what a clean run makes of it."""
    world = built.world
    built.roomy()
    put_back(str(world.root), built.nodes)
    operation.prepare(world)
    nodes, before = look(str(world.root)), judge.observe(world)
    assert command(world, operation).code == 0
    after = judge.observe(world)
    return nodes, judge.Model(before, after, after, judge.needs((before, after), world))


@pytest.mark.sampled
@pytest.mark.parametrize("what", ["space", "files"])
@pytest.mark.parametrize("name", TRIED)
def test_a_disk_of_every_size(built: Built, name: str, what: str) -> None:
    """One clear error, nothing lost, nothing left over; with more room the same line does all of it."""
    operation, world = OPERATIONS[name], built.world
    nodes, model = model_of(built, operation)
    failed = 0
    for spare in SPARE if what == "space" else FEW:
        built.roomy()
        put_back(str(world.root), nodes)
        built.leave(what, spare)
        result = command(world, operation)
        failed += result.code != 0
        state = judge.observe(world)
        told = list(judge.about_ending(Outcome(result.code, result.out, result.err, []), killed=False))
        assert told == [], (spare, result)
        assert list(judge.in_between(state, model)) == [], (spare, result)
        left = state.scraps - model.before.scraps - model.after.scraps
        assert [path for path in left if "/tmp/" in path] == [], spare
        built.roomy()
        assert command(world, operation, "verify").code == 0, spare
        if result.code == 0 or operation.again or model.before.plain == state.plain:
            if result.code:
                again = command(world, operation)
                assert again.code == 0, (spare, result, again)
            assert list(judge.done(judge.observe(world), model.after)) == [], (spare, result)
    assert failed


# Read-only.

READS = (
    ("status",), ("status", "--pushed"), ("ls", "-R"), ("diff",), ("log", "models/m.bin"), ("verify",), ("gc",),
    ("cache", "size"), ("config", "list"), ("remote", "list"), ("eval", "show", "models/m.bin"),
    ("push", "--dry-run"),
)
WRITES = (
    ("add", "models/m.bin"), ("checkout", "-f"), ("rm", "data"), ("mv", "data", "sets"), ("push",), ("pull",),
    ("eval", "record", "models/m.bin", "--tag", "v2.0.0", "--metric", "auc=0.5"), ("gc", "--yes", "--grace", "0"),
    ("config", "set", "cache.link", "copy"), ("hook", "install"), ("remote", "add", "other", "/nowhere"),
)


@pytest.fixture
def frozen(built: Built) -> Iterator[World]:
    """Return a world whose repository is mounted read-only, with a change in it."""
    built.roomy()
    world = built.world
    put_back(str(world.root), built.nodes)
    world.repo.ok("eval", "record", "models/m.bin", "--tag", "v1.0.0", "--metric", "auc=0.9")
    world.repo.commit("evaluated")
    world.repo.write("models/m.bin", noise("change", LARGE))
    root = str(world.repo.root)
    subprocess.run(["mount", "--bind", root, root], check=True)
    subprocess.run(["mount", "-o", "remount,bind,ro", root], check=True)
    yield world
    subprocess.run(["umount", "-l", root], check=True)


def test_a_read_only_repository_can_be_read(frozen: World) -> None:
    for args in READS:
        result = run(frozen.repo.root, frozen.environ, *args)
        assert (result.code, result.err) == (0, ""), result


@pytest.mark.parametrize("args", WRITES, ids=" ".join)
def test_a_read_only_repository_is_one_clear_error(frozen: World, args: tuple[str, ...]) -> None:
    before = look(str(frozen.root))
    result = run(frozen.repo.root, frozen.environ, *args)
    assert result.code == 3, result
    assert len(result.errors) == len(result.fixes) == 1, result
    assert "Read-only file system" in result.errors[0], result
    assert look(str(frozen.root)) == before


# A plain user.


@as_root
def test_a_plain_user_does_all_of_it(built: Built, tmp_path: Path) -> None:
    """Nobody's capabilities are needed, and what is root's can be read."""
    built.roomy()
    uid, top = 41_001, built.disk / "plain"
    top.mkdir(exist_ok=True)
    os.chown(top, uid, uid)
    for folder in (built.disk, *built.disk.parents):
        folder.chmod(folder.stat().st_mode | 0o011)
    own = ("HOME", "TMPDIR", *(name for name in built.world.environ if name.startswith("XDG_")))
    environ = built.world.environ | dict.fromkeys(own, str(top)) | {"GIT_CONFIG_GLOBAL": str(top / ".gitconfig")}
    user = User(top / "repo", environ, uid, str(uid), "022", opened(tmp_path))
    user.root.mkdir()
    os.chown(user.root, uid, uid)
    user.git("init", "-q")
    user.ok("init")
    user.write("models/m.bin", noise("plain", LARGE))
    user.write("data/a", b"a")
    user.ok("remote", "add", "store", str(top / "remote"), "--default")
    user.ok("add", "models/m.bin", "data")
    user.git("add", ".")
    user.commit("all")
    user.ok("push")
    user.git("clone", "-q", str(user.root), str(top / "clone"))
    clone = User(top / "clone", environ, uid, str(uid), "022", user.opened)
    clone.ok("pull")
    assert clone.read("models/m.bin") == noise("plain", LARGE)
    clone.ok("verify")
    clone.ok("mv", "data", "sets")
    clone.ok("rm", "sets")
    clone.ok("gc", "--yes", "--grace", "0")
    (top / "remote/mvc-remote.yaml").stat()
    subprocess.run(["chown", "-R", "root:root", str(top / "remote")], check=True)
    user.write("data/b", b"b")
    user.ok("add", "data")
    refused = user.fails(3, "push")
    assert "Permission denied" in refused.errors[0], refused
    user.ok("verify", "-r", "store")


# Few files at once.


def limited(repo: Repo, *args: str) -> Result:
    """Run mvc where a process may have 64 files open."""
    result = repo.run("bash", "-c", 'ulimit -n 64; exec "$@"', "bash", MVC, *args)
    assert (result.code, result.errors) == (0, []), result
    return result


def test_sixty_four_open_files_are_enough(repo: Repo, tmp_path: Path) -> None:
    """With many jobs, many folders, many packs and many large files."""
    contents = {f"deep/{number}/{number}/{number}": noise(number, 300) for number in range(200)}
    contents |= {f"large/{number}": noise(("large", number), LARGE) for number in range(24)}
    for name, content in contents.items():
        repo.write(name, content)
    repo.ok("remote", "add", "store", str(tmp_path / "remote"), "--default")
    limited(repo, "add", "-j", "64", "deep", "large")
    for number in range(20):
        repo.write(f"deep/{number}/more", noise(("more", number), 100))
        if number % 5 == 0:
            limited(repo, "add", "deep")
    limited(repo, "add", "deep")
    repo.git("add", ".")
    repo.commit()
    limited(repo, "push", "-j", "64")
    limited(repo, "verify")
    limited(repo, "verify", "-r", "store")
    clone = repo.clone(tmp_path / "clone")
    limited(clone, "pull", "-j", "64")
    assert clone.contents("deep") == repo.contents("deep")
    assert clone.contents("large") == repo.contents("large")
    limited(clone, "status", "--pushed")
    clone.remove("large")
    limited(clone, "checkout")
    limited(clone, "gc", "--yes", "--grace", "0", "--unpushed")
    assert clone.contents("large") == repo.contents("large")


# Clocks.


def at(repo: Repo, offset: str, *args: str) -> Result:
    """Run mvc with a clock that is off; files have their stamps from the kernel's, which is right."""
    environ = {"NO_FAKE_STAT": "1", "FAKETIME_DONT_RESET": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    result = repo.run("faketime", "-f", offset, MVC, *args, env=environ)
    assert (result.code, result.errors) == (0, []), result
    return result


@pytest.mark.parametrize("offset", ["-10y", "+10y"])
def test_a_wrong_clock_deletes_nothing_early(repo: Repo, offset: str) -> None:
    """Garbage stays for its grace, in the cache and then in the trash, whatever a process takes the time for."""
    repo.write("m.bin", noise("garbage", LARGE))
    repo.write("data/a", b"garbage")
    repo.ok("add", "m.bin", "data")
    repo.ok("rm", "m.bin", "data")
    before = repo.ok("verify", "--json").json["objects"]
    at(repo, offset, "gc", "--yes", "--unpushed")
    assert repo.ok("verify", "--json").json["objects"] == before
    repo.ok("gc", "--yes", "--unpushed", "--grace", "0")
    trash = len(list((repo.store / "trash").iterdir()))
    at(repo, offset, "gc", "--yes", "--unpushed")
    assert len(list((repo.store / "trash").iterdir())) == trash


@pytest.mark.parametrize("offset", ["-10y", "+10y"])
def test_a_wrong_clock_deletes_nothing_early_on_a_remote(repo: Repo, tmp_path: Path, offset: str) -> None:
    """What is young is not listed, and what is listed stays for its grace: the remote's clock counts."""
    repo.ok("remote", "add", "nas", str(tmp_path / "nas"))
    repo.write("m.bin", noise("garbage", LARGE))
    repo.ok("add", "m.bin")
    repo.ok("push")
    repo.ok("rm", "m.bin")
    objects = {path for path in (tmp_path / "nas/objects").rglob("*") if path.is_file()}
    at(repo, offset, "gc", "-r", "nas", "--yes")
    assert not list((tmp_path / "nas/gc").glob("*"))
    for path in objects:
        os.utime(path, (0, 0))
    repo.ok("gc", "-r", "nas", "--yes")
    assert len(list((tmp_path / "nas/gc").iterdir())) == 1
    at(repo, offset, "gc", "-r", "nas", "--yes")
    assert all(path.exists() for path in objects)
    repo.ok("gc", "-r", "nas", "--yes", "--grace", "0")
    assert not any(path.exists() for path in objects)


@pytest.mark.parametrize("offset", ["-10y", "+10y"])
def test_a_wrong_clock_hides_no_change(repo: Repo, offset: str) -> None:
    repo.write("m.bin", noise("old", LARGE))
    at(repo, offset, "add", "m.bin")
    stamp = repo.path("m.bin").stat()
    repo.write("m.bin", noise("new", LARGE))
    os.utime(repo.path("m.bin"), ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    for back in (offset, "+0"):
        assert "modified" in at(repo, back, "status").out
    at(repo, offset, "add", "m.bin")
    repo.remove("m.bin")
    at(repo, offset, "checkout")
    assert repo.read("m.bin") == noise("new", LARGE)


# Files that do not hold still, sizes that are not true.


SIZE = 16 << 20


def test_a_file_that_is_written_to_all_the_time(repo: Repo) -> None:
    """It is refused, or stored as it was at some moment; never a mixture under a wrong name."""
    repo.write("log.bin", noise("log", SIZE))
    repo.write("still.bin", noise("still", LARGE))
    script = (
        "import os, sys\nfd = os.open(sys.argv[1], os.O_RDWR)\nprint(flush=True)\nnumber = 0\n"
        "while True:\n  number += 1\n  os.pwrite(fd, number.to_bytes(8, 'big') * 512, number % 4000 * 4096)\n"
    )
    writer = subprocess.Popen([sys.executable, "-c", script, str(repo.path("log.bin"))], stdout=subprocess.PIPE)
    try:
        assert writer.stdout
        writer.stdout.readline()
        for _ in range(50):
            if (result := repo.mvc("add", "log.bin", "still.bin")).code:
                break
            repo.ok("verify")  # nobody wrote just then: as it was at some moment
            repo.ok("rm", "--keep", "log.bin")
    finally:
        writer.kill()
        writer.communicate()
    assert result.code == 3, result
    assert "changed while it was read" in result.errors[0]
    assert repo.path("still.bin.mvc").exists()
    assert not repo.path("log.bin.mvc").exists()
    assert repo.path("log.bin").stat().st_size == SIZE
    assert repo.debris() == []
    repo.ok("add", "log.bin")
    repo.ok("verify")


def _claiming(repo: Repo, size: int) -> str:
    raw = repo.read("m.bin.mvc").decode()
    return raw.replace(f"size: {LARGE}", f"size: {size}")


@pytest.mark.parametrize("remote", ["honest", "lacks it"])
def test_a_pointer_that_claims_an_absurd_size(repo: Repo, tmp_path: Path, remote: str) -> None:
    """Refused at once, by the room there is, and nothing is written."""
    repo.ok("remote", "add", "store", str(tmp_path / "remote"), "--default")
    repo.added("m.bin", noise("m", LARGE))
    repo.ok("push")
    repo.write("m.bin.mvc", _claiming(repo, 2**62))
    if remote == "lacks it":
        repo.write("m.bin.mvc", repo.read("m.bin.mvc").decode().replace(repo.digest("m.bin"), "ab" * 32))
    repo.git("add", ".")
    repo.git("commit", "-qm", "absurd", "--no-verify")
    clone = repo.clone(tmp_path / "clone")
    for args in (("pull",), ("fetch",), ("checkout",), ("get", str(repo.root), "m.bin", "-o", "got")):
        start = time.monotonic()
        result = clone.mvc(*args)
        assert result.code in (1, 2, 3), result
        assert len(result.errors) == 1, result
        assert time.monotonic() - start < 30, result
        assert not clone.path("m.bin").exists()
    assert sum(path.stat().st_size for path in (clone.store / "tmp").rglob("*") if path.is_file()) <= LARGE
    assert clone.mvc("status").code == 0
    clone.ok("verify")
