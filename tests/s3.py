"""A real S3 server on loopback: SeaweedFS, with ports, a key pair and a directory of its own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

import seaweed

from mvc.store.buckets.s3.bucket import S3Bucket

WEED = Path(sys.executable).parent / "weed"
READER = "mvc-test-reader"
"""Access key and secret of one who may only read."""


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


def make_bucket(server: S3Server, url: str) -> None:
    """Write something: the server makes the bucket by itself."""
    with closing(S3Bucket(url, server.options)) as bucket:
        bucket.write("there", b"a bucket that is there")


@contextmanager
def serving(folder: Path) -> Iterator[S3Server]:
    """Run a server that keeps its data below `folder`.

    Raises:
        RuntimeError: it does not start; what it printed is in the message.

    """
    server = S3Server("")
    tests = seaweed.identity("tests", server.access_key, server.secret_key)
    reader = seaweed.identity(READER, READER, READER, "Read", "List")
    with seaweed.running(WEED, folder, tests, reader) as addresses:
        yield server._replace(endpoint=addresses.s3)
