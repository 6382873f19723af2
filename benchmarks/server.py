"""An S3 server for peers to share: SeaweedFS on loopback, its data on the disk that is measured."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from benchmarks.tools import Environ

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))  # which start the same server
import seaweed

_KEY = "bench"


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
    try:
        with seaweed.running(weed, folder, seaweed.identity(_KEY, _KEY, _KEY)) as addresses:
            yield _environ(addresses)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _environ(addresses: seaweed.Addresses) -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": _KEY,
        "AWS_SECRET_ACCESS_KEY": _KEY,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": addresses.s3,
        "RCLONE_CONFIG_BENCH_TYPE": "s3",
        "RCLONE_CONFIG_BENCH_PROVIDER": "Other",
        "RCLONE_CONFIG_BENCH_ENV_AUTH": "true",
        "RCLONE_CONFIG_BENCH_REGION": "us-east-1",
        "RCLONE_CONFIG_BENCH_ENDPOINT": addresses.s3,
        "FILER": addresses.filer,
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
