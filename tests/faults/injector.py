"""A command whose Nth system call fails, or is the last thing a process does.

`strace` counts the calls of each process, and of each kind, apart: `when=7` means the seventh `write` of Git as
well as of mvc. Here one counter runs over all processes and threads of a command and over all kinds of calls, and
only files below one directory count. The kernel asks us about each such call (seccomp user notification,
seccomp_unotify(2)); the answer is to let it pass, to return an error in its place, or to kill.

The command is mvc itself, in a fork of this process: real files, real Git, real signals, no start-up time.
"""

from __future__ import annotations

import array
import ctypes
import errno
import fcntl
import importlib
import os
import platform
import select
import signal
import socket
import struct
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import forkserver

# System calls.

_NUMBERS = {  # of x86-64: asm/unistd_64.h
    "read": 0, "write": 1, "open": 2, "stat": 4, "lstat": 6, "ioctl": 16, "pread64": 17, "pwrite64": 18,
    "readv": 19, "writev": 20, "sendfile": 40, "fsync": 74, "fdatasync": 75, "truncate": 76, "ftruncate": 77,
    "rename": 82, "mkdir": 83, "rmdir": 84, "creat": 85, "link": 86, "unlink": 87, "symlink": 88, "chmod": 90,
    "fchmod": 91, "getdents64": 217, "utimes": 235, "openat": 257, "mkdirat": 258, "newfstatat": 262,
    "unlinkat": 263, "renameat": 264, "linkat": 265, "symlinkat": 266, "fchmodat": 268, "utimensat": 280,
    "fallocate": 285, "preadv": 295, "pwritev": 296, "renameat2": 316, "copy_file_range": 326, "statx": 332,
}
_NAMES = {number: name for name, number in _NUMBERS.items()}

_BY_FD = {
    "write": 0, "pwrite64": 0, "writev": 0, "pwritev": 0, "fsync": 0, "fdatasync": 0, "ftruncate": 0, "fchmod": 0,
    "fallocate": 0, "ioctl": 0, "sendfile": 0, "copy_file_range": 2,
    "read": 0, "pread64": 0, "readv": 0, "preadv": 0, "getdents64": 0,
}
"""Which argument is the file, as a descriptor."""
_BY_PATH = {
    "open": (None, 0), "creat": (None, 0), "truncate": (None, 0), "rename": (None, 1), "mkdir": (None, 0),
    "rmdir": (None, 0), "link": (None, 1), "unlink": (None, 0), "symlink": (None, 1), "chmod": (None, 0),
    "utimes": (None, 0), "stat": (None, 0), "lstat": (None, 0),
    "openat": (0, 1), "mkdirat": (0, 1), "unlinkat": (0, 1), "renameat": (2, 3), "renameat2": (2, 3),
    "linkat": (2, 3), "symlinkat": (1, 2), "fchmodat": (0, 1), "utimensat": (0, 1), "newfstatat": (0, 1),
    "statx": (0, 1),
}
"""Which arguments are the file: the directory's descriptor, and the path (of two, the new one)."""

_OPEN = {"open": 1, "openat": 2}
"""Which argument has the flags."""
_OPENED_TO_WRITE = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_FICLONE = 0x40049409

TAKES_SPACE = frozenset({
    "write", "pwrite64", "writev", "pwritev", "sendfile", "copy_file_range", "fallocate", "ioctl", "fsync", "fdatasync",
    "open", "openat", "creat", "mkdir", "mkdirat", "link", "linkat", "symlink", "symlinkat", "rename", "renameat",
    "renameat2",
})
MUTATES = TAKES_SPACE | {
    "ftruncate", "truncate", "rmdir", "unlink", "unlinkat", "chmod", "fchmod", "fchmodat", "utimes", "utimensat",
}
OPENS = frozenset({"open", "openat"})
READS = OPENS | {"read", "pread64", "readv", "preadv", "getdents64", "stat", "lstat", "newfstatat", "statx"}


class Fault(NamedTuple):
    """What happens at the Nth call."""

    name: str
    calls: frozenset[str]
    """Which calls count."""
    error: int = 0
    """What they fail with, if anything."""
    signal: int = 0
    whole: bool = False
    """The signal goes to all processes of the command, else to the one that calls."""
    lasting: bool = False
    """The error stays until the command is over."""
    writing: bool = True
    """Of the opened files, only those that are opened for writing count."""
    program: str = ""
    """Whose calls count: `git`, or everybody's."""


FAULTS = {
    fault.name: fault
    for fault in (
        Fault("kill", MUTATES, signal=signal.SIGKILL),
        Fault("killall", MUTATES, signal=signal.SIGKILL, whole=True),
        Fault("interrupt", MUTATES, signal=signal.SIGINT, whole=True),
        Fault("EIO", MUTATES, errno.EIO),
        Fault("EIO+", MUTATES, errno.EIO, lasting=True),
        Fault("ENOSPC", TAKES_SPACE, errno.ENOSPC),
        Fault("ENOSPC+", TAKES_SPACE, errno.ENOSPC, lasting=True),
        Fault("EDQUOT+", TAKES_SPACE, errno.EDQUOT, lasting=True),
        Fault("EROFS+", MUTATES, errno.EROFS, lasting=True),
        Fault("EMFILE", OPENS, errno.EMFILE, writing=False),
        Fault("EMFILE+", OPENS, errno.EMFILE, lasting=True, writing=False),
        Fault("EIO-read", READS, errno.EIO, writing=False),
        Fault("kill-git", READS | MUTATES, signal=signal.SIGKILL, writing=False, program="git"),
    )
}


class Call(NamedTuple):
    """A call that counted."""

    name: str
    path: str
    program: str
    """`mvc` or `git`."""


class Outcome(NamedTuple):
    """How a command ended."""

    code: int
    """Negative: the signal that ended it."""
    out: str
    err: str
    calls: list[Call]
    fired: int = 0
    """How many of them failed, or killed."""
    hit: Call | None = None
    """The first of those."""
    after: list[Call] = []  # noqa: RUF012 - never changed
    """What came after it."""


# The filter.

_LOAD, _JUMP_EQUAL, _JUMP_SET, _RETURN = 0x20, 0x15, 0x45, 0x06
_ALLOW, _NOTIFY = 0x7FFF0000, 0x7FC00000
_X86_64 = 0xC000003E
_SECCOMP = 317
_NEW_LISTENER = 8
_PR_SET_NO_NEW_PRIVS, _PR_SET_CHILD_SUBREAPER = 38, 36


class _Filter(ctypes.Structure):
    _fields_ = (("size", ctypes.c_ushort), ("code", ctypes.c_char_p))


def _argument(number: int) -> int:
    """Return where the lower half of an argument lies in `struct seccomp_data`."""
    return 16 + 8 * number


def _program(calls: frozenset[str], *, writing: bool) -> bytes:
    """Return a BPF program that asks us about `calls`, and lets all others pass."""
    code: list[tuple[int, int, int, int]] = [
        (_LOAD, 0, 0, 4), (_JUMP_EQUAL, 1, 0, _X86_64), (_RETURN, 0, 0, _ALLOW), (_LOAD, 0, 0, 0),
    ]
    for name in sorted(calls):
        if name in _OPEN and writing:
            test = [(_LOAD, 0, 0, _argument(_OPEN[name])), (_JUMP_SET, 0, 1, _OPENED_TO_WRITE)]
        elif name == "ioctl":
            test = [(_LOAD, 0, 0, _argument(1)), (_JUMP_EQUAL, 0, 1, _FICLONE)]
        else:
            test = []
        code += [
            (_JUMP_EQUAL, 0, len(test) + 1 + bool(test), _NUMBERS[name]),
            *test,
            (_RETURN, 0, 0, _NOTIFY),
            *([(_RETURN, 0, 0, _ALLOW)] if test else []),
        ]
    code.append((_RETURN, 0, 0, _ALLOW))
    return b"".join(struct.pack("<HBBI", *line) for line in code)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _install(program: bytes) -> int:
    """Put this process and its children under the filter; the descriptor on which the kernel asks."""
    libc = _libc()
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    given = _Filter(len(program) // 8, program)
    fd = libc.syscall(_SECCOMP, 1, _NEW_LISTENER, ctypes.byref(given))
    if fd < 0:
        raise OSError(ctypes.get_errno(), "seccomp: the system does not let us watch system calls")
    return int(fd)


# The command.


class Command(NamedTuple):
    """`mvc ARGS`, typed in a directory."""

    args: tuple[str, ...]
    cwd: str
    environ: Mapping[str, str]


class Runner:
    """Runs commands in forks of this process, which must have one thread only."""

    def __init__(self, root: str, folder: Path) -> None:
        """Count calls on files below `root`; keep what commands print in `folder`."""
        if platform.machine() != "x86_64":
            raise RuntimeError("the numbers of system calls are those of x86-64")
        self._root = root
        self._out, self._err = folder / "stdout", folder / "stderr"
        _libc().prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        forkserver.keep_command_line()

    def plain(self, command: Command) -> Outcome:
        """Run a command without any fault, nothing counted."""
        pid = self._fork(command, None, None)
        return self._outcome(_wait(pid), [], 0, None, [])

    def learn(self, command: Command) -> None:
        """Run a command, and import here whatever it imported: its next run finds that there."""
        pid = self._fork(command, None, None, modules=True)
        _wait(pid)
        for name in self._out.read_text().rpartition("\0")[2].split():
            with suppress(ImportError):
                importlib.import_module(name)

    def broken(self, command: Command, fault: Fault, number: int, timeout: float = 60) -> Outcome:
        """Run a command with `fault` at the call of this number; 0: count only."""
        ours, theirs = socket.socketpair()
        pid = self._fork(command, fault, theirs)
        theirs.close()
        listener = _receive(ours)
        ours.close()
        watch = _Watch(listener, pid, fault, number, self._root)
        code = watch.run(time.monotonic() + timeout)
        at = watch.first if watch.first is not None else len(watch.calls)
        hit = watch.calls[at] if watch.first is not None else None
        return self._outcome(code, watch.calls[:at], watch.fired, hit, watch.calls[at + 1 :])

    def _outcome(self, code: int, calls: list[Call], fired: int, hit: Call | None, after: list[Call]) -> Outcome:
        out, err = (path.read_bytes().decode(errors="backslashreplace") for path in (self._out, self._err))
        return Outcome(code, out, err, calls, fired, hit, after)

    def _fork(
        self, command: Command, fault: Fault | None, channel: socket.socket | None, *, modules: bool = False,
    ) -> int:
        sys.stdout.flush()
        pid = os.fork()
        if pid == 0:
            try:
                self._become(command, fault, channel)
                sys.argv = ["mvc", *command.args]
                code = forkserver.run()
                if modules:
                    os.write(1, ("\0" + " ".join(sys.modules)).encode())
                os._exit(code)
            finally:
                os._exit(99)
        return pid

    def _become(self, command: Command, fault: Fault | None, channel: socket.socket | None) -> None:
        os.setsid()
        for fd, path, flags in (
            (0, os.devnull, os.O_RDONLY),
            (1, str(self._out), os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
            (2, str(self._err), os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
        ):
            opened = os.open(path, flags, 0o666)
            os.dup2(opened, fd)
            os.close(opened)
        os.environ.clear()
        os.environ.update(command.environ)
        os.chdir(command.cwd)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        if fault is not None and channel is not None:
            listener = _install(_program(fault.calls, writing=fault.writing))
            channel.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [listener]))])
            os.close(listener)
            channel.close()


def _receive(channel: socket.socket) -> int:
    _, messages, _, _ = channel.recvmsg(1, socket.CMSG_SPACE(4))
    if not messages:
        raise RuntimeError("the command could not be put under a seccomp filter")
    return int(array.array("i", messages[0][2])[0])


def _wait(pid: int) -> int:
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    for _ in _orphans():
        pass
    return code


def _orphans() -> Iterator[int]:
    """Wait for what a killed process has left running."""
    while True:
        try:
            yield os.waitpid(-1, 0)[0]
        except ChildProcessError:
            return


# Watching it.

_RECEIVE, _SEND = 0xC0502100, 0xC0182101
_REQUEST = struct.Struct("<QIIiIQ6Q")  # id, pid, flags; number, architecture, instruction, arguments
_ANSWER = struct.Struct("<QqiI")  # id, value, error, flags
_CONTINUE = 1
_AT_FDCWD = 0xFFFFFF9C
_OPEN_FOLDER = "/proc/self/fd/"
TIMED_OUT = 124


class _Watch:
    """Answers the kernel as long as a process of the command lives."""

    def __init__(self, listener: int, pid: int, fault: Fault, number: int, root: str) -> None:
        self._listener, self._pid, self._fault, self._number, self._root = listener, pid, fault, number, root
        self.calls: list[Call] = []
        self.fired = 0
        self.first: int | None = None

    def run(self, deadline: float) -> int:
        """Return the exit code of the command once all of its processes are gone; `TIMED_OUT` when they had to go."""
        self._code: int | None = None
        poll = select.poll()
        poll.register(self._listener, select.POLLIN)
        ended = os.pidfd_open(self._pid)
        poll.register(ended, select.POLLIN)
        timed_out = False
        while self._lives():
            for fd, event in poll.poll(100 if self._code is None else 2):
                if fd == self._listener and event & select.POLLIN:
                    self._answer()
                elif fd == ended or event & select.POLLHUP:
                    poll.unregister(fd)
            if time.monotonic() > deadline:
                timed_out = True
                os.killpg(self._pid, signal.SIGKILL)
        os.close(ended)
        os.close(self._listener)
        return TIMED_OUT if timed_out or self._code is None else self._code

    def _lives(self) -> bool:
        """Whether any process of the command is there still; those that ended are taken note of."""
        try:
            while (done := os.waitpid(-1, os.WNOHANG))[0]:
                if done[0] == self._pid:
                    self._code = os.waitstatus_to_exitcode(done[1])
        except ChildProcessError:
            return False
        return True

    def _answer(self) -> None:
        request = bytearray(_REQUEST.size)
        try:
            fcntl.ioctl(self._listener, _RECEIVE, request)
        except OSError:  # who asked has died
            return
        ident, pid, _, number, _, _, *arguments = _REQUEST.unpack(request)
        error = self._decide(pid, _NAMES[number], arguments)
        if error is None:
            return
        answer = bytearray(_ANSWER.pack(ident, 0, -error, 0 if error else _CONTINUE))
        with suppress(OSError):
            fcntl.ioctl(self._listener, _SEND, answer)

    def _decide(self, pid: int, name: str, arguments: list[int]) -> int | None:
        """Return the error that the call gets, 0 to let it pass, None when nobody is there any more to be told."""
        path = _path(pid, name, arguments)
        if path != self._root and not path.startswith(self._root + "/"):
            return 0
        program = _program_of(pid)
        if self._fault.program not in ("", program):
            return 0
        self.calls.append(Call(name, path, program))
        count, fault = len(self.calls), self._fault
        if not self._number or not (count == self._number or (fault.lasting and count > self._number)):
            return 0
        self.fired += 1
        if self.first is None:
            self.first = count - 1
        if fault.signal:
            return self._strike(pid)
        return fault.error

    def _strike(self, pid: int) -> int | None:
        if self._fault.whole:
            os.killpg(self._pid, self._fault.signal)
        else:
            os.kill(pid, self._fault.signal)
        return None if self._fault.signal == signal.SIGKILL else 0


def _path(pid: int, name: str, arguments: list[int]) -> str:
    """Return which file a call is about; empty when it is none."""
    try:
        if name in _BY_FD:
            return os.readlink(f"/proc/{pid}/fd/{arguments[_BY_FD[name]] & 0xFFFFFFFF}")
        folder, place = _BY_PATH[name]
        path = os.fsdecode(_string(pid, arguments[place]))
        if path.startswith(_OPEN_FOLDER):
            number, _, rest = path.removeprefix(_OPEN_FOLDER).partition("/")
            return os.path.normpath(os.readlink(f"/proc/{pid}/fd/{number}") + "/" + rest)
        if path.startswith("/"):
            return os.path.normpath(path)
        start = _AT_FDCWD if folder is None else arguments[folder] & 0xFFFFFFFF
        parent = os.readlink(f"/proc/{pid}/cwd" if start == _AT_FDCWD else f"/proc/{pid}/fd/{start}")
        return os.path.normpath(f"{parent}/{path}") if path else parent
    except OSError:
        return ""


def _string(pid: int, address: int) -> bytes:
    if not address:
        return b""
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        memory.seek(address)
        found = b""
        while b"\0" not in found and len(found) < 4096:
            found += memory.read(min(256, 4096 - (address + len(found)) % 4096))
    return found.partition(b"\0")[0]


def _program_of(pid: int) -> str:
    with suppress(OSError), open(f"/proc/{pid}/comm", encoding="utf-8") as file:
        return "git" if file.read().startswith("git") else "mvc"
    return "mvc"
