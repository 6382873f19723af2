"""The remotes in the settings, and the one that a command uses."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from harness import Repo

from mvc.errors import UsageError
from mvc.ops.shared.remotes import base_directory, configured_remotes, default_remote, directory_outside, find_remote
from mvc.project import Project

TWO = """\
remotes:
  nas: {url: "../nas"}
  s3: {url: "s3://bucket/models", region: "eu-central-1"}
"""


@pytest.fixture
def two(repo: Repo, open_fresh: Callable[..., Project]) -> Project:
    """Return a project with two remotes."""
    repo.write(".mvc/config.yaml", TWO)
    return open_fresh()


def test_every_remote_has_its_options(two: Project) -> None:
    remotes = configured_remotes(two.settings)
    assert {name: (remote.url, remote.options) for name, remote in remotes.items()} == {
        "nas": ("../nas", {}), "s3": ("s3://bucket/models", {"region": "eu-central-1"}),
    }


def test_the_only_remote_is_the_default(repo: Repo, open_fresh: Callable[..., Project]) -> None:
    assert default_remote(open_fresh().settings) == ""
    repo.write(".mvc/config.yaml", 'remotes: {nas: {url: "../nas"}}\n')
    assert default_remote(open_fresh().settings) == "nas"
    repo.write(".mvc/config.yaml", TWO)
    assert default_remote(open_fresh().settings) == ""
    assert default_remote(open_fresh(variables={"MVC_REMOTES_DEFAULT": "s3"}).settings) == "s3"


def test_a_directory_is_relative_to_the_top_of_the_main_worktree(repo: Repo, two: Project) -> None:
    assert find_remote(two, "nas").url == f"{repo.root.parent}/nas"
    repo.git("commit", "-q", "--allow-empty", "-m", "one")
    repo.git("worktree", "add", "-q", "../other/linked")
    repo.write("../other/linked/.mvc/config.yaml", TWO)
    with Project.find(two.around._replace(cwd=f"{repo.root.parent}/other/linked")) as linked:
        assert base_directory(linked) == two.root
        assert find_remote(linked, "nas").url == f"{repo.root.parent}/nas"


@pytest.mark.parametrize("name", ["gone", None])
def test_an_unknown_remote_and_no_default_are_refused(two: Project, name: str | None) -> None:
    with pytest.raises(UsageError) as caught:
        find_remote(two, name)
    assert "nas" in caught.value.message + caught.value.fix


@pytest.mark.parametrize("path", [".", "inside/x", ".git/x", "link"])
def test_a_directory_in_the_repository_is_refused(repo: Repo, project: Project, path: str) -> None:
    os.symlink(repo.root, f"{repo.root.parent}/link")
    with pytest.raises(UsageError, match="is inside the repository"):
        directory_outside(project, "nas", f"../{path}" if path == "link" else path)
    assert directory_outside(project, "nas", "../nas") == f"{repo.root.parent}/nas"
