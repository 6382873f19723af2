"""`mvc package --oci` and `mvc get oci://…` with a real registry."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from pathlib import Path
from urllib.request import Request as HttpRequest
from urllib.request import urlopen

import pytest
from harness import MANY, MVC, Repo
from jsonschema import Draft4Validator, Draft202012Validator, FormatChecker
from proxy import Fault, Proxy, Request
from referencing import Registry as Schemas
from referencing import Resource
from referencing.jsonschema import DRAFT4
from registries import log_in

from mvc.errors import InvalidFormat
from mvc.oci.layout import ARTIFACT, CONFIG, DOCUMENT, MANIFEST, WEIGHTS, About, Layer, build

MODELS = {"ranker.onnx": "ranker@v1.0.0", "bert": "bert@v1.0.0"}
SCHEMAS = Path(__file__).parent / "schemas"


@pytest.mark.parametrize("name", MODELS)
def test_a_model_comes_back_as_it_was(work: Repo, here: Repo, registry: str, name: str) -> None:
    made = work.ok("package", MODELS[name], "--oci", f"{registry}/ml/{name}:v1", "--json").json
    assert made["reference"] == f"{registry}/ml/{name}@{made['digest']}"
    got = here.ok("get", f"oci://{made['reference']}")
    assert got.out.splitlines()[0].startswith(f"Wrote {made['reference']} to {here.path(name)} (")
    assert here.read(f"{name}.eval.yaml") == work.read(f"models/{name}.eval.yaml")
    assert set(os.listdir(here.root)) == {name, f"{name}.eval.yaml"}
    if name == "bert":
        assert here.contents(name) == work.contents(f"models/{name}")
        assert os.access(here.path("bert/run.sh"), os.X_OK)
        assert not os.access(here.path("bert/same"), os.X_OK)
    else:
        assert here.read(name) == work.read(f"models/{name}")


def test_a_directory_whose_pointer_does_not_list_its_files(work: Repo, here: Repo, registry: str) -> None:
    for number in range(MANY):
        work.write(f"models/many/{number}", "the same, so that one request sends all")
    work.ok("add", "models/many")
    work.ok("package", "models/many", "--oci", f"{registry}/ml/many:v1")
    here.ok("get", f"oci://{registry}/ml/many:v1", "-o", "copy")
    assert here.contents("copy") == work.contents("models/many")


def test_the_same_again_is_the_same_and_sends_nothing(work: Repo, proxied: Proxy) -> None:
    target = f"127.0.0.1:{proxied.port}/ml/again"
    first = work.ok("package", "ranker@v1.0.0", "--oci", target, "--json").json
    uploads = len([request for request in proxied.seen if request.method == "POST"])
    work.write("other.txt", "x")
    work.git("add", "other.txt")
    work.commit("something else")
    second = work.ok("package", "ranker@v1.0.0", "--oci", f"{target}:v1", "--json").json
    assert second["digest"] == first["digest"]
    assert second["sent"] == 0
    assert len([request for request in proxied.seen if request.method == "POST"]) == uploads


def test_a_tag_says_which_digest_it_is(work: Repo, here: Repo, registry: str) -> None:
    digest = work.ok("package", "ranker@v1.0.0", "--oci", f"{registry}/ml/tagged:best", "--json").json["digest"]
    assert digest in here.ok("get", f"oci://{registry}/ml/tagged:best", "-o", "m").out
    assert set(os.listdir(here.root)) == {"m", "m.eval.yaml"}


def test_a_note_at_the_commit_names_the_artifact(work: Repo, registry: str) -> None:
    made = work.ok("package", "ranker@v1.0.0", "--oci", f"{registry}/ml/noted", "--json").json
    assert made["noted"] == work.git("rev-parse", "HEAD")
    work.ok("package", "models/ranker.onnx", "--oci", f"{registry}/ml/noted")
    work.ok("package", "ranker@v1.0.0", "--oci", f"{registry}/ml/noted")
    lines = work.git("notes", "--ref=mvc-packages", "show", "HEAD").splitlines()
    assert lines[-1] == f"{made['reference']} models/ranker.onnx"
    assert len(lines) == 2  # that of the workspace names no commit
    work.ok("promote", "ranker@v1.0.0", "prod")
    held = work.ok("which", "ranker", "prod", "--json").json
    assert held["artifacts"] == [line.partition(" ")[0] for line in lines]
    assert f"artifact {made['reference']}" in work.ok("which", "ranker", "prod").out


def test_the_line_to_type_pushes_the_note(work: Repo, registry: str, tmp_path: Path) -> None:
    work.git("init", "-q", "--bare", str(tmp_path / "hub.git"))
    work.git("remote", "add", "origin", "../hub.git")
    out = work.ok("package", "ranker@v1.0.0", "--oci", f"{registry}/ml/pushed").out
    line = out.splitlines()[-1].removeprefix("Next: ")
    assert work.shell(line).code == 0
    assert work.git("ls-remote", "origin", "refs/notes/mvc-packages")


def test_a_workspace_that_is_not_committed_has_no_note(work: Repo, registry: str) -> None:
    work.write("models/ranker.onnx", "new")
    work.ok("add", "models/ranker.onnx")
    result = work.ok("package", "models/ranker.onnx", "--oci", f"{registry}/ml/new", "--json")
    assert result.json["noted"] == ""
    assert "note: models/ranker.onnx is not committed as it is: no note says which artifact it is" in result.err
    assert "models/ranker.onnx.eval.yaml is not a report of this content: it is left out" in result.err


# What others read.


def fetched(registry: str, path: str, kind: str) -> bytes:
    request = HttpRequest(f"http://{registry}/v2/{path}", headers={
        "Accept": kind, "Authorization": "Basic dXNlcjpzZWNyZXQ=",
    })
    with urlopen(request, timeout=60) as answer:
        body: bytes = answer.read()
        return body


def test_the_artifact_fits_the_schemas_of_oci_and_of_modelpack(work: Repo, registry: str) -> None:
    digest = work.ok("package", "bert@v1.0.0", "--oci", f"{registry}/ml/read:v1", "--json").json["digest"]
    manifest = json.loads(fetched(registry, "ml/read/manifests/v1", MANIFEST))
    parts = {file.name: json.loads(file.read_bytes()) for file in SCHEMAS.glob("*.json")}
    model, main = parts.pop("model-config.json"), parts["image-manifest-schema.json"]
    known = Schemas().with_resources(
        (f"https://opencontainers.org/schema/{at}{name}", Resource(part, DRAFT4))
        for name, part in parts.items() for at in ("", "image/")
    )
    Draft4Validator(main, registry=known).validate(manifest)
    assert (manifest["artifactType"], manifest["config"]["mediaType"]) == (ARTIFACT, CONFIG)
    config = json.loads(fetched(registry, f"ml/read/blobs/{manifest['config']['digest']}", "*/*"))
    Draft202012Validator(model, format_checker=FormatChecker()).validate(config)
    head = work.git("rev-parse", "HEAD")
    assert config["descriptor"] == {"name": "bert", "version": "v1.0.0", "revision": head}
    assert config["modelfs"]["diffIds"] == [layer["digest"] for layer in manifest["layers"]]
    assert digest == f"sha256:{sha256(fetched(registry, 'ml/read/manifests/v1', MANIFEST))}"
    paths = [(layer["annotations"]["org.cncf.model.filepath"], layer["mediaType"]) for layer in manifest["layers"]]
    files = sorted(f"bert/{name}" for name in work.contents("models/bert"))
    assert paths == [*((name, WEIGHTS) for name in files), ("bert.mvc", DOCUMENT), ("bert.eval.yaml", DOCUMENT)]


def sha256(data: bytes) -> str:
    return subprocess.run(["sha256sum"], input=data, capture_output=True, check=True).stdout.decode()[:64]


def test_a_signature_goes_along(work: Repo, here: Repo, registry: str, tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"], check=True)
    work.ok("eval", "sign", "models/ranker.onnx", "--key", str(tmp_path / "key"))
    work.commit("signed")
    work.ok("package", "models/ranker.onnx", "--oci", f"{registry}/ml/signed:v1")
    assert ", signed (not verified)" in here.ok("get", f"oci://{registry}/ml/signed:v1").out
    assert here.read("ranker.onnx.eval.yaml.sig") == work.read("models/ranker.onnx.eval.yaml.sig")


# What goes wrong.


@pytest.mark.parametrize("login", ["user:wrong", ""])
def test_a_wrong_login(work: Repo, registry_port: int, environ: dict[str, str], login: str) -> None:
    if login:
        log_in(environ, registry_port, login)
    result = work.fails(3, "package", "ranker@v1.0.0", "--oci", f"127.0.0.1:{registry_port}/ml/x")
    assert result.errors == [f"127.0.0.1:{registry_port}/ml/x refuses the login, or there is none: status 401"]
    assert result.fixes == [f"docker login 127.0.0.1:{registry_port}"]
    assert "wrong" not in result.out + result.err


def test_a_registry_that_is_gone(work: Repo, here: Repo) -> None:
    work.git("notes", "list")
    for command in ((work, "package", "ranker@v1.0.0", "--oci", "127.0.0.1:9/ml/x"), (here, "get", "oci://localhost:9/x:v")):
        repo, *args = command
        assert repo.fails(3, *args).errors[0].endswith("does not answer: connection refused")


@pytest.mark.parametrize(("args", "said"), [
    (["package", "ranker@v1.0.0"], "expected one of -o DIR and --oci"),
    (["package", "ranker@v1.0.0", "--oci", "ml/ranker"], "invalid artifact 'ml/ranker'"),
    (["package", "ranker@v1.0.0", "--oci", "user:secret@h.io/x"], "invalid artifact '***@h.io/x'"),
    (["package", "ranker@v1.0.0", "--oci", f"h.io/x@sha256:{'0' * 64}"], "a digest follows from the content"),
    (["package", "models/bert/same", "--oci", "h.io/x"], "models/bert/same is a part of models/bert"),
    (["get", "oci://h.io/x"], "names no artifact"),
    (["get", "oci://h.io/x:v1", "REF"], "an artifact has no REF"),
    (["get", "oci://h.io/x:v1", "-o", "models"], "already exists"),
    (["get", "."], "REF is missing"),
])
def test_what_cannot_be_meant(work: Repo, args: list[str], said: str) -> None:
    assert said in work.fails(2, *args).errors[0]


def test_nothing_is_overwritten(work: Repo, here: Repo, registry: str) -> None:
    work.ok("package", "ranker@v1.0.0", "--oci", f"{registry}/ml/over:v1")
    here.write("ranker.onnx.eval.yaml", "mine")
    assert "ranker.onnx.eval.yaml already exists" in here.fails(2, "get", f"oci://{registry}/ml/over:v1").errors[0]
    assert here.contents(".") == {"ranker.onnx.eval.yaml": b"mine"}
    here.write("ranker.onnx.eval.yaml", work.read("models/ranker.onnx.eval.yaml"))
    here.ok("get", f"oci://{registry}/ml/over:v1")


def test_too_many_files() -> None:
    layers = [Layer(f"many/{number:06}", WEIGHTS, f"sha256:{'0' * 64}", 0) for number in range(12_000)]
    with pytest.raises(InvalidFormat, match="many has too many files for an artifact"):
        build(About("many"), layers)


# Kill -9.


def killed(repo: Repo, proxy: Proxy, fault: Fault, method: str, *args: str) -> None:
    """Run mvc until its first request to a blob, which the proxy holds up; kill it there."""
    reached = threading.Event()

    def rule(request: Request) -> Fault | None:
        if request.method != method or "/blobs/" not in request.path:
            return None
        reached.set()
        return fault

    proxy.rule = rule
    process = subprocess.Popen([MVC, *args], cwd=repo.root, env=repo.environ, stderr=subprocess.DEVNULL)
    assert reached.wait(60)
    process.send_signal(signal.SIGKILL)
    process.wait()
    proxy.rule = lambda _: None


def test_a_killed_upload_is_begun_again(work: Repo, here: Repo, proxied: Proxy) -> None:
    target = f"127.0.0.1:{proxied.port}/ml/killed:v1"
    killed(work, proxied, Fault(taken=100_000), "PUT", "package", "ranker@v1.0.0", "--oci", target)
    assert "has no artifact v1" in here.fails(3, "get", f"oci://{target}").errors[0]
    work.ok("package", "ranker@v1.0.0", "--oci", target)
    here.ok("get", f"oci://{target}")
    assert here.read("ranker.onnx") == work.read("models/ranker.onnx")


def test_a_killed_download_leaves_nothing_that_the_next_does_not_remove(
    work: Repo, here: Repo, proxied: Proxy,
) -> None:
    target = f"127.0.0.1:{proxied.port}/ml/stalled:v1"
    work.ok("package", "bert@v1.0.0", "--oci", target)
    stalled = Fault(answer=lambda answer: answer.with_body(answer.body[:10], len(answer.body))._replace(ending="stall"))
    killed(here, proxied, stalled, "GET", "get", f"oci://{target}")
    assert set(os.listdir(here.root)) <= {".mvc-tmp"}
    here.ok("get", f"oci://{target}")
    assert set(os.listdir(here.root)) == {"bert", "bert.eval.yaml"}
