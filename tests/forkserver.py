"""Starts `mvc` as a fork of a process that has loaded it: what tests type most often, without the 100 ms of start-up.

It is the program all the same, in a process of its own, with files of its own as stdout and stderr. What changes how
the interpreter starts is not for a fork (see `fits`), and hooks, examples of the docs and whatever else runs the file
`mvc` start it as users do.
"""

from __future__ import annotations

import array
import atexit
import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from typing import Any, NamedTuple

_STARTS = ("PYTHON", "LD_", "LC_", "LANG", "COVERAGE_", "FAKETIME")
"""Variables that count as a process starts begin with these."""
_LATE = ("encodings.ascii", "platformdirs.unix", "resource")
"""What nearly every command imports while it runs."""
_LIMIT = 1 << 20
"""Bytes of a request: arguments and environment."""


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    """Negative: the signal that ended it."""
    out: bytes
    err: bytes


def fits(environ: Mapping[str, str]) -> bool:
    """Whether a process with this environment starts as the server did."""
    return _starting(environ) == {"LC_ALL": "C.UTF-8"}


def _starting(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in environ.items() if name.startswith(_STARTS)}


# This side.


class ForkServer:
    """A process that waits for commands. Commands may run at once, asked for by several threads."""

    def __init__(self, program: str, folder: str, *modules: str) -> None:
        """Start it, with `modules` imported; it listens in `folder` and ends with this process."""
        self._program = program
        self._address = f"{folder}/socket"
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(self._address)
        listener.listen(64)
        ours, theirs = os.pipe()
        arguments = [sys.executable, __file__, str(listener.fileno()), str(ours), *modules]
        environ = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": folder}
        self._process = subprocess.Popen(arguments, pass_fds=(listener.fileno(), ours), env=environ, cwd="/")
        self._alive = theirs
        os.close(ours)
        listener.close()

    def close(self) -> None:
        """End it."""
        os.close(self._alive)
        self._process.wait()

    def run(self, arguments: tuple[str, ...], cwd: str, environ: Mapping[str, str], timeout: float) -> Ended:
        """Run `mvc ARGUMENTS`, with nothing to read on stdin.

        Raises:
            TimeoutExpired: it took longer than `timeout` seconds; it is killed.

        """
        umask = os.umask(0)
        os.umask(umask)
        command = [self._program, *arguments]
        asked = {"args": command, "cwd": cwd, "environ": dict(environ), "umask": umask}
        out, err = os.memfd_create("stdout"), os.memfd_create("stderr")
        try:
            with socket.socket(socket.AF_UNIX) as channel:
                channel.connect(self._address)
                fds = array.array("i", [out, err])
                channel.sendmsg([json.dumps(asked).encode() + b"\n"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])
                pid = int(channel.recv(16))
                channel.settimeout(timeout)
                try:
                    code = int(channel.recv(16))
                except TimeoutError:
                    os.kill(pid, signal.SIGKILL)
                    raise subprocess.TimeoutExpired(command, timeout) from None
            return Ended(code, _content(out), _content(err))
        finally:
            os.close(out)
            os.close(err)


def _content(fd: int) -> bytes:
    return os.pread(fd, os.fstat(fd).st_size, 0)


# The other side.


def _serve(listener: socket.socket, alive: int) -> None:
    """Fork for each command that is asked for, until the tests are over."""
    poll = select.poll()
    poll.register(listener, select.POLLIN)
    poll.register(alive, select.POLLHUP)
    running: dict[int, tuple[int, socket.socket]] = {}
    while True:
        for fd, _ in poll.poll():
            if fd == alive:
                return
            if fd == listener.fileno():
                channel = listener.accept()[0]
                pid = _fork(channel)
                ended = os.pidfd_open(pid)
                running[ended] = pid, channel
                poll.register(ended, select.POLLIN)
            else:
                poll.unregister(fd)
                os.close(fd)
                _tell(*running.pop(fd))


def _tell(pid: int, channel: socket.socket) -> None:
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    with channel, suppress(BrokenPipeError):
        channel.sendall(str(code).encode())


def _fork(channel: socket.socket) -> int:
    raw, messages, _, _ = channel.recvmsg(_LIMIT, socket.CMSG_SPACE(8))
    out, err = array.array("i", messages[0][2])
    while not raw.endswith(b"\n"):
        raw += channel.recv(_LIMIT)
    pid = os.fork()
    if pid == 0:
        try:
            _become(json.loads(raw), out, err)
            os._exit(run())
        finally:
            os._exit(99)
    os.close(out)
    os.close(err)
    channel.sendall(str(pid).encode().ljust(16))
    return pid


def _become(asked: Mapping[str, Any], out: int, err: int) -> None:
    """Make this process what was asked for."""
    null = os.open(os.devnull, os.O_RDONLY)
    for target, fd in enumerate((null, out, err)):
        os.dup2(fd, target)
    os.closerange(3, 4096)
    sys.argv = asked["args"]
    os.umask(asked["umask"])
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["environ"])
    time.tzset()


def run() -> int:
    """Do what the `mvc` program does, to its very end; the exit code."""
    from mvc.cli.main import main

    code: object = 0
    try:
        main()
    except SystemExit as error:
        code = error.code
    except BaseException:  # noqa: BLE001 - as the interpreter would show it
        traceback.print_exc()
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    with suppress(OSError, ValueError):
        sys.stdout.flush()
    return code if isinstance(code, int) else int(code is not None)


def preload(*modules: str) -> None:
    """Import `modules` and what commands import; build the whole command line; a process builds only its part."""
    import mvc

    for module in pkgutil.walk_packages(mvc.__path__, "mvc."):
        if module.name != "mvc.__main__":
            importlib.import_module(module.name)
    for name in (*_LATE, *modules):
        importlib.import_module(name)
    keep_command_line()
    gc.collect()
    gc.freeze()  # forks need not copy what a collection would touch


def keep_command_line() -> None:
    """Build the command line of `mvc` once for this process and its forks."""
    from mvc.cli import lazy as commands

    if hasattr(commands.command, "cache_clear"):
        return
    commands.command = cache(commands.command)
    dict(commands.command().commands)


def _load(*modules: str) -> None:
    preload(*modules)
    if threading.active_count() > 1:
        raise RuntimeError(f"a process with threads must not fork: {threading.enumerate()}")


if __name__ == "__main__":
    _load(*sys.argv[3:])
    _serve(socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2]))
