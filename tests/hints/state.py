"""A state in which mvc tells a user what to type: a session, whose last line gives the hint."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple, TypeAlias

from harness import LARGE, Repo, Result, noise

Step: TypeAlias = str | Callable[[Repo], object]
"""A line that a user types, or what no line does."""


class State(NamedTuple):
    """A session in the world, and how the lines that it is told to type end."""

    name: str
    steps: tuple[Step, ...]
    last: str
    """The line that gives the hint: an mvc command."""
    meanwhile: str
    """What another program does when that command begins to read files."""
    fill: Mapping[str, str]
    """What is typed for placeholders."""
    ends: int
    """Not 0 only with a reason."""
    reason: str

    def begin(self, repo: Repo) -> list[str]:
        """Bring the state about; return the arguments of the command that gives the hint."""
        for step in self.steps:
            if callable(step):
                step(repo)
            else:
                done = type_line(repo, step)
                assert done.code == 0, done
        mvc, *arguments = shlex.split(with_top(repo, self.last))
        assert mvc == "mvc"
        return arguments


def state(
    name: str, *steps: Step, meanwhile: str = "", ends: int = 0, reason: str = "", **fill: str,
) -> State:
    """Return a state; the last of its steps gives the hint. `fill` says what is typed for `NAME` or `PATH`."""
    last = steps[-1]
    assert isinstance(last, str)
    assert bool(ends) == bool(reason)
    return State(name, steps[:-1], last, meanwhile, fill, ends, reason)


def type_line(repo: Repo, line: str) -> Result:
    """Type a line into a shell; where nothing is for the shell itself, its commands start faster without one."""
    line = with_top(repo, line)
    parts = line.split(" && ")
    if set("".join(parts)) & set("&|;<>$*?[~`(!") or any(part.startswith("cd ") for part in parts):
        return repo.shell(line)
    for part in parts:
        program, *arguments = shlex.split(part)
        done = repo.mvc(*arguments) if program == "mvc" else repo.run(program, *arguments)
        if done.code:
            break
    return done


def with_top(repo: Repo, line: str) -> str:
    """Return a line with the top of the worktree for `$TOP`, and the user's directory, seen from there, for `$HERE`."""
    top = top_of(repo)
    return line.replace("$TOP", str(top)).replace("$HERE", os.path.relpath(repo.root, top))


def top_of(repo: Repo) -> Path:
    """Return the top of the worktree; the user may be in a directory below it."""
    return next(folder for folder in (repo.root, *repo.root.parents) if (folder / ".git").exists())


def nas(repo: Repo) -> Path:
    """Return the directory of the remote."""
    return top_of(repo).parent / "nas"


# The world in which all states begin, and steps that many take.


def world(repo: Repo) -> None:
    """Two committed versions of `m.bin` and `d`, all on the remote `nas`, and a file of Git."""
    (top_of(repo) / ".mvc/policy.yaml").write_text("mvc-policy: 1\ndefaults: {report: optional}\n")
    repo.write("plain.txt", "Git's own")
    repo.ok("remote", "add", "nas", os.path.relpath(nas(repo), repo.root))
    for tag, version in ("old", "v1.0.0"), ("new", "v1.1.0"):
        repo.write("m.bin", noise(tag, LARGE))
        repo.write("d/1", f"{tag} 1")
        repo.write("d/2", "2")
        repo.ok("add", "m.bin", "d")
        repo.ok("eval", "record", "m.bin", "--tag", version, "--metric", "auc=0.9")
        repo.git("add", "-A", ":/")
        repo.commit(tag)
        repo.git("tag", tag)
        repo.ok("push")


def world_below(repo: Repo) -> None:
    """The same in a directory, in which the user is."""
    repo.path(BELOW).mkdir()
    world(Repo(repo.root / BELOW, repo.environ))


BELOW = "sub"
CHANGED = "echo mine > m.bin"
PART_CHANGED = "echo mine > d/1"
LINKED = ("mvc config set cache.link symlink", "mvc checkout --relink m.bin")
"""m.bin is a symlink into the cache."""
ADDED = (CHANGED, "mvc add m.bin")
MOVED_ON = "git checkout -q old -- m.bin.mvc d.mvc"
"""Git moves the pointers to their first version."""
NO_REMOTE = "mvc remote remove nas"
REPORTS_DEMANDED = "echo 'mvc-policy: 1' > $TOP/.mvc/policy.yaml"
NEW = "echo n > n.bin"
"""A file that is not tracked."""
MANY_NEW = "for n in $(seq 12); do echo $n > n$n; done"
NEW_COMMITTED = (NEW, "mvc add n.bin", "git commit -qm n")
NOTHING_TRACKED = ("git rm -q --cached m.bin.mvc d.mvc", "mv m.bin.mvc d.mvc $TOP/..")


def empty_cache(repo: Repo) -> None:
    """Lose all content of the cache."""
    for folder in "objects", "packs":
        shutil.rmtree(repo.store / folder)


def lose(repo: Repo) -> None:
    """Lose the object of m.bin."""
    repo.loose(repo.digest("m.bin")).unlink()


def damage(repo: Repo) -> None:
    """Flip a byte of the object of m.bin."""
    flip(repo, repo.store)


def flip(repo: Repo, store: Path) -> None:
    """Flip a byte of the object of m.bin in a store."""
    name = repo.digest("m.bin")
    path = store / "objects" / name[:2] / name
    path.chmod(0o644)
    path.write_bytes(b"x" + path.read_bytes()[1:])
