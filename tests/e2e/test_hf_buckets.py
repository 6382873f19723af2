"""A bucket of Hugging Face as a remote: a real S3 server behind what that service's documentation says of it.

https://huggingface.co/docs/hub/storage-buckets-s3: the namespace in the path, no user metadata, no checksums in
trailers, only the second version of listing, conditions only for writing, no encryption, ACLs or copies of parts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from harness import LARGE, MANY, PROJECT, Repo, noise
from proxy import Fault, Proxy, Request, refusal
from s3 import S3Server, make_bucket

NAMESPACE = "/my-org"
HUGE = noise("hf", 1 << 20) * 20
"""Two parts."""
_IGNORED = ("x-amz-acl", "x-amz-server-side-encryption", "x-amz-tagging", "x-amz-storage-class")
_DROPPED = frozenset({"authorization", "x-amz-date", "x-amz-content-sha256"})


class Gateway:
    """Refuses what the service does not have, and passes on the rest without the namespace, signed anew."""

    def __init__(self, server: S3Server) -> None:
        self._server = server
        self.refused: list[str] = []

    def rule(self, request: Request) -> Fault | None:
        """Refuse a request."""
        if (reason := self._why(request)) is None:
            return None
        self.refused.append(f"{request.method} {request.path}: {reason}")
        return refusal(400, "InvalidRequest")

    @staticmethod
    def _why(request: Request) -> str | None:
        path, query = urlsplit(request.path).path, parse_qs(urlsplit(request.path).query, keep_blank_values=True)
        headers = request.headers
        if not path.startswith(f"{NAMESPACE}/") or headers["host"].count(".") != 3:
            return "not addressed by path"
        if metadata := [name for name in headers if name.startswith("x-amz-meta-")]:
            return f"metadata {metadata}"
        if request.method == "PUT" and any(name.startswith(("x-amz-checksum-", "x-amz-trailer")) for name in headers):
            return "a checksum, which the SDK sends in a trailer if the connection has TLS"
        if ignored := [name for name in headers if name.startswith(_IGNORED)]:
            return f"{ignored}"
        if "x-amz-copy-source" in headers and "partNumber" in query:
            return "a copied part"
        if re.search(r"//|\.\./|\\|%00|\.\.$", path) or query.get("delimiter", ["/"]) != ["/"]:
            return "a key or delimiter"
        is_listing = request.method == "GET" and path.count("/") == 2 and "uploads" not in query
        return "the first version of listing" if is_listing and query.get("list-type") != ["2"] else None

    def passed_on(self, request: Request) -> Request:
        """Return the request that the real server gets."""
        path = request.path.removeprefix(NAMESPACE)
        ignored = {"if-match", "if-none-match"} if request.method == "GET" else set()
        headers = {name: text for name, text in request.headers.items() if name not in _DROPPED | ignored}
        signed = AWSRequest(request.method, f"http://{headers['host']}{path}", headers, request.body)
        keys = Credentials(self._server.access_key, self._server.secret_key)
        S3SigV4Auth(keys, "s3", "us-east-1").add_auth(signed)
        return request._replace(path=path, headers={name.lower(): text for name, text in signed.headers.items()})


@pytest.fixture
def gateway(s3_server: S3Server, proxy: Proxy) -> Iterator[Gateway]:
    """Let the proxy be the service's gateway."""
    made = Gateway(s3_server)
    proxy.rule, proxy.passed_on = made.rule, made.passed_on
    yield made
    assert made.refused == []


def recipe() -> str:
    """Return the line of the page."""
    page = (PROJECT / "docs/remotes.md").read_text().partition("\n## Hugging Face Buckets\n")[2]
    return page.partition("```sh\n")[2].partition("\n```")[0]


def test_the_recipe_works(repo: Repo, gateway: Gateway, proxy: Proxy, s3_server: S3Server, tmp_path: Path) -> None:
    make_bucket(s3_server, "s3://my-bucket/there")
    line = recipe().replace("https://s3.hf.co", proxy.endpoint)
    assert f"{proxy.endpoint}{NAMESPACE}" in line
    assert repo.shell(line).code == 0
    repo.environ.update(s3_server.environ)
    assert "conditional" in repo.ok("remote", "test").out
    repo.write("large.bin", noise("m", LARGE))
    repo.write("huge.bin", HUGE)
    repo.write_dir("many", MANY)
    repo.ok("add", "large.bin", "huge.bin", "many")
    repo.git("add", ".mvc")
    repo.commit()
    assert repo.ok("push", "--json").json["failed"] == []
    clone = repo.clone(tmp_path / "clone")
    clone.ok("pull")
    assert clone.contents("many") == repo.contents("many")
    assert (clone.read("large.bin"), clone.read("huge.bin")) == (repo.read("large.bin"), HUGE)
    clone.ok("verify", "-r", "hf")
    clone.ok("gc", "-r", "hf")
