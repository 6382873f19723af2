"""Cases about `git merge` of a large directory that both sides changed, beside the same files tracked by Git."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from typing import NamedTuple

from benchmarks.case import Case
from benchmarks.material import quietly
from benchmarks.prepare import Place, fresh
from benchmarks.scale.repositories import WITHOUT_REPORTS
from benchmarks.tools import Tool, filled

_SIZE = 200
"""Bytes of a file."""
_FOLDER = 1000
"""Files of a folder."""


class Merge(NamedTuple):
    """A directory of `files` files. Each side changes `each` of them, adds and deletes as many.

    Between two of them lie `apart` files.
    """

    files: int
    each: int
    apart: int

    def prepare(self, tool: Tool, place: Place) -> None:
        """Make the branches `main` and `theirs`.

        Beside the repository are a copy of `.git`, the wanted merge's tree, and mvc's pointer of it.
        """
        place = _with_hooks(place)
        fresh(tool, place)
        (place.repository / ".mvc").mkdir(exist_ok=True)
        (place.repository / ".mvc/policy.yaml").write_text(WITHOUT_REPORTS)
        content = random.Random(self.files)
        for number in range(self.files):
            path = place.repository / _path(number)
            if number % _FOLDER == 0:
                path.parent.mkdir(parents=True)
            path.write_bytes(content.randbytes(_SIZE))
        _commit(tool, place)
        _type(place, "git switch -q -c theirs")
        self._change(place, "theirs")
        _commit(tool, place)
        _type(place, "git switch -q main")
        self._change(place, "ours")
        _commit(tool, place)
        _type(place, "git gc -q", "cp -a .git ../git")
        self._change(place, "theirs")
        _add(tool, place)
        (place.repository.parent / "tree").write_text(_ask(place, "git write-tree"))
        if tool.name == "mvc":
            shutil.copy(place.repository / "d.mvc", place.repository.parent)

    def _change(self, place: Place, side: str) -> None:
        """Make the changes of `ours` or `theirs`, which have no file in common."""
        content = random.Random(side)
        numbers = range(0, 4 * self.each * self.apart, self.apart)
        for position, number in enumerate(numbers[side == "theirs" :: 2]):
            path = place.repository / _path(number)
            if position % 2:
                path.unlink()
            else:
                path.write_bytes(content.randbytes(_SIZE))
                path.with_name(f"{path.name}-{side}").write_bytes(content.randbytes(_SIZE))


def _path(number: int) -> str:
    return f"d/{number // _FOLDER:04}/{number:07}"


def _with_hooks(place: Place) -> Place:
    return place._replace(environ={**place.environ, "MVC_HOOKS_ENABLED": "true"})


def _commit(tool: Tool, place: Place) -> None:
    _add(tool, place)
    _type(place, "git commit -q --no-verify -m work")


def _add(tool: Tool, place: Place) -> None:
    quietly(filled(tool.jobs["add"], ["d"]), place.repository, place.environ)
    _type(place, "git add -A")


def _type(place: Place, *lines: str) -> None:
    for line in lines:
        quietly(line.split(), place.repository, place.environ)


def _ask(place: Place, line: str) -> str:
    done = subprocess.run(
        line.split(), cwd=place.repository, env=dict(place.environ), check=True, capture_output=True, text=True,
    )
    return done.stdout


def _before_merge(tool: Tool, place: Place) -> None:
    """Bring files and objects back to the state before the merge, and let the tool look twice: stat data settles."""
    shutil.rmtree(place.repository / ".git")
    _type(place, "cp -a ../git .git", "git reset -q --hard", "git clean -q -f -d")
    if tool.name == "mvc":
        _type(place, "mvc checkout -f", *["mvc status"] * 2)
    _type(place, *["git status"] * 2)


def _merge(*settings: str) -> Callable[[Tool, Place], list[str]]:
    """Return what gives the command, with these variables of the environment."""

    def command(tool: Tool, place: Place) -> list[str]:
        del tool, place
        return ["env", "MVC_HOOKS_ENABLED=true", *settings, "git", "merge", "-q", "-m", "merged", "theirs"]

    return command


_SIDES = {"base": "main~1", "ours": "main", "theirs": "theirs"}
"""The commits of the three versions of the pointer."""


def _before_driver(tool: Tool, place: Place) -> None:
    """Write the versions of the pointer as well."""
    _before_merge(tool, place)
    if tool.name == "mvc":
        for side, commit in _SIDES.items():
            (place.repository.parent / side).write_text(_ask(place, f"git show {commit}:d.mvc"))


def _drive(tool: Tool, place: Place) -> list[str]:
    """Return what Git runs for the pointer; for the other tool, the whole merge."""
    if tool.name == "git":
        return _merge()(tool, place)
    sides = [str(place.repository.parent / side) for side in _SIDES]
    return [sys.executable, "-P", "-m", "mvc.cli.merge_driver", *sides, "7", "d.mvc"]


def _check_merge(tool: Tool, place: Place) -> None:
    """Check that the merge is the wanted one."""
    del tool
    if _ask(place, "git write-tree") != (place.repository.parent / "tree").read_text():
        raise RuntimeError("the merge is wrong")


def _check_workspace(tool: Tool, place: Place) -> None:
    """Check the same, and that the files are as merged."""
    _check_merge(tool, place)
    clean = ["mvc", "status", "--exit-code"] if tool.name == "mvc" else ["git", "diff", "--quiet"]
    quietly(clean, place.repository, place.environ)


def _check_driver(tool: Tool, place: Place) -> None:
    """Check what the driver wrote."""
    above = place.repository.parent
    if tool.name == "mvc" and (above / "ours").read_bytes() != (above / "d.mvc").read_bytes():
        raise RuntimeError("the merge is wrong")


def cases(made: Merge, name: str) -> tuple[Case, ...]:
    """Return the cases of a merge: the whole command, the same without the workspace, and the driver alone."""
    whole = Case(
        f"git merge, {name}", ("git",), made.prepare, _before_merge, _merge(), ratios=(("git", 2.0),),
        after=_check_workspace,
    )
    behind = whole._replace(
        name=f"{whole.name}, without hooks.checkout", command=_merge("MVC_HOOKS_CHECKOUT=false"), after=_check_merge,
    )
    driver = whole._replace(
        name=f"merge driver, {name}", renew=_before_driver, command=_drive, ratios=(), memory=256, after=_check_driver,
    )
    return whole, behind, driver


MERGES = (
    *cases(Merge(100_000, 100, 250), "300 of 100,000 files on each side"),
    *cases(Merge(100_000, 250, 1), "750 of 100,000 files, in one folder, on each side"),
    *cases(Merge(500_000, 100, 1250), "300 of 500,000 files on each side"),
)
