"""What a model's file says about its tensors: in the report, and in what shows it."""

from __future__ import annotations

import json
import struct

import pytest
from harness import Repo
from runtime.written import MODELS, make
from site_facts import Elements


def safetensors(tensors: dict[str, object]) -> bytes:
    header = json.dumps(tensors).encode()
    return struct.pack("<Q", len(header)) + header + b"data"


def f32(*shape: float) -> dict[str, object]:
    return {"dtype": "F32", "shape": shape, "data_offsets": [0, 0]}


def recorded(repo: Repo, path: str) -> str:
    """Record a report of a new model; return its line about tensors, empty without one."""
    repo.ok("add", path, "--name", "m")
    repo.ok("eval", "record", path, "--tag", "v1.0.0", "--metric", "auc=0.9")
    lines = repo.read(f"{path}.eval.yaml").decode().splitlines()
    return next((line for line in lines if line.startswith("tensors:")), "")


def test_the_weights_of_safetensors_are_counted_by_type(repo: Repo) -> None:
    half = {**f32(10), "dtype": "F16"}
    repo.write("m/a.safetensors", safetensors({"w": f32(2, 3), "b": f32(), "__metadata__": {"format": "pt"}}))
    repo.write("m/b.safetensors", safetensors({"w": f32(5), "half": half}))
    assert recorded(repo, "m") == "tensors: {weights: {F32: 12, F16: 10}}"
    assert "mvc-eval: 2" in repo.read("m.eval.yaml").decode()
    assert "weights      12 of F32, 10 of F16" in repo.ok("eval", "show", "m").out


def test_inputs_and_outputs_are_named(repo: Repo) -> None:
    (item,) = (item for item in MODELS if item.name == "tensor.onnx")
    make(item, repo.root)
    assert recorded(repo, item.name) == (
        'tensors: {inputs: [{name: "X", type: "float32", shape: [null, 4]}], '
        'outputs: [{name: "label", type: "int64", shape: [null]}, '
        '{name: "probabilities", type: "float32", shape: [null, 3]}]}'
    )
    shown = repo.ok("eval", "show", item.name).out
    assert "takes        X float32[?, 4]" in shown
    assert "returns      label int64[?]" in shown


def test_a_page_of_the_site_shows_them(repo: Repo) -> None:
    repo.write("m.safetensors", safetensors({"<script>": f32(1200, 10)}))
    recorded(repo, "m.safetensors")
    repo.commit("a model")
    repo.ok("register", "m")
    repo.ok("site", "-o", "../out")
    page = Elements((repo.root.parent / "out/models/m/v1.0.0.html").read_text())
    assert "12,000 of F32" in " ".join(page.text.split())


def test_a_report_of_other_content_does_not_keep_them(repo: Repo) -> None:
    repo.write("m.bin", safetensors({"w": f32(2)}))
    assert recorded(repo, "m.bin")
    repo.write("m.bin", "no tensors")
    assert recorded(repo, "m.bin") == ""


@pytest.mark.parametrize("tensors", [
    {"w": f32(2**40, 2**40)},
    {"w": f32(-1)},
    {"w": {**f32(1), "dtype": "a: b"}},
    {"w": f32(0.5)},
    {},
])
def test_a_damaged_header_is_not_told(repo: Repo, tensors: dict[str, object]) -> None:
    repo.write("m.safetensors", safetensors(tensors))
    assert recorded(repo, "m.safetensors") == ""


@pytest.mark.parametrize(("inputs", "told"), [
    (100, True),
    (101, False),
])
def test_of_many_inputs_none_are_named(repo: Repo, inputs: int, told: bool) -> None:
    names = " ".join(f"column-{number}" for number in range(inputs))
    repo.write("m.txt", f"tree\nversion=v4\nfeature_names={names}\nobjective=regression\n\nTree=0\n")
    assert ("column-99" in recorded(repo, "m.txt")) == told
