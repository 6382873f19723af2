"""A real registry, with authentication, and models to package."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import LARGE, Begin, Repo, noise
from proxy import Proxy, proxying
from registries import Shop, log_in, registry_in, with_login
from shared import shared, shared_folder


@pytest.fixture(scope="session")
def registry_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Run a registry that asks for a login."""
    with shared(shared_folder(tmp_path_factory, "registry"), with_login) as port:
        yield port


@pytest.fixture(scope="session")
def open_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Run a registry that asks for none."""
    with shared(shared_folder(tmp_path_factory, "open-registry"), registry_in) as port:
        yield port


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


@pytest.fixture
def shop() -> Iterator[Shop]:
    """Run a registry that says what a test wants it to."""
    with proxying(0) as proxy:
        yield Shop(proxy)
