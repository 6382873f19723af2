"""Arrays and weights as safetensors; safetensors and torch are imported only here."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping
from functools import reduce
from typing import Any

import numpy as np

from mvc.errors import InvalidFormat, first_line
from mvc.packages import install
from mvc.runtime import pickled
from mvc.runtime.conversion.parity import Parity, differences, joined
from mvc.runtime.packages import require
from mvc.runtime.predictor import Array

MOST = 32 << 30
"""Bytes of all arrays of a file."""


def convert(source: str, kind: str, target: str, *, trust: bool) -> Parity:
    """Write the arrays in a file of NumPy or PyTorch, or of a pickle, as safetensors; return how they differ.

    Raises:
        Refused: a pickle may run code.
        InvalidFormat: it has something else than arrays of numbers, or is damaged.
        UsageError: a package is not installed.
    """
    require("safetensors", "a conversion to safetensors", install("convert"))
    if kind == "pytorch":
        return _convert_torch(source, target)
    from safetensors.numpy import load_file, save_file  # noqa: PLC0415 - takes time

    arrays = _of_numpy(source) if kind == "numpy" else _of_pickle(source, trust=trust)
    for name, values in arrays.items():
        if values.dtype.kind not in "biufc":
            raise InvalidFormat(f"{os.path.basename(source)}: {name!r} has the type {values.dtype}, expected numbers")
    try:
        save_file({name: _plain(values) for name, values in arrays.items()}, target)
    except Exception as error:  # noqa: BLE001 - its errors have no common class
        raise InvalidFormat(f"safetensors cannot write it: {first_line(error)}") from None
    found = load_file(target)
    return reduce(joined, (differences(_flat(arrays[name]), _flat(found[name]), 0) for name in arrays), Parity(0))


def _plain(values: Array) -> Array:
    return np.ascontiguousarray(values.astype(values.dtype.newbyteorder("<"), copy=False)).reshape(values.shape)


def _flat(values: Array) -> Array:
    return values.view(values.real.dtype).reshape(-1) if values.dtype.kind == "c" else values.reshape(-1)


def _of_numpy(path: str) -> dict[str, Array]:
    name = os.path.basename(path)
    size = 0
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                size = sum(member.file_size for member in archive.infolist())
        if size <= MOST:
            found = np.load(path, allow_pickle=False)
            return {"array": found} if isinstance(found, np.ndarray) else {key: found[key] for key in found.files}
    except Exception as error:  # noqa: BLE001 - a damaged file raises any error
        raise InvalidFormat(f"{name}: NumPy cannot read it: {first_line(error)}") from None
    raise InvalidFormat(f"{name}: its arrays have {size:,} bytes, at most {MOST:,} are converted")


def _of_pickle(path: str, *, trust: bool) -> dict[str, Array]:
    found = pickled.unpickle(path, trust=trust)
    if not isinstance(found, Mapping) or not all(isinstance(item, np.ndarray) for item in found.values()):
        raise InvalidFormat(f"{os.path.basename(path)} has a {type(found).__name__}, expected arrays by name")
    return {str(name): values for name, values in found.items()}


def _convert_torch(source: str, target: str) -> Parity:
    require("torch", "a file of PyTorch")
    import torch  # noqa: PLC0415 - takes seconds
    from safetensors.torch import load_file, save_file  # noqa: PLC0415

    name = os.path.basename(source)
    try:
        found = torch.load(source, map_location="cpu", weights_only=True)
    except Exception as error:  # noqa: BLE001 - of a damaged file, and of one that has code
        reason, _, _ = first_line(error).partition(". ")
        raise InvalidFormat(f"{name}: PyTorch cannot load it as weights: {reason}") from None
    if not isinstance(found, Mapping) or not all(isinstance(item, torch.Tensor) for item in found.values()):
        raise InvalidFormat(f"{name} has a {type(found).__name__}, expected tensors by name, as of state_dict()")
    tensors: dict[str, Any] = {str(key): tensor.contiguous().clone() for key, tensor in found.items()}  # none is shared
    try:
        save_file(tensors, target)
    except Exception as error:  # noqa: BLE001 - its errors have no common class
        raise InvalidFormat(f"safetensors cannot write it: {first_line(error)}") from None
    again = load_file(target)
    pairs = ((tensor.double().numpy(), again[key].double().numpy()) for key, tensor in tensors.items())
    return reduce(joined, (differences(old.reshape(-1), new.reshape(-1), 0) for old, new in pairs), Parity(0))
