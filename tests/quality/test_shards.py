"""An index of safetensors shards against the files beside it."""

from __future__ import annotations

import json

import pytest

from mvc.modelfiles import shards
from mvc.modelfiles.shards import shard_problems

NAME = "model.safetensors.index.json"
ONE, TWO, THREE = (f"model-0000{number}-of-00002.safetensors" for number in (1, 2, 3))


def index(*names: str) -> bytes:
    return json.dumps({"metadata": {"total_size": 8}, "weight_map": dict(enumerate(names))}).encode()


def problems(raw: bytes, *beside: str) -> list[str]:
    return list(shard_problems(raw, NAME, {NAME, "config.json", *beside}))


def test_an_index_that_names_what_is_there() -> None:
    assert problems(index(ONE, TWO, ONE), ONE, TWO) == []
    others = ("model.safetensors", "adapter-00001-of-00001.safetensors", f"{TWO}.eval.yaml")
    assert problems(index(ONE), ONE, *others) == []


def test_what_is_missing_and_what_is_too_much() -> None:
    assert problems(index(ONE, TWO), ONE) == [f"{NAME} names {TWO}, not there"]
    assert problems(index(ONE), ONE, TWO, THREE) == [f"{NAME} does not name {TWO}, {THREE}, beside it"]
    assert problems(index("a", "b", "c", "d"))[0].endswith("names a, b, c and 1 more, not there")
    assert problems(index("../secret"))[0].endswith("names ../secret, not there")


@pytest.mark.parametrize("raw", [
    b"", b"[]", b"{}", b"\xff", b'{"weight_map": []}', b'{"weight_map": {"a": 1}}', b"[" * 100_000,
    b'{"weight_map": {"a": "\\ud800"}}',
])
def test_what_is_not_an_index(raw: bytes) -> None:
    (problem,) = problems(raw)
    assert problem.startswith(f"{NAME} is not an index of shards: ")


def test_a_large_one_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "LARGEST", 1 << 20)
    assert problems(b" " * (1 << 20) + b"{}") == [f"{NAME} has more than 1 MiB, which no index has"]
    assert len(problems(index("a" * 1000))[0]) < 200
