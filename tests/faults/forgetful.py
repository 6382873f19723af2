"""A file system that forgets, when it is told to, all that nobody asked it to keep: a power cut.

    python tests/faults/forgetful.py DIR       # mounts it; takes one JSON command a line on stdin

It promises what POSIX promises, and no more:

- What a file holds, its mode and its times are durable after an fsync of that file.
- A name (of a file, directory or symlink; made, moved or removed) is durable after an fsync of the directory that it
  is in. An fsync of a new file does not keep its name, as it does on ext4, XFS and btrfs.
- A rename is kept or lost as a whole, as in every journal; an fsync of either of its directories keeps it.
- What is not durable may be kept all the same, or in part: see `POLICIES`.

Names that Git itself makes, moves or removes are durable at once: it fsyncs no directory.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import random
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

ROOT = 1


class Node(NamedTuple):
    """A file, directory or symlink."""

    mode: int
    uid: int
    gid: int
    data: bytes
    """Of a symlink: what it leads to."""
    mtime_ns: int
    ctime_ns: int
    links: int = 1
    kept: Node | None = None
    """What is durable of it; None for a file that was never fsynced."""

    @property
    def is_dir(self) -> bool:
        """Whether it is a directory."""
        return stat.S_ISDIR(self.mode)


class Change(NamedTuple):
    """What one call did to names that is not durable yet: each is set to an inode, or removed."""

    names: tuple[tuple[int, str, int | None], ...]

    def touches(self, slots: set[tuple[int, str]]) -> bool:
        """Whether it is about one of these names."""
        return any((folder, name) in slots for folder, name, _ in self.names)

    @property
    def slots(self) -> set[tuple[int, str]]:
        """The names that it is about, each with its directory."""
        return {(folder, name) for folder, name, _ in self.names}


class Policy(NamedTuple):
    """What becomes of what is not durable."""

    names: str
    """`lost`, `kept` or `some`."""
    data: str
    """`lost` (what was durable, or nothing), `zeros` (in their place, the size as it was), `kept` or `some`."""


POLICIES = {
    "all lost": Policy("lost", "lost"),
    "names kept, files empty": Policy("kept", "lost"),
    "names kept, files of zeros": Policy("kept", "zeros"),
    "names lost, data kept": Policy("lost", "kept"),
    "some of each": Policy("some", "some"),
}


class Disk:
    """Files in memory: as everybody sees them, and as a power cut would leave them."""

    def __init__(self) -> None:
        """Make an empty one."""
        now = time.time_ns()
        self.nodes = {ROOT: Node(stat.S_IFDIR | 0o755, os.getuid(), os.getgid(), b"", now, now, 2)}
        self.names: dict[int, dict[str, int]] = {ROOT: {}}
        self.kept_names: dict[int, dict[str, int]] = {ROOT: {}}
        self.pending: list[Change] = []
        self.last = ROOT

    def copy(self) -> Disk:
        """Return one that is the same, and stays so."""
        other = Disk.__new__(Disk)
        other.nodes, other.pending, other.last = dict(self.nodes), list(self.pending), self.last
        other.names = {folder: dict(names) for folder, names in self.names.items()}
        other.kept_names = {folder: dict(names) for folder, names in self.kept_names.items()}
        return other

    # Looking.

    def find(self, path: str) -> int:
        """Return the inode at `path`."""
        number = ROOT
        for part in path.split("/"):
            if part:
                if number not in self.names:
                    raise OSError(errno.ENOTDIR, path)
                try:
                    number = self.names[number][part]
                except KeyError:
                    raise OSError(errno.ENOENT, path) from None
        return number

    def place(self, path: str) -> tuple[int, str]:
        """Return the directory that `path` is in, and its name there."""
        folder, _, name = path.rpartition("/")
        return self.find(folder), name

    # Changing.

    def update(self, number: int, **fields: Any) -> None:
        """Change what a node is."""
        self.nodes[number] = self.nodes[number]._replace(ctime_ns=time.time_ns(), **fields)

    def make(self, path: str, mode: int, owner: tuple[int, int], data: bytes = b"") -> int:
        """Make a node, with a name; its inode."""
        folder, name = self.place(path)
        if name in self.names[folder]:
            raise OSError(errno.EEXIST, path)
        self.last += 1
        number, now = self.last, time.time_ns()
        node = Node(mode, *owner, data, now, now)
        if not stat.S_ISREG(mode):  # there is nothing to fsync: it comes with its name
            node = node._replace(kept=node)
        self.nodes[number] = node
        if stat.S_ISDIR(mode):
            self.names[number], self.kept_names[number] = {}, {}
        self._change((folder, name, number))
        return number

    def _change(self, *names: tuple[int, str, int | None]) -> None:
        change = Change(names)
        self._apply(change, self.names)
        now = time.time_ns()
        for folder in {folder for folder, _, _ in names}:
            self.nodes[folder] = self.nodes[folder]._replace(mtime_ns=now, ctime_ns=now)
        self.pending.append(change)

    @staticmethod
    def _apply(change: Change, to: dict[int, dict[str, int]]) -> None:
        for folder, name, number in change.names:
            if number is None:
                to[folder].pop(name, None)
            else:
                to[folder][name] = number

    def link(self, number: int, path: str) -> None:
        """Give a file one more name."""
        folder, name = self.place(path)
        if name in self.names[folder]:
            raise OSError(errno.EEXIST, path)
        self._change((folder, name, number))
        self.update(number, links=self.nodes[number].links + 1)

    def unlink(self, path: str) -> None:
        """Take a name away."""
        folder, name = self.place(path)
        number = self.names[folder][name]
        if self.names.get(number):
            raise OSError(errno.ENOTEMPTY, path)
        self._change((folder, name, None))
        self.update(number, links=self.nodes[number].links - 1)

    def rename(self, old: str, new: str) -> None:
        """Move a name, over another if there is one."""
        (folder, name), (there, becomes) = self.place(old), self.place(new)
        number = self.names[folder][name]
        over = self.names[there].get(becomes)
        if over == number:
            return
        if over is not None:
            if self.names.get(over):
                raise OSError(errno.ENOTEMPTY, new)
            self.update(over, links=self.nodes[over].links - 1)
        self._change((folder, name, None), (there, becomes, number))
        self.update(number)

    def write(self, number: int, data: bytes, offset: int) -> None:
        """Write into a file."""
        old = self.nodes[number].data
        if offset > len(old):
            old += bytes(offset - len(old))
        self.update(number, data=old[:offset] + data + old[offset + len(data) :], mtime_ns=time.time_ns())

    def truncate(self, number: int, size: int) -> None:
        """Cut a file, or lengthen it with zeros."""
        old = self.nodes[number].data
        self.update(number, data=old[:size] + bytes(max(0, size - len(old))), mtime_ns=time.time_ns())

    # Keeping.

    def sync_file(self, number: int) -> None:
        """Make what a file holds durable."""
        node = self.nodes[number]
        self.nodes[number] = node._replace(kept=node._replace(kept=None))

    def sync_names(self, folder: int) -> None:
        """Make the names in a directory durable."""
        self.keep(lambda change: any(it == folder for it, _, _ in change.names))

    def keep(self, which: Callable[[Change], bool]) -> None:
        """Make changes durable: those that are chosen, and what came before them to the same names."""
        slots: set[tuple[int, str]] = set()
        chosen = []
        for change in reversed(self.pending):
            if which(change) or change.touches(slots):
                slots |= change.slots
                chosen.append(change)
        for change in reversed(chosen):
            self._apply(change, self.kept_names)
        ids = set(map(id, chosen))
        self.pending = [change for change in self.pending if id(change) not in ids]

    def settle(self) -> None:
        """Make all durable: what sync(2) does."""
        self.keep(lambda change: True)
        for number in self.nodes:
            self.sync_file(number)

    def cut(self, policy: Policy, seed: object) -> Disk:
        """Return what is there after a power cut."""
        chance = random.Random(str(seed))
        after = self.copy()
        if policy.names == "kept":
            after.keep(lambda change: True)
        elif policy.names == "some":
            after.keep(lambda change: chance.random() < 0.5)
        names: dict[int, dict[str, int]] = {}
        links: dict[int, int] = {}
        after._reach(ROOT, names, links)
        nodes = {}
        for number, count in {**links, ROOT: 2}.items():
            node = after._left(self.nodes[number], policy.data, chance)._replace(links=count)
            nodes[number] = node._replace(kept=node)
        after.nodes, after.pending = nodes, []
        after.names, after.kept_names = names, {folder: dict(held) for folder, held in names.items()}
        return after

    def _reach(self, folder: int, names: dict[int, dict[str, int]], links: dict[int, int]) -> None:
        if folder in names:  # a directory has one name
            return
        names[folder] = dict(self.kept_names[folder])
        for number in names[folder].values():
            links[number] = links.get(number, 0) + 1
            if number in self.kept_names:
                self._reach(number, names, links)

    @staticmethod
    def _left(node: Node, data: str, chance: random.Random) -> Node:
        kept = node.kept
        same = kept is not None and (kept.data, kept.mode, kept.mtime_ns) == (node.data, node.mode, node.mtime_ns)
        if node.is_dir or same:
            return node
        if data == "lost":
            return kept._replace(ctime_ns=node.ctime_ns) if kept is not None else node._replace(data=b"")
        if kept is not None and kept.data == node.data:  # its mode or times
            return node if data != "some" else chance.choice([node, kept])
        if data == "some":
            data = chance.choice(["lost", "zeros", "part", "kept"])
        return {
            "lost": kept or node._replace(data=b""),
            "zeros": node._replace(data=bytes(len(node.data))),
            "part": node._replace(data=node.data[: chance.randrange(len(node.data) + 1)]),
            "kept": node,
        }[data]


# The file system.


class Forgetful:
    """What libfuse calls: see mfusepy.Operations."""

    use_ns = True
    flag_nopath = flag_nullpath_ok = True

    def __init__(self) -> None:
        """Begin with an empty disk."""
        self._guard = threading.RLock()
        self.disk = Disk()
        self.saved: dict[str, Disk] = {}
        self.moments: list[Disk] | None = None

    def init(self, path: str) -> None:
        """Say that it is mounted; libfuse calls this first."""
        del path
        print(json.dumps({"answer": "mounted"}), flush=True)  # noqa: T201

    def _at(self, path: str | None, fh: int | None = None) -> int:
        if fh is not None and fh in self.disk.nodes:
            return fh
        if path is None:
            raise OSError(errno.ENOENT, "")
        return self.disk.find(path)

    @contextmanager
    def _changing(self) -> Iterator[Disk]:
        with self._guard:
            last = self.disk.pending[-1:]
            yield self.disk
            if self.disk.pending[-1:] != last and _is_git():
                self.disk.keep(lambda change: change is self.disk.pending[-1])
            if self.moments is not None:
                self.moments.append(self.disk.copy())

    # Reading.

    def getattr(self, path: str | None, fh: int | None = None) -> dict[str, int]:
        with self._guard:
            number = self._at(path, fh)
            node = self.disk.nodes[number]
            links = 2 if node.is_dir else node.links
            return {
                "st_ino": number, "st_mode": node.mode, "st_nlink": links, "st_uid": node.uid, "st_gid": node.gid,
                "st_size": 4096 if node.is_dir else len(node.data), "st_blocks": (len(node.data) + 511) // 512,
                "st_mtime": node.mtime_ns, "st_ctime": node.ctime_ns, "st_atime": node.mtime_ns,
            }

    def readdir(self, path: str | None, fh: int) -> Iterable[tuple[str, dict[str, int], int]]:
        with self._guard:
            entries = {".": fh, "..": fh, **self.disk.names[self._at(path, fh)]}
            modes = {number: self.disk.nodes[number].mode for number in entries.values()}
            return [(name, {"st_ino": number, "st_mode": modes[number]}, 0) for name, number in entries.items()]

    def readlink(self, path: str) -> str:
        return os.fsdecode(self.disk.nodes[self.disk.find(path)].data)

    def open(self, path: str, flags: int) -> int:
        number = self.disk.find(path)
        if flags & os.O_TRUNC:
            self.truncate(path, 0, number)
        return number

    def opendir(self, path: str) -> int:
        return self.disk.find(path)

    def read(self, path: str | None, size: int, offset: int, fh: int) -> bytes:
        return self.disk.nodes[fh].data[offset : offset + size]

    def statfs(self, path: str) -> dict[str, int]:
        return {"f_bsize": 4096, "f_frsize": 4096, "f_blocks": 1 << 20, "f_bfree": 1 << 20, "f_bavail": 1 << 20,
                "f_files": 1 << 20, "f_ffree": 1 << 20, "f_namemax": 255}

    # Writing.

    def create(self, path: str, mode: int, flags: int) -> int:
        with self._changing() as disk:
            return disk.make(path, mode | stat.S_IFREG, _owner())

    def mkdir(self, path: str, mode: int) -> None:
        with self._changing() as disk:
            disk.make(path, mode | stat.S_IFDIR, _owner())

    def symlink(self, target: str, source: str) -> None:
        with self._changing() as disk:
            disk.make(target, 0o777 | stat.S_IFLNK, _owner(), os.fsencode(source))

    def link(self, target: str, source: str) -> None:
        with self._changing() as disk:
            disk.link(disk.find(source), target)

    def unlink(self, path: str) -> None:
        with self._changing() as disk:
            disk.unlink(path)

    rmdir = unlink

    def rename(self, old: str, new: str) -> None:
        with self._changing() as disk:
            disk.rename(old, new)

    def write(self, path: str | None, data: bytes, offset: int, fh: int) -> int:
        with self._changing() as disk:
            disk.write(fh, data, offset)
        return len(data)

    def truncate(self, path: str | None, length: int, fh: int | None = None) -> None:
        with self._changing() as disk:
            disk.truncate(self._at(path, fh), length)

    def chmod(self, path: str | None, mode: int, fh: int | None = None) -> None:
        with self._changing() as disk:
            number = self._at(path, fh)
            disk.update(number, mode=stat.S_IFMT(disk.nodes[number].mode) | stat.S_IMODE(mode))

    def chown(self, path: str | None, uid: int, gid: int, fh: int | None = None) -> None:
        with self._changing() as disk:
            fields = {name: value for name, value in (("uid", uid), ("gid", gid)) if value != -1}
            disk.update(self._at(path, fh), **fields)

    def utimens(self, path: str | None, times: tuple[int, int] | None, fh: int | None = None) -> None:
        with self._changing() as disk:
            mtime = times[1] if times else _NOW
            if mtime != _OMIT:
                disk.update(self._at(path, fh), mtime_ns=time.time_ns() if mtime == _NOW else mtime)

    # Keeping.

    def fsync(self, path: str | None, datasync: int, fh: int) -> None:
        with self._changing() as disk:
            disk.sync_file(fh)

    def fsyncdir(self, path: str | None, datasync: int, fh: int) -> None:
        with self._changing() as disk:
            disk.sync_names(fh)

    # What its owner tells it.

    def tell(self, do: str, name: str = "", policy: str = "", seed: object = 0, number: int = 0) -> object:
        """Carry out a command."""
        with self._guard:
            if do == "settle":
                self.disk.settle()
            elif do == "save":
                self.saved[name] = self.disk.copy()
            elif do == "load":
                self.disk = self.saved[name].copy()
            elif do == "record":
                self.moments = []
            elif do == "keep moments":
                moments, self.moments = self.moments or [], None
                self.saved.update({f"{name} {position}": disk for position, disk in enumerate(moments)})
                return _brought_names(moments)
            elif do == "cut":
                self.disk = self.disk.cut(POLICIES[policy], seed)
            else:
                raise ValueError(do)
        return None


def _brought_names(moments: list[Disk]) -> list[bool]:
    """Return for each moment whether names came with it that were not durable."""
    counts = [0, *(len(disk.pending) for disk in moments)]
    return [now > before for before, now in pairwise(counts)]


_NOW, _OMIT = (1 << 30) - 1, (1 << 30) - 2
"""utimensat(2), in nanoseconds."""


def _owner() -> tuple[int, int]:
    import mfusepy

    uid, gid, _ = mfusepy.fuse_get_context()
    return uid, gid


def _is_git() -> bool:
    """Whether it is Git who asks."""
    import mfusepy

    try:
        return Path(f"/proc/{mfusepy.fuse_get_context()[2]}/comm").read_text().startswith("git")
    except OSError:
        return False


def serve(mountpoint: str) -> None:
    """Mount the file system until somebody unmounts it; meanwhile do what stdin says."""
    os.environ["FUSE_LIBRARY_NAME"] = "fuse3"
    import mfusepy

    class Fuse(mfusepy.FUSE):  # it forgets which open file a call is about
        def chmod_fuse_3(self, path: bytes | None, mode: int, fip: Any) -> int:
            return self.operations.chmod(_text(path), mode, _open(fip))

        def truncate_fuse_3(self, path: bytes | None, length: int, fip: Any) -> int:
            return self.operations.truncate(_text(path), length, _open(fip))

        def utimens_fuse_3(self, path: bytes | None, buf: Any, fip: Any) -> int:
            pair = ctypes.cast(buf, ctypes.POINTER(ctypes.c_long * 4)).contents if buf else None
            times = (pair[0] * 10**9 + pair[1], pair[2] * 10**9 + pair[3]) if pair else None
            if pair and pair[3] in (_NOW, _OMIT):
                times = (0, pair[3])
            return self.operations.utimens(_text(path), times, _open(fip))

    file_system = Forgetful()

    def obey() -> None:
        for line in sys.stdin:
            try:
                answer = {"answer": file_system.tell(**json.loads(line))}
            except Exception as error:  # noqa: BLE001 - told to who asked
                answer = {"error": repr(error)}
            print(json.dumps(answer), flush=True)  # noqa: T201

    threading.Thread(target=obey, daemon=True).start()
    Fuse(
        file_system, mountpoint, foreground=True, nothreads=True, hard_remove=True, use_ino=True, fsname="forgetful",
        subtype="forgetful", entry_timeout=0, attr_timeout=0, negative_timeout=0, ac_attr_timeout=0,
        default_permissions=True,
    )


def _text(path: bytes | None) -> str | None:
    return None if path is None else os.fsdecode(path)


def _open(fip: Any) -> int | None:
    return fip.contents.fh if fip else None


class Mounted(NamedTuple):
    """A forgetful file system, mounted, and what tells it what to do."""

    path: Path
    process: subprocess.Popen[str]

    def tell(self, do: str, **how: object) -> Any:
        """Have it do something."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps({"do": do, **how}) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        assert "error" not in answer, answer
        return answer["answer"]


@contextmanager
def mounted(path: Path) -> Iterator[Mounted]:
    """Mount a forgetful file system at `path`."""
    path.mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(
        [sys.executable, __file__, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )
    try:
        assert process.stdout
        assert process.stdout.readline(), "the file system could not be mounted: is there a /dev/fuse, and fuse3?"
        yield Mounted(path, process)
    finally:
        subprocess.run(["umount", "-l", str(path)], check=False)
        with suppress(subprocess.TimeoutExpired):
            process.wait(5)
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream:
                stream.close()


if __name__ == "__main__":
    serve(sys.argv[1])
