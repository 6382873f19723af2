"""The worlds in which operations are tried: repositories, a clone, a remote, and files that are nobody's business.

A world is built with plain commands, once, and then kept in memory: so it is put back in milliseconds, and what
was there is known without asking mvc.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from faults.injector import Command
from harness import LARGE, Repo, make_home, noise

LOOSE = LARGE - (80 << 10)
"""Bytes of a file that becomes a loose object, and not many more."""
FREE = ("gc", "--yes", "--grace", "0", "--unpushed")
OLD = {
    "models/m.bin": noise("old", LOOSE), "models/small.bin": b"small",
    "data/a": b"a", "data/b": noise("b", 2000), "data/sub/c": noise("c", LOOSE),
}
NEW = {
    "models/m.bin": noise("new", LOOSE), "models/small.bin": b"small",
    "data/a": b"A", "data/d": noise("d", 2000), "data/sub/c": noise("C", LOOSE),
}
NEWEST = {
    "models/m.bin": noise("newest", LOOSE), "models/small.bin": b"smaller",
    "data/a": b"AA", "data/b": noise("b", 2000), "data/e/f": noise("f", LOOSE),
}
TRACKED = ("models/m.bin", "models/small.bin", "data")


class Node(NamedTuple):
    """A file, directory or symlink."""

    mode: int
    content: bytes
    """Of a symlink: what it leads to."""
    mtime_ns: int

    @property
    def same(self) -> tuple[int, bytes]:
        """What must be the same: everything but the time."""
        return self.mode, self.content


Nodes = dict[str, Node]


def look(root: str, skip: Callable[[str], bool] = lambda path: False) -> Nodes:
    """Return all that lies below `root`, by path."""
    found: Nodes = {}
    folders = [""]
    while folders:
        folder = folders.pop()
        with os.scandir(f"{root}/{folder}") as entries:
            for entry in entries:
                path = f"{folder}/{entry.name}" if folder else entry.name
                if skip(path):
                    continue
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISDIR(status.st_mode):
                    folders.append(path)
                    content = b""
                elif stat.S_ISLNK(status.st_mode):
                    content = os.fsencode(os.readlink(entry.path))
                else:
                    content = Path(entry.path).read_bytes()
                found[path] = Node(status.st_mode, content, status.st_mtime_ns)
    return found


def put_back(root: str, nodes: Nodes) -> None:
    """Make `root` hold just `nodes`."""
    shutil.rmtree(root, ignore_errors=True)
    os.mkdir(root)
    for path in sorted(nodes):
        node, full = nodes[path], f"{root}/{path}"
        if stat.S_ISDIR(node.mode):
            os.mkdir(full)
        elif stat.S_ISLNK(node.mode):
            os.symlink(os.fsdecode(node.content), full)
            continue
        else:
            fd = os.open(full, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            os.write(fd, node.content)
            os.close(fd)
        os.chmod(full, stat.S_IMODE(node.mode))
    for path in sorted(nodes, reverse=True):
        os.utime(f"{root}/{path}", ns=(nodes[path].mtime_ns,) * 2, follow_symlinks=False)


# Building.


class World(NamedTuple):
    """Where everything lies."""

    root: Path
    environ: dict[str, str]

    @property
    def repo(self) -> Repo:
        """The repository."""
        return Repo(self.root / "repo", self.environ)

    @property
    def clone(self) -> Repo:
        """The clone, where there is one."""
        return Repo(self.root / "clone", self.environ)


def build(root: Path) -> World:
    """Make a world with two versions committed, the old one pushed."""
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    (root / "tmp").mkdir()
    environ = {**make_home(root / "home"), "TMPDIR": str(root / "tmp"), "COLUMNS": "80"}
    with (root / "home/.gitconfig").open("a") as file:
        file.write("[init]\n\ttemplateDir =\n[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n")
    world = World(root, environ)
    _foreign_files(root / "beside")
    repo = world.repo
    repo.root.mkdir()
    repo.git("init", "-q")
    repo.ok("init")
    repo.ok("remote", "add", "store", str(root / "remote"), "--default")
    _foreign_files(repo.root / "foreign")
    repo.write("models/.gitignore", "# ours\n/scratch.bin\n")
    repo.write("models/scratch.bin", b"ignored by the user")
    repo.write("code.py", "print()\n")
    repo.git("add", ".")
    repo.commit("set up")
    for tag, files in (("old", OLD), ("new", NEW)):
        lay_out(repo, files)
        repo.ok("add", *TRACKED)
        repo.commit(tag)
        repo.git("tag", tag)
        if tag == "old":
            repo.ok("push")
    repo.write("notes.txt", "not tracked by anybody\n")
    return world


def _foreign_files(folder: Path) -> None:
    """Write what no command may touch."""
    (folder / "empty").mkdir(parents=True)
    (folder / "run.sh").write_text("true\n")
    (folder / "run.sh").chmod(0o755)
    (folder / "read-only").write_bytes(noise("foreign", 5000))
    (folder / "read-only").chmod(0o440)
    (folder / "link").symlink_to("../beside/run.sh")
    (folder / ".mvc-not").write_text("mvc: 1\n")


def lay_out(repo: Repo, files: Mapping[str, bytes]) -> None:
    """Make what is tracked hold just `files`."""
    for name in TRACKED:
        if repo.path(name).exists():
            repo.remove(name)
    for name, content in files.items():
        repo.write(name, content)


# Operations.


class Operation(NamedTuple):
    """A command, and what is to be there before it."""

    name: str
    args: tuple[str, ...]
    prepare: Callable[[World], object]
    where: str = "repo"
    again: bool = True
    """Whether the command, typed once more after it is done, succeeds."""
    keeps: tuple[bytes, ...] = ()
    """Content that must be in the cache afterwards, besides what the workspace holds."""
    refuses: bool = False
    """Whether it says no, with exit code 1: whatever fails, it must not say yes."""
    emptied: str = ""
    """A directory that may stay once its last file is deleted, as with Git: nobody knows any more whose it is."""

    def command(self, world: World) -> Command:
        """Return the command in its world."""
        return Command(self.args, str(world.root / self.where), world.environ)


def _change(world: World) -> None:
    lay_out(world.repo, NEWEST)


def _add_linked(world: World) -> None:
    world.repo.ok("config", "set", "cache.link", "hardlink,copy")
    lay_out(world.repo, NEWEST)


def _many(world: World) -> None:
    world.repo.write_dir("many", 260)


def _clone(world: World) -> None:
    world.repo.ok("push")
    world.repo.clone(world.clone.root)


def _clone_behind(world: World) -> None:
    """Pull over something: the old version is there, the new one comes from the remote."""
    _clone(world)
    world.clone.git("checkout", "-q", "old")
    world.clone.ok("pull")
    world.clone.git("checkout", "-q", "main")


def _behind(world: World) -> None:
    world.repo.git("reset", "-q", "--hard", "old")


def _missing(world: World) -> None:
    for name in TRACKED:
        world.repo.remove(name)


def _linked(world: World) -> None:
    world.repo.ok("config", "set", "cache.link", "hardlink,copy")
    world.repo.ok("checkout", "--relink")


def _garbage(world: World) -> None:
    """Loose and in packs, some beside what is needed."""
    repo = world.repo
    repo.write("models/gone.bin", noise("gone", LOOSE))
    repo.write("data/gone", b"gone")
    repo.write("data/kept", b"kept")
    repo.ok("add", "models/gone.bin", "data")
    repo.remove("data/gone")
    repo.ok("add", "data")
    repo.ok("rm", "models/gone.bin")
    repo.commit("without")
    _held_by_one_root_each(repo)


def _garbage_there(world: World) -> None:
    """What nobody needs lies on the remote, loose and in packs, beside what this clone or only another one needs."""
    repo = world.repo
    repo.ok("push")
    repo.write("models/gone.bin", noise("gone", LOOSE))
    repo.write("data/gone", b"gone")
    repo.ok("add", "models/gone.bin", "data")
    repo.ok("push")
    repo.remove("data/gone")
    repo.ok("add", "data")
    repo.ok("rm", "models/gone.bin")
    repo.git("tag", "blob", ":models/small.bin.mvc")
    shutil.rmtree(world.root / "remote/repos")  # a repository that is put back counts as a copy, a clone of its own
    clone = repo.clone(world.clone.root)
    clone.ok("pull")
    clone.write("models/theirs.bin", noise("theirs", LOOSE))
    clone.write("models/small.bin", b"theirs")
    clone.ok("add", "models/theirs.bin", "models/small.bin")
    clone.ok("push")


HELD = (
    b"stash", b"reflog", b"tree", b"blob", b"index", b"worktree", b"index of the worktree", b"workspace", b"kept",
    b"small", *OLD.values(),
)


def _held_by_one_root_each(repo: Repo) -> None:
    """Leave content that only one thing needs: a stash, a reflog, a tag of a tree or a blob, an index, a worktree."""
    def held(name: str) -> None:
        repo.write("models/small.bin", name)
        repo.ok("add", "-f", "models/small.bin")

    held("stash")
    repo.git("stash")
    held("reflog")
    repo.commit("dropped")
    repo.git("reset", "-q", "--hard", "HEAD~1")
    held("tree")
    repo.git("tag", "tree", repo.git("write-tree"))
    held("blob")
    repo.git("tag", "blob", ":models/small.bin.mvc")
    repo.git("worktree", "add", "-q", "--detach", "../side")
    side = Repo(repo.root.parent / "side", repo.environ)
    side.write("models/small.bin.mvc", "")
    side.path("models/small.bin.mvc").unlink()
    side.write("models/side.bin", b"worktree")
    side.ok("add", "models/side.bin", "--no-stage")
    side.write("models/staged.bin", b"index of the worktree")
    side.ok("add", "models/staged.bin")
    side.path("models/staged.bin.mvc").unlink()
    held("index")
    repo.write("models/small.bin", b"workspace")
    repo.ok("add", "-f", "models/small.bin", "--no-stage")


def _pushed(world: World) -> None:
    world.repo.ok("push")


def _evaluated(world: World) -> None:
    world.repo.ok("eval", "record", "models/m.bin", "--tag", "v1.0.0", "--metric", "auc=0.9")
    world.repo.commit("evaluated")


def _evaluated_by_other_code(world: World) -> None:
    """The next report is of code that differs from HEAD, though not in size: Git has to read it to know."""
    _evaluated(world)
    world.repo.write("code.py", "input()\n")


def _staged(world: World) -> None:
    """A commit is under way of models that have no report."""
    _change(world)
    world.repo.ok("add", *TRACKED)


def _in_conflict(world: World) -> None:
    """Both sides change a model and evaluate it, and change a file of a directory."""
    repo = world.repo
    _evaluated(world)
    for files, tag, score, branch in ((NEWEST, "v2.0.0", "0.92", "side"), (NEW, "v1.1.0", "0.91", "main")):
        repo.git("switch", "-q", *["-c"] * (branch == "side"), branch)
        repo.ok("checkout")
        own = {"models/m.bin": noise(tag, LOOSE), "models/small.bin": b"small", "data/a": tag.encode()}
        lay_out(repo, {**files, **own})
        repo.ok("add", *TRACKED)
        repo.ok("eval", "record", "models/m.bin", "--tag", tag, "--metric", f"auc={score}")
        repo.commit(branch)
    repo.git("merge", "-q", "side", code=1)


def _nothing(world: World) -> None:
    pass


_RECORD = ("eval", "record", "models/m.bin", "--tag", "v1.1.0", "--metric", "auc=0.93", "--dataset", "h=data/d")
_RESOLVE = ("resolve", "models", "data", "--theirs")

OPERATIONS = {
    operation.name: operation
    for operation in (
        Operation("add-file", ("add", "models/m.bin"), _change),
        Operation("add-directory", ("add", "data"), _change),
        Operation("add-all", ("add", *TRACKED), _change),
        Operation("add-many", ("add", "many"), _many),
        Operation("add-hardlink", ("add", "models/m.bin", "data"), _add_linked),
        Operation("push", ("push",), _nothing),
        Operation("pull-new", ("pull",), _clone, where="clone"),
        Operation("pull-update", ("pull",), _clone_behind, where="clone"),
        Operation("checkout-behind", ("checkout",), _behind),
        Operation("checkout-missing", ("checkout",), _missing),
        Operation("checkout-rev", ("checkout", "--rev", "old"), _nothing),
        Operation("checkout-hardlink", ("checkout", "--rev", "old"), _linked),
        Operation("checkout-force", ("checkout", "-f"), _change, keeps=tuple(NEWEST.values()), emptied="repo/data/e"),
        Operation("gc", FREE, _garbage, keeps=HELD),
        Operation("gc-remote", ("gc", "-r", "store", "--yes", "--grace", "0"), _garbage_there),
        Operation("mv-file", ("mv", "models/m.bin", "other/n.bin"), _evaluated, again=False),
        Operation("mv-directory", ("mv", "data", "sets/data"), _nothing, again=False),
        Operation("mv-folder", ("mv", "models", "moved"), _evaluated, again=False),
        Operation("verify", ("verify",), _nothing),
        Operation("gate", ("gate", "--base", "old", "--head", "new"), _nothing, refuses=True),
        Operation("pre-commit", ("hook", "run", "pre-commit"), _staged, refuses=True),
        Operation("rm-file", ("rm", "models/m.bin"), _evaluated, again=False),
        Operation("rm-directory", ("rm", "data"), _nothing, again=False),
        Operation("fetch", ("fetch",), _clone, where="clone"),
        Operation("evict", ("gc", "--yes", "--evict", "--grace", "0"), _pushed),
        Operation("unprotect", ("unprotect", *TRACKED), _linked),
        Operation("config-set", ("config", "set", "cache.link", "hardlink,copy"), _nothing),
        Operation("hook-install", ("hook", "install"), _nothing),
        Operation("remote-remove", ("remote", "remove", "store"), _nothing, again=False),
        Operation("remote-add", ("remote", "add", "second", "../second"), _nothing, again=False),
        Operation("resolve", _RESOLVE, _in_conflict, again=False, emptied="repo/data/sub"),
        Operation("eval-record", _RECORD, _evaluated_by_other_code),
    )
}
