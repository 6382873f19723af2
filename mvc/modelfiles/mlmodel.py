"""What a model in a folder of MLflow takes and returns, by its file `MLmodel`.

Format: https://mlflow.org/docs/latest/ml/model/signatures/
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from mvc.errors import InvalidFormat
from mvc.modelfiles.signature import MOST, Field, Signature
from mvc.objects.parsing import strict_yaml

MLMODEL = "MLmodel"
LARGEST = 4 << 20
"""Bytes of the file."""


def read_document(file: BinaryIO) -> Any:
    """Return the content of the file.

    Raises:
        InvalidFormat: it cannot be read.
    """
    return strict_yaml.load(file.read(LARGEST + 1), what=MLMODEL, max_bytes=LARGEST)


def read(file: BinaryIO) -> Signature:
    """Return the signature that the file states; nothing if it has none."""
    try:
        document = read_document(file)
        stated = document.get("signature") if isinstance(document, Mapping) else None
        if not isinstance(stated, Mapping):
            return Signature()
        return Signature(*(tuple(_fields(stated.get(key)))[:MOST] for key in ("inputs", "outputs")))
    except (InvalidFormat, ValueError, TypeError, AttributeError, KeyError, RecursionError):
        return Signature()


def _fields(text: object) -> Iterator[Field]:
    """Yield columns, which have a type, and tensors, which have a shape as well: -1 is any length."""
    for place, item in enumerate(json.loads(text) if isinstance(text, str) else ()):
        name = str(item.get("name", place))
        if item["type"] != "tensor":
            yield Field(name, item["type"] if isinstance(item["type"], str) else "")
        else:
            tensor = item["tensor-spec"]
            yield Field(name, str(tensor["dtype"]), tuple(None if size < 0 else int(size) for size in tensor["shape"]))
