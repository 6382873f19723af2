"""Builds the pull requests and collects their facts, once for all processes of a test run."""

from __future__ import annotations

import json
import os
import pickle
import shutil
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path

import pytest
from gate import memory
from gate.histories import FILE, Built, Case, File, History, Keys, fast_import, locked
from gate.suite import CASES
from harness import Repo, make_home

from mvc.quality.files import POLICY
from mvc.quality.judge.facts import Facts

_MARKS = 1_000
"""More than a history has commits."""


class _NeedsGit(Exception):
    """A history asks for a repository of its own."""


class Workshop:
    """Builds pull requests. Each is written to Git once, and only read afterwards."""

    def __init__(self, folder: Path, template: Path, environ: dict[str, str], keys: Keys) -> None:
        """Build in `folder`, which all processes share, from copies of the repository `template`."""
        self._folder, self._template, self.environ, self._keys = folder, template, environ, keys
        paths = (".gitattributes", ".mvc/config.yaml", POLICY)
        self._facts: dict[str, Facts] = {}
        self._start = {path.encode(): File(FILE, (template / path).read_bytes()) for path in paths}

    def facts(self, case: Case) -> Facts:
        """Return the facts of a case: from memory if it is plain, else as the gate collects them from Git."""
        if case.name not in self._facts:
            self._facts[case.name] = self.plain_facts(case) or self._facts_from_git(case)
        return self._facts[case.name]

    def _facts_from_git(self, case: Case) -> Facts:
        file = self._folder / f"{case.name}.facts"
        with locked(file.with_suffix(".lock")):
            if not file.exists():
                file.write_bytes(pickle.dumps(case.facts(self.built(case))))
        return pickle.loads(file.read_bytes())

    def plain_facts(self, case: Case) -> Facts | None:
        """Return the facts of a plain case, without Git; None for any other."""
        history = self._in_memory(case)
        return memory.facts_of(history) if history and memory.is_plain(history) else None

    def types_git(self, case: Case) -> bool:
        """Whether a case types Git commands in a repository of its own."""
        try:
            self._history(case, _none)
        except _NeedsGit:
            return True
        return False

    def built(self, case: Case) -> Built:
        """Return a case in Git: as branches beside those of the others, or in a repository of its own."""
        if case.name in self._together:
            return Built(Repo(self._folder / "together", self.environ), f"{case.name}/", *self._together[case.name])
        repo, done = Repo(self._folder / case.name / "repo", self.environ), self._folder / f"{case.name}.done"
        with locked(self._folder / f"{case.name}.begun"):
            if not done.exists():
                self._history(case, lambda: self._copied(repo.root)).done()
                done.touch()
        rows = repo.git("for-each-ref", "--format=%(refname:lstrip=2) %(objectname)", "refs/heads").splitlines()
        tips = dict(row.split(" ") for row in rows)
        return Built(repo, "", tips["main"], tips.get("change", ""))

    @cached_property
    def _together(self) -> dict[str, tuple[str, str]]:
        """The tips of `main` and `change` of the cases that share a repository, by name."""
        file = self._folder / "together.json"
        with locked(file.with_suffix(".lock")):
            if not file.exists():
                file.write_text(json.dumps(self._write_together()))
        return {name: tuple(tips) for name, tips in json.loads(file.read_bytes()).items()}

    def _write_together(self) -> dict[str, tuple[str, str]]:
        histories = {name: history for name, case in CASES.items() if (history := self._in_memory(case))}
        firsts = {name: _MARKS * number for number, name in enumerate(histories)}
        stream = b"".join(history.stream(f"{name}/", firsts[name]) for name, history in histories.items())
        marks = self._folder / "marks"
        fast_import(self._copied(self._folder / "together"), stream, f"--export-marks={marks}")
        commits = {"": "", **dict(row.split(" ") for row in marks.read_text().splitlines())}

        def tip(name: str, branch: str) -> str:
            commit = histories[name].branches.get(branch)
            return commits[f":{firsts[name] + commit.mark}"] if commit else ""

        return {name: (tip(name, "main"), tip(name, "change")) for name in histories}

    def _in_memory(self, case: Case) -> History | None:
        """Return the history of a case; None when it needs a repository of its own."""
        try:
            history = self._history(case, _none)
        except _NeedsGit:
            return None
        return None if history.alone else history

    def _history(self, case: Case, repository: Callable[[], Repo]) -> History:
        history = History(self._start, self._keys, repository)
        case.build(history)
        return history

    def _copied(self, folder: Path) -> Repo:
        shutil.copytree(self._template, folder, symlinks=True, ignore=shutil.ignore_patterns("*.sample"))
        return Repo(folder, self.environ)


def _none() -> Repo:
    raise _NeedsGit


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory, template: Path) -> Workshop:
    """Return where all processes of this test run build their pull requests."""
    top = tmp_path_factory.getbasetemp()
    folder = (top.parent if top.name.startswith("popen-") else top) / "gate"
    (folder / "keys").mkdir(parents=True, exist_ok=True)
    return Workshop(folder, template, make_home(tmp_path_factory.mktemp("gate") / "home"), Keys(folder / "keys"))


@pytest.fixture(autouse=True)
def environ(workshop: Workshop) -> Iterator[dict[str, str]]:
    """Isolate this process, as for all tests, but with one home: these tests write nothing there."""
    before, folder = dict(os.environ), Path.cwd()
    os.environ.clear()
    os.environ.update(workshop.environ)
    yield workshop.environ
    os.environ.clear()
    os.environ.update(before)
    os.chdir(folder)
