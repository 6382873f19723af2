"""Partial clones: mvc fetches nothing, names what is missing, and says how to fetch it."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness import Begin, Repo

NEED_HISTORY = (
    "log models/m.bin", "gc", "diff HEAD~1 HEAD", "ls HEAD~1", "checkout --rev HEAD~1 models/m.bin",
    "push --dry-run --all-commits", "push --dry-run --rev HEAD~1", "eval show HEAD~1:models/m.bin",
    "gate --base HEAD~1 --head HEAD",
)
NEED_NONE = ("status", "ls", "diff", "eval show models/m.bin", "checkout models/m.bin", "push --dry-run", "doctor")


def with_two_versions(repo: Repo) -> None:
    """Commit two versions of a model and its report, pushed; each version has blobs of its own."""
    repo.ok("remote", "add", "nas", "../nas")
    repo.write(".mvc/policy.yaml", "mvc-policy: 1\ndefaults: {report: optional}\n")
    repo.git("add", ".mvc")
    for tag in ("v1.0.0", "v1.1.0"):
        repo.write("models/m.bin", f"model {tag}")
        repo.write("data/d.bin", f"data {tag}")
        repo.ok("add", "models/m.bin", "data/d.bin")
        repo.ok("eval", "record", "models/m.bin", "--tag", tag, "--metric", "auc=0.9")
        repo.commit(tag)
        repo.ok("push")
    repo.git("config", "uploadpack.allowFilter", "true")


@pytest.fixture
def hub(begin: Begin) -> Repo:
    """Return a repository that serves partial clones."""
    return begin(with_two_versions)


def partial(hub: Repo, *options: str) -> Repo:
    clone = Repo(hub.root.parent / "partial", hub.environ)
    hub.git("clone", "-q", *options, f"file://{hub.root}", str(clone.root))
    return clone


@pytest.mark.parametrize("kind", ["blob:none", "tree:0"])
def test_a_command_that_reads_history_names_what_is_missing_and_the_line_that_fetches_it(hub: Repo, kind: str) -> None:
    clone = partial(hub, f"--filter={kind}")
    clone.ok("init")
    clone.ok("pull")
    for line in NEED_NONE:
        assert clone.mvc(*line.split()).code == 0, line
    for line in NEED_HISTORY:
        result = clone.fails(3, *line.split())
        assert "is not in this clone" in result.errors[0], result
        assert "Git object " in result.errors[0], result
        assert set(result.fixes) == {"git fetch --refetch --no-filter origin"}, result
    assert clone.shell(result.fixes[0]).code == 0
    clone.ok("fetch", "--all-commits")
    for line in NEED_HISTORY:
        assert clone.mvc(*line.split()).code in (0, 1), line


def test_the_file_is_named_with_its_commit(hub: Repo) -> None:
    clone = partial(hub, "--filter=blob:none")
    commit = clone.git("rev-parse", "HEAD~1")[:12]
    for line in ("log models/m.bin", "ls HEAD~1", "eval show HEAD~1:models/m.bin"):
        assert f" of {commit} (Git object " in clone.fails(3, *line.split()).errors[0]
    result = clone.mvc("push", "--dry-run", "--all-commits", "--json")
    assert {item["path"] for item in result.json["failed"]} == {"models/m.bin", "data/d.bin"}


def test_commits_can_be_made(hub: Repo) -> None:
    clone = partial(hub, "--filter=blob:none").hooked()
    clone.ok("pull")
    clone.write("models/m.bin", "changed")
    clone.ok("add", "models/m.bin")
    clone.ok("eval", "record", "models/m.bin", "--tag", "v1.2.0", "--metric", "auc=0.91")
    clone.commit("work")
    assert clone.state("models/m.bin") == "clean"


def test_a_sparse_checkout_that_leaves_out_mvc_s_own_files(hub: Repo) -> None:
    clone = partial(hub, "--filter=blob:none", "--sparse")
    result = clone.fails(3, "status")
    assert result.errors[0].startswith(".mvc/config.yaml (Git object ")
    assert clone.shell(result.fixes[0]).code == 0
    assert clone.states() == {"models/m.bin": "not-checked-out", "data/d.bin": "not-checked-out"}
    assert clone.fails(3, "eval", "check").errors[0].startswith("data/d.bin.mvc (Git object ")
    clone.git("sparse-checkout", "add", "models")
    clone.ok("pull", "models/m.bin")
    assert clone.states() == {"models/m.bin": "clean", "data/d.bin": "not-checked-out"}


def test_the_line_fetches_a_commit_that_is_on_no_branch(hub: Repo, tmp_path: Path) -> None:
    hub.git("update-ref", "refs/pull/7/merge", "HEAD")
    hub.git("reset", "-q", "--hard", "HEAD~1")
    ci = Repo(tmp_path / "ci", hub.environ)
    hub.git("init", "-q", str(ci.root))
    ci.git("remote", "add", "upstream", f"file://{hub.root}")
    ci.git("fetch", "-q", "--filter=blob:none", "upstream", "+refs/pull/7/merge:refs/remotes/pull/7/merge")
    ci.git("checkout", "-q", "--detach", "refs/remotes/pull/7/merge")
    result = ci.fails(3, "log", "models/m.bin")
    assert ci.shell(result.fixes[0]).code == 0
    assert len(ci.ok("log", "models/m.bin", "--json").json) == 2
