"""Plays a merge history with real Git, and holds it against what is expected."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from formats.second_implementation import Store, contents, read_pointer
from harness import Begin, Repo, Result
from merges.history import BASES, Expected, History, Version, spelled
from merges.steps import found_codes, type_steps

_SIDES = {"base": ("Ann", "2026-01-01"), "ours": ("Ada", "2026-02-02"), "theirs": ("Bob", "2026-03-03")}
"""Author and date."""


def begun(begin: Begin, history: History) -> Repo:
    """Return a repository with both branches; `ours` is checked out."""

    def base(repo: Repo) -> None:
        name, _, more = history.base.partition(";")
        work(_as(repo, "base"), f"{BASES[name]}; {more}", "base")

    base.__module__, base.__qualname__ = __name__, re.sub(r"\W+", "-", history.base)
    repo = begin(base)
    repo.git("switch", "-qc", "theirs")
    work(_as(repo, "theirs"), history.theirs, "theirs")
    repo.git("switch", "-qc", "ours", "base")
    repo.git("clean", "-fdxq")
    repo.mvc("checkout")  # which fails where the base cannot be read
    work(_as(repo, "ours"), history.ours, "ours")
    repo.hooked()
    return repo


def _as(repo: Repo, who: str) -> Repo:
    """Return the repository as one side works in it."""
    name, day = _SIDES[who]
    date = f"{day}T12:00:00+00:00"
    return Repo(repo.root, repo.environ | {
        "GIT_AUTHOR_NAME": name, "GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date, "GIT_EDITOR": ":",
    })


def work(repo: Repo, steps: str, who: str) -> None:
    """Take the steps, and commit; the commit is the branch or tag `who` afterwards."""
    type_steps(repo, steps)
    repo.git("commit", "--allow-empty", "-qm", who)
    if who == "base":
        repo.git("tag", who)


@dataclass(frozen=True)
class Played:
    """A repository in which a history was merged."""

    repo: Repo
    expected: Expected
    cache: Path

    def check(self, result: Result) -> None:
        """Hold the files against what is expected of a merge, take the further steps, and look again."""
        repo, expected = self.repo, self.expected
        stopped = bool(expected.conflict or expected.codes)
        assert bool(result.code) == stopped, result
        assert found_codes(result.err) == tuple(expected.codes.split()), result
        self._check_files(expected.files)
        assert unmerged(repo) == set(shlex.split(expected.conflict)), result
        if not stopped:
            self._check_workspace(followed="git merge" in result.args[-1])
        type_steps(repo, expected.then)
        if expected.then:
            self._check_files(expected.after)
            assert unmerged(repo) == set()
            self._check_workspace(followed=True)

    def _check_files(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            wanted, there = spelled(name, text, self._version), self.repo.path(name)
            assert (there.read_bytes() if there.exists() else None) == wanted, name

    @property
    def _version(self) -> Version:
        return lambda who, name: subprocess.run(
            ["git", "show", f"{who}:{name}"], cwd=self.repo.root, check=True, capture_output=True,
        ).stdout

    def _check_workspace(self, *, followed: bool) -> None:
        """Check that the workspace has what the index says; unless hooks `followed`, after a checkout."""
        if not followed:
            self.repo.ok("checkout")
        for name in filter(None, self.repo.git("ls-files", "-z", "*.mvc").split("\0")):
            raw, path = self.repo.read(name), name.removesuffix(".mvc")
            if not raw.startswith(b"mvc: 1\n"):
                continue  # another program's
            assert in_workspace(self.repo, path) == contents(Store(self.cache), read_pointer(raw)), path
        assert self.repo.git("status", "--porcelain", "--untracked-files=all") == "" or followed


def unmerged(repo: Repo) -> set[str]:
    """Return the files that Git has in conflict."""
    rows = repo.git("ls-files", "-z", "--unmerged").split("\0")
    return {row.partition("\t")[2] for row in rows if row}


def in_workspace(repo: Repo, path: str) -> dict[str, tuple[bytes, bool]]:
    """Return content and mode of the files at a tracked path."""
    top = repo.path(path)
    found = [top] if top.is_file() else [file for file in top.rglob("*") if file.is_file()]
    return {
        "" if file == top else str(file.relative_to(top)): (file.read_bytes(), bool(file.stat().st_mode & 0o100))
        for file in found
    }


def both_ways(begin: Begin, history: History, folder: Path) -> Iterator[tuple[Played, Result]]:
    """Yield the history merged with the merge driver, and without it; with what Git told."""
    repo = begun(begin, history)
    plain = folder / "without"
    shutil.copytree(repo.root, plain, symlinks=True)
    Repo(plain, repo.environ).git("config", "--remove-section", "merge.mvc")
    for root, expected in ((repo.root, history.driver), (plain, history.plain or history.driver)):
        merging = _as(Repo(root, repo.environ), "ours").with_hooks_enabled()
        result = merging.shell(history.git)
        yield Played(Repo(Path(f"{root}{history.at}"), merging.environ), expected, root / ".git/mvc"), result
