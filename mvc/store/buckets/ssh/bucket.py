"""A bucket in a directory of another machine, by SFTP."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from mvc.errors import MissingObject
from mvc.fs.progress import SILENT, Progress
from mvc.store.buckets.bucket import PART, Check, Item, RemoteError, RunAll, read_first
from mvc.store.buckets.extras import need
from mvc.store.buckets.session import (
    PATIENCE,
    Backend,
    Page,
    Pages,
    Session,
    changed,
    checked,
    each,
    not_whole,
    range_of,
)
from mvc.store.buckets.ssh.connection import SshAddress, SshConnection, connect, translate
from mvc.store.buckets.ssh.files import TEMPORARY, SshFiles, item_of

if TYPE_CHECKING:
    from asyncssh import SFTPClient

T = TypeVar("T")


class SshBucket:
    """Files below `ssh://USER@HOST:PORT/DIR`. The first write makes DIR; its parent must exist."""

    def __init__(self, url: str, patience: float = PATIENCE) -> None:
        """Use `url`; nothing is requested yet.

        Raises:
            UsageError: asyncssh is not installed, or the URL names no directory.
        """
        need(url)
        self.url = url.rstrip("/")
        address = SshAddress.of(self.url)
        self._files = SshFiles(self.url, address)
        backend = Backend(
            partial(connect, address, patience), SshConnection.end, partial(translate, address, self.url), fragile=True,
        )
        self._session = Session(self.url, backend, patience)
        self._confirmed = False

    @property
    def requests(self) -> int:
        return self._session.requests

    # Lookup.

    def head(self, key: str) -> Item | None:
        async def look(sftp: SFTPClient) -> Item | None:
            return item_of(key, await sftp.lstat(self._files.path(key)))

        try:
            return self._ask(look, key)
        except MissingObject:
            self._confirm()
            return None

    def _confirm(self) -> None:
        """Raise if an empty remote may be one that is not mounted."""
        if not self._confirmed and not self._ask(self._files.is_reachable):
            raise self._files.missing()
        self._confirmed = True

    def list(self, prefix: str) -> Iterator[Item]:
        return Pages(lambda _: self._all(prefix))

    def _all(self, prefix: str) -> Page:
        async def walk(sftp: SFTPClient) -> list[Item]:
            found: list[Item] = []
            folders = [prefix.rpartition("/")[0]]
            while folders:
                parts = await each(partial(self._files.entries, sftp), folders)
                folders = [key for _, inner in parts for key in inner]
                found += [item for items, _ in parts for item in items]
            return found

        items = self._ask(walk)
        if not items:
            self._confirm()
        return [item for item in items if item.key.startswith(prefix) and not item.key.startswith(TEMPORARY)], ""

    # Reading.

    def read(self, item: Item, start: int, end: int, progress: Progress = SILENT) -> bytes:
        async def fetch(sftp: SFTPClient) -> bytes:
            async with sftp.open(self._files.path(item.key), "rb") as file:
                now = item_of(item.key, await file.stat())
                if now is None or (item.etag and now.etag != item.etag):
                    raise changed(self.url, item.key)
                data: bytes = await file.read(end - start, start)
                return data

        data = self._ask(fetch, item.key, end - start)
        progress.advance(len(data))
        return checked(self.url, item, data, end - start)

    def open_local(self, item: Item) -> None:
        del item

    # Writing.

    def write(self, key: str, data: bytes, *, new: bool = False) -> bool:
        async def send(sftp: SFTPClient) -> bool:
            async with self._files.temporary(sftp) as temp:
                async with sftp.open(temp, "r+b") as file:
                    await file.write(data, 0)
                return await self._files.publish(sftp, temp, key, len(data), new=new)

        return self._ask(send, key, len(data))

    def upload(
        self, key: str, fd: int, size: int, run: RunAll, check: Check | None = None, progress: Progress = SILENT,
    ) -> None:
        read_first(fd, check, progress)
        if size <= PART:
            self.write(key, range_of(fd, 0, size))
            return
        temp = run(lambda _: self._ask(self._files.make_temporary, key), [key], 0)[0]
        try:
            run(partial(self._send, key, temp, fd, size, progress), range(0, size, PART), PART)
            run(partial(self._finish, temp, size), [key], 0)
        except BaseException:
            with suppress(RemoteError, MissingObject):
                self._ask(lambda sftp: sftp.remove(temp), key)
            raise

    def _send(self, key: str, temp: str, fd: int, size: int, progress: Progress, start: int) -> None:
        data = range_of(fd, start, min(start + PART, size))

        async def send(sftp: SFTPClient) -> None:
            async with sftp.open(temp, "r+b") as file:
                await file.write(data, start)

        self._ask(send, key, len(data))
        progress.advance(len(data))

    def _finish(self, temp: str, size: int, key: str) -> None:
        async def finish(sftp: SFTPClient) -> None:
            if await sftp.exists(temp):
                await self._files.publish(sftp, temp, key, size, new=False)
            elif (await sftp.stat(self._files.path(key))).size != size:  # else the response to an earlier try was lost
                raise not_whole(self.url, key)

        self._ask(finish, key, size)

    # Removing.

    def delete(self, keys: Iterable[str]) -> None:
        import asyncssh  # noqa: PLC0415 - start-up time

        async def remove(sftp: SFTPClient, key: str) -> None:
            with suppress(asyncssh.SFTPNoSuchFile):
                await sftp.remove(self._files.path(key))

        self._ask(lambda sftp: each(partial(remove, sftp), keys))

    def sweep(self, before: float) -> int:
        async def sweep(sftp: SFTPClient) -> int:
            items, _ = await self._files.entries(sftp, TEMPORARY.rstrip("/"))
            old = [item for item in items if item.modified < before]
            await each(lambda item: sftp.remove(self._files.path(item.key)), old)
            return len(old)

        return self._ask(sweep)

    def close(self) -> None:
        self._session.close()

    def _ask(self, work: Callable[[SFTPClient], Awaitable[T]], key: str = "", size: int = 0) -> T:
        async def on_a_channel(connection: SshConnection) -> T:
            async with connection.channel() as sftp:
                return await work(sftp)

        return self._session.ask(on_a_channel, key, size)
