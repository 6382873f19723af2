"""What is measured on: files of known sizes, made once and kept; and fresh repositories.

It is made in small pieces: the kernel counts what this process held for the peak of those that it starts.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import NamedTuple


class History(NamedTuple):
    """A history of pointers: how many commits, how many pointers in each, how many of them it changes."""

    commits: int
    pointers: int
    changed: int = 1


def one_file(folder: Path, size: int) -> Path:
    """Return a file of `size` bytes that do not compress."""
    path = folder / f"one-{size}.bin"
    if not path.exists() or path.stat().st_size != size:
        block = os.urandom(1 << 20)
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


def many_commits(folder: Path, history: History) -> Path:
    """Return a bare repository with such a history on its branch `main`; the pointers are `m00.mvc` and so on."""
    path = folder / f"history-{'-'.join(map(str, history))}.git"
    if not path.exists():
        making = path.with_suffix(".making")
        shutil.rmtree(making, ignore_errors=True)
        quietly(["git", "init", "-q", "--bare", str(making)], folder, os.environ)
        with subprocess.Popen(["git", "fast-import", "--quiet"], cwd=making, stdin=subprocess.PIPE) as process:
            process.stdin.writelines(_commit(history, number) for number in range(history.commits))  # type: ignore[union-attr]
        if process.returncode:
            raise RuntimeError("git fast-import failed")
        making.rename(path)
    return path


def _commit(history: History, number: int) -> bytes:
    """Return a commit as `git fast-import` reads it; the first one brings all pointers."""
    count = history.changed if number else history.pointers
    changed = ((number * history.changed + place) % history.pointers for place in range(count))
    row = b"M 100644 inline m%02d.mvc\ndata %d\n%s\n"
    files = b"".join(row % (place, len(text := _pointer()), text) for place in changed)
    head = b"commit refs/heads/main\ncommitter Bench <bench@example.com> %d +0000\ndata 4\nwork\n"
    return head % (1_700_000_000 + number) + files


def _pointer() -> bytes:
    digits = os.urandom(48).hex().encode()
    return b'mvc: 1\nkind: "file"\nblake3: "%s"\nxxh128: "%s"\nsize: 12345\n' % (digits[:64], digits[64:])


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
        "MVC_HOOKS_ENABLED": "false",  # models are committed here without reports
        "DVC_NO_ANALYTICS": "1",
        "DVC_GLOBAL_CONFIG_DIR": str(home),
        "DVC_SITE_CACHE_DIR": str(home / "dvc-site-cache"),
    }


def repository(path: Path, environ: Mapping[str, str]) -> Path:
    """Return a new, empty Git repository at `path`, whatever lay there before."""
    discard(path)
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
    discard(target)
    quietly(["cp", "-r", str(source), str(target)], target.parent, os.environ)
    os.sync()


def discard(path: Path) -> None:
    """Take away what lies at `path`, if anything; small files are deleted only when all is measured.

    For some minutes ext4 without a journal passes over every inode deleted of late, one by one, before it makes a
    file: making 5,000 files where as many were deleted takes 3 s instead of 0.2 s.
    """
    if not path.exists():
        return
    for file in chain([path], path.rglob("*")):
        if file.is_file() and file.stat().st_size >= _LARGE:
            file.unlink()
    if path.exists():
        removed = _removed(path)
        removed.mkdir(exist_ok=True)
        path.rename(Path(tempfile.mkdtemp(dir=removed)) / path.name)


_LARGE = 1 << 20


def _removed(path: Path) -> Path:
    """Return where what is at `path`, below `work`, waits for its end."""
    return next(parent for parent in path.parents if parent.name == "work").with_name("removed")


def touch_memory(size: int) -> None:
    """Have the machine's `size` bytes of free memory at hand, as a machine that runs for long has them.

    A virtual machine gives free memory back to its host; to get it again may take seconds for each GiB.
    """
    # In a process of its own: what is measured afterwards would inherit this one's peak.
    script = f"import mmap; mmap.mmap(-1, {size}).madvise({_MADV_POPULATE_WRITE})"
    quietly([sys.executable, "-c", script], Path("/"), os.environ)


_MADV_POPULATE_WRITE = 23
"""Linux 5.14; Python has no name for it."""


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
