"""An `endpoint_url` that is not the address of the server alone: the message names it, and the line to type works."""

from __future__ import annotations

import shlex
from contextlib import closing
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from proxy import Answer, Fault, Proxy, refusal
from s3 import S3Server

from mvc.errors import MvcError
from mvc.store.buckets.bucket import RemoteError, Transient
from mvc.store.buckets.s3.bucket import S3Bucket
from mvc.store.buckets.s3.errors import Asked, translate


def asked(endpoint: str, *, reached: bool = False) -> Asked:
    """Return a question about the bucket `models`."""
    return Asked("s3://models/x", "models", endpoint, "", reached, "far", "")


def told(endpoint: str, status: int, code: str, operation: str = "ListObjectsV2", *, reached: bool = False) -> MvcError:
    """Return what is made of a server's answer."""
    response = {"Error": {"Code": code, "Message": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    error = translate(ClientError(response, operation), asked(endpoint, reached=reached))
    assert isinstance(error, MvcError)
    return error


@pytest.mark.parametrize(("endpoint", "alone"), [
    ("https://account.r2.example.com/models", "https://account.r2.example.com"),
    ("https://account.r2.example.com/models/", "https://account.r2.example.com"),
    ("https://s3.example.com:9000/models/x", "https://s3.example.com:9000"),
    ("https://example.com/s3/models", "https://example.com/s3"),
    ("https://models.s3.example.com", "https://s3.example.com"),
    ("https://s3.example.com/other", "https://s3.example.com"),
    ("https://s3.example.com", "URL"),
])
def test_a_listing_that_finds_no_object_was_sent_to_no_server(endpoint: str, alone: str) -> None:
    for code in ("NoSuchKey", "404"):
        error = told(endpoint, 404, code)
        assert type(error) is RemoteError
        assert "endpoint_url" in error.message
        assert endpoint in error.message
        assert error.fix == f"mvc remote set far -o endpoint_url={alone}"


@pytest.mark.parametrize("endpoint", [
    "https://s3.example.com/models", "https://models.s3.eu-central-1.amazonaws.com",
])
@pytest.mark.parametrize(("status", "code"), [
    (403, "AccessDenied"), (404, "NoSuchBucket"), (400, "InvalidBucketName"), (405, "MethodNotAllowed"), (403, "403"),
])
def test_an_address_with_the_bucket_is_told_whatever_the_server_says(endpoint: str, status: int, code: str) -> None:
    error = told(endpoint, status, code)
    assert error.message == f"s3://models/x: endpoint_url contains the bucket: {endpoint}"
    assert "endpoint_url" not in told(endpoint, status, code, reached=True).message
    assert "endpoint_url" not in told(endpoint, 403, "ExpiredToken").message
    assert "endpoint_url" not in told(endpoint, 503, "SlowDown").message


def test_an_address_that_only_looks_as_if_it_had_the_bucket() -> None:
    assert "there is no bucket" in told("https://models.example.com", 404, "NoSuchBucket").message
    assert "access denied" in told("https://models.example.com", 403, "AccessDenied").message
    assert "object not found" in told("https://models.example.com", 404, "NoSuchKey", "GetObject").message


def test_http_to_a_server_that_speaks_tls() -> None:
    error = told("http://s3.example.com:9000", 400, "400")  # as servers in Go answer
    assert error.fix == "mvc remote set far -o endpoint_url=https://s3.example.com:9000"
    lost = translate(ConnectionResetError(), asked("http://s3.example.com:9000"))
    assert isinstance(lost, Transient)
    assert lost.fix.startswith("mvc remote set far -o endpoint_url=https://s3.example.com:9000  # https:// or http://?")


def test_a_host_name_with_the_bucket_that_does_not_exist() -> None:
    import socket

    missing = EndpointConnectionError(endpoint_url="https://models.s3.invalid/", error=socket.gaierror())
    error = translate(missing, asked("https://models.s3.invalid"))
    assert isinstance(error, RemoteError)
    assert error.fix == "mvc remote set far -o endpoint_url=https://s3.invalid  # without the bucket"


# A server.


@pytest.fixture
def url(s3_server: S3Server) -> str:
    """Return an address in a bucket that exists."""
    url = f"s3://tests/{uuid4().hex}"
    with closing(S3Bucket(url, s3_server.options)) as bucket:
        bucket.write("key", b"content")
    return url


@pytest.mark.parametrize("slashes", ["/", "//"])
def test_slashes_behind_the_address_do_no_harm(s3_server: S3Server, url: str, slashes: str) -> None:
    with closing(S3Bucket(url, {**s3_server.options, "endpoint_url": s3_server.endpoint + slashes})) as bucket:
        assert bucket.head("key")
        assert [item.key for item in bucket.list("")] == ["key"]


def test_the_line_to_type_works(s3_server: S3Server, url: str) -> None:
    with closing(S3Bucket(url, {**s3_server.options, "endpoint_url": f"{s3_server.endpoint}/tests"})) as bucket:
        for ask in (lambda: bucket.head("key"), lambda: list(bucket.list(""))):
            with pytest.raises(RemoteError) as caught:
                ask()
            assert caught.value.message == f"{url}: endpoint_url contains the bucket: {s3_server.endpoint}/tests"
    option, _, endpoint = shlex.split(caught.value.fix)[-1].partition("=")
    with closing(S3Bucket(url, {**s3_server.options, option: endpoint})) as bucket:
        assert bucket.head("key")


def test_an_address_from_the_environment(url: str, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"{proxy.endpoint}/tests")
    proxy.rule = lambda _: refusal(404, "NoSuchKey")
    keys = {"access_key_id": "K", "secret_access_key": "S", "region": "x"}
    with closing(S3Bucket(url, keys, name="far")) as bucket, pytest.raises(RemoteError) as caught:
        bucket.head("key")
    assert caught.value.fix == f"mvc remote set far -o endpoint_url={proxy.endpoint}"


def test_a_page_for_people_is_no_server(url: str, proxy: Proxy, s3_server: S3Server) -> None:
    page = Answer(200, {"content-type": "text/html"}).with_body(b"<html>please log in</html>")
    proxy.rule = lambda _: Fault(instead=page)
    options = {**s3_server.options, "endpoint_url": proxy.endpoint}
    with closing(S3Bucket(url, options, name="far")) as bucket, pytest.raises(Transient) as caught:
        list(bucket.list(""))
    assert caught.value.fix.startswith("mvc remote set far -o endpoint_url=URL")
