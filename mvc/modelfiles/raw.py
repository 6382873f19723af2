"""Whether a file that would be committed to Git is a model, by its first bytes.

Small models are also found in archives and compressed files. Plain data is not a model: arrays of numbers (`.npy`,
`.npz`), NetCDF.
"""

from __future__ import annotations

import re

from mvc.modelfiles.archives import Budget, is_archive, members
from mvc.modelfiles.magic import HEAD, kind_of

UNPACKED = 16 << 20
"""Bytes that are unpacked at most of a file and of all archives in it."""
_LEVELS = 3
"""How deep archives are examined: a model in a zip in a compressed tar."""


def raw_kind(head: bytes, size: int) -> str:
    """Return the model format of a file of `size` bytes that begins with `head`; empty for other files."""
    return _kind_at_level(head, size, Budget(UNPACKED), _LEVELS)


def _kind_at_level(head: bytes, size: int, budget: Budget, levels: int) -> str:
    if (kind := _kind(head, size)) or not levels or not is_archive(head):
        return kind
    found = (_kind_at_level(raw, known, budget, levels - 1) for raw, known in members(head, budget))
    return next(filter(None, found), "")


def _kind(head: bytes, size: int) -> str:
    kind = kind_of(head, size)
    if kind == "numpy":
        return "pickle" if _OBJECTS.match(head) else ""
    if kind:
        return "" if kind == "hdf5" and _is_data(head) else kind
    start = head[:HEAD]
    return next((name for name, begins in _FORMATS.items() if begins.match(start)), "")


_FORMATS = {
    "tflite": re.compile(rb".{4}TFL3", re.DOTALL),
    "executorch": re.compile(rb".{4}ET\d\d", re.DOTALL),
    "lightgbm": re.compile(rb"tree\r?\nversion=v\d"),
    "catboost": re.compile(rb"CBM1"),
    "xgboost": re.compile(
        rb'\s*\{\s*(?:"version"\s*:\s*\[[\d\s,]*\]\s*,\s*)?"learner"\s*:\s*\{|\{(?:L\0{7}|[iU])\x07learner\{',
    ),
    "skops": re.compile(rb'\s*\{\s*"__class__"\s*:.{0,9999}"__(?:module|loader)__"\s*:', re.DOTALL),
    "pmml": re.compile(rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.{0,9999}?-->\s*)?<PMML\b", re.DOTALL),
}
"""How files of further formats begin."""
_OBJECTS = re.compile(rb"\x93NUMPY.{2,6}\{[^}]*'\|O[48]?'", re.DOTALL)
"""The beginning of an array of Python objects, which is a pickle."""


def _is_data(head: bytes) -> bool:
    """Whether an HDF5 file is one of NetCDF-4 or MATLAB, and has nothing of a Keras model."""
    named = any(word in head for word in (b"MATLAB 7.3 MAT-file", b"_NCProperties", b"_Netcdf4", b"_nc3_strict"))
    return named and not any(word in head for word in (b"keras_version", b"model_config", b"layer_names"))
