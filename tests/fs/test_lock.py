"""Locks between processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from processes import other_process, said, say

from mvc.errors import MvcError
from mvc.fs.lock import Lock


def lock(path: Path, heard: Callable[[str], None] = lambda holder: pytest.fail(f"waits for {holder}")) -> Lock:
    """Return a lock of this process."""
    return Lock(str(path), "mvc test (process 1)", heard)


HOLDER = """
import sys
from mvc.fs.lock import Lock
lock = Lock(sys.argv[1], "mvc gc (process 77)", lambda holder: print("waits for " + holder, flush=True))
with lock.hold(exclusive=sys.argv[2] == "exclusive"):
    print("held", flush=True)
    sys.stdin.readline()
print("free", flush=True)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a lock, whose directory does not exist yet."""
    return tmp_path / "locks" / "store"


def test_a_free_lock_is_taken_without_waiting_again_and_again(path: Path) -> None:
    for exclusive in (True, True, False, False, True):
        with lock(path).hold(exclusive=exclusive):
            pass


def test_sharing_needs_no_waiting(path: Path) -> None:
    with other_process(HOLDER, path, "shared") as other:
        assert said(other) == "held"
        with lock(path).hold(exclusive=False):
            pass


@pytest.mark.parametrize(("theirs", "mine"), [("exclusive", True), ("exclusive", False), ("shared", True)])
def test_a_waiting_process_hears_the_holder_and_continues_when_it_is_free(path: Path, theirs: str, mine: bool) -> None:
    with other_process(HOLDER, path, theirs) as other:
        assert said(other) == "held"
        heard: list[str] = []

        def told(holder: str) -> None:
            heard.append(holder)
            say(other, "let go")

        with lock(path, told).hold(exclusive=mine):
            assert said(other) == "free"
        assert heard == ["mvc gc (process 77)" if theirs == "exclusive" else "another mvc"]


def test_another_process_waits_for_this_one_and_hears_its_name(path: Path) -> None:
    with lock(path).hold(exclusive=True), other_process(HOLDER, path, "shared") as other:
        assert said(other) == "waits for mvc test (process 1)"


def test_who_shares_is_not_mistaken_for_who_held_it_before(path: Path) -> None:
    with lock(path).hold(exclusive=True):
        pass
    with lock(path).hold(exclusive=False), other_process(HOLDER, path, "exclusive") as other:
        assert said(other) == "waits for another mvc"


def test_a_killed_holder_leaves_no_lock_and_no_name(path: Path) -> None:
    with other_process(HOLDER, path, "exclusive") as other:
        assert said(other) == "held"
        os.kill(other.pid, signal.SIGKILL)
        other.wait()
        with lock(path).hold(exclusive=False), other_process(HOLDER, path, "exclusive") as third:
            assert said(third) == "waits for another mvc"


def test_an_error_inside_frees_the_lock(path: Path) -> None:
    with pytest.raises(RuntimeError), lock(path).hold(exclusive=True):
        raise RuntimeError
    with lock(path).hold(exclusive=True):
        pass


def test_a_lock_that_cannot_be_made_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for exclusive in (True, False):
        with pytest.raises(MvcError, match="cannot lock"), lock(tmp_path / "file" / "lock").hold(exclusive=exclusive):
            pytest.fail("held")


READ_ONLY = """
import sys
from mvc.errors import MvcError
from mvc.fs.lock import Lock
for exclusive in (False, True):
    try:
        with Lock(sys.argv[1], "me", print).hold(exclusive=exclusive):
            print("held")
    except MvcError as error:
        print(error.message.partition(":")[0], bool(error.fix))
"""


@pytest.mark.parametrize("made", [True, False], ids=["lock file there", "no lock file"])
def test_a_read_only_directory_can_be_shared_but_not_held_alone(tmp_path: Path, made: bool) -> None:
    path = tmp_path / "cache" / "locks" / "store"
    path.parent.mkdir(parents=True)
    if made:
        path.write_bytes(b"")
    script = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$1" -c "$2" "$3"'
    namespace = ["unshare", *(["-Ur"] if os.getuid() else []), "-m"]
    command = [*namespace, "sh", "-c", script, str(tmp_path / "cache"), sys.executable, READ_ONLY, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["held", f"cannot lock {path} True"]
