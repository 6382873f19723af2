"""A real S3 server for the demo, with a bucket and keys of its own, gone when the demo ends."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))  # which start the same server
import seaweed

WEED = Path(sys.executable).parent / "weed"
KEYS = {
    "AWS_ACCESS_KEY_ID": "demo-access-key",
    "AWS_SECRET_ACCESS_KEY": "demo-secret-key",
    "AWS_EC2_METADATA_DISABLED": "true",
    "NO_PROXY": "127.0.0.1",
}
"""What a user would have in the environment."""


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Run a server that keeps its data below `folder`; its address. It is stopped whatever happens.

    Raises:
        SystemExit: it does not start.

    """
    user = seaweed.identity("demo", KEYS["AWS_ACCESS_KEY_ID"], KEYS["AWS_SECRET_ACCESS_KEY"])
    try:
        with seaweed.running(WEED, folder, user) as addresses:
            _make_bucket(addresses.s3, "models")
            yield addresses.s3
    except RuntimeError as error:
        sys.exit(f"demo failed: {error}")


def _make_bucket(endpoint: str, name: str) -> None:
    """Do what `aws s3 mb` does, which need not be installed."""
    from botocore.session import get_session  # noqa: PLC0415 - only this demo needs it

    keys = {"aws_access_key_id": KEYS["AWS_ACCESS_KEY_ID"], "aws_secret_access_key": KEYS["AWS_SECRET_ACCESS_KEY"]}
    get_session().create_client("s3", "us-east-1", endpoint_url=endpoint, **keys).create_bucket(Bucket=name)
