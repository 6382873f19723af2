"""A real S3 server for the demo, with its own bucket and keys."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))  # the tests start the same server
import seaweed

WEED = Path(sys.executable).parent / "weed"
KEYS = {
    "AWS_ACCESS_KEY_ID": "demo-access-key",
    "AWS_SECRET_ACCESS_KEY": "demo-secret-key",
    "AWS_EC2_METADATA_DISABLED": "true",
    "NO_PROXY": "127.0.0.1",
}
"""The variables that a user would set."""


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Run a server with its data below `folder`, yield its address, and always stop it.

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
    """Create a bucket, as `aws s3 mb` does, which may not be installed."""
    from botocore.session import get_session  # noqa: PLC0415 - only this demo needs it

    keys = {"aws_access_key_id": KEYS["AWS_ACCESS_KEY_ID"], "aws_secret_access_key": KEYS["AWS_SECRET_ACCESS_KEY"]}
    get_session().create_client("s3", "us-east-1", endpoint_url=endpoint, **keys).create_bucket(Bucket=name)
