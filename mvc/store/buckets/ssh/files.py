"""Files below the directory of an SSH remote: temporary files, publication, listings.

OpenSSH's extensions make a write durable and a rename atomic; other servers guarantee neither.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeVar
from uuid import uuid4

from mvc.store.buckets.bucket import Item, RemoteError
from mvc.store.buckets.session import not_whole
from mvc.store.buckets.ssh.connection import SshAddress, listing

if TYPE_CHECKING:
    from asyncssh import SFTPAttrs, SFTPClient

T = TypeVar("T")

TEMPORARY = "tmp/"


class SshFiles(NamedTuple):
    """The directory of a remote."""

    url: str
    address: SshAddress

    def path(self, key: str) -> str:
        """Return the path of `key` on the server.

        Raises:
            RemoteError: a part of it is empty, `.` or `..`.
        """
        if any(part in ("", ".", "..") for part in key.split("/")):
            raise RemoteError(f"invalid key {key!r}")
        return f"{self.address.path}/{key}"

    def missing(self) -> RemoteError:
        """Return the error for a missing parent of the directory."""
        parent = _parent(self.address.path)
        fix = f"ssh {self.address.login} {listing(parent)}  # is it mounted?"
        return RemoteError(f"{self.url} cannot be reached: no directory {parent} on {self.address.host}", fix)

    async def is_reachable(self, sftp: SFTPClient) -> bool:
        """Whether the directory exists, or at least its parent."""
        return await sftp.isdir(self.address.path) or await sftp.isdir(_parent(self.address.path))

    @asynccontextmanager
    async def temporary(self, sftp: SFTPClient) -> AsyncIterator[str]:
        """Yield the path of a new temporary file."""
        import asyncssh  # noqa: PLC0415 - start-up time

        path = await self.make_temporary(sftp)
        try:
            yield path
        finally:
            with suppress(asyncssh.Error, asyncssh.SFTPError, OSError):
                await sftp.remove(path)

    async def make_temporary(self, sftp: SFTPClient) -> str:
        """Return the path of a new file."""
        path = self.path(f"{TEMPORARY}{uuid4().hex}")

        async def make() -> None:
            async with sftp.open(path, "xb"):
                pass

        await self._with_folders(sftp, path, make)
        return path

    async def _with_folders(self, sftp: SFTPClient, path: str, work: Callable[[], Awaitable[T]]) -> T:
        """Do `work`, which creates `path`; create missing directories first."""
        import asyncssh  # noqa: PLC0415 - start-up time

        try:
            return await work()
        except asyncssh.SFTPNoSuchFile:
            if not await sftp.isdir(_parent(self.address.path)):
                raise self.missing() from None
            await sftp.makedirs(_parent(path), exist_ok=True)
            return await work()

    async def publish(self, sftp: SFTPClient, temp: str, key: str, size: int, *, new: bool) -> bool:
        """Rename a complete temporary file to `key`; with `new`, only if it is free. Return whether it did."""
        import asyncssh  # noqa: PLC0415 - start-up time

        async with sftp.open(temp, "r+b") as file:
            if (await file.stat()).size != size:
                raise not_whole(self.url, key)
            await file.chmod(0o444)
            with suppress(asyncssh.SFTPOpUnsupported):
                await file.fsync()
        path = self.path(key)
        return await self._with_folders(sftp, path, partial(_link_new if new else _replace, sftp, temp, path))

    async def entries(self, sftp: SFTPClient, folder: str) -> tuple[list[Item], list[str]]:
        """Return the files and directories in a directory; none if it does not exist."""
        import asyncssh  # noqa: PLC0415 - start-up time

        items: list[Item] = []
        folders: list[str] = []
        with suppress(asyncssh.SFTPNoSuchFile):
            async for entry in sftp.scandir(f"{self.address.path}/{folder}" if folder else self.address.path):
                name = str(entry.filename)
                key = f"{folder}/{name}" if folder else name
                if entry.attrs.type == asyncssh.FILEXFER_TYPE_DIRECTORY and name not in (".", ".."):
                    folders.append(key)
                elif item := item_of(key, entry.attrs):
                    items.append(item)
        return items, folders


async def _replace(sftp: SFTPClient, temp: str, path: str) -> bool:
    import asyncssh  # noqa: PLC0415 - start-up time

    try:
        await sftp.posix_rename(temp, path)
    except asyncssh.SFTPOpUnsupported:
        with suppress(asyncssh.SFTPNoSuchFile):
            await sftp.remove(path)
        await sftp.rename(temp, path)
    return True


async def _link_new(sftp: SFTPClient, temp: str, path: str) -> bool:
    import asyncssh  # noqa: PLC0415 - start-up time

    try:
        await sftp.link(temp, path)
    except asyncssh.SFTPNoSuchFile:
        raise
    except asyncssh.SFTPError:  # it exists; or the server has no hard links
        if await sftp.lexists(path):
            return False
        await sftp.rename(temp, path)  # unlike posix_rename, this never replaces
    return True


def item_of(key: str, attributes: SFTPAttrs) -> Item | None:
    """Return the item of a file; None for anything else."""
    import asyncssh  # noqa: PLC0415 - start-up time

    if attributes.type != asyncssh.FILEXFER_TYPE_REGULAR or attributes.size is None:
        return None
    modified = attributes.mtime or 0
    return Item(key, attributes.size, f"{attributes.size:x}-{modified:x}", modified)


def _parent(path: str) -> str:
    return path.rpartition("/")[0] or ("/" if path.startswith("/") else ".")
