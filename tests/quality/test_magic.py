"""Formats by their first bytes: real models of each format are recognized, other files are not."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import pickle
import struct
import sysconfig
import zipfile
from collections.abc import Callable
from pathlib import Path

import joblib
import numpy as np
import pytest
from harness import PROJECT
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from mvc.modelfiles.magic import HEAD, KINDS, is_lfs_pointer, kind_of
from mvc.modelfiles.raw import raw_kind


def told(content: bytes) -> str:
    """Return the kind of a file with this content."""
    return kind_of(content[:HEAD], len(content))


def written(write: Callable[[io.BytesIO], object]) -> bytes:
    """Return the content of a file that `write` writes."""
    file = io.BytesIO()
    write(file)
    return file.getvalue()


# Real ones.


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("magika", "onnx"), ("silero-onnx", "onnx"), ("silero-jit", "pytorch"), ("profanity", "joblib"),
        ("minilm", "safetensors"),
    ],
)
def test_a_real_model(model_file: Callable[[str], Path], name: str, kind: str) -> None:
    path = model_file(name)
    with path.open("rb") as file:
        assert kind_of(file.read(HEAD), path.stat().st_size) == kind


MODEL = LogisticRegression().fit(np.eye(4), [0, 1, 0, 1])


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("value", [MODEL, None, 1, "x", [], {}, (1,), b"bytes", 2.5, True, {1, 2}, 1 << 70, len])
def test_a_pickle_of_any_protocol(value: object, protocol: int) -> None:
    assert told(pickle.dumps(value, protocol)) == "pickle"


@pytest.mark.parametrize("protocol", [0, 1])
@pytest.mark.parametrize("value", [MODEL, {"weights": [0.5] * 9}, {"weights": "x" * HEAD}, [MODEL]])
def test_a_pickle_of_an_early_protocol(value: object, protocol: int) -> None:
    assert told(pickle.dumps(value, protocol)) == "pickle"


@pytest.mark.parametrize("text", ["class\nName\n(body", "(lp0\nlisp", "(dp0\n", "cat\nsat\np0\non the mat.\n"])
def test_what_only_begins_like_an_early_pickle(text: str) -> None:
    assert told(text.encode()) == ""


@pytest.mark.parametrize("compress", [0, 1, 3, 9, ("gzip", 3), ("bz2", 9), ("xz", 9), ("lzma", 3)])
def test_joblib_compressed_or_not(compress: int | tuple[str, int]) -> None:
    assert told(written(lambda file: joblib.dump(MODEL, file, compress=compress))) == "joblib"


def test_a_compressed_pickle() -> None:
    assert told(gzip.compress(pickle.dumps([1, 2]))) == "pickle"
    large = pickle.dumps(np.random.default_rng(1).bytes(2_000_000))
    for compressed in (bz2.compress(large), lzma.compress(large)):
        assert kind_of(compressed[: 1 << 20], len(compressed)) == "pickle"
    assert told(bz2.compress(b"text " * 999)) == told(lzma.compress(b"text " * 999)) == ""
    assert told(b"BZh is a word") == told(b"]\0\0 too") == ""


def test_numpy_alone_and_in_a_zip() -> None:
    assert told(written(lambda file: np.save(file, np.eye(3)))) == "numpy"
    assert told(written(lambda file: np.savez(file, a=np.eye(3)))) == "numpy"
    assert told(written(lambda file: np.savez_compressed(file, a=np.eye(3)))) == "numpy"


def zipped(*names: str, compression: int = zipfile.ZIP_STORED) -> bytes:
    """Return a zip with files of these names."""
    def write(file: io.BytesIO) -> None:
        with zipfile.ZipFile(file, "w", compression) as archive:
            for name in names:
                archive.writestr(name, b"content" * 9)

    return written(write)


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_zip_with_a_pickle_in_it(compression: int) -> None:
    assert told(zipped("archive/version", "archive/data.pkl", compression=compression)) == "pytorch"
    assert told(zipped("word/document.xml", "[Content_Types].xml", compression=compression)) == ""


@pytest.mark.parametrize(
    ("name", "kind"), [("archive/data.pkl", "pytorch"), ("model.weights.h5", "keras"), ("notes.txt", "")],
)
def test_what_tells_may_lie_deep_in_a_zip(name: str, kind: str) -> None:
    def write(file: io.BytesIO) -> None:
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("config.json", " " * 3 * HEAD)
            archive.writestr(name, b"content")

    content = written(write)
    assert kind_of(content, len(content)) == kind


def test_the_older_form_of_pytorch() -> None:
    assert told(pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(1001, 2)) == "pytorch"


def test_hdf5_behind_a_block_of_the_users_own() -> None:
    for start in (0, 512, 1024, 2048):
        assert told(bytes(start) + b"\x89HDF\r\n\x1a\n" + bytes(90)) == "hdf5"
    assert told(bytes(100) + b"\x89HDF\r\n\x1a\n" + bytes(90)) == ""


def test_gguf_of_either_byte_order() -> None:
    assert told(b"GGUF" + struct.pack("<IQ", 3, 1)) == "gguf"
    assert told(b"GGUF" + struct.pack(">IQ", 3, 1)) == "gguf"
    assert told(b"GGUF is a format") == ""
    assert told(b"GGUF") == ""


def test_safetensors() -> None:
    header = json.dumps({"__metadata__": {"format": "pt"}}).encode()
    assert told(struct.pack("<Q", len(header)) + header) == "safetensors"
    assert told(struct.pack("<Q", len(header) + 1) + header) == "", "longer than the file"
    assert told(b'{"a": 1}{"b": 2}') == ""
    for space in (b" ", b"\n  ", b"\t"):
        spaced = b"{" + space + header[1:]
        assert told(struct.pack("<Q", len(spaced)) + spaced) == "safetensors"


# ONNX has no magic bytes.

GRAPH = b"\x0a\x04\x22\x02Ad\x12\x01g"
OPSETS = b"\x42\x04\x0a\x00\x10\x11"


def onnx(graph: bytes = GRAPH, *, before: bytes = b"\x12\x07pytorch", after: bytes = OPSETS) -> bytes:
    """Return a model in ONNX's format."""
    length = bytes([len(graph) & 0x7F | 0x80, len(graph) >> 7 & 0x7F | 0x80, len(graph) >> 14])
    return b"\x08\x08" + before + b"\x3a" + length + graph + after


def test_onnx() -> None:
    assert told(onnx()) == "onnx"
    assert told(onnx(before=b"", after=OPSETS + b"\x72\x06\x0a\x01k\x12\x01v")) == "onnx"
    large = b"\x0a\x04\x22\x02Ad" + b"\x12\x80\x80\x01" + bytes(1 << 14)
    assert told(onnx(large)) == "onnx"


@pytest.mark.parametrize(
    "content",
    [
        onnx()[:-1], onnx(after=b""), onnx(before=b"\x12\x03\x00\x01\x02"), onnx(before=b"\x4a\x01x"),
        onnx(b"\x08\x01"),
        b"\x08\x08", b"\x08", b"\x08\x08" + OPSETS, b"\x08\x96\x01" + onnx()[2:], onnx(after=OPSETS + b"\xff" * 20),
    ],
)
def test_other_protobufs_are_no_onnx(content: bytes) -> None:
    assert told(content) == ""


# Other files.


def test_no_text_of_this_project_is_a_model() -> None:
    """A file is also looked into as one that would be committed."""
    files = [path for top in ("mvc", "tests", "docs") for path in (PROJECT / top).rglob("*") if path.is_file()]
    assert len(files) > 200
    assert not [path for path in files if told(path.read_bytes()) or raw_kind(path.read_bytes(), path.stat().st_size)]


def test_hardly_any_file_of_pythons_library_is_a_model() -> None:
    top = Path(sysconfig.get_path("stdlib"))
    files = [path for path in top.glob("[a-j]*/*") if path.is_file()]
    assert len(files) > 100
    assert not [path for path in files if told(path.read_bytes()[:HEAD]) or raw_kind(path.read_bytes(), 1 << 30)]


@given(st.binary(max_size=200))
def test_noise_is_read_without_an_error(content: bytes) -> None:
    assert told(content) in ("", *KINDS)


@given(st.sampled_from([onnx(), zipped("a/data.pkl"), pickle.dumps(MODEL), gzip.compress(b"x" * 99)]), st.data())
def test_what_is_damaged_is_read_without_an_error(content: bytes, data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(content) - 1))
    damaged = bytearray(content)
    damaged[position] = data.draw(st.integers(0, 255))
    assert told(bytes(damaged)[: data.draw(st.integers(0, len(content)))]) in ("", *KINDS)


@given(st.text(min_size=3))
def test_text_is_no_model(text: str) -> None:
    assert told(text.encode()) == ""


def test_a_pointer_of_git_lfs() -> None:
    text = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"a" * 64 + b"\nsize 1\n"
    assert is_lfs_pointer(text, len(text))
    assert not is_lfs_pointer(text, 1 << 20), "something that only begins like one"
    assert not is_lfs_pointer(b"version 2", 9)
