"""Somebody who works with mvc: each command a process, which now and then is stopped, or killed."""

from __future__ import annotations

import faulthandler
import gc
import json
import mmap
import os
import random
import re
import select
import shutil
import signal
import struct
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, NamedTuple

from faults.contents import NOTHING, Tree, content_of, large_seed, name_of, pointed_at, small_seed
from faults.places import World
from harness import Repo

STOPPED, KILLED = 0.10, 0.05
"""Share of operations that are stopped for a while, and killed."""
_SAID = ("error: ", "  try: ", "waiting for ", "warning: ", "  needed by ")
"""How every line on stderr begins."""

# Running one command.


class Ended(NamedTuple):
    """How an operation ended."""

    args: tuple[str, ...]
    code: int
    """Negative: the signal that ended it."""
    out: str
    err: str
    stopped: bool = False
    seconds: float = 0

    @property
    def errors(self) -> list[str]:
        """What it says is wrong."""
        return [line.removeprefix("error: ") for line in self.err.splitlines() if line.startswith("error: ")]


class Board:
    """What all see: how many operations each worker has ended, which process it runs, and whether all must go home."""

    _ROW = struct.Struct("<qqq")

    def __init__(self, workers: int) -> None:
        """Make one for so many workers; their forks share it."""
        self._map = mmap.mmap(-1, self._ROW.size * (workers + 1))
        self.workers = workers

    def put(self, worker: int, done: int, process: int, stopped: bool = False) -> None:
        """Say what a worker has done, and what it does now."""
        self._ROW.pack_into(self._map, self._ROW.size * worker, done, process, stopped)

    def row(self, worker: int) -> tuple[int, int, int]:
        """Return what a worker has done, its current process, and whether that is stopped."""
        done, process, stopped = self._ROW.unpack_from(self._map, self._ROW.size * worker)
        return done, process, stopped

    @property
    def done(self) -> int:
        """How many operations have ended, of all workers."""
        return sum(self.row(worker)[0] for worker in range(self.workers))


def start(args: tuple[str, ...], cwd: Path, output: Path) -> int:
    """Start `mvc ARGS` in a fork; its process. What it prints goes to `output` with `.out` and `.err`."""
    sys.stdout.flush()
    writing = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    printed = (os.open(f"{output}.{kind}", writing, 0o666) for kind in ("out", "err"))
    streams = [os.open(os.devnull, os.O_RDONLY), *printed]
    pid = os.fork()
    if pid:
        for opened in streams:
            os.close(opened)
        return pid
    code = 99
    try:
        for fd, opened in enumerate(streams):
            os.dup2(opened, fd)
            os.close(opened)
        os.chdir(cwd)
        faulthandler.register(signal.SIGUSR1)  # what it waits for, should all wait
        code = _main(args)
    except BaseException:  # noqa: BLE001 - as the interpreter would show it
        traceback.print_exc()
    finally:
        os._exit(code)


def _main(args: tuple[str, ...]) -> int:
    from mvc.cli.main import _flushed, run

    sys.argv = ["mvc", *args]
    gc.disable()
    code = _flushed(run(list(args)))
    threading._shutdown()  # type: ignore[attr-defined]
    sys.stdout.flush()
    return code


# A worker.


class Worker:
    """Somebody who works in one place, and knows what is theirs there."""

    def __init__(self, number: int, world: World, board: Board, seed: str) -> None:
        """Begin with nothing; `seed` decides all that this worker does."""
        self.number, self.world, self.board = number, world, board
        self.place = [*world.places][number % len(world.places)]
        self.root = world.places[self.place]
        self.random = random.Random(f"{seed}/{number}")
        self.repo = Repo(self.root, world.environ)
        self.known: dict[str, Tree] = {}
        """What the paths hold that are this worker's own: nobody else touches them."""
        self.problems: list[str] = []
        self.remarks: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()
        self.slowest: dict[str, float] = {}
        self._done = 0
        self._usual: dict[str, float] = {}
        self._fresh = 0
        self._log: IO[str] = (world.root / f"log/{number}.jsonl").open("a", buffering=1)

    # What happens to a command.

    def mvc(self, *args: str) -> Ended:
        """Run `mvc ARGS`; now and then it is stopped in the middle, or killed."""
        began = time.monotonic()
        pid = start(args, self.root, self.world.root / f"log/{self.number}")
        ended = os.pidfd_open(pid)
        poll = select.poll()
        poll.register(ended, select.POLLIN)
        self.board.put(self.number, self._done, pid)
        stopped = self._disturb(pid, poll, self._usual.get(args[0], 0.05))
        poll.poll()
        os.close(ended)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        seconds = time.monotonic() - began
        self.board.put(self.number, self._done, 0)
        if not stopped and not code:
            self._usual[args[0]] = 0.7 * self._usual.get(args[0], seconds) + 0.3 * seconds
        out, err = (
            Path(f"{self.world.root}/log/{self.number}.{kind}").read_text(errors="backslashreplace")
            for kind in ("out", "err")
        )
        return self._judged(Ended(args, code, out, err, stopped, seconds))

    def _disturb(self, pid: int, poll: select.poll, usual: float) -> bool:
        """Stop the process at some moment, until others have got on, or kill it; whether it was stopped."""
        chance = self.random.random()
        moment, others = self.random.random() * usual * 1000, self.random.randrange(1, 12)
        if chance >= STOPPED + KILLED or poll.poll(moment):
            return False
        if chance < KILLED:
            os.kill(pid, signal.SIGKILL)
            return False
        os.kill(pid, signal.SIGSTOP)
        self.board.put(self.number, self._done, pid, stopped=True)
        before = self.board.done
        for _ in range(40):  # it may be what the others wait for
            if self.board.done - before >= others or poll.poll(50):
                break
        os.kill(pid, signal.SIGCONT)
        self.board.put(self.number, self._done, pid)
        return True

    def _judged(self, ended: Ended) -> Ended:
        name = ended.args[0] if ended.args[0] != "-C" else "pull, in a clone"
        self.counts[name] += 1
        self.counts["stopped"] += ended.stopped
        self.slowest[name] = max(self.slowest.get(name, 0), ended.seconds)
        if ended.code == -signal.SIGKILL:
            self.counts["killed"] += 1
        elif "Traceback" in ended.err or ended.code not in (0, 1, 2, 3):
            self.problem(f"ended with {ended.code}", ended)
        elif ended.code and not _is_clean(ended):
            self.problem("no clean message", ended)
        elif ended.code:
            self.remarks.update(f"{ended.code} {plain(line)}" for line in ended.errors)
        return ended

    def problem(self, what: str, ended: Ended | None = None) -> None:
        """Note what must not be."""
        told = f": mvc {' '.join(ended.args)} [{ended.code}]\n{ended.out}{ended.err}" if ended else ""
        self.problems.append(f"worker {self.number} in {self.place}, operation {self._done}: {what}{told}")

    # What is known.

    def settle(self, ended: Ended, wanted: Mapping[str, Tree]) -> None:
        """Hold the pointers against what they were and what was `wanted`: an acknowledged change is there."""
        for path, new in wanted.items():
            old, found = self.known.get(path, NOTHING), pointed_at(self.root, path)
            if found != new and (not ended.code or found != old):
                self.problem(f"{path} holds {found}, not {new}; before: {old}", ended)
            self.known[path] = found
        self.log(args=ended.args, code=ended.code, known={path: self.known[path] for path in wanted})

    def log(self, **facts: object) -> None:
        """Write down what was done, for those who look at it in the end."""
        self._log.write(json.dumps(facts) + "\n")

    def tracked(self) -> list[str]:
        """Return the paths of this worker that are tracked."""
        return sorted(path for path, tree in self.known.items() if tree)

    def own_path(self) -> str:
        """Return the path of a file that nobody else touches, in a directory that all use."""
        return f"models/{self.number}-{self.random.randrange(6)}.bin"

    def seed(self) -> str:
        """Return content: mostly such that others use, too."""
        if self.random.random() < 0.2:
            self._fresh += 1
            return f"small-{self.number}-{self._fresh}"
        number = self.random.randrange(200)
        return large_seed(number) if self.random.random() < 0.15 else small_seed(number)

    def write(self, path: str, seeds: Mapping[str, str]) -> Tree:
        """Put content into the workspace as editors do: a new file, renamed; what it is."""
        full = self.root / path
        self.log(seeds=[*seeds.values()])
        if full.is_dir():
            shutil.rmtree(full)
        for name, seed in seeds.items():
            target = full / name if name else full
            target.parent.mkdir(parents=True, exist_ok=True)
            temp = target.with_name(f".{self.number}.new")
            temp.write_bytes(content_of(seed))
            temp.rename(target)
        return {name: name_of(seed) for name, seed in seeds.items()}

    def work(self, chores: Mapping[Callable[[Worker], None], int], operations: int) -> None:
        """Do so many operations, chosen by their weights, and say how it was."""
        while self._done < operations and not self.problems:
            self.random.choices([*chores], [*chores.values()])[0](self)
            self._done += 1
            self.board.put(self.number, self._done, 0)
        self.log(
            place=self.place, end=self.known, problems=self.problems, remarks=self.remarks,
            counts=self.counts, slowest=self.slowest, done=self._done,
        )


def _is_clean(ended: Ended) -> bool:
    """Whether a failure says what is wrong, and nothing that a person need not know."""
    beside_its_path = re.compile(r"vanished while it was read\)\n +ls -l -- ")
    shown = ended.args[0] == "status" and beside_its_path.search(ended.out)
    return bool(ended.errors or shown) and all(line.startswith(_SAID) for line in ended.err.splitlines())


def plain(line: str) -> str:
    """Return an error without what differs from time to time."""
    line = re.sub(r"\b[0-9a-f]{12,64}\b", "HASH", line)
    line = re.sub(r"/\S*/(one|side|third|two|cache|remote)\b", r"\1", line)
    line = re.sub(r"models/[\w.-]+|sets/[\w.-]+(/\w+)?", "PATH", line)
    return re.sub(r"\d+", "N", line)
