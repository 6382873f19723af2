"""A pull and a push against a real S3 server, while others change it, while it stalls, and with Ctrl-C."""

from __future__ import annotations

import fcntl
import os
import re
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pytest
from harness import LARGE, MANY, MVC, InProcess, Repo, noise
from proxy import Answer, Fault, Proxy, Request, refusal
from s3 import S3Server, make_bucket

from mvc.objects.hashing import hash_bytes
from mvc.store.buckets.bucket import PART
from mvc.store.buckets.s3.bucket import S3Bucket
from mvc.store.remote.location import SPAN
from mvc.store.remote.sending import put_packs
from mvc.store.remote.store import RemoteStore, one_by_one
from mvc.transfer.pool import JOBS

HUGE = noise("huge", 1 << 20) * 34
"""Several parts of an upload and of a download."""
MEDIUM = 1 << 20
FLOCK = 73
"""The number of the system call."""


@pytest.fixture
def s3_repo(repo: Repo, s3_server: S3Server, s3_url: str) -> Repo:
    """Return a repository with content of all sizes, and a bucket as its remote; keys are in the environment."""
    make_bucket(s3_server, s3_url)
    repo.ok("remote", "add", "bucket", s3_url, "-o", f"endpoint_url={s3_server.endpoint}", "-o", "region=us-east-1")
    repo.environ.update(s3_server.environ)
    repo.write("m.bin", noise("m", LARGE))
    repo.write("huge.bin", HUGE)
    repo.write_dir("many", MANY)
    repo.ok("add", "m.bin", "huge.bin", "many")
    repo.commit("all")
    return repo


# What happens in between.


def through(proxy: Proxy, clone: Repo) -> Repo:
    """Let a clone reach the remote through the proxy only."""
    clone.ok("remote", "set", "bucket", "--local", "-o", f"endpoint_url={proxy.endpoint}")
    return clone


def once(proxy: Proxy, which: Callable[[Request], bool], act: Callable[[], object]) -> list[Request]:
    """Call `act` before the first request of a kind is passed on; return that request once it was seen."""
    seen: list[Request] = []

    def rule(request: Request) -> None:
        if not seen and which(request):
            seen.append(request)
            act()

    proxy.rule = rule
    return seen


def compacted(bucket: S3Bucket, folder: Path) -> None:
    """Replace every pack of a remote by one with the same objects and more, as a compaction by others does."""
    store = RemoteStore(bucket, str(folder / "indexes"))
    old = [item for item, _ in store.packs().values()]
    bodies = [
        (record.digest, bucket.read(item, record.offset, record.offset + record.stored))
        for item, index in store.packs().values() for record in index.records()
    ]
    put_packs(store, [*bodies, (hash_bytes(b"more"), b"more")], str(folder))
    bucket.delete([key for item in old for key in (f"{item.key[:-5]}.idx", item.key)])


@pytest.mark.parametrize("suffix", ["idx", "pack"])
def test_packs_that_are_replaced_meanwhile_are_looked_for_again(
    s3_repo: Repo, proxy: Proxy, s3_server: S3Server, s3_url: str, tmp_path: Path, suffix: str,
) -> None:
    s3_repo.ok("push")
    clone = through(proxy, s3_repo.clone(tmp_path / "clone"))
    (tmp_path / "new").mkdir()
    direct = S3Bucket(s3_url, s3_server.options)
    seen = once(
        proxy, lambda request: request.is_range and f".{suffix}" in request.path,
        lambda: compacted(direct, tmp_path / "new"),
    )
    assert clone.ok("pull", "--json").json["failed"] == []
    assert seen
    assert clone.contents("many") == s3_repo.contents("many")
    direct.close()


def test_an_object_that_is_sent_anew_meanwhile_is_looked_for_again(
    s3_repo: Repo, proxy: Proxy, s3_server: S3Server, s3_url: str, tmp_path: Path,
) -> None:
    s3_repo.ok("push")
    clone = through(proxy, s3_repo.clone(tmp_path / "clone"))
    direct = S3Bucket(s3_url, s3_server.options)
    name = s3_repo.digest("m.bin")
    direct.write(f"objects/{name[:2]}/{name}", b"x" * LARGE)

    def mend() -> None:
        direct.write(f"objects/{name[:2]}/{name}", s3_repo.read("m.bin"))

    seen = once(proxy, lambda request: request.is_range and name in request.path, mend)
    assert clone.ok("pull", "m.bin", "--json").json["failed"] == []
    assert seen
    assert clone.read("m.bin") == s3_repo.read("m.bin")
    direct.close()


@pytest.mark.parametrize("size", [5, 20 << 20, len(HUGE), len(HUGE) + 1])
def test_a_part_of_something_else_is_begun_anew(s3_repo: Repo, tmp_path: Path, size: int) -> None:
    s3_repo.ok("push")
    clone = s3_repo.clone(tmp_path / "clone")
    clone.ok("fetch", "m.bin")
    (clone.store / "tmp" / f"{s3_repo.digest('huge.bin')}.part").write_bytes(bytes(size))
    assert clone.ok("pull", "huge.bin", "--json").json["failed"] == []
    assert clone.read("huge.bin") == HUGE
    assert clone.debris() == []
    assert list((clone.store / "quarantine").iterdir()) == []


def test_a_download_that_another_remote_began_goes_on(
    s3_repo: Repo, proxy: Proxy, s3_server: S3Server, s3_url: str, tmp_path: Path,
) -> None:
    """The first part has wrong bytes, which is found only when all parts are there."""
    s3_repo.ok("push")
    direct = S3Bucket(s3_url + "-other", s3_server.options)
    name = s3_repo.digest("huge.bin")
    key = f"objects/{name[:2]}/{name}"
    (tmp_path / "wrong").write_bytes(b"wrong" + HUGE[5:])
    with open(tmp_path / "wrong", "rb") as file:
        direct.upload(key, file.fileno(), len(HUGE), one_by_one)
    RemoteStore(direct, "").prepare()
    direct.close()
    clone = s3_repo.clone(tmp_path / "clone")
    clone.ok("remote", "add", "other", s3_url + "-other", "-o", f"endpoint_url={proxy.endpoint}", "-o", "region=x")
    proxy.rule = lambda request: refusal(403, "AccessDenied") if f"bytes={2 * PART}-" in str(request.headers) else None
    clone.fails(3, "fetch", "-r", "other", "huge.bin")
    (part,) = (clone.store / "tmp").glob("*.part")
    assert part.stat().st_size == 2 * PART
    clone.ok("pull", "huge.bin")
    assert clone.read("huge.bin") == HUGE
    assert clone.debris() == []


# Small objects, killed.

SMALL = 500_000
COUNT = 180
"""Of these, some fill a pack of a transfer, and a part of the next one."""


@pytest.fixture
def small(repo: Repo, s3_server: S3Server, s3_url: str, proxy: Proxy) -> Repo:
    """Return a repository with packs full of small objects; its remote is reached through the proxy."""
    make_bucket(s3_server, s3_url)
    repo.ok("remote", "add", "bucket", s3_url, "-o", f"endpoint_url={proxy.endpoint}", "-o", "region=us-east-1")
    repo.environ.update(s3_server.environ)
    for number in range(COUNT):
        repo.write(f"small/{number}", noise(number, SMALL))
    repo.added("small")
    return repo


def stalling_after(proxy: Proxy, which: Callable[[Request], bool], count: int, waiting: int) -> Callable[[], bool]:
    """Answer that many requests of a kind and no more; return whether that many others are waiting."""
    seen: list[Request] = []

    def rule(request: Request) -> Fault | None:
        if not which(request):
            return None
        seen.append(request)
        return STALL if len(seen) > count else None

    proxy.rule = rule
    return lambda: len(seen) >= count + waiting


def killed(repo: Repo, ready: Callable[[], bool], *args: str) -> None:
    """Run `mvc ARGS`, and kill it once it is `ready`."""
    with subprocess.Popen([MVC, *args], cwd=repo.root, env=repo.environ, stdout=subprocess.DEVNULL) as process:
        try:
            while not ready():
                assert process.poll() is None
                with suppress(subprocess.TimeoutExpired):
                    process.wait(0.02)
        finally:
            process.kill()


def is_of_pack(request: Request) -> bool:
    """Whether a part of a pack is read."""
    return request.is_range and ".pack" in request.path


def test_a_killed_pull_of_small_objects_goes_on(small: Repo, proxy: Proxy, tmp_path: Path) -> None:
    small.ok("push")
    clone = small.clone(tmp_path / "clone")
    stalled = stalling_after(proxy, is_of_pack, 20, 1)  # of 23
    killed(clone, lambda: stalled() and any(clone.store.glob("packs/*.idx")), "fetch")
    proxy.rule = lambda _: None
    assert clone.ok("fetch", "--dry-run", "--json").json["transferred"] < COUNT / 2
    assert clone.ok("pull", "--json").json["transferred"] < COUNT / 2
    assert clone.contents("small") == small.contents("small")
    clone.ok("verify")
    assert clone.debris() == []


def test_ctrl_c_keeps_the_small_objects_that_came(small: Repo, proxy: Proxy, tmp_path: Path) -> None:
    small.ok("push")
    clone = small.clone(tmp_path / "clone")
    asked: set[tuple[str, str]] = set()

    def rule(request: Request) -> Fault | None:
        if not is_of_pack(request):
            return None
        asked.add((request.path, request.headers["range"]))
        return None if request.headers["range"].startswith("bytes=24-") else STALL  # where bodies begin

    proxy.rule = rule
    assert interrupted(clone, lambda _: len(asked) > JOBS, "fetch").code == 130  # so the first one came
    assert clone.debris() == []
    proxy.rule = lambda _: None
    assert clone.ok("fetch", "--dry-run", "--json").json["transferred"] <= COUNT - SPAN // SMALL
    clone.ok("pull")
    clone.ok("verify")


def test_a_killed_push_of_small_objects_goes_on(
    small: Repo, proxy: Proxy, s3_server: S3Server, s3_url: str,
) -> None:
    first: list[str] = []

    def second_pack(request: Request) -> bool:
        if ".pack" not in request.path or request.method not in ("PUT", "POST"):
            return False
        name = request.path.partition(".pack")[0]
        first.append(name)
        return name != first[0]

    killed(small, stalling_after(proxy, second_pack, 0, 1), "push")
    direct = S3Bucket(s3_url, s3_server.options)
    assert len(list(direct.list("packs/"))) == 2  # one with its index
    direct.close()
    proxy.rule = lambda _: None
    assert small.ok("push", "--json").json["transferred"] < COUNT / 2
    small.ok("status", "--pushed", "--exit-code")
    small.ok("verify", "-r", "bucket")
    assert small.debris() == []


def test_a_pack_that_is_refused_takes_no_other_along(
    small: Repo, proxy: Proxy, in_process: InProcess, monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in small.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("mvc.store.packs.builder.STEP", PART)
    packs: dict[str, None] = {}

    def rule(request: Request) -> Fault | None:
        if ".pack" not in request.path or request.method not in ("PUT", "POST"):
            return None
        packs.setdefault(request.path.partition(".pack")[0])
        second = [*packs].index(request.path.partition(".pack")[0]) == 1
        return refusal(403, "AccessDenied") if second else None

    proxy.rule = rule
    result = in_process(small.root, "push", "--json")
    assert (result.code, len(packs)) == (3, 6)
    assert 30 < len(result.json["failed"]) < 40  # those of one pack
    assert result.json["transferred"] == COUNT - len(result.json["failed"])
    proxy.rule = lambda _: None
    assert small.ok("push", "--json").json["transferred"] == len(result.json["failed"])
    small.ok("verify", "-r", "bucket")


# Ctrl-C.


class Interrupted(NamedTuple):
    """What a command said before it was interrupted."""

    code: int
    err: str


def interrupted(repo: Repo, ready: Callable[[subprocess.Popen[str]], bool], *args: str) -> Interrupted:
    """Run `mvc ARGS`, and press Ctrl-C once it is `ready`; it must end while what it waits for does not."""
    with subprocess.Popen(
        [MVC, *args], cwd=repo.root, env=repo.environ, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True,
    ) as process:
        try:
            while not ready(process):
                assert process.poll() is None, process.stderr and process.stderr.read()
                with suppress(subprocess.TimeoutExpired):  # no output announces it: it ends at once
                    process.wait(0.02)
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=30)
        finally:
            process.kill()
    assert "Traceback" not in err
    return Interrupted(process.returncode, err)


STALL = Fault(instead=Answer(200, {}, ending="stall"))


def stalling(proxy: Proxy, which: Callable[[Request], bool], count: int) -> Callable[[object], bool]:
    """Never answer requests of a kind; return whether that many are waiting."""
    waiting: list[Request] = []

    def rule(request: Request) -> Fault | None:
        if not which(request):
            return None
        waiting.append(request)
        return STALL

    proxy.rule = rule
    return lambda _: len(waiting) >= count


@pytest.fixture
def eight(s3_repo: Repo, proxy: Proxy) -> Repo:
    """Return a repository whose remote is reached through the proxy, with enough objects for all threads."""
    for number in range(10):
        s3_repo.write(f"eight/{number}", noise(number, MEDIUM))
    s3_repo.added("eight")
    return through(proxy, s3_repo)


KINDS = {
    "many": ("eight", lambda request: request.method == "PUT" and "/objects/" in request.path, 8),
    "parts": ("huge.bin", lambda request: "partNumber" in request.path, 3),
    "the first request": ("huge.bin", lambda _: True, 1),
}


@pytest.mark.parametrize(("path", "which", "count"), KINDS.values(), ids=KINDS)
def test_ctrl_c_ends_a_push_that_stalls(
    eight: Repo,
    proxy: Proxy,
    s3_server: S3Server,
    s3_url: str,
    path: str,
    which: Callable[[Request], bool],
    count: int,
) -> None:
    assert interrupted(eight, stalling(proxy, which, count), "push", path).code == 130
    direct = S3Bucket(s3_url, s3_server.options)
    assert list(direct.list("objects/")) == []
    direct.close()
    assert eight.debris() == []
    proxy.rule = lambda _: None
    eight.ok("push")
    eight.ok("verify", "-r", "bucket")


@pytest.mark.parametrize(("path", "count"), [("eight", 8), ("huge.bin", 3)])
def test_ctrl_c_ends_a_pull_that_stalls(eight: Repo, proxy: Proxy, tmp_path: Path, path: str, count: int) -> None:
    eight.ok("push")
    clone = through(proxy, eight.clone(tmp_path / "clone"))
    large = stalling(proxy, lambda request: request.is_range and "/objects/" in request.path, count)
    assert interrupted(clone, large, "pull", path).code == 130
    assert clone.states()[path] == "not-in-cache"
    assert [file for file in clone.debris() if file.suffix != ".part"] == []
    proxy.rule = lambda _: None
    clone.ok("pull")
    clone.ok("verify")


def test_ctrl_c_ends_the_waiting_for_another_try(eight: Repo, proxy: Proxy) -> None:
    refused: list[Request] = []

    def rule(request: Request) -> Fault | None:
        if request.method != "PUT" or "/objects/" not in request.path:
            return None
        refused.append(request)
        return refusal(503, "SlowDown")

    proxy.rule = rule
    assert interrupted(eight, lambda _: len(refused) > 20, "push", "eight").code == 130
    assert eight.debris() == []


def test_ctrl_c_ends_the_waiting_for_a_lock(eight: Repo) -> None:
    with open(eight.store / "locks/store", "r+b") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        def waits(process: subprocess.Popen[str]) -> bool:
            return Path(f"/proc/{process.pid}/syscall").read_text().startswith(f"{FLOCK} ")

        for command in ("push", "pull"):
            done = interrupted(eight, waits, command)
            assert (done.code, "waiting for" in done.err) == (130, True)


def hashed(name: str) -> Callable[[subprocess.Popen[str]], bool]:
    """Whether a command has read the beginning of the file `name`."""
    def ready(process: subprocess.Popen[str]) -> bool:
        for link in Path(f"/proc/{process.pid}/fd").iterdir():
            with suppress(FileNotFoundError):
                if link.readlink().name == name:
                    return not (link.parent.parent / "fdinfo" / link.name).read_text().startswith("pos:\t0\n")
        return False

    return ready


def test_ctrl_c_ends_the_hashing_of_a_large_file(eight: Repo) -> None:
    """One of 8 TB, which would take too long."""
    name = eight.digest("m.bin")
    pointer = eight.read("m.bin.mvc").decode()
    eight.write("m.bin.mvc", re.sub(r"size: \d+", f"size: {1 << 43}", pointer))
    path = eight.loose(name)
    path.chmod(0o644)
    os.truncate(path, 1 << 43)
    assert interrupted(eight, hashed(name), "push", "m.bin").code == 130


def test_ctrl_c_ends_the_copying_of_a_large_file(eight: Repo, tmp_path: Path) -> None:
    eight.ok("remote", "add", "nas", str(tmp_path / "nas"))
    eight.ok("push", "-r", "nas", "m.bin")
    name = eight.digest("m.bin")
    there = tmp_path / "nas/objects" / name[:2] / name
    there.chmod(0o644)
    os.truncate(there, 1 << 43)
    clone = eight.clone(tmp_path / "clone")
    clone.ok("remote", "add", "nas", str(tmp_path / "nas"))
    pointer = clone.read("m.bin.mvc").decode()
    clone.write("m.bin.mvc", re.sub(r"size: \d+", f"size: {1 << 43}", pointer))
    part = clone.store / "tmp" / f"{name}.part"

    def copies(_: object) -> bool:
        return part.exists() and part.stat().st_size > 0

    assert interrupted(clone, copies, "pull", "-r", "nas", "m.bin").code == 130
    assert not clone.loose(name).exists()
    assert clone.debris() == [part]
    part.unlink()
