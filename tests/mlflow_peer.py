"""The real MLflow, in an environment of its own: a server with runs, its client, and a proxy that spoils answers."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode
from urllib.request import ProxyHandler, Request, build_opener

import pytest
from harness import PROJECT, Repo
from proxy import Proxy, proxying
from shared import shared, shared_folder

PYTHON = PROJECT / ".cache/mlflow/bin/python"
API = "/api/2.0/mlflow/"
_DIRECT = build_opener(ProxyHandler({}))


class MlflowServer(NamedTuple):
    """A server, and what was logged there."""

    port: int
    folder: Path
    ids: dict[str, str]
    """Of runs and models, by the names that tests/mlflow_runs.py gives them."""

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def environ(self) -> dict[str, str]:
        """What leads mvc there, with a login that must not be written anywhere."""
        return {"MLFLOW_TRACKING_URI": f"http://ada:l0velace@127.0.0.1:{self.port}"}

    def ask(self, path: str, **query: str) -> Any:
        """Return what the API says."""
        with _DIRECT.open(f"{self.url}{API}{path}?{urlencode(query)}", timeout=30) as answer:
            return json.load(answer)

    def send(self, path: str, **body: object) -> None:
        """Tell the API to change something."""
        request = Request(f"{self.url}{API}{path}", json.dumps(body).encode(), {"Content-Type": "application/json"})
        _DIRECT.open(request, timeout=30).close()

    def client(self, lines: str) -> str:
        """Run lines of Python with the real client, `client`; return what they print."""
        script = f"import mlflow\nmlflow.set_tracking_uri({self.url!r})\nclient = mlflow.MlflowClient()\n{lines}"
        done = subprocess.run(
            [PYTHON, "-c", script], env=_environ(self.folder), capture_output=True, text=True, check=False, timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="session")
def mlflow_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    """Run a server of MLflow with SQLite, in which its client logged runs."""
    with shared(shared_folder(tmp_path_factory, "mlflow"), _serving) as server:
        yield server


@pytest.fixture
def mlflow_proxy(mlflow_server: MlflowServer) -> Iterator[Proxy]:
    """Run a proxy to that server, which spoils nothing yet."""
    with proxying(mlflow_server.port) as made:
        yield made


def with_optional_reports(repo: Repo) -> None:
    """Let the hook take a model without a report."""
    repo.write(".mvc/policy.yaml", "mvc-policy: 1\ndefaults: {report: optional}\n")
    repo.git("commit", "-qam", "policy")


@contextmanager
def _serving(folder: Path) -> Iterator[MlflowServer]:
    assert PYTHON.exists(), "run `make .cache/mlflow/.complete`"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", PYTHON, Path(__file__).with_name("mlflow_runs.py"), folder, str(port)],
            env=_environ(folder), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, start_new_session=True,
        )
    try:
        assert process.stdout is not None
        for line in process.stdout:  # the client says more than asked
            if line.startswith(b"{"):
                yield MlflowServer(port, folder, json.loads(line))
                return
        raise RuntimeError((folder / "log").read_text(errors="replace")[-2000:])
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def _environ(home: Path) -> dict[str, str]:
    return {
        "PATH": "/usr/bin:/bin", "HOME": str(home), "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "GIT_PYTHON_REFRESH": "quiet",
    }
