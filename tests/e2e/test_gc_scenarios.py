"""Random histories, garbage collected without grace: what is reachable stays, all else goes.

What is reachable is worked out here without mvc: commits by `git rev-list`, their pointers by walking
each commit's tree, contents by a dictionary that is kept outside of the repository.
"""

from __future__ import annotations

import itertools
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from blake3 import blake3
from formats.second_implementation import Store, read_manifest, read_pointer
from harness import LARGE, MANY, Repo, noise, rounds
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mvc.ops.storage.gc import GcOptions, gc
from mvc.ops.workspace.add import AddOptions, add
from mvc.project import Project
from mvc.store.cache.cache import Cache
from mvc.store.cache.inventory import all_objects
from mvc.surroundings import surroundings

FILES = ("a.bin", "sub/b.bin")
DIRECTORIES = ("few", "many")
CONTENTS = [noise(("small", n), 40 + n) for n in range(4)] + [noise(("large", n), LARGE) for n in range(2)]
PSEUDO_REFS = ("ORIG_HEAD", "FETCH_HEAD", "MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "REBASE_HEAD", "AUTO_MERGE")
CONFLICT = re.compile(
    rb"^<<<<<<< .*?\n(.*?)(?:^\|{7} .*?)?^=======\n(.*?)^>>>>>>> .*?\n", re.MULTILINE | re.DOTALL,
)
EXAMPLES = rounds("MVC_GC_SCENARIOS", 30, 400)
"""Scenarios in each of the four worlds."""

number = st.integers(0, 5)
step = st.one_of(
    st.tuples(st.just("edit"), st.sampled_from(FILES), number),
    st.tuples(st.just("edit_directory"), st.sampled_from(DIRECTORIES), number),
    st.tuples(st.just("add"), st.sampled_from(FILES + DIRECTORIES)),
    st.tuples(st.just("add"), st.sampled_from(FILES + DIRECTORIES)),
    st.just(("commit",)),
    st.just(("commit",)),
    st.tuples(st.sampled_from(["amend", "stash", "unstash", "reset", "branch", "switch", "merge"])),
    st.tuples(st.sampled_from(["cherry_pick", "delete_branch", "worktree", "remove_worktree", "other_worktree"])),
    st.tuples(st.just("add_unstaged"), st.sampled_from(FILES + DIRECTORIES)),
    st.tuples(st.just("forget"), st.sampled_from(FILES + DIRECTORIES)),
    st.tuples(st.sampled_from(["expire", "expire_stash", "gc"])),
)


@pytest.fixture
def tmp_path(in_memory: Path) -> Path:
    """Return a directory in memory."""
    return in_memory


class World:
    """A repository, perhaps with a second worktree, and what was ever added to its cache."""

    def __init__(self, repo: Repo) -> None:
        """Begin with the repository as it is."""
        self.main = self.here = repo
        self.known: dict[str, bytes] = {}
        """The model: every object that was ever added, by name."""
        self.pointers: dict[str, set[str]] = {}
        """The objects that each commit needs; a commit never changes."""
        self.blobs: dict[str, set[str]] = {}
        self.branches = 0
        self.store = repo.root / ".git/mvc"

    def moved(self, folder: Path) -> World:
        """Return the same world, copied to another directory."""
        world = World(Repo(folder / "repo", self.main.environ))
        if self.here != self.main:
            world.here = Repo(folder / "second", self.main.environ)
            world.main.git("worktree", "repair", str(world.here.root))
        world.known, world.pointers, world.blobs = dict(self.known), dict(self.pointers), dict(self.blobs)
        world.branches = self.branches
        return world

    # What a user does. Git may refuse; then nothing happened.

    def git(self, *args: str) -> bool:
        return self.here.run("git", *args).code == 0

    def edit(self, path: str, content: int) -> None:
        self.here.write(path, CONTENTS[content])

    def edit_directory(self, path: str, seed: int) -> None:
        for position in range(3 if path == "few" else MANY):
            if position < 2 or not self.here.path(f"{path}/{position}").exists():
                self.here.write(f"{path}/{position}", noise((path, seed if position < 2 else 0, position), 50))

    def add_unstaged(self, path: str) -> None:
        self.add(path, stage=False)

    def add(self, path: str, *, stage: bool = True) -> None:
        if not self.here.path(path).exists():
            return
        files = [self.here.path(path)] if path in FILES else [*self.here.path(path).iterdir()]
        with Project.find(surroundings(self.here.root)) as project:
            result = add(project, [path], AddOptions(force=True, stage=stage))
        if result.added:
            self.known |= {blake3(data).hexdigest(): data for data in (file.read_bytes() for file in files)}

    def commit(self) -> None:
        self.git("commit", "-qm", "work")

    def amend(self) -> None:
        self.git("commit", "-q", "--amend", "--allow-empty", "-m", "amended")

    def stash(self) -> None:
        self.git("stash", "-q")

    def unstash(self) -> None:
        self.git("stash", "pop", "-q")

    def reset(self) -> None:
        self.git("reset", "-q", "--hard", "HEAD~1")

    def branch(self) -> None:
        self.branches += 1
        self.git("switch", "-q", "-c", f"b{self.branches}")

    def switch(self) -> None:
        names = self.here.git("branch", "--format=%(refname:short)").splitlines()
        self.git("switch", "-q", names[self.branches % len(names)])

    def merge(self) -> None:
        names = self.here.git("branch", "--format=%(refname:short)").splitlines()
        self.git("merge", "-q", "-m", "merged", names[0])

    def cherry_pick(self) -> None:
        self.git("cherry-pick", self.here.git("branch", "--format=%(refname:short)").splitlines()[-1])

    def delete_branch(self) -> None:
        self.git("branch", "-q", "-D", f"b{self.branches}")

    def worktree(self) -> None:
        self.git("worktree", "add", "-q", "--detach", str(self.main.root.parent / "second"))

    def remove_worktree(self) -> None:
        self.here = self.main
        self.git("worktree", "remove", "--force", str(self.main.root.parent / "second"))

    def other_worktree(self) -> None:
        second = Repo(self.main.root.parent / "second", self.main.environ)
        self.here = second if self.here == self.main and second.root.exists() else self.main

    def forget(self, path: str) -> None:
        self.here.path(f"{path}.mvc").unlink(missing_ok=True)

    def expire(self) -> None:
        self.git("reflog", "expire", "--expire=now", "--expire-unreachable=now", "--all")

    def expire_stash(self) -> None:
        self.git("stash", "clear")

    # What must hold.

    def gc(self) -> None:
        expected = self.reachable()
        with Project.find(surroundings(self.here.root)) as project:
            gc(project, GcOptions(yes=True, grace=0, unpushed=True))
        store = Store(self.store)
        for name in expected & self.known.keys():
            assert store.object(name) == self.known[name]
        assert {entry.name for entry in all_objects(Cache(str(self.store)))} == expected
        assert not list((self.store / "trash").iterdir())

    def of_commit(self, commit: str) -> set[str]:
        """Return the objects that a commit needs."""
        if commit not in self.pointers:
            rows = self.main.git("ls-tree", "-r", commit).splitlines()
            blobs = [row.split()[2] for row in rows if row.endswith(".mvc")]
            self.pointers[commit] = {name for blob in blobs for name in self.needs(blob)}
        return self.pointers[commit]

    def commits(self) -> set[str]:
        """Return every commit that refs, reflogs, stashes or an operation in progress lead to."""
        named = []
        for repo in self.worktrees():
            for name in (name for name in PSEUDO_REFS if (self.own_folder(repo) / name).exists()):
                done = repo.run("git", "rev-parse", "-q", "--verify", f"{name}^{{commit}}")
                named += done.out.split()
        return set(self.main.git("rev-list", "--all", "--reflog", *named).split())

    def worktrees(self) -> list[Repo]:
        second = Repo(self.main.root.parent / "second", self.main.environ)
        return [self.main, second] if second.root.exists() else [self.main]

    def own_folder(self, repo: Repo) -> Path:
        """Return what Git keeps for a worktree alone."""
        if repo.root == self.main.root:
            return repo.root / ".git"
        return Path(repo.path(".git").read_text().removeprefix("gitdir: ").strip())

    def reachable(self) -> set[str]:
        names = {name for commit in self.commits() for name in self.of_commit(commit)}
        for repo in self.worktrees():
            for row in repo.git("ls-files", "--stage", "--", "*.mvc").splitlines():
                names |= self.needs(row.split()[1])
            for row in repo.git("ls-files", "--resolve-undo", "--", "*.mvc").splitlines():
                names |= self.needs(row.split()[1])
            if (self.own_folder(repo) / "AUTO_MERGE").exists():
                for row in repo.git("ls-tree", "-r", "AUTO_MERGE").splitlines():
                    names |= self.needs(row.split()[2]) if row.endswith(".mvc") else set()
            for pointer in repo.root.rglob("*.mvc"):
                if pointer.is_file():
                    names |= self.needed(pointer.read_bytes())
        return names

    def needs(self, blob: str) -> set[str]:
        """Return the objects that a pointer in Git needs; a blob never changes."""
        if blob not in self.blobs:
            self.blobs[blob] = self.needed(self.content(blob))
        return self.blobs[blob]

    def content(self, blob: str) -> bytes:
        done = subprocess.run(
            ["git", "cat-file", "blob", blob],
            cwd=self.main.root,
            env=self.main.environ,
            check=True,
            capture_output=True,
        )
        return done.stdout

    def needed(self, raw: bytes) -> set[str]:
        """Return the objects that a pointer needs; of one in conflict, both sides'."""
        if CONFLICT.search(raw):
            return self.needed(CONFLICT.sub(rb"\1", raw)) | self.needed(CONFLICT.sub(rb"\2", raw))
        pointer = read_pointer(raw)
        if pointer.listed is not None:
            return {file.digest.blake3 for file in pointer.listed}
        assert pointer.digest
        name = pointer.digest.blake3
        listed = read_manifest(Store(self.store), name) if pointer.kind == "dir" else []
        return {name, *(file.digest.blake3 for file in listed)}


Prepare = Callable[[World], None]


def two_worktrees(world: World) -> None:
    """Begin in the second worktree of a repository that has content."""
    for path in FILES:
        world.edit(path, 0)
        world.add(path)
    world.commit()
    world.worktree()
    world.other_worktree()


def two_branches(world: World) -> None:
    """Begin with branches that changed the same file, so that merges conflict."""
    for content in range(3):
        world.edit(FILES[0], content)
        world.add(FILES[0])
        world.commit()
        world.branch()
        if content == 1:
            world.git("reset", "-q", "--hard", "HEAD~1")


def two_directories(world: World) -> None:
    """Begin with a directory that its pointer lists, and one with a manifest of its own."""
    for path in DIRECTORIES:
        world.edit_directory(path, 0)
        world.add(path)
    world.commit()


PREPARE: dict[str, Prepare] = {
    "empty": lambda _: None,
    "two worktrees": two_worktrees,
    "two branches": two_branches,
    "two directories": two_directories,
}


@pytest.mark.sampled
@pytest.mark.parametrize("start", PREPARE)
def test_gc_keeps_what_is_reachable_and_nothing_else(
    start: str, template: Path, tmp_path: Path, environ: dict[str, str],
) -> None:
    runs = itertools.count()
    first = World(Repo(tmp_path / "first/repo", environ))
    shutil.copytree(template, first.main.root, symlinks=True)
    PREPARE[start](first)
    first.reachable()

    @given(st.lists(step, min_size=4, max_size=14))
    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    def scenario(steps: list[tuple[str, ...]]) -> None:
        folder = tmp_path / str(next(runs))
        shutil.copytree(tmp_path / "first", folder, symlinks=True)
        world = first.moved(folder)
        for name, *arguments in [*steps, ("gc",)]:
            getattr(world, name)(*arguments)
        shutil.rmtree(folder)

    scenario()


def test_a_pointer_in_conflict_that_was_deleted_can_be_added(
    template: Path, tmp_path: Path, environ: dict[str, str],
) -> None:
    world = World(Repo(tmp_path / "repo", environ))
    shutil.copytree(template, world.main.root, symlinks=True)
    PREPARE["two branches"](world)
    world.edit("a.bin", 1)
    world.cherry_pick()
    world.forget("a.bin")
    world.add("a.bin")
    assert world.here.path("a.bin.mvc").exists()
