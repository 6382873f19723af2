"""Random work in a repository, its worktree and a clone, compared after every step with a model in memory.

MVC_STATE_SEED chooses other histories, MVC_STATE_EXAMPLES and MVC_STATE_STEPS more and longer ones.
"""

from __future__ import annotations

import io
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from blake3 import blake3
from faults.state_model import Clone, Side, Tree, Value, carried, contents, merged
from formats.second_implementation import Store
from harness import LARGE, Repo, Result, make_home, noise, rounds
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from mvc.cli.main import run as run_mvc

SEED = int(os.environ.get("MVC_STATE_SEED", "1"))
EXAMPLES = rounds("MVC_STATE_EXAMPLES", 6, 60)
STEPS = int(os.environ.get("MVC_STATE_STEPS", "25"))
FILES = ("a.bin", "sub/b.bin")
DIRECTORIES = ("d", "e")
PATHS = FILES + DIRECTORIES
CONTENTS = [noise(("state", number), 64) for number in range(15)] + [noise("state", LARGE)]
"""Most have the same size, so that only what they hold tells them apart; so many that few are needed twice."""
PARTS = {str(number): noise(("part", number), 64) for number in range(3)}
"""What a new directory holds."""
PHASES = [Phase.generate, Phase.shrink] if os.environ.get("MVC_STATE_SHRINK") else [Phase.generate]
"""To find the shortest history that fails takes long."""
DATE = "2026-01-01T00:00:00Z"

paths = st.sampled_from(PATHS)
numbers = st.integers(0, len(CONTENTS) - 1)


class World:
    """Where the histories happen: always the same directory, so that the committed remote is the same."""

    def __init__(self, folder: Path, template: Path, environ: dict[str, str]) -> None:
        """Make the beginning that every history has."""
        self.folder, self.begin = folder / "world", folder / "begin"
        self.environ = environ
        repo = self.repo("repo")
        shutil.copytree(template, repo.root, symlinks=True)
        repo.ok("remote", "add", "store", str(self.folder / "remote"), "--default")
        repo.git("add", "-A")
        repo.commit("a remote")
        repo.git("clone", "-q", "--bare", str(repo.root), str(self.folder / "origin.git"))
        repo.git("remote", "add", "origin", str(self.folder / "origin.git"))
        repo.git("push", "-q", "-u", "origin", "main")
        self.folder.rename(self.begin)

    def repo(self, name: str) -> Repo:
        """Return the repository or worktree of this name."""
        return Repo(self.folder / name, self.environ)

    def renew(self) -> None:
        """Go back to the beginning."""
        os.chdir(self.begin)
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self.begin, self.folder, symlinks=True)


class Machine(RuleBasedStateMachine):
    """The commands that a user types, and what must hold after each."""

    world: World
    steps = 0

    def __init__(self) -> None:
        super().__init__()
        self.world.renew()
        self.name = "repo"
        self.commits: dict[str, Tree] = {commit: {} for commit in self.repo.git("rev-list", "HEAD").split()}
        self.first = next(iter(self.commits))
        self.sides = {"repo": Side(Clone(), self.first)}
        self.origin = {"main": self.first}
        self.remote: set[bytes] = set()
        self.branches = 0

    # What it works with.

    @property
    def repo(self) -> Repo:
        return self.world.repo(self.name)

    @property
    def here(self) -> Side:
        return self.sides[self.name]

    @property
    def is_settled(self) -> bool:
        """Whether nothing is staged that is not committed."""
        return self.here.pointers == self.commits[self.here.head]

    def git(self, *args: str) -> bool:
        """Run Git, which may refuse; then nothing happened."""
        return self.repo.run("git", *args).code == 0

    def mvc(self, *args: str, must: bool) -> Result:
        """Run mvc in this process. It must succeed, or say clearly why not."""
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = run_mvc(["-C", str(self.repo.root), *args])
        result = Result(args, code, out.getvalue(), err.getvalue())
        assert code == 0 if must else (code in (1, 2, 3) and result.errors), (must, result)
        return result

    def moved_head(self) -> None:
        """Learn where HEAD is."""
        self.here.head = self.repo.git("rev-parse", "HEAD")

    # The workspace.

    @initialize(first=numbers, second=numbers)
    def begin(self, first: int, second: int) -> None:
        self.change("a.bin", first)
        self.change("d", second)
        self.commit()

    @rule(path=paths, number=numbers)
    def edit(self, path: str, number: int) -> None:
        value = self.value(path, number)
        self.forget(path)
        for name, content in value.files:
            self.repo.write(f"{path}/{name}" if name else path, content)
        self.here.workspace[path] = value

    def value(self, path: str, number: int) -> Value:
        """Return what `path` shall hold; of a directory's files one changes."""
        if path in FILES:
            return Value("file", frozenset({("", CONTENTS[number])}))
        there = self.here.workspace.get(path)
        files = dict(there.files) if there else PARTS
        return Value("dir", frozenset({**files, str(number % 4): CONTENTS[number]}.items()))

    @rule(path=paths)
    def delete(self, path: str) -> None:
        self.forget(path)
        self.here.workspace.pop(path, None)

    def forget(self, path: str) -> None:
        if self.repo.path(path).exists():
            self.repo.remove(path)

    @rule(path=paths)
    def add(self, path: str) -> None:
        self.mvc("add", path, must=self.here.add(path))

    @rule(path=paths, number=numbers)
    def change(self, path: str, number: int) -> None:
        self.edit(path, number)
        self.add(path)

    @rule(path=paths, number=numbers)
    def change_and_commit(self, path: str, number: int) -> None:
        self.change(path, number)
        self.commit()

    @rule(path=paths)
    def checkout(self, path: str) -> None:
        tracked = path in self.here.pointers
        self.mvc("checkout", path, must=tracked and self.here.checkout(path))

    @rule()
    def checkout_all(self) -> None:
        self.mvc("checkout", must=self.here.checkout_all())

    @precondition(lambda self: self.here.pointers)
    @rule(which=st.integers(0, 9), number=numbers, then=st.sampled_from(["add", "checkout", "all", "rm", "pull"]))
    def edit_what_is_tracked(self, which: int, number: int, then: str) -> None:
        """Change a tracked path, and do at once what might lose the change."""
        tracked = sorted(self.here.pointers)
        path = tracked[which % len(tracked)]
        self.edit(path, number)
        if then == "pull" and self.is_settled:
            self.pull()
        elif then in ("add", "checkout"):
            getattr(self, then)(path)
        elif then == "rm":
            self.remove(path, keep=False)
        else:
            self.checkout_all()

    @rule(path=paths, which=st.integers(0, 30))
    def bring_back(self, path: str, which: int) -> None:
        known = [commit for commit in self.commits if self.git("cat-file", "-e", commit)]
        commit = known[which % len(known)]
        value = self.commits[commit].get(path)
        self.mvc("checkout", "--rev", commit, path, must=bool(value and self.here.bring_back(path, value)))

    @rule(pair=st.sampled_from([FILES, DIRECTORIES]), back=st.booleans())
    def move(self, pair: tuple[str, str], back: bool) -> None:
        old, new = pair[::-1] if back else pair
        if self.repo.path(new).is_dir():  # it would go into that
            return
        self.mvc("mv", old, new, must=old in self.here.pointers and self.here.move(old, new))

    @rule(path=paths, keep=st.booleans())
    def remove(self, path: str, keep: bool) -> None:
        must = path in self.here.pointers and self.here.remove(path, keep=keep)
        self.mvc("rm", path, *(["--keep"] if keep else []), must=must)

    # Git.

    @rule()
    def commit(self) -> None:
        self.repo.git("commit", "-q", "--allow-empty", "-m", "work")
        self.committed()

    def committed(self) -> None:
        """Learn a new commit, and look whether its pointers are what they must be."""
        self.moved_head()
        self.commits[self.here.head] = dict(self.here.pointers)
        rows = [row.split() for row in self.repo.git("ls-tree", "-r", "HEAD").splitlines()]
        blobs = {name.removesuffix(".mvc"): blob for _, _, blob, name in rows if name.endswith(".mvc")}
        assert blobs == {path: value.blob() for path, value in self.here.pointers.items()}

    @rule()
    def branch(self) -> None:
        self.branches += 1
        self.repo.git("switch", "-q", "-c", f"branch-{self.branches}")

    @rule(which=st.integers(0, 9))
    def switch(self, which: int) -> None:
        names = self.local_branches()
        if self.git("switch", "-q", names[which % len(names)]):
            before = self.commits[self.here.head]
            self.moved_head()
            self.here.pointers = carried(self.here.pointers, before, self.commits[self.here.head])

    def local_branches(self) -> list[str]:
        return self.repo.git("branch", "--format=%(refname:short)").splitlines()

    @precondition(lambda self: self.is_settled)
    @rule(which=st.integers(0, 9))
    def merge(self, which: int) -> None:
        names = self.local_branches()
        self.merge_with(names[which % len(names)])

    def merge_with(self, name: str) -> None:
        theirs = self.repo.git("rev-parse", name)
        base = self.repo.git("merge-base", "HEAD", name)
        if not self.git("merge", "-q", "--no-edit", name):
            self.git("merge", "--abort")
            return
        self.here.pointers = self.merged(base, theirs)
        self.committed()

    def merged(self, base: str, theirs: str) -> Tree:
        result = merged(self.commits[base], self.commits[self.here.head], self.commits[theirs])
        assert result is not None, "Git merged what the model says conflicts"
        return result

    @rule()
    def stash(self) -> None:
        if not self.repo.git("status", "--porcelain", "--untracked-files=no"):
            return
        before = self.repo.run("git", "rev-parse", "-q", "--verify", "refs/stash").out
        self.repo.git("stash", "-q")
        after = self.repo.git("rev-parse", "refs/stash")
        if after != before.strip():  # the same changes again within a second are the same stash
            self.here.clone.stashes.append(after)
        for name in ("stash", "stash^2"):
            self.commits[self.repo.git("rev-parse", name)] = dict(self.here.pointers)
        self.here.pointers = dict(self.commits[self.here.head])

    @rule(path=paths, number=numbers)
    def change_and_stash(self, path: str, number: int) -> None:
        self.change(path, number)
        self.stash()

    @precondition(lambda self: self.is_settled and self.here.clone.stashes)
    @rule()
    def unstash(self) -> None:
        stashed = self.here.clone.stashes[-1]
        base = self.repo.git("rev-parse", "stash^")
        if self.git("stash", "pop", "-q", "--index"):
            self.here.clone.stashes.pop()
            self.here.pointers = self.merged(base, stashed)
        else:
            self.repo.git("reset", "-q", "--hard")
            assert self.repo.git("rev-parse", "stash") == stashed

    @precondition(lambda self: self.here.clone.stashes)
    @rule()
    def drop_stash(self) -> None:
        self.repo.git("stash", "drop", "-q")
        self.here.clone.stashes.pop()

    @rule(back=st.booleans())
    def reset(self, back: bool) -> None:
        back = back and self.here.head != self.first  # which names the remote
        if self.git("reset", "-q", "--hard", "HEAD~1" if back else "HEAD"):
            self.moved_head()
            self.here.pointers = dict(self.commits[self.here.head])

    @rule()
    def expire(self) -> None:
        """Make what only the reflogs remember unreachable; a stash is an entry of one."""
        self.repo.git("reflog", "expire", "--expire=now", "--expire-unreachable=now", *self.reflogs())

    def reflogs(self) -> list[str]:
        return ["HEAD", *(f"refs/heads/{name}" for name in self.local_branches())]

    # Elsewhere.

    @rule(name=st.sampled_from(["repo", "second", "clone"]))
    def turn(self, name: str) -> None:
        """Go on in another worktree or clone, made when it is not there."""
        if name == "second" and name not in self.sides:
            self.name = "repo"
            self.repo.git("worktree", "add", "-q", "-b", "second", str(self.world.folder / name))
            self.sides[name] = Side(self.here.clone, self.here.head, dict(self.commits[self.here.head]))
        if name == "clone" and name not in self.sides:
            self.repo.git("clone", "-q", str(self.world.folder / "origin.git"), str(self.world.folder / name))
            head = self.origin["main"]
            self.sides[name] = Side(Clone(), head, dict(self.commits[head]))
        self.name = name

    @rule()
    def push_workspace(self) -> None:
        self.push(self.here.pointers)

    @rule()
    def push_branch(self) -> None:
        """Push as the hook has it: content first, then commits."""
        self.push(self.commits[self.here.head], "--rev", "HEAD")
        name = self.repo.git("branch", "--show-current")
        if self.git("push", "-q", "origin", name):
            self.origin[name] = self.here.head

    def push(self, tree: Tree, *options: str) -> None:
        needed = contents([tree])
        held = needed & self.here.clone.cache
        self.remote |= held
        self.mvc("push", *options, must=needed <= self.remote)

    @precondition(lambda self: self.is_settled)
    @rule()
    def pull(self) -> None:
        self.repo.git("fetch", "-q", "origin")
        name = self.repo.git("branch", "--show-current")
        if name in self.origin:
            self.merge_with(f"origin/{name}")
        needed = contents([self.here.pointers])
        self.here.clone.cache |= needed & self.remote
        done = self.here.checkout_all()
        self.mvc("pull", must=done and needed <= self.here.clone.cache)

    @rule(unpushed=st.booleans())
    def gc(self, unpushed: bool) -> None:
        """Whatever is reachable stays, and without --unpushed whatever is not on the remote."""
        before, must = self.here.clone.cache, self.reachable()
        must |= set() if unpushed else before - self.remote
        self.mvc("gc", "--yes", "--grace", "0", *(["--unpushed"] if unpushed else []), must=True)
        store = Store(self.repo.store)
        left = {content for content in before if holds(store, content)}
        assert must & before <= left
        self.here.clone.cache.intersection_update(left)

    def reachable(self) -> set[bytes]:
        """Return what any commit needs that Git still leads to, or any worktree."""
        commits = self.repo.git("rev-list", "--all", "--reflog").split()
        trees = [side.pointers for side in self.sides.values() if side.clone is self.here.clone]
        return contents([*trees, *(self.commits[commit] for commit in commits)])

    # What must hold after each step.

    @invariant()
    def the_workspace_is_as_the_model_says(self) -> None:
        Machine.steps += 1
        for path in PATHS:
            assert self.found(path) == self.here.workspace.get(path), path

    def found(self, path: str) -> Value | None:
        place = self.repo.path(path)
        if place.is_dir():
            return Value("dir", frozenset(self.repo.contents(path).items()))
        return Value("file", frozenset({("", place.read_bytes())})) if place.exists() else None

    @invariant()
    def the_pointers_are_as_the_model_says(self) -> None:
        files = [path for path in self.repo.root.rglob("*.mvc") if path.is_file()]
        found = {str(path.relative_to(self.repo.root)).removesuffix(".mvc"): path.read_bytes() for path in files}
        assert found == {path: value.pointer() for path, value in self.here.pointers.items()}

    @invariant()
    def status_says_so(self) -> None:
        items = self.mvc("status", "--json", must=True).json["items"]
        expected = {path: self.here.state(path) for path in self.here.pointers}
        assert {item["path"]: item["state"] for item in items} == expected
        self.here.agree()

    @invariant()
    def nothing_is_lost(self) -> None:
        assert all(holds(Store(self.repo.store), content) for content in self.here.clone.cache)
        assert all(holds(Store(self.world.folder / "remote"), content) for content in self.remote)

    def teardown(self) -> None:
        """Collect garbage and look at every side again, and at what somebody gets who clones."""
        for name in self.sides:
            self.name = name
            self.gc(unpushed=True)
            self.nothing_is_lost()
            self.mvc("verify", must=True)
        if len(self.origin) > 1 or self.origin["main"] != self.first:
            self.compare_with_a_fresh_clone()

    def compare_with_a_fresh_clone(self) -> None:
        """Check out every branch that was pushed. Only what was never pushed may be missing."""
        self.name = "fresh"
        self.world.repo("repo").git("clone", "-q", str(self.world.folder / "origin.git"), str(self.repo.root))
        self.sides["fresh"] = Side(Clone(), self.origin["main"])
        for branch, commit in self.origin.items():
            self.repo.git("switch", "-q", branch)
            self.here.pointers = dict(self.commits[commit])
            self.here.clone.cache |= contents([self.here.pointers]) & self.remote
            self.mvc("pull", must=self.here.checkout_all())
            self.the_workspace_is_as_the_model_says()


def holds(store: Store, content: bytes) -> bool:
    """Whether a store has just these bytes."""
    try:
        return store.object(blake3(content).hexdigest()) == content
    except KeyError:
        return False


@pytest.fixture
def tmp_path(in_memory: Path) -> Path:
    """Return a directory in memory."""
    return in_memory


@pytest.fixture
def world(template: Path, tmp_path: Path) -> Iterator[World]:
    """Return a place for histories, in which commits have no date of their own."""
    dates = {"GIT_AUTHOR_DATE": DATE, "GIT_COMMITTER_DATE": DATE}
    environ = {**make_home(tmp_path / "state-home"), **dates}
    with (tmp_path / "state-home/.gitconfig").open("a") as file:
        file.write("[merge]\n\trenames = false\n")
    yield World(tmp_path / "state", template, environ)
    os.chdir(tmp_path)


@pytest.mark.sampled
def test_random_work_agrees_with_the_model(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    os.environ.update(world.environ)

    @seed(SEED)
    class Here(Machine):
        pass

    Here.world, Machine.steps = world, 0
    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=PHASES,
        ),
    )
    with capsys.disabled():
        sys.stdout.write(f"\n{EXAMPLES} histories, {Machine.steps} steps, seed {SEED}\n")
