"""Requests to S3: the SDK's client, its settings, and the check of every response.

The SDK's retries are off: mvc.store.buckets.retry has its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from functools import partial
from typing import Any, NamedTuple

from mvc.fs.progress import SILENT, Progress
from mvc.store.buckets.bucket import Transient
from mvc.store.buckets.extras import need
from mvc.store.buckets.s3.endpoint import is_amazon
from mvc.store.buckets.s3.errors import Asked, is_of_sdk, translate
from mvc.store.buckets.s3.login import check_keys, check_settings
from mvc.store.buckets.s3.transport import session_class
from mvc.store.buckets.session import AGAIN, CONNECT_PATIENCE, Backend, Session, unparsable

_CONNECTIONS = 64
_PROOF = {
    "complete_multipart_upload": "ETag", "create_multipart_upload": "UploadId", "get_object": "ETag",
    "head_object": "ETag", "list_multipart_uploads": "IsTruncated", "list_objects_v2": "IsTruncated",
    "put_object": "ETag", "upload_part": "ETag",
}
"""Fields of every S3 response. A login page has none of them, but status 200."""
_CREATING = frozenset({"create_multipart_upload", "put_object"})
_OF_CREATION = {"sse": "ServerSideEncryption", "kms_key_id": "SSEKMSKeyId", "acl": "ACL"}


class S3Connection(NamedTuple):
    """A client of the SDK, which has no types."""

    session: Any
    client: Any
    open: AsyncExitStack


class S3Client:
    """Sends requests about one bucket. All methods may be called from several threads."""

    def __init__(self, url: str, options: Mapping[str, str], patience: float, name: str) -> None:
        """Use `url` with `options`, by the names in docs/remotes.md, of the remote `name`.

        Raises:
            UsageError: aiobotocore is not installed.
        """
        need(url)
        self.bucket, _, prefix = url.removeprefix("s3://").partition("/")
        self.prefix = f"{prefix}/" if prefix else ""
        self._url = url
        self.options = options
        self._patience = patience
        self._name = name
        self._created = _given(options, _OF_CREATION)
        self._reached = False
        self._endpoint = options.get("endpoint_url", "")
        backend = Backend(self._connect, lambda connection: connection.open.aclose(), self.translate)
        self.session = Session(url, backend, patience)

    async def _connect(self) -> S3Connection:
        connection = await _connect(self.options, self._patience)
        address = str(connection.client.meta.endpoint_url)
        if not self._endpoint and not is_amazon(address):  # from a variable or profile
            self._endpoint = address
        return connection

    def call(
        self, operation: str, key: str = "", *,
        patience: float = 0, moved: Callable[[], int] = int, progress: Progress = SILENT, **params: Any,
    ) -> dict[str, Any]:
        """Return the response to a request; `moved` counts the bytes sent, and `progress` is told."""
        if key:
            params["Key"] = self.prefix + key
        ask = partial(self.request, operation, params)
        return self.session.ask(ask, key, patience=patience, moved=moved, progress=progress)

    async def request(self, operation: str, params: Mapping[str, Any], connection: S3Connection) -> dict[str, Any]:
        """Send a request on the event loop, and check that the response is from S3."""
        extra = self._created if operation in _CREATING else {}
        send = getattr(connection.client, operation)
        try:
            answer: dict[str, Any] = await send(Bucket=self.bucket, **extra, **params)
        except (ArithmeticError, RuntimeError, ValueError) as error:  # the SDK's errors about an invalid number or time
            if is_of_sdk(error):
                raise
            raise unparsable(self._url) from None
        if _PROOF.get(operation, "ResponseMetadata") not in answer:
            other = f"mvc remote set {self._name} -o endpoint_url=URL  # is it an S3 server?"
            raise Transient(f"{self._url}: the answer is not S3's", AGAIN if self._reached else other)
        self._reached = True
        return answer

    def translate(self, error: Exception, key: str) -> Exception:
        """Translate an error of the SDK."""
        asked = Asked(self._url, self.bucket, self._endpoint, key, self._reached, self._name, _signer(self.options))
        return translate(error, asked)


async def _connect(options: Mapping[str, str], patience: float) -> S3Connection:
    from aiobotocore.config import AioConfig  # noqa: PLC0415 - it takes half a second
    from aiobotocore.session import AioSession  # noqa: PLC0415 - as above
    from botocore import UNSIGNED  # noqa: PLC0415 - as above

    check_settings(options)
    settings = _config(options, patience)
    keys = {"access_key_id": "aws_access_key_id", "secret_access_key": "aws_secret_access_key"}
    if options.get("anon") == "true":
        settings["signature_version"], keys = UNSIGNED, {}
    session = AioSession(profile=options.get("profile") or None)
    for name, path in _given(options, {"config_file": "config_file", "credentials_file": "credentials_file"}).items():
        session.set_config_variable(name, path)  # DVC's settings may name them
    transport = session_class(options.get("endpoint_url", ""))
    session.set_default_client_config(AioConfig(http_session_cls=transport))  # also for logins
    if keys:
        await check_keys(options, session)
    given = _given(options, {
        "endpoint_url": "endpoint_url", "region": "region_name", "ca_bundle": "verify",
        "session_token": "aws_session_token", **keys,
    })
    stack = AsyncExitStack()
    client = await stack.enter_async_context(session.create_client("s3", config=AioConfig(**settings), **given))
    return S3Connection(session, client, stack)


def _signer(options: Mapping[str, str]) -> str:
    """Return the options that select the credentials; see `Asked.signer`."""
    if options.get("anon") == "true":
        return "anon"
    if options.get("access_key_id"):
        return "keys"
    return f"profile {options['profile']}" if options.get("profile") else ""


def _given(options: Mapping[str, str], names: Mapping[str, str]) -> dict[str, str]:
    """Return the `options` that are set, by the SDK's names."""
    return {name: options[option] for option, name in names.items() if options.get(option)}


def _config(options: Mapping[str, str], patience: float) -> dict[str, Any]:
    """Return the SDK's settings. Checksums are on: not every server compares content with the signature."""
    return {
        "connect_timeout": min(CONNECT_PATIENCE, patience),
        "read_timeout": patience,
        "retries": {"total_max_attempts": 1, "mode": "standard"},
        "max_pool_connections": _CONNECTIONS,
        "request_checksum_calculation": options.get("checksums") or "when_supported",
        "response_checksum_validation": "when_required",
        "s3": {"addressing_style": options.get("addressing_style") or "auto"},
    }
