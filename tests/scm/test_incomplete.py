"""Clones that know only a part of the history: which of them have no tags."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness import Repo

from mvc.scm.incomplete import lacks_tags
from mvc.scm.plumbing import Git

TAGS = "+refs/tags/*:refs/tags/*"


@pytest.fixture
def repo(tmp_path: Path, environ: dict[str, str]) -> Repo:
    repo = Repo(tmp_path / "repo", environ)
    repo.root.mkdir()
    repo.git("init", "-q")
    return repo


def lack(repo: Repo) -> str:
    found = lacks_tags(Git(str(repo.root), repo.environ))
    return found.fix if found else ""


def test_without_remotes_nothing_is_lacking(repo: Repo) -> None:
    assert lack(repo) == ""
    repo.git("config", "remote.origin.tagOpt", "--no-tags")
    assert lack(repo) == ""


def test_without_origin_all_remotes_must_be_without_tags(repo: Repo) -> None:
    repo.git("remote", "add", "--no-tags", "fork", "/nowhere")
    assert lack(repo) == "git config --unset remote.fork.tagOpt && git fetch --tags fork"
    repo.git("remote", "add", "github", "/elsewhere")
    assert lack(repo) == ""
    repo.git("config", "remote.github.tagOpt", "--no-tags")
    assert lack(repo).endswith("fork")


def test_origin_counts_before_others(repo: Repo) -> None:
    repo.git("remote", "add", "github", "/elsewhere")
    repo.git("remote", "add", "--no-tags", "origin", "/nowhere")
    assert lack(repo).endswith("origin")


@pytest.mark.parametrize("refspec", [TAGS, TAGS.removeprefix("+"), "+refs/*:refs/*"])
def test_tags_that_are_fetched_by_their_refspec(repo: Repo, refspec: str) -> None:
    repo.git("remote", "add", "--no-tags", "origin", "/nowhere")
    repo.git("config", "--add", "remote.origin.fetch", refspec)
    assert lack(repo) == ""


def test_some_tags_are_not_all(repo: Repo) -> None:
    repo.git("remote", "add", "--no-tags", "origin", "/nowhere")
    repo.git("config", "--add", "remote.origin.fetch", "+refs/tags/v1*:refs/tags/v1*")
    assert lack(repo)
