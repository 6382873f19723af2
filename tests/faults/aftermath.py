"""What is left after a crowd, held against the log that was kept beside it."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from faults import judge
from faults.contents import FIRST, content_of, held, name_of, pointed_at, tracked_in, tree_of
from faults.places import World


class Logs(NamedTuple):
    """What the workers wrote down."""

    lines: dict[int, list[dict[str, Any]]]
    """By worker."""
    seeds: dict[str, str]
    """All content that was ever written, by its blake3."""

    @property
    def last(self) -> list[dict[str, Any]]:
        """The last words of each worker that had any."""
        return [lines[-1] for lines in self.lines.values() if lines and "end" in lines[-1]]


def examine(world: World, workers: int, operations: int) -> tuple[list[str], dict[str, object]]:
    """Return what is wrong now, and the tally."""
    logs = read_logs(world.root / "log", workers)
    problems = [problem for last in logs.last for problem in last["problems"]]
    finished = sum(last["done"] == operations for last in logs.last)
    if finished < workers and not problems:
        problems.append(f"{workers - finished} workers did not finish")
    problems += [*own_paths(world, logs), *garbage(world), *delivered(world, logs), *kept_on_the_remote(world, logs)]
    problems += [*at_rest(world), *remote(world)]
    return problems, tally(logs)


def read_logs(folder: Path, workers: int) -> Logs:
    """Read what the workers wrote down."""
    lines = {
        number: [json.loads(line) for line in (folder / f"{number}.jsonl").read_text().splitlines()]
        for number in range(workers)
    }
    seeds = {seed for told in lines.values() for line in told for seed in line.get("seeds", ())}
    return Logs(lines, {name_of(seed): seed for seed in {FIRST, *seeds}})


def tally(logs: Logs) -> dict[str, object]:
    """Return what was done, and how it ended."""
    counts: Counter[str] = Counter()
    remarks: Counter[str] = Counter()
    slowest: dict[str, float] = {}
    for last in logs.last:
        counts.update(last["counts"])
        remarks.update(last["remarks"])
        for name, seconds in last["slowest"].items():
            slowest[name] = round(max(seconds, slowest.get(name, 0)), 1)
    return {
        "done": sum(last["done"] for last in logs.last), "counts": dict(counts.most_common()),
        "failures": dict(remarks.most_common()), "slowest": slowest,
    }


def own_paths(world: World, logs: Logs) -> Iterator[str]:
    """Every acknowledged change is in its pointer: the log is gone through anew."""
    for worker, lines in logs.lines.items():
        root = world.places[[*world.places][worker % len(world.places)]]
        known: dict[str, dict[str, str]] = {}
        for line in lines:
            known |= line.get("known", {})
        for path, tree in known.items():
            if (found := pointed_at(root, path)) != tree:
                yield f"worker {worker}: {path} holds {found}, not {tree}"


def garbage(world: World) -> Iterator[str]:
    """Free all that nothing needs: what is needed must survive that."""
    for name in ("one", "two"):
        result = world.repo(name).mvc("gc", "--yes", "--grace", "0", "--unpushed")
        if result.code:
            yield f"gc in {name}: {result}"
    left = [*world.cache.glob("tmp/*"), *(world.root / "remote").glob("tmp/*")]
    left += [path for place in ("one", "two") for path in (world.places[place] / ".git/mvc/tmp").glob("*")]
    if left:
        yield f"left behind: {left}"
    if aside := list(world.cache.glob("quarantine/*")):
        yield f"in quarantine: {aside}"


class Needed(NamedTuple):
    """Content that a commit needs."""

    place: str
    commit: str
    path: str
    tree: dict[str, str]


def needed(world: World) -> Iterator[Needed]:
    """Yield every version of a pointer in any commit that Git knows of."""
    for place in ("one", "two"):
        repo = world.repo(place)
        seen = {"0" * 40}
        shown = repo.git("log", "--all", "--reflog", "--format=%x00%H", "--raw", "--no-abbrev", "--no-renames")
        for part in shown.split("\0")[1:]:
            commit, *lines = part.strip().splitlines()
            for line in filter(None, lines):
                facts, path = line.split("\t")
                blob = facts.split()[3]
                if path.endswith(".mvc") and blob not in seen:
                    seen.add(blob)
                    yield Needed(place, commit, path[:-4], tree_of(f"{repo.git('cat-file', 'blob', blob)}\n".encode()))


def delivered(world: World, logs: Logs) -> Iterator[str]:
    """Whatever a commit needs can be had, byte for byte."""
    seen: set[tuple[str, str]] = set()
    for item in needed(world):
        for name, blake3 in item.tree.items():
            if blake3 not in logs.seeds:
                yield f"{item}: nobody ever wrote {blake3}"
            elif (item.place, blake3) not in seen:
                seen.add((item.place, blake3))
                yield from _delivered(world, item, f"{item.path}/{name}" if name else item.path, logs.seeds[blake3])


def _delivered(world: World, item: Needed, path: str, seed: str) -> Iterator[str]:
    import mvc

    os.chdir(world.places[item.place])
    try:
        with mvc.open(f"{item.commit}:{path}") as file:
            if file.read() != content_of(seed):
                yield f"{item.place}: {path} of {item.commit} is not {seed}"
    except mvc.MvcError as error:
        yield f"lost in {item.place}: {path} of {item.commit}, {seed}: {error.message}"


def kept_on_the_remote(world: World, logs: Logs) -> Iterator[str]:
    """What was committed when a push acknowledged it is on the remote: nobody's `gc -r` took it."""
    wrong: list[str] = []
    there = set(judge.objects(world.root / "remote", wrong))
    yield from wrong
    pushed = {name for lines in logs.lines.values() for line in lines for name in line.get("pushed", ())}
    yield from (f"the remote has lost {name}" for name in sorted(pushed - there))


def at_rest(world: World) -> Iterator[str]:
    """A checkout of everything delivers it, `verify` is content, and Git and mvc agree."""
    for name, root in world.places.items():
        repo = world.repo(name)
        paths = tracked_in(root)
        for path in paths:
            shutil.rmtree(root / path) if (root / path).is_dir() else (root / path).unlink(missing_ok=True)
        for command in (["checkout"], ["add", *paths], ["verify"]):
            result = repo.mvc(*command)
            if result.code:
                yield f"at rest, in {name}: {result}"
        for path in paths:
            if held(root, path) != pointed_at(root, path):
                yield f"at rest, in {name}: {path} holds {held(root, path)}, not {pointed_at(root, path)}"
        yield from _staged(world, name, paths)


def _staged(world: World, name: str, paths: Iterable[str]) -> Iterator[str]:
    repo = world.repo(name)
    for state in (result := repo.mvc("status", "--json")).json["items"]:
        if state["state"] != "clean":
            yield f"at rest, in {name}: {state} {result.err}"
    for path in paths:
        if repo.run("git", "check-ignore", "-q", path).code:
            yield f"at rest, in {name}: Git does not ignore {path}"
        if repo.git("show", f":{path}.mvc") != (repo.root / f"{path}.mvc").read_text().rstrip("\n"):
            yield f"at rest, in {name}: {path}.mvc is not staged as it is"


def remote(world: World) -> Iterator[str]:
    """What a push sends arrives in a clone with a cache of its own."""
    for name in ("one", "two"):
        repo = world.repo(name)
        repo.run("git", "commit", "-qam", "all")
        for command in (["push", "--all-commits"], ["verify", "-r", "store"]):
            result = repo.mvc(*command)
            if result.code:
                yield f"remote, in {name}: {result}"
        clone = repo.clone(world.root / f"clone-{name}")
        result = clone.mvc("pull")
        if result.code:
            yield f"clone of {name}: {result}"
        for path in tracked_in(clone.root):
            if held(clone.root, path) != pointed_at(clone.root, path):
                yield f"clone of {name}: {path} holds {held(clone.root, path)}, not {pointed_at(clone.root, path)}"
