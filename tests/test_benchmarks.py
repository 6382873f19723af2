"""The harness measures what it says it measures."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from harness import PROJECT

from benchmarks import against, material, measure, merge_cases, prepare, server, terminal, tools, transfer_cases
from benchmarks.__main__ import misses
from benchmarks.case import Case
from benchmarks.cases import CASES
from benchmarks.prepare import Place
from benchmarks.transfer_tools import TRANSFER_TOOLS

pytestmark = pytest.mark.long
MVC = tools.ALL[0]
KNOWN = {tool.name: tool for tool in (*tools.ALL, *TRANSFER_TOOLS, *tools.MADE_HERE)}


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


def test_memory_is_that_of_all_processes_together(environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "repository").mkdir()
    holding = "data = b'x' * (64 << 20); print('held', flush=True); input()"
    program = f"""
import subprocess, sys, time
data = b'x' * (64 << 20)
child = subprocess.Popen([sys.executable, "-c", {holding!r}], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
child.stdout.readline()
time.sleep(0.5)
child.communicate(b"\\n")
"""
    # From a process of its own: a child's peak is at least what its parent has when it is forked.
    measuring = f"""
import os, sys
from pathlib import Path
sys.path.insert(0, {str(PROJECT)!r})
from benchmarks import measure
print(measure.run([sys.executable, "-c", {program!r}], Path({str(tmp_path / "repository")!r}), dict(os.environ)).memory)
"""
    done = subprocess.run([sys.executable, "-c", measuring], env=environ, capture_output=True, text=True, check=True)
    assert 128 < float(done.stdout) < 192


_AT_A_TERMINAL = """
import os, signal
signal.signal(signal.SIGINT, lambda *_: os._exit({code}))
print(" 1 %  done", flush=True)
signal.pause()
"""


@pytest.mark.parametrize("measured", [terminal.until_progress, terminal.after_interrupt])
def test_a_command_shows_progress_and_is_interrupted(measured: measure.Measured, tmp_path: Path) -> None:
    def program(code: int) -> list[str]:
        return [sys.executable, "-c", _AT_A_TERMINAL.format(code=code)]

    assert measured(program(terminal.INTERRUPTED), tmp_path, os.environ).wall > 0
    with pytest.raises(RuntimeError, match="exit code 1 after Ctrl-C"):
        measured(program(1), tmp_path, os.environ)
    with pytest.raises(RuntimeError, match="no progress was shown"):
        measured([sys.executable, "--version"], tmp_path, os.environ)


def test_a_program_without_its_package_is_left_out(tmp_path: Path) -> None:
    peer = MVC._replace(package="somelib")
    assert tools.installed([peer], str(tmp_path / "bin")) == ()
    (tmp_path / "lib/python3.11/site-packages/somelib").mkdir(parents=True)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python3").touch()
    (found,) = tools.installed([peer], str(tmp_path / "bin"))
    assert dict(found.environ)["PEER_PYTHON"] == str(tmp_path / "bin/python3")


def test_the_server_is_emptied(environ: dict[str, str], tmp_path: Path) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{environ['PATH']}"
    with server.serving(tmp_path / "server", path) as reached:
        own = {**environ, **reached, "BUCKET": "bench-test", "PEER_PYTHON": sys.executable}
        folder = tmp_path / "here"
        folder.mkdir()
        (folder / "one.bin").write_bytes(b"content")
        s3fs = KNOWN["s3fs"]

        def run(job: str) -> int:
            return subprocess.run(s3fs.jobs[job], cwd=folder, env=own, capture_output=True, check=False).returncode

        server.empty(own)
        assert run("push FILE") == 0
        (folder / "one.bin").unlink()
        assert run("pull FILE") == 0
        assert (folder / "one.bin").read_bytes() == b"content"
        server.empty(own)
        assert run("pull FILE") != 0
    assert not (tmp_path / "server").exists()


@pytest.mark.parametrize("load", ["FILE", "DIR"])
def test_what_is_pulled_is_what_was_pushed(load: str, environ: dict[str, str], tmp_path: Path) -> None:
    """The steps around the measured commands, with mvc and a directory."""
    make = prepare.with_file(600 << 10) if load == "FILE" else prepare.with_directory(20, 1 << 10)
    moved = transfer_cases.Load("little", load, make)
    own = {**environ, "DVC_SITE_CACHE_DIR": str(tmp_path / "dvc")}
    (tmp_path / "kept").mkdir()
    for name, tool in (("mvc", KNOWN["mvc-folder"]), ("plain", KNOWN["cp+sync"])):
        if name == "plain" and load == "DIR":
            continue
        place = Place(tmp_path / "kept", tmp_path / "work" / name / "r", own)
        place.repository.mkdir(parents=True)
        case = transfer_cases.pull(moved)
        case.prepare(tool, place)
        case.renew(tool, place)
        assert not (place.repository / "one.bin").exists()
        assert not (place.repository / "d").exists()
        measure.run(case.command(tool, place), place.repository, place.environ)
        kept = next((tmp_path / "kept").iterdir())
        found = place.repository / ("one.bin" if load == "FILE" else "d")
        assert _contents(found) == _contents(kept)
        case.after(tool, place)
        assert not place.repository.exists()


def _contents(path: Path) -> dict[str, bytes]:
    files = path.iterdir() if path.is_dir() else [path]
    return {file.name if path.is_dir() else "": file.read_bytes() for file in files}


@pytest.mark.parametrize("number", range(3))
@pytest.mark.parametrize("name", ["mvc", "git"])
def test_a_merge_is_checked(number: int, name: str, environ: dict[str, str], tmp_path: Path) -> None:
    case = merge_cases.cases(merge_cases.Merge(400, 5, 10), "little")[number]
    place = Place(tmp_path, tmp_path / "work" / name / "r", {**environ, "MVC_HOOKS_ENABLED": "false"})
    place.repository.mkdir(parents=True)
    case.prepare(KNOWN[name], place)
    for _ in range(2):
        case.renew(KNOWN[name], place)
        if (number, name) != (2, "git"):
            with pytest.raises(RuntimeError, match="the merge is wrong"):
                case.after(KNOWN[name], place)
        measure.run(case.command(KNOWN[name], place), place.repository, place.environ)
        case.after(KNOWN[name], place)


def test_too_many_requests_are_missed() -> None:
    case = next(case for case in CASES if case.requests)
    run = measure.summarise([measure.Run(0.1, 0.1, 10)])
    assert misses(case, run, {}, case.requests) == ""
    assert f"{case.requests + 1} requests" in misses(case, run, {}, case.requests + 1)
    assert "requests" in misses(case, run, {}, 0), "nothing counted is no proof"
