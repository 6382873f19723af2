"""TLS: a server whose certificate comes from a company's own authority, which the system trusts or not."""

from __future__ import annotations

import datetime as dt
import http.server
import ipaddress
import json
import os
import re
import ssl
import subprocess
import sys
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from mvc.ops.interop.mlflow.answers import Done
from mvc.ops.interop.mlflow.server import Server
from mvc.store.buckets.address import RemoteSettings
from mvc.store.buckets.bucket import Item, RemoteError
from mvc.store.buckets.environment import certificates
from mvc.store.buckets.open import connect
from mvc.store.buckets.retry import Clock, Retrying

DAY = dt.timedelta(days=1)
IMPATIENT = Clock(wait=None)  # type: ignore[arg-type]  # waiting would fail


class TlsServer(NamedTuple):
    """A server with a certificate of its own authority."""

    authority: Path
    """The certificate to trust."""
    port: int

    @property
    def address(self) -> str:
        """Where it is."""
        return f"https://127.0.0.1:{self.port}"


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers as S3, Azure, Google and a web server do for a file of three bytes."""

    def do_HEAD(self) -> None:
        """Say what is there."""
        self._answer(b"")

    def do_GET(self) -> None:
        """Say it as Google does."""
        found = {"name": "x/key", "size": "3", "generation": "1", "updated": "2026-01-01T00:00:00Z"}
        self._answer(json.dumps(found).encode())

    def do_POST(self) -> None:
        """Give a token."""
        self._answer(b'{"access_token": "T0ken", "expires_in": 3600}')

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        for name, value in {
            "ETag": '"1"', "Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT", "Content-Length": str(len(body) or 3),
            "Content-Type": "application/json", "x-ms-blob-type": "BlockBlob",
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


def signed(name: str, key: ec.EllipticCurvePrivateKey, signer: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    """Return a certificate for `key`: the authority's own, or one for this machine."""
    now = dt.datetime.now(dt.UTC)
    own = key is signer
    subject, issuer = (x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)]) for text in (name, "authority"))
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - DAY).not_valid_after(now + DAY)
    builder = builder.add_extension(x509.BasicConstraints(ca=own, path_length=None), critical=True)
    if not own:
        host = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        builder = builder.add_extension(x509.SubjectAlternativeName([host]), critical=False)
    return builder.sign(signer, hashes.SHA256())


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsServer]:
    """Serve on loopback."""
    folder = tmp_path_factory.mktemp("tls")
    authority, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    (folder / "authority.pem").write_bytes(signed("authority", authority, authority).public_bytes(Encoding.PEM))
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "server.pem").write_bytes(secret + signed("server", key, authority).public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        httpd.socket = context.wrap_socket(httpd.socket, server_side=True)
        thread = threading.Thread(target=httpd.serve_forever)
        thread.start()
        yield TlsServer(folder / "authority.pem", httpd.server_port)
        httpd.shutdown()
        thread.join()


class Place(NamedTuple):
    """A remote, and what leads there in the environment."""

    url: str
    options: dict[str, str]
    environ: dict[str, str]

    def head(self) -> Item | None:
        """Ask for a file in this process; another try would fail."""
        os.environ.update(self.environ)
        with closing(connect(RemoteSettings("far", self.url, self.options))) as bucket:
            return Retrying(bucket, IMPATIENT).head("key")

    def head_elsewhere(self, **environ: str) -> subprocess.CompletedProcess[str]:
        """Ask in a new process: some packages read the system's certificates when they are imported."""
        return subprocess.run(
            [sys.executable, "-c", HEAD, self.url, json.dumps(self.options)],
            env={**os.environ, **self.environ, **environ}, capture_output=True, text=True, check=False,
        )


HEAD = """
import json, sys
from mvc.store.buckets.address import RemoteSettings
from mvc.store.buckets.open import connect
print(connect(RemoteSettings("far", sys.argv[1], json.loads(sys.argv[2]))).head("key"))
"""


def s3(address: str, **options: str) -> Place:
    """Return a place in S3."""
    keys = {"access_key_id": "K", "secret_access_key": "S", "region": "x"}
    return Place("s3://models/x", {"endpoint_url": address, **keys, **options}, {})


def azure(address: str) -> Place:
    """Return a place in Azure."""
    key = b64encode(b"key").decode()
    connection = f"DefaultEndpointsProtocol=https;AccountName=a;AccountKey={key};BlobEndpoint={address}/a;"
    return Place("az://models/x", {}, {"AZURE_STORAGE_CONNECTION_STRING": connection})


def google(address: str) -> Place:
    """Return a place at Google."""
    return Place("gs://models/x", {}, {"STORAGE_EMULATOR_HOST": address})


def google_with_login(address: str) -> Place:
    """Return the same with a login that the server gives."""
    key = rsa.generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    account = {
        "type": "service_account", "client_email": "ada@example.com", "private_key": key.decode(),
        "token_uri": f"{address}/token",
    }
    file = Path(os.environ["HOME"]) / "key.json"
    file.write_text(json.dumps(account))
    place = google(address)
    return place._replace(environ={**place.environ, "GOOGLE_APPLICATION_CREDENTIALS": str(file)})


def web(address: str) -> Place:
    """Return a place on a web server."""
    return Place(f"{address}/x", {}, {})


PLACES: dict[str, Callable[[str], Place]] = {
    "s3": s3, "az": azure, "gs": google, "gs with a login": google_with_login, "web": web,
}


@pytest.mark.parametrize("lead", PLACES.values(), ids=PLACES)
def test_the_system_s_certificates_are_trusted(server: TlsServer, lead: Callable[[str], Place]) -> None:
    place = lead(server.address)
    with pytest.raises(RemoteError, match=r"certificate.* is not trusted") as caught:
        place.head()
    assert re.fullmatch("export SSL_CERT_FILE=FILE|mvc remote set far --local -o ca_bundle=FILE", caught.value.fix)
    found = place.head_elsewhere(SSL_CERT_FILE=str(server.authority))  # instead of the system's file
    assert "size=3" in found.stdout, found.stderr


def test_another_file_is_trusted_instead_of_the_system_s(server: TlsServer, tmp_path: Path) -> None:
    authority = str(server.authority)
    os.environ["SSL_CERT_FILE"] = authority
    assert s3(server.address).head()
    other = ec.generate_private_key(ec.SECP256R1())
    (tmp_path / "other.pem").write_bytes(signed("other", other, other).public_bytes(Encoding.PEM))
    with pytest.raises(RemoteError, match="is not trusted"):
        s3(server.address, ca_bundle=str(tmp_path / "other.pem")).head()
    del os.environ["SSL_CERT_FILE"]
    assert s3(server.address, ca_bundle=authority).head()
    os.environ["AWS_CA_BUNDLE"] = authority
    assert s3(server.address).head()


def test_a_tracking_server_of_mlflow(server: TlsServer) -> None:
    named = {"MLFLOW_TRACKING_URI": server.address}
    with pytest.raises(RemoteError, match="is not trusted"):
        Server(named).get("runs/get", Done)
    assert Server({**named, "MLFLOW_TRACKING_SERVER_CERT_PATH": str(server.authority)}).get("runs/get", Done)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as plain:
        thread = threading.Thread(target=plain.serve_forever)
        thread.start()
        with pytest.raises(RemoteError, match="does not speak TLS"):
            Server({"MLFLOW_TRACKING_URI": f"https://127.0.0.1:{plain.server_port}"}).get("runs/get", Done)
        plain.shutdown()
        thread.join()


def test_where_the_system_has_its_certificates(tmp_path: Path) -> None:
    folder = tmp_path / "certs"
    folder.mkdir()
    os.environ |= {"SSL_CERT_FILE": str(folder / "absent"), "SSL_CERT_DIR": str(folder)}
    assert certificates() == ""
    (folder / "1234abcd.0").touch()
    assert certificates() == str(folder)
    os.environ["SSL_CERT_FILE"] = str(folder / "1234abcd.0")
    assert certificates() == str(folder / "1234abcd.0")


@pytest.mark.parametrize("lead", [s3, google, web])
def test_a_server_without_tls(lead: Callable[[str], Place]) -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever)
        thread.start()
        with pytest.raises(RemoteError, match="does not speak TLS"):
            lead(f"https://127.0.0.1:{httpd.server_port}").head()
        httpd.shutdown()
        thread.join()
