"""mvc and its peers: how each sets a repository up and does the jobs that are measured."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

Environ = Mapping[str, str]
Command = tuple[str, ...]


class Tool(NamedTuple):
    """A tool: the commands that set a repository up for it, and those that do a job. `{}` stands for the paths."""

    name: str
    program: str
    setup: tuple[Command, ...]
    jobs: Mapping[str, Command]
    repository: bool = True
    """Whether it works in a Git repository."""
    environ: tuple[tuple[str, str], ...] = ()
    """Variables of its own."""
    package: str = ""
    """The Python package without which the program is of no use."""


def _words(*lines: str) -> tuple[Command, ...]:
    return tuple(tuple(line.split()) for line in lines)


def _jobs(**lines: str) -> dict[str, Command]:
    return {name.replace("_", " --"): tuple(line.split()) for name, line in lines.items()}


_MVC = _jobs(
    version="mvc --version", add="mvc add {}", status="mvc status", diff="mvc diff", checkout="mvc checkout",
    mv="mvc mv {}", rm="mvc rm {}", ls="mvc ls -R", log="mvc log {}", verify="mvc verify",
    verify_quick="mvc verify --quick", gc="mvc gc --unpushed --grace 0", unprotect="mvc unprotect {}",
    relink="mvc checkout --relink", size="mvc cache size", doctor="mvc doctor",
)
ALL = (
    Tool("mvc", "mvc", _words("mvc init"), _MVC),
    Tool("mvc-hardlink", "mvc", _words("mvc init", "mvc config set cache.link hardlink"), _MVC),
    Tool("git", "git", (), _jobs(
        add="git add {}", status="git status --short", diff="git diff --stat", checkout="git checkout -q -- .",
        mv="git mv {}", rm="git rm -r -q {}", ls="git ls-files -s", log="git log --decorate -- m00.mvc",
        verify="git fsck",
    )),
    Tool("dvc", "dvc", _words("dvc init -q"), _jobs(
        version="dvc --version", add="dvc add -q {}", status="dvc status -q", diff="dvc diff",
        checkout="dvc checkout -q", mv="dvc move -q {}", rm="dvc remove -q d.dvc", ls="dvc ls -R --dvc-only .",
    )),
    Tool("git-lfs", "git-lfs", _words("git lfs install --local", "git lfs track *.bin"), _jobs(
        add="git add {}", status="git status --short", checkout="git lfs checkout", verify="git lfs fsck --objects",
    )),
    Tool("git-annex", "git-annex", _words("git annex init -q", "git config annex.backend XXH3"), _jobs(
        add="git annex add -q {}", status="git status --short", verify="git annex fsck -q",
        verify_quick="git annex fsck -q", unprotect="git annex unlock -q {}", relink="git annex lock -q one.bin",
    )),
)
_FROM_REMOTE = "cp ../remote/one.bin one.bin && sync one.bin"
COPY = Tool(
    "cp+sync", "cp", (), {
        "add": ("sh", "-c", 'cp "$1" copy && sync copy', "sh", "{}"),
        "checkout": ("sh", "-c", "cp copy one.bin && sync one.bin"),
        "push": ("sh", "-c", "mkdir ../remote && cp one.bin ../remote && sync ../remote/one.bin"),
        "fetch": ("sh", "-c", _FROM_REMOTE),
        "pull": ("sh", "-c", _FROM_REMOTE),
    }, repository=False,
)
"""The machine's floor for a durable copy."""


def _floor(job: str) -> Command:
    return (sys.executable, str(Path(__file__).with_name("floor.py")), job)


FLOOR = Tool(
    "floor", "python3", (), {"add": (*_floor("pack"), "{}"), "status": (*_floor("stat"), "d")}, repository=False,
)
"""What a Python program must do at the least: see `benchmarks.floor`."""
FLOOR_HASH = FLOOR._replace(name="floor (hash)", jobs={"add": (*_floor("hash"), "{}")})
FLOOR_BLAKE3 = FLOOR._replace(name="blake3", jobs={"add": (*_floor("blake3"), "{}")})
"""blake3 alone, on all cores, of content that is in memory already."""
CAT = Tool(
    "cat", "cat", (), {
        "add": ("true",), "verify --quick": ("sh", "-c", "find . -name '*.bin' -exec cat {} + > /dev/null"),
    }, repository=False,
)
"""The machine's floor for reading."""
ONE_CORE = ALL[1]._replace(
    name="one core", jobs={name: ("taskset", "-c", "0", *job) for name, job in _MVC.items()},
)
"""mvc, as if the machine had one core."""
FROM_DVC = ALL[0]._replace(name="mvc import", jobs={"add": ("mvc", "import", "dvc")})
"""The import of what DVC tracks in the place of `mvc add`."""
MADE_HERE = (COPY, CAT, FLOOR, FLOOR_HASH, FLOOR_BLAKE3, ONE_CORE, FROM_DVC)
"""Tools that need no program of a peer."""


def installed(tools: Iterable[Tool], path: str) -> tuple[Tool, ...]:
    """Return those of `tools` that are there; one that needs a package is told a Python that has it."""
    found = []
    for tool in tools:
        if tool.package:
            python = _python_with(tool.package, path)
            found += [tool._replace(environ=(*tool.environ, ("PEER_PYTHON", python)))] if python else []
        elif shutil.which(tool.program, path=path):
            found.append(tool)
    return tuple(found)


def _python_with(package: str, path: str) -> str:
    """Return the first Python on `path` that has a package; empty when none does."""
    for folder in path.split(os.pathsep):
        python = Path(folder) / "python3"
        if python.exists() and any(Path(folder).parent.glob(f"lib/python3.*/site-packages/{package}")):
            return str(python)
    return ""


def filled(command: Command, paths: Sequence[str]) -> list[str]:
    """Return `command` with `paths` in the place of `{}`."""
    return [word for part in command for word in (paths if part == "{}" else [part])]
