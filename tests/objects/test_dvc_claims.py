"""Which paths a file of DVC keeps the content of."""

from __future__ import annotations

import pytest

from mvc.objects.dvc.claims import claims_outputs, outputs

PIPELINE = b"""
stages:
  train:
    cmd: python train.py
    wdir: src
    deps: [data.csv, ../models/old.onnx]
    outs:
    - ../models/r.onnx
    - ../models/kept.onnx: {cache: false}
    - model.bin: {persist: true}
    metrics: [m.json: {cache: false}]
    plots: [p.csv]
  each:
    foreach: [1, 2]
    do: {cmd: x, outs: [models/each.onnx]}
vars: [a.yaml]
plots: [top.csv]
"""
CASES: dict[str, tuple[str, bytes, set[str]]] = {
    "as dvc add writes it": ("models/r.onnx.dvc", b"outs:\n- md5: 12\n  size: 1\n  path: r.onnx\n", {"models/r.onnx"}),
    "another name": (
        "models/x.dvc", b"outs: [{path: r.onnx}, {path: sub/s.onnx}]", {"models/r.onnx", "models/sub/s.onnx"},
    ),
    "a working directory": ("a/x.dvc", b"wdir: ../models\nouts: [{path: r.onnx}]", {"models/r.onnx"}),
    "the top as working directory": ("a/x.dvc", b"wdir: ..\nouts: [{path: r.onnx}]", {"r.onnx"}),
    "a working directory outside": ("a/x.dvc", b"wdir: ../..\nouts: [{path: r.onnx}]", set()),
    "one that is imported": (
        "x.dvc", b"deps: [{path: r.onnx, repo: {url: u}}]\nouts: [{path: ./s.onnx, md5: a}]", {"s.onnx"},
    ),
    "not in the cache": ("x.dvc", b"outs: [{path: r.onnx, cache: false}]", set()),
    "outside": ("x.dvc", b"outs: [{path: ../r}, {path: /r}, {path: 's3://b/r'}, {path: '.'}]", set()),
    "a quoted path": ("x.dvc", b'"outs": [{"path": "\\x72.onnx"}]', {"r.onnx"}),
    "a number": ("x.dvc", b"outs: [{path: 12}]", {"12"}),
    "nothing": ("x.dvc", b"", {"x"}),
    "no list": ("x.dvc", b"outs: r.onnx", set()),
    "a list": ("x.dvc", b"- outs", {"x"}),
    "anchors": ("m/x.dvc", b"outs: [&a {path: r.onnx}, {path: s.onnx}]", {"m/x", "m/r.onnx"}),
    "a digest of digits alone": ("m/x.dvc", b"outs: [{md5: %032d, path: r.onnx}]" % 1, {"m/x", "m/r.onnx"}),
    "stages": (
        "dvc.yaml", PIPELINE, {"models/r.onnx", "src/model.bin", "src/p.csv", "models/each.onnx", "top.csv"},
    ),
    "stages that are none": ("dvc.yaml", b"stages: [a]\n", set()),
    "a stage that is none": ("a/dvc.yaml", b"stages: {a: b}\n", set()),
}


@pytest.mark.parametrize("case", CASES)
def test_what_a_file_keeps(case: str) -> None:
    path, raw, expected = CASES[case]
    assert claims_outputs(path)
    assert outputs(path, raw, {"m/r.onnx", "m/other"}) == expected


@pytest.mark.parametrize("path", [".dvc", "a/.dvc", ".dvc/config", "dvc.lock", "a.dvc.txt", "xdvc.yaml", "dvcfile"])
def test_what_is_no_such_file(path: str) -> None:
    assert not claims_outputs(path)
