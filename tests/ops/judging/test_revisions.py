"""Which base the gate takes, of all that are known."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness import Repo

from mvc.errors import MvcError, UsageError
from mvc.ops.judging.ci import CiJob
from mvc.ops.judging.revisions import Revisions, default_base, partial_clone_hint, resolve_base
from mvc.scm.plumbing import Git


@pytest.fixture
def repo(tmp_path: Path, environ: dict[str, str]) -> Repo:
    """Return a repository with two commits on `main`, and a branch `topic` off the first; HEAD merges the two."""
    repo = Repo(tmp_path / "repo", environ)
    repo.root.mkdir()
    repo.git("init", "-q")
    for name in ("one", "two"):
        repo.git("commit", "-q", "--allow-empty", "-m", name)
    repo.git("switch", "-qc", "topic", "main~1")
    repo.git("commit", "-q", "--allow-empty", "-m", "three")
    repo.git("switch", "-q", "--detach", "main")
    repo.git("merge", "-q", "--no-ff", "-m", "merge", "topic")
    return repo


def git(repo: Repo) -> Git:
    return Git(str(repo.root), repo.environ)


def commits(repo: Repo, *names: str) -> tuple[str, ...]:
    return tuple(repo.git("rev-parse", name) for name in names)


def resolved(repo: Repo, job: CiJob, *, head_is_typed: bool = False) -> Revisions:
    (topic,) = commits(repo, "topic")
    return resolve_base(git(repo), job, Revisions("", topic, "gitlab"), head_is_typed=head_is_typed)._replace(steps=())


def test_the_newest_known_base_counts(repo: Repo) -> None:
    old, new, topic = commits(repo, "main~1", "main", "topic")
    job = CiJob("gitlab", target="main", bases=(old,))
    assert resolved(repo, job) == Revisions(old, topic, "gitlab")
    repo.git("update-ref", "refs/remotes/origin/main", "main")
    assert resolved(repo, job) == Revisions(new, topic, "gitlab")


def test_a_merge_that_the_system_made_is_what_lands_unless_a_head_is_typed(repo: Repo) -> None:
    old, new, topic, merge = commits(repo, "main~1", "main", "topic", "HEAD")
    job = CiJob("gitlab", target="main", bases=(new,), may_check_out_merge=True)
    for made in (job, job._replace(checked_out=merge)):
        assert resolved(repo, made) == Revisions(new, merge, "gitlab")
        assert resolved(repo, made, head_is_typed=True) == Revisions(new, topic, "gitlab")
    repo.git("update-ref", "refs/remotes/origin/main", "main")
    assert resolved(repo, job._replace(bases=(old,))) == Revisions(new, merge, "gitlab")
    assert resolved(repo, CiJob("gitlab", bases=(new,), head_is_merge=True)) == Revisions(new, merge, "gitlab")


def test_a_merge_into_a_commit_that_the_target_branch_does_not_have(repo: Repo) -> None:
    """Its first parent may be a commit of whoever made the merge."""
    old, new, topic = commits(repo, "main~1", "main", "topic")
    repo.git("update-ref", "refs/remotes/origin/main", "main")
    repo.git("switch", "-q", "--detach", "main")
    repo.git("commit", "-q", "--allow-empty", "-m", "forged")
    repo.git("merge", "-q", "--no-ff", "-m", "merge", "topic")
    job = CiJob("github", target="main", bases=(old,), may_check_out_merge=True, checked_out="")
    assert resolved(repo, job) == Revisions(new, topic, "gitlab")
    repo.git("update-ref", "-d", "refs/remotes/origin/main")
    with pytest.raises(MvcError, match="which is on no known tip of main") as caught:
        resolved(repo, job)
    assert (caught.value.exit_code, caught.value.fix) == (
        3, "git fetch origin +refs/heads/main:refs/remotes/origin/main",
    )


def test_a_merge_that_somebody_else_checked_out_is_not_what_lands(repo: Repo) -> None:
    new, topic = commits(repo, "main", "topic")
    job = CiJob("github", target="main", bases=(new,), may_check_out_merge=True, checked_out=topic)
    assert resolved(repo, job) == Revisions(new, topic, "gitlab")
    assert resolved(repo, job._replace(head_is_merge=True)) == Revisions(new, topic, "gitlab")


def test_a_base_that_is_not_here_names_what_to_fetch(repo: Repo) -> None:
    with pytest.raises(MvcError, match="target branch release is not in this clone") as caught:
        resolved(repo, CiJob("gitlab", target="release"))
    assert caught.value.fix == "git fetch origin +refs/heads/release:refs/remotes/origin/release"
    with pytest.raises(MvcError, match="the commit before, aaaaaaaaaaaa, is not in this clone"):
        resolved(repo, CiJob("gitlab", bases=("a" * 40,)))


def test_the_default_branch_is_the_remote_s_else_the_local_one(repo: Repo) -> None:
    old, new = commits(repo, "main~1", "main")
    assert default_base(git(repo)).commit == new
    repo.git("update-ref", "refs/remotes/origin/master", "main~1")
    assert default_base(git(repo)).commit == old
    repo.git("branch", "-qm", "main", "trunk")
    repo.git("update-ref", "-d", "refs/remotes/origin/master")
    with pytest.raises(UsageError, match="the target branch is unknown"):
        default_base(git(repo))


def test_only_a_partial_clone_is_told_to_fetch_more(repo: Repo) -> None:
    error = MvcError("git cat-file failed: bad", "git fsck")
    with pytest.raises(MvcError) as caught, partial_clone_hint(git(repo), "azure"):
        raise error
    assert caught.value is error
    repo.git("config", "remote.origin.promisor", "true")
    hint = partial_clone_hint(git(repo), "")
    with pytest.raises(MvcError, match=r"bad \(this is a partial clone\)") as caught, hint:
        raise error
    assert "--filter" in caught.value.fix
    with pytest.raises(UsageError, match=r"^as it was$"), partial_clone_hint(git(repo), ""):
        raise UsageError("as it was")
