"""The keys that sign S3 requests, where they come from, and whether a request can carry them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from mvc.store.buckets.bucket import RemoteError
from mvc.store.buckets.environment import PROXIES, TRUST, both_cases, check_environment, problem_of

_ORIGINS = {
    "env": "the environment",
    "assume-role-with-web-identity": "a token of the environment",
    "container-role": "the role of the container",
    "iam-role": "the role of the machine",
}
"""By the SDK's names; any other is a method of a profile."""
_OF_PROFILE = {"sso": "single sign-on", "assume-role": "a role", "custom-process": "a command", "login": "aws login"}

_SECRETS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN")
_FILES = ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN")
_INSTEAD = {
    "profile": ("AWS_PROFILE", "AWS_DEFAULT_PROFILE"),
    "region": ("AWS_DEFAULT_REGION",),
    "endpoint_url": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"),
    "ca_bundle": ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", *TRUST),
}
"""The variables that count without an option."""


class Keys(NamedTuple):
    """The credentials that sign requests."""

    id: str
    secret: str
    token: str | None
    origin: str


def check_settings(options: Mapping[str, str]) -> None:
    """Refuse variables of the SDK that cannot be meant, such as a key with a line break.

    Raises:
        RemoteError: it names the variable.
    """
    own = options.get("anon") == "true" or options.get("access_key_id") or options.get("profile")
    unset = [name for option, names in _INSTEAD.items() if not options.get(option) for name in names]
    check_environment([*(() if own else _SECRETS), *unset, *_FILES, *both_cases(PROXIES)])


async def check_keys(options: Mapping[str, str], session: Any) -> None:
    """Refuse keys that no request can carry, wherever they come from.

    Raises:
        RemoteError: it names their origin.
    """
    if bool(options.get("access_key_id")) != bool(options.get("secret_access_key")):
        return  # the SDK names the missing one
    keys = await keys_of(options, session)
    if keys is None:
        from botocore.exceptions import NoCredentialsError  # noqa: PLC0415 - it is loaded

        raise NoCredentialsError
    for name, value in (("access key", keys.id), ("secret key", keys.secret), ("session token", keys.token or "")):
        problem = problem_of(value)
        if not problem and name != "secret key" and not value.isascii():  # a header has it
            problem = "contains a character that is not ASCII"
        if problem:
            raise RemoteError(f"the {name} from {keys.origin} {problem}", "aws configure list  # shows where it is set")


async def keys_of(options: Mapping[str, str], session: Any) -> Keys | None:
    """Return the keys that sign requests; None if there are none."""
    key, secret = options.get("access_key_id"), options.get("secret_access_key")
    if key and secret:
        return Keys(key, secret, options.get("session_token") or None, "the option access_key_id")
    found = await session.get_credentials()
    if found is None:
        return None
    frozen = await found.get_frozen_credentials()
    return Keys(frozen.access_key, frozen.secret_key, frozen.token, _origin(session, found.method))


def _origin(session: Any, method: str) -> str:
    if method in _ORIGINS:
        return _ORIGINS[method]
    profile = session.get_config_variable("profile") or "default"
    return f"profile {profile}" + (f" ({_OF_PROFILE[method]})" if method in _OF_PROFILE else "")
