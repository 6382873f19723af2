"""The commands against a real S3 server: push, a clone, pull, and what stands in between."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from harness import LARGE, MANY, Repo, noise
from s3 import S3Server

from mvc.store.s3 import S3Bucket

HUGE = noise("huge", 1 << 20) * 40
"""Several parts of an upload and of a download."""


@pytest.fixture
def s3_repo(repo: Repo, s3_server: S3Server, s3_url: str) -> Repo:
    """Return a repository with content of all sizes, and a bucket as its remote; keys are in the environment."""
    S3Bucket(s3_url, s3_server.options).write("there", b"a bucket that is there")  # the server makes it by itself
    repo.ok("remote", "add", "bucket", s3_url, "-o", f"endpoint_url={s3_server.endpoint}", "-o", "region=us-east-1")
    repo.environ.update(s3_server.environ)
    repo.write("m.bin", noise("m", LARGE))
    repo.write("huge.bin", HUGE)
    repo.write_dir("few", 3)
    repo.write_dir("many", MANY)
    repo.ok("add", "m.bin", "huge.bin", "few", "many")
    repo.commit("all")
    return repo


def test_there_and_back(s3_repo: Repo, tmp_path: Path) -> None:
    sent = s3_repo.ok("push", "--json").json
    assert sent["transferred"] == MANY + 1 + 2  # few and many share files
    assert sent["requests"] <= 50
    again = s3_repo.ok("push", "--json").json
    assert (again["transferred"], again["skipped"]) == (0, sent["transferred"])
    assert s3_repo.ok("status", "--pushed", "--exit-code")
    clone = s3_repo.clone(tmp_path / "clone")
    got = clone.ok("pull", "--json").json
    assert got["transferred"] == sent["transferred"]
    assert got["requests"] <= 50
    for name in "m.bin", "huge.bin":
        assert clone.read(name) == s3_repo.read(name)
    for name in "few", "many":
        assert clone.contents(name) == s3_repo.contents(name)
    clone.ok("verify")
    clone.ok("verify", "-r", "bucket")


def test_five_changed_files_move_five_files(s3_repo: Repo, tmp_path: Path) -> None:
    s3_repo.ok("push")
    clone = s3_repo.clone(tmp_path / "clone")
    clone.ok("pull")
    for number in range(5):
        s3_repo.write(f"many/part-{number:04}.bin", noise(("new", number), 200))
    s3_repo.added("many")
    assert s3_repo.ok("push", "--json").json["transferred"] == 6
    clone.git("pull", "-q")
    assert clone.ok("pull", "--json").json["transferred"] == 6
    assert clone.contents("many") == s3_repo.contents("many")


def test_a_wrong_secret_is_one_line(s3_repo: Repo) -> None:
    s3_repo.ok("remote", "set", "bucket", "--local", "-o", "secret_access_key=wrong")
    result = s3_repo.fails(3, "push")
    assert result.fixes
    assert not re.search("Traceback|wrong", result.err)
