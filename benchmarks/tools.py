"""mvc and its peers: how each sets a repository up and does the jobs that are measured."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from benchmarks.material import quietly

Environ = Mapping[str, str]
Setup = Callable[[Path, Environ], None]


class Tool(NamedTuple):
    """A tool; a job that it does not do is an empty command. `{}` stands for the paths."""

    name: str
    program: str
    setup: Setup
    add: tuple[str, ...]
    status: tuple[str, ...]
    checkout: tuple[str, ...]
    version: tuple[str, ...] = ()


def _steps(*commands: str) -> Setup:
    def setup(repository: Path, environ: Environ) -> None:
        for command in commands:
            quietly(command.split(), repository, environ)

    return setup


def _lfs_setup(repository: Path, environ: Environ) -> None:
    _steps("git lfs install --local")(repository, environ)
    (repository / ".gitattributes").write_text("*.bin filter=lfs diff=lfs merge=lfs -text\n")


ALL = (
    Tool(
        "mvc", "mvc", _steps("mvc init"), ("mvc", "add", "{}"), ("mvc", "status"), ("mvc", "checkout"),
        ("mvc", "--version"),
    ),
    Tool(
        "mvc-hardlink", "mvc", _steps("mvc init", "mvc config set cache.link hardlink"), ("mvc", "add", "{}"),
        ("mvc", "status"), ("mvc", "checkout"),
    ),
    Tool(
        "git", "git", _steps(), ("git", "add", "{}"), ("git", "status", "--short"),
        ("git", "checkout", "-q", "--", "."),
    ),
    Tool(
        "dvc", "dvc", _steps("dvc init -q"), ("dvc", "add", "-q", "{}"), ("dvc", "status", "-q"),
        ("dvc", "checkout", "-q"), ("dvc", "--version"),
    ),
    Tool(
        "git-lfs", "git-lfs", _lfs_setup, ("git", "add", "{}"), ("git", "status", "--short"),
        ("git", "checkout", "-q", "--", "."),
    ),
    Tool(
        "git-annex", "git-annex", _steps("git annex init -q", "git config annex.backend XXH3"),
        ("git", "annex", "add", "-q", "{}"), ("git", "status", "--short"), (),
    ),
)
COPY = Tool("cp+sync", "cp", _steps(), ("sh", "-c", 'cp "$1" copy && sync copy', "sh", "{}"), (), ())
"""The machine's floor for a durable copy."""


def _floor(job: str) -> tuple[str, ...]:
    return (sys.executable, str(Path(__file__).with_name("floor.py")), job)


FLOOR = Tool("floor", "python3", _steps(), (*_floor("pack"), "{}"), (*_floor("stat"), "d"), ())
"""What a Python program must do at the least: see `benchmarks.floor`."""
FLOOR_HASH = FLOOR._replace(name="floor (hash)", add=(*_floor("hash"), "{}"))


def installed(path: str) -> tuple[Tool, ...]:
    """Return the tools that are there."""
    return tuple(tool for tool in ALL if shutil.which(tool.program, path=path))


def filled(command: tuple[str, ...], paths: list[str]) -> list[str]:
    """Return `command` with `paths` in the place of `{}`."""
    return [word for part in command for word in (paths if part == "{}" else [part])]
