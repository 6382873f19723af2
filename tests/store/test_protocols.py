"""Remotes by Google's, Azure's, SSH's and the web's protocols: the commands there and back, and what can go wrong.

What every bucket promises is in test_buckets.py, which runs over these, too.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from harness import LARGE, MVC, InProcess, Repo, noise
from proxy import Answer, Fault, proxying
from servers import Server, SshServer, WebServer, azure_connection

from mvc.errors import MissingObject, UsageError
from mvc.packages import install
from mvc.store.buckets.address import RemoteSettings
from mvc.store.buckets.azure import AzureBucket
from mvc.store.buckets.bucket import PART, Bucket, Changed, RemoteError, Transient
from mvc.store.buckets.directory import DirectoryBucket
from mvc.store.buckets.gs import GoogleBucket
from mvc.store.buckets.open import connect
from mvc.store.buckets.ssh.bucket import SshBucket
from mvc.store.buckets.ssh.connection import SshAddress
from mvc.store.buckets.web import WebBucket

HUGE = noise("huge", 1 << 20) * 20
"""Two parts of an upload and of a download."""
PACKAGES = {"gs": "google.auth", "az": "azure.storage.blob", "ssh": "asyncssh", "http": "aiohttp"}


class Writable(NamedTuple):
    """A place to push to."""

    url: str
    environ: dict[str, str]


def _google(request: pytest.FixtureRequest) -> Writable:
    return Writable(f"gs://tests/{uuid4().hex}", request.getfixturevalue("google_server").environ)


def _azure(request: pytest.FixtureRequest) -> Writable:
    return Writable(f"az://tests/{uuid4().hex}", request.getfixturevalue("azure_server").environ)


def _ssh(request: pytest.FixtureRequest) -> Writable:
    server = request.getfixturevalue("ssh_server")
    server.welcome(os.environ["HOME"])
    return Writable(f"ssh://{server.login}{request.getfixturevalue('tmp_path')}/remote", {})


@pytest.fixture(params=[_google, _azure, _ssh], ids=["gs", "az", "ssh"])
def place(request: pytest.FixtureRequest) -> Writable:
    """Return a place that this test has for itself; what leads there is in the environment."""
    found: Writable = request.param(request)
    os.environ.update(found.environ)
    return found


@pytest.fixture
def content(repo: Repo) -> Repo:
    """Return a repository with content of all sizes."""
    repo.write("m.bin", noise("m", LARGE))
    repo.write("huge.bin", HUGE)
    files = repo.write_dir("few", 5)
    repo.ok("add", "m.bin", "huge.bin", "few")
    repo.commit("all")
    assert files
    return repo


def same(one: Repo, other: Repo) -> bool:
    """Tell whether two clones have the same content."""
    files = all(one.read(name) == other.read(name) for name in ("m.bin", "huge.bin"))
    return files and one.contents("few") == other.contents("few")


# There and back.


def test_there_and_back(content: Repo, place: Writable, tmp_path: Path) -> None:
    content.environ.update(place.environ)
    content.ok("remote", "add", "far", place.url)
    content.commit("remote")
    sent = content.ok("push", "--json").json
    assert (sent["transferred"], sent["skipped"], sent["failed"]) == (7, 0, [])
    clone = content.clone(tmp_path / "clone")
    assert clone.ok("pull", "--json").json["transferred"] == 7
    assert same(clone, content)
    clone.ok("verify", "-r", "far")
    again = clone.ok("push", "--json").json
    assert (again["transferred"], again["skipped"]) == (0, 7)


def test_the_round_trip_works_and_leaves_nothing(repo: Repo, place: Writable, in_process: InProcess) -> None:
    repo.ok("remote", "add", "far", place.url)
    result = in_process(repo.root, "remote", "test", "--json")
    assert result.code == 0, result
    works = {check["name"]: check["works"] for check in result.json["checks"]}
    assert set(works.values()) == {"yes"}, result
    bucket = connect(RemoteSettings("far", place.url, {}))
    assert list(bucket.list("")) == []
    bucket.close()


def test_a_bucket_that_is_closed_answers_no_more(place: Writable) -> None:
    bucket = connect(RemoteSettings("far", place.url, {}))
    bucket.write("key", b"content")
    bucket.close()
    with pytest.raises(RemoteError, match="stopped"):
        bucket.head("key")


# What is missing, on this side.


@pytest.mark.parametrize("protocol", PACKAGES)
def test_a_missing_package_says_what_to_install(repo: Repo, tmp_path: Path, protocol: str) -> None:
    blocker = tmp_path / "blocker"
    blocker.mkdir()
    (blocker / "sitecustomize.py").write_text(
        "import sys\n"
        "from importlib.machinery import PathFinder\n"
        "find = PathFinder.find_spec\n"
        "def without(name, *args, **kwargs):\n"
        f"    return None if name == {PACKAGES[protocol]!r} else find(name, *args, **kwargs)\n"
        "PathFinder.find_spec = without\n",
    )
    blocked = {"PYTHONPATH": str(blocker)}
    added = repo.mvc("remote", "add", "far", f"{protocol}://somewhere/models", env=blocked)
    assert added.code == 0
    assert f"warning: {protocol}:// needs the package " in added.err
    assert added.fixes == [install(protocol)]
    assert not repo.ok("remote", "set", "far", f"{protocol}://elsewhere/models").err
    result = repo.fails(2, "remote", "test", env=blocked)
    assert result.errors == [f"{protocol}:// needs the package {PACKAGES[protocol].replace('.', '-')}"]
    assert result.fixes == [install(protocol)]


# What goes wrong: one line each, and one of what to type.


def refused(bucket: Bucket, key: str = "key") -> RemoteError:
    """Return why a bucket cannot be read from, nor written to."""
    with pytest.raises(RemoteError) as found:
        bucket.head(key)
    with pytest.raises(RemoteError) as written:
        bucket.write(key, b"content")
    assert "\n" not in found.value.message + found.value.fix + written.value.message + written.value.fix
    assert found.value.fix
    assert written.value.fix
    bucket.close()
    return found.value


@pytest.fixture
def deaf() -> Iterator[int]:
    """Return a port that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def nobody() -> int:
    """Return a port that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def test_a_google_bucket_that_is_not_there(google_server: Server) -> None:
    os.environ.update(google_server.environ)
    error = refused(GoogleBucket("gs://absent-bucket/x"))
    assert error.message == "there is no bucket absent-bucket in Google Cloud Storage"
    assert error.fix == "gcloud storage buckets create gs://absent-bucket"


def test_google_is_asked_with_the_token_of_a_key_file(google_server: Server, tmp_path: Path) -> None:
    key = rsa.generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    token = Answer(200, {}).with_body(b'{"access_token": "T0ken", "expires_in": 3600}')
    with proxying(google_server.port) as proxy:
        proxy.rule = lambda request: Fault(instead=token) if request.path == "/token" else None
        account = {
            "type": "service_account", "client_email": "ada@example.com", "private_key": key.decode(),
            "token_uri": f"{proxy.endpoint}/token",
        }
        (tmp_path / "key.json").write_text(json.dumps(account))
        os.environ["GOOGLE_APPLICATION_CREDENTIALS"] = str(tmp_path / "key.json")
        os.environ["STORAGE_EMULATOR_HOST"] = proxy.endpoint
        with closing(GoogleBucket(f"gs://tests/{uuid4().hex}")) as bucket:
            assert bucket.write("key", b"content")
            assert bucket.head("key")
        login, *asked = proxy.seen
    assert (login.path, len(asked)) == ("/token", 2)
    assert {request.headers["authorization"] for request in asked} == {"Bearer T0ken"}


def test_an_azure_container_that_is_not_there(azure_server: Server) -> None:
    os.environ.update(azure_server.environ)
    error = refused(AzureBucket("az://absent/x"))
    assert error.message == "there is no container absent in this storage account"
    assert error.fix == "az storage container create -n absent"


def test_an_azure_key_that_is_wrong(azure_server: Server) -> None:
    os.environ["AZURE_STORAGE_CONNECTION_STRING"] = azure_connection(azure_server.port, "d3Jvbmc=")
    error = refused(AzureBucket("az://tests/x"))
    assert "access denied" in error.message
    assert "az login" in error.fix


def test_no_azure_account_is_named() -> None:
    error = refused(AzureBucket("az://tests/x"))
    assert "no storage account is named" in error.message
    assert "AZURE_STORAGE_ACCOUNT_NAME" in error.fix


def test_an_azure_account_stands_in_the_url() -> None:
    bucket = AzureBucket("az://tests@mvc-no-such-account.blob.core.windows.net/x", patience=5)
    os.environ["AZURE_STORAGE_ACCOUNT_KEY"] = "a2V5"
    with pytest.raises(RemoteError, match=r"storage account cannot be resolved|no answer|connection was lost"):
        bucket.head("key")
    bucket.close()


Far = Callable[[int, float], Bucket]


def _google_at(port: int, patience: float) -> Bucket:
    os.environ["STORAGE_EMULATOR_HOST"] = f"http://127.0.0.1:{port}"
    return GoogleBucket("gs://tests/x", patience)


def _azure_at(port: int, patience: float) -> Bucket:
    os.environ["AZURE_STORAGE_CONNECTION_STRING"] = azure_connection(port)
    return AzureBucket("az://tests/x", patience)


def _ssh_at(port: int, patience: float) -> Bucket:
    return SshBucket(f"ssh://user@127.0.0.1:{port}/x", patience)


def _web_at(port: int, patience: float) -> Bucket:
    return WebBucket(f"http://127.0.0.1:{port}/x", patience)


ANYWHERE = pytest.mark.parametrize("far", [_google_at, _azure_at, _ssh_at, _web_at], ids=["gs", "az", "ssh", "http"])


@ANYWHERE
def test_nobody_answers(far: Far, nobody: int) -> None:
    bucket = far(nobody, 5)
    with pytest.raises(RemoteError, match="connection refused") as caught:
        bucket.head("key")
    bucket.close()
    assert caught.value.fix
    assert not isinstance(caught.value, Transient)


@ANYWHERE
def test_silence_ends_and_may_be_tried_again(far: Far, deaf: int) -> None:
    bucket = far(deaf, 0.3)
    with pytest.raises(Transient, match=r"no answer|connection( to 127.0.0.1)? was lost"):
        bucket.head("key")
    bucket.close()


@pytest.mark.parametrize("far", [_google_at, _azure_at, _web_at], ids=["gs", "az", "http"])
def test_closing_ends_what_is_under_way(far: Far, deaf: int) -> None:
    bucket = far(deaf, 60)
    caught: list[BaseException] = []

    def ask() -> None:
        try:
            bucket.head("key")
        except RemoteError as error:
            caught.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    while not bucket.requests:
        pass
    bucket.close()
    thread.join(20)
    assert [str(error).endswith("stopped") for error in caught] == [True]


def test_a_name_that_cannot_be_resolved(repo: Repo) -> None:
    for bucket in SshBucket("ssh://mvc-no-such-host.invalid/x"), WebBucket("http://mvc-no-such-host.invalid/x"):
        with pytest.raises(RemoteError, match="cannot be resolved"):
            bucket.head("key")
        bucket.close()


# SSH.


def test_an_unknown_host_key_is_not_taken(ssh_server: SshServer, tmp_path: Path, repo: Repo) -> None:
    ssh_server.welcome(os.environ["HOME"], host=False)
    repo.ok("remote", "add", "far", f"ssh://{ssh_server.login}{tmp_path}/remote")
    repo.added("m.bin", b"content")
    result = repo.fails(3, "push")
    assert "the key of 127.0.0.1 is not in known_hosts" in result.err
    login = f"{ssh_server.port} {ssh_server.login.partition(':')[0]}"
    assert result.fixes == [f"ssh -p {login}  # compare the key that it shows before you say yes"]
    assert not (tmp_path / "remote").exists()
    assert not (Path(os.environ["HOME"]) / ".ssh/known_hosts").exists()


def test_another_host_key_is_not_taken(ssh_server: SshServer, tmp_path: Path) -> None:
    ssh_server.welcome(os.environ["HOME"])
    other = (ssh_server.folder / "stranger.pub").read_text()
    (Path(os.environ["HOME"]) / ".ssh/known_hosts").write_text(f"[127.0.0.1]:{ssh_server.port} {other}")
    assert "known_hosts" in refused(SshBucket(f"ssh://{ssh_server.login}{tmp_path}/remote")).message


def test_a_key_that_opens_nothing(ssh_server: SshServer, tmp_path: Path) -> None:
    ssh_server.welcome(os.environ["HOME"], key=False)
    error = refused(SshBucket(f"ssh://{ssh_server.login}{tmp_path}/remote"))
    assert "refused all keys" in error.message
    assert "ssh-copy-id" in error.fix


def test_the_parent_of_the_directory_must_be_there(ssh_server: SshServer, tmp_path: Path) -> None:
    ssh_server.welcome(os.environ["HOME"])
    error = refused(SshBucket(f"ssh://{ssh_server.login}{tmp_path}/not mounted/remote"))
    assert "no directory" in error.message
    assert not (tmp_path / "not mounted").exists()


@pytest.mark.parametrize("url", [
    "ssh://-oProxyCommand=touch%20owned/x", "ssh://user@-oProxyCommand=id/x", "ssh://-l@host/x",
    "ssh://host;id/x", "ssh://$(id)@host/x", "ssh://us er@host/x", "ssh://user:secret@host/x",
])
def test_no_option_and_no_command_comes_in_by_the_url(repo: Repo, url: str) -> None:
    assert repo.mvc("remote", "add", "far", url).code == 2


@pytest.mark.parametrize(("url", "place"), [
    ("ssh://host/a/b", SshAddress("", "host", 0, "/a/b")),
    ("ssh://me@host:22/a", SshAddress("me", "host", 22, "/a")),
    ("sftp://me@[::1]:22/~/a b", SshAddress("me", "::1", 22, "a b")),
])
def test_where_a_url_leads(url: str, place: SshAddress) -> None:
    assert SshAddress.of(url) == place


@pytest.mark.parametrize("url", ["ssh://host", "ssh://host/", "ssh://host/~", "ssh://host:port/x"])
def test_a_url_without_a_directory_is_refused(url: str) -> None:
    with pytest.raises(UsageError):
        SshBucket(url)


def test_what_ssh_wrote_is_a_directory_remote_too(ssh_server: SshServer, tmp_path: Path) -> None:
    ssh_server.welcome(os.environ["HOME"])
    bucket, local = SshBucket(f"ssh://{ssh_server.login}{tmp_path}/remote"), DirectoryBucket(str(tmp_path / "remote"))
    bucket.write("objects/ab/x", b"one")
    local.write("objects/ab/y", b"two")
    assert {item.key: item.size for item in local.list("")} == {item.key: item.size for item in bucket.list("")}
    assert bucket.read(next(item for item in bucket.list("objects/ab/y")), 0, 3) == b"two"
    assert (tmp_path / "remote/objects/ab/x").stat().st_mode & 0o777 == 0o444
    bucket.close()
    local.close()


def test_a_connection_that_breaks_is_made_anew(ssh_server: SshServer, tmp_path: Path) -> None:
    ssh_server.welcome(os.environ["HOME"])
    with socket.create_server(("127.0.0.1", 0)) as gate:
        bucket = SshBucket(f"ssh://{ssh_server.login.partition(':')[0]}:{gate.getsockname()[1]}{tmp_path}/remote")
        known = ssh_server.known_hosts.replace(str(ssh_server.port), str(gate.getsockname()[1]))
        (Path(os.environ["HOME"]) / ".ssh/known_hosts").write_text(known)
        passed: list[socket.socket] = []
        thread = threading.Thread(target=_pass_on, args=(gate, ssh_server.port, passed), daemon=True)
        thread.start()
        bucket.write("key", b"content")
        for end in passed:
            with suppress(OSError):  # the other end was told already
                end.shutdown(socket.SHUT_RDWR)
        with pytest.raises(Transient, match=r"the connection to 127\.0\.0\.1 was lost"):
            next(bucket.list(""))
        item = bucket.head("key")
        assert item is not None
        assert bucket.read(item, 0, 7) == b"content"
        bucket.close()
        gate.shutdown(socket.SHUT_RDWR)  # wakes who waits in accept
        thread.join()
    for end in passed:
        end.close()


def _pass_on(gate: socket.socket, port: int, passed: list[socket.socket]) -> None:
    """Pass connections on, and note them."""
    try:
        while True:
            near, _ = gate.accept()
            far = socket.create_connection(("127.0.0.1", port))
            passed += [near, far]
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=_copy, args=(one, other), daemon=True).start()
    except OSError:
        return


def _copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(1 << 16):
            target.sendall(data)
        target.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


def test_temporary_files_of_a_killed_push_are_swept(ssh_server: SshServer, tmp_path: Path) -> None:
    ssh_server.welcome(os.environ["HOME"])
    bucket = SshBucket(f"ssh://{ssh_server.login}{tmp_path}/remote")
    bucket.write("key", b"content")
    old, young = tmp_path / "remote/tmp/old", tmp_path / "remote/tmp/young"
    old.write_bytes(b"x")
    young.write_bytes(b"x")
    os.utime(old, (1e9, 1e9))
    assert bucket.sweep(before=1.1e9) == 1
    assert (old.exists(), young.exists()) == (False, True)
    bucket.close()


# The web.


@pytest.fixture
def shown(content: Repo, web_server: WebServer) -> Repo:
    """Return a repository whose content a web server shows below /open, and a remote that leads there."""
    content.ok("remote", "add", "disk", str(web_server.folder / "open"))
    content.ok("push")
    content.ok("remote", "add", "far", f"http://127.0.0.1:{web_server.port}/open", "--default")
    content.commit("remotes")
    return content


def test_pull_from_a_web_server(shown: Repo, tmp_path: Path) -> None:
    clone = shown.clone(tmp_path / "clone")
    assert clone.ok("pull", "-r", "far", "--json").json["transferred"] == 7
    assert same(clone, shown)
    clone.ok("verify", "-r", "far")
    assert clone.ok("status", "--pushed", "-r", "far", "--exit-code")


def test_push_to_a_web_server_is_refused_before_anything_is_sent(shown: Repo, web_server: WebServer) -> None:
    shown.added("new.bin", noise("new", LARGE))
    result = shown.fails(3, "push", "-r", "far")
    assert [error for error in result.errors if "is read only" in error] == result.errors[:1]
    assert len(result.errors) == 1
    assert not [line for line in web_server.seen if not line.startswith(("GET ", "HEAD "))]


@pytest.mark.parametrize("command", ["push", "pull"])
def test_where_a_web_server_has_nothing(content: Repo, web_server: WebServer, command: str) -> None:
    content.ok("remote", "add", "far", f"http://127.0.0.1:{web_server.port}/absent")
    shutil.rmtree(content.store / "objects")
    result = content.fails(3, command)
    assert re.search("is read only|there is nothing at|is empty", result.err)
    assert not [line for line in web_server.seen if not line.startswith(("GET ", "HEAD "))]


def test_a_web_server_that_does_not_list_is_no_empty_one(shown: Repo, web_server: WebServer, tmp_path: Path) -> None:
    shutil.copytree(web_server.folder / "open", web_server.folder / "closed/remote")
    shown.ok("remote", "set", "far", f"http://127.0.0.1:{web_server.port}/closed/remote")
    shown.commit("moved")
    clone = shown.clone(tmp_path / "clone")
    result = clone.fails(3, "pull", "-r", "far")
    assert "the server does not list its files" in result.err


def test_a_web_server_that_sends_only_whole_files(web_server: WebServer) -> None:
    local = DirectoryBucket(str(web_server.folder / "whole"))
    local.write("small", b"content")
    local.write("large", bytes(PART + 1))
    local.close()
    bucket = WebBucket(f"http://127.0.0.1:{web_server.port}/whole")
    small, large = bucket.head("small"), bucket.head("large")
    assert small
    assert large
    assert bucket.read(small, 0, 7) == b"content"
    with pytest.raises(RemoteError, match="does not support range requests"):
        bucket.read(large, 0, PART)
    bucket.close()


def test_a_login_to_a_web_server_is_in_netrc(web_server: WebServer) -> None:
    local = DirectoryBucket(str(web_server.folder / "secret"))
    local.write("key", b"content")
    local.close()
    bucket = WebBucket(f"http://127.0.0.1:{web_server.port}/secret")
    with pytest.raises(RemoteError, match="access denied"):
        bucket.head("key")
    netrc = Path(os.environ["HOME"]) / ".netrc"
    netrc.write_text("machine 127.0.0.1 login ada password lovelace\n")
    netrc.chmod(0o600)
    assert bucket.head("key")
    bucket.close()


@pytest.fixture
def web(web_server: WebServer) -> Iterator[tuple[DirectoryBucket, WebBucket]]:
    """Return a directory, and the same as a web server shows it."""
    local = DirectoryBucket(str(web_server.folder / "a place"))
    local.write("first", b"x")
    bucket = WebBucket(f"http://127.0.0.1:{web_server.port}/a place")
    yield local, bucket
    bucket.close()
    local.close()


def test_the_web_shows_what_is_there(web: tuple[DirectoryBucket, WebBucket]) -> None:
    local, bucket = web
    for key in "objects/ab/x", "objects/ac/y", "packs/a b+c%20é~&.idx", "objects.txt":
        local.write(key, key.encode())
    for prefix in "", "objects/", "objects", "objects/ab", "packs/", "absent/":
        listed = {item.key: item.size for item in bucket.list(prefix)}
        assert listed == {item.key: item.size for item in local.list(prefix)}, prefix
    item = bucket.head("packs/a b+c%20é~&.idx")
    assert item
    assert bucket.read(item, 2, 9) == "packs/a b+c%20é~&.idx".encode()[2:9]
    assert abs(item.modified - next(local.list("packs/")).modified) < 2


def test_a_listing_without_an_end_is_read_as_deep_as_keys_are(
    web: tuple[DirectoryBucket, WebBucket], web_server: WebServer, monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, bucket = web
    for name in "abc":
        (web_server.folder / "a place" / name).symlink_to(".")
    assert len(list(bucket.list(""))) == 1 + 3 + 9
    monkeypatch.setattr("mvc.store.buckets.web._MOST_FOLDERS", 12)
    with pytest.raises(RemoteError, match="too many directories"):
        list(bucket.list(""))


def test_the_web_tells_what_is_not_there(web: tuple[DirectoryBucket, WebBucket]) -> None:
    local, bucket = web
    local.write("objects/a", b"content")
    assert bucket.head("absent") is None
    assert bucket.head("objects") is None
    item = bucket.head("objects/a")
    assert item
    local.delete(["objects/a"])
    with pytest.raises(MissingObject):
        bucket.read(item, 0, 7)


def test_the_web_tells_another_version(web: tuple[DirectoryBucket, WebBucket], web_server: WebServer) -> None:
    local, bucket = web
    local.write("key", b"content")
    item = bucket.head("key")
    assert item
    local.write("key", b"CONTENT")
    os.utime(web_server.folder / "a place/key", (1e9, 1e9))
    with pytest.raises(Changed):
        bucket.read(item, 1, 5)


# Another process.


def test_a_forked_child_uses_a_bucket_of_its_parent(web: tuple[DirectoryBucket, WebBucket]) -> None:
    _, bucket = web
    assert bucket.head("first")
    pid = os.fork()
    if pid == 0:
        try:
            os._exit(0 if bucket.head("first") else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert bucket.head("first")
    assert bucket.requests == 2


# Ctrl-C.


def test_ctrl_c_ends_a_push(content: Repo, place: Writable) -> None:
    content.environ.update(place.environ)
    content.ok("remote", "add", "far", place.url)
    process = subprocess.Popen(
        [MVC, "-v", "push"], cwd=content.root, env=content.environ, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )
    bucket = connect(RemoteSettings("far", place.url, {}))
    while process.poll() is None and not any(bucket.list("")):
        pass
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode in (0, 130, -signal.SIGINT), err  # unless it was quicker
    assert not re.search("Traceback|never retrieved|Unclosed", err)
    assert all(item.size == len(HUGE) for item in bucket.list("objects/") if item.size > PART)
    bucket.close()
