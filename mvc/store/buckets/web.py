"""A read-only bucket on a web server.

It finds files in the server's directory listings: HTML with links. Large objects need a server with range requests.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from html import unescape
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple, NoReturn
from urllib.parse import quote, unquote, urljoin, urlsplit

from mvc.errors import MissingObject
from mvc.fs.progress import SILENT, Progress
from mvc.objects.parsing.digits import whole_number
from mvc.store.buckets.bucket import Check, Item, RemoteError, RunAll, SlowDown, Transient
from mvc.store.buckets.environment import check_netrc
from mvc.store.buckets.extras import need
from mvc.store.buckets.session import (
    AGAIN,
    PATIENCE,
    Backend,
    Page,
    Pages,
    Session,
    changed,
    checked,
    each,
    http_session,
    http_time,
    text_of,
    unanswered,
)

if TYPE_CHECKING:
    from aiohttp import ClientSession

_LINK = re.compile(r"""<a\s[^>]*?href\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+))""", re.IGNORECASE)
_MOST_PAGE = 64 << 20
"""Bytes of one listing."""
_MOST_FOLDERS = 50_000
"""Most listings requested: one that links to itself never ends."""
_DEEPEST = 2
"""Most directories in a key."""
_GONE = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
_HELP = "mvc help remotes  # of https://"


class _Answer(NamedTuple):
    status: int
    url: str
    """After redirects."""
    headers: Mapping[str, str]
    body: bytes

    @property
    def version(self) -> str:
        return self.headers.get("ETag") or self.headers.get("Last-Modified", "")

    @property
    def modified(self) -> float:
        return http_time(self.headers.get("Last-Modified", ""))


class WebBucket:
    """Files below `https://HOST/PATH`."""

    def __init__(self, url: str, patience: float = PATIENCE) -> None:
        """Use `url`; nothing is requested yet.

        Raises:
            UsageError: aiohttp is not installed.
        """
        need(url)
        self.url = url.rstrip("/")
        self._site = _Site(self.url)
        backend = Backend(partial(_connect, self.url, patience), lambda http: http.close(), self._translate)
        self._session = Session(self.url, backend, patience)

    @property
    def requests(self) -> int:
        return self._session.requests

    # Lookup.

    def head(self, key: str) -> Item | None:
        return self._session.ask(partial(self._site.head, key), key)

    def list(self, prefix: str) -> Iterator[Item]:
        return Pages(lambda _: self._all(prefix))

    def _all(self, prefix: str) -> Page:
        keys = [key for key in self._keys(prefix.rpartition("/")[0]) if key.startswith(prefix)]
        items = self._session.ask(lambda http: each(lambda key: self._site.head(key, http), keys))
        return [item for item in items if item is not None], ""

    def _keys(self, folder: str) -> Sequence[str]:
        """Return the key of every file below a directory, down to the depth of keys."""
        found: list[str] = []
        asked = 0
        folders = [f"{folder}/" if folder else ""]
        while folders:
            asked += len(folders)
            if asked > _MOST_FOLDERS:
                raise RemoteError(f"{self.url}: the server lists too many directories", _HELP)
            pages = self._session.ask(partial(self._site.listings, folders))
            names = [name for page in pages for name in page]
            folders = [name for name in names if name.endswith("/") and name.count("/") <= _DEEPEST]
            found += [name for name in names if not name.endswith("/")]
        return found

    # Reading.

    def read(self, item: Item, start: int, end: int, progress: Progress = SILENT) -> bytes:
        if start == end:
            return b""
        data = self._session.ask(partial(self._site.fetch, item, start, end), item.key, end - start)
        progress.advance(len(data))
        return checked(self.url, item, data, end - start)

    def open_local(self, item: Item) -> None:
        del item

    # Writing: refused.

    def write(self, key: str, data: bytes, *, new: bool = False) -> NoReturn:
        del key, data, new
        raise self._read_only()

    def upload(
        self, key: str, fd: int, size: int, run: RunAll, check: Check | None = None, progress: Progress = SILENT,
    ) -> None:
        del key, fd, size, run, check, progress
        raise self._read_only()

    def delete(self, keys: Iterable[str]) -> None:
        if [*keys]:
            raise self._read_only()

    def sweep(self, before: float) -> int:
        del before
        return 0

    def close(self) -> None:
        self._session.close()

    def _read_only(self) -> RemoteError:
        return RemoteError(f"{self.url} is read only, as all http:// remotes are", "mvc push -r NAME  # another remote")

    def _translate(self, error: Exception, key: str) -> Exception:
        """Translate an error of aiohttp."""
        return unanswered(self.url, error) or RemoteError(f"{self.url}/{key}: {text_of(error)}", "mvc remote test")


class _Site:
    """The pages and files below a URL."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._lists = False
        """Whether the server has sent a listing."""

    async def head(self, key: str, http: ClientSession) -> Item | None:
        """Return the file of a key; None if there is none."""
        answer = await _request(http, "HEAD", self._address(key))
        if answer.status in _GONE or answer.url.endswith("/"):  # a directory
            return None
        self._check(answer, key)
        size = whole_number(answer.headers.get("Content-Length"))
        if size is None or answer.headers.get("Content-Encoding", "identity") != "identity":
            raise RemoteError(f"{self._url}/{key}: the server does not send its size", _HELP)
        return Item(key, size, answer.version, answer.modified)

    async def listings(self, folders: Sequence[str], http: ClientSession) -> Sequence[Sequence[str]]:
        """Return the content of each directory; see `_listing`."""
        return await each(lambda folder: self._listing(folder, http), folders)

    async def _listing(self, folder: str, http: ClientSession) -> Sequence[str]:
        """Return the content of a directory: keys of files, and of directories with a trailing slash."""
        answer = await _request(http, "GET", self._address(folder), most=_MOST_PAGE)
        if answer.status in _GONE and folder:  # missing, or the server has no listings
            if not self._lists:
                await self._listing("", http)
            return []
        if answer.status in _GONE:
            message = f"there is nothing at {self._url}/, or the server does not list it"
            raise RemoteError(message, "mvc help remotes  # how a web server is filled")
        if answer.status == HTTPStatus.FORBIDDEN or "html" not in answer.headers.get("Content-Type", ""):
            fix = "have the server list its directories, as nginx does with: autoindex on;"
            raise RemoteError(f"{self._url}/{folder}: the server does not list its files", fix)
        self._check(answer, folder)
        self._lists = True
        top = self._address(folder)
        links = (urljoin(answer.url, link).partition("?")[0].partition("#")[0] for link in _links(answer.body))
        names = {unquote(link.removeprefix(top)) for link in links if link.startswith(top) and link != top}
        return [folder + name for name in sorted(names) if "/" not in name[:-1] and name.isprintable()]

    async def fetch(self, item: Item, start: int, end: int, http: ClientSession) -> bytes:
        """Return a range of a file; fewer bytes if the response is another range."""
        whole = start == 0 and end == item.size
        part = {} if whole else {"Range": f"bytes={start}-{end - 1}"}
        answer = await _request(http, "GET", self._address(item.key), most=end - start, headers=part)
        if answer.status in _GONE:
            raise MissingObject(f"{self._url}/{item.key}: object not found")
        if answer.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise changed(self._url, item.key)
        self._check(answer, item.key)
        if item.etag and answer.version != item.etag:
            raise changed(self._url, item.key)
        if not whole and answer.status == HTTPStatus.OK:
            message = "the server does not support range requests, which a file of this size needs"
            raise RemoteError(f"{self._url}/{item.key}: {message}", _HELP)
        right = whole or answer.headers.get("Content-Range", "").startswith(f"bytes {start}-{end - 1}/")
        return answer.body if right else b""

    def _address(self, key: str) -> str:
        protocol, _, path = self._url.partition("://")
        return f"{protocol}://" + quote(f"{path}/{key}", safe="/:[]@")

    def _check(self, answer: _Answer, key: str) -> None:
        """Raise for an error response."""
        if answer.status < HTTPStatus.BAD_REQUEST:
            return
        about = f"{self._url}/{key}"
        if answer.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            raise RemoteError(f"{about}: access denied ({answer.status})", "mvc help remotes  # login in ~/.netrc")
        if answer.status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
            raise SlowDown(f"{about}: the server asks for fewer requests ({answer.status})", AGAIN)
        if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR or answer.status == HTTPStatus.REQUEST_TIMEOUT:
            raise Transient(f"{about}: the server failed ({answer.status})", AGAIN)
        raise RemoteError(f"{about}: the server answered {answer.status}", "mvc remote test")


async def _connect(url: str, patience: float) -> ClientSession:
    """Return a session.

    Raises:
        RemoteError: a variable or the login in ~/.netrc cannot be meant.
    """
    check_netrc(urlsplit(url).hostname or "")
    return await http_session(patience)


def _links(page: bytes) -> Iterator[str]:
    for groups in _LINK.findall(page.decode(errors="replace")):
        yield unescape("".join(groups)).strip()


async def _request(
    http: ClientSession, method: str, url: str, *, most: int = 0, headers: Mapping[str, str] | None = None,
) -> _Answer:
    """Send one request, and read at most `most` + 1 bytes of the response."""
    from yarl import URL  # noqa: PLC0415 - start-up time

    sent = {"Accept-Encoding": "identity", **(headers or {})}
    async with http.request(method, URL(url, encoded=True), headers=sent, allow_redirects=True) as answer:
        data = bytearray()
        if answer.status < HTTPStatus.BAD_REQUEST:
            while len(data) <= most and (some := await answer.content.readany()):
                data += some
        return _Answer(answer.status, str(answer.url), answer.headers, bytes(data))
