"""The identity that signs S3 requests: the access key, its origin, and at Amazon the name of its owner."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from mvc.store.buckets.s3.endpoint import is_amazon
from mvc.store.buckets.s3.login import Keys, keys_of

if TYPE_CHECKING:
    from mvc.store.buckets.s3.client import S3Connection

PATIENCE = 3.0
"""Seconds to wait for Amazon's name of the identity, which is informative only."""
_SHORT = 12
"""Access keys of at least this length are shown with both ends."""


async def identity(options: Mapping[str, str], connection: S3Connection) -> str:
    """Return the identity, in one line; empty without credentials."""
    if options.get("anon") == "true":
        return "anonymous"
    keys = await keys_of(options, connection.session)
    if keys is None:
        return ""
    key = f"access key {masked(keys.id)} from {keys.origin}"
    own = is_amazon(connection.client.meta.endpoint_url)  # by the options, or by the SDK's settings
    name = await _name(options, connection, keys) if own else ""
    return f"{name}, {key}" if name else key


def masked(key: str) -> str:
    """Return a recognizable part of an access key."""
    return f"{key[:4]}…{key[-4:]}" if len(key) >= _SHORT else f"{key[:2]}…"


async def _name(options: Mapping[str, str], connection: S3Connection, keys: Keys) -> str:
    """Return the owner of the keys by Amazon's STS; empty if it does not answer in time."""
    from aiobotocore.config import AioConfig  # noqa: PLC0415 - it is loaded

    region = connection.client.meta.region_name
    asking = connection.session.create_client(
        "sts",
        region_name="us-east-1" if region in (None, "aws-global") else region,
        aws_access_key_id=keys.id,
        aws_secret_access_key=keys.secret,
        aws_session_token=keys.token,
        verify=options.get("ca_bundle") or None,
        config=AioConfig(connect_timeout=PATIENCE, read_timeout=PATIENCE, retries={"total_max_attempts": 1}),
    )
    with suppress(Exception):  # the access key is shown in any case
        async with asyncio.timeout(PATIENCE), asking as sts:
            return str((await sts.get_caller_identity())["Arn"])
    return ""
