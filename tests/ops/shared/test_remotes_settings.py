"""The remotes in the settings, and the one that a command uses."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from harness import Repo

from mvc.errors import UsageError
from mvc.ops.remotes.manage import typed
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


def bare_beside_its_worktrees(repo: Repo, folder: Path) -> str:
    repo.git("clone", "-q", "--bare", str(repo.root), f"{folder}/r.git")
    repo.git("-C", f"{folder}/r.git", "worktree", "add", "-q", "../first", "main")
    return str(folder / "nas")


def bare_in_a_folder(repo: Repo, folder: Path) -> str:
    repo.git("clone", "-q", "--bare", str(repo.root), f"{folder}/.bare")
    (folder / ".git").write_text("gitdir: ./.bare\n")
    repo.git("-C", str(folder), "worktree", "add", "-q", "first", "main")
    return str(folder / "nas")


def bare_called_as_git_s_own_directory(repo: Repo, folder: Path) -> str:
    repo.git("clone", "-q", "--bare", str(repo.root), f"{folder}/.git")
    repo.git("-C", str(folder), "worktree", "add", "-q", "first", "main")
    return str(folder.parent / "nas")


def submodule(repo: Repo, folder: Path) -> str:
    repo.git("init", "-q", f"{folder}/super")
    repo.git("-C", f"{folder}/super", "submodule", "--quiet", "add", str(repo.root), "deep/sub")
    (folder / "first").symlink_to(folder / "super/deep/sub")
    return str(folder / "super/deep/nas")


@pytest.mark.parametrize(
    "make", [bare_beside_its_worktrees, bare_in_a_folder, bare_called_as_git_s_own_directory, submodule],
)
def test_a_directory_is_the_same_in_every_worktree(
    repo: Repo, two: Project, tmp_path: Path, make: Callable[[Repo, Path], str],
) -> None:
    repo.git("add", ".mvc")
    repo.commit()
    folder = tmp_path / "folder"
    folder.mkdir()
    nas = make(repo, folder)
    repo.git("-C", f"{folder}/first", "worktree", "add", "-q", "-b", "topic", f"{folder}/a/b/second")
    for name in ("first", "a/b/second"):
        with Project.find(two.around._replace(cwd=f"{folder}/{name}")) as project:
            assert find_remote(project, "nas").url == nas, name
            here = os.path.relpath(nas, os.path.realpath(f"{folder}/{name}"))
            assert directory_outside(project, "nas", typed(project, "new", here).path) == nas, name


def test_where_git_does_not_know_the_main_worktree_a_relative_directory_is_refused(
    repo: Repo, two: Project, tmp_path: Path,
) -> None:
    repo.git("add", ".mvc")
    repo.commit()
    repo.git("clone", "-q", f"--separate-git-dir={tmp_path}/gd", str(repo.root), f"{tmp_path}/main")
    repo.git("-C", f"{tmp_path}/main", "worktree", "add", "-q", "../a/linked")
    with Project.find(two.around._replace(cwd=f"{tmp_path}/main")) as project:
        assert find_remote(project, "nas").url == f"{tmp_path}/nas"
    with Project.find(two.around._replace(cwd=f"{tmp_path}/a/linked")) as project:
        with pytest.raises(UsageError, match="is relative to the main worktree, which Git does not know from here"):
            find_remote(project, "nas")
        assert typed(project, "new", "../../nas").path == f"{tmp_path}/nas"


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
