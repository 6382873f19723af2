"""Registries of containers on loopback: a real one, and one that says what a test wants it to."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from proxy import Answer, Fault, Proxy, Request
from servers import running

from mvc.objects.hashing import hash_bytes
from mvc.objects.pointer import emit, file_pointer
from mvc.oci.layout import ARTIFACT, DOCUMENT, WEIGHTS, sha256

HTPASSWD = "user:$2b$04$f8j59qBvGhnkw2BTGYkLsu7TTctjSfN4QCbx7jWxcnmchuxRllrme\n"
"""Of the password `secret`."""
CONFIG = """\
version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage: {{filesystem: {{rootdirectory: {folder}/data}}}}
http: {{addr: "127.0.0.1:{port}"{tls}}}
{auth}
"""


@contextmanager
def registry_in(folder: Path, auth: str = "", tls: str = "") -> Iterator[int]:
    """Run docker-registry; its port."""
    def command(port: int) -> list[str | Path]:
        (folder / "config.yml").write_text(CONFIG.format(folder=folder, port=port, auth=auth, tls=tls))
        return ["docker-registry", "serve", folder / "config.yml"]

    with running(command, folder / "log") as port:
        yield port


@contextmanager
def with_login(folder: Path) -> Iterator[int]:
    (folder / "htpasswd").write_text(HTPASSWD)
    with registry_in(folder, f"auth: {{htpasswd: {{realm: tests, path: {folder}/htpasswd}}}}") as port:
        yield port


def log_in(environ: dict[str, str], port: int, login: str = "user:secret") -> None:
    """Write what `docker login` does."""
    file = Path(environ["HOME"]) / ".docker/config.json"
    file.parent.mkdir(exist_ok=True)
    auths = json.loads(file.read_text())["auths"] if file.exists() else {}
    auths[f"127.0.0.1:{port}"] = {"auth": b64encode(login.encode()).decode()}
    file.write_text(json.dumps({"auths": auths}))


# Hostile ones: nothing is real but the connection.


def plain(body: bytes, status: int = 200, **headers: str) -> Answer:
    return Answer(status, headers).with_body(body)


class Shop:
    """A registry that says what a test wants it to."""

    def __init__(self, proxy: Proxy) -> None:
        self.proxy = proxy
        self.blobs: dict[str, bytes] = {}
        self.answers: dict[str, Answer] = {}
        proxy.rule = self._rule

    def _rule(self, request: Request) -> Fault:
        name = request.path.rpartition("/")[2]
        if name in self.answers:
            return Fault(instead=self.answers[name])
        return Fault(instead=plain(self.blobs[name]) if name in self.blobs else plain(b"{}", 404))

    def layer(self, path: str, data: bytes, kind: str = WEIGHTS, **more: Any) -> dict[str, Any]:
        self.blobs[sha256(data)] = data
        notes = {"org.cncf.model.filepath": path}
        return {"mediaType": kind, "digest": sha256(data), "size": len(data), "annotations": notes, **more}

    def publish(self, layers: list[dict[str, Any]], **more: Any) -> str:
        config = self.layer("", b"{}")
        document = {"schemaVersion": 2, "artifactType": ARTIFACT, "config": config, "layers": layers, **more}
        raw = json.dumps(document).encode()
        self.blobs[sha256(raw)] = raw
        return f"oci://127.0.0.1:{self.proxy.port}/ml/x@{sha256(raw)}"

    def model(self, data: bytes = b"weights", path: str = "m.bin") -> list[dict[str, Any]]:
        """Return the layers of an artifact of a file as `mvc package` makes it."""
        pointer = emit(file_pointer(hash_bytes(data)))
        return [self.layer(path, data), self.layer("m.bin.mvc", pointer, DOCUMENT)]
