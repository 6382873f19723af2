"""An S3 server that is overloaded for a while: transfers outlast it, and stay within their memory."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from harness import MVC, Repo
from proxy import Fault, Proxy, Request, refusal
from s3 import S3Server, make_bucket

from mvc.store.buckets.bucket import PART, Transient
from mvc.store.buckets.retry import TRIES, Clock, Retrying
from mvc.store.buckets.s3.bucket import S3Bucket
from mvc.store.remote.store import one_by_one

PARTS = 10
TIMES = 3
"""How often each part fails: what all tries send exceeds `MEMORY` by far."""
MEMORY = 256 << 20
"""Most bytes of memory of a command: docs/architecture.md, "Moving objects"."""
OVERLOADED = [refusal(500, "InternalError"), refusal(503, "SlowDown")]


@pytest.fixture
def large(repo: Repo, proxy: Proxy, s3_server: S3Server, s3_url: str) -> Repo:
    """Return a repository with a file of `PARTS` parts, and a remote behind the proxy."""
    make_bucket(s3_server, s3_url)
    repo.environ.update(s3_server.environ)
    repo.ok("remote", "add", "bucket", s3_url, "-o", f"endpoint_url={proxy.endpoint}", "-o", "region=us-east-1")
    with (repo.root / "m.bin").open("wb") as file:
        for number in range(PARTS):
            file.write(bytes([number]) * PART)
    repo.added("m.bin")
    return repo


def fail_parts(proxy: Proxy, fault: Fault, part_of: Callable[[Request], str]) -> Counter[str]:
    """Let each part fail `TIMES` times; return how often each was tried."""
    tries = Counter[str]()

    def rule(request: Request) -> Fault | None:
        if not (part := part_of(request)):
            return None
        tries[part] += 1
        return fault if tries[part] <= TIMES else None

    proxy.rule = rule
    return tries


def sent_part(request: Request) -> str:
    """Return the number of the part that a request sends; empty for others."""
    found = re.search(r"partNumber=(\d+)", request.path)
    return found.group(1) if found and request.method == "PUT" else ""


def read_part(request: Request) -> str:
    """Return the range of a large object that a request reads; empty for others."""
    return request.headers["range"] if request.is_range and "/objects/" in request.path else ""


PEAK = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, end="")
sys.exit(done.returncode)
"""


def peak(repo: Repo, *args: str) -> int:
    """Run a command that succeeds; return its peak memory in bytes.

    A small process starts it: the kernel counts what the starting process holds for its peak.
    """
    command = [sys.executable, "-c", PEAK, MVC, *args]
    done = subprocess.run(command, cwd=repo.root, env=repo.environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done
    return int(done.stdout.rpartition("\n")[2]) << 10


@pytest.mark.parametrize("fault", OVERLOADED, ids=["500", "503"])
def test_parts_that_wait_for_another_try_hold_no_memory(
    large: Repo, proxy: Proxy, tmp_path: Path, fault: Fault,
) -> None:
    sent = fail_parts(proxy, fault, sent_part)
    assert peak(large, "push") < MEMORY
    assert sent == {str(number): TIMES + 1 for number in range(1, PARTS + 1)}
    clone = large.clone(tmp_path / "clone")
    clone.ok("remote", "set", "bucket", "--local", "-o", f"endpoint_url={proxy.endpoint}")
    read = fail_parts(proxy, fault, read_part)
    assert peak(clone, "pull") < MEMORY
    assert set(read.values()) == {TIMES + 1}
    assert clone.digest("m.bin") == large.digest("m.bin")


def test_what_a_part_failed_with_is_told_with_its_number_and_the_tries(
    large: Repo, proxy: Proxy, s3_server: S3Server, s3_url: str,
) -> None:
    bucket = S3Bucket(s3_url, {**s3_server.options, "endpoint_url": proxy.endpoint})
    proxy.rule = lambda request: refusal(500, "InternalError") if sent_part(request) == "2" else None
    with (large.root / "m.bin").open("rb") as file, pytest.raises(Transient) as caught:
        Retrying(bucket, Clock(wait=lambda *_: None)).upload("key", file.fileno(), 3 * PART, one_by_one)
    bucket.close()
    text = rf"failed \(InternalError\), part 2 of 3 of key; gave up after {TRIES} tries in \d+ s$"
    assert re.search(text, caught.value.message)
