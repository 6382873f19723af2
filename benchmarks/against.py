"""Another commit of mvc beside this checkout: both run from their sources, with the same Python and packages."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path

from benchmarks.tools import Environ, Tool

PROJECT = Path(__file__).resolve().parent.parent


def export(revision: str, folder: Path) -> Path:
    """Return a directory with the files of a commit; this repository is not touched."""
    commit = _git("rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}").decode().strip()
    target = folder / f"mvc-{commit[:12]}"
    with tarfile.open(fileobj=io.BytesIO(_git("archive", "--format=tar", commit, "mvc", "hooks"))) as archive:
        archive.extractall(target, filter="data")
    return target


def _git(*args: str) -> bytes:
    done = subprocess.run(["git", *args], cwd=PROJECT, capture_output=True, check=False)
    if done.returncode:
        raise SystemExit(f"git {args[0]}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def from_source(tool: Tool, source: Path, folder: Path, environ: Environ) -> Tool:
    """Return `tool`, an mvc, as the code in `source` has it; `folder` takes a program `mvc` that starts it.

    Raises:
        RuntimeError: another code would run.

    """
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "mvc"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -P -m mvc "$@"\n')
    program.chmod(0o755)
    own = {"PATH": f"{folder}{os.pathsep}{environ['PATH']}", "PYTHONPATH": str(source)}
    show = [sys.executable, "-P", "-c", "import mvc.cli.main; print(mvc.__file__)"]
    told = subprocess.run(show, env={**environ, **own}, cwd=folder, capture_output=True, text=True, check=True).stdout
    if Path(told.strip()) != source / "mvc/__init__.py":
        raise RuntimeError(f"{told.strip()} would run instead of {source}")
    return tool._replace(environ=(*tool.environ, *own.items()))
