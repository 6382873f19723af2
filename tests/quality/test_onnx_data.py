"""Where an ONNX model keeps its weights: read from files as `onnx` writes them, and from broken ones."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from quality.onnx_files import REAL, field, model, tensor

from mvc.errors import InvalidFormat
from mvc.modelfiles import onnx_data
from mvc.modelfiles.onnx_data import external_locations


def locations(raw: bytes) -> list[str]:
    return external_locations(io.BytesIO(raw))


def test_a_file_as_onnx_writes_it() -> None:
    """It has external data in the graph, in both branches of an `If`, and in a function."""
    assert locations(REAL) == ["fn.bin", "m.onnx.data", "sub.bin"]


def test_weights_in_the_file_are_stepped_over() -> None:
    inside = field(5, field(9, b"\x6a" * 1000))  # as if each byte began a field of external data
    assert locations(model(tensor("w.bin"), graph=inside)) == ["w.bin"]
    assert locations(model()) == []


@pytest.mark.parametrize("raw", [b"", b"\x08", b"\xff" * 100, b"{}", b"\x3a\xff\xff\xff\xff\x0f", b"\x3b" * 9])
def test_what_is_not_onnx_has_none(raw: bytes) -> None:
    assert locations(raw) == []


def test_what_comes_before_an_end_is_found() -> None:
    raw = model(tensor("w.bin"))
    assert locations(raw + b"\x0b\x0c") == ["w.bin"]  # a group, which protobuf would skip
    assert locations(raw[:-3]) == []


@pytest.mark.parametrize("hidden", [
    pytest.param(b"\xa3\x06\xa4\x06" + model(tensor("w.bin")), id="behind a group"),
    pytest.param(b"\xba\x80\x80\x80\x10" + model(tensor("w.bin"))[3:], id="by a tag of more than 32 bits"),
    pytest.param(field(25, field(11, field(5, tensor("w.bin")))), id="in a default attribute of a function"),
])
def test_what_parsers_of_onnx_read_is_not_hidden(hidden: bytes) -> None:
    assert locations(hidden) == ["w.bin"]


def test_a_location_is_only_the_value_of_that_key() -> None:
    entry = field(13, field(1, b"checksum") + field(2, b"../x"))
    assert locations(model(entry)) == []
    last = field(13, field(2, b"w.bin") + field(1, b"offset") + field(1, b"location"))  # of two keys, the last counts
    assert locations(model(last)) == ["w.bin"]


def test_a_bomb_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_data, "MOST_FIELDS", 1000)
    with pytest.raises(InvalidFormat, match="more than 1,000 fields"):
        locations(b"\x38\x01" * 1001)
    nested = b""
    for _ in range(40):
        nested = field(1, field(5, field(6, nested)))  # a graph in an attribute of a node of a graph
    with pytest.raises(InvalidFormat, match="deeper than"):
        locations(field(7, nested))


def test_a_long_location_is_cut() -> None:
    (found,) = locations(model(tensor("a" * 1_000_000)))
    assert len(found) == onnx_data.LONGEST + 1


@given(st.integers(0, len(REAL) - 1), st.binary(max_size=8), st.integers(0, 8))
def test_no_change_breaks_it(start: int, put: bytes, gone: int) -> None:
    raw = REAL[:start] + put + REAL[start + gone :]
    assert all(isinstance(item, str) for item in locations(raw))
