"""Models that would be committed to Git as they are: recognized in archives, too; data is none."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import pickle
import struct
import tarfile
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.io import netcdf_file

from mvc.modelfiles.raw import UNPACKED, raw_kind

HEADER = json.dumps({"w": {"dtype": "F32", "shape": [5], "data_offsets": [0, 20]}}).encode()
SAFETENSORS = struct.pack("<Q", len(HEADER)) + HEADER + bytes(20)
LIGHTGBM = b"tree\nversion=v4\nnum_class=1\n"
HDF5 = b"\x89HDF\r\n\x1a\n" + bytes(90)


def kind(raw: bytes) -> str:
    """Return what a whole file is."""
    return raw_kind(raw, len(raw))


def zipped(*members: bytes, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for number, raw in enumerate(members):
            archive.writestr(f"{number}", raw)
    return file.getvalue()


def tarred(*members: bytes, mode: str = "w", form: int = tarfile.PAX_FORMAT) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode, format=form) as archive:  # type: ignore[call-overload]  # a mode of many
        for number, raw in enumerate(members):
            info = tarfile.TarInfo(f"models/{number}")
            info.size = len(raw)
            archive.addfile(info, io.BytesIO(raw))
    return file.getvalue()


def seventh(raw: bytes) -> bytes:
    """Return a tar as Unix version 7 wrote it, without magic bytes."""
    header = bytearray(tarred(raw, form=tarfile.USTAR_FORMAT))
    header[257:265] = bytes(8)
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header[:512])
    return bytes(header)


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zlib": zlib.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "lzma": lambda raw: lzma.compress(raw, lzma.FORMAT_ALONE),
    "gzip, behind an empty one": lambda raw: gzip.compress(b"") + gzip.compress(raw),
    "xz, in two parts": lambda raw: lzma.compress(raw[:9]) + lzma.compress(raw[9:]),
    "zip": lambda raw: zipped(b"notes", raw),
    "zip, stored": lambda raw: zipped(raw, compression=zipfile.ZIP_STORED),
    "zip, by bzip2": lambda raw: zipped(raw, compression=zipfile.ZIP_BZIP2),
    "zip, by LZMA": lambda raw: zipped(raw, compression=zipfile.ZIP_LZMA),
    "tar": lambda raw: tarred(b"notes" * 999, raw),
    "tar of GNU": lambda raw: tarred(raw, form=tarfile.GNU_FORMAT),
    "tar of version 7": seventh,
    "tar.gz": lambda raw: tarred(b"notes" * 9999, raw, mode="w:gz"),
    "tar.bz2": lambda raw: tarred(raw, mode="w:bz2"),
    "tar.xz": lambda raw: tarred(raw, mode="w:xz"),
    "a zip in a tar.gz": lambda raw: tarred(b"", zipped(raw), mode="w:gz"),
    "a gzip in a zip": lambda raw: zipped(gzip.compress(raw)),
    "far behind in a zip": lambda raw: zipped(bytes(2 << 20), raw),
}


@pytest.mark.parametrize("how", PACKED)
def test_a_model_in_an_archive(how: str) -> None:
    for raw, expected in ((SAFETENSORS, "safetensors"), (LIGHTGBM, "lightgbm"), (HDF5, "hdf5")):
        assert kind(PACKED[how](raw)) == expected
    assert kind(PACKED[how](b"text\n" * 99)) == ""


MODELS = {
    "tflite": [b"\x1c\0\0\0TFL3" + bytes(90)],
    "executorch": [b"\x38\0\0\0ET12" + bytes(90)],
    "lightgbm": [LIGHTGBM, b"tree\r\nversion=v3\r\n"],
    "catboost": [b"CBM1" + bytes(90)],
    "xgboost": [
        b'{"learner":{"attributes":{}}}', b'{"version": [3, 0, 2], "learner": {', b"{L\0\0\0\0\0\0\0\7learner{L",
        b"{i\7learner{",
    ],
    "skops": [zipped(b'{\n  "__class__": "Pipeline", "__module__": "sklearn.pipeline", "__loader__": "ObjectNode"}')],
    "pmml": [b"<PMML version='4'>", b'<?xml version="1.0"?>\n<!-- made by -->\n<PMML>'],
    "pickle": [pickle.dumps([1])],
    "hdf5": [HDF5, HDF5 + b"_NCProperties and keras_version"],
    "safetensors": [SAFETENSORS],
}


@pytest.mark.parametrize("name", MODELS)
def test_a_model_by_its_first_bytes(name: str) -> None:
    assert [kind(raw) for raw in MODELS[name]] == [name] * len(MODELS[name])


def saved(save: Callable[..., object], *values: object, **named: object) -> bytes:
    file = io.BytesIO()
    save(file, *values, **named)
    return file.getvalue()


def netcdf() -> bytes:
    file = io.BytesIO()
    with netcdf_file(file, "w") as opened:
        opened.createDimension("time", 3)
        opened.createVariable("time", "i", ("time",))[:] = [1, 2, 3]
        opened.flush()
        return file.getvalue()


def test_data_is_no_model() -> None:
    arrays = [np.eye(3), np.array(["O", "|O"]), np.zeros(2, [("a", "f8"), ("O", "i4")])]
    plain = [saved(np.save, array) for array in arrays]
    plain += [saved(np.savez, a=arrays[0]), saved(np.savez_compressed, a=arrays[0], b=arrays[1]), netcdf()]
    plain += [HDF5 + b"_NCProperties\0version=2,netcdf=4.9.2,hdf5=1.14.0", b"MATLAB 7.3 MAT-file".ljust(512) + HDF5]
    for raw in plain:
        assert kind(raw) == kind(gzip.compress(raw)) == kind(zipped(raw)) == kind(tarred(raw)) == ""


def test_arrays_of_objects_are_pickles() -> None:
    objects = np.array([{"a": 1}, None], dtype=object)
    fields = np.zeros(2, [("a", "f8"), ("b", "O")])
    for array in (objects, fields):
        assert kind(saved(np.save, array)) == "pickle"
        assert kind(saved(np.savez, good=np.eye(2), bad=array)) == "pickle"


def test_what_is_no_archive_after_all() -> None:
    for raw in (b"PK", b"PK\x03\x04 text", b"BZh is a word", b"x\x9c", b"\x1f\x8b", bytes(600), b"a" * 600, zipped()):
        assert kind(raw) == ""


def test_archives_are_unpacked_within_limits() -> None:
    bombs = zipped(*[zipped(bytes(8 << 20)) for _ in range(20)]), gzip.compress(gzip.compress(bytes(64 << 20)))
    tracemalloc.start()
    assert [kind(bomb) for bomb in bombs] == ["", ""]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * UNPACKED


@given(st.sampled_from(sorted(PACKED)), st.data())
def test_what_is_damaged_is_read_without_an_error(how: str, data: st.DataObject) -> None:
    damaged = bytearray(PACKED[how](LIGHTGBM))
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    raw = bytes(damaged)[: data.draw(st.integers(0, len(damaged)))]
    raw_kind(raw, len(raw) + data.draw(st.integers(0, 9)))
