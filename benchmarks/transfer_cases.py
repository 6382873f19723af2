"""What is measured of remotes: push and pull of one large file, and of many small ones.

Outside of the measured time the remote is emptied, a clone is made, what a run left is removed, and
all that was written is synced. What a tool pushes it has just read; what it pulls it has just pushed.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from typing import NamedTuple

from benchmarks import server
from benchmarks.case import Case
from benchmarks.material import discard, quietly, touch_memory
from benchmarks.prepare import ONE, Place, Step, job, names, nothing, with_directory, with_file
from benchmarks.tools import COPY, Tool, filled

_MOST = 256
"""MiB that any of them may take."""


class Load(NamedTuple):
    """What is moved."""

    name: str
    word: str
    """How a job ends that must be told what is moved."""
    make: Step


_FILE = Load("1 GiB", "FILE", with_file(1 << 30))
_DIR = Load("5,000 x 20 KiB", "DIR", with_directory(5_000, 20 << 10))


# Steps.


def _laid_down(load: Load) -> Step:
    """Return the step that makes a repository with what is to be moved, tracked and committed."""

    def make(tool: Tool, place: Place) -> None:
        load.make(tool, place)
        if tool.repository:
            quietly(filled(tool.jobs["add"], names(place)), place.repository, place.environ)
            quietly(["git", "add", "-A"], place.repository, place.environ)
            quietly(["git", "commit", "-q", "-m", "work"], place.repository, place.environ)

    return make


def _emptied(tool: Tool, place: Place) -> None:
    """Leave nothing on the remote, nor what the clone remembers of it."""
    discard(place.repository.with_name("remote"))
    discard(place.repository / ".git/mvc/remotes")
    if "FILER" in place.environ:
        server.empty(place.environ)
    if "empty" in tool.jobs:
        job("empty")(tool, place)
    os.sync()


def _set_aside(tool: Tool, place: Place) -> None:
    """Keep of the repository what can be cloned; its content would take the page cache from others."""
    del tool
    origin = place.repository.with_name("origin")
    discard(origin)
    place.repository.rename(origin)
    for content in ("d", ".git/mvc", ".git/lfs", ".dvc/cache", ONE):
        discard(origin / content)


def _cloned(tool: Tool, place: Place) -> None:
    """Make a fresh clone, or an empty directory where the tool needs no repository."""
    _removed(tool, place)
    if tool.repository:
        quietly(["git", "clone", "-q", "origin", place.repository.name], place.repository.parent, place.environ)
    else:
        place.repository.mkdir()
    if "settle" in tool.jobs:
        job("settle")(tool, place)
    os.sync()


def _ready(step: Step, load: Load) -> Step:
    """Return `step`, with memory for what is written after it."""

    def renew(tool: Tool, place: Place) -> None:
        step(tool, place)
        if load == _FILE:
            touch_memory(4 << 30)

    return renew


def _removed(tool: Tool, place: Place) -> None:
    """Remove what a run brought, and what DVC remembers of it elsewhere."""
    del tool
    discard(place.repository)
    shutil.rmtree(place.environ["DVC_SITE_CACHE_DIR"], ignore_errors=True)


def _pushed(load: Load) -> Step:
    """Return the step that makes a repository and a remote that has its content."""

    def push(tool: Tool, place: Place) -> None:
        _laid_down(load)(tool, place)
        _emptied(tool, place)
        quietly(_moving("push", load)(tool, place), place.repository, place.environ)

    return push


def _cloneable(load: Load) -> Step:
    """Return the step that makes a remote with content, and what can be cloned to pull it."""

    def make(tool: Tool, place: Place) -> None:
        _pushed(load)(tool, place)
        _set_aside(tool, place)

    return make


def _moving(name: str, load: Load) -> Callable[[Tool, Place], list[str]]:
    """Return what gives the command of a job."""

    def command(tool: Tool, place: Place) -> list[str]:
        del place
        return [*(tool.jobs.get(name) or tool.jobs[f"{name} {load.word}"])]

    return command


# Cases, but for peers and limits.


def _push(load: Load) -> Case:
    name = f"push {load.name}"
    return Case(name, (), _laid_down(load), _ready(_emptied, load), _moving("push", load), after=_emptied, memory=_MOST)


def _push_again(load: Load) -> Case:
    return Case(f"push {load.name} again", (), _pushed(load), nothing, _moving("push", load), memory=_MOST)


def pull(load: Load, word: str = "pull") -> Case:
    """Return the case of a pull, or a fetch, into a fresh clone."""
    name = f"{word} {load.name}"
    return Case(name, (), _cloneable(load), _ready(_cloned, load), _moving(word, load), after=_removed, memory=_MOST)


def _s3(case: Case, tools: tuple[str, ...], subject: str = "mvc-s3") -> Case:
    return case._replace(name=f"{case.name}, S3", tools=tools, subject=subject, server=True)


def _folder(case: Case, tools: tuple[str, ...], subject: str = "mvc-folder") -> Case:
    return case._replace(name=f"{case.name}, directory", tools=tools, subject=subject)


def _hard_link(case: Case) -> Case:
    return case._replace(name=f"{case.name}, hard link", subject=f"{case.subject}-hardlink")


_ALL = ("rclone", "aws", "obstore", "s3fs", "dvc-s3")
_FLOOR = (COPY.name, "rclone-folder", "dvc-folder", "git-lfs-folder")
_FOLDERS = _FLOOR[1:]

TRANSFERS = (
    _s3(_push(_FILE), _ALL)._replace(ratios=(("rclone", 1.0),)),
    _hard_link(_s3(pull(_FILE), _ALL))._replace(ratios=(("rclone", 1.2),)),
    _s3(pull(_FILE), ("rclone", "dvc-s3"))._replace(ratios=(("rclone", 1.6),)),
    _s3(_push(_DIR), _ALL)._replace(seconds=1.5, requests=50),
    _s3(pull(_DIR), _ALL)._replace(seconds=2.0),
    _s3(_push_again(_FILE), ("dvc-s3",))._replace(seconds=0.9),
    _s3(_push_again(_DIR), ("dvc-s3",))._replace(seconds=0.9),
    _folder(_push(_FILE), _FLOOR)._replace(ratios=((COPY.name, 1.5),)),
    _folder(pull(_FILE, "fetch"), _FLOOR[:1])._replace(ratios=((COPY.name, 1.5),)),
    _folder(pull(_FILE), _FLOOR)._replace(ratios=((COPY.name, 3.0),)),
    _folder(_push(_DIR), _FOLDERS)._replace(seconds=0.8),
    _folder(pull(_DIR), _FOLDERS)._replace(seconds=1.5),
)
