"""Every operation with every fault at its first, second, third … system call, until it runs clean.

    python tests/faults/sweep.py --tally .cache/faults/tally.jsonl      # all points; goes on where it was stopped
    python tests/faults/sweep.py --sample 500 --seed 1                  # some, chosen by the seed
    python tests/faults/sweep.py --operation push --fault kill --at 17  # one, and what it did

A point is an operation, a fault and a number. After each: `mvc verify`, the same command again, unaided, and `mvc gc`;
in between the world is held against the model in `judge`.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice, zip_longest
from pathlib import Path
from typing import IO, NamedTuple

from blake3 import blake3

TESTS = Path(__file__).resolve().parent.parent
PROJECT = TESTS.parent
sys.path[:0] = [str(TESTS), str(PROJECT)]

from faults import judge  # noqa: E402
from faults.injector import FAULTS, Call, Command, Fault, Outcome, Runner  # noqa: E402
from faults.worlds import FREE, OPERATIONS, Nodes, Operation, World, build, look, put_back  # noqa: E402
from harness import fast_folder  # noqa: E402


class Point(NamedTuple):
    """Where a fault strikes."""

    operation: str
    fault: str
    number: int


_UNFETCHED = re.compile("(note: [0-9]+ needed objects? not in this clone, so not verified\n  try: mvc pull( \\S+)?\n)?")
_IN_CONFLICT = re.compile("error: .* is in conflict: .*\n  try: .*\n")
_IN_A_STORE = re.compile("/(objects|packs)/")


class Tried(NamedTuple):
    """What came of it."""

    point: Point
    fired: bool
    call: Call | None
    code: int
    problems: tuple[str, ...]
    seconds: float
    locked: bool = False
    """Git died and left its `index.lock`; mvc named it, and it was removed."""
    err: str = ""

    @property
    def line(self) -> str:
        """One line of JSON."""
        call = _told_of(self.call) if self.call else ""
        result = "failed" if self.problems else "ok" if self.fired else "clean"
        facts: dict[str, object] = {**self.point._asdict(), "result": result, "call": call, "code": self.code}
        facts["seconds"] = round(self.seconds, 3)
        if self.locked:
            facts["locked"] = True
        if self.problems:
            facts |= {"problems": self.problems[:20], "err": self.err}
        return json.dumps(facts)


def _told_of(call: Call) -> str:
    return f"{call.program} {call.name} {call.path.partition('/world/')[2]}"


class Stage:
    """An operation, with its world and model."""

    def __init__(self, operation: Operation, runner: Runner, world: World, base: Nodes) -> None:
        """Prepare the world, and run the command once without a fault."""
        self.operation, self.runner, self.world = operation, runner, world
        put_back(str(world.root), base)
        operation.prepare(world)
        self._nodes = look(str(world.root))
        before = self.observe()
        self.command = operation.command(world)
        runner.learn(self.command)
        put_back(str(world.root), self._nodes)
        self.clean = runner.plain(self.command)
        assert self.clean.code == operation.refuses, self.clean
        after = self.observe()
        kept = {blake3(content).hexdigest() for content in operation.keeps}
        assert kept <= after.stores[f"{operation.where}/.git/mvc"]
        needs = judge.needs((before, after), world)
        assert self.plain(*FREE).code == 0
        self.model = judge.Model(before, after, self.observe(), needs)
        assert list(judge.in_between(after, self.model)) == []
        assert judge.incomplete(self.model, operation.where) == []

    def observe(self) -> judge.State:
        """Read the world, as its operation has it."""
        return judge.observe(self.world, self.operation.emptied)

    def calls(self, fault: Fault) -> list[Call]:
        """Return the calls at which `fault` may strike."""
        put_back(str(self.world.root), self._nodes)
        return self.runner.broken(self.command, fault, 0).calls

    def plain(self, *args: str) -> Outcome:
        """Run `mvc ARGS` there, without a fault."""
        return self.runner.plain(Command(args, self.command.cwd, self.command.environ))

    def attempt(self, point: Point) -> Tried:
        """Try one point."""
        start = time.monotonic()
        put_back(str(self.world.root), self._nodes)
        fault = FAULTS[point.fault]
        outcome = self.runner.broken(self.command, fault, point.number)
        after = Aftermath(self, outcome, fault)
        problems = tuple(after.problems()) if outcome.fired else tuple(self._ran_clean(outcome))
        ending = (bool(outcome.fired), outcome.hit, outcome.code, problems)
        return Tried(point, *ending, time.monotonic() - start, after.locked, outcome.err)

    def _ran_clean(self, outcome: Outcome) -> Iterator[str]:
        if (outcome.code, outcome.err) != (self.clean.code, self.clean.err):
            yield f"without a fault: exit code {outcome.code}, {outcome.err!r}"


class Aftermath:
    """What follows a fault."""

    def __init__(self, stage: Stage, outcome: Outcome, fault: Fault) -> None:
        """Look at what `outcome` left."""
        self._stage, self._outcome, self._fault = stage, outcome, fault
        self._model = stage.model
        self.locked = False

    def problems(self) -> Iterator[str]:
        """Yield what is wrong."""
        killed = bool(self._fault.signal)
        state = self._stage.observe()
        refuses = self._stage.operation.refuses
        yield from _told("after the fault", judge.about_ending(self._outcome, killed=killed, refuses=refuses))
        yield from _told("after the fault", judge.in_between(state, self._model))
        yield from _told("after the fault", judge.about_fsync(self._outcome, self._fault.name))
        if self._outcome.code == 0:
            yield from _told("after exit code 0", judge.done(state, self._model.after))
            yield from _told("after exit code 0", self._unread())
        if self._cleans_up():
            yield from _told("after the fault", self._left(state, self._model.before))
        verified = self._stage.plain("verify")
        told = _IN_CONFLICT.sub("", verified.err)
        if (verified.code and told == verified.err) or not _UNFETCHED.fullmatch(told):
            yield f"verify: {verified}"
        yield from self._again(state)
        yield from self._collect()

    def _cleans_up(self) -> bool:
        """Whether the command could remove its temporary files."""
        if self._fault.name in ("kill", "killall", "interrupt", "EIO+", "EROFS+", "EMFILE+"):
            return False
        hit = self._outcome.hit
        if hit is None or hit.name.startswith(("unlink", "rmdir")):
            return False
        return self._fault.name != "EIO-read" or "tmp" not in hit.path  # who cannot look there cannot remove

    def _unread(self) -> Iterator[str]:
        """`verify` must not say that an object is sound that it could not read."""
        hit = self._outcome.hit
        if self._stage.operation.name != "verify" or hit is None or hit.program != "mvc" or hit.name == "newfstatat":
            return  # that one is Python's own, as it opens a file
        if _IN_A_STORE.search(hit.path):
            yield f"{hit.path} was not read, and nobody was told"

    def _left(self, state: judge.State, wanted: judge.State, *, packs: bool = False) -> Iterator[str]:
        """Tell of what is left over.

        The trash and a pack without an index are for gc, on the remote for `gc -r`; what could not be removed in /tmp
        is for whoever sweeps there, a remote's temporary directory for the next command that writes to the remote.
        """
        hit = self._outcome.hit
        stuck = hit is not None and hit.name.startswith("unlink") and "/world/tmp/" in hit.path
        kept = self._fault.signal or self._fault.lasting or stuck
        later = ("tmp/", "remote/") if kept else ("remote/",)
        left = (line for line in judge.clean(state, wanted) if not line.startswith(later))
        return (line for line in left if packs or not re.search("/(packs|trash)/", line))

    def _again(self, state: judge.State) -> Iterator[str]:
        """Type the same command again."""
        if not self._stage.operation.again and not list(judge.done(state, self._model.after)):
            return
        lock = Path(self._stage.command.cwd, ".git/index.lock")
        if lock.exists():
            os.utime(lock, (0, 0))  # mvc does not wait for an old one
        outcome = self._stage.runner.plain(self._stage.command)
        if outcome.code == 3 and lock.exists() and f"rm {lock}" in outcome.err:
            self.locked = True
            lock.unlink()
            outcome = self._stage.runner.plain(self._stage.command)
        if (outcome.code, outcome.err) != (self._stage.clean.code, self._stage.clean.err):
            yield f"again: exit code {outcome.code}, {outcome.err!r}"
        final = self._stage.observe()
        yield from _told("again", judge.done(final, self._model.after))
        yield from _told("again", self._left(final, self._model.after))

    def _collect(self) -> Iterator[str]:
        outcome = self._stage.plain(*FREE)
        if outcome.code or outcome.err:
            yield f"gc: exit code {outcome.code}, {outcome.err!r}"
        state = self._stage.observe()
        yield from _told("gc", judge.done(state, self._model.collected))
        yield from _told("gc", self._left(state, self._model.collected, packs=True))
        for store, names in state.stores.items():
            if store != "remote" and (more := names - self._model.collected.stores[store]):
                yield f"gc: {store} still has {sorted(more)}"


def _told(when: str, problems: Iterable[str]) -> Iterator[str]:
    return (f"{when}: {problem}" for problem in problems)


# Which points.


def points_of(stage: Stage, operation: str, faults: Iterable[str], call: str = "") -> list[Point]:
    """Return every point of an operation, or those at the calls in which the pattern `call` is found."""
    return [
        Point(operation, fault, number)
        for fault in faults
        for number, met in enumerate(stage.calls(FAULTS[fault]), 1)
        if re.search(call, _told_of(met))
    ]


def read_tally(tally: Path | None) -> dict[Point, dict[str, object]]:
    """Return what is known of each point that was ever tried: what came of it the last time."""
    known: dict[Point, dict[str, object]] = {}
    for line in tally.read_text().splitlines() if tally and tally.exists() else ():
        with suppress(json.JSONDecodeError):  # the last line of a run that was killed
            facts = json.loads(line)
            known[Point(facts["operation"], facts["fault"], facts["number"])] = facts
    return known


def tell_tally(known: dict[Point, dict[str, object]]) -> None:
    """Print how many points there are of each operation, over all runs."""
    for operation in OPERATIONS:
        found = [facts for point, facts in known.items() if point.operation == operation]
        if found:
            failed = sum(facts["result"] == "failed" for facts in found)
            tell(f"  {operation}: {len(found)} points, {failed} failed")
    tell(f"{len(known)} points in the tally")


# Running.


class Sweep:
    """Tries points, and tells of them."""

    def __init__(self, folder: Path, tally: Path | None, *, stop: bool = False) -> None:
        """Build the world in `folder`. With `stop` the first failure ends an operation."""
        self._stop = stop
        self._world = World(folder / "world", {})
        self._runner = Runner(str(self._world.root), folder)
        self._world = build(self._world.root)
        self._base = look(str(self._world.root))
        self._tally = _open(tally)
        self.counts: Counter[str] = Counter()

    def stage(self, name: str) -> Stage:
        """Return an operation, prepared."""
        return Stage(OPERATIONS[name], self._runner, self._world, self._base)

    def attempt(self, stage: Stage, points: Iterable[Point]) -> None:
        """Try points of one operation."""
        for point in points:
            tried = stage.attempt(point)
            self.counts["failed" if tried.problems else "ok" if tried.fired else "clean"] += 1
            if self._tally:
                self._tally.write(tried.line + "\n")
                self._tally.flush()
            if tried.problems:
                show(tried)
                if self._stop:
                    return


def _open(tally: Path | None) -> IO[str] | None:
    if tally is None:
        return None
    tally.parent.mkdir(parents=True, exist_ok=True)
    return tally.open("a")


def tell(line: str) -> None:
    """Print a line, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def show(tried: Tried) -> None:
    """Print what a point showed."""
    call = _told_of(tried.call) if tried.call else "nothing"
    operation, fault, number = tried.point
    tell(f"--operation {operation} --fault {fault} --at {number}: {call}: exit code {tried.code}")
    for line in tried.err.splitlines():
        tell(f"    | {line}")
    for problem in tried.problems[:20]:
        tell(f"    {problem}")


def revision() -> str:
    """Return what is tried."""
    done = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=PROJECT, capture_output=True, check=False)
    return done.stdout.decode().strip()


def parse() -> argparse.Namespace:
    """Return the arguments."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--operation", action="append", choices=OPERATIONS, help="all when left out")
    parser.add_argument("--fault", action="append", choices=FAULTS, help="all when left out")
    parser.add_argument("--sample", type=int, help="so many points of each operation")
    parser.add_argument("--seed", default="1", help="which ones")
    parser.add_argument("--at", type=int, help="just this number")
    parser.add_argument("--call", default="", help="just the calls in which this pattern is found, as --calls has them")
    parser.add_argument("--calls", action="store_true", help="list the calls at which a fault may strike")
    parser.add_argument("--stop-at-failure", action="store_true", help="go to the next operation")
    parser.add_argument("--tally", type=Path, help="a file of JSON lines to go on from, and to append to")
    return parser.parse_args()


def run(arguments: argparse.Namespace, folder: Path) -> int:
    """Sweep; the exit code."""
    start = time.monotonic()
    sweep = Sweep(folder, arguments.tally, stop=arguments.stop_at_failure)
    before = {point for point, facts in read_tally(arguments.tally).items() if facts["result"] != "failed"}
    for name in arguments.operation or OPERATIONS:
        stage = sweep.stage(name)
        if arguments.calls:
            list_calls(stage, arguments.fault or ["kill"])
            continue
        points = chosen(stage, name, arguments)
        todo = [point for point in points if point not in before]
        failed = sweep.counts["failed"]
        sweep.attempt(stage, todo)
        tell(f"{name}: {len(todo)} of {len(points)} points, {sweep.counts['failed'] - failed} failed")
    counts = sweep.counts
    tell(
        f"{counts.total()} points in {time.monotonic() - start:.0f} s: {counts['ok']} ok, "
        f"{counts['clean']} not reached, {counts['failed']} failed; seed {arguments.seed}; {revision()}",
    )
    if arguments.tally:
        tell_tally(read_tally(arguments.tally))
    return int(bool(counts["failed"]))


def list_calls(stage: Stage, faults: Iterable[str]) -> None:
    """Print where the faults may strike."""
    for fault in faults:
        for number, call in enumerate(stage.calls(FAULTS[fault]), 1):
            tell(f"{fault} {number} {_told_of(call)}")


def chosen(stage: Stage, name: str, arguments: argparse.Namespace) -> list[Point]:
    """Return the points to try: one, a sample, or all."""
    faults = arguments.fault or list(FAULTS)
    if arguments.at:
        return [Point(name, fault, arguments.at) for fault in faults]
    rng = random.Random(f"{arguments.seed} {name}")
    if arguments.sample and arguments.sample < len(faults):
        found = one_each(stage, name, rng.sample(faults, len(faults)), arguments.call, rng)
        return sorted(islice(found, arguments.sample))
    points = points_of(stage, name, faults, arguments.call)
    if arguments.sample:
        return sorted(rng.sample(points, min(arguments.sample, len(points))))
    return points


def one_each(stage: Stage, name: str, faults: Iterable[str], call: str, rng: random.Random) -> Iterator[Point]:
    """Yield points of one fault after the other, round by round; calls are counted as far as points are asked for."""
    left = []
    for fault in faults:
        if points := points_of(stage, name, [fault], call):
            rng.shuffle(points)
            yield points.pop()
            left.append(points)
    for another in zip_longest(*left):
        yield from filter(None, another)


def main() -> None:
    """Sweep as the arguments say."""
    arguments = parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what `kill` sends: the world is removed
    folder = Path(tempfile.mkdtemp(prefix="mvc-faults-", dir=fast_folder()))
    try:
        code = run(arguments, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
