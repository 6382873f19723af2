"""A real registry, with authentication, and models to package."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from harness import Begin, LARGE, Repo, noise
from proxy import Proxy, proxying
from servers import Server, running
from shared import shared, shared_folder

HTPASSWD = "user:$2b$04$f8j59qBvGhnkw2BTGYkLsu7TTctjSfN4QCbx7jWxcnmchuxRllrme\n"
"""Of the password `secret`."""
CONFIG = """\
version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage: {{filesystem: {{rootdirectory: {folder}/data}}}}
http: {{addr: "127.0.0.1:{port}"}}
{auth}
"""


@contextmanager
def registry_in(folder: Path, auth: str = "") -> Iterator[int]:
    """Run docker-registry; its port."""
    def command(port: int) -> list[str | Path]:
        (folder / "config.yml").write_text(CONFIG.format(folder=folder, port=port, auth=auth))
        return ["docker-registry", "serve", folder / "config.yml"]

    with running(command, folder / "log") as port:
        yield port


@contextmanager
def _with_login(folder: Path) -> Iterator[int]:
    (folder / "htpasswd").write_text(HTPASSWD)
    with registry_in(folder, f"auth: {{htpasswd: {{realm: tests, path: {folder}/htpasswd}}}}") as port:
        yield port


@pytest.fixture(scope="session")
def registry_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Run a registry that asks for a login."""
    with shared(shared_folder(tmp_path_factory, "registry"), _with_login) as port:
        yield port


@pytest.fixture(scope="session")
def open_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Run a registry that asks for none."""
    with shared(shared_folder(tmp_path_factory, "open-registry"), registry_in) as port:
        yield port


def log_in(environ: dict[str, str], port: int, login: str = "user:secret") -> None:
    """Write what `docker login` does."""
    file = Path(environ["HOME"]) / ".docker/config.json"
    file.parent.mkdir(exist_ok=True)
    auths = json.loads(file.read_text())["auths"] if file.exists() else {}
    auths[f"127.0.0.1:{port}"] = {"auth": b64encode(login.encode()).decode()}
    file.write_text(json.dumps({"auths": auths}))


@pytest.fixture
def registry(registry_port: int, environ: dict[str, str]) -> str:
    """Return the address of the registry, in which the user is logged in."""
    log_in(environ, registry_port)
    return f"127.0.0.1:{registry_port}"


@pytest.fixture
def proxied(registry_port: int, environ: dict[str, str]) -> Iterator[Proxy]:
    """Run a proxy to the registry, in which the user is logged in, too."""
    with proxying(registry_port) as proxy:
        log_in(environ, proxy.port)
        yield proxy


def models(repo: Repo) -> None:
    """Commit and register a file and a directory, each with a report."""
    repo.write("models/ranker.onnx", noise("ranker", LARGE))
    repo.write_dir("models/bert/layers", 3)
    repo.write("models/bert/empty", "")
    repo.write("models/bert/run.sh", "#!/bin/sh\n").chmod(0o755)
    repo.write("models/bert/same", noise("ranker", LARGE))
    for name in ("models/ranker.onnx", "models/bert"):
        repo.ok("add", name)
        repo.ok("eval", "record", name, "--tag", "v1.0.0", "--metric", "auc=0.9")
    repo.commit("models")
    repo.ok("register", "ranker")
    repo.ok("register", "bert")


@pytest.fixture
def work(begin: Begin) -> Repo:
    """Return a repository with these models."""
    return begin(models)


@pytest.fixture
def here(tmp_path: Path, environ: dict[str, str]) -> Repo:
    """Return an empty directory that is no repository."""
    (tmp_path / "here").mkdir()
    return Repo(tmp_path / "here", environ)
