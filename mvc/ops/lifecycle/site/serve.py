"""`mvc site --serve`: the site on this machine, built again when refs change."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from mvc.errors import MvcError
from mvc.objects.hashing import hash_bytes
from mvc.scm.plumbing import Git

HOST = "127.0.0.1"
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


class _Handler(SimpleHTTPRequestHandler):
    """Serves the files of a directory by GET, to this machine only; a page is built before it is read."""

    def __init__(self, rebuild: Callable[[], None], *args: Any, directory: str) -> None:
        self._rebuild = rebuild
        super().__init__(*args, directory=directory)

    def send_head(self) -> Any:
        if self.headers.get("Host", "").partition(":")[0] not in (HOST, "localhost"):  # a foreign name bound to us
            return self.send_error(HTTPStatus.FORBIDDEN)
        if self.path.endswith((".html", "/")):
            self._rebuild()
        return super().send_head()

    def list_directory(self, path: Any) -> None:  # noqa: ARG002 - the signature is the library's
        self.send_error(HTTPStatus.NOT_FOUND)

    def end_headers(self) -> None:
        for name, text in _HEADERS.items():
            self.send_header(name, text)
        super().end_headers()

    def log_message(self, *args: object) -> None:
        pass


class Rebuilder:
    """Builds the site when refs changed since the last time."""

    def __init__(self, git: Git, build: Callable[[], object], failed: Callable[[MvcError], None]) -> None:
        self._git, self._build, self._failed = git, build, failed
        self._lock = threading.Lock()
        self._seen = ""

    def __call__(self) -> None:
        """Build it if refs changed. After an error the pages stay as they are, until refs change again."""
        with self._lock:
            try:
                seen = hash_bytes(self._git.run("for-each-ref", "--format=%(objectname) %(refname)")).blake3
                if seen != self._seen:
                    self._seen = seen
                    self._build()
            except MvcError as error:
                self._failed(error)


class _Server(ThreadingHTTPServer):
    """A server that says nothing about browsers that went away."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def serving(folder: str, port: int, rebuild: Callable[[], None]) -> Iterator[ThreadingHTTPServer]:
    """Serve a directory on this machine, on `port` or on a free one if that is 0.

    Raises:
        MvcError: the port is taken.
    """
    try:
        server = _Server((HOST, port), partial(_Handler, rebuild, directory=folder))
    except OSError as error:
        raise MvcError(f"port {port}: {os.strerror(error.errno or 0)}", "mvc site --serve --port 0") from None
    with server:
        yield server
