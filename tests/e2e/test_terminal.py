"""Long commands with one large file, on a terminal: progress by bytes, and Ctrl-C ends them.

The file is sparse and huge: reading it would take many minutes.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from harness import LARGE, Begin, Repo, noise
from proxy import Answer, Fault, Proxy, Request
from s3 import S3Server, make_bucket
from terminal import Shown, interrupted, rest

from mvc.store.buckets.bucket import PART

HUGE = 1 << 40
SIZE = 40 << 20
"""Bytes of a file of three parts."""


def with_model(repo: Repo) -> None:
    """Track a file that is a hard link of its object, and push it to a directory."""
    repo.ok("config", "set", "cache.link", "hardlink")
    repo.write("m.bin", noise("m", LARGE))
    repo.ok("remote", "add", "nas", "../nas", "--default")
    repo.ok("add", "m.bin")
    repo.commit()
    repo.ok("push")


@pytest.fixture
def model(begin: Begin) -> Repo:
    """Return a repository with a model."""
    return begin(with_model)


def stretch(path: Path, size: int) -> None:
    """Make a file sparse and huge, or as it was; its mode stays."""
    mode = path.stat().st_mode
    path.chmod(0o644)
    os.truncate(path, size)
    path.chmod(mode)


def claim(repo: Repo, size: int) -> None:
    """Let the pointer claim a size."""
    pointer = repo.root / "m.bin.mvc"
    pointer.write_text(re.sub(r"^size: \d+$", f"size: {size}", pointer.read_text(), flags=re.MULTILINE))


def object_of(repo: Repo) -> Path:
    """Return the file of the model's object in the cache."""
    name = repo.digest("m.bin")
    return repo.store / "objects" / name[:2] / name


def add(repo: Repo) -> tuple[Path, list[str]]:
    """Let `add` hash a huge file."""
    (repo.root / "m.bin").unlink()
    (repo.root / "m.bin").write_bytes(noise("m", LARGE))
    return repo.root / "m.bin", ["add", "m.bin"]


def status(repo: Repo) -> tuple[Path, list[str]]:
    """Let `status` hash a huge file."""
    return add(repo)[0], ["status"]


def verify(repo: Repo) -> tuple[Path, list[str]]:
    """Let `verify` read a huge object."""
    return object_of(repo), ["verify"]


def verify_quick(repo: Repo) -> tuple[Path, list[str]]:
    """Let `verify --quick` read a huge object."""
    return object_of(repo), ["verify", "--quick"]


def checkout(repo: Repo) -> tuple[Path, list[str]]:
    """Let `checkout` prove a huge object before it links it."""
    (repo.root / "m.bin").unlink()
    return object_of(repo), ["checkout"]


def push(repo: Repo) -> tuple[Path, list[str]]:
    """Let `push` copy a huge object to a directory that lacks it."""
    name = repo.digest("m.bin")
    (repo.root / "../nas/objects" / name[:2] / name).unlink()
    return object_of(repo), ["push"]


def pull(repo: Repo) -> tuple[Path, list[str]]:
    """Let `pull` copy a huge object from a directory."""
    (repo.root / "m.bin").unlink()
    object_of(repo).unlink()
    name = repo.digest("m.bin")
    return repo.root / "../nas/objects" / name[:2] / name, ["pull"]


@pytest.mark.parametrize("command", [add, status, verify, verify_quick, checkout, push, pull])
def test_progress_moves_and_ctrl_c_ends_the_command(
    model: Repo, command: Callable[[Repo], tuple[Path, list[str]]],
) -> None:
    path, line = command(model)
    stretch(path, HUGE)
    if line[0] not in ("add", "status"):
        claim(model, HUGE)
    shown = interrupted(model, lambda shown: len(set(shown.done)) > 2, *line)
    assert (shown.code, shown.last_lines) == (130, ["error: interrupted"])
    stretch(path, LARGE)
    claim(model, LARGE)
    assert [file for file in model.debris() if file.suffix != ".part"] == []
    model.ok(*line)
    model.ok("verify")
    assert model.states() == {"m.bin": "clean"}


@pytest.fixture
def on_s3(model: Repo, proxy: Proxy, s3_server: S3Server, s3_url: str) -> Repo:
    """Return the repository with a file of several parts, and S3 behind a proxy as its remote."""
    make_bucket(s3_server, s3_url)
    model.environ.update(s3_server.environ)
    model.ok("remote", "add", "bucket", s3_url, "-o", f"endpoint_url={proxy.endpoint}", "-o", "region=us-east-1")
    model.write("large.bin", noise("large", 1 << 20) * (SIZE >> 20))
    model.added("large.bin")
    return model


def stalled(above: int) -> Callable[[Shown], bool]:
    """Return the condition that the same number of bytes, more than `above`, was shown twice in a row.

    The proxy lets this happen. How many numbers are shown before depends on the machine.
    """
    return lambda shown: len(shown.done) > 1 and shown.done[-1] == shown.done[-2] > above


def half(answer: Answer) -> Answer:
    """Return an answer that stops in the middle of its body."""
    return answer.with_body(answer.body[: len(answer.body) // 2], len(answer.body))._replace(ending="stall")


def test_a_push_to_s3_tells_bytes_of_parts_and_ctrl_c_ends_it(on_s3: Repo, proxy: Proxy) -> None:
    proxy.rule = lambda request: Fault(taken=PART // 2) if "partNumber" in request.path else None
    shown = interrupted(on_s3, stalled(SIZE), "push", "-r", "bucket", "large.bin")  # SIZE: it was checked
    assert (shown.code, shown.last_lines) == (130, ["error: interrupted"])
    assert shown.done[-1] < 2 * SIZE
    proxy.rule = lambda _: None
    on_s3.ok("push", "-r", "bucket", "large.bin")
    on_s3.ok("verify", "-r", "bucket", "large.bin")


def test_a_pull_from_s3_tells_bytes_of_parts_and_ctrl_c_ends_it(on_s3: Repo, proxy: Proxy, tmp_path: Path) -> None:
    on_s3.ok("push", "-r", "bucket", "large.bin")
    clone = on_s3.clone(tmp_path / "clone")
    clone.ok("remote", "set", "bucket", "--local", "-o", f"endpoint_url={proxy.endpoint}")

    def is_part(request: Request) -> bool:
        return request.is_range and "/objects/" in request.path

    proxy.rule = lambda request: Fault(answer=half) if is_part(request) else None
    shown = interrupted(clone, stalled(0), "pull", "-r", "bucket", "large.bin")
    assert (shown.code, shown.last_lines) == (130, ["error: interrupted"])
    assert shown.done[-1] < SIZE
    proxy.rule = lambda _: None
    clone.ok("pull", "-r", "bucket", "large.bin")
    assert clone.digest("large.bin") == on_s3.digest("large.bin")


def test_a_result_goes_to_stdout_while_stderr_is_a_terminal(model: Repo) -> None:
    ours, theirs = os.openpty()
    line = [str(Path(model.environ["PATH"].partition(":")[0]) / "mvc"), "add", "m.bin", "--json"]
    model.write("m.bin", noise("other", 40 << 20))
    with subprocess.Popen(line, cwd=model.root, env=model.environ, stdout=subprocess.PIPE, stderr=theirs) as process:
        os.close(theirs)
        assert "m.bin" not in rest(ours)
        os.close(ours)
        assert json.load(process.stdout)["added"][0]["path"] == "m.bin"
    assert process.returncode == 0
