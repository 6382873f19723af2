"""The commands against a real S3 server: push, a clone, pull, and what stands in between."""

from __future__ import annotations

import errno
import re
import socket
import sys
from contextlib import closing
from pathlib import Path

import pytest
from harness import LARGE, MANY, PROJECT, Repo, noise
from s3 import READER, S3Server, make_bucket

from mvc.store.buckets.s3.bucket import S3Bucket

HUGE = noise("huge", 1 << 20) * 40
"""Several parts of an upload and of a download."""


@pytest.fixture
def s3_repo(repo: Repo, s3_server: S3Server, s3_url: str) -> Repo:
    """Return a repository with content of all sizes, and a bucket as its remote; keys are in the environment."""
    make_bucket(s3_server, s3_url)
    repo.ok("remote", "add", "bucket", s3_url, "-o", f"endpoint_url={s3_server.endpoint}", "-o", "region=us-east-1")
    repo.environ.update(s3_server.environ)
    repo.write("m.bin", noise("m", LARGE))
    repo.write("huge.bin", HUGE)
    repo.write_dir("few", 3)
    repo.write_dir("many", MANY)
    repo.ok("add", "m.bin", "huge.bin", "few", "many")
    repo.commit("all")
    return repo


def test_there_and_back(s3_repo: Repo, tmp_path: Path) -> None:
    sent = s3_repo.ok("push", "--json").json
    assert sent["transferred"] == MANY + 1 + 2  # few and many share files
    assert sent["requests"] <= 50
    again = s3_repo.ok("push", "--json").json
    assert (again["transferred"], again["skipped"]) == (0, sent["transferred"])
    assert s3_repo.ok("status", "--pushed", "--exit-code")
    clone = s3_repo.clone(tmp_path / "clone")
    got = clone.ok("pull", "--json").json
    assert got["transferred"] == sent["transferred"]
    assert got["requests"] <= 50
    for name in "m.bin", "huge.bin":
        assert clone.read(name) == s3_repo.read(name)
    for name in "few", "many":
        assert clone.contents(name) == s3_repo.contents(name)
    clone.ok("verify")
    clone.ok("verify", "-r", "bucket")


def test_five_changed_files_move_five_files(s3_repo: Repo, tmp_path: Path) -> None:
    s3_repo.ok("push")
    clone = s3_repo.clone(tmp_path / "clone")
    clone.ok("pull")
    for number in range(5):
        s3_repo.write(f"many/part-{number:04}.bin", noise(("new", number), 200))
    s3_repo.added("many")
    assert s3_repo.ok("push", "--json").json["transferred"] == 6
    clone.git("pull", "-q")
    assert clone.ok("pull", "--json").json["transferred"] == 6
    assert clone.contents("many") == s3_repo.contents("many")


def test_a_wrong_secret_is_one_line(s3_repo: Repo) -> None:
    s3_repo.ok("remote", "set", "bucket", "--local", "-o", "secret_access_key=wrong")
    result = s3_repo.fails(3, "push")
    assert result.fixes
    assert not re.search("Traceback|wrong", result.err)


# What is wrong is told, and what is to be typed mends it.


@pytest.fixture
def small(repo: Repo, s3_server: S3Server, s3_url: str) -> Repo:
    """Return a repository with a small file that was pushed to a bucket; keys are in the environment."""
    with closing(S3Bucket(s3_url, s3_server.options)) as bucket:
        bucket.write("there", b"a bucket that is there")
    repo.ok("remote", "add", "bucket", s3_url, "-o", f"endpoint_url={s3_server.endpoint}", "-o", "region=us-east-1")
    repo.environ.update(s3_server.environ)
    repo.added("m.bin", b"small")
    repo.ok("push")
    return repo


def told(repo: Repo, *command: str) -> tuple[str, str]:
    """Return the one error of a command that could not finish, and what it says to type."""
    result = repo.fails(3, *command)
    assert "Traceback" not in result.err
    assert len(result.err.splitlines()) == 2, result.err
    return result.errors[0], result.fixes[0]


def test_keys_of_the_clone_are_mended_in_the_clone(small: Repo, s3_server: S3Server) -> None:
    small.ok("remote", "set", "bucket", "--local", "-oaccess_key_id=mvc-test-key", "-osecret_access_key=hunter2")
    wrong, fix = told(small, "push")
    assert "the secret key is wrong" in wrong
    typed = fix.replace("=ID", f"={s3_server.access_key}").replace("=SECRET", f"={s3_server.secret_key}")
    assert small.shell(typed).code == 0
    small.ok("push")


def test_a_server_without_tls(small: Repo, s3_server: S3Server) -> None:
    small.ok("remote", "set", "bucket", "-o", f"endpoint_url={s3_server.endpoint.replace('http', 'https')}")
    wrong, fix = told(small, "push")
    assert "does not speak TLS" in wrong
    assert small.shell(fix).code == 0
    small.ok("push")


@pytest.mark.parametrize("content", [None, b"no certificate\n"])
def test_certificates_that_cannot_be_read(
    small: Repo, s3_server: S3Server, tmp_path: Path, content: bytes | None,
) -> None:
    bundle = tmp_path / "ca.pem"
    if content is not None:
        bundle.write_bytes(content)
    small.ok("remote", "set", "bucket", "-o", f"endpoint_url={s3_server.endpoint.replace('http', 'https')}")
    small.ok("remote", "set", "bucket", "--local", "-o", f"ca_bundle={bundle}")
    wrong, fix = told(small, "push")
    assert "ca_bundle" in wrong
    assert fix == "mvc remote set bucket --local -o ca_bundle=FILE"


def test_half_of_the_credentials(small: Repo) -> None:
    del small.environ["AWS_SECRET_ACCESS_KEY"]
    wrong, fix = told(small, "push")
    assert "the credentials are incomplete: AWS_SECRET_ACCESS_KEY is missing" in wrong
    assert fix.startswith("export AWS_ACCESS_KEY_ID=")


def test_what_is_not_public(small: Repo) -> None:
    small.ok("remote", "set", "bucket", "-o", "anon=true")
    wrong, fix = told(small, "push")
    assert "it is not public" in wrong
    assert small.shell(fix).code == 0
    small.ok("push")


def test_a_login_that_was_never_made_is_told_without_the_sdk_s_traceback(small: Repo) -> None:
    config = Path(small.environ["HOME"]) / ".aws/config"
    config.parent.mkdir()
    config.write_text(
        "[profile work]\nsso_start_url = https://example.awsapps.com/start\nsso_region = eu-west-1\n"
        "sso_account_id = 123456789012\nsso_role_name = models\n"
    )
    small.ok("remote", "set", "bucket", "--local", "-o", "profile=work")
    wrong, fix = told(small, "push")
    assert "the login has expired" in wrong
    assert fix == "aws sso login --profile work"


def test_a_proxy_that_is_not_there(small: Repo) -> None:
    small.environ["HTTP_PROXY"] = "http://ada:hunter2@127.0.0.1:9"
    wrong, fix = told(small, "push")
    assert "the proxy http://***@127.0.0.1:9 cannot be reached" in wrong
    assert small.shell(fix).code == 0


def test_who_may_only_read_pulls_and_is_told_why_pushing_fails(small: Repo, tmp_path: Path) -> None:
    small.environ.update({"AWS_ACCESS_KEY_ID": READER, "AWS_SECRET_ACCESS_KEY": READER})
    clone = small.clone(tmp_path / "clone")
    clone.ok("pull")
    assert clone.read("m.bin") == b"small"
    assert "bucket is up to date" in clone.ok("push").out
    clone.added("m.bin", b"changed")
    wrong, fix = told(clone, "push")
    assert "the credentials in use lack s3:PutObject" in wrong
    result = clone.shell(fix)
    assert result.code == 1
    assert "you are      access key mvc-…ader from the environment" in result.out


DEMO = """
import sys
sys.path.insert(0, sys.argv[1])
import full, pathlib
shell = full.Shell(pathlib.Path.cwd())
shell.type("git init -q -b main . && git config user.name Ada && git config user.email ada@example.com")
shell.type("mvc init --no-hooks")
shell.type("mkdir models data && seq 9 > models/tumours.joblib && seq 8 > models/magika && seq 7 > data/tumours")
shell.type("mvc add models/tumours.joblib models/magika data/tumours && git commit -qm models")
full.share_s3(shell)
"""


def test_the_demo_shares_by_way_of_s3_and_ends_its_server(tmp_path: Path, environ: dict[str, str]) -> None:
    result = Repo(tmp_path, environ).run(sys.executable, "-c", DEMO, str(PROJECT / "demo"))
    assert result.code == 0, result
    assert "sent to bucket" in result.out
    (port,) = set(re.findall(r"endpoint_url=http://127\.0\.0\.1:(\d+)", result.out))
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(port))) == errno.ECONNREFUSED
