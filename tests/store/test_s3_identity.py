"""The identity that signs S3 requests. The proxy plays Amazon's STS: nothing here was tested with Amazon."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest
from proxy import Answer, Fault, Proxy, proxying, refusal
from s3 import S3Server

from mvc.store.buckets.s3.bucket import S3Bucket
from mvc.store.buckets.s3.identity import masked

ARN = "arn:aws:iam::123456789012:user/ada"
SAID = f"""\
<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
<Arn>{ARN}</Arn><UserId>AIDAEXAMPLE</UserId><Account>123456789012</Account>
</GetCallerIdentityResult></GetCallerIdentityResponse>"""
KEY = "AKIAEXAMPLEEXAMP7Q4Z"
KEYS = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": "hunter2", "AWS_EC2_METADATA_DISABLED": "true"}


@pytest.fixture
def sts(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """Have the SDK ask the proxy where it would ask Amazon's STS."""
    with proxying(s3_server.port) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", proxy.endpoint)
        monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
        proxy.rule = lambda _: Fault(instead=Answer(200, {"content-type": "text/xml"}).with_body(SAID.encode()))
        yield proxy


def identity(options: Mapping[str, str] | None = None) -> str:
    """Return the identity that signs a bucket's requests."""
    with closing(S3Bucket("s3://tests/prefix", options)) as bucket:
        return bucket.identity()


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put keys into the environment."""
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("keys")
def test_amazon_is_asked_for_the_name(sts: Proxy) -> None:
    assert identity() == f"{ARN}, access key AKIA…7Q4Z from the environment"
    (asked,) = sts.seen
    assert f"Credential={KEY}/" in asked.headers["authorization"]
    assert "/eu-central-1/sts/" in asked.headers["authorization"]


@pytest.mark.usefixtures("keys")
@pytest.mark.parametrize("fault", [
    refusal(403, "InvalidClientTokenId"),
    Fault(instead=Answer(200, {}).with_body(b"<html>please log in</html>")),
    Fault(instead=Answer(200, {}, b"", "stall")),
])
def test_when_amazon_does_not_tell_the_key_is_told(
    sts: Proxy, monkeypatch: pytest.MonkeyPatch, fault: Fault,
) -> None:
    monkeypatch.setattr("mvc.store.buckets.s3.identity.PATIENCE", 3)
    sts.rule = lambda _: fault
    assert identity() == "access key AKIA…7Q4Z from the environment"
    assert sts.seen


@pytest.mark.usefixtures("keys")
def test_amazon_is_not_asked_about_another_server_s_keys(
    sts: Proxy, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = "access key AKIA…7Q4Z from the environment"
    assert identity({"endpoint_url": s3_server.endpoint}) == told
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3_server.endpoint)
    assert identity() == told
    assert sts.seen == []


@pytest.mark.usefixtures("keys")
def test_who_needs_no_credentials_is_anonymous(sts: Proxy) -> None:
    assert identity({"anon": "true"}) == "anonymous"
    assert sts.seen == []


def test_where_credentials_come_from(s3_server: S3Server, environ: dict[str, str], tmp_path: Path) -> None:
    config = tmp_path / "home/.aws/config"
    config.parent.mkdir(parents=True)
    said = f'{{"Version": 1, "AccessKeyId": "{KEY}", "SecretAccessKey": "hunter2"}}'
    (tmp_path / "said.json").write_text(said)
    config.write_text(
        f"[default]\naws_access_key_id = {KEY}\naws_secret_access_key = hunter2\n"
        f"[profile tool]\ncredential_process = cat {tmp_path}/said.json\n"
    )
    assert environ["HOME"] == str(tmp_path / "home")
    place = {"endpoint_url": s3_server.endpoint}
    assert identity(place) == "access key AKIA…7Q4Z from profile default"
    assert identity({**place, "profile": "tool"}) == "access key AKIA…7Q4Z from profile tool (a command)"
    own = {**place, "access_key_id": "AKIAOTHEROTHEROT1234", "secret_access_key": "hunter2"}
    assert identity(own) == "access key AKIA…1234 from the option access_key_id"


def test_keys_are_told_apart_and_not_told() -> None:
    assert masked(KEY) == "AKIA…7Q4Z"
    assert [masked(key) for key in ("mvc-test-key", "minioadmin")] == ["mvc-…-key", "mi…"]
