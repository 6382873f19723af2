"""Some points of the sweep, chosen by a seed; `make test-long` tries more, `make faults` all of them.

MVC_FAULTS_SEED chooses others, MVC_FAULTS_POINTS more or fewer of each operation.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from faults.worlds import OPERATIONS
from harness import rounds

TESTS = Path(__file__).parent.parent
SEED = os.environ.get("MVC_FAULTS_SEED", "1")
POINTS = rounds("MVC_FAULTS_POINTS", 2, 60)


def sweep(*arguments: str, before: str = "") -> subprocess.CompletedProcess[str]:
    """Run the sweep in a process of its own, which has one thread; `before` is done to mvc first."""
    program = f"import sys; sys.path.insert(0, {str(TESTS)!r}); from faults import sweep\n{before}\nsweep.main()"
    return subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, check=False, text=True)


@pytest.mark.sampled
@pytest.mark.parametrize("operation", OPERATIONS)
def test_sweep(operation: str) -> None:
    done = sweep("--operation", operation, "--sample", str(POINTS), "--seed", SEED)
    print(done.stdout)  # noqa: T201 - the seed, and what failed
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    assert f"{POINTS} points" in done.stdout
    assert f"0 failed; seed {SEED}" in done.stdout


@pytest.mark.parametrize(
    ("operation", "fault", "call"),
    [
        ("mv-file", "ENOSPC+", "renameat2|fsync"),
        ("mv-folder", "ENOSPC+", "renameat2|fsync"),
        ("mv-file", "interrupt", "renameat2"),
        pytest.param("eval-record", "EIO-read", "git openat .*gitconfig|git .*code.py", marks=pytest.mark.long),
        ("add-directory", "EROFS+", "mvc (unlink|pwrite64) .*tmp"),
        ("fetch", "kill", "mvc fsync"),
        ("push", "EIO", "mvc fsync remote"),
        ("evict", "EIO", "rename .*trash"),
        ("hook-install", "killall", "mvc rename"),
        ("remote-add", "kill-git", "git .*objects"),
        ("unprotect", "EMFILE", "mvc openat .*tmp/"),
        ("evict", "EMFILE", "mvc openat remote/objects/.*/"),
        pytest.param("gc", "EIO-read", "mvc .*/worktrees(/side/gitdir)?$|git read tmp/", marks=pytest.mark.long),
        pytest.param("checkout-force", "EIO", "mvc (fsync|rmdir)", marks=pytest.mark.long),
        pytest.param("resolve", "kill", "mvc renameat repo/(data|models)|git rename .*index", marks=pytest.mark.long),
    ],
)
def test_what_failed_once(operation: str, fault: str, call: str) -> None:
    done = sweep("--operation", operation, "--fault", fault, "--call", call)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    assert f"{operation}: 0 of" not in done.stdout


# It can fail: each of these breaks one rule, and the sweep must see it.

_TORN_POINTERS = """
import os, mvc.fs.tree
def put_in_place(tree, staging, temp, item):
    fd = os.open(item.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, dir_fd=tree.directory(""))
    for part in (item.new[:40], item.new[40:]):
        os.write(fd, part)
    os.close(fd)
mvc.fs.tree._put_in_place = put_in_place
"""
_HALF_OBJECTS = """
import os, shutil, mvc.store.cache.loose
def publish(self, temp, digest, *progress):
    target = self.cache.loose_path(digest.blake3)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    shutil.copy(temp, target)
    return True
mvc.store.cache.loose.LooseWriter.publish = publish
"""
_POINTERS_FIRST = """
import mvc.project, mvc.store.cache.writer
later = []
mvc.store.cache.writer.CacheWriter.__exit__ = lambda self, *_: later.append(self)
close = mvc.project.Project.close
def close_and_finish(self):
    while later:
        writer = later.pop()
        writer.finish()
        writer._scratch.__exit__()
    close(self)
mvc.project.Project.close = close_and_finish
"""
_DEAF_TO_FSYNC = """
import os
from contextlib import suppress
fsync = os.fsync
def quiet(fd):
    with suppress(OSError):
        fsync(fd)
os.fsync = quiet
"""
_TRIES_FSYNC_AGAIN = """
import os
fsync = os.fsync
def twice(fd):
    try:
        fsync(fd)
    except OSError:
        fsync(fd)
os.fsync = twice
"""
_LEAVES_TEMPORARY_FILES = """
import mvc.fs.scratch
mvc.fs.scratch.sweep = lambda parent: None
"""
_LETS_THROUGH = """
from mvc.errors import MvcError
MvcError.exit_code = 0
"""


@pytest.mark.long
@pytest.mark.parametrize(
    ("before", "operation", "fault", "call", "said"),
    [
        (_TORN_POINTERS, "add-file", "kill", "m.bin.mvc", "neither what it was nor what it should become"),
        (_HALF_OBJECTS, "add-file", "kill", "mvc/objects", "holds other bytes than its name says"),
        (_POINTERS_FIRST, "add-directory", "kill", "repo/data.mvc|mvc/packs", "which the cache lacks"),
        (_DEAF_TO_FSYNC, "add-file", "EIO", "fsync", "an fsync failed, and nobody was told"),
        (_TRIES_FSYNC_AGAIN, "add-file", "EIO", "fsync", "was fsynced again after an error"),
        (_LEAVES_TEMPORARY_FILES, "add-file", "killall", "mvc/tmp", "is left over"),
        (_LETS_THROUGH, "gate", "kill-git", "git .*objects/../", "what must be refused was let through"),
    ],
    ids=["torn", "half", "order", "deaf", "again", "debris", "yes"],
)
def test_the_sweep_notices(before: str, operation: str, fault: str, call: str, said: str) -> None:
    done = sweep("--operation", operation, "--fault", fault, "--call", call, "--stop-at-failure", before=before)
    assert done.returncode == 1, done.stdout + done.stderr
    assert said in done.stdout
