"""`mvc package --oci` and `mvc get oci://…` with a real registry."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from harness import MVC, Repo
from proxy import Proxy, Request

MODELS = {"ranker.onnx": "ranker@v1.0.0", "bert": "bert@v1.0.0"}


@pytest.mark.parametrize("name", MODELS)
def test_a_model_comes_back_as_it_was(work: Repo, here: Repo, registry: str, name: str) -> None:
    made = work.ok("package", MODELS[name], "--oci", f"{registry}/ml/{name}:v1", "--json").json
    assert made["reference"] == f"{registry}/ml/{name}@{made['digest']}"
    got = here.ok("get", f"oci://{made['reference']}")
    assert got.out.splitlines()[0].startswith(f"Wrote {made['reference']} to {here.path(name)} (")
    assert here.path(f"{name}.eval.yaml").read_bytes() == work.read(f"models/{name}.eval.yaml")
    assert set(os.listdir(here.root)) == {name, f"{name}.eval.yaml"}
    if name == "bert":
        assert here.contents(name) == work.contents(f"models/{name}")
        assert os.access(here.path("bert/run.sh"), os.X_OK)
        assert not os.access(here.path("bert/same"), os.X_OK)
    else:
        assert here.read(name) == work.read(f"models/{name}")


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
    assert digest in here.ok("get", f"oci://{registry}/ml/tagged:best").out


def test_a_note_at_the_commit_names_the_artifact(work: Repo, registry: str) -> None:
    made = work.ok("package", "ranker@v1.0.0", "--oci", f"{registry}/ml/noted", "--json").json
    assert made["noted"] == work.git("rev-parse", "HEAD")
    work.ok("package", "models/ranker.onnx", "--oci", f"{registry}/ml/noted")
    work.ok("package", "ranker@v1.0.0", "--oci", f"{registry}/ml/noted")
    lines = work.git("notes", "--ref=mvc-packages", "show", "HEAD").splitlines()
    assert lines[0] == f"{made['reference']} models/ranker.onnx"
    assert len(lines) == 2  # that of the workspace names no commit
