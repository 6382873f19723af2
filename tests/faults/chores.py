"""What each of a crowd does all day."""

from __future__ import annotations

import shutil
from collections.abc import Callable

from faults.contents import NOTHING, held, pointed_at, small_seed, tracked_in, tree_of
from faults.worker import Worker


def some_path(worker: Worker) -> str:
    """Return a tracked path of the worker's own; where there is none, one is added."""
    if not worker.tracked():
        add_file(worker)
    return worker.random.choice(worker.tracked() or [worker.own_path()])


def add_file(worker: Worker) -> None:
    """Write and add one file, or the same content once more."""
    path = worker.own_path()
    tree = worker.write(path, {"": worker.seed()})
    worker.settle(worker.mvc("add", path), {path: tree})


def add_several(worker: Worker) -> None:
    """Write and add files and a directory at once."""
    seeds = {worker.own_path(): {"": worker.seed()} for _ in range(3)}
    parts = worker.random.randrange(1, 8)
    seeds[f"sets/{worker.number}"] = {f"part-{number}": worker.seed() for number in range(parts)}
    wanted = {path: worker.write(path, tree) for path, tree in seeds.items()}
    worker.settle(worker.mvc("add", *wanted), wanted)


def add_shared(worker: Worker) -> None:
    """Write and add a file that the other worker of this place writes and adds as well."""
    path = f"models/shared-{worker.random.randrange(2)}.bin"
    worker.write(path, {"": small_seed(worker.random.randrange(200))})
    worker.settle(worker.mvc("add", path), {})


def remove(worker: Worker) -> None:
    """Stop tracking a path."""
    path = some_path(worker)
    worker.settle(worker.mvc("rm", path), {path: NOTHING})


def move(worker: Worker) -> None:
    """Rename a tracked file."""
    source, target = some_path(worker), worker.own_path()
    if source.startswith("sets/") or worker.known.get(target) or (worker.root / target).exists():
        return
    tree = worker.known.get(source, NOTHING)
    ended = worker.mvc("mv", source, target)
    worker.settle(ended, {source: NOTHING, target: tree})
    if tree and not worker.known[source] and not worker.known[target]:
        worker.problem(f"{source} is neither here nor at {target}", ended)


def bring_back(worker: Worker) -> None:
    """Delete content from the workspace, and check it out."""
    path = some_path(worker)
    tree, full = worker.known.get(path, NOTHING), worker.root / path
    if full.is_dir():
        shutil.rmtree(full)
    else:
        full.unlink(missing_ok=True)
    ended = worker.mvc("checkout", path)
    worker.settle(ended, {path: tree})
    if not ended.code and held(worker.root, path) != tree:
        worker.problem(f"checkout delivered {held(worker.root, path)} to {path}, not {tree}", ended)


def older(worker: Worker) -> None:
    """Bring a path back as a commit had it."""
    path = some_path(worker)
    commits = worker.repo.git("log", "--format=%H", "--diff-filter=AM", "-5", "--", f"{path}.mvc").split()
    if not commits:
        return
    commit = worker.random.choice(commits)
    tree = tree_of(f"{worker.repo.git('show', f'{commit}:{path}.mvc')}\n".encode())
    worker.settle(worker.mvc("checkout", "--rev", commit, "-f", path), {path: tree})


def commit(worker: Worker) -> None:
    """Commit what is staged in this place, by whomever; Git may refuse while somebody else stages."""
    done = worker.repo.run("git", "commit", "-qm", f"by {worker.number}")
    worker.counts["commit"] += not done.code


def collect(worker: Worker) -> None:
    """Free what nothing needs."""
    grace = worker.random.choice((["--grace", "0"], ["--grace", "0", "--unpushed"], ["--grace", "0", "--unpushed"], []))
    worker.mvc("gc", "--yes", *grace)


def evict(worker: Worker) -> None:
    """Free what only older versions need, and the remote has."""
    worker.mvc("gc", "--yes", "--evict", "--grace", "0", "--unpushed")


def collect_remote(worker: Worker) -> None:
    """Free on the remote what no repository needs that ever pushed there."""
    worker.mvc("gc", "-r", "store", "--yes", *worker.random.choice((["--grace", "0"], ["--grace", "0"], [])))


def look(worker: Worker) -> None:
    """Ask how things stand."""
    worker.mvc("status", *worker.random.choice(([], ["--json"], ["--pushed"])))


def scrub(worker: Worker) -> None:
    """Read the cache: nothing is wrong in it, ever."""
    if worker.mvc("verify", "--quick").code == 1:
        worker.problem("verify finds damage")


def push(worker: Worker) -> None:
    """Send what this place needs; what HEAD names stays on the remote from then on.

    A killed `add` leaves pointers that are not staged: `git diff` says nothing of them.
    """
    changed = worker.repo.git("diff", "--name-only", "HEAD", "--", "*.mvc").splitlines()
    unchanged = {*worker.repo.git("ls-tree", "-r", "--name-only", "HEAD").splitlines()}.difference(changed)
    committed = [tree for path, tree in worker.known.items() if f"{path}.mvc" in unchanged]
    if not worker.mvc("push", *worker.random.choice(([], [], ["--all-commits"]))).code:
        worker.log(pushed=[name for tree in committed for name in tree.values()])


def pull(worker: Worker) -> None:
    """Fetch and check out what is this worker's own."""
    if paths := worker.tracked():
        ended = worker.mvc("pull", *worker.random.sample(paths, min(3, len(paths))))
        worker.settle(ended, {})


def clone(worker: Worker) -> None:
    """Clone this place, into a cache of its own, and pull: what arrives is right; what was never pushed does not."""
    target = worker.world.root / f"log/clone-{worker.number}"
    if worker.repo.run("git", "clone", "-q", ".", str(target)).code:
        return
    worker.mvc("-C", str(target), "pull")
    for path in tracked_in(target):
        found = held(target, path)
        if not found.items() <= pointed_at(target, path).items():
            worker.problem(f"pull delivered {found} to {path} in a clone, not {pointed_at(target, path)}")
    shutil.rmtree(target)


CHORES: dict[Callable[[Worker], None], int] = {
    add_file: 26, add_several: 8, add_shared: 6, remove: 8, move: 8, bring_back: 10, older: 5, commit: 9, collect: 7,
    evict: 1, collect_remote: 3, look: 6, scrub: 2, push: 4, pull: 3, clone: 1,
}
"""How often each is done."""
