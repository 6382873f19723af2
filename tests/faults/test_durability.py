"""After a power cut, what was acknowledged is there; what was not is as it was, or as it should become.

The world lies on a file system that forgets what nobody fsynced (`forgetful`). Git is told to fsync all that it writes
(`core.fsync=all`), and the names that it makes are durable at once: so it is mvc alone that is judged.

More cuts: MVC_CUTS=1000 python -m pytest tests/faults/test_durability.py
"""

from __future__ import annotations

import errno
import os
import random
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pytest
from blake3 import blake3

sys.path.insert(0, str(Path(__file__).parent))

import judge
from forgetful import POLICIES, Mounted, mounted
from harness import LONG, Result, noise, rounds
from judge import State
from proxy import proxying
from registries import Shop
from servers import SshServer
from switched import Site, load_all, run, sites
from worlds import LOOSE, NEWEST, OPERATIONS, Node, Operation, World, build

CUTS = rounds("MVC_CUTS", 2, 12)
_TEXT = (".mvc", ".eval.yaml", ".gitignore", ".gitattributes", "config.yaml", "policy.yaml")


def _new_folder(world: World) -> None:
    """The user has just made the directory: nobody has fsynced it, nor the one above it."""
    world.repo.write("new/deep/m.bin", noise("just written", LOOSE))


def _fresh(world: World) -> None:
    bare = world.clone
    bare.root.mkdir()
    bare.git("init", "-q")


def _elsewhere(world: World) -> None:
    world.repo.ok("init", "--cache", str(world.root / "shared/cache"))
    world.repo.write("models/other.bin", noise("other", LOOSE))


def _linked_new(world: World) -> None:
    """A file that nobody has fsynced is to become an object itself."""
    world.repo.ok("config", "set", "cache.link", "hardlink")
    _new_folder(world)


def _git_on_another_disk(world: World) -> None:
    """The repository is on a file system that forgets nothing, the workspace on this one."""
    world.clone.root.mkdir()
    world.clone.git("init", "-q", "--separate-git-dir", str(world.root.parent.parent / "git"))
    world.clone.ok("init")
    world.clone.write("m.bin", noise("across", LOOSE))


def _seen(world: World) -> None:
    """`mvc status` has read it, so that `add` need not."""
    OPERATIONS["add-file"].prepare(world)
    written = time.time_ns()
    while time.time_ns() - written < 100_000_000:
        pass  # what is read this soon is not known for good
    world.repo.ok("status")


MORE = {
    operation.name: operation
    for operation in (
        Operation("add-in-a-new-directory", ("add", "new/deep/m.bin"), _new_folder, again=False),
        Operation("add-hardlink-of-a-new-file", ("add", "new/deep/m.bin"), _linked_new, again=False),
        Operation("add-across-disks", ("add", "m.bin"), _git_on_another_disk, where="clone"),
        Operation("init", ("init",), _fresh, where="clone"),
        Operation("init-cache", ("init", "--cache", "../shared/cache"), _fresh, where="clone"),
        Operation("add-elsewhere", ("add", "models/other.bin"), _elsewhere),
        Operation("add-what-is-known", ("add", "models/m.bin", "data"), _seen),
    )
}
READING = ("verify", "gate", "pre-commit")
SCENARIOS = {name: found for name, found in (OPERATIONS | MORE).items() if name not in READING}
FRESH = ("add-in-a-new-directory", "add-hardlink-of-a-new-file")
"""What is to be there before these is not durable, either."""
_WRITING = ("pull", "checkout", "resolve", "unprotect")
LOOSE_WORKSPACE = (*FRESH, *(name for name in SCENARIOS if name.startswith(_WRITING)))
"""After these, a file of the workspace may be lost: the cache has it, and nobody may say that it is clean."""


class Stage(NamedTuple):
    """A scenario, ready to run, and what a clean run makes of it."""

    operation: Operation
    world: World
    disk: Mounted
    before: State
    after: State
    config: bytes
    """The clone's own settings after the command."""
    needs: dict[bytes, frozenset[str]]
    moments: list[bool]
    """Those of its run: whether names came with one that were not durable."""
    boot: Path
    """Holds what the system calls itself after the power cut."""

    @property
    def repo(self) -> Path:
        """Where the command is typed."""
        return self.world.root / self.operation.where

    def mvc(self, *args: str) -> Result:
        """Run `mvc ARGS` after the power cut."""
        return run(self.repo, self.world.environ, *args, boot=self.boot)

    def command(self, off: Site | None = None) -> Result:
        """Run the command before the power cut."""
        return run(self.repo, self.world.environ, *self.operation.args, off=off)

    def load(self, moment: object = "ready") -> None:
        """Make the world what it was before the command, or at a moment of its run."""
        self.disk.tell("load", name=f"{self.operation.name} {moment}")

    def cut(self, policy: str, seed: object = 0) -> State:
        """Cut the power; what is there afterwards."""
        self.disk.tell("cut", policy=policy, seed=seed)
        return judge.observe(self.world)


class Theatre:
    """Scenarios, each made ready once."""

    def __init__(self, disk: Mounted) -> None:
        """Build the world."""
        self._disk = disk
        self._stages: dict[str, Stage] = {}
        self._boot = disk.path.parent / "boot-id"
        self._boot.write_text("after the power cut\n")
        self._world = build(disk.path / "world")
        with (self._world.root / "home/.gitconfig").open("a") as file:
            file.write("[core]\n\tfsync = all\n")
        disk.tell("settle")
        disk.tell("save", name="world")

    def stage(self, name: str) -> Stage:
        """Return a scenario, with the world as it is before the command."""
        if name not in self._stages:
            self._stages[name] = self._prepare(SCENARIOS[name])
        self._stages[name].load()
        return self._stages[name]

    def _prepare(self, operation: Operation) -> Stage:
        world, disk = self._world, self._disk
        disk.tell("load", name="world")
        if operation.name not in FRESH:
            operation.prepare(world)
        disk.tell("settle")
        if operation.name in FRESH:
            operation.prepare(world)
        disk.tell("save", name=f"{operation.name} ready")
        before = judge.observe(world)
        disk.tell("record")
        result = run(world.root / operation.where, world.environ, *operation.args)
        assert result.code == 0, result
        moments = disk.tell("keep moments", name=operation.name)
        disk.tell("save", name=f"{operation.name} done")
        after = judge.observe(world)
        config = _config(world.root / operation.where)
        needs = judge.needs((before, after), world)
        return Stage(operation, world, disk, before, after, config, needs, moments, self._boot)


def _config(repo: Path) -> bytes:
    path = repo / ".git/mvc/config.yaml"
    return path.read_bytes() if path.exists() else b""


@pytest.fixture(scope="module")
def theatre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Theatre]:
    """Return all scenarios, on a forgetful file system."""
    load_all()
    with mounted(tmp_path_factory.mktemp("power") / "disk") as disk:
        yield Theatre(disk)


# Judging.


def sound(now: State) -> Iterator[str]:
    """Judge the stores. An index without its pack is none: it may be back after the two were removed."""
    gone = repr(FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT)))
    yield from (problem for problem in now.wrong if not problem.endswith(gone))


def acknowledged(stage: Stage, now: State, *, settled: bool = False) -> Iterator[str]:
    """Judge what is there after a command that has said that it is done; `settled`: all of the workspace as well."""
    wanted = stage.after
    yield from sound(now)
    for store, names in wanted.stores.items():
        yield from (f"{store} lacks {name}" for name in names - now.stores[store])
    for line in sorted(wanted.index ^ now.index):
        yield f"the index: {line}"
    if _config(stage.repo) != stage.config:
        yield "the settings are not what they were"
    for path in [path for path in wanted.git if "/hooks/" in path]:
        if now.git.get(path) is None or now.git[path].same != wanted.git[path].same:
            yield f"{path} is not what it was"
    loose = not settled and stage.operation.name in LOOSE_WORKSPACE
    for path in sorted(wanted.plain.keys() | now.plain.keys()):
        if path.endswith("/locks/store") or (loose and not path.endswith(_TEXT)):
            continue
        node, then = now.plain.get(path), wanted.plain.get(path)
        if stat.S_ISREG((node or then).mode) and (node and node.content) != (then and then.content):
            yield f"{path} is {'not what it was' if node and then else 'gone' if then else 'there again'}"
    if loose:
        yield from _claims(stage, now)


def _claims(stage: Stage, now: State) -> Iterator[str]:
    """What is said to be clean must be what its pointer stands for."""
    top = f"{stage.operation.where}/"
    for item in stage.mvc("status", "--json").json["items"]:
        if item["state"] != "clean":
            continue
        tracked = top + item["path"]
        for path in [path for path in stage.after.plain if path == tracked or path.startswith(f"{tracked}/")]:
            if now.plain.get(path, Node(0, b"", 0)).content != stage.after.plain[path].content:
                yield f"{path} is said to be clean, and is not"


def remove_locks_of_git(repo: Path) -> None:
    """Remove what a killed Git leaves, as mvc tells the user to."""
    for name in ("index.lock", "config.lock"):
        with suppress(FileNotFoundError, NotADirectoryError):
            (repo / ".git" / name).unlink()


def works_on(stage: Stage) -> Iterator[str]:
    """Judge whether the next commands work, and bring all of what was wanted."""
    remove_locks_of_git(stage.repo)
    if stage.operation.args[0] in ("init", "resolve"):
        stage.mvc(*stage.operation.args)
    verified = stage.mvc("verify")
    if verified.code:
        yield f"verify: {verified}"
    if stage.operation.again:
        again = stage.mvc(*stage.operation.args)
        if stage.operation.name == "unprotect" or (
            again.code and stage.operation.name in LOOSE_WORKSPACE and "-f" in again.err
        ):
            again = stage.mvc("checkout", "-f")
        if again.code:
            yield f"again: {again}"
        yield from acknowledged(stage, judge.observe(stage.world), settled=True)


# What was acknowledged.


ACKNOWLEDGED = [
    (name, policy)
    for place, name in enumerate(SCENARIOS)
    for turn, policy in enumerate(POLICIES)
    if LONG or (place + turn) % 2 == 0
]
"""Every other policy for each scenario in `make test`, and every other scenario for each policy."""


@pytest.mark.sampled
@pytest.mark.parametrize(("name", "policy"), ACKNOWLEDGED)
def test_what_was_acknowledged_is_there(theatre: Theatre, name: str, policy: str) -> None:
    stage = theatre.stage(name)
    stage.load("done")
    now = stage.cut(policy)
    assert list(acknowledged(stage, now)) == []
    if CUTS > 2 or policy in ("all lost", "some of each"):
        assert list(works_on(stage)) == []


# In the middle of a command.


def in_between(stage: Stage, now: State) -> Iterator[str]:
    """Judge what is there when the power was cut before the command had said anything."""
    yield from sound(now)
    model = judge.Model(stage.before, stage.after, stage.after, stage.needs)
    for store, names in now.stores.items():
        kept = stage.before.stores[store] & stage.after.stores[store]
        yield from (f"{store} has lost {name}" for name in kept - names)
    loose = stage.operation.name in LOOSE_WORKSPACE
    for path in sorted(now.plain.keys() | stage.before.plain.keys() | stage.after.plain.keys()):
        node, old, new = (state.plain.get(path) for state in (now, stage.before, stage.after))
        if not stat.S_ISREG((node or old or new).mode) or ".mvc-tmp" in path or "/cache/" in path:
            continue
        if loose and not path.endswith(_TEXT):
            continue
        if (node and node.content) not in (old and old.content, new and new.content):
            yield f"{path} is neither what it was nor what it should become"
    if stage.operation.args[0] == "mv":
        yield from _alone(now, model)
    if not loose:
        yield from judge._contents_there(now, model)
    yield from judge._references(now, model)


def _alone(now: State, model: judge.Model) -> Iterator[str]:
    """Content that is moved must be tracked at every moment, under the old name or the new one."""
    for pointer in {path for state in (model.before, model.after) for path in state.plain if path.endswith(".mvc")}:
        path = pointer.removesuffix(".mvc")
        if pointer not in now.plain and any(it == path or it.startswith(f"{path}/") for it in now.plain):
            yield f"{path} is there without its pointer"


def some_cuts(stage: Stage, count: int, seed: object) -> Iterator[tuple[int, str, str]]:
    """Return moments of a command's run, each with what to forget there."""
    chance = random.Random(f"{stage.operation.name} {seed}")
    for number in range(count):
        yield chance.randrange(len(stage.moments)), chance.choice(list(POLICIES)), f"{seed} {number}"


@pytest.mark.sampled
@pytest.mark.parametrize("name", SCENARIOS)
def test_a_cut_in_the_middle(theatre: Theatre, name: str) -> None:
    """Old or new; and the same line, typed again, does all that is left to do."""
    stage = theatre.stage(name)
    for moment, policy, seed in some_cuts(stage, CUTS, "middle"):
        stage.load(moment)
        now = stage.cut(policy, seed)
        assert list(in_between(stage, now)) == [], (moment, policy, seed)
        assert list(works_on(stage)) == [], (moment, policy, seed)


@pytest.mark.sampled
@pytest.mark.parametrize("name", SCENARIOS)
def test_killed_and_typed_again_and_then_a_cut(theatre: Theatre, name: str) -> None:
    """What a dead process has begun is there, and maybe not durable: who finds it must see to that."""
    stage = theatre.stage(name)
    for moment, *_ in some_cuts(stage, CUTS, "killed"):
        assert killed_and_typed_again(stage, moment) == [], moment


def killed_and_typed_again(stage: Stage, moment: int, off: Site | None = None) -> list[str]:
    """Return what is wrong when a process died at a moment, another one did the rest, and then the power was cut."""
    stage.load(moment)
    remove_locks_of_git(stage.repo)
    if stage.command(off=off).code:
        return []
    now = stage.cut(LOST)
    if stage.operation.args[0] in ("pull", "fetch"):  # what the first one brought may be gone: the remote has it
        return list(works_on(stage))
    return list(acknowledged(stage, now))


@pytest.mark.sampled
@pytest.mark.parametrize("name", ["push", "fetch", "add-what-is-known"])
def test_killed_after_each_name_and_typed_again_and_then_a_cut(theatre: Theatre, name: str) -> None:
    stage = theatre.stage(name)
    moments = named(stage.moments)
    for moment in moments if CUTS > 2 else moments[:: max(1, len(moments) // 8)]:
        assert killed_and_typed_again(stage, moment) == [], moment


def named(moments: list[bool]) -> list[int]:
    """Return the moments at which there are new names that are not durable."""
    return [number for number, names in enumerate(moments) if names]


BEFORE_IT_GOES = Site("store/cache/cache.py", "Cache.make_durable", 0)
DESTROYING = (
    ("rm", "models/m.bin"),
    ("checkout", "models/m.bin"),
    ("checkout", "-f", "models/m.bin"),
    ("checkout", "--rev", "old", "models/m.bin"),
)


@pytest.mark.parametrize("args", DESTROYING, ids=" ".join)
def test_what_a_dead_process_stored_is_durable_before_it_goes(theatre: Theatre, args: tuple[str, ...]) -> None:
    assert not list(_nowhere(theatre.stage("add-file"), args, None))


def test_that_needs_an_fsync(theatre: Theatre) -> None:
    forced = ("checkout", "-f", "models/m.bin")  # the others refuse what no pointer names
    assert list(_nowhere(theatre.stage("add-file"), forced, BEFORE_IT_GOES))


def _nowhere(stage: Stage, args: tuple[str, ...], off: Site | None) -> Iterator[int]:
    """Yield the moments of an `add` after which another command destroys the only copy that survives a cut."""
    content = NEWEST["models/m.bin"]
    for moment in named(stage.moments):
        stage.load(moment)
        remove_locks_of_git(stage.repo)
        if run(stage.repo, stage.world.environ, *args, off=off).code:
            continue
        for policy, seed in (("all lost", 0), *(("some of each", seed) for seed in range(3))):
            stage.disk.tell("save", name="destroyed") if policy == "all lost" else None
            stage.disk.tell("load", name="destroyed")
            now = stage.cut(policy, seed)
            held = {node.content for node in now.plain.values()}
            if content not in held and not any(blake3(content).hexdigest() in names for names in now.stores.values()):
                yield moment
                break


# Each fsync is needed.

LOST, EMPTY = "all lost", "names kept, files empty"
MIDDLE = "some of each"
"""In the middle of the command: it is the order that counts."""
KILLED = "killed, typed again, all lost"
"""It makes up for what a dead process did not come to."""
NOTICED_BY = {
    "ops/shared/config_files.py:change:0": ("init-cache", LOST),
    "ops/setup/hooks.py:install:0": ("hook-install", LOST),
    "ops/workspace/mv.py:_begin_directory.make:0": ("mv-folder", EMPTY),
    "ops/workspace/mv.py:_rename_all:0": ("mv-file", MIDDLE),
    "ops/shared/pointers.py:stop_ignoring:0": ("rm-directory", LOST),
    "store/cache/layout.py:_write_format_file:0": ("init-cache", LOST),
    "store/cache/layout.py:_write_format_file:1": ("init-cache", EMPTY),
    "store/buckets/directory.py:_Names.ensure_folders:0": ("push", LOST),
    "store/buckets/directory.py:_Names.ensure:0": ("push", KILLED),
    "store/buckets/directory.py:DirectoryBucket._publish:0": ("push", EMPTY),
    "store/buckets/directory.py:DirectoryBucket._publish:1": ("push", LOST),
    "store/packs/pack_writer.py:PackWriter._publish:0": ("add-directory", EMPTY),
    "store/packs/pack_writer.py:PackWriter._publish:1": ("add-many", LOST),
    "store/packs/pack_writer.py:_write_durable:0": ("add-directory", EMPTY),
    "store/cache/registrations.py:register:0": ("init-cache", EMPTY),
    "store/cache/registrations.py:register:1": ("init-cache", LOST),
    "store/cache/registrations.py:register:2": ("init-cache", LOST),
    "store/cache/source_file.py:_publish_source:0": ("add-hardlink-of-a-new-file", EMPTY),
    "store/cache/loose.py:LooseWriter.seal_and_publish:0": ("add-file", EMPTY),
    "store/cache/writer.py:CacheWriter.finish:0": ("add-file", LOST),
    "fs/tree.py:write_durable:0": ("add-across-disks", EMPTY),
    "fs/tree.py:replace_files:0": ("add-file", EMPTY),
    "fs/tree.py:replace_files:1": ("add-file", LOST),
}
"""The scenario and the policy that turn red without it."""
ON_THE_WAY = Site("fs/copying.py", "_KernelCopy._run", 0)
"""The caller fsyncs at the end; this one only keeps that short."""
OVER_SSH = Site("store/buckets/ssh/files.py", "SshFiles.publish", 0)
FROM_A_REGISTRY = Site("ops/lifecycle/packaging/fetch.py", "_download", 0)
OF_THEIR_OWN = {OVER_SSH, FROM_A_REGISTRY, BEFORE_IT_GOES, ON_THE_WAY}
"""They have tests of their own, below, or need none."""


@pytest.mark.parametrize("site", sorted(set(sites()) - OF_THEIR_OWN), ids=str)
def test_each_fsync_is_needed(theatre: Theatre, site: Site) -> None:
    assert str(site) in NOTICED_BY, "which of the scenarios needs this fsync?"
    name, policy = NOTICED_BY[str(site)]
    stage = theatre.stage(name)
    if policy == MIDDLE:
        assert any(list(in_between(stage, now)) for now in _cuts_without(stage, site))
    elif policy == KILLED:
        assert any(killed_and_typed_again(stage, moment, site) for moment in reversed(named(stage.moments)))
    else:
        assert stage.command(off=site).code == 0
        assert list(acknowledged(stage, stage.cut(policy))) != []


def _cuts_without(stage: Stage, site: Site) -> Iterator[State]:
    stage.disk.tell("record")
    assert stage.command(off=site).code == 0
    for moment in reversed(named(stage.disk.tell("keep moments", name="without"))):
        for seed in range(3):
            stage.disk.tell("load", name=f"without {moment}")
            yield stage.cut(MIDDLE, seed)


def test_no_fsync_is_named_that_is_not_there() -> None:
    assert set(NOTICED_BY) | set(map(str, OF_THEIR_OWN)) == set(map(str, sites()))


def test_what_was_pushed_over_ssh_is_there(theatre: Theatre, ssh_server: SshServer) -> None:
    """SFTP can have a file fsynced, not its name: that is the server's business."""
    stage = theatre.stage("push")
    remote = stage.world.root / "far"
    ssh_server.welcome(stage.world.environ["HOME"])
    stage.world.repo.ok("remote", "set", "store", f"ssh://{ssh_server.login}{remote}")
    stage.disk.tell("settle")
    stage.disk.tell("save", name="over ssh")
    for off in (None, OVER_SSH):
        stage.disk.tell("load", name="over ssh")
        assert stage.command(off=off).code == 0
        stage.cut(EMPTY)
        wrong: list[str] = []
        found = set(judge.objects(remote, wrong))
        sent = stage.after.stores["remote"] - stage.before.stores["remote"]
        assert (sent <= found and not wrong) == (off is None)


def test_what_was_got_from_a_registry_is_there(theatre: Theatre) -> None:
    stage = theatre.stage("push")
    content = noise("in a registry", LOOSE)
    with proxying(0) as proxy:
        shop = Shop(proxy)
        artifact = shop.publish(shop.model(content))
        for off in (None, FROM_A_REGISTRY):
            stage.load()
            assert run(stage.repo, stage.world.environ, "get", artifact, off=off).code == 0
            stage.cut(EMPTY)
            assert ((stage.repo / "m.bin").read_bytes() == content) == (off is None)


# What is known without reading.


def test_nothing_is_known_of_a_file_that_was_on_no_disk_yet(theatre: Theatre) -> None:
    """It has its size and times, and zeros. `status` came by when it was as it should be."""
    stage = theatre.stage("checkout-missing")
    assert stage.command().code == 0
    content = (stage.repo / "models/m.bin").read_bytes()
    while time.time_ns() - (stage.repo / "models/m.bin").stat().st_ctime_ns < 100_000_000:
        pass  # what is read this soon is read again, anyway
    assert run(stage.repo, stage.world.environ, "status").code == 0
    stage.disk.tell("cut", policy="names kept, files of zeros")
    assert (stage.repo / "models/m.bin").read_bytes() == bytes(len(content))
    states = {item["path"]: item["state"] for item in stage.mvc("status", "--json").json["items"]}
    assert states == {"data": "modified", "models/m.bin": "modified", "models/small.bin": "modified"}
    assert stage.mvc("checkout", "-f").code == 0
    assert (stage.repo / "models/m.bin").read_bytes() == content
