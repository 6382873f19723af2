"""SeaweedFS on loopback, a real S3 server: for the tests, the demo and the benchmarks."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple
from urllib.request import ProxyHandler, build_opener

_SECONDS = 60
_PORTS = range(15_000, 29_000)
"""The server binds each of its ports once more, 10,000 higher."""
_TRIES = 5
_DIRECT = build_opener(ProxyHandler({}))


class Addresses(NamedTuple):
    """Where the server listens."""

    s3: str
    filer: str


class _PortsTaken(Exception):
    """Another process was quicker."""


def identity(name: str, access_key: str, secret_key: str, *actions: str) -> Mapping[str, object]:
    """Return a user of the server, with one pair of keys."""
    return {
        "name": name,
        "credentials": [{"accessKey": access_key, "secretKey": secret_key}],
        "actions": actions or ("Admin", "Read", "Write", "List", "Tagging"),
    }


@contextmanager
def running(weed: str | Path, folder: Path, *identities: Mapping[str, object]) -> Iterator[Addresses]:
    """Run the program `weed` with its data below `folder` and these users. It is killed whatever happens.

    Raises:
        RuntimeError: it does not start; what it printed is in the message.

    """
    (folder / "data").mkdir(parents=True, exist_ok=True)
    (folder / "s3.json").write_text(json.dumps({"identities": identities}))
    for _ in range(_TRIES):
        with suppress(_PortsTaken), _process(str(weed), folder, _free_ports(4)) as addresses:
            yield addresses
            return
    raise RuntimeError(f"SeaweedFS finds no free ports: {_said(folder)}")


@contextmanager
def _process(weed: str, folder: Path, ports: list[int]) -> Iterator[Addresses]:
    """Run the server on `ports`; its addresses, once it answers."""
    master, volume, filer, s3 = ports
    command = [
        "setpriv", "--pdeathsig", "KILL",  # it does not outlive a process that is killed
        weed, "server", f"-dir={folder / 'data'}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
        "-master.volumeSizeLimitMB=1024", "-master.volumePreallocate=false", "-master.telemetry=false",
        "-volume.max=100", f"-master.port={master}", f"-volume.port={volume}", f"-filer.port={filer}",
        "-s3", f"-s3.config={folder / 's3.json'}", f"-s3.port={s3}", "-s3.port.iceberg=0", "-s3.port.lance=0",
    ]
    with ExitStack() as stack:
        log = stack.enter_context((folder / "weed.log").open("wb"))
        process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
        )
        stack.callback(_end, process)
        addresses = Addresses(f"http://127.0.0.1:{s3}", f"http://127.0.0.1:{filer}")
        _wait(process, addresses.s3, folder)
        yield addresses


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill it: nothing that it holds is needed any more."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _wait(process: subprocess.Popen[bytes], endpoint: str, folder: Path) -> None:
    """Wait until the server answers: its parts start one after the other."""
    end = time.monotonic() + _SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            if "address already in use" in _said(folder):
                raise _PortsTaken
            raise RuntimeError(f"SeaweedFS ended with {process.returncode}: {_said(folder)}")
        with suppress(OSError), _DIRECT.open(f"{endpoint}/healthz", timeout=5):  # an HTTPError is one
            return
        with suppress(subprocess.TimeoutExpired):  # nothing tells when it listens; that it ended is told at once
            process.wait(0.05)
    raise RuntimeError(f"SeaweedFS does not answer: {_said(folder)}")


def _said(folder: Path) -> str:
    return (folder / "weed.log").read_text(errors="replace")[-2000:]


def _free_ports(count: int) -> list[int]:
    """Return ports that are free now, and so are those 10,000 higher."""
    found: list[int] = []
    while len(found) < count:
        port = random.choice(_PORTS)
        if port not in found and _is_free(port) and _is_free(port + 10_000):
            found.append(port)
    return found


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
