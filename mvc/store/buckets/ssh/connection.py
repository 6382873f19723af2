"""A connection to an SSH server, its SFTP channels, and its errors.

The host key must be in `known_hosts`: that is asyncssh's default.
"""

from __future__ import annotations

import asyncio
import re
import shlex
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from mvc.errors import MissingObject, UsageError
from mvc.objects.parsing.digits import whole_number
from mvc.store.buckets.bucket import RemoteError, Transient
from mvc.store.buckets.environment import check_environment
from mvc.store.buckets.session import AGAIN, CONNECT_PATIENCE, text_of

if TYPE_CHECKING:
    from asyncssh import SFTPClient, SSHClientConnection

_URL = re.compile(r"(?:ssh|sftp)://(?:([^@/]*)@)?(\[[^\]/]*\]|[^:/]*)(?::([0-9]{1,5}))?(?:/(.*))?", re.DOTALL)
_KEEPALIVE = 15
_LAST_PORT = 65_535
_MOST_CHANNELS = 8
"""OpenSSH allows ten sessions in a connection."""
_REQUESTS_PER_CHANNEL = 4


class SshAddress(NamedTuple):
    """A parsed ssh:// URL."""

    user: str
    """Empty: from ~/.ssh/config, or the local user."""
    host: str
    port: int
    """0: from ~/.ssh/config, or 22."""
    path: str
    """Absolute, or relative to the user's home."""

    @classmethod
    def of(cls, url: str) -> SshAddress:
        """Parse a URL.

        Raises:
            UsageError: it has no directory, or an impossible port.
        """
        match = _URL.fullmatch(url)
        path = (match[4] or "").removeprefix("~/").strip("/") if match else ""
        if not match or not match[2] or path in ("", "~"):
            example = "ssh://USER@HOST:PORT/DIR, or ssh://HOST/~/DIR in a home"
            raise UsageError(f"{url} does not name a directory", f"mvc remote set NAME URL  # {example}")
        if (port := whole_number(match[3] or "0", _LAST_PORT)) is None:
            raise UsageError(f"{url}: port {match[3]}, expected at most {_LAST_PORT}", "mvc remote set NAME URL")
        home = match[4].startswith("~/")
        return cls(match[1] or "", match[2].strip("[]"), port, path if home else f"/{path}")

    @property
    def login(self) -> str:
        """The arguments of `ssh`."""
        port = f"-p {self.port} " if self.port else ""
        return f"{port}{self.user}@{self.host}" if self.user else f"{port}{self.host}"


class SshConnection:
    """A connection with several SFTP channels, each used by several requests at once."""

    def __init__(self, connection: SSHClientConnection) -> None:
        self._connection = connection
        self._used: dict[SFTPClient, int] = {}
        self._opening = asyncio.Lock()
        self._most = _MOST_CHANNELS

    @asynccontextmanager
    async def channel(self) -> AsyncIterator[SFTPClient]:
        """Yield the channel with the fewest requests."""
        async with self._opening:
            sftp = await self._least_used()
        self._used[sftp] += 1
        try:
            yield sftp
        finally:
            self._used[sftp] -= 1

    async def _least_used(self) -> SFTPClient:
        import asyncssh  # noqa: PLC0415 - start-up time

        least = min(self._used, key=self._used.__getitem__, default=None)
        if least is not None and (self._used[least] < _REQUESTS_PER_CHANNEL or len(self._used) >= self._most):
            return least
        try:
            opened = await self._connection.start_sftp_client()
        except asyncssh.ChannelOpenError:
            if least is None:
                raise
            self._most = len(self._used)
            return least
        self._used[opened] = 0
        return opened

    async def end(self) -> None:
        """Close the connection with its channels."""
        self._connection.close()
        await self._connection.wait_closed()


async def connect(address: SshAddress, patience: float) -> SshConnection:
    """Connect and log in, as ~/.ssh/config configures.

    Raises:
        RemoteError: the variable that names the agent cannot be meant.
    """
    import asyncssh  # noqa: PLC0415 - start-up time

    check_environment(["SSH_AUTH_SOCK"])
    limit = min(CONNECT_PATIENCE, patience)
    given: dict[str, Any] = {"username": address.user} if address.user else {}
    given |= {"port": address.port} if address.port else {}
    return SshConnection(await asyncssh.connect(
        address.host, connect_timeout=limit, login_timeout=2 * limit, keepalive_interval=_KEEPALIVE, **given,
    ))


def translate(address: SshAddress, url: str, error: Exception, key: str) -> Exception:
    """Translate an error of asyncssh."""
    import asyncssh  # noqa: PLC0415 - it is loaded

    about = f"{url}/{key}".rstrip("/")
    host, login = address.host, address.login
    if isinstance(error, asyncssh.SFTPNoSuchFile | asyncssh.SFTPNoSuchPath):
        return MissingObject(f"{about}: object not found")
    if isinstance(error, asyncssh.SFTPPermissionDenied):
        return RemoteError(f"{about}: access denied on {host}", f"ssh {login} {listing(address.path)}")
    if isinstance(error, asyncssh.HostKeyNotVerifiable):
        message = f"{url}: the key of {host} is not in known_hosts, or differs from the one there"
        return RemoteError(message, f"ssh {login}  # compare the key that it shows before you say yes")
    if isinstance(error, asyncssh.PermissionDenied | PermissionError):
        message = f"{url}: {host} refused all keys of ~/.ssh and the agent"
        return RemoteError(message, f"ssh-add  # or: ssh-copy-id {login}")
    if isinstance(error, asyncssh.SFTPFailure):
        return RemoteError(f"{about}: {host} refuses it ({text_of(error)}): is its disk full?", f"ssh {login} df -h")
    return _unreachable(address, url, error) or RemoteError(f"{about}: {text_of(error)}", "mvc remote test")


def _unreachable(address: SshAddress, url: str, error: Exception) -> RemoteError | None:
    """Translate an error of the connection; None for any other."""
    import asyncssh  # noqa: PLC0415 - it is loaded

    if isinstance(error, socket.gaierror):
        return RemoteError(f"{url}: the name of {address.host} cannot be resolved", "check the network, and the URL")
    if isinstance(error, ConnectionRefusedError):
        message = f"{url}: no SSH server answers at {address.host}: connection refused"
        return RemoteError(message, f"ssh {address.login}")
    if isinstance(error, TimeoutError):
        return Transient(f"{url}: no answer from {address.host} in time", AGAIN)
    lost = (asyncssh.ConnectionLost, asyncssh.ChannelOpenError, asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection)
    if isinstance(error, (*lost, OSError)):
        return Transient(f"{url}: the connection to {address.host} was lost", AGAIN)
    if isinstance(error, asyncssh.DisconnectError):
        message = f"{url}: {address.host} ended the connection: {text_of(error)}"
        return RemoteError(message, f"ssh {address.login}")
    return None


def listing(path: str) -> str:
    """Return the command that shows a directory, quoted for two shells."""
    return shlex.quote(f"ls -ld {shlex.quote(path)}")
