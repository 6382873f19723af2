"""A bucket on a web server, to read from.

fsspec gives the session. What is there is found in the server's own listings of its directories: HTML with
links, as web servers make it. Large objects need a server that sends parts of files.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from email.utils import parsedate_to_datetime
from functools import partial
from html import unescape
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple, NoReturn
from urllib.parse import quote, unquote, urljoin

from mvc.errors import MissingObject
from mvc.store.buckets.bucket import Check, Item, RemoteError, RunAll, SlowDown, Transient
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
    need,
    text_of,
    unanswered,
)

if TYPE_CHECKING:
    from aiohttp import ClientSession

_LINK = re.compile(r"""<a\s[^>]*?href\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+))""", re.IGNORECASE)
_MOST_PAGE = 64 << 20
"""Bytes of one listing."""
_MOST_FOLDERS = 50_000
"""How many listings are asked for: one that links to itself has no end."""
_DEEPEST = 2
"""Directories in a key."""
_GONE = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})


class _Answer(NamedTuple):
    status: int
    url: str
    """Where it came from, in the end."""
    headers: Mapping[str, str]
    body: bytes


class WebBucket:
    """Files below `https://HOST/PATH`."""

    def __init__(self, url: str, patience: float = PATIENCE) -> None:
        """Use `url`; nothing is asked yet.

        Raises:
            UsageError: aiohttp is not installed.

        """
        need(url, "http", "aiohttp")
        self.url = url.rstrip("/")
        self._session = Session(self.url, Backend(partial(http_session, patience), _end, self._translate), patience)
        self._lists = False

    @property
    def requests(self) -> int:
        return self._session.requests

    # Finding.

    def head(self, key: str) -> Item | None:
        return self._session.ask(partial(self._look, key), key)

    async def _look(self, key: str, http: ClientSession) -> Item | None:
        answer = await _request(http, "HEAD", self._address(key))
        if answer.status in _GONE or answer.url.endswith("/"):  # a directory
            return None
        self._check(answer, key)
        if "Content-Length" not in answer.headers or answer.headers.get("Content-Encoding", "identity") != "identity":
            raise RemoteError(f"{self.url}/{key}: the server does not tell its size", "mvc help remotes  # of https://")
        return Item(key, int(answer.headers["Content-Length"]), _version(answer), _modified(answer))

    def list(self, prefix: str) -> Iterator[Item]:
        return Pages(lambda _: self._all(prefix))

    def _all(self, prefix: str) -> Page:
        keys = [key for key in self._keys(prefix.rpartition("/")[0]) if key.startswith(prefix)]
        items = self._session.ask(lambda http: each(lambda key: self._look(key, http), keys))
        return [item for item in items if item is not None], ""

    def _keys(self, folder: str) -> Sequence[str]:
        """Return the key of every file below a directory, as the listings say; what lies deeper is none of ours."""
        found: list[str] = []
        asked = 0
        folders = [f"{folder}/" if folder else ""]
        while folders:
            asked += len(folders)
            if asked > _MOST_FOLDERS:
                raise RemoteError(f"{self.url}: the server lists too many directories", "mvc help remotes  # of https://")
            pages = self._session.ask(partial(self._pages, folders))
            names = [name for page in pages for name in page]
            folders = [name for name in names if name.endswith("/") and name.count("/") <= _DEEPEST]
            found += [name for name in names if not name.endswith("/")]
        return found

    async def _pages(self, folders: Sequence[str], http: ClientSession) -> Sequence[Sequence[str]]:
        return await each(lambda folder: self._page(folder, http), folders)

    async def _page(self, folder: str, http: ClientSession) -> Sequence[str]:
        """Return what a listing links to in its directory: keys of files, and of directories with a slash behind."""
        answer = await _request(http, "GET", self._address(folder), most=_MOST_PAGE)
        if answer.status in _GONE and folder:  # no such directory; but a server without listings says the same
            if not self._lists:
                await self._page("", http)
            return []
        if answer.status in _GONE:
            message = f"there is nothing at {self.url}/, or the server does not list it"
            raise RemoteError(message, "mvc help remotes  # how a web server is filled")
        if answer.status == HTTPStatus.FORBIDDEN or not _is_html(answer):
            fix = "have the server list its directories, as nginx does with: autoindex on;"
            raise RemoteError(f"{self.url}/{folder}: the server does not list what is there", fix)
        self._check(answer, folder)
        self._lists = True
        top = self._address(folder)
        links = (urljoin(answer.url, link).partition("?")[0].partition("#")[0] for link in _links(answer.body))
        names = {unquote(link.removeprefix(top)) for link in links if link.startswith(top) and link != top}
        return [folder + name for name in sorted(names) if "/" not in name[:-1] and name.isprintable()]

    # Reading.

    def read(self, item: Item, start: int, end: int) -> bytes:
        if start == end:
            return b""
        answer = self._session.ask(partial(self._fetch, item, start, end), item.key, end - start)
        return checked(self.url, item, answer.body, end - start)

    async def _fetch(self, item: Item, start: int, end: int, http: ClientSession) -> _Answer:
        whole = start == 0 and end == item.size
        part = {} if whole else {"Range": f"bytes={start}-{end - 1}"}
        answer = await _request(http, "GET", self._address(item.key), most=end - start, headers=part)
        if answer.status in _GONE:
            raise MissingObject(f"{self.url}/{item.key} is gone")
        if answer.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise changed(self.url, item.key)
        self._check(answer, item.key)
        if item.etag and _version(answer) != item.etag:
            raise changed(self.url, item.key)
        if not whole and answer.status == HTTPStatus.OK:
            message = f"{self.url}/{item.key}: the server sends files only as a whole, and this one is too large for it"
            raise RemoteError(message, "mvc help remotes  # of https://")
        if not whole and not answer.headers.get("Content-Range", "").startswith(f"bytes {start}-{end - 1}/"):
            return answer._replace(body=b"")
        return answer

    def open_local(self, item: Item) -> None:
        """See `Bucket.open_local`: there is none."""

    # Writing: not here.

    def write(self, key: str, data: bytes, *, new: bool = False) -> NoReturn:
        """Refuse it."""
        del key, data, new
        raise self._read_only()

    def upload(self, key: str, fd: int, size: int, run: RunAll, check: Check | None = None) -> None:
        """Refuse it."""
        del key, fd, size, run, check
        raise self._read_only()

    def delete(self, keys: Iterable[str]) -> None:
        """Refuse it, unless there is nothing to delete."""
        if [*keys]:
            raise self._read_only()

    def sweep(self, before: float) -> int:
        """See `Bucket.sweep`: nothing was ever begun."""
        del before
        return 0

    def close(self) -> None:
        self._session.close()

    def _read_only(self) -> RemoteError:
        return RemoteError(f"{self.url} is read only, as all http:// remotes are", "mvc push -r NAME  # another remote")

    # Asking.

    def _address(self, key: str) -> str:
        protocol, _, path = self.url.partition("://")
        return f"{protocol}://" + quote(f"{path}/{key}", safe="/:[]@")

    def _check(self, answer: _Answer, key: str) -> None:
        """Refuse an answer that is an error."""
        if answer.status < HTTPStatus.BAD_REQUEST:
            return
        about = f"{self.url}/{key}"
        if answer.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            raise RemoteError(f"{about}: access denied ({answer.status})", "mvc help remotes  # login in ~/.netrc")
        if answer.status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
            raise SlowDown(f"{about}: the server asks to be asked less ({answer.status})", AGAIN)
        if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR or answer.status == HTTPStatus.REQUEST_TIMEOUT:
            raise Transient(f"{about}: the server has failed ({answer.status})", AGAIN)
        raise RemoteError(f"{about}: the server answered {answer.status}", "mvc remote test")

    def _translate(self, error: Exception, key: str) -> Exception:
        """Return what to raise instead of an error of aiohttp's."""
        return unanswered(self.url, error) or RemoteError(f"{self.url}/{key}: {text_of(error)}", "mvc remote test")


def _links(page: bytes) -> Iterator[str]:
    for groups in _LINK.findall(page.decode(errors="replace")):
        yield unescape("".join(groups)).strip()


def _is_html(answer: _Answer) -> bool:
    return "html" in answer.headers.get("Content-Type", "")


def _version(answer: _Answer) -> str:
    return answer.headers.get("ETag") or answer.headers.get("Last-Modified", "")


def _modified(answer: _Answer) -> float:
    try:
        return parsedate_to_datetime(answer.headers["Last-Modified"]).timestamp()
    except (KeyError, ValueError):
        return 0


async def _request(
    http: ClientSession, method: str, url: str, *, most: int = 0, headers: Mapping[str, str] | None = None,
) -> _Answer:
    """Send one request; of the answer's body at most one byte more than `most` is read."""
    from yarl import URL  # noqa: PLC0415 - start-up time

    about = {"Accept-Encoding": "identity", **(headers or {})}
    async with http.request(method, URL(url, encoded=True), headers=about, allow_redirects=True) as answer:
        data = bytearray()
        if answer.status < HTTPStatus.BAD_REQUEST:
            while len(data) <= most and (some := await answer.content.readany()):
                data += some
        return _Answer(answer.status, str(answer.url), answer.headers, bytes(data))


async def _end(http: ClientSession) -> None:
    await http.close()
