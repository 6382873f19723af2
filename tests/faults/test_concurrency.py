"""Eight workers at once, some stopped and some killed: nothing is lost, nobody waits for ever, every failure is told.

MVC_FAULTS_SEED chooses another course, MVC_FAULTS_CROWD how many operations each worker does (`make soak`: 5,000).
What comes of a seed is not the same each time: the system decides who runs when.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from harness import rounds

TESTS = Path(__file__).parent.parent
SEED = os.environ.get("MVC_FAULTS_SEED", "1")
OPERATIONS = rounds("MVC_FAULTS_CROWD", 25, 600)


def crowd(folder: Path, operations: int, before: str = "") -> subprocess.CompletedProcess[str]:
    """Let the crowd work in a process of its own, which has one thread; `before` is done to mvc first."""
    program = f"from faults import crowd\n{before}\ncrowd.main()"
    return subprocess.run(
        [sys.executable, "-c", program, "--seed", SEED, "--operations", str(operations)],
        env={**os.environ, "TMPDIR": str(folder), "PYTHONPATH": str(TESTS)},
        capture_output=True, check=False, text=True,
    )


@pytest.mark.sampled
def test_crowd(tmp_path: Path) -> None:
    done = crowd(tmp_path, OPERATIONS)
    print(done.stdout)  # noqa: T201 - the seed, the tally, and what is wrong
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    assert f"0 problems; seed {SEED}" in done.stdout


# It can fail: each of these breaks one rule, and the crowd must see it.

_FORGETS_ALL = """
import mvc.retention.sharers
mvc.retention.sharers.repository_roots = lambda git, common, tops, needs: set()
"""
_FORGETS_OTHERS = """
import mvc.retention.sharers
mvc.retention.sharers.registered = lambda root: []
"""
_FORGETS_ON_THE_REMOTE = """
import mvc.ops.storage.gc_remote
from mvc.store.remote.roots import Needs
mvc.ops.storage.gc_remote.repository_roots = lambda git, common, tops, needs: set()
mvc.ops.storage.gc_remote.read_needs = lambda remote, among, but="": Needs({}, {})
"""
_LOCKS_ITSELF_OUT = """
import mvc.ops.storage.gc, fcntl, os
def blocked(cache, items):
    fd = os.open(f"{cache.root}/locks/store", os.O_RDWR)
    fcntl.flock(fd, fcntl.LOCK_EX)
mvc.ops.storage.gc.discard = blocked
crowd.SILENCE = 5
"""


@pytest.mark.long
@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (_FORGETS_ALL, "lost in"),
        (_FORGETS_OTHERS, "lost in"),
        (_FORGETS_ON_THE_REMOTE, "the remote has lost"),
        (_LOCKS_ITSELF_OUT, "nobody gets on"),
    ],
    ids=["what is needed", "other repositories", "what is needed on the remote", "a lock"],
)
def test_the_crowd_notices(in_memory: Path, broken: str, said: str) -> None:
    done = crowd(in_memory, 40, broken)
    assert done.returncode == 1, done.stdout + done.stderr
    assert said in done.stdout
