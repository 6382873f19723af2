"""The harness measures what it says it measures."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from harness import PROJECT

from benchmarks import against, material, tools
from benchmarks.cases import CASES, Case
from benchmarks.prepare import Place

MVC = tools.ALL[0]
KNOWN = {tool.name: tool for tool in (*tools.ALL, tools.COPY, tools.FLOOR, tools.FLOOR_HASH)}


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """Return the sources of an mvc of another version."""
    shutil.copytree(PROJECT / "mvc", tmp_path / "other/mvc", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "other/mvc/_version.py").write_text('__version__ = "0.0.1-other"\n')
    return tmp_path / "other"


def test_another_commit_is_what_runs(other: Path, environ: dict[str, str], tmp_path: Path) -> None:
    tool = against.from_source(MVC, other, tmp_path / "bin", environ)
    own = {**environ, **dict(tool.environ)}
    said = subprocess.run(tool.jobs["version"], cwd=tmp_path, env=own, capture_output=True, text=True, check=True)
    assert said.stdout == "mvc 0.0.1-other\n"
    (tmp_path / "repository").mkdir()
    subprocess.run(["git", "init", "-q"], cwd=tmp_path / "repository", env=own, check=True)
    subprocess.run(tool.setup[0], cwd=tmp_path / "repository", env=own, check=True, capture_output=True)


def test_running_the_wrong_code_is_noticed(environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(RuntimeError, match="would run instead of"):
        against.from_source(MVC, tmp_path / "empty", tmp_path / "bin", environ)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_tool_of_a_case_knows_its_job(case: Case, tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    for name in (case.subject, *case.tools):
        assert case.command(KNOWN[name], Place(tmp_path, tmp_path, {})), name
    assert {name for name, _ in case.ratios} <= set(case.tools)


def test_a_history_has_the_commits_and_pointers_that_were_asked_for(environ: dict[str, str], tmp_path: Path) -> None:
    path = material.many_commits(tmp_path, material.History(5, 10, 3))

    def ask(*args: str) -> list[str]:
        done = subprocess.run(["git", *args], cwd=path, env=environ, capture_output=True, text=True, check=True)
        return done.stdout.split()

    assert ask("rev-list", "--count", "main") == ["5"]
    assert ask("ls-tree", "--name-only", "main") == [f"m{number:02}.mvc" for number in range(10)]
    assert len(ask("log", "--format=", "--name-only", "main~4..main")) == 4 * 3
