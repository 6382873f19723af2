"""Every line that mvc tells a user to type works in the state in which it is told, and loses nothing."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest
from blake3 import blake3
from harness import PROJECT, Begin, InProcess, Repo, Result
from hints.exceptions import ELSEWHERE, HARMLESS, MAY_DELETE
from hints.lines import PROGRAMS, Site, contents, deleting_texts, hints_of, lines_to_type, lost, sites
from hints.state import BELOW, type_line, world, world_below
from hints.states import STATES

from mvc.fs.progress import Silent

TYPED: dict[str, str] = json.loads((Path(__file__).parent / "typed.json").read_text())
"""The sites whose hints are typed, each with a state in which it gives one."""


@cache
def _places() -> dict[tuple[str, int], str]:
    """Return the sites, by file and line."""
    return {
        (f"{PROJECT}/mvc/{site.module}", line): site.name
        for site in sites() for line in range(site.first, site.last + 1)
    }


@contextmanager
def _watching() -> Iterator[set[str]]:
    """Note which sites run while a command gives its hints."""
    places, met, before = _places(), set[str](), sys.gettrace()
    has_site: dict[CodeType, bool] = {}

    def local(frame: FrameType, event: str, _: object) -> Any:
        place = frame.f_code.co_filename, frame.f_lineno
        if event == "line" and place in places:
            met.add(places[place])
        return local

    def trace(frame: FrameType, event: str, _: object) -> Any:
        code = frame.f_code
        if code not in has_site:
            has_site[code] = any((code.co_filename, line) in places for _, _, line in code.co_lines())
        return local if has_site[code] else None

    sys.settrace(trace)
    try:
        yield met
    finally:
        sys.settrace(before)


@dataclass(frozen=True)
class InThisProcess(Repo):
    """A repository in which `mvc` runs in this process: a fork of another takes twice as long."""

    run_mvc: InProcess

    def mvc(self, *args: str, cwd: Path | str = ".", env: Mapping[str, str] | None = None) -> Result:
        """Run `mvc ARGS`, without variables of its own; no traceback, and no bug."""
        assert not env
        os.chdir(self.root / cwd)  # for a `-C` among the arguments
        result = self.run_mvc(self.root / cwd, *args)
        assert "Traceback" not in result.err, result
        assert result.code in (0, 1, 2, 3), result
        return result


def _runs() -> Iterator[Any]:
    """Return each state at the top of the worktree and below it; `make test` takes one for each hint, at the top."""
    few = set(TYPED.values())
    for name in STATES:
        yield pytest.param(name, "", id=name, marks=() if name in few else pytest.mark.long)
        yield pytest.param(name, BELOW, id=f"{name}, {BELOW}", marks=pytest.mark.long)


@pytest.mark.parametrize(("name", "folder"), [*_runs()])
def test_the_hints_of_a_state(
    name: str, folder: str, begin: Begin, in_process: InProcess, tmp_path: Path,
) -> None:
    wanted = STATES[name]
    top = begin(world_below if folder else world)
    repo = Repo(top.root / folder, top.environ) if folder else InThisProcess(top.root, top.environ, in_process)
    command = wanted.begin(repo)
    with _meanwhile(repo, wanted.meanwhile), _watching() as met:
        result = in_process(repo.root, *command)
    told = {site for site, state in TYPED.items() if state == name}
    assert told <= met, f"no longer made in this state: {told - met}"
    assert result.code in (0, 1, 2, 3), result
    assert "Traceback" not in result.err, result
    hints = hints_of(result)
    assert hints, result
    lines = list(dict.fromkeys(line for hint in hints for line in lines_to_type(hint, wanted.fill)))
    before = contents(top)
    reports = {blake3(path.read_bytes()).hexdigest() for path in repo.root.glob("*.eval.yaml") if path.is_file()}
    for line in lines:
        with _kept(top, tmp_path / "kept", again=line != lines[-1]):
            done = type_line(repo, line)
            assert done.code in {0, wanted.ends}, (line, done, result)
            writes = re.search("eval record|eval score|mvc resolve", line)
            rewritten = reports if writes else set()  # by a new one, or by a side's
            assert not lost(top, before) - rewritten, (line, result)


@contextmanager
def _meanwhile(repo: Repo, line: str) -> Iterator[None]:
    """Have another program type `line` when mvc begins to read files."""
    with pytest.MonkeyPatch.context() as patch:
        if line:
            patch.setattr(Silent, "expect", lambda progress, count: repo.shell(line))
        yield


@contextmanager
def _kept(repo: Repo, kept: Path, *, again: bool) -> Iterator[None]:
    """Bring the repository back to its state, unless no other line is typed there."""
    if again:
        shutil.copytree(repo.root, kept, symlinks=True)
    yield
    if again:
        shutil.rmtree(repo.root)
        kept.rename(repo.root)


@pytest.mark.parametrize(
    ("hint", "lines"),
    [
        ("mvc add m  # keeps the change; mvc checkout -f m saves it first", ["mvc add m", "mvc checkout -f m"]),
        ("git worktree repair PATH  # or, if gone: git gc --auto", ["git worktree repair p", "git gc --auto"]),
        ("git checkout --ours -- m  # or --theirs", ["git checkout --ours -- m", "git checkout --theirs -- m"]),
        ("mvc remote add NAME URL  # that has it; then: mvc pull", ["mvc remote add n u && mvc pull"]),
        ('git commit -m "..."  (1 pointer staged)', ['git commit -m "..."']),
        ("mvc add m  # tracks it again; or delete it", ["mvc add m"]),
        ("check the network", []),
    ],
)
def test_a_remark_may_name_other_lines(hint: str, lines: list[str]) -> None:
    assert lines_to_type(hint, {"PATH": "p", "NAME": "n", "URL": "u"}) == lines


def _is_harmless(site: Site) -> bool:
    return any(re.search(pattern, site.hint) for pattern in HARMLESS)


def test_every_hint_in_the_source_is_typed_in_a_state_or_has_a_reason_not_to_be() -> None:
    left = [site for site in sites() if site.name not in TYPED and not _is_harmless(site)]
    open_ = [site for site in left if not any(site.name.startswith(start) for start in ELSEWHERE)]
    assert not open_, "write a state in tests/hints/states, and name it in typed.json"
    assert set(TYPED.values()) <= STATES.keys()
    assert TYPED.keys() <= {site.name for site in sites()}, "typed.json names a hint that is gone"


def test_what_is_no_command_stands_in_a_remark() -> None:
    """A user types all before the number sign."""
    line_and_prose = re.compile(rf"""^f?['"](?:{'|'.join(PROGRAMS)}) [^#]*[,;] (?:after|or|then|with)\b""")
    assert [site for site in sites() if line_and_prose.search(site.hint)] == []


def test_no_exception_is_out_of_date() -> None:
    left = [site for site in sites() if not _is_harmless(site)]
    assert [start for start in ELSEWHERE if not any(site.name.startswith(start) for site in left)] == []
    assert [pattern for pattern in HARMLESS if not any(re.search(pattern, site.hint) for site in sites())] == []
    assert [name for names in ELSEWHERE.values() for name in names.split() if not (PROJECT / name).exists()] == []


def test_commands_that_delete_are_few_and_known() -> None:
    assert deleting_texts() == set(MAY_DELETE)
