"""Do the same harm to mvc, DVC and git-lfs, and print what each lost or delivered wrongly.

A trial ends with one word. Everything but `fine` is counted and shown; a peer that does well is said to do well.
What needs root (a disk of a given size) or is not installed is left out and named.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from benchmarks import lfs_server, material, server
from benchmarks.tools import Command, Environ

from proxy import Answer, Fault, Proxy, Request, proxying  # isort: skip - `benchmarks.server` says where the tests are

FINE = "fine"
WRONG = "wrong bytes and exit code 0"
WRONG_TOLD = "wrong bytes and an error"
KEPT = "original gone, bytes left in the cache"
LOST = "lost"
STUCK = "next command fails"
REFUSED = "one of two refused"
HUNG = "hung"

SECONDS = 180
"""For one command; then it hangs."""
DOWNLOADS, ADD, SMALL = (3 << 20, 64 << 20), 64 << 20, 1 << 20
"""Bytes of the files that are downloaded, added with faults, and added by two at once."""


class Peer(NamedTuple):
    """A tool, the commands of its users, and where in a repository it keeps content."""

    name: str
    program: str
    version: Command
    cache: str
    setup: tuple[Command, ...]
    add: Command
    checkout: Command
    share: tuple[Command, ...] = ()
    """Names the remote at $REMOTE; none: it has no remotes."""
    push: Command = ()
    pull: Command = ()


def _shell(line: str) -> Command:
    return ("sh", "-c", line)


PEERS = (
    Peer(
        "mvc", "mvc", ("mvc", "--version"), ".git/mvc", (("mvc", "init", "--no-hooks"),),
        ("mvc", "add", "{}"), ("mvc", "checkout", "{}"),
        (_shell('mvc remote add it s3://faults/mvc --default -o endpoint_url="$REMOTE" && git add -A'),),
        ("mvc", "push"), ("mvc", "pull"),
    ),
    Peer(
        "DVC", "dvc", ("dvc", "--version"), ".dvc/cache", (("dvc", "init", "-q"),),
        ("dvc", "add", "-q", "{}"), ("dvc", "checkout", "-q", "{}.dvc"),
        (_shell('dvc remote add -q -d it s3://faults/dvc && dvc remote modify -q it endpointurl "$REMOTE"'),),
        ("dvc", "push", "-q"), ("dvc", "pull", "-q"),
    ),
    Peer(
        "git-lfs", "git-lfs", ("git", "lfs", "version"), ".git/lfs",
        (("git", "lfs", "install", "--local"), ("git", "lfs", "track", "*.bin")),
        ("git", "add", "{}"), ("git", "checkout", "--", "{}"),
        (_shell('git config -f .lfsconfig lfs.url "$LFS/it" && git config -f .lfsconfig lfs.locksverify false'),),
        _shell('git lfs push --all "$LFS/it"'), ("git", "lfs", "pull"),
    ),
)


class Place(NamedTuple):
    """A repository of a peer."""

    peer: Peer
    folder: Path
    environ: Environ

    def run(self, command: Command, path: str = "") -> int | None:
        """Run a command on `path`; its exit code, None when it hung."""
        process = self.start(command, path)
        try:
            return process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            kill(process)
            return None

    def start(self, command: Command, path: str = "") -> subprocess.Popen[bytes]:
        """Start a command on `path`, with all that it starts in a group of their own."""
        words = [word.replace("{}", path) for word in command]
        log = (self.folder.parent / "said").open("ab")
        with log:
            return subprocess.Popen(
                words, cwd=self.folder, env=dict(self.environ), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )

    def made(self, *more: Command) -> Place:
        """Set the repository up, anew; this place.

        Raises:
            RuntimeError: that failed.

        """
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        for command in (("git", "init", "-q"), *self.peer.setup, *more):
            self.must(command)
        return self

    def must(self, command: Command, path: str = "") -> None:
        """Run a command on `path` that no fault befalls.

        Raises:
            RuntimeError: it failed.

        """
        if self.run(command, path) != 0:
            said = (self.folder.parent / "said").read_text(errors="replace")
            raise RuntimeError(f"{self.peer.name}: {' '.join(command)}: {said[-1000:]}")

    def holds(self, path: str, content: bytes) -> bool:
        """Whether the workspace has `content` at `path`."""
        file = self.folder / path
        return file.is_file() and file.read_bytes() == content

    def cached(self, content: bytes) -> list[Path]:
        """Return the files of the cache that have `content`."""
        files = [path for path in (self.folder / self.peer.cache).rglob("*") if path.is_file()]
        return [path for path in files if path.stat().st_size == len(content) and path.read_bytes() == content]


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a command and all that it started."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def noise(seed: object, size: int) -> bytes:
    """Return bytes that do not compress."""
    return random.Random(str(seed)).randbytes(size)


# What became of the user's file.


def after_add(place: Place, path: str, content: bytes) -> str:
    """Return what is left after an `add` that something befell: the user types it again, later needs the file back."""
    if not place.holds(path, content):
        return KEPT if place.cached(content) else LOST
    if place.run(place.peer.add, path) != 0:
        return STUCK
    return brought_back(place, path, content)


def brought_back(place: Place, path: str, content: bytes) -> str:
    """Return what the user gets who deletes the file and checks it out."""
    (place.folder / path).unlink(missing_ok=True)
    code = place.run(place.peer.checkout, path)
    if place.holds(path, content):
        return FINE
    if not (place.folder / path).exists():
        return LOST
    return WRONG if code == 0 else WRONG_TOLD


# The faults. Each yields one word for each trial.


def broken_downloads(place: Place, proxy: Proxy, answer: Callable[[Answer], Answer]) -> Iterator[str]:
    """Every download breaks, of a small file and of a large one; then the network is well again."""
    for size in DOWNLOADS:
        yield from broken_download(place, proxy, answer, noise("download", size))


def broken_download(
    place: Place, proxy: Proxy, answer: Callable[[Answer], Answer], content: bytes,
) -> Iterator[str]:
    """Every download breaks; then the network is well again."""
    origin = place._replace(folder=place.folder.with_name("origin"))
    proxy.rule = lambda _: None
    origin.made(*place.peer.share)
    (origin.folder / "f.bin").write_bytes(content)
    commit = _shell("git add -A && git commit -qm work")
    clone = _shell(f"GIT_LFS_SKIP_SMUDGE=1 git clone -q . ../{place.folder.name}")
    for command in (place.peer.add, commit, place.peer.push):
        origin.must(command, "f.bin")
    shutil.rmtree(place.folder, ignore_errors=True)
    origin.must(clone)
    if place.peer.name == "git-lfs":
        place.must(("git", "lfs", "install", "--local"))
    proxy.rule = lambda request: Fault(answer=answer) if is_download(request) else None
    yield delivered(place, "f.bin", content)
    proxy.rule = lambda _: None
    word = delivered(place, "f.bin", content)
    yield word if word != FINE or place.holds("f.bin", content) else STUCK


def is_download(request: Request) -> bool:
    """Whether the answer is an object's bytes, not a listing."""
    return request.method == "GET" and "list-type" not in request.path and "?location" not in request.path


def delivered(place: Place, path: str, content: bytes) -> str:
    """Return what a `pull` brings; nothing and an error is fine."""
    before = (place.folder / path).read_bytes() if (place.folder / path).exists() else None
    code = place.run(place.peer.pull)
    if code is None:
        return HUNG
    after = (place.folder / path).read_bytes() if (place.folder / path).exists() else None
    if after == content or (code and after == before):
        return FINE
    return WRONG_TOLD if code else WRONG


def cut(answer: Answer) -> Answer:
    """Return an answer that is reset in mid-body."""
    if len(answer.body) < SMALL:
        return answer
    return answer.with_body(answer.body[: len(answer.body) // 2], len(answer.body))._replace(ending="reset")


def short(answer: Answer) -> Answer:
    """Return a well-formed answer that lacks the end."""
    return answer.with_body(answer.body[: len(answer.body) // 2]) if len(answer.body) >= SMALL else answer


def short_part(answer: Answer) -> Answer:
    """Return the same of a range that was asked for; whoever asks for whole files meets no fault."""
    return short(answer) if answer.status == 206 else answer


def flipped(answer: Answer) -> Answer:
    """Return an answer with one wrong bit."""
    return answer.with_body(flip(answer.body)) if len(answer.body) >= SMALL else answer


def flip(data: bytes) -> bytes:
    """Return `data` with one bit in the middle the other way round."""
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


def killed_add(place: Place, trials: int) -> Iterator[str]:
    """`kill -9` at equal distances between start and end of an `add`."""
    place.made()
    file = place.folder / "f.bin"
    file.write_bytes(noise("whole", ADD))
    begin = time.monotonic()
    place.run(place.peer.add, "f.bin")
    took = time.monotonic() - begin
    for trial in range(trials):
        content = noise(trial, ADD)
        name = f"f{trial}.bin"
        (place.folder / name).write_bytes(content)
        process = place.start(place.peer.add, name)
        try:
            process.wait(took * (trial + 1) / (trials + 1))
        except subprocess.TimeoutExpired:
            kill(process)
        word = after_add(place, name, content)
        yield word
        (place.folder / name).unlink(missing_ok=True)
        if word == STUCK:
            place.made()


def full_disk(place: Place, trials: int) -> Iterator[str]:
    """An `add` on a disk with less room than the file needs once more; then there is room."""
    size = ADD // 4
    for trial in range(trials):
        content = noise(("full", trial), size)
        with disk(place.folder.with_name("disk"), 4 * size) as top:
            here = place._replace(folder=top / "r").made()
            (here.folder / "f.bin").write_bytes(content)
            used = shutil.disk_usage(top).used
            resize(top, used + size * trial // trials)
            here.run(place.peer.add, "f.bin")
            resize(top, 8 * size)
            yield after_add(here, "f.bin", content)


@contextmanager
def disk(path: Path, size: int) -> Iterator[Path]:
    """Mount a file system in memory with room for `size` bytes."""
    path.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(path)], check=True)
    try:
        yield path
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True)


def resize(path: Path, size: int) -> None:
    """Give a disk another size."""
    subprocess.run(["mount", "-o", f"remount,size={size}", str(path)], check=True)


def rotten_cache(place: Place, trials: int) -> Iterator[str]:
    """One bit of the cache's file flips, mode and times as they were; then the file is deleted and checked out."""
    place.made()
    for trial in range(trials):
        content = noise(("rot", trial), SMALL)
        name = f"f{trial}.bin"
        (place.folder / name).write_bytes(content)
        place.run(place.peer.add, name)
        for file in place.cached(content):
            rot(file)
        word = brought_back(place, name, content)
        yield FINE if word == LOST else word  # the bytes are damaged: not to deliver them is right


def rot(file: Path) -> None:
    """Flip a bit of a file, without a trace."""
    about = file.stat()
    file.chmod(0o644)
    file.write_bytes(flip(file.read_bytes()))
    file.chmod(about.st_mode)
    os.utime(file, ns=(about.st_atime_ns, about.st_mtime_ns))


def two_writers(place: Place, trials: int) -> Iterator[str]:
    """Two `add` of two files at once."""
    place.made()
    for trial in range(trials):
        files = {f"f{trial}-{side}.bin": noise((trial, side), SMALL) for side in range(2)}
        for name, content in files.items():
            (place.folder / name).write_bytes(content)
        running = [place.start(place.peer.add, name) for name in files]
        codes = [process.wait(SECONDS) for process in running]
        done = [name for name, code in zip(files, codes, strict=True) if code == 0]
        words = {brought_back(place, name, files[name]) for name in done} - {FINE}
        words |= {after_add(place, name, files[name]) for name in files.keys() - done} - {FINE}
        yield min(words) if words else FINE if len(done) == len(files) else REFUSED


# All of it.


class Row(NamedTuple):
    """A fault, and how to do it to a peer; None where that is not possible."""

    name: str
    trials: Callable[[Place, Proxy | None, int], Iterator[str] | None]


def _download(answer: Callable[[Answer], Answer]) -> Callable[[Place, Proxy | None, int], Iterator[str] | None]:
    return lambda place, proxy, _: broken_downloads(place, proxy, answer) if proxy and place.peer.pull else None


ROWS = (
    Row("download reset in mid-body", _download(cut)),
    Row("download that ends early, well-formed", _download(short)),
    Row("download of a range that ends early", _download(short_part)),
    Row("download with a flipped bit", _download(flipped)),
    Row("`kill -9` in mid-add", lambda place, _, trials: killed_add(place, trials)),
    Row("disk full in mid-add", lambda place, _, trials: full_disk(place, trials) if os.geteuid() == 0 else None),
    Row("bit flipped in the cache, then checkout", lambda place, _, trials: rotten_cache(place, trials)),
    Row("two `add` at once", lambda place, _, trials: two_writers(place, trials)),
)


def cell(words: Iterator[str] | None) -> str:
    """Return how often each word was said, the good one first."""
    if words is None:
        return "left out"
    counted = Counter(words)
    return ", ".join(f"{counted[word]} {word}" for word in sorted(counted, key=lambda word: (word != FINE, word)))


def compare(peers: tuple[Peer, ...], rows: tuple[Row, ...], root: Path, environ: Environ, trials: int) -> list[str]:
    """Return the lines of the table."""
    lines = [f"| fault | {' | '.join(peer.name for peer in peers)} |", f"|---|{'---|' * len(peers)}"]
    with ExitStack() as stack:
        for row in rows:
            cells = []
            for peer in peers:
                begin = time.monotonic()
                proxy, reached = network(peer, row, root, environ, stack)
                place = Place(peer, root / "work" / peer.name / "r", {**environ, **reached})
                place.folder.parent.mkdir(parents=True, exist_ok=True)
                cells.append(cell(row.trials(place, proxy, trials)))
                print(f"{row.name}: {peer.name}: {cells[-1]} ({time.monotonic() - begin:.0f} s)", file=sys.stderr)
            lines.append(f"| {row.name} | {' | '.join(cells)} |")
    return lines


_NETWORKS: dict[str, tuple[Proxy, Mapping[str, str]]] = {}


def network(
    peer: Peer, row: Row, root: Path, environ: Environ, stack: ExitStack,
) -> tuple[Proxy | None, Mapping[str, str]]:
    """Return the proxy before the server that a peer shares content by, and the variables that lead there."""
    if not row.name.startswith("download") or not peer.pull:
        return None, {}
    if peer.name == "git-lfs":
        proxy = stack.enter_context(proxying(stack.enter_context(lfs_server.serving())))
        return proxy, {"LFS": proxy.endpoint}
    if peer.name not in _NETWORKS:
        folder = root / f"server-{peer.name}"
        reached = stack.enter_context(server.serving(folder, environ["PATH"]))
        server.empty({**reached, "BUCKET": "faults"})
        proxy = stack.enter_context(proxying(int(reached["AWS_ENDPOINT_URL"].rpartition(":")[2])))
        _NETWORKS[peer.name] = proxy, {**reached, "REMOTE": proxy.endpoint, "AWS_ENDPOINT_URL": proxy.endpoint}
    return _NETWORKS[peer.name]


def main() -> int:
    """Run what the command line asks for."""
    options = _parse()
    path = os.pathsep.join([str(Path(sys.executable).parent), *options.path, os.environ["PATH"]])
    peers = tuple(peer for peer in PEERS if shutil.which(peer.program, path=path))
    rows = tuple(row for row in ROWS if not options.only or any(word in row.name for word in options.only))
    root = Path(tempfile.mkdtemp(prefix="mvc-faults-"))
    try:
        environ = material.isolated(root / "home", path)
        print(versions(peers, environ))
        print("\n" + "\n".join(compare(peers, rows, root, environ, options.trials)))
    finally:
        shutil.rmtree(root, ignore_errors=True)
    missing = [peer.name for peer in PEERS if peer not in peers]
    print(f"\nnot installed, left out: {', '.join(missing) or 'none'}")
    return 0


def versions(peers: tuple[Peer, ...], environ: Environ) -> str:
    """Return the day, and what was compared."""
    said = [subprocess.run(p.version, env=dict(environ), capture_output=True, check=False).stdout for p in peers]
    named = [f"{peer.name} ({text.decode().split(' (')[0].strip()})" for peer, text in zip(peers, said, strict=True)]
    return f"{datetime.now(UTC):%Y-%m-%d}: {', '.join(named)}"


def _parse() -> argparse.Namespace:
    about = __doc__.partition("\n")[0]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults_vs_peers", description=about)
    parser.add_argument("only", nargs="*", metavar="WORD", help="only faults whose name has one of these words")
    parser.add_argument("--trials", type=int, default=10, help="trials of each fault that can differ (default 10)")
    parser.add_argument("--path", action="append", default=[], help="directory with peers' programs; may be repeated")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
