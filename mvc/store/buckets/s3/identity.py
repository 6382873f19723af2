"""As whom requests to S3 are signed: the access key, where it comes from, and at Amazon the name behind it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from s3fs import S3FileSystem

PATIENCE = 3.0
"""Seconds for asking Amazon for a name: it is good to know, and nothing depends on it."""
_AMAZON = (".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.eu")
_SHORT = 12
"""Characters from which on an access key is told by both of its ends."""
_ALIKE = {
    "env": "the environment",
    "assume-role-with-web-identity": "a token of the environment",
    "container-role": "the role of the container",
    "iam-role": "the role of the machine",
}
"""The SDK's words for where credentials come from, in ours; all others are ways of a profile."""
_OF_PROFILE = {"sso": "single sign-on", "assume-role": "a role", "custom-process": "a command", "login": "aws login"}


class _Keys(NamedTuple):
    """What requests are signed with."""

    id: str
    secret: str
    token: str | None
    place: str


async def identity(filesystem: S3FileSystem) -> str:
    """Return as whom `filesystem` signs; empty when nobody is found."""
    if filesystem.anon:
        return "anonymous"
    client = await filesystem.set_session()
    keys = await _keys(filesystem)
    if keys is None:
        return ""
    told = f"access key {masked(keys.id)} from {keys.place}"
    name = await _name(filesystem, client, keys) if _is_amazon(client) else ""
    return f"{name}, {told}" if name else told


def masked(key: str) -> str:
    """Return enough of an access key to tell it from others."""
    return f"{key[:4]}…{key[-4:]}" if len(key) >= _SHORT else f"{key[:2]}…"


async def _keys(filesystem: S3FileSystem) -> _Keys | None:
    if filesystem.key and filesystem.secret:
        return _Keys(filesystem.key, filesystem.secret, filesystem.token, "the option access_key_id")
    found = await filesystem.session.get_credentials()
    if found is None:
        return None
    frozen = await found.get_frozen_credentials()
    return _Keys(frozen.access_key, frozen.secret_key, frozen.token, _place(filesystem.session, found.method))


def _place(session: Any, method: str) -> str:
    if method in _ALIKE:
        return _ALIKE[method]
    profile = session.get_config_variable("profile") or "default"
    return f"profile {profile}" + (f" ({_OF_PROFILE[method]})" if method in _OF_PROFILE else "")


def _is_amazon(client: Any) -> bool:
    """Whether nobody set another server, in the remote's options or in the SDK's own settings."""
    return f".{urlsplit(client.meta.endpoint_url).hostname}".endswith(_AMAZON)


async def _name(filesystem: S3FileSystem, client: Any, keys: _Keys) -> str:
    """Return whose keys they are, as Amazon's STS knows it; empty when it does not tell in time."""
    from aiobotocore.config import AioConfig  # noqa: PLC0415 - s3fs has loaded it

    region = client.meta.region_name
    asking = filesystem.session.create_client(
        "sts",
        region_name="us-east-1" if region in (None, "aws-global") else region,
        aws_access_key_id=keys.id,
        aws_secret_access_key=keys.secret,
        aws_session_token=keys.token,
        verify=filesystem.client_kwargs.get("verify"),
        config=AioConfig(connect_timeout=PATIENCE, read_timeout=PATIENCE, retries={"total_max_attempts": 1}),
    )
    with suppress(Exception):  # whatever is wrong, the access key is told
        async with asyncio.timeout(PATIENCE), asking as sts:
            return str((await sts.get_caller_identity())["Arn"])
    return ""
