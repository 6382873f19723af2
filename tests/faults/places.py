"""Where a crowd works: worktrees of one repository, and a clone of it, all on one cache and one remote."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from faults.contents import FIRST, content_of
from harness import Repo, make_home


class World(NamedTuple):
    """Where everything lies."""

    root: Path
    environ: dict[str, str]

    @property
    def places(self) -> dict[str, Path]:
        """The worktrees by name."""
        return {name: self.root / name for name in ("one", "side", "third", "two")}

    def repo(self, name: str) -> Repo:
        """Return a worktree."""
        return Repo(self.places[name], self.environ)

    @property
    def cache(self) -> Path:
        """The cache that they share."""
        return self.root / "cache"


def build(root: Path) -> World:
    """Make the repositories, their worktrees, the cache and the remote."""
    world = World(root, make_home(root / "home"))
    with (root / "home/.gitconfig").open("a") as file:
        file.write("[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n[core]\n\tlooseCompression = 0\n")
    one, two = world.repo("one"), world.repo("two")
    one.root.mkdir()
    one.git("init", "-q")
    one.ok("init", "--cache", str(world.cache))
    one.ok("remote", "add", "store", str(root / "remote"), "--default")
    one.write("models/first.bin", content_of(FIRST))
    one.ok("add", "models/first.bin")
    one.commit("set up")
    one.ok("push")
    one.clone(two.root)
    two.ok("init", "--cache", str(world.cache))
    two.ok("config", "set", "cache.link", "hardlink")
    two.ok("checkout")
    for name in ("side", "third"):
        one.git("worktree", "add", "-q", "-b", name, str(world.places[name]))
        world.repo(name).ok("checkout")
    return world
