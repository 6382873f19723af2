"""A bucket in Azure Blob Storage, accessed with Azure's package.

A write is one request that can be conditional, a read is tied to one version, parts travel in parallel.
The package's retries are off: mvc.store.buckets.retry has its own.
"""

from __future__ import annotations

import errno
import os
import re
import socket
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from mvc.errors import MissingObject
from mvc.fs.progress import SILENT, Progress
from mvc.store.buckets.bucket import PART, Changed, Check, Item, RemoteError, RunAll, SlowDown, Transient, read_first
from mvc.store.buckets.environment import PROXIES, TRUST, both_cases, check_environment
from mvc.store.buckets.extras import need
from mvc.store.buckets.session import (
    AGAIN,
    CONNECT_PATIENCE,
    PATIENCE,
    Backend,
    Page,
    Pages,
    Session,
    changed,
    checked,
    each,
    parsed,
    range_of,
    size_in,
    text_of,
    untrusted,
)

if TYPE_CHECKING:
    from azure.storage.blob.aio import BlobServiceClient

PAGE = 1000
"""Items of one listing request."""
_MOST_BLOCKS = 50_000
_ACCOUNT_HOST = re.compile(r"(.+)\.(?:dfs|blob)\.core\.windows\.net")
_NO = frozenset({"", "false", "f", "0"})
_MIB = 1 << 20
_OWN = ("CONNECTION_STRING", "ACCOUNT_NAME", "ACCOUNT_KEY", "SAS_TOKEN", "CLIENT_ID", "CLIENT_SECRET", "TENANT_ID")
_SDKS = ("CLIENT_ID", "CLIENT_SECRET", "TENANT_ID", "CLIENT_CERTIFICATE_PATH", "FEDERATED_TOKEN_FILE", "AUTHORITY_HOST")
_VARIABLES = (*(f"AZURE_STORAGE_{name}" for name in _OWN), *(f"AZURE_{name}" for name in _SDKS))
"""Those that mvc reads, and those of Azure's package for logins."""
_ACCOUNT = "export AZURE_STORAGE_ACCOUNT_NAME=...  # or AZURE_STORAGE_CONNECTION_STRING=..."
_LOGIN = "az login  # or: export AZURE_STORAGE_ACCOUNT_KEY=... (or AZURE_STORAGE_SAS_TOKEN=...)"


class AzureBucket:
    """Blobs below `az://CONTAINER/PREFIX` or `az://CONTAINER@ACCOUNT.blob.core.windows.net/PREFIX`."""

    def __init__(self, url: str, patience: float = PATIENCE) -> None:
        """Use `url`; nothing is requested yet.

        Raises:
            UsageError: azure-storage-blob is not installed.
        """
        need(url)
        self.url = url.rstrip("/")
        host, _, prefix = self.url.partition("://")[2].partition("/")
        self._container, _, account = host.partition("@")
        self._prefix = f"{prefix}/" if prefix else ""
        self._session = Session(self.url, Backend(partial(_connect, account), _end, self._translate), patience)
        self._calls: dict[str, Any] = {
            "retry_total": 0, "connection_timeout": min(CONNECT_PATIENCE, patience), "read_timeout": patience,
        }

    @property
    def requests(self) -> int:
        return self._session.requests

    # Lookup.

    def head(self, key: str) -> Item | None:
        try:
            found = self._session.ask(lambda service: self._blob(service, key).get_blob_properties(**self._calls), key)
        except MissingObject:
            return None
        return parsed(self.url, lambda: self._item(found))

    def list(self, prefix: str) -> Iterator[Item]:

        async def page(token: str, service: BlobServiceClient) -> Page:
            client = service.get_container_client(self._container)
            listing = client.list_blobs(name_starts_with=self._prefix + prefix, results_per_page=PAGE, **self._calls)
            pages: Any = listing.by_page(token or None)
            listed = [found async for found in await anext(pages)]
            items = [parsed(self.url, partial(self._item, found)) for found in listed]
            return items, pages.continuation_token or ""

        return Pages(lambda token: self._session.ask(partial(page, token)))

    def _item(self, found: Any) -> Item:
        etag = found.etag.strip('"')  # listings have no quotes
        modified = found.last_modified.timestamp()
        return Item(found.name.removeprefix(self._prefix), size_in(found.size), etag, modified)

    # Reading.

    def read(self, item: Item, start: int, end: int, progress: Progress = SILENT) -> bytes:
        if start == end:
            return b""
        from azure.core import MatchConditions  # noqa: PLC0415 - start-up time

        async def download(service: BlobServiceClient) -> bytes:
            tied = {"etag": f'"{item.etag}"', "match_condition": MatchConditions.IfNotModified} if item.etag else {}
            stream = await self._blob(service, item.key).download_blob(start, end - start, **tied, **self._calls)
            data: bytes = await stream.readall()
            return data

        try:
            data = self._session.ask(download, item.key, end - start)
        except Changed:
            if self.head(item.key) is None:
                raise MissingObject(f"{self.url}/{item.key}: object not found") from None
            raise
        progress.advance(len(data))
        return checked(self.url, item, data, end - start)

    def open_local(self, item: Item) -> None:
        del item

    # Writing.

    def write(self, key: str, data: bytes, *, new: bool = False) -> bool:

        def send(service: BlobServiceClient) -> Any:
            return self._blob(service, key).upload_blob(data, length=len(data), overwrite=not new, **self._calls)

        try:
            self._session.ask(send, key, len(data))
        except FileExistsError:
            return False
        return True

    def upload(
        self, key: str, fd: int, size: int, run: RunAll, check: Check | None = None, progress: Progress = SILENT,
    ) -> None:
        read_first(fd, check, progress)
        if size <= PART:
            self.write(key, range_of(fd, 0, size))
            return
        step = max(PART, -(-size // _MOST_BLOCKS // _MIB) * _MIB)
        blocks = run(partial(self._stage, key, fd, size, step, progress), range(0, size, step), step)
        run(partial(self._commit, key), [blocks], 0)

    def _stage(self, key: str, fd: int, size: int, step: int, progress: Progress, start: int) -> str:
        """Send one block, and return its name."""
        name = b64encode(b"%016d" % start).decode()
        data = range_of(fd, start, min(start + step, size))

        def send(service: BlobServiceClient) -> Any:
            return self._blob(service, key).stage_block(name, data, length=len(data), **self._calls)

        self._session.ask(send, key, len(data))
        progress.advance(len(data))
        return name

    def _commit(self, key: str, blocks: Sequence[str]) -> None:
        from azure.storage.blob import BlobBlock  # noqa: PLC0415 - start-up time

        listed = [BlobBlock(name) for name in blocks]
        self._session.ask(lambda service: self._blob(service, key).commit_block_list(listed, **self._calls), key)

    # Removing.

    def delete(self, keys: Iterable[str]) -> None:
        from azure.core.exceptions import ResourceNotFoundError  # noqa: PLC0415 - start-up time

        async def remove(service: BlobServiceClient, key: str) -> None:
            with suppress(ResourceNotFoundError):
                await self._blob(service, key).delete_blob(**self._calls)

        self._session.ask(lambda service: each(partial(remove, service), keys))

    def sweep(self, before: float) -> int:
        del before  # Azure removes unfinished uploads after a week
        return 0

    def close(self) -> None:
        self._session.close()

    # Requests.

    def _blob(self, service: BlobServiceClient, key: str) -> Any:
        return service.get_blob_client(self._container, self._prefix + key)

    def _translate(self, error: Exception, key: str) -> Exception:
        """Translate an error of Azure's packages."""
        from azure.core import exceptions as azure  # noqa: PLC0415 - it is loaded

        about = f"{self.url}/{key}".rstrip("/")
        code = str(getattr(getattr(error, "error_code", ""), "value", getattr(error, "error_code", "") or ""))
        status = getattr(error, "status_code", None) or 0
        if code == "ContainerNotFound":
            fix = f"az storage container create -n {self._container}"
            return RemoteError(f"there is no container {self._container} in this storage account", fix)
        if code == "BlobAlreadyExists":
            return FileExistsError(about)
        if isinstance(error, azure.ResourceNotFoundError):
            return MissingObject(f"{about}: object not found")
        if isinstance(error, azure.ResourceModifiedError) or status in (412, 416):
            return changed(self.url, key)
        if isinstance(error, azure.ClientAuthenticationError) or status in (401, 403):
            return self._denied(about, code, status)
        if code == "ServerBusy" or status in (429, 503):
            return SlowDown(f"{self.url}: Azure asks for fewer requests ({code or status})", AGAIN)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or code == "OperationTimedOut":
            return Transient(f"{self.url}: Azure failed ({code or status})", AGAIN)
        return _unanswered(self.url, error) or RemoteError(f"{about}: {text_of(error)}", "mvc remote test")

    def _denied(self, about: str, code: str, status: int) -> RemoteError:
        if code == "AuthorizationPermissionMismatch":
            return RemoteError(f"{about}: access denied; the login in use lacks a role", (
                "az role assignment create --role 'Storage Blob Data Contributor' --assignee USER --scope SCOPE"
            ))
        return RemoteError(f"{about}: access denied ({code or status or 'no login was found'})", _LOGIN)


def _unanswered(url: str, error: Exception) -> RemoteError | None:
    """Translate a connection error; None for any other."""
    from azure.core import exceptions as azure  # noqa: PLC0415 - it is loaded

    if known := untrusted(url, error):
        return known
    inner: BaseException = error
    while (cause := inner.__cause__ or getattr(inner, "inner_exception", None) or inner.__context__) is not None:
        inner = cause
        if isinstance(inner, socket.gaierror):
            break
    if isinstance(inner, socket.gaierror):
        return RemoteError(f"{url}: the name of the storage account cannot be resolved", _ACCOUNT)
    if isinstance(inner, OSError) and inner.errno == errno.ECONNREFUSED:
        return RemoteError(f"{url}: the server does not answer: connection refused", _ACCOUNT)
    if isinstance(error, TimeoutError):
        return Transient(f"{url}: no answer in time", AGAIN)
    if isinstance(error, azure.AzureError | ConnectionError) and not getattr(error, "status_code", None):
        return Transient(f"{url}: the connection was lost", AGAIN)
    if isinstance(error, ValueError):  # raised by _connect or a client
        return RemoteError(f"{url}: no storage account is named, or its settings are wrong", _ACCOUNT)
    return None


async def _connect(account_host: str) -> BlobServiceClient:
    """Return a client for the account in the URL, or in the environment.

    Raises:
        ValueError: neither names an account.
        RemoteError: a variable cannot be meant.
    """
    from azure.storage.blob.aio import BlobServiceClient  # noqa: PLC0415 - start-up time

    check_environment([*_VARIABLES, *both_cases(PROXIES), *TRUST])
    if connection := os.environ.get("AZURE_STORAGE_CONNECTION_STRING"):
        return BlobServiceClient.from_connection_string(connection)
    match = _ACCOUNT_HOST.fullmatch(account_host)
    account = match[1] if match else os.environ.get("AZURE_STORAGE_ACCOUNT_NAME")
    if not account:
        raise ValueError("no account")
    return BlobServiceClient(f"https://{account}.blob.core.windows.net", credential=_credential())


def _credential() -> Any:
    """Return the first in the environment: key, SAS token, application, none (AZURE_STORAGE_ANON); else a login."""
    from azure.core.credentials import AzureSasCredential  # noqa: PLC0415 - start-up time
    from azure.identity.aio import ClientSecretCredential, DefaultAzureCredential  # noqa: PLC0415 - as above

    key, token, client, secret, tenant = (
        os.environ.get(f"AZURE_STORAGE_{name}")
        for name in ("ACCOUNT_KEY", "SAS_TOKEN", "CLIENT_ID", "CLIENT_SECRET", "TENANT_ID")
    )
    if key:
        return key
    if token:
        return AzureSasCredential(token)
    if client:
        return ClientSecretCredential(tenant or "", client, secret or "")
    if os.environ.get("AZURE_STORAGE_ANON", "").lower() not in _NO:
        return None
    return DefaultAzureCredential()


async def _end(service: BlobServiceClient) -> None:
    await service.close()
    if hasattr(service.credential, "close"):
        await service.credential.close()
