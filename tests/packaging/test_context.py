"""`mvc package -o DIR`: what it writes has no weights, and its commands do what they say. No image is built."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from urllib.request import urlopen

import pytest
from harness import MVC, PROJECT, Repo
from servers import running

from mvc.ops.lifecycle.packaging.context import DEFAULT_PYTHON, Source, build_context
from mvc.quality.reports.report import Environment, Model, Report

FILES = [".dockerignore", "Dockerfile", "fetch.sh", "model.eval.yaml", "model.mvc", "requirements.txt", "start.sh"]
ENVIRONMENT = Environment(python="3.11.7", packages={"numpy": "2.3.5", "torch": "2.9.0+cu128"})


def context_of(environment: Environment | None) -> tuple[dict[str, str], tuple[str, ...]]:
    report = Report(format=2, model=Model(blake3="0" * 64), environment=environment)
    made = build_context("models/m.bin", "m", Source("oci://h.io/m"), {".mvc": b"pointer"}, report)
    return {name: content.decode() for name, content in made.files.items()}, made.remarks


def test_base_and_packages_are_those_of_the_report() -> None:
    files, remarks = context_of(ENVIRONMENT)
    assert files["Dockerfile"].startswith("FROM python:3.11.7\n")
    assert files["requirements.txt"].splitlines()[1:] == ["numpy==2.3.5", "torch==2.9.0"]
    assert not remarks


@pytest.mark.parametrize(("environment", "said"), [
    (None, "no report says with which packages"),
    (Environment(python="3.9.1"), "the report names Python '3.9.1'"),
    (Environment(python="3.11\nRUN rm -rf /"), "the report names Python"),
    (Environment(python=""), "the report names Python"),
    (Environment(python="3.12", packages={"numpy": "1\n--index-url http://x"}), "left out"),
    (Environment(python="3.12", packages={"-r/etc/passwd": "1"}), "left out"),
    (Environment(python="3.12", packages={"x": "1; rm"}), "left out"),
    (Environment(python="3.12", packages={"mvc": "9.9"}), "left out, the server has its own: mvc 9.9"),
    (Environment(python="3.12", packages={"Prometheus_Client": "9"}), "left out, the server has its own"),
    (Environment(python="3.12", packages={"typer": "0.1"}), "left out, the server has its own"),
])
def test_what_a_report_lacks_or_makes_up(environment: Environment | None, said: str) -> None:
    files, remarks = context_of(environment)
    assert said in remarks[0]
    assert files["Dockerfile"].startswith(f"FROM python:{DEFAULT_PYTHON}\nARG")
    assert len(files["requirements.txt"].splitlines()) == 1


@pytest.fixture
def context(work: Repo, registry: str, tmp_path: Path) -> Path:
    """Return the context of a model that is in the registry."""
    work.ok("package", "bert@v1.0.0", "--oci", f"{registry}/ml/context:v1")
    made = work.ok("package", "bert@v1.0.0", "-o", "../context")
    assert f"The image fetches oci://{registry}/ml/context@sha256:" in made.out
    return tmp_path / "context"


def test_it_is_clean_and_has_no_weights(work: Repo, context: Path) -> None:
    assert sorted(path.name for path in context.iterdir()) == FILES
    assert (context / "model.mvc").read_bytes() == work.read("models/bert.mvc")
    assert (context / "model.eval.yaml").read_bytes() == work.read("models/bert.eval.yaml")
    assert sum(path.stat().st_size for path in context.iterdir()) < 20_000
    hadolint = subprocess.run(["hadolint", context / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (hadolint.returncode, hadolint.stdout) == (0, "")
    subprocess.run(["shellcheck", "-s", "sh", context / "fetch.sh", context / "start.sh"], check=True)


def test_the_image_fetches_the_model_when_it_starts(
    work: Repo, context: Path, tmp_path: Path, environ: dict[str, str],
) -> None:
    place = tmp_path / "srv"
    place.mkdir()
    here = Repo(place, {**environ, "PATH": f"{context}/bin:{environ['PATH']}"})
    line = f"set -- --port 8080; {entry(context)}"
    first = here.run("sh", "-c", line)
    assert (first.code, first.out.splitlines()[-1]) == (0, "serve ./bert --port 8080"), first
    assert here.read("bert.eval.yaml") == work.read("models/bert.eval.yaml")
    assert here.contents("bert") == work.contents("models/bert")
    again = here.run("sh", "-c", line)
    assert again.code == 0, again
    assert "Wrote" not in again.out
    here.remove("bert/empty")
    spoiled = here.run("sh", "-c", line)
    assert (spoiled.code, "differ" in spoiled.out) == (1, True), spoiled


@pytest.mark.long
def test_what_the_image_starts_answers(
    bare_git: Repo, registry: str, tmp_path: Path, model_file: Callable[[str], Path],
) -> None:
    bare_git.ok("init")
    bare_git.write("magika.onnx", model_file("magika").read_bytes())
    bare_git.added("magika.onnx")
    bare_git.ok("package", "magika.onnx", "--oci", f"{registry}/ml/magika")
    bare_git.ok("package", "magika.onnx", "-o", "../context")
    entry(tmp_path / "context")
    (tmp_path / "srv").mkdir()

    def command(port: int) -> list[str | Path]:
        return ["sh", tmp_path / "context/start.sh", "--port", str(port), "--grpc-port", "off"]

    environ = {**bare_git.environ, "PATH": f"{Path(MVC).parent}:{bare_git.environ['PATH']}"}
    (tmp_path / "context/bin/mvc").unlink()
    with (
        running(command, tmp_path / "srv/log", environ) as port,
        urlopen(f"http://127.0.0.1:{port}/v2/models/magika", timeout=60) as answer,
    ):
        assert b'"platform":"onnxruntime_onnx"' in answer.read()


def entry(context: Path) -> str:
    """Return the script of the image, with another folder for /opt. `mvc serve` only prints its arguments."""
    (context / "bin").mkdir(exist_ok=True)
    (context / "bin/mvc").write_text(f'#!/bin/sh\n[ "$1" = serve ] && echo "$@" && exit\nexec {MVC} "$@"\n')
    (context / "bin/mvc").chmod(0o755)
    for script in context.glob("*.sh"):
        script.write_text(script.read_text().replace("/opt/", f"{context}/"))
    return (context / "start.sh").read_text()


def test_without_an_artifact_the_image_fetches_from_the_repository(
    work: Repo, tmp_path: Path, environ: dict[str, str],
) -> None:
    work.ok("remote", "add", "nas", str(tmp_path / "nas"), "--default")
    work.git("add", ".mvc")
    work.commit("remote")
    work.ok("push")
    work.git("init", "-q", "--bare", str(tmp_path / "hub.git"))
    work.git("remote", "add", "origin", "../hub.git")
    work.git("push", "-q", "origin", "main")
    made = work.ok("package", "models/ranker.onnx", "-o", "../context")
    assert f"origin is {tmp_path}/hub.git, a path of this machine" in made.err
    (tmp_path / "srv").mkdir()
    here = Repo(tmp_path / "srv", {**environ, "PATH": f"{tmp_path}/context/bin:{environ['PATH']}"})
    done = here.run("sh", "-c", entry(tmp_path / "context"))
    assert (done.code, done.out.splitlines()[-1]) == (0, "serve ./ranker.onnx"), done
    assert here.read("ranker.onnx") == work.read("models/ranker.onnx")


@pytest.mark.long
def test_the_image_installs_mvc_from_a_checkout(context: Path, tmp_path: Path, environ: dict[str, str]) -> None:
    """Without requirements, so that it takes no time."""
    shutil.copytree(PROJECT / "ci", tmp_path / "mvc/ci")
    (tmp_path / "mvc/ci/requirements-serve.txt").write_text("")
    source = Repo(tmp_path / "mvc", environ)
    source.git("init", "-q")
    source.git("add", ".")
    commit = source.commit()
    dockerfile = (context / "Dockerfile").read_text()
    (install,) = re.findall(r"^RUN (git (?:.*\\\n)*.*)\n", dockerfile, re.MULTILINE)
    install = install.replace("/opt/", f"{tmp_path}/opt/")
    done = source.run("sh", "-c", install, env={"MVC_URL": f"file://{source.root}", "MVC_COMMIT": commit})
    assert done.code == 0, done
    assert (tmp_path / "opt/mvc/bin/mvc").exists()


def test_what_cannot_be_written(work: Repo, tmp_path: Path) -> None:
    assert "nowhere to fetch it from" in work.fails(2, "package", "ranker@v1.0.0", "-o", "../c").errors[0]
    work.git("remote", "add", "origin", "https://user:secret@example.com/x")
    result = work.fails(2, "package", "ranker@v1.0.0", "-o", "../c")
    assert "has a login in it" in result.errors[0]
    assert "secret" not in result.err
    work.git("remote", "set-url", "origin", "https://example.com/x")
    assert "already exists" in work.fails(2, "package", "ranker@v1.0.0", "-o", ".").errors[0]
    assert "does not exist" in work.fails(2, "package", "ranker@v1.0.0", "-o", "../no/c").errors[0]
    wrong = {".git/c": "is in .git", ".mvc/c": "is in .mvc", "models/ranker.onnx/a/c": "is not a directory"}
    for place, told in wrong.items():
        assert told in work.fails(2, "package", "ranker@v1.0.0", "-o", place).errors[0]
    odd = work.fails(2, "package", "ranker@v1.0.0", "-o", "../new\nline/c")
    assert "try: mkdir -p $'" in odd.err
    assert "COMMIT ./--\n" in work.ok("package", "ranker@v1.0.0", "-o", "--").out
    assert work.fails(2, "get", "oci://127.0.0.1:9/a/b:c", "-o", ".git/c").errors[0].endswith("files of the user")
    work.write("models/ranker.onnx", "new")
    work.ok("add", "models/ranker.onnx")
    assert "is not committed as it is" in work.fails(2, "package", "models/ranker.onnx", "-o", "../c").errors[0]
    assert not (tmp_path / "c").exists()
