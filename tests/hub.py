"""The real library of Hugging Face, in an environment of its own, and a hub on loopback from which it downloads."""

from __future__ import annotations

import hashlib
import json
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from harness import LARGE, PROJECT, noise

HF = PROJECT / ".cache/hf/bin/hf"
PYTHON = HF.with_name("python")
REPOSITORY = "org/tiny"
CARD = """\
---
license: mit
model-index:
- name: tiny
  results:
  - task: {type: text-classification, name: Text Classification}
    dataset: {type: imdb, name: IMDB, config: plain, split: test, revision: abc}
    metrics:
    - {type: accuracy, value: 0.93, name: Accuracy}
    - {type: f1, value: "0.9 ± 0.1"}
---
# tiny
"""
RESULTS = """\
- dataset: {id: cais/hle, task_id: default}
  value: 20.9
  notes: no-tools
  source: {url: "https://example.com", name: CAIS}
"""
ONE, TWO = "1" * 40, "2" * 40
FILES = {
    ONE: {"README.md": CARD.encode(), "config.json": b"{}", "sub/model.safetensors": noise("hf", LARGE)},
    TWO: {
        "README.md": CARD.encode(), "config.json": b'{"v": 2}', "sub/model.safetensors": noise("hf 2", LARGE),
        ".eval_results/hle.yaml": RESULTS.encode(), "same.bin": noise("hf", LARGE),
    },
}
"""The files of each revision; `main` is the second one."""


class _Hub(BaseHTTPRequestHandler):
    """What a download asks of the hub."""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        api = f"/api/models/{REPOSITORY}"
        if path.startswith(f"{api}/revision/"):
            revision = path.rpartition("/")[2]
            self._send(json.dumps({"id": REPOSITORY, "sha": TWO if revision == "main" else revision}).encode())
        elif path.startswith(f"{api}/tree/"):
            files = FILES[path.rpartition("/")[2]]
            self._send(json.dumps([_entry(name, content) for name, content in files.items()]).encode())
        elif path.startswith(f"/{REPOSITORY}/resolve/"):
            revision, _, name = path.removeprefix(f"/{REPOSITORY}/resolve/").partition("/")
            content = FILES[revision][name]
            self._send(content, {"ETag": f'"{etag(content)}"', "X-Repo-Commit": revision})
        else:
            self.send_error(404)

    do_HEAD = do_GET  # noqa: N815 - the server's name for it

    def _send(self, body: bytes, headers: Mapping[str, str] = {}) -> None:
        self.send_response(200)
        for name, text in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, text)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def etag(content: bytes) -> str:
    """Return the name of the blob: as of git-lfs if it is large, else as of Git."""
    if len(content) >= LARGE:
        return hashlib.sha256(content).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _entry(name: str, content: bytes) -> dict[str, object]:
    size, oid = len(content), etag(content)
    lfs = {"lfs": {"oid": oid, "size": size, "pointerSize": 100}} if len(content) >= LARGE else {}
    return {"type": "file", "path": name, "size": size, "oid": oid[:40], **lfs}


@contextmanager
def serving_hub() -> Iterator[str]:
    """Run a hub; its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Hub) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def download(hub: str, home: Path, *args: str) -> None:
    """Run `hf download` with a cache in `home`."""
    assert HF.exists(), "run `make .cache/hf/.complete`"
    environ = {
        "PATH": "/usr/bin:/bin", "HOME": str(home), "HF_ENDPOINT": hub, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_UPDATE_CHECK": "1",
    }
    done = subprocess.run(
        [HF, "download", REPOSITORY, *args], env=environ, capture_output=True, check=False, timeout=100, text=True,
    )
    assert done.returncode == 0, done
