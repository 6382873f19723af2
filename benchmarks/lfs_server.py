"""A server for git-lfs on loopback, its objects in memory: the basic transfer of the LFS batch API."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@contextmanager
def serving() -> Iterator[int]:
    """Run the server; its port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"objects": {}}))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    objects: dict[str, bytes]

    def do_POST(self) -> None:
        """Say where each object is, or may be sent to."""
        asked = json.loads(self._body())
        if not self.path.endswith("/objects/batch"):
            self._answer(404, b"{}")
            return
        found = [self._object(item, asked["operation"]) for item in asked["objects"]]
        self._answer(200, json.dumps({"transfer": "basic", "objects": found}).encode())

    def _object(self, item: dict[str, Any], operation: str) -> dict[str, Any]:
        held = item["oid"] in self.objects
        if operation == "download" and not held:
            return {**item, "error": {"code": 404, "message": "not there"}}
        href = f"http://{self.headers['host']}/content/{item['oid']}"
        return {**item, "actions": {} if operation == "upload" and held else {operation: {"href": href}}}

    def do_PUT(self) -> None:
        """Take an object."""
        self.objects[self.path.rpartition("/")[2]] = self._body()
        self._answer(200, b"")

    def do_GET(self) -> None:
        """Give an object, or the part of it that is asked for."""
        body = self.objects.get(self.path.rpartition("/")[2])
        if body is None:
            self._answer(404, b"{}")
            return
        start = int(self.headers.get("range", "bytes=0-").removeprefix("bytes=").partition("-")[0])
        span = {"content-range": f"bytes {start}-{len(body) - 1}/{len(body)}"} if start else {}
        self._answer(206 if start else 200, body[start:], span)

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("content-length", 0)))

    def _answer(self, status: int, body: bytes, more: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, text in {"content-type": "application/vnd.git-lfs+json", **(more or {})}.items():
            self.send_header(name, text)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Print nothing."""
