"""A bucket in a directory of another machine, by SFTP.

sshfs gives the connection and its channels. Its own calls are not used: it reads files whole whatever range
is asked, writes them in place, and by default takes any host for the right one. The server must know
OpenSSH's extensions for what is durable and atomic; without them there are fallbacks, as good as can be.
"""

from __future__ import annotations

import re
import shlex
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from uuid import uuid4

from mvc.errors import MissingObject, UsageError
from mvc.store.buckets.bucket import PART, Check, Item, RemoteError, Run, Transient, read_first
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
    need,
    range_of,
)

if TYPE_CHECKING:
    from asyncssh import SFTPAttrs, SFTPClient
    from sshfs import SSHFileSystem

T = TypeVar("T")

_PLACE = re.compile(r"(?:ssh|sftp)://(?:([^@/]*)@)?(\[[^\]/]*\]|[^:/]*)(?::([0-9]{1,5}))?(?:/(.*))?", re.DOTALL)
_TEMPORARY = "tmp/"
_KEEPALIVE = 15


class Place(NamedTuple):
    """Where a URL of SSH's leads."""

    user: str
    """Empty: as ~/.ssh/config says, or as here."""
    host: str
    port: int
    """0: as ~/.ssh/config says, or 22."""
    path: str
    """Absolute, or counted from the user's home."""

    @classmethod
    def of(cls, url: str) -> Place:
        """Take a URL apart.

        Raises:
            UsageError: it names no directory.

        """
        match = _PLACE.fullmatch(url)
        path = (match[4] or "").removeprefix("~/").strip("/") if match else ""
        if not match or not match[2] or path in ("", "~"):
            example = "ssh://USER@HOST:PORT/DIR, or ssh://HOST/~/DIR in a home"
            raise UsageError(f"{url} names no directory of a host", f"mvc remote set NAME URL  # {example}")
        home = match[4].startswith("~/")
        return cls(match[1] or "", match[2].strip("[]"), int(match[3] or 0), path if home else f"/{path}")

    @property
    def login(self) -> str:
        """What to type behind `ssh`."""
        port = f"-p {self.port} " if self.port else ""
        return f"{port}{self.user}@{self.host}" if self.user else f"{port}{self.host}"


class SshBucket:
    """Files below `ssh://USER@HOST:PORT/DIR`. The first write makes DIR; its parent must be there."""

    def __init__(self, url: str, patience: float = PATIENCE) -> None:
        """Use `url`; nothing is asked yet.

        Raises:
            UsageError: sshfs is not installed, or the URL names no directory.

        """
        need(url, "sshfs", "ssh")
        self.url = url.rstrip("/")
        self.requests = 0
        self._place = Place.of(self.url)
        self._root = self._place.path
        backend = Backend(partial(_connect, self._place, patience), _end, self._translate, fragile=True)
        self._session = Session(self.url, backend, patience)
        self._confirmed = False

    # Finding.

    def head(self, key: str) -> Item | None:
        """See `Bucket.head`."""

        async def look(sftp: SFTPClient) -> Item | None:
            return _item(key, await sftp.lstat(self._path(key)))

        try:
            return self._ask(look, key)
        except MissingObject:
            self._confirm()
            return None

    def _confirm(self) -> None:
        """Where nothing is, at least the root must be, or the directory that it is to be made in."""
        if self._confirmed:
            return

        async def look(sftp: SFTPClient) -> bool:
            return await sftp.isdir(self._root) or await sftp.isdir(_parent(self._root))

        if not self._ask(look):
            raise self._no_directory()
        self._confirmed = True

    def list(self, prefix: str) -> Iterator[Item]:
        """See `Bucket.list`."""
        return Pages(lambda _: self._all(prefix))

    def _all(self, prefix: str) -> Page:
        async def walk(sftp: SFTPClient) -> list[Item]:
            found: list[Item] = []
            folders = [prefix.rpartition("/")[0]]
            while folders:
                parts = await each(partial(_entries, sftp, self._root), folders)
                folders = [key for _, inner in parts for key in inner]
                found += [item for items, _ in parts for item in items]
            return found

        items = self._ask(walk)
        if not items:
            self._confirm()
        return [item for item in items if item.key.startswith(prefix) and not item.key.startswith(_TEMPORARY)], ""

    # Reading.

    def read(self, item: Item, start: int, end: int) -> bytes:
        """See `Bucket.read`."""

        async def fetch(sftp: SFTPClient) -> bytes:
            async with sftp.open(self._path(item.key), "rb") as file:
                now = _item(item.key, await file.stat())
                if now is None or (item.etag and now.etag != item.etag):
                    raise changed(self.url, item.key)
                data: bytes = await file.read(end - start, start)
                return data

        return checked(self.url, item, self._ask(fetch, item.key, end - start), end - start)

    def open_local(self, item: Item) -> None:
        """See `Bucket.open_local`: there is none."""

    # Writing.

    def write(self, key: str, data: bytes, *, new: bool = False) -> bool:
        """See `Bucket.write`."""

        async def send(sftp: SFTPClient) -> bool:
            async with self._shaping(sftp) as temp:
                async with sftp.open(temp, "r+b") as file:
                    await file.write(data, 0)
                return await self._publish(sftp, temp, key, len(data), new=new)

        return self._ask(send, key, len(data))

    def upload(self, key: str, fd: int, size: int, run: Run, check: Check | None = None) -> None:
        """See `Bucket.upload`."""
        read_first(fd, check)
        if size <= PART:
            self.write(key, range_of(fd, 0, size))
            return
        temp = run(lambda _: self._ask(self._make_temporary, key), [key], 0)[0]
        try:
            run(partial(self._send, key, temp, fd, size), range(0, size, PART), PART)
            run(partial(self._finish, temp, size), [key], 0)
        except BaseException:
            with suppress(RemoteError, MissingObject):
                self._ask(lambda sftp: sftp.remove(temp), key)
            raise

    def _send(self, key: str, temp: str, fd: int, size: int, start: int) -> None:
        data = range_of(fd, start, min(start + PART, size))

        async def send(sftp: SFTPClient) -> None:
            async with sftp.open(temp, "r+b") as file:
                await file.write(data, start)

        self._ask(send, key, len(data))

    def _finish(self, temp: str, size: int, key: str) -> None:
        async def finish(sftp: SFTPClient) -> None:
            if await sftp.exists(temp):
                await self._publish(sftp, temp, key, size, new=False)
            elif (await sftp.stat(self._path(key))).size != size:  # else the answer to an earlier try was lost
                raise Transient(f"{self.url}/{key}: what arrived has not the length it must have", AGAIN)

        self._ask(finish, key, size)

    @asynccontextmanager
    async def _shaping(self, sftp: SFTPClient) -> AsyncIterator[str]:
        """Yield an empty file without a name that counts."""
        import asyncssh  # noqa: PLC0415 - start-up time

        temp = await self._make_temporary(sftp)
        try:
            yield temp
        finally:
            with suppress(asyncssh.Error, asyncssh.SFTPError, OSError):
                await sftp.remove(temp)

    async def _make_temporary(self, sftp: SFTPClient) -> str:
        temp = self._path(f"{_TEMPORARY}{uuid4().hex}")

        async def make() -> None:
            async with sftp.open(temp, "xb"):
                pass

        await self._with_folders(sftp, temp, make)
        return temp

    async def _with_folders(self, sftp: SFTPClient, path: str, work: Callable[[], Awaitable[T]]) -> T:
        """Do `work`, which makes `path`; once more when the directories for it had to be made."""
        import asyncssh  # noqa: PLC0415 - start-up time

        try:
            return await work()
        except asyncssh.SFTPNoSuchFile:
            if not await sftp.isdir(_parent(self._root)):
                raise self._no_directory() from None
            await sftp.makedirs(_parent(path), exist_ok=True)
            return await work()

    async def _publish(self, sftp: SFTPClient, temp: str, key: str, size: int, *, new: bool) -> bool:
        """Give a complete file its name: whether it got it."""
        import asyncssh  # noqa: PLC0415 - start-up time

        async with sftp.open(temp, "r+b") as file:
            if (await file.stat()).size != size:
                raise Transient(f"{self.url}/{key}: what arrived has not the length it must have", AGAIN)
            await file.chmod(0o444)
            with suppress(asyncssh.SFTPOpUnsupported):
                await file.fsync()
        path = self._path(key)
        move = partial(_link_new if new else _replace, sftp, temp, path)
        return await self._with_folders(sftp, path, move)

    # Removing.

    def delete(self, keys: Iterable[str]) -> None:
        """See `Bucket.delete`."""
        import asyncssh  # noqa: PLC0415 - start-up time

        async def remove(sftp: SFTPClient, key: str) -> None:
            with suppress(asyncssh.SFTPNoSuchFile):
                await sftp.remove(self._path(key))

        self._ask(lambda sftp: each(partial(remove, sftp), keys))

    def sweep(self, before: float) -> int:
        """See `Bucket.sweep`."""

        async def sweep(sftp: SFTPClient) -> int:
            items, _ = await _entries(sftp, self._root, _TEMPORARY.rstrip("/"))
            old = [item for item in items if item.modified < before]
            await each(lambda item: sftp.remove(self._path(item.key)), old)
            return len(old)

        return self._ask(sweep)

    def close(self) -> None:
        """See `Bucket.close`."""
        self._session.close()

    # Asking.

    def _path(self, key: str) -> str:
        if any(part in ("", ".", "..") for part in key.split("/")):
            raise RemoteError(f"{key!r} is no key")
        return f"{self._root}/{key}"

    def _ask(self, work: Callable[[SFTPClient], Awaitable[T]], key: str = "", size: int = 0) -> T:
        async def on_a_channel(backend: SSHFileSystem) -> T:
            async with backend._pool.get() as sftp:  # noqa: SLF001 - its calls do the same
                return await work(sftp)

        return self._session.ask(on_a_channel, key, size)

    def _no_directory(self) -> RemoteError:
        where = f"{_parent(self._root)} on {self._place.host}"
        fix = f"ssh {self._place.login} {_listing(_parent(self._root))}  # is it mounted?"
        return RemoteError(f"{self.url} cannot be reached: there is no directory {where}", fix)

    def _translate(self, error: Exception, key: str) -> Exception:
        """Return what to raise instead of an error of SSH's."""
        import asyncssh  # noqa: PLC0415 - sshfs has loaded it

        about = f"{self.url}/{key}".rstrip("/")
        host, login = self._place.host, self._place.login
        if isinstance(error, asyncssh.SFTPNoSuchFile | asyncssh.SFTPNoSuchPath):
            return MissingObject(f"{about} is gone")
        if isinstance(error, asyncssh.SFTPPermissionDenied):
            return RemoteError(f"{about}: access denied on {host}", f"ssh {login} {_listing(self._root)}")
        if isinstance(error, asyncssh.HostKeyNotVerifiable):
            message = f"{self.url}: the key of {host} is not in known_hosts, or not the one that is there"
            return RemoteError(message, f"ssh {login}  # compare the key that it shows before you say yes")
        if isinstance(error, asyncssh.PermissionDenied | PermissionError):
            message = f"{self.url}: {host} lets nobody in with the keys of ~/.ssh and the agent"
            return RemoteError(message, f"ssh-add  # or: ssh-copy-id {login}")
        if isinstance(error, asyncssh.SFTPFailure):
            return RemoteError(f"{about}: {host} refuses it ({_text(error)}): is its disk full?", f"ssh {login} df -h")
        return _unreachable(self._place, self.url, error) or RemoteError(f"{about}: {_text(error)}", "mvc remote test")


def _unreachable(place: Place, url: str, error: Exception) -> RemoteError | None:
    """Turn what happened to the connection into ours; None when it is none of that."""
    import asyncssh  # noqa: PLC0415 - sshfs has loaded it

    if isinstance(error, socket.gaierror):
        return RemoteError(f"{url}: the name of {place.host} cannot be resolved", "check the network, and the URL")
    if isinstance(error, ConnectionRefusedError):
        message = f"{url}: no SSH server answers at {place.host}: connection refused"
        return RemoteError(message, f"ssh {place.login}")
    if isinstance(error, TimeoutError):
        return Transient(f"{url}: no answer from {place.host} in time", AGAIN)
    lost = (asyncssh.ConnectionLost, asyncssh.ChannelOpenError, asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection)
    if isinstance(error, (*lost, OSError)):
        return Transient(f"{url}: {place.host} broke the connection off", AGAIN)
    if isinstance(error, asyncssh.DisconnectError):
        return RemoteError(f"{url}: {place.host} ended the connection: {_text(error)}", f"ssh {place.login}")
    return None


async def _replace(sftp: SFTPClient, temp: str, path: str) -> bool:
    """Rename, also where something is."""
    import asyncssh  # noqa: PLC0415 - start-up time

    try:
        await sftp.posix_rename(temp, path)
    except asyncssh.SFTPOpUnsupported:
        with suppress(asyncssh.SFTPNoSuchFile):
            await sftp.remove(path)
        await sftp.rename(temp, path)
    return True


async def _link_new(sftp: SFTPClient, temp: str, path: str) -> bool:
    """Give a file a second name, only where nothing is: whether it got it."""
    import asyncssh  # noqa: PLC0415 - start-up time

    try:
        await sftp.link(temp, path)
    except asyncssh.SFTPNoSuchFile:
        raise
    except asyncssh.SFTPError:  # it is there; or the server has no hard links
        if await sftp.lexists(path):
            return False
        await sftp.rename(temp, path)  # this one never replaces anything
    return True


async def _entries(sftp: SFTPClient, root: str, folder: str) -> tuple[list[Item], list[str]]:
    """Return the files in a directory and the directories in it; nothing when it is not there."""
    import asyncssh  # noqa: PLC0415 - start-up time

    items: list[Item] = []
    folders: list[str] = []
    with suppress(asyncssh.SFTPNoSuchFile):
        async for entry in sftp.scandir(f"{root}/{folder}" if folder else root):
            name = str(entry.filename)
            key = f"{folder}/{name}" if folder else name
            if entry.attrs.type == asyncssh.FILEXFER_TYPE_DIRECTORY and name not in (".", ".."):
                folders.append(key)
            elif item := _item(key, entry.attrs):
                items.append(item)
    return items, folders


def _item(key: str, attributes: SFTPAttrs) -> Item | None:
    """Return what `attributes` say of a file; None when it is something else."""
    import asyncssh  # noqa: PLC0415 - start-up time

    if attributes.type != asyncssh.FILEXFER_TYPE_REGULAR or attributes.size is None:
        return None
    modified = attributes.mtime or 0
    return Item(key, attributes.size, f"{attributes.size:x}-{modified:x}", modified)


def _parent(path: str) -> str:
    return path.rpartition("/")[0] or ("/" if path.startswith("/") else ".")


def _listing(path: str) -> str:
    """Return the command that shows a directory, for two shells to read."""
    return shlex.quote(f"ls -ld {shlex.quote(path)}")


def _text(error: Exception) -> str:
    return (" ".join(str(error).split()) or type(error).__name__)[:200]


def _connect(place: Place, patience: float) -> SSHFileSystem:
    from sshfs import SSHFileSystem  # noqa: PLC0415 - start-up time

    limit = min(CONNECT_PATIENCE, patience)
    given: dict[str, Any] = {"username": place.user} if place.user else {}
    given |= {"port": place.port} if place.port else {}
    return SSHFileSystem(
        place.host,
        known_hosts=(),  # those of OpenSSH: its own default is to trust everybody
        connect_timeout=limit, login_timeout=2 * limit, keepalive_interval=_KEEPALIVE,
        skip_instance_cache=True,
        **given,
    )


async def _end(backend: SSHFileSystem) -> None:
    backend.client.close()
    await backend.client.wait_closed()
