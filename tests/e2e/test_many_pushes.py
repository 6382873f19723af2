"""Many small pushes to one remote: packs stay few, and a pull needs few requests."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness import InProcess, Repo, noise, rounds
from proxy import Request, proxying, refusal
from s3 import S3Server, make_bucket

from mvc.store.buckets.s3.bucket import S3Bucket
from mvc.store.packs.pack_set import MANY_PACKS


def push_often(repo: Repo, in_process: InProcess, pushes: int) -> None:
    """Push one small file at a time."""
    for number in range(pushes):
        repo.write(f"f{number}", noise(number, 2000))
        assert in_process(repo.root, "add", f"f{number}").code == 0
        assert in_process(repo.root, "push", f"f{number}").code == 0
    repo.commit("all")


def test_a_hundred_pushes_to_a_directory(repo: Repo, tmp_path: Path, in_process: InProcess) -> None:
    repo.ok("remote", "add", "nas", str(tmp_path / "nas"))
    push_often(repo, in_process, 100)
    assert len(list((tmp_path / "nas/packs").glob("*.idx"))) <= MANY_PACKS + 1
    clone = repo.clone(tmp_path / "clone")
    clone.ok("pull")
    assert all(clone.read(f"f{number}") == noise(number, 2000) for number in range(100))
    repo.ok("verify", "-r", "nas")


def test_what_a_killed_pull_left_of_an_index_goes(repo: Repo, tmp_path: Path) -> None:
    repo.ok("remote", "add", "nas", str(tmp_path / "nas"))
    repo.write_dir("d", 5)
    repo.ok("add", "d")
    repo.ok("push")
    repo.commit("all")
    clone = repo.clone(tmp_path / "clone")
    clone.ok("fetch")
    (index,) = clone.path(".git/mvc/remotes").rglob("*.idx")
    half = index.with_name("new-x7")
    half.write_bytes(index.read_bytes()[:100])
    clone.ok("verify", "-r", "nas")
    assert not half.exists()
    assert index.exists()


def s3_remote(repo: Repo, server: S3Server, url: str, endpoint: str) -> None:
    """Give a repository a bucket as its remote; keys are in the environment."""
    make_bucket(server, url)
    repo.ok("remote", "add", "bucket", url, "-o", f"endpoint_url={endpoint}", "-o", "region=us-east-1")
    repo.environ.update(server.environ)


def indexes(server: S3Server, url: str) -> int:
    """Return how many packs count on the remote."""
    bucket = S3Bucket(url, server.options)
    try:
        return sum(item.key.endswith(".idx") for item in bucket.list("packs/"))
    finally:
        bucket.close()


@pytest.mark.sampled
def test_many_pushes_to_s3(
    repo: Repo,
    tmp_path: Path,
    in_process: InProcess,
    s3_server: S3Server,
    s3_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    s3_remote(repo, s3_server, s3_url, s3_server.endpoint)
    for name, value in s3_server.environ.items():
        monkeypatch.setenv(name, value)
    many = rounds("MVC_MANY_PACKS", 10, MANY_PACKS)
    monkeypatch.setattr("mvc.store.remote.compaction.MANY_PACKS", many)
    push_often(repo, in_process, many + 4)
    assert indexes(s3_server, s3_url) <= 4
    clone = repo.clone(tmp_path / "clone")
    got = clone.ok("pull", "--json").json
    assert (got["transferred"], got["requests"] <= 12) == (many + 4, True)
    repo.ok("verify", "-r", "bucket")


def test_who_may_not_delete_pushes_all_the_same(
    repo: Repo,
    in_process: InProcess,
    s3_server: S3Server,
    s3_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refused: list[Request] = []

    def rule(request: Request) -> object:
        if request.method == "DELETE" or (request.method == "POST" and "delete" in request.path):
            refused.append(request)
            return refusal(403, "AccessDenied")
        return None

    monkeypatch.setattr("mvc.store.remote.compaction.MANY_PACKS", 3)
    for name, value in s3_server.environ.items():
        monkeypatch.setenv(name, value)
    with proxying(s3_server.port) as proxy:
        proxy.rule = rule
        s3_remote(repo, s3_server, s3_url, proxy.endpoint)
        push_often(repo, in_process, 6)
    assert len(refused) == 3
    assert indexes(s3_server, s3_url) == 6
