"""A real S3 server on loopback: SeaweedFS, with ports, a key pair and a directory of its own."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple
from urllib.request import urlopen

WEED = Path(sys.executable).parent / "weed"
PORTS = range(15_000, 29_000)
"""The server binds each of its ports once more, 10,000 higher."""
READER = "mvc-test-reader"
"""Access key and secret of one who may only read."""
START_SECONDS = 60


class S3Server(NamedTuple):
    """Where a server is, and who may use it."""

    endpoint: str
    access_key: str = "mvc-test-key"
    secret_key: str = "mvc-test-secret"

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.endpoint.rpartition(":")[2])

    @property
    def options(self) -> dict[str, str]:
        """What a bucket is told to reach it."""
        return {
            "endpoint_url": self.endpoint,
            "region": "us-east-1",
            "access_key_id": self.access_key,
            "secret_access_key": self.secret_key,
        }

    @property
    def environ(self) -> dict[str, str]:
        """The environment in which a user has its keys."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_EC2_METADATA_DISABLED": "true",
        }


@contextmanager
def serving(folder: Path) -> Iterator[S3Server]:
    """Run a server that keeps its data below `folder`.

    Raises:
        RuntimeError: it does not start; what it printed is in the message.

    """
    folder.mkdir(parents=True, exist_ok=True)
    server = S3Server("")
    keys = [{"accessKey": server.access_key, "secretKey": server.secret_key}]
    rights = ["Admin", "Read", "Write", "List", "Tagging"]
    reader = [{"accessKey": READER, "secretKey": READER}]
    config = {
        "identities": [
            {"name": "tests", "credentials": keys, "actions": rights},
            {"name": READER, "credentials": reader, "actions": ["Read", "List"]},
        ],
    }
    (folder / "s3.json").write_text(json.dumps(config))
    for _ in range(5):  # another may take the ports first
        with suppress(_PortsTaken), _process(folder, _free_ports(4)) as endpoint:
            yield server._replace(endpoint=endpoint)
            return
    raise RuntimeError(f"SeaweedFS finds no free ports: {(folder / 'weed.log').read_text()[-2000:]}")


class _PortsTaken(Exception):
    """Another process was quicker."""


@contextmanager
def _process(folder: Path, ports: list[int]) -> Iterator[str]:
    """Run the server on `ports`; its address, once it answers."""
    master, volume, filer, s3 = ports
    (folder / "data").mkdir(exist_ok=True)
    command = [
        "setpriv", "--pdeathsig", "KILL",  # it does not outlive a test run that is killed
        WEED, "server", f"-dir={folder / 'data'}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
        "-master.volumeSizeLimitMB=1024", "-master.volumePreallocate=false", "-master.telemetry=false",
        "-volume.max=100", f"-master.port={master}", f"-volume.port={volume}", f"-filer.port={filer}",
        "-s3", f"-s3.config={folder / 's3.json'}", f"-s3.port={s3}", "-s3.port.iceberg=0", "-s3.port.lance=0",
    ]
    with ExitStack() as stack:
        log = stack.enter_context(open(folder / "weed.log", "wb"))
        process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
        )
        stack.callback(_end, process)
        _wait_until_it_answers(process, s3, folder / "weed.log")
        yield f"http://127.0.0.1:{s3}"


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill it: nothing that it holds is needed any more."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _wait_until_it_answers(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Wait until the server stores something: its parts start one after the other."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            text = log.read_text(errors="replace")
            if "address already in use" in text:
                raise _PortsTaken
            raise RuntimeError(f"SeaweedFS ended with {process.returncode}: {text[-2000:]}")
        try:
            with urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
                if answer.status == 200:
                    return
        except OSError:  # HTTPError is one
            pass
        with suppress(subprocess.TimeoutExpired):  # nothing tells when it listens; that it ended is told at once
            process.wait(0.05)
    raise RuntimeError(f"SeaweedFS does not answer: {log.read_text(errors='replace')[-2000:]}")


def _free_ports(count: int) -> list[int]:
    """Return ports that are free now, and so are those 10,000 higher."""
    found: list[int] = []
    while len(found) < count:
        port = random.choice(PORTS)
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
