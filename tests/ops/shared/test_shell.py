"""Paths as they are typed and shown, and command lines to type."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from mvc.errors import UsageError
from mvc.project import Shell


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a worktree with a directory, and symlinks into it and out of it."""
    root = tmp_path / "repo"
    (root / "models").mkdir(parents=True)
    (root / "out").symlink_to(tmp_path)
    (tmp_path / "in").symlink_to(root / "models")
    return root


@pytest.mark.parametrize(
    ("folder", "typed", "path"),
    [
        ("", "models/m.bin", "models/m.bin"),
        ("models", "m.bin", "models/m.bin"),
        ("models", "../data/x", "data/x"),
        ("models", "..", ""),
        ("models", ".", "models"),
        ("../in", "m.bin", "models/m.bin"),
        ("", "out", "out"),
        ("", "out/x", "out/x"),
        ("", "models/.git/x", "models/.git/x"),
    ],
)
def test_a_typed_path_is_one_from_the_top(root: Path, folder: str, typed: str, path: str) -> None:
    assert Shell.at(str(root / folder), str(root)).path(typed) == path


def test_an_absolute_path_through_a_symlink_is_in_the_worktree(root: Path, tmp_path: Path) -> None:
    shell = Shell(str(tmp_path), str(root))
    assert shell.paths([str(tmp_path / "in/m.bin"), str(root / "models")]) == ["models/m.bin", "models"]


@pytest.mark.parametrize("typed", ["../x", "/etc", ".git", ".git/config", ".mvc/config.yaml"])
def test_paths_outside_and_in_git_s_or_mvc_s_directory_are_refused(root: Path, typed: str) -> None:
    with pytest.raises(UsageError) as caught:
        Shell(str(root), str(root)).path(typed)
    assert caught.value.message.startswith(f"{typed} is ")
    assert caught.value.fix


def test_paths_are_shown_relative_to_the_user_s_directory(root: Path, tmp_path: Path) -> None:
    assert Shell(str(root / "models"), str(root)).show("models/m.bin") == "m.bin"
    assert Shell(str(root / "models"), str(root)).show("data/x") == "../data/x"
    assert Shell(str(tmp_path), str(root)).show("data/x") == f"{root}/data/x"


def test_a_line_to_type_is_read_by_the_shell_as_it_was_meant(root: Path) -> None:
    line = Shell(str(root), str(root)).line("mvc add", "a b", "-x", "it's")
    assert shlex.split(line) == ["mvc", "add", "a b", "./-x", "it's"]
