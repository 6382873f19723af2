"""S3 through a proxy that spoils it: no wrong byte comes out, nothing hangs, and the message says what to do."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from pathlib import Path
from time import time
from typing import TypeVar

import pytest
from harness import noise
from proxy import Answer, Fault, Proxy, Request, flip, proxying, refusal
from s3 import READER, S3Server

from mvc.errors import MissingObject, MvcError
from mvc.store.buckets.bucket import PART, Bucket, Changed, Item, RemoteError, SlowDown, Transient
from mvc.store.buckets.retry import TRIES, Clock, Retrying
from mvc.store.buckets.s3.bucket import S3Bucket
from mvc.store.buckets.session import AGAIN

T = TypeVar("T")
R = TypeVar("R")
DATA = noise("faults", 100_000)
QUICK = Clock(wait=lambda *_: None)
"""Retries without a pause."""


@pytest.fixture
def direct(s3_server: S3Server, s3_url: str) -> Iterator[S3Bucket]:
    """Return the bucket as it really is; `DATA` lies under `key`."""
    bucket = S3Bucket(s3_url, s3_server.options)
    bucket.write("key", DATA)
    yield bucket
    bucket.close()


@pytest.fixture
def bucket(proxy: Proxy, s3_server: S3Server, direct: S3Bucket) -> Iterator[S3Bucket]:
    """Return the same bucket through the proxy."""
    made = S3Bucket(direct.url, {**s3_server.options, "endpoint_url": proxy.endpoint})
    yield made
    made.close()


@pytest.fixture
def hasty(proxy: Proxy, s3_server: S3Server, direct: S3Bucket) -> Iterator[S3Bucket]:
    """Return the same with little patience."""
    made = S3Bucket(direct.url, {**s3_server.options, "endpoint_url": proxy.endpoint}, patience=0.5)
    yield made
    made.close()


@pytest.fixture
def item(direct: S3Bucket) -> Item:
    """Return what lies under `key`."""
    found = direct.head("key")
    assert found is not None
    return found


def run(function: Callable[[T], R], items: Sequence[T], size: int) -> list[R]:
    """Call it for one after the other; see `Run`."""
    assert size <= PART
    return [function(item) for item in items]


def send(bucket: Bucket, key: str, data: bytes, folder: Path) -> None:
    """Upload `data` from a file."""
    (folder / "file").write_bytes(data)
    with open(folder / "file", "rb") as file:
        bucket.upload(key, file.fileno(), len(data), run)


# Reading.


def shorter(answer: Answer) -> Answer:
    """Return the answer of a server that sends less than was asked, and says so everywhere."""
    cut = answer.with_body(answer.body[:-100])
    start = int(answer.headers["content-range"].removeprefix("bytes ").partition("-")[0])
    span = f"bytes {start}-{start + len(cut.body) - 1}/{len(DATA)}"
    return cut._replace(headers={**cut.headers, "content-range": span})


READ_FAULTS: dict[str, Callable[[Answer], Answer]] = {
    "short 206": shorter,
    "short 206 that says it is whole": lambda answer: answer.with_body(answer.body[:-100]),
    "closed in mid-body": lambda answer: answer.with_body(answer.body[:5000], len(answer.body)),
    "reset in mid-body": lambda answer: answer.with_body(answer.body[:5000], len(answer.body))._replace(ending="reset"),
    "reset before the body": lambda answer: answer.with_body(b"", len(answer.body))._replace(ending="reset"),
    "longer": lambda answer: answer.with_body(answer.body + b"more"),
    "empty": lambda answer: answer.with_body(b""),
    "endless": lambda answer: answer._replace(
        headers={name: value for name, value in answer.headers.items() if name != "content-length"}, ending="endless"
    ),
    "another range": lambda answer: answer._replace(
        headers={**answer.headers, "content-range": f"bytes 0-9/{len(DATA)}"}
    ),
    "all of it": lambda answer: Answer(200, {}).with_body(DATA),
    "200 with a part": lambda answer: answer._replace(status=200),
}


@pytest.mark.parametrize("fault", READ_FAULTS)
def test_a_wrong_answer_is_never_returned(bucket: S3Bucket, proxy: Proxy, item: Item, fault: str) -> None:
    proxy.rule = lambda request: Fault(answer=READ_FAULTS[fault]) if request.is_range else None
    with pytest.raises(Transient) as caught:
        bucket.read(item, 1000, 90_000)
    no_s3 = fault == "all of it"  # it has no ETag
    assert caught.value.fix.partition("  # ")[2] == "is it an S3 server?" if no_s3 else caught.value.fix == AGAIN


@pytest.mark.parametrize("fault", READ_FAULTS.values(), ids=READ_FAULTS)
def test_after_a_wrong_answer_the_next_try_is_right(
    bucket: S3Bucket, proxy: Proxy, item: Item, fault: Callable[[Answer], Answer]
) -> None:
    proxy.first(3, Fault(answer=fault))
    assert Retrying(bucket, QUICK).read(item, 1000, 90_000) == DATA[1000:90_000]
    assert len(proxy.seen) == 4


def test_a_server_without_ranges_is_read_whole(bucket: S3Bucket, proxy: Proxy, item: Item) -> None:
    def whole(answer: Answer) -> Answer:
        headers = {name: value for name, value in answer.headers.items() if name != "content-range"}
        return Answer(200, headers, answer.body)

    proxy.rule = lambda _: Fault(answer=whole)
    assert bucket.read(item, 0, len(DATA)) == DATA


CHANGES: dict[str, Callable[[Answer], Answer]] = {
    "etag": lambda answer: answer._replace(headers={**answer.headers, "etag": '"another"'}),
    "412": lambda answer: Answer(412, {"content-length": "0"}),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_another_version_is_told(
    bucket: S3Bucket, proxy: Proxy, item: Item, change: Callable[[Answer], Answer]
) -> None:
    proxy.rule = lambda _: Fault(answer=change)
    with pytest.raises(Changed):
        Retrying(bucket, QUICK).read(item, 0, 10)
    assert len(proxy.seen) == 1


# Hanging.

STALLS: dict[str, Fault] = {
    "before the answer": Fault(instead=Answer(200, {}, ending="stall"), answer=lambda answer: answer),
    "in the head": Fault(answer=lambda answer: answer.with_body(b"", 1000)._replace(ending="stall")),
    "in the body": Fault(answer=lambda answer: answer.with_body(answer.body[:10], 10_000)._replace(ending="stall")),
}


@pytest.mark.parametrize("fault", STALLS.values(), ids=STALLS)
def test_a_stalled_read_ends(hasty: S3Bucket, proxy: Proxy, item: Item, fault: Fault) -> None:
    proxy.rule = lambda _: fault
    with pytest.raises(Transient):
        hasty.read(item, 0, 10_000)


def test_a_server_that_takes_nothing_ends_an_upload(hasty: S3Bucket, proxy: Proxy, tmp_path: Path) -> None:
    # The SDK's own timeouts do not cover what is sent.
    proxy.rule = lambda _: Fault(instead=Answer(100, {}, ending="stall"), unread=True)
    with pytest.raises(Transient):
        send(hasty, "large", bytes(PART), tmp_path)


def test_closing_ends_what_is_under_way(bucket: S3Bucket, proxy: Proxy, item: Item) -> None:
    reached = threading.Event()

    def rule(_: Request) -> Fault:
        reached.set()
        return Fault(instead=Answer(200, {}, ending="stall"))

    proxy.rule = rule
    with ThreadPoolExecutor(1) as threads:
        reading = threads.submit(Retrying(bucket, QUICK).read, item, 0, 10)
        assert reached.wait(60)
        bucket.close()
        with pytest.raises(RemoteError, match="stopped"):
            reading.result(60)
    with pytest.raises(RemoteError, match="stopped"):
        bucket.head("key")


READ_FOREVER = """
import sys
from mvc.store.buckets.bucket import Item
from mvc.store.buckets.retry import Retrying
from mvc.store.buckets.s3.bucket import S3Bucket
from mvc.store.buckets.session import AGAIN
url, endpoint = sys.argv[1:]
bucket = Retrying(S3Bucket(url, {"endpoint_url": endpoint, "region": "x"}, patience=1000))
bucket.read(Item("key", 10), 0, 10)
"""


def test_ctrl_c_ends_a_stalled_read(proxy: Proxy, direct: S3Bucket, s3_server: S3Server) -> None:
    reached = threading.Event()

    def rule(_: Request) -> Fault:
        reached.set()
        return Fault(instead=Answer(206, {"content-length": "10"}, ending="stall"))

    proxy.rule = rule
    command = [sys.executable, "-c", READ_FOREVER, direct.url, proxy.endpoint]
    environ = {**os.environ, **s3_server.environ}
    with subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True) as process:
        assert reached.wait(60)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGINT, err
    assert "KeyboardInterrupt" in err


# What the server says.

TOLD: dict[str, tuple[Fault, type[MvcError], str, str]] = {
    "500": (refusal(500, "InternalError"), Transient, "failed (InternalError)", "run the command again"),
    "502 of a proxy": (Fault(instead=Answer(502, {}).with_body(b"<html>")), Transient, "failed", "run"),
    "503": (refusal(503, "ServiceUnavailable"), SlowDown, "asks for fewer requests", "run the command again"),
    "SlowDown": (refusal(503, "SlowDown"), SlowDown, "asks for fewer requests", "run the command again"),
    "429": (refusal(429, "TooManyRequests"), SlowDown, "asks for fewer requests", "run the command again"),
    "403": (refusal(403, "AccessDenied"), RemoteError, "access denied", "mvc remote test"),
    "unknown key": (refusal(403, "InvalidAccessKeyId"), RemoteError, "does not know the access key", "access_key_id"),
    "signature": (refusal(403, "SignatureDoesNotMatch"), RemoteError, "secret key is wrong", "secret_access_key="),
    "expired": (refusal(400, "ExpiredToken"), RemoteError, "login has expired", "session_token="),
    "region": (
        refusal(301, "PermanentRedirect", **{"x-amz-bucket-region": "eu-central-1"}),
        RemoteError, "is in the region eu-central-1", "mvc remote set NAME -o region=eu-central-1",
    ),
    "region, and where": (
        refusal(307, "TemporaryRedirect", location="http://127.0.0.1:1/", **{"x-amz-bucket-region": "eu-central-1"}),
        RemoteError, "is in the region eu-central-1", "mvc remote set NAME -o region=eu-central-1",
    ),
    "another region": (refusal(400, "IllegalLocationConstraintException"), RemoteError, "in another region", "region="),
    "no bucket": (refusal(404, "NoSuchBucket"), RemoteError, "there is no bucket tests", "s3 mb s3://tests"),
    "archived": (refusal(403, "InvalidObjectState"), RemoteError, "archived", "restore-object"),
    "full": (refusal(507, "XMinioStorageFull"), RemoteError, "disk is full", "make room"),
    "quota": (refusal(403, "QuotaExceeded"), RemoteError, "quota", "make room"),
    "key of KMS": (refusal(400, "KMS.NotFoundException"), RemoteError, "encryption key", "kms_key_id="),
    "unheard of": (refusal(418, "Teapot"), RemoteError, "answered Teapot", "mvc remote test"),
}
ASKING: dict[str, Callable[[S3Bucket], object]] = {
    "list": lambda bucket: list(bucket.list("")),
    "read": lambda bucket: bucket.read(Item("key", len(DATA)), 0, 10),
    "write": lambda bucket: bucket.write("key", b"data"),
    "delete": lambda bucket: bucket.delete(["key"]),
    "sweep": lambda bucket: bucket.sweep(0),
}


@pytest.mark.parametrize(("fault", "error", "message", "fix"), TOLD.values(), ids=TOLD)
def test_what_the_server_says_is_told(
    bucket: S3Bucket, proxy: Proxy, fault: Fault, error: type[MvcError], message: str, fix: str
) -> None:
    proxy.rule = lambda _: fault
    for ask in ASKING.values():
        with pytest.raises(error) as caught:
            ask(bucket)
        assert type(caught.value) is error
        assert message in caught.value.message
        assert "\n" not in caught.value.message
        assert fix in caught.value.fix


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_nobody_is_followed_to_another_server(
    bucket: S3Bucket, proxy: Proxy, s3_server: S3Server, item: Item, status: int,
) -> None:
    with proxying(s3_server.port) as other:
        proxy.rule = lambda request: refusal(status, "Redirect", location=f"{other.endpoint}{request.path}")
        for ask in (*ASKING.values(), lambda bucket: bucket.head("key")):
            with pytest.raises(RemoteError) as caught:
                ask(bucket)
            assert f"{proxy.endpoint} redirects to {other.endpoint}" in caught.value.message
            assert f"mvc remote set NAME -o endpoint_url={other.endpoint} " in caught.value.fix
        assert other.seen == []
        proxy.rule = lambda _: refusal(status, "Redirect", location="http://u:s3cret@127.0.0.1:1/login?t=s3cret")
        with pytest.raises(RemoteError) as caught:
            bucket.read(item, 0, 10)
        assert "s3cret" not in f"{caught.value.message}{caught.value.fix}"


@pytest.mark.parametrize("code", ["403", "NoSuchBucket", "ExpiredToken", "PermanentRedirect"])
def test_why_a_question_without_an_answer_s_body_was_refused_is_asked(
    bucket: S3Bucket, proxy: Proxy, code: str
) -> None:
    status = {"NoSuchBucket": 404, "ExpiredToken": 400, "PermanentRedirect": 301}.get(code, 403)
    proxy.rule = lambda _: refusal(status, code)
    with pytest.raises(RemoteError) as listing:
        list(bucket.list(""))
    with pytest.raises(RemoteError) as asking:
        bucket.head("key")
    assert asking.value.message.replace("/key", "") == listing.value.message


def test_what_is_not_there_is_found_out_by_who_may_list_only_below_a_prefix(bucket: S3Bucket, proxy: Proxy) -> None:
    proxy.rule = lambda request: refusal(403, "AccessDenied") if request.method == "HEAD" else None
    assert bucket.head("absent") is None
    assert bucket.head("ke") is None
    with pytest.raises(RemoteError, match="access denied"):
        bucket.head("key")


@pytest.mark.parametrize(("hours", "said"), [(-2, "120 minutes fast"), (2, "120 minutes slow"), (0, "differ too much")])
def test_a_wrong_clock_is_told(bucket: S3Bucket, proxy: Proxy, item: Item, hours: int, said: str) -> None:
    date = formatdate(time() + hours * 3600, usegmt=True)
    proxy.rule = lambda _: refusal(403, "RequestTimeTooSkewed", date=date)
    with pytest.raises(RemoteError) as caught:
        bucket.read(item, 0, 10)
    assert said in caught.value.message
    assert "timedatectl" in caught.value.fix


# The real server.


def test_a_wrong_secret_is_told(direct: S3Bucket, s3_server: S3Server) -> None:
    bucket = S3Bucket(direct.url, {**s3_server.options, "secret_access_key": "wrong"})
    for ask in (*ASKING.values(), lambda bucket: bucket.head("key")):
        with pytest.raises(RemoteError, match="the secret key is wrong") as caught:
            ask(bucket)
        assert caught.value.fix.endswith("--local -o access_key_id=ID -o secret_access_key=SECRET")
    bucket.close()


def test_an_unknown_key_is_told(direct: S3Bucket, s3_server: S3Server) -> None:
    bucket = S3Bucket(direct.url, {**s3_server.options, "access_key_id": "nobody"})
    with pytest.raises(RemoteError, match="does not know the access key"):
        bucket.head("key")
    bucket.close()


def test_who_may_only_read_can_read_and_is_told_what_is_lacking(direct: S3Bucket, s3_server: S3Server) -> None:
    bucket = S3Bucket(direct.url, {**s3_server.options, "access_key_id": READER, "secret_access_key": READER})
    item = bucket.head("key")
    assert item is not None
    assert bucket.read(item, 0, 10) == DATA[:10]
    assert bucket.head("absent") is None
    assert [one.key for one in bucket.list("")] == ["key"]
    with pytest.raises(RemoteError, match=r"access denied.*s3:PutObject"):
        bucket.write("key", b"x")
    with pytest.raises(RemoteError, match=r"access denied.*s3:DeleteObject"):
        bucket.delete(["key"])
    bucket.close()


def test_a_bucket_that_is_not_there_is_told(s3_server: S3Server) -> None:
    bucket = S3Bucket("s3://nowhere/prefix", s3_server.options)
    for ask in (lambda: bucket.head("key"), lambda: list(bucket.list(""))):
        with pytest.raises(RemoteError, match="there is no bucket nowhere") as caught:
            ask()
        assert caught.value.fix == f"aws --endpoint-url {s3_server.endpoint} s3 mb s3://nowhere"
    bucket.close()


def test_no_credentials_are_told(s3_url: str, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    bucket = S3Bucket(s3_url, {"endpoint_url": s3_server.endpoint})
    with pytest.raises(RemoteError, match="no credentials") as caught:
        bucket.head("key")
    assert "AWS_ACCESS_KEY_ID" in caught.value.fix
    assert "anon=true" in caught.value.fix
    bucket.close()


def test_credentials_come_from_the_environment(
    direct: S3Bucket, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in s3_server.environ.items():
        monkeypatch.setenv(name, value)
    bucket = S3Bucket(direct.url, {"endpoint_url": s3_server.endpoint})
    assert bucket.head("key") is not None
    bucket.close()


def test_credentials_come_from_a_profile(direct: S3Bucket, s3_server: S3Server, environ: dict[str, str]) -> None:
    path = Path(environ["HOME"]) / ".aws/credentials"
    path.parent.mkdir()
    keys = f"aws_access_key_id = {s3_server.access_key}\naws_secret_access_key = {s3_server.secret_key}\n"
    path.write_text(f"[models]\n{keys}")
    bucket = S3Bucket(direct.url, {"endpoint_url": s3_server.endpoint, "profile": "models"})
    assert bucket.head("key") is not None
    bucket.close()
    bucket = S3Bucket(direct.url, {"endpoint_url": s3_server.endpoint, "profile": "absent"})
    with pytest.raises(RemoteError, match="no profile absent") as caught:
        bucket.head("key")
    assert caught.value.fix == "aws configure list-profiles"
    bucket.close()


UNREACHABLE = {
    "http://127.0.0.1:9": "connection refused",
    "http://nowhere.invalid": "cannot be resolved",
    "https://127.0.0.1:{port}": "",
    "no url": "Invalid endpoint",
}


@pytest.mark.parametrize(("endpoint", "message"), UNREACHABLE.items(), ids=UNREACHABLE)
def test_who_is_not_reached_at_first_is_not_asked_again(
    s3_url: str, s3_server: S3Server, endpoint: str, message: str
) -> None:
    bucket = S3Bucket(s3_url, {**s3_server.options, "endpoint_url": endpoint.format(port=s3_server.port)})
    with pytest.raises(RemoteError) as caught:
        Retrying(bucket, Clock(wait=None)).head("key")  # type: ignore[arg-type]  # waiting would fail
    assert type(caught.value) is RemoteError
    assert message in caught.value.message
    assert caught.value.fix
    bucket.close()


def test_who_was_there_a_moment_ago_is_asked_again(s3_server: S3Server, direct: S3Bucket) -> None:
    with proxying(s3_server.port) as proxy:
        bucket = S3Bucket(direct.url, {**s3_server.options, "endpoint_url": proxy.endpoint})
        assert bucket.head("key") is not None
    with pytest.raises(Transient, match="connection refused"):
        bucket.head("key")
    bucket.close()


# Listing.


def test_a_listing_goes_on_after_a_page_that_failed(bucket: S3Bucket, direct: S3Bucket, proxy: Proxy) -> None:
    names = [f"p/{number:04}" for number in range(1001)]
    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(lambda name: direct.write(name, b""), names))
    items = Retrying(bucket, QUICK).list("p/")
    assert next(items).key == names[0]
    proxy.first(2, refusal(500, "InternalError"))
    assert [item.key for item in items] == names[1:]


CUTS: dict[str, Callable[[bytes], bytes]] = {
    "in the midst": lambda body: body[: len(body) // 2],
    "an entry": lambda body: re.sub(b"<Contents>.*?</Contents>", b"", body, count=1),
    "no token": lambda body: body.replace(b"<IsTruncated>false", b"<IsTruncated>true"),
    "another prefix": lambda body: body.replace(b"/key</Key>", b"key</Key>").replace(b"<Key>", b"<Key>x"),
}


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
def test_a_cut_listing_is_never_taken_for_all(
    bucket: S3Bucket, direct: S3Bucket, proxy: Proxy, cut: Callable[[bytes], bytes]
) -> None:
    direct.write("key 2", b"")
    proxy.rule = lambda _: Fault(answer=lambda answer: answer.with_body(cut(answer.body)))
    with pytest.raises(Transient):
        list(bucket.list(""))


@pytest.mark.parametrize("body", [b"", b"<html>no</html>", b"no"])
def test_a_page_of_something_else_is_no_empty_listing(bucket: S3Bucket, proxy: Proxy, body: bytes) -> None:
    proxy.rule = lambda _: Fault(instead=Answer(200, {"content-type": "text/html"}).with_body(body))
    with pytest.raises(Transient):
        list(bucket.list(""))


# Writing.


def test_bytes_that_flip_on_their_way_are_refused_by_the_server(
    bucket: S3Bucket, direct: S3Bucket, proxy: Proxy, tmp_path: Path
) -> None:
    proxy.first(1, Fault(request=flip))
    with pytest.raises(Transient):
        bucket.write("small", DATA)
    assert direct.head("small") is None
    proxy.first(1, Fault(request=flip), lambda request: request.method == "PUT" and "partNumber=2" in request.path)
    data = noise("large", PART + 1000)
    send(Retrying(bucket, QUICK), "large", data, tmp_path)
    item = direct.head("large")
    assert item is not None
    assert direct.read(item, 0, item.size) == data


PUT_FAULTS = {
    "500": refusal(500, "InternalError"),
    "SlowDown": refusal(503, "SlowDown"),
    "reset unread": Fault(instead=Answer(200, {}, ending="reset"), unread=True),
    "the answer is lost": Fault(answer=lambda _: Answer(200, {"content-length": "5"}, b"", "reset")),
}


@pytest.mark.parametrize("fault", PUT_FAULTS.values(), ids=PUT_FAULTS)
@pytest.mark.parametrize("which", ["POST /tests/[^?]*\\?uploads", "PUT .*partNumber=1", "POST .*uploadId="])
def test_each_request_of_an_upload_is_tried_again_by_itself(
    bucket: S3Bucket, direct: S3Bucket, proxy: Proxy, tmp_path: Path, fault: Fault, which: str
) -> None:
    data = noise(which, PART + 1)
    proxy.first(2, fault, lambda request: re.match(which, f"{request.method} {request.path}") is not None)
    send(Retrying(bucket, QUICK), "large", data, tmp_path)
    item = direct.head("large")
    assert item is not None
    assert direct.read(item, 0, item.size) == data
    assert len([request for request in proxy.seen if "partNumber=2" in request.path]) == 1


@pytest.mark.parametrize("fault", PUT_FAULTS.values(), ids=PUT_FAULTS)
def test_a_first_write_is_told_as_such_when_its_answer_was_lost(
    bucket: S3Bucket, proxy: Proxy, fault: Fault
) -> None:
    proxy.first(1, fault)
    assert Retrying(bucket, QUICK).write("new", b"ours", new=True)
    assert not Retrying(bucket, QUICK).write("new", b"theirs", new=True)
    proxy.first(1, fault)
    assert not Retrying(bucket, QUICK).write("new", b"theirs", new=True)


def test_an_upload_that_cannot_be_finished_is_taken_back(
    bucket: S3Bucket, direct: S3Bucket, proxy: Proxy, tmp_path: Path
) -> None:
    proxy.rule = lambda request: refusal(403, "AccessDenied") if "partNumber=2" in request.path else None
    with pytest.raises(RemoteError, match="access denied"):
        send(bucket, "large", bytes(PART + 1), tmp_path)
    assert direct.head("large") is None
    assert direct.sweep(time() + 100) == 0


def test_an_upload_that_nobody_took_back_is_swept_once_it_is_old(
    bucket: S3Bucket, direct: S3Bucket, proxy: Proxy, tmp_path: Path
) -> None:
    def refuse(request: Request) -> Fault | None:
        return refusal(403, "AccessDenied") if "uploadId" in request.path else None

    proxy.rule = refuse
    with pytest.raises(RemoteError, match="access denied"):
        send(bucket, "large", bytes(PART + 1), tmp_path)
    assert direct.sweep(time() - 1000) == 0
    assert direct.sweep(time() + 1000) == 1
    assert direct.sweep(time() + 1000) == 0


def test_what_stays_wrong_is_given_up(bucket: S3Bucket, proxy: Proxy, item: Item) -> None:
    proxy.rule = lambda _: refusal(503, "SlowDown")
    retrying = Retrying(bucket, QUICK)
    with pytest.raises(SlowDown):
        retrying.read(item, 0, 10)
    assert len(proxy.seen) == TRIES
    with pytest.raises(SlowDown):
        retrying.read(item, 0, 10)  # others do not wait for it once more
    assert len(proxy.seen) == TRIES + 1


def test_what_is_gone_is_told(bucket: S3Bucket, direct: S3Bucket, item: Item) -> None:
    direct.delete(["key"])
    with pytest.raises(MissingObject):
        bucket.read(item, 0, 10)
