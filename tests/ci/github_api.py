"""A server in the place of GitHub's, for comments on pull requests: https://docs.github.com/rest/issues/comments."""

from __future__ import annotations

import json
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

BOT = "github-actions[bot]"
TOKEN = "ghs_of-this-job"
_LIST = re.compile(r"/repos/team/models/issues/([0-9]+)/comments")
_ONE = re.compile(r"/repos/team/models/issues/comments/([0-9]+)")


class GitHub:
    """Comments by pull request, as the API shows them; `writes` are the methods of the requests that changed one."""

    def __init__(self, *, may_write: bool = True) -> None:
        """Listen on a free port of loopback. Without `may_write`, tokens only read, as those of a fork's jobs."""
        self.comments: dict[int, list[dict[str, Any]]] = {}
        self.writes: list[str] = []
        self.may_write = may_write
        github = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                _answer(self, *github.read(self.path, self.headers))

            def do_POST(self) -> None:
                _answer(self, *github.write(self.path, self.headers, self._body(), "POST"))

            def do_PATCH(self) -> None:
                _answer(self, *github.write(self.path, self.headers, self._body(), "PATCH"))

            def _body(self) -> str:
                text: str = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["body"]
                return text

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def add(self, number: int, body: str, login: str) -> None:
        """Add a comment of `login`."""
        identity = 1 + sum(map(len, self.comments.values()))
        self.comments.setdefault(number, []).append({"id": identity, "body": body, "user": {"login": login}})

    def read(self, path: str, headers: Any) -> tuple[int, object]:
        """Return the status and a page of the comments."""
        url = urlsplit(path)
        if not (found := _LIST.fullmatch(url.path)):
            return 404, {"message": "Not Found"}
        if headers["Authorization"] != f"Bearer {TOKEN}":
            return 401, {"message": "Bad credentials"}
        query = parse_qs(url.query)
        size, page = min(int(query["per_page"][0]), 100), int(query["page"][0])
        return 200, self.comments.get(int(found[1]), [])[size * (page - 1) : size * page]

    def write(self, path: str, headers: Any, body: str, method: str) -> tuple[int, object]:
        """Add or change a comment; return the status and the comment."""
        if not self.may_write:
            return 403, {"message": "Resource not accessible by integration"}
        if headers["Authorization"] != f"Bearer {TOKEN}":
            return 401, {"message": "Bad credentials"}
        if len(body) > 65_536:
            return 422, {"message": "Validation Failed"}
        if method == "POST" and (found := _LIST.fullmatch(path)):
            self.writes.append(method)
            self.add(int(found[1]), body, BOT)
            return 201, self.comments[int(found[1])][-1]
        if method == "PATCH" and (found := _ONE.fullmatch(path)):
            self.writes.append(method)
            (item,) = (item for items in self.comments.values() for item in items if item["id"] == int(found[1]))
            item["body"] = body
            return 200, item
        return 404, {"message": "Not Found"}


def _answer(handler: BaseHTTPRequestHandler, status: int, data: object) -> None:
    raw = json.dumps(data).encode()
    handler.send_response(status)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(raw)))
    handler.end_headers()
    handler.wfile.write(raw)
