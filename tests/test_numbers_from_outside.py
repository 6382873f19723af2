"""Numbers and times that others write: each parser takes plain digits, and answers anything else with its own error."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import closing, suppress
from math import isfinite
from typing import Any

import pytest
from proxy import Answer, Fault, Proxy
from s3 import S3Server

from mvc.errors import InvalidFormat, MvcError, UsageError
from mvc.objects.digest import MAX_SIZE
from mvc.objects.manifest import decode, parse_index
from mvc.objects.parsing.digits import decimal_number, whole_number
from mvc.objects.pointer_reader import parse as parse_pointer
from mvc.ops.shared.object_users import iso
from mvc.quality.judge.rules.trust import _moment
from mvc.quality.policy.policy import parse_policy
from mvc.quality.policy.stricter import measure
from mvc.quality.reports.tags import parse_version
from mvc.retention.roots import PointerReader
from mvc.store.buckets.azure import AzureBucket
from mvc.store.buckets.bucket import Bucket, Item, RemoteError
from mvc.store.buckets.gs import GoogleBucket
from mvc.store.buckets.s3.bucket import S3Bucket
from mvc.store.buckets.session import http_time, size_in
from mvc.store.buckets.ssh.connection import SshAddress
from mvc.store.buckets.web import WebBucket
from mvc.store.remote.gc import Unneeded, encode_list, parse_list
from mvc.store.remote.location import ObjectLocation

MANY = "9" * 5000
"""More digits than Python turns into an integer."""
STRANGE = (
    "", " ", "abc", "-", ".", "e5", "1e", "1e5.5", "17000000001e999.25", "1e999", "-1e999", "nan", "NaN", "inf",
    "Infinity", "1_0", " 5", "5 ", "+5", "\t5", "5\n", "٣", "²", "\uff15", "0x10", "1,5", "--5", "5.", ".5", MANY,
    f"1.{MANY}", f"1e{MANY}", "1" * 20, "null", "true", "5\x00",
)
NAME = "a" * 64
HEX = f'blake3: "{NAME}"\nxxh128: "{"b" * 32}"\n'


@pytest.mark.parametrize("text", STRANGE, ids=ascii)
def test_strange_text_is_no_number(text: str) -> None:
    assert whole_number(text) is None
    assert decimal_number(text) is None
    with pytest.raises(ValueError, match="not a size"):
        size_in(text)


def test_plain_digits_are_numbers() -> None:
    assert [whole_number(text) for text in ("0", "007", "42", str(MAX_SIZE))] == [0, 7, 42, MAX_SIZE]
    assert [whole_number(other) for other in (str(MAX_SIZE + 1), "-1", None, 5, 1.5)] == [None] * 5
    assert whole_number("65536", 65_535) is None
    for number in (0.0, -1.5, 1700000000.25, 1700000000.1234567, 1e16, 1e22, 1e-7, 5e-324, -0.0):
        assert decimal_number(repr(number)) == number
    assert [size_in(value) for value in (0, 5, "5")] == [0, 5, 5]
    for wrong in (-1, 1 << 63, 1.5, None, [5]):
        with pytest.raises(ValueError, match="not a size"):
            size_in(wrong)


# A parser each, with the text in the place of a number: it returns, or raises an error of mvc.

TEXTS: dict[str, Callable[[str], object]] = {
    "list of garbage": lambda text: parse_list(["mvc-gc 1", f"objects/aa/{NAME} {text} etag"], "gc/x"),
    "pointer": lambda text: parse_pointer(f'mvc: 1\nkind: "file"\n{HEX}size: {text}\n'.encode()),
    "format of a pointer": lambda text: parse_pointer(f'mvc: {text}\nkind: "file"\n{HEX}size: 1\n'.encode()),
    "manifest": lambda text: decode(f"mvc-manifest 1\n{NAME} {'b' * 32} {text} - x\n".encode(), lambda _: b""),
    "index of manifests": lambda text: parse_index(f"mvc-manifest-index 1\n{NAME} {'b' * 32} {text} 5 x\n".encode()),
    "policy": lambda text: parse_policy(
        f"mvc-policy: 1\nrules: [{{match: 'x', metrics: {{auc: {{max_regression: '{text}%'}}}}}}]".encode(),
    ),
    "version": lambda text: parse_version(f"v1.{text}.0-{text}"),
    "time of a report": _moment,
    "time of a header": http_time,
    "port": lambda text: SshAddress.of(f"ssh://host:{text}/x"),
}


@pytest.mark.parametrize("parse", TEXTS.values(), ids=TEXTS)
def test_a_parser_answers_strange_text(parse: Callable[[str], object]) -> None:
    for text in STRANGE:
        with suppress(MvcError):
            parse(text)


@pytest.mark.parametrize("text", ["17000000001e999.25", "1e999", "nan", "1_0", MANY, "٣"], ids=ascii)
def test_a_list_of_garbage_with_a_strange_time_is_damaged(text: str) -> None:
    with pytest.raises(InvalidFormat, match="is damaged") as caught:
        parse_list(["mvc-gc 1", f"objects/aa/{NAME} {text} etag"], "/nas/gc/x")
    assert caught.value.fix.startswith("rm -f -- /nas/gc/x")


@pytest.mark.parametrize("modified", [0, 1700000000, 1700000000.25, -86400.5, 1e16, 5e-324])
def test_a_list_of_garbage_is_read_as_it_was_written(modified: float) -> None:
    item = Item(f"objects/aa/{NAME}", 5, "e tag", modified)
    lines = encode_list([Unneeded(NAME, ObjectLocation(item))]).decode().splitlines()
    ((file, names),) = parse_list(lines, "x").items()
    assert (file, names) == ((item.key, modified, "e tag"), {NAME})


def test_a_time_beyond_the_calendar_is_shown_as_its_end() -> None:
    assert iso(1700000000.9) == "2023-11-14T22:13:20Z"
    assert iso(1e16) == iso(1e300) == "9999-12-31T23:59:59Z"
    assert iso(-1e16) == "0001-01-01T00:00:00Z"


def test_a_pointer_of_a_format_with_many_digits_is_newer() -> None:
    reader = PointerReader(None)  # type: ignore[arg-type]  # no manifest is read
    for newer in ("2", "10", MANY, "02"):
        with pytest.raises(MvcError, match="newer mvc"):
            list(reader.needed_by([f"mvc: {newer}\n{HEX}".encode()]))
    assert {*reader.needed_by([f"mvc: 1\n{HEX}".encode(), f"mvc: 0\n{HEX}".encode()])} == {NAME}


def test_a_tolerance_has_few_digits() -> None:
    assert float(measure("123456789012345678.5%")[0]) == pytest.approx(1.2e17, rel=0.1)
    policy = f"mvc-policy: 1\nrules: [{{match: 'x', metrics: {{auc: {{max_regression: '{MANY}%'}}}}}}]"
    with pytest.raises(UsageError, match="invalid max_regression"):
        parse_policy(policy.encode())


@pytest.mark.parametrize("port", ["65536", "99999"])
def test_a_port_is_one(port: str) -> None:
    with pytest.raises(UsageError, match=f"port {port}"):
        SshAddress.of(f"ssh://host:{port}/x")


# Servers.

TIMES = (
    "17000000001e999.25", "1e999", "nan", "Infinity", "99999999999999999999", "0000-00-00T00:00:00Z", "", "abc",
    "2026-01-01T00:00:00+99:99", "Thu, 01 Jan 99999 00:00:00 GMT", "Thu, 01 Jan 2026 00:00:00 +99999999999",
    "0001-01-01T00:00:00+23:59", "2026-01-01",
)
SIZES = ("1e999", "nan", "-1", "99999999999999999999", MANY, "", "abc", "1.5")


def answers(bucket: Bucket) -> None:
    """Ask what a bucket has: each question is answered with usable numbers, or with an error of mvc."""
    for ask in (lambda: [bucket.head("key")], lambda: [*bucket.list("")]):
        with suppress(RemoteError):
            for item in ask():
                assert item is None or (0 <= item.size <= MAX_SIZE and isfinite(item.modified))


@pytest.mark.parametrize(("tag", "values"), [("LastModified", TIMES), ("Size", SIZES), ("KeyCount", SIZES)])
def test_s3(proxy: Proxy, s3_server: S3Server, s3_url: str, tag: str, values: tuple[str, ...]) -> None:
    with closing(S3Bucket(s3_url, {**s3_server.options, "endpoint_url": proxy.endpoint})) as bucket:
        bucket.write("key", b"content")
        for value in values:
            proxy.rule = lambda _, value=value: Fault(answer=lambda answer: with_value(answer, tag, value))
            answers(bucket)


def with_value(answer: Answer, tag: str, value: str) -> Answer:
    """Return an answer of S3's with a value in the place of another."""
    body = re.sub(f"<{tag}>.*?</{tag}>".encode(), f"<{tag}>{value}</{tag}>".encode(), answer.body)
    headers = {**answer.headers, "last-modified": value} if tag == "LastModified" else answer.headers
    return answer._replace(headers=headers).with_body(body) if body else answer._replace(headers=headers)


FOUND = {"name": "x/key", "size": "3", "generation": "1", "updated": "2026-01-01T00:00:00Z"}


STRANGE_FILES: tuple[Any, ...] = (
    *({**FOUND, "updated": value} for value in TIMES), *({**FOUND, "size": value} for value in SIZES),
    {**FOUND, "size": 1e300}, {**FOUND, "size": None}, {**FOUND, "updated": 5}, {**FOUND, "name": None},
    {**FOUND, "generation": {}}, {}, [], None, "text", 5,
)


def test_google(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", proxy.endpoint)
    with closing(GoogleBucket("gs://models/x")) as bucket:
        for found in STRANGE_FILES:
            said = (found, {"items": [found]})
            file, listing = (Answer(200, {}).with_body(json.dumps(one).encode()) for one in said)
            proxy.rule = lambda request, file=file, listing=listing: Fault(
                instead=file if request.path.partition("?")[0].endswith("key") else listing,
            )
            answers(bucket)
            with suppress(RemoteError):
                bucket.write("key", b"abc")


@pytest.mark.parametrize("body", [
    b"", b"{", b"[" * 100_000, b'{"size": 1' + b"0" * 5000 + b"}", b"\xff", b'{"items": 5}',
], ids=lambda body: ascii(body)[:20])
def test_google_with_a_body_that_is_none(proxy: Proxy, monkeypatch: pytest.MonkeyPatch, body: bytes) -> None:
    proxy.rule = lambda _: Fault(instead=Answer(200, {}).with_body(body))
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", proxy.endpoint)
    with closing(GoogleBucket("gs://models/x")) as bucket:
        for ask in (lambda: bucket.head("key"), lambda: [*bucket.list("")], lambda: bucket.write("key", b"abc")):
            with pytest.raises(RemoteError, match="the answer cannot be parsed"):
                ask()


HEADERS = [("last-modified", TIMES), ("content-length", SIZES)]
BLOB = {
    "content-length": "3", "last-modified": "Thu, 01 Jan 2026 00:00:00 GMT", "etag": '"1"',
    "x-ms-blob-type": "BlockBlob",
}
LISTED = """<?xml version="1.0"?><EnumerationResults><Blobs><Blob><Name>x/key</Name><Properties>
<Last-Modified>{last-modified}</Last-Modified><Etag>1</Etag><Content-Length>{content-length}</Content-Length>
<BlobType>BlockBlob</BlobType></Properties></Blob></Blobs></EnumerationResults>"""


@pytest.mark.parametrize(("name", "values"), HEADERS)
def test_azure(proxy: Proxy, monkeypatch: pytest.MonkeyPatch, name: str, values: tuple[str, ...]) -> None:
    connection = f"DefaultEndpointsProtocol=http;AccountName=a;AccountKey=a2V5;BlobEndpoint={proxy.endpoint}/a;"
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", connection)
    with closing(AzureBucket("az://models/x")) as bucket:
        for value in values:
            about = {**BLOB, name: value}
            listing = Answer(200, {"content-type": "application/xml"}).with_body(LISTED.format_map(about).encode())
            proxy.rule = lambda request, about=about, listing=listing: Fault(
                instead=Answer(200, about) if request.method == "HEAD" else listing,
            )
            answers(bucket)


@pytest.mark.parametrize(("name", "values"), HEADERS)
def test_the_web(proxy: Proxy, name: str, values: tuple[str, ...]) -> None:
    listing = Answer(200, {"content-type": "text/html"}).with_body(b'<a href="key">')
    with closing(WebBucket(f"{proxy.endpoint}/x")) as bucket:
        for value in values:
            file = Answer(200, {"content-length": "3", name: value})
            proxy.rule = lambda request, file=file: Fault(instead=listing if request.path.endswith("/") else file)
            answers(bucket)
