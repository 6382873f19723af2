"""An S3 server for peers to share: SeaweedFS on loopback, its data on the disk that is measured."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from benchmarks.tools import Environ

_KEY = "bench"
_START_SECONDS = 60


@contextmanager
def serving(folder: Path, path: str) -> Iterator[dict[str, str]]:
    """Run a server that keeps its data in `folder`; the variables by which tools find it and may use it.

    Raises:
        RuntimeError: it is not installed, or does not start.

    """
    weed = shutil.which("weed", path=path)
    if weed is None:
        raise RuntimeError("the S3 server is not installed: make install")
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "data").mkdir(parents=True)
    keys = [{"accessKey": _KEY, "secretKey": _KEY}]
    rights = ["Admin", "Read", "Write", "List", "Tagging"]
    config = {"identities": [{"name": _KEY, "credentials": keys, "actions": rights}]}
    (folder / "s3.json").write_text(json.dumps(config))
    master, volume, filer, s3 = _free_ports(4)
    command = [
        "setpriv", "--pdeathsig", "KILL",  # it does not outlive a run that is killed
        weed, "server", f"-dir={folder / 'data'}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
        "-master.volumeSizeLimitMB=1024", "-master.volumePreallocate=false", "-master.telemetry=false",
        "-volume.max=100", f"-master.port={master}", f"-volume.port={volume}", f"-filer.port={filer}",
        "-s3", f"-s3.config={folder / 's3.json'}", f"-s3.port={s3}", "-s3.port.iceberg=0", "-s3.port.lance=0",
    ]
    with (folder / "weed.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, start_new_session=True)
        try:
            _wait_for(process, f"http://127.0.0.1:{s3}/healthz", folder / "weed.log")
            yield _environ(s3, filer)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            shutil.rmtree(folder)


def _environ(s3: int, filer: int) -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": _KEY,
        "AWS_SECRET_ACCESS_KEY": _KEY,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{s3}",
        "RCLONE_CONFIG_BENCH_TYPE": "s3",
        "RCLONE_CONFIG_BENCH_PROVIDER": "Other",
        "RCLONE_CONFIG_BENCH_ENV_AUTH": "true",
        "RCLONE_CONFIG_BENCH_REGION": "us-east-1",
        "RCLONE_CONFIG_BENCH_ENDPOINT": f"http://127.0.0.1:{s3}",
        "FILER": f"http://127.0.0.1:{filer}",
    }


def empty(environ: Environ) -> None:
    """Drop the bucket that `environ` names with all its volumes, and make it anew, its volumes grown.

    Deleting the objects would leave their bytes on the disk, and the first tool would wait for the volumes.
    """
    folder = f"{environ['FILER']}/buckets/{environ['BUCKET']}/"
    with suppress(HTTPError):  # there is none yet
        _ask("DELETE", f"{folder}?recursive=true")
    _ask("POST", folder)
    _ask("PUT", f"{folder}first", b"bytes " * 1000)
    _ask("DELETE", f"{folder}first")


def _ask(method: str, url: str, data: bytes | None = None) -> None:
    with urlopen(Request(url, data, method=method), timeout=60):
        pass


def _wait_for(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    end = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < end:
        with suppress(OSError), urlopen(url, timeout=5):
            return
        time.sleep(0.1)
    raise RuntimeError(f"the S3 server does not answer: {log.read_text(errors='replace')[-2000:]}")


def _free_ports(count: int) -> list[int]:
    """Return ports that are free now; the server binds each once more, 10,000 higher."""
    found: list[int] = []
    while len(found) < count:
        port = random.randrange(15_000, 29_000)
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
