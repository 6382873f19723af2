"""The client of registries, with answers that a proxy spoils, and registries that are hostile."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import subprocess
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from harness import noise
from proxy import Answer, Fault, Proxy, Request, flip
from registries import Shop, log_in, plain, registry_in
from requests.adapters import HTTPAdapter

from mvc.errors import CorruptObject, InvalidFormat, MissingObject, MvcError, UsageError
from mvc.objects.hashing import hash_bytes
from mvc.objects.manifest import Entry, Manifest
from mvc.objects.pointer import dir_pointer, emit
from mvc.oci import client
from mvc.oci.client import Body, Registry
from mvc.oci.layout import DOCUMENT, MANIFEST, MAX_MANIFEST, WEIGHTS, sha256
from mvc.oci.reference import Reference, parse_reference
from mvc.ops.lifecycle.packaging.fetch import fetch
from mvc.store.buckets.bucket import RemoteError, Transient
from mvc.surroundings import surroundings

DATA = noise("blob", 3 << 20)
DIGEST = f"sha256:{hashlib.sha256(DATA).hexdigest()}"
BODY = Body(len(DATA), lambda: iter([DATA[: 1 << 20], DATA[1 << 20 :]]))

CONFIG = {"mediaType": "text/plain", "digest": DIGEST, "size": len(DATA)}
EMPTY = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": CONFIG}).encode()


def registry_at(port: int, environ: dict[str, str], patience: float = 20) -> Registry:
    return Registry(parse_reference(f"127.0.0.1:{port}/ml/client"), environ, patience, wait=lambda _: None)


@pytest.fixture
def through(proxied: Proxy, environ: dict[str, str]) -> Registry:
    """Return a client of the real registry, to which a proxy leads."""
    return registry_at(proxied.port, environ)


def is_blob(method: str) -> Callable[[Request], bool]:
    return lambda request: request.method == method and "/blobs/" in request.path


BUSY = Fault(instead=Answer(503, {}).with_body(b"{}"))
CUT = Fault(answer=lambda answer: answer.with_body(answer.body[: 1 << 20], len(answer.body)))


@pytest.mark.parametrize("fault", [BUSY, CUT, Fault(instead=Answer(429, {}).with_body(b""))], ids=["503", "cut", "429"])
def test_what_fails_for_a_moment_is_tried_again(proxied: Proxy, through: Registry, fault: Fault) -> None:
    through.upload(DIGEST, BODY)
    proxied.first(2, fault, is_blob("GET"))
    assert b"".join(through.blob(DIGEST, len(DATA))) == DATA
    ranges = [request.headers.get("range", "") for request in proxied.seen if is_blob("GET")(request)]
    assert len(ranges) == 3
    if fault is CUT:
        assert ranges == ["", f"bytes={1 << 20}-", f"bytes={2 << 20}-"]


def test_a_registry_that_knows_no_ranges(proxied: Proxy, through: Registry) -> None:
    through.upload(DIGEST, BODY)

    def passed_on(request: Request) -> Request:
        return request._replace(headers={name: text for name, text in request.headers.items() if name != "range"})

    proxied.passed_on = passed_on
    proxied.first(1, CUT, is_blob("GET"))
    assert b"".join(through.blob(DIGEST, len(DATA))) == DATA


def test_an_upload_is_tried_again_with_all_its_bytes(proxied: Proxy, through: Registry) -> None:
    data = noise("again", 100_000)
    proxied.first(1, BUSY, is_blob("PUT"))
    through.upload(sha256(data), Body(len(data), lambda: iter([data])))
    assert b"".join(through.blob(sha256(data), len(data))) == data
    assert through.has(sha256(data))
    assert not through.has(sha256(b"something else"))


def test_what_never_succeeds_ends_after_a_few_tries(proxied: Proxy, through: Registry) -> None:
    proxied.rule = lambda _: BUSY
    with pytest.raises(Transient, match="status 503"):
        through.manifest("v1")
    assert len(proxied.seen) == client.TRIES


def test_a_download_that_is_cut_again_and_again_ends(proxied: Proxy, through: Registry) -> None:
    through.upload(DIGEST, BODY)
    few = Fault(answer=lambda answer: answer.with_body(answer.body[:10], len(answer.body)))
    proxied.rule = lambda request: few if is_blob("GET")(request) else None
    with pytest.raises(Transient, match="the connection was lost"):
        b"".join(through.blob(DIGEST, len(DATA)))
    assert len([request for request in proxied.seen if is_blob("GET")(request)]) == client.TRIES


def test_an_upload_that_arrives_spoiled_is_refused(proxied: Proxy, through: Registry) -> None:
    proxied.rule = lambda request: Fault(request=flip) if is_blob("PUT")(request) else None
    data = noise("spoiled", 1000)
    with pytest.raises(RemoteError, match="digest"):
        through.upload(sha256(data), Body(len(data), lambda: iter([data])))


@pytest.mark.parametrize("send", [
    lambda registry: registry.upload(DIGEST, BODY),
    lambda registry: registry.put_manifest(EMPTY, "x"),
], ids=["blob", "manifest"])
def test_a_registry_that_stores_something_else_is_not_believed(
    proxied: Proxy, through: Registry, send: Callable[[Registry], None],
) -> None:
    def lie(answer: Answer) -> Answer:
        return answer._replace(headers={**answer.headers, "docker-content-digest": sha256(b"other")})

    through.upload(DIGEST, BODY)
    proxied.rule = lambda request: Fault(answer=lie) if request.method == "PUT" else None
    with pytest.raises(CorruptObject, match="stored 'sha256:"):
        send(through)


# Registries that are hostile: nothing is real but the connection.


def refused(folder: Path, reference: str, kind: type[MvcError], match: str) -> None:
    """Fetch from the registry, which must fail, and leave nothing behind."""
    folder.mkdir(exist_ok=True)
    before = sorted(folder.parent.rglob("*"))
    with pytest.raises(kind, match=match) as error:
        fetch(surroundings(folder), reference)
    assert "\n" not in error.value.message
    assert sorted(folder.parent.rglob("*")) == before


def test_the_hostile_registry_can_serve_what_is_right(shop: Shop, tmp_path: Path) -> None:
    fetch(surroundings(tmp_path), shop.publish(shop.model()))
    assert (tmp_path / "m.bin").read_bytes() == b"weights"


@pytest.mark.parametrize("path", [
    "../m.bin", "/etc/m.bin", "m.bin/../../x", "a\0b", "", "m.bin\nx", ".git/hooks/x", "m.bin/.git/x", "C:\\x",
    "m.bin/", "other.bin", "m.bin/" + "a" * 300, "con",
])
def test_hostile_paths(shop: Shop, tmp_path: Path, path: str) -> None:
    refused(tmp_path / "a", shop.publish([*shop.model(), shop.layer(path, b"x")]), InvalidFormat, "refused|not part of")


@pytest.mark.parametrize("paths", [("m.bin", "m.bin"), ("m.bin/a", "m.bin/A"), ("m.bin", "m.bin/a")])
def test_paths_that_are_one_file(shop: Shop, tmp_path: Path, paths: tuple[str, str]) -> None:
    layers = [shop.layer(path, path.encode()) for path in paths]
    refused(tmp_path / "a", shop.publish([*layers, *shop.model()[1:]]), InvalidFormat, "refused names?")


def test_other_bytes_than_the_pointer_names(shop: Shop, tmp_path: Path) -> None:
    _, pointer = shop.model(b"weights")
    refused(tmp_path / "a", shop.publish([shop.layer("m.bin", b"WEIGHTS"), pointer]), CorruptObject, "not those of the")
    refused(tmp_path / "a", shop.publish([shop.layer("m.bin", b"weight"), pointer]), CorruptObject, "7 bytes.* with 6")


def test_a_directory_with_other_names_than_its_pointer(shop: Shop, tmp_path: Path) -> None:
    pointer = emit(dir_pointer(Manifest.of([Entry("a", *hash_bytes(b"x"))])))
    layers = [shop.layer("m.bin/b", b"x"), shop.layer("m.bin.mvc", pointer, DOCUMENT)]
    refused(tmp_path / "a", shop.publish(layers), CorruptObject, "not those of the pointer")


def test_bytes_that_are_not_those_of_the_digest(shop: Shop, tmp_path: Path) -> None:
    reference = shop.publish(shop.model())
    shop.blobs[sha256(b"weights")] = b"WEIGHTS"
    refused(tmp_path / "a", reference, CorruptObject, "expected sha256:.*, found sha256:")
    manifest = reference.rpartition("@")[2]
    shop.blobs[manifest] = shop.blobs[manifest].replace(b"m.bin", b"n.bin")
    refused(tmp_path / "a", reference, CorruptObject, "expected sha256:.*, found sha256:")


def test_a_report_of_another_model(shop: Shop, tmp_path: Path) -> None:
    report = f'mvc-eval: 1\nmodel: {{blake3: "{"0" * 64}"}}\n'.encode()
    layers = [*shop.model(), shop.layer("m.bin.eval.yaml", report, DOCUMENT)]
    refused(tmp_path / "a", shop.publish(layers), CorruptObject, "its report is not of its model")


@pytest.mark.parametrize(("more", "match"), [
    ({"artifactType": "application/vnd.oci.image.config.v1+json"}, "is of the type"),
    ({"layers": {}}, "is not a manifest of a model"),
    ({"layers": [{"mediaType": WEIGHTS, "digest": "sha256:x", "size": 1}]}, "is not a manifest of a model"),
    ({"layers": [{"mediaType": WEIGHTS, "digest": sha256(b""), "size": -1}]}, "is not a manifest of a model"),
    ({"layers": [{"mediaType": WEIGHTS, "digest": sha256(b""), "size": 1 << 63}]}, "is not a manifest of a model"),
    ({"layers": []}, "has 0 pointers of mvc"),
])
def test_other_artifacts(shop: Shop, tmp_path: Path, more: dict[str, Any], match: str) -> None:
    refused(tmp_path / "a", shop.publish(**{"layers": shop.model(), **more}), InvalidFormat, match)


@pytest.mark.parametrize("raw", [b"", b"[" * 100_000, b"\xff", b'{"layers": 1e999}', b"null"])
def test_manifests_that_are_none(shop: Shop, tmp_path: Path, raw: bytes) -> None:
    shop.blobs[sha256(raw)] = raw
    reference = f"oci://127.0.0.1:{shop.proxy.port}/ml/x@{sha256(raw)}"
    refused(tmp_path / "a", reference, InvalidFormat, "is not a manifest of a model")


def test_archives_and_compressed_files_are_refused(shop: Shop, tmp_path: Path) -> None:
    kind = "application/vnd.cncf.model.weight.v1.tar+gzip"
    layers = [shop.layer("m.bin", gzip.compress(b"weights"), kind), *shop.model()[1:]]
    refused(tmp_path / "a", shop.publish(layers), InvalidFormat, "files as they are")


def test_compressed_answers_are_not_unpacked(shop: Shop, tmp_path: Path) -> None:
    reference = shop.publish(shop.model(bytes(1000)))
    bomb = gzip.compress(bytes(1000))
    shop.answers[sha256(bytes(1000))] = plain(bomb.ljust(1000, b"\0"), **{"content-encoding": "gzip"})
    refused(tmp_path / "a", reference, CorruptObject, "expected sha256:")


def test_a_manifest_without_end(shop: Shop, tmp_path: Path) -> None:
    shop.answers["v1"] = Answer(200, {}, b"[" * 100, "endless")
    refused(tmp_path / "a", f"oci://127.0.0.1:{shop.proxy.port}/ml/x:v1", CorruptObject, f"more than {MAX_MANIFEST:,}")


def test_a_blob_without_end(shop: Shop, tmp_path: Path) -> None:
    reference = shop.publish(shop.model())
    shop.answers[sha256(b"weights")] = Answer(200, {}, b"weights", "endless")
    refused(tmp_path / "a", reference, CorruptObject, "more than 7 bytes")


def test_a_pointer_that_is_too_large(shop: Shop, tmp_path: Path) -> None:
    weights, pointer = shop.model()
    refused(tmp_path / "a", shop.publish([weights, {**pointer, "size": 1 << 40}]), InvalidFormat, "expected at most")


def test_silence(shop: Shop, environ: dict[str, str]) -> None:
    shop.answers["v1"] = Answer(200, {}, b"", "stall")
    with pytest.raises(Transient, match="no answer in time"):
        registry_at(shop.proxy.port, environ, patience=0.05).manifest("v1")


# Where requests lead, and what they have with them.


@pytest.mark.parametrize("place", ["http://192.0.2.1/x", "http://127.0.0.1:9/x", "ftp://127.0.0.1/x", "file:///etc/passwd"])
def test_redirects_to_servers_without_tls_are_not_followed(shop: Shop, environ: dict[str, str], place: str) -> None:
    shop.answers["v1"] = plain(b"", 307, location=place)
    with pytest.raises(RemoteError, match="another server without TLS"):
        registry_at(shop.proxy.port, environ).manifest("v1")


@pytest.mark.parametrize("challenge", ['Basic realm="x"', 'Bearer realm="{}/token"'])
def test_another_server_gets_no_login(
    shop: Shop, proxied: Proxy, through: Registry, challenge: str,
) -> None:
    through.upload(DIGEST, BODY)
    through._session.mount("http://", HTTPAdapter())
    asked = Fault(instead=plain(b"{}", 401, **{"www-authenticate": challenge.format(shop.proxy.endpoint)}))
    shop.proxy.rule = lambda _: asked
    away = Fault(instead=plain(b"", 307, location=f"{shop.proxy.endpoint}/x"))
    proxied.rule = lambda request: away if is_blob("GET")(request) else None
    with pytest.raises(RemoteError, match="refuses the login"):
        b"".join(through.blob(DIGEST, len(DATA)))
    assert [request.path for request in shop.proxy.seen] == ["/x"]
    assert "authorization" not in shop.proxy.seen[0].headers
    upload = Fault(instead=plain(b"", 202, location=f"{shop.proxy.endpoint}/x"))
    proxied.rule = lambda request: upload if request.method == "POST" else None
    with pytest.raises(RemoteError, match="refuses the login"):
        through.upload(sha256(b"new"), Body(3, lambda: iter([b"new"])))
    assert len(shop.proxy.seen) == 2
    assert "authorization" not in shop.proxy.seen[1].headers


def test_redirects_in_a_circle(shop: Shop, environ: dict[str, str]) -> None:
    shop.answers["v1"] = plain(b"", 302, location="/v2/ml/client/manifests/v1")
    with pytest.raises(RemoteError, match="too many redirects"):
        registry_at(shop.proxy.port, environ).manifest("v1")


def test_an_upload_is_not_redirected(proxied: Proxy, through: Registry) -> None:
    away = Fault(instead=plain(b"", 307, location="http://192.0.2.1/x"))
    proxied.rule = lambda request: away if request.method == "POST" else None
    with pytest.raises(RemoteError, match=r"redirects to 192\.0\.2\.1"):
        through.upload(DIGEST, BODY)


@pytest.mark.parametrize("place", ["https://[", "http://127.0.0.1:port/x", "https://", "https://a:99999999/x"])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_addresses_that_are_none(proxied: Proxy, through: Registry, method: str, place: str) -> None:
    broken = Fault(instead=plain(b"", 202 if method == "POST" else 307, location=place))
    proxied.rule = lambda request: broken if request.method == method else None
    with pytest.raises(RemoteError, match=r"invalid address|without TLS|redirects to"):
        through.manifest("v1") if method == "GET" else through.upload(DIGEST, BODY)


def test_a_realm_that_is_no_address(shop: Shop, environ: dict[str, str]) -> None:
    shop.answers["v1"] = plain(b"{}", 401, **{"www-authenticate": 'Bearer realm="https://[/token"'})
    with pytest.raises(RemoteError, match="invalid address"):
        registry_at(shop.proxy.port, environ).manifest("v1")


def test_nothing_there(proxied: Proxy, through: Registry) -> None:
    with pytest.raises(MissingObject, match="has no artifact v9"):
        through.manifest("v9")


def test_a_token(shop: Shop, environ: dict[str, str]) -> None:
    """As https://distribution.github.io/distribution/spec/auth/token/ describes it."""
    realm = f"{shop.proxy.endpoint}/token"
    challenge = f'Bearer realm="{realm}",service="shop",scope="repository:ml/client:pull"'
    asked = Fault(instead=plain(b"{}", 401, **{"www-authenticate": challenge}))

    def rule(request: Request) -> Fault:
        if request.path.startswith("/token"):
            return Fault(instead=plain(b'{"token": "abc"}'))
        return Fault(instead=plain(b"hello")) if request.headers.get("authorization") == "Bearer abc" else asked

    shop.proxy.rule = rule
    log_in(environ, shop.proxy.port)
    registry = registry_at(shop.proxy.port, environ)
    assert [registry.manifest("v1"), registry.manifest("v1")] == [b"hello", b"hello"]
    token = [request for request in shop.proxy.seen if request.path.startswith("/token")]
    assert [request.path for request in token] == ["/token?service=shop&scope=repository%3Aml%2Fclient%3Apull"]
    assert token[0].headers["authorization"] == f"Basic {b64encode(b'user:secret').decode()}"
    assert [request.headers.get("authorization") for request in shop.proxy.seen if "/v2/" in request.path] == [
        None, "Bearer abc", "Bearer abc",
    ]


@pytest.mark.parametrize("answer", [b"{}", b"[" * 10_000, b'{"token": 1}', b"\xff"])
def test_a_token_server_that_gives_none(shop: Shop, environ: dict[str, str], answer: bytes) -> None:
    challenge = {"www-authenticate": f'Bearer realm="{shop.proxy.endpoint}/token"'}
    shop.answers = {"v1": plain(b"{}", 401, **challenge), "token": plain(answer)}
    with pytest.raises(RemoteError, match="refuses the login, or there is none: status 401"):
        registry_at(shop.proxy.port, environ).manifest("v1")


@pytest.mark.parametrize("challenge", ["", "Bearer", 'Bearer realm=""', "Negotiate", 'Basic realm="x"', "bearer realm"])
def test_challenges_that_no_login_meets(shop: Shop, environ: dict[str, str], challenge: str) -> None:
    shop.answers["v1"] = plain(b"{}", 401, **{"www-authenticate": challenge})
    with pytest.raises(RemoteError, match="refuses the login"):
        registry_at(shop.proxy.port, environ).manifest("v1")


def test_a_registry_that_asks_for_no_login(open_registry: int, environ: dict[str, str]) -> None:
    registry = registry_at(open_registry, environ)
    registry.upload(DIGEST, BODY)
    assert registry.has(DIGEST)


# TLS, which a registry on another machine has.


class Elsewhere(Reference):
    """A registry that counts as one on another machine."""

    is_local = False  # type: ignore[assignment]


def test_certificates(environ: dict[str, str], tmp_path: Path) -> None:
    subject = ("-subj", "/CN=tests", "-addext", "subjectAltName=IP:127.0.0.1")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-keyout", tmp_path / "key.pem", "-out", tmp_path / "cert.pem", *subject], check=True, capture_output=True,
    )
    with registry_in(tmp_path, tls=f", tls: {{certificate: {tmp_path}/cert.pem, key: {tmp_path}/key.pem}}") as port:
        registry = Registry(Elsewhere(f"127.0.0.1:{port}", "ml/tls"), environ)
        with pytest.raises(RemoteError, match="certificate is not trusted"):
            registry.has(DIGEST)
        os.environ["REQUESTS_CA_BUNDLE"] = f"{tmp_path}/cert.pem"
        registry.upload(DIGEST, BODY)
        assert b"".join(registry.blob(DIGEST, len(DATA))) == DATA


def test_a_server_without_tls(open_registry: int, environ: dict[str, str]) -> None:
    registry = Registry(Elsewhere(f"127.0.0.1:{open_registry}", "ml/x"), environ, wait=lambda _: None)
    with pytest.raises(RemoteError, match="does not speak TLS"):
        registry.manifest("v1")


# Where logins are.


def test_the_environment_names_the_file_of_logins(
    registry_port: int, environ: dict[str, str], tmp_path: Path,
) -> None:
    log_in(environ, registry_port, "user:wrong")
    (tmp_path / "other").mkdir()
    log_in({"HOME": str(tmp_path / "other")}, registry_port)
    folder = tmp_path / "other/.docker"
    for more in ({"DOCKER_CONFIG": str(folder)}, {"REGISTRY_AUTH_FILE": str(folder / "config.json")}):
        assert not registry_at(registry_port, {**environ, **more}).has(sha256(b"none"))
    with pytest.raises(RemoteError, match="refuses the login"):
        registry_at(registry_port, environ).has(sha256(b"none"))


def test_a_helper_knows_the_login(registry_port: int, environ: dict[str, str], tmp_path: Path) -> None:
    helper = tmp_path / "docker-credential-tests"
    helper.write_text("""#!/bin/sh\necho '{"Username": "user", "Secret": "secret"}'\n""")
    helper.chmod(0o755)
    (tmp_path / "config.json").write_text('{"credsStore": "tests"}')
    os.environ["PATH"] = f"{tmp_path}:{environ['PATH']}"
    assert not registry_at(registry_port, {"DOCKER_CONFIG": str(tmp_path)}).has(sha256(b"none"))


@pytest.mark.parametrize("printed", ["", "no login", "{}", "[]", "5"])
def test_a_helper_that_prints_no_login(environ: dict[str, str], tmp_path: Path, printed: str) -> None:
    helper = tmp_path / "docker-credential-tests"
    helper.write_text(f"#!/bin/sh\necho '{printed}'\n")
    helper.chmod(0o755)
    (tmp_path / "config.json").write_text('{"credsStore": "tests"}')
    os.environ["PATH"] = f"{tmp_path}:{environ['PATH']}"
    with pytest.raises(UsageError, match="printed no login"):
        registry_at(9, {"DOCKER_CONFIG": str(tmp_path)})


@pytest.mark.parametrize("content", ["", "[]", '{"auths": 1}', '{"auths": {"h": {"auth": 5}}}', "[" * 100_000])
def test_a_file_of_logins_that_is_none(environ: dict[str, str], tmp_path: Path, content: str) -> None:
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(UsageError, match="is not a file of logins"):
        registry_at(9, {"DOCKER_CONFIG": str(tmp_path)})
