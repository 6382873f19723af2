"""A real S3 server for the demo: SeaweedFS on loopback, with ports and keys of its own, gone when the demo ends."""

from __future__ import annotations

import json
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

WEED = Path(sys.executable).parent / "weed"
KEYS = {
    "AWS_ACCESS_KEY_ID": "demo-access-key",
    "AWS_SECRET_ACCESS_KEY": "demo-secret-key",
    "AWS_EC2_METADATA_DISABLED": "true",
    "NO_PROXY": "127.0.0.1",
}
"""What a user would have in the environment."""
_SECONDS = 60
_PORTS = range(15_000, 29_000)
_SERVICES = 4
_DIRECT = build_opener(ProxyHandler({}))


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Run a server that keeps its data below `folder`; its address. It is stopped whatever happens.

    Raises:
        SystemExit: it does not start.

    """
    (folder / "data").mkdir(parents=True)
    keys = [{"accessKey": KEYS["AWS_ACCESS_KEY_ID"], "secretKey": KEYS["AWS_SECRET_ACCESS_KEY"]}]
    user = {"name": "demo", "credentials": keys, "actions": ["Admin", "Read", "Write", "List"]}
    (folder / "s3.json").write_text(json.dumps({"identities": [user]}))
    master, volume, filer, s3 = _free_ports()
    command = [
        "setpriv", "--pdeathsig", "KILL",  # it does not outlive a demo that is killed
        WEED, "server", f"-dir={folder / 'data'}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
        "-master.volumeSizeLimitMB=64", "-master.volumePreallocate=false", "-master.telemetry=false", "-volume.max=20",
        f"-master.port={master}", f"-volume.port={volume}", f"-filer.port={filer}",
        "-s3", f"-s3.config={folder / 's3.json'}", f"-s3.port={s3}", "-s3.port.iceberg=0", "-s3.port.lance=0",
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            endpoint = f"http://127.0.0.1:{s3}"
            _wait(process, endpoint, folder / "log")
            _make_bucket(endpoint, "models")
            yield endpoint
        finally:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], endpoint: str, log: Path) -> None:
    """Wait until the server answers."""
    end = time.monotonic() + _SECONDS
    while process.poll() is None and time.monotonic() < end:
        with suppress(OSError), _DIRECT.open(f"{endpoint}/healthz", timeout=5):
            return
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.1)
    sys.exit(f"demo failed: the S3 server does not start; it said:\n{log.read_text(errors='replace')[-2000:]}")


def _make_bucket(endpoint: str, name: str) -> None:
    """Do what `aws s3 mb` does, which need not be installed."""
    from botocore.session import get_session  # noqa: PLC0415 - only this demo needs it

    keys = {"aws_access_key_id": KEYS["AWS_ACCESS_KEY_ID"], "aws_secret_access_key": KEYS["AWS_SECRET_ACCESS_KEY"]}
    get_session().create_client("s3", "us-east-1", endpoint_url=endpoint, **keys).create_bucket(Bucket=name)


def _free_ports() -> list[int]:
    """Return ports that are free now, and so are those 10,000 higher, which the server takes, too."""
    found: list[int] = []
    while len(found) < _SERVICES:
        port = secrets.choice(_PORTS)
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
