"""What is measured on: files of known sizes, made once and kept; and fresh repositories."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path


def one_file(folder: Path, size: int) -> Path:
    """Return a file of `size` bytes that do not compress."""
    path = folder / f"one-{size}.bin"
    if not path.exists() or path.stat().st_size != size:
        block = os.urandom(16 << 20)
        with path.open("wb") as file:
            for number in range(-(-size // len(block))):
                file.write(block[number:] + block[:number])
            file.truncate(size)
        _sync(path)
    return path


def many_files(folder: Path, count: int, size: int) -> Path:
    """Return a directory of `count` different files of `size` bytes."""
    path = folder / f"many-{count}-{size}"
    if not path.exists():
        block = os.urandom(size + count)
        making = path.with_suffix(".making")
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir()
        for number in range(count):
            (making / f"f{number:06}.bin").write_bytes(block[number : number + size])
        making.rename(path)
    return path


def isolated(home: Path, path: str) -> dict[str, str]:
    """Return an environment that no setting of this machine's user reaches."""
    home.mkdir(parents=True, exist_ok=True)
    (home / ".gitconfig").write_text(
        "[user]\n\tname = Bench\n\temail = bench@example.com\n[init]\n\tdefaultBranch = main\n[gc]\n\tauto = 0\n",
    )
    return {
        "PATH": path,
        "HOME": str(home),
        "GIT_CONFIG_NOSYSTEM": "1",
        "LANG": "C.UTF-8",
        "DVC_NO_ANALYTICS": "1",
        "DVC_GLOBAL_CONFIG_DIR": str(home),
    }


def repository(path: Path, environ: Mapping[str, str]) -> Path:
    """Return a new, empty Git repository at `path`, whatever lay there before."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    quietly(["git", "init", "-q", "."], path, environ)
    return path


def quietly(command: list[str], cwd: Path, environ: Mapping[str, str]) -> None:
    """Run a step that is not measured.

    Raises:
        RuntimeError: it failed.

    """
    done = subprocess.run(command, cwd=cwd, env=dict(environ), capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[:6])}: {done.stderr.decode(errors='replace')[-2000:]}")


def clone_tree(source: Path, target: Path) -> None:
    """Copy a file or directory, whatever lay at `target` before, and have it written out."""
    if target.is_dir():
        shutil.rmtree(target)
    quietly(["cp", "-r", str(source), str(target)], target.parent, os.environ)
    os.sync()


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
