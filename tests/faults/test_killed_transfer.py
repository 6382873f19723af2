"""A push to a real S3 server and a pull from it, killed at one request after another.

MVC_KILLS=0 tries all of them.
"""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest
from blake3 import blake3
from harness import LARGE, MANY, MVC, Repo, noise, rounds
from proxy import Answer, Fault, Proxy, Request
from s3 import S3Server

from mvc.store.buckets.s3.bucket import S3Bucket

KILLS = rounds("MVC_KILLS", 3, 0)
"""How many of each; 0: all."""
HUGE = noise("huge", 1 << 20) * 34
"""Several parts of an upload and of a download."""
FILES = ("m.bin", "huge.bin")
MOMENTS = ("asked", "answered")
"""Dead before the server has the request, or before the answer is here."""


@pytest.fixture
def bucket(s3_server: S3Server, s3_url: str) -> Iterator[S3Bucket]:
    """Return the remote as it is, without the proxy."""
    made = S3Bucket(s3_url, s3_server.options)
    made.write("there", b"a bucket that is there")
    yield made
    made.close()


@pytest.fixture
def pushing(repo: Repo, s3_server: S3Server, s3_url: str, proxy: Proxy, bucket: S3Bucket) -> Repo:
    """Return a repository with large, small and many files, whose remote is reached through the proxy."""
    repo.ok("remote", "add", "bucket", s3_url, "-o", f"endpoint_url={proxy.endpoint}", "-o", "region=us-east-1")
    repo.environ.update(s3_server.environ)
    repo.write("m.bin", noise("m", LARGE))
    repo.write("huge.bin", HUGE)
    repo.write_dir("many", MANY)
    repo.ok("add", *FILES, "many")
    repo.commit("all")
    return repo


def killed_at(repo: Repo, proxy: Proxy, command: str, number: int, moment: str) -> None:
    """Run `mvc COMMAND`, and kill it at the request of that number, if it makes as many."""
    begun, made = Event(), 0

    def die() -> None:
        begun.wait()
        process.kill()

    def answered(answer: Answer) -> Answer:
        die()
        return answer

    def rule(_: Request) -> Fault | None:
        nonlocal made
        made += 1
        if made != number:
            return None
        if moment == "asked":
            die()
        return Fault(answer=answered)

    proxy.rule = rule
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([MVC, command], cwd=repo.root, env=repo.environ, **quiet) as process:
        begun.set()
    proxy.rule = lambda _: None
    assert process.returncode == -signal.SIGKILL or made < number, (number, moment)


def count_of(repo: Repo, proxy: Proxy, command: str) -> int:
    """Return how many requests `mvc COMMAND` makes."""
    before = len(proxy.seen)
    repo.ok(command)
    return len(proxy.seen) - before


def points(count: int) -> list[tuple[int, str]]:
    """Return the requests at which to kill: the first, the last and some in between, at alternate moments."""
    every = [(number, moment) for number in range(1, count + 1) for moment in MOMENTS]
    if not KILLS:
        return every
    return sorted({every[index * (len(every) - 1) // (KILLS - 1)] for index in range(KILLS)})


def damaged(bucket: S3Bucket) -> list[str]:
    """Return the objects and packs of a remote that are not what their names say, or are halves."""
    items = list(bucket.list(""))
    keys = {item.key for item in items}
    loose = [item for item in items if item.key.startswith("objects/")]
    wrong = [item.key for item in loose if blake3(bucket.read(item, 0, item.size)).hexdigest() != item.key[-64:]]
    return wrong + [key for key in keys if key.endswith(".idx") and f"{key[:-4]}.pack" not in keys]


def check_push(repo: Repo, bucket: S3Bucket) -> None:
    """After a push was killed: nothing wrong is there, and the same line does the rest."""
    assert damaged(bucket) == []
    assert repo.ok("push", "--json").json["failed"] == []
    assert repo.debris() == []
    repo.ok("status", "--pushed", "--exit-code")
    repo.ok("verify", "-r", "bucket")
    assert repo.ok("push", "--json").json["transferred"] == 0


def check_pull(repo: Repo, clone: Repo) -> None:
    """After a pull was killed: nothing wrong is there, and the same line does the rest."""
    clone.ok("verify")
    assert clone.ok("pull", "--json").json["failed"] == []
    assert clone.debris() == []
    clone.ok("verify")
    clone.ok("status", "--exit-code")
    for name in FILES:
        assert clone.read(name) == repo.read(name)
    assert clone.contents("many") == repo.contents("many")


@pytest.mark.sampled
def test_a_push_killed_at_a_request(pushing: Repo, proxy: Proxy, bucket: S3Bucket) -> None:
    count = count_of(pushing, proxy, "push")
    for number, moment in points(count):
        bucket.delete([item.key for item in bucket.list("") if item.key != "there"])
        killed_at(pushing, proxy, "push", number, moment)
        check_push(pushing, bucket)


@pytest.mark.sampled
def test_a_pull_killed_at_a_request(pushing: Repo, proxy: Proxy, tmp_path: Path) -> None:
    pushing.ok("push")
    count = count_of(pushing.clone(tmp_path / "clone"), proxy, "pull")
    for number, moment in points(count):
        clone = pushing.clone(tmp_path / f"{number}-{moment}")
        killed_at(clone, proxy, "pull", number, moment)
        check_pull(pushing, clone)
