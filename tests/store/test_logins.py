"""Logins that no request can carry, such as a secret with a line break: the message names the variable, file or option.

Nothing listens where these buckets lead: a request would end with another message.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from harness import Repo

from mvc.store.buckets.azure import AzureBucket
from mvc.store.buckets.bucket import Bucket, RemoteError
from mvc.store.buckets.gs import GoogleBucket
from mvc.store.buckets.s3.bucket import S3Bucket
from mvc.store.buckets.ssh.bucket import SshBucket
from mvc.store.buckets.web import WebBucket

NOBODY = "127.0.0.1:9"
PLACE = {"endpoint_url": f"http://{NOBODY}", "region": "x"}
KEYS = {"AWS_ACCESS_KEY_ID": "KEY", "AWS_SECRET_ACCESS_KEY": "s3cret", "AWS_EC2_METADATA_DISABLED": "true"}


def s3(**options: str) -> Bucket:
    """Return a bucket in S3."""
    return S3Bucket("s3://models/x", {**PLACE, **options})


BUCKETS: dict[str, tuple[Callable[[], Bucket], tuple[str, ...]]] = {
    "s3": (s3, (
        "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_CONFIG_FILE",
        "AWS_SHARED_CREDENTIALS_FILE", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CA_BUNDLE", "https_proxy", "SSL_CERT_FILE",
    )),
    "s3 at Amazon": (lambda: S3Bucket("s3://models/x"), ("AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL_S3")),
    "gs": (lambda: GoogleBucket("gs://models/x"), (
        "GOOGLE_APPLICATION_CREDENTIALS", "STORAGE_EMULATOR_HOST", "HTTPS_PROXY", "SSL_CERT_DIR",
    )),
    "az": (lambda: AzureBucket("az://models/x"), (
        "AZURE_STORAGE_CONNECTION_STRING", "AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_ACCOUNT_KEY",
        "AZURE_STORAGE_SAS_TOKEN", "AZURE_STORAGE_CLIENT_SECRET", "AZURE_TENANT_ID", "HTTPS_PROXY",
    )),
    "ssh": (lambda: SshBucket("ssh://127.0.0.1:9/x"), ("SSH_AUTH_SOCK",)),
    "web": (lambda: WebBucket(f"http://{NOBODY}/x"), ("NETRC", "http_proxy", "ALL_PROXY")),
}
UNCLEAN = {
    "s3cret\n": "contains a line break",
    "s3cret\r\n": "contains a line break",
    "\ts3cret": "begins or ends with a blank",
    "s3cret ": "begins or ends with a blank",
    "s3\x1bcret": "contains a control character",
    "s3\x7fcret": "contains a control character",
}


def refused(bucket: Bucket) -> RemoteError:
    """Return why it cannot be asked; no message has the secret."""
    with closing(bucket), pytest.raises(RemoteError) as caught:
        bucket.head("key")
    assert type(caught.value) is RemoteError
    assert "s3cret" not in f"{caught.value.message}{caught.value.fix}".removesuffix("s3cret")
    return caught.value


@pytest.mark.parametrize(
    ("bucket", "name"), [(bucket, name) for bucket, (_, names) in BUCKETS.items() for name in names],
)
def test_a_variable_with_a_line_break_is_named(bucket: str, name: str) -> None:
    os.environ.update(KEYS)
    os.environ[name] = "s3cret\n"
    assert refused(BUCKETS[bucket][0]()).message == f"{name} contains a line break"


@pytest.mark.parametrize(("value", "problem"), UNCLEAN.items(), ids=map(repr, UNCLEAN))
def test_what_no_request_can_carry_is_refused_and_the_line_to_type_repairs_it(value: str, problem: str) -> None:
    os.environ.update({**KEYS, "AWS_ACCESS_KEY_ID": value})
    error = refused(s3())
    assert error.message == f"AWS_ACCESS_KEY_ID {problem}"
    typed = subprocess.run(
        ["bash", "-c", f'{error.fix}\nprintf %s "$AWS_ACCESS_KEY_ID"'], capture_output=True, text=True, check=True,
    )
    assert typed.stdout == "s3cret"


def test_an_invisible_character_is_named() -> None:
    os.environ.update({**KEYS, "AWS_ACCESS_KEY_ID": "KEY\u200b"})
    error = refused(s3())
    assert error.message == "AWS_ACCESS_KEY_ID contains a control character"
    assert error.fix.startswith("export AWS_ACCESS_KEY_ID=...")
    os.environ["AWS_ACCESS_KEY_ID"] = "KÉY"
    assert refused(s3()).message == "the access key from the environment contains a character that is not ASCII"


@pytest.mark.parametrize("option", [
    {"anon": "true"}, {"access_key_id": "K", "secret_access_key": "S"}, {"region": "x"}, {"profile": "ml"},
])
def test_a_variable_that_an_option_replaces_does_not_count(option: dict[str, str], tmp_path: Path) -> None:
    config = tmp_path / "home/.aws/credentials"
    config.parent.mkdir(parents=True)
    config.write_text("[ml]\naws_access_key_id = K\naws_secret_access_key = S\n")
    os.environ.update(KEYS)
    os.environ["AWS_DEFAULT_REGION" if "region" in option else "AWS_ACCESS_KEY_ID"] = "K\n"
    assert "connection refused" in refused(s3(**option)).message


@pytest.mark.parametrize(("lines", "origin"), [
    ("aws_access_key_id = K\x07\naws_secret_access_key = S", "profile ml"),
    ("credential_process = printf '{\"Version\": 1, \"AccessKeyId\": \"K\\\\n\", \"SecretAccessKey\": \"S\"}'",
     "profile ml (a command)"),
])
def test_a_profile_with_a_key_that_no_request_can_carry_is_named(lines: str, origin: str, tmp_path: Path) -> None:
    config = tmp_path / "home/.aws/config"
    config.parent.mkdir(parents=True)
    config.write_text(f"[profile ml]\n{lines}\n")
    error = refused(s3(profile="ml"))
    assert error.message.startswith(f"the access key from {origin} contains a ")
    assert error.fix.startswith("aws configure list")


def test_a_login_in_netrc_with_a_control_character_is_named(tmp_path: Path) -> None:
    file = tmp_path / "home/.netrc"
    for login in ('"a" password "s3\\\ncret"', "a password s3\x07cret"):
        file.write_text(f"machine 127.0.0.1 login {login}\n")
        assert refused(WebBucket(f"http://{NOBODY}/x")).message.startswith(f"{file}: the login for 127.0.0.1 contains")
    file.write_text("machine 127.0.0.1 login a password secret\nmachine other login a password s3\x07cret\n")
    assert "connection refused" in refused(WebBucket(f"http://{NOBODY}/x")).message


@pytest.mark.parametrize("value", ["KEY\n", "KEY ", " KEY", "K\x1bEY"])
def test_a_key_with_a_line_break_is_refused_as_an_option(repo: Repo, value: str) -> None:
    repo.ok("remote", "add", "far", "s3://models/x")
    for option in ("access_key_id", "secret_access_key", "session_token", "profile"):
        error = repo.fails(2, "remote", "set", "far", "--local", "-o", f"{option}={value}").errors[0]
        assert error.startswith(f"{option}: expected ")
