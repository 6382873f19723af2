"""Eight at once: real `mvc` work in worktrees that share a cache and a remote, some of it stopped, some killed.

    python tests/faults/crowd.py                       # 8 workers, 200 operations each
    python tests/faults/crowd.py --operations 5000 --tally .cache/faults/soak.jsonl

Each worker is a process that has mvc loaded; each operation runs in a fork of it: a process of its own, with its own
files and locks, as when somebody types it, without the start-up time. What was done is logged beside the repositories.
Afterwards `faults.aftermath` holds what is there against the log.

One repository has three worktrees, a second one is a clone with another history; both use one cache and one remote.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import select
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

TESTS = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS), str(TESTS.parent)]

from faults.chores import CHORES  # noqa: E402
from faults.places import World, build  # noqa: E402
from faults.worker import Board, Worker  # noqa: E402
from forkserver import preload  # noqa: E402

WORKERS = 8
SILENCE = 150
"""Seconds in which not one operation of anybody ends: then they wait for each other."""


class Crowd(NamedTuple):
    """Workers, and what they did."""

    world: World
    board: Board
    processes: dict[int, int]
    """Number of the worker by its process."""

    def watch(self) -> str:
        """Wait until all have ended; who waits for whom when nobody gets on any more."""
        seen, since = self.board.done, time.monotonic()
        left = dict(self.processes)
        while left:
            for pid in list(left):
                if os.waitpid(pid, os.WNOHANG)[0]:
                    del left[pid]
            if self.board.done != seen:
                seen, since = self.board.done, time.monotonic()
            if time.monotonic() - since > SILENCE:
                told = self.dump()
                self.end(left)
                return told
            select.select([], [], [], 0.2)
        return ""

    def dump(self) -> str:
        """Return every lock with who holds it or waits for it, and what each process is doing."""
        lines = ["nobody gets on:", Path("/proc/locks").read_text()]
        names = {f"{os.stat(path).st_ino}": path for path in self._lock_files()}
        lines += [f"inode {inode}: {path}: {path.read_text()}" for inode, path in names.items()]
        for worker in range(self.board.workers):
            done, pid, stopped = self.board.row(worker)
            lines.append(f"worker {worker}: {done} done, runs {pid}{', stopped' * stopped}")
            with suppress(OSError):
                lines.append(f"  {Path(f'/proc/{pid}/cmdline').read_text()} {Path(f'/proc/{pid}/wchan').read_text()}")
                os.kill(pid, signal.SIGUSR1)
                select.select([], [], [], 1)
            with suppress(OSError):
                lines.append(Path(f"{self.world.root}/log/{worker}.err").read_text())
        return "\n".join(lines)

    def _lock_files(self) -> Iterable[Path]:
        yield from self.world.cache.glob("locks/*")
        for name in ("one", "two"):
            yield from (self.world.places[name] / ".git/mvc/locks").glob("*")

    def end(self, left: Iterable[int]) -> None:
        """Kill workers and what they run."""
        for pid in left:
            _, running, _ = self.board.row(self.processes[pid])
            for process in (pid, running):
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL) if process else None
            os.waitpid(pid, 0)


def gather(world: World, seed: str, workers: int, operations: int) -> Crowd:
    """Start the workers."""
    (world.root / "log").mkdir()
    os.environ.clear()
    os.environ.update(world.environ)
    preload()
    board = Board(workers)
    processes = {}
    for number in range(workers):
        pid = os.fork()
        if not pid:
            try:
                Worker(number, world, board, seed).work(CHORES, operations)
                os._exit(0)
            except BaseException:  # noqa: BLE001 - the test itself is wrong: say so
                traceback.print_exc()
                sys.stderr.flush()
                os._exit(1)
        processes[pid] = number
    return Crowd(world, board, processes)


def run(folder: Path, seed: str, workers: int, operations: int) -> tuple[list[str], dict[str, object]]:
    """Let a crowd work, and look at what is left; what is wrong, and the tally."""
    from faults.aftermath import examine

    began = time.monotonic()
    world = build(folder)
    stuck = gather(world, seed, workers, operations).watch()
    worked = time.monotonic() - began
    problems, tally = examine(world, workers, operations)
    tally |= {"seconds working": round(worked), "seconds": round(time.monotonic() - began)}
    return ([stuck] if stuck else []) + problems, tally


def say(text: str) -> None:
    """Print it at once."""
    print(text, flush=True)  # noqa: T201 - a script


def main() -> None:
    """Run as the arguments say; exit code 1 when anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", default=str(random.randrange(1 << 32)))
    parser.add_argument("--workers", type=int, default=WORKERS)
    parser.add_argument("--operations", type=int, default=200)
    parser.add_argument("--tally", type=Path, help="append what came of it to this file")
    parser.add_argument("--keep", action="store_true", help="keep the directory")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="mvc-crowd-"))
    say(f"seed {arguments.seed}, {arguments.workers} workers, {arguments.operations} operations each")
    try:
        problems, tally = run(folder, arguments.seed, arguments.workers, arguments.operations)
    finally:
        if arguments.keep:
            say(folder)
        else:
            shutil.rmtree(folder, ignore_errors=True)
    facts = {"seed": arguments.seed, "workers": arguments.workers, "operations": arguments.operations, **tally}
    say("\n".join(problems))
    say(json.dumps(facts, indent=1))
    say(f"{len(problems)} problems; seed {arguments.seed}")
    if arguments.tally:
        arguments.tally.parent.mkdir(parents=True, exist_ok=True)
        with arguments.tally.open("a") as file:
            file.write(json.dumps({**facts, "problems": problems}) + "\n")
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
