"""The states of Git's hooks."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness import Repo

from mvc.ops.shared.hook_scripts import find_hooks, foreign_folder, hook_state, is_own_folder, script, script_path
from mvc.project import Project

NAME = "pre-push"
OTHER = b"#!/bin/sh\nexit 0\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return an empty directory of hooks."""
    path = tmp_path / "hooks"
    path.mkdir()
    return path


def lay(path: Path, content: bytes, mode: int = 0o755) -> None:
    """Write a hook."""
    path.write_bytes(content)
    path.chmod(mode)


@pytest.mark.parametrize(
    ("content", "state"),
    [
        (script(NAME), "installed"),
        (script("pre-commit"), "outdated"),
        (script(NAME) + b"echo\n", "edited"),
        (OTHER, "missing"),
        (OTHER + b'mvc hook run pre-push "$@"\n', "called"),
        (OTHER + b"# mvc hook run pre-push\n", "missing"),
        (b"", "missing"),
    ],
)
def test_a_hook_s_state_is_told_by_its_content(folder: Path, content: bytes, state: str) -> None:
    assert hook_state(str(folder), NAME) == "missing"
    lay(folder / NAME, content)
    assert hook_state(str(folder), NAME) == state


def test_a_hook_that_git_cannot_run_is_missing(folder: Path) -> None:
    lay(folder / NAME, script(NAME), 0o644)
    assert hook_state(str(folder), NAME) == "missing"


def test_a_hook_that_pre_commit_has_renamed_is_found(folder: Path) -> None:
    lay(folder / NAME, OTHER)
    lay(folder / f"{NAME}.legacy", script(NAME))
    assert script_path(str(folder), NAME) == f"{folder}/{NAME}.legacy"
    assert hook_state(str(folder), NAME) == "installed"
    (folder / f"{NAME}.legacy").chmod(0o644)
    assert hook_state(str(folder), NAME) == "missing"


def test_the_hook_that_husky_calls_counts(folder: Path) -> None:
    (folder / "_").mkdir()
    lay(folder / "_" / NAME, OTHER)
    assert hook_state(str(folder / "_"), NAME) == "missing"
    lay(folder / NAME, b"mvc hook run pre-push\n")
    assert hook_state(str(folder / "_"), NAME) == "called"


def test_hooks_outside_the_repository_belong_to_others_as_well(repo: Repo, project: Project) -> None:
    assert is_own_folder(project.layout, f"{repo.root}/.git/hooks")
    assert not is_own_folder(project.layout, f"{repo.root}/.githooks")
    repo.git("config", "core.hooksPath", "../shared")
    found = find_hooks(project)
    assert (found.own, found.wanted, found.missing) == (False, False, ())
    assert found.fix == foreign_folder(found.folder).fix
    assert found._replace(wanted=True).missing == tuple(hook.name for hook in found.hooks)
