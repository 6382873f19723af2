"""Requests and responses of the Open Inference Protocol in JSON, with tensors in it or as bytes behind it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, NamedTuple

import numpy as np
import orjson

from mvc.serving.inference import Request, Response
from mvc.serving.problem import Problem, invalid
from mvc.serving.tensors import Tensor, bytes_of, datatype_of, encoded, tensor_of_bytes, tensor_of_list

_MOST = 1000
"""Inputs or outputs of a request."""
_MOST_LISTS = 1 << 18
"""Lists and objects of a request: an empty one has 3 bytes of JSON, and 70 in memory."""


class Encoded(NamedTuple):
    """The body of a response."""

    body: bytes
    json_length: int | None
    """Bytes of the JSON, if tensors follow as bytes."""


def dumps(document: object) -> bytes:
    """Return a document as JSON."""
    return orjson.dumps(document)


def decode(body: bytes | bytearray, json_length: int | None) -> Request:
    """Return the request in a body; of its bytes `json_length` are JSON, None for all.

    Raises:
        Problem: it is not a valid request.
    """
    if json_length is not None and not 0 <= json_length <= len(body):
        raise invalid(f"its JSON has {json_length:,} bytes as a header says, and the body {len(body):,}")
    _check_lists(body, json_length)
    view = memoryview(body)
    tail = b"" if json_length is None else bytes(view[json_length:])  # a tensor keeps these bytes, not all of the body
    try:
        document = orjson.loads(view[:json_length])
    except orjson.JSONDecodeError as error:
        raise invalid(f"the request is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise invalid("the request is not a JSON object")
    inputs = _tensors(_items(document, "inputs"), memoryview(tail))
    outputs = _items(document, "outputs")
    whole = _parameters(document).get("binary_data_output") is True
    named = {_text(item, "name"): _parameters(item).get("binary_data", whole) is True for item in outputs}
    binary = frozenset(name for name, is_binary in named.items() if is_binary)
    return Request(_text(document, "id", ""), inputs, tuple(named), None if whole and not named else binary)


def _check_lists(body: bytes | bytearray, length: int | None) -> None:
    """Count before they are made: to read JSON stops all threads."""
    if len(body) > _MOST_LISTS and body.count(b"[", 0, length) + body.count(b"{", 0, length) > _MOST_LISTS:
        what = f"its JSON has more than {_MOST_LISTS:,} lists and objects: send data flat, or as bytes behind it"
        raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, what)


def _items(document: dict[str, Any], key: str) -> list[dict[str, Any]]:
    found = document.get(key)
    if found is None:
        found = []
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise invalid(f"{key!r} is not a list of objects")
    if len(found) > _MOST:
        raise invalid(f"{len(found):,} {key}, expected at most {_MOST:,}")
    return found


def _text(document: dict[str, Any], key: str, default: str | None = None) -> str:
    found = document.get(key, default)
    if not isinstance(found, str):
        raise invalid(f"{key!r} is missing, or not a string")
    return found


def _parameters(document: dict[str, Any]) -> dict[str, Any]:
    found = document.get("parameters") or {}
    if not isinstance(found, dict):
        raise invalid("'parameters' is not an object")
    return found


def _tensors(items: list[dict[str, Any]], raw: memoryview) -> list[Tensor]:
    found, at = [], 0
    for item in items:
        name, datatype, shape = _text(item, "name"), _text(item, "datatype"), item.get("shape")
        if not isinstance(shape, list) or not all(type(length) is int for length in shape):
            raise invalid(f"input {name!r}: its shape is not a list of integers")
        size = _parameters(item).get("binary_data_size")
        if size is None:
            found.append(tensor_of_list(name, datatype, shape, item.get("data")))
            continue
        if type(size) is not int or not 0 <= size <= len(raw) - at:
            raise invalid(f"input {name!r}: binary_data_size is not the number of bytes that follow")
        found.append(tensor_of_bytes(name, datatype, shape, raw[at : at + size]))
        at += size
    if at != len(raw):
        raise invalid(f"{len(raw) - at:,} bytes follow the inputs")
    return found


def encode(request: Request, response: Response) -> Encoded:
    """Return a response: in JSON, and outputs that the request wants as bytes behind it."""
    outputs: list[dict[str, Any]] = []
    tail: list[bytes] = []
    for name, values in response.outputs.items():
        datatype = datatype_of(values)
        item: dict[str, Any] = {"name": name, "shape": values.shape, "datatype": datatype}
        if request.binary is None or name in request.binary:
            tail.append(bytes_of(values))
            item["parameters"] = {"binary_data_size": len(tail[-1])}
        elif datatype == "BYTES":
            item["data"] = [text.decode(errors="replace") for text in encoded(values)]
        else:
            item["data"] = np.ascontiguousarray(values).reshape(-1)
        outputs.append(item)
    loaded = response.loaded
    head = orjson.dumps(
        {"model_name": loaded.address, "model_version": loaded.identity.version, "id": response.id, "outputs": outputs},
        option=orjson.OPT_SERIALIZE_NUMPY,
    )
    return Encoded(b"".join([head, *tail]), len(head) if tail else None)
