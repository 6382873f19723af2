"""What an estimator of scikit-learn takes and returns, by the schema in a file of skops.

Format: https://skops.readthedocs.io/en/stable/persistence.html
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator
from typing import Any, BinaryIO

from mvc.modelfiles.signature import LONGEST, MOST, Field, Signature

SCHEMA = "schema.json"
"""The member of the zip that says what is in it."""
_LARGEST = 32 << 20
"""Bytes of a schema that is read."""
_KINDS = {"i": "int", "u": "uint", "f": "float", "b": "bool"}
_DESCR = re.compile(rb"'descr': '[<>|=]?([a-zA-Z])([0-9]*)'")
"""In the header of an array: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html."""


def read(file: BinaryIO) -> Signature:
    """Return the features and the labels of an estimator; nothing of another file."""
    try:
        with zipfile.ZipFile(file) as archive:
            if SCHEMA not in archive.namelist() or archive.getinfo(SCHEMA).file_size > _LARGEST:
                return Signature()
            nodes = list(_estimators(json.loads(archive.read(SCHEMA))))
            return Signature(_inputs(nodes), _outputs(archive, nodes))
    except Exception:  # noqa: BLE001 - a damaged file, or one of another kind, raises any error
        return Signature()


def _estimators(node: Any) -> Iterator[dict[str, Any]]:
    """Yield the attributes of an estimator, then those of a pipeline's first and last step, and of a search's best."""
    if not isinstance(content := node["content"], dict):
        return
    attributes = content["content"]
    yield attributes
    if steps := attributes.get("steps"):
        first, *rest = steps["content"]
        for step in (first, *rest[-1:]):  # each once: one inside the other, they would double
            yield from _estimators(step["content"][1])
    if best := attributes.get("best_estimator_"):
        yield from _estimators(best)


def _inputs(nodes: list[dict[str, Any]]) -> tuple[Field, ...]:
    for node in nodes:
        if names := node.get("feature_names_in_"):
            return tuple(Field(json.loads(name["content"]), "") for name in names["content"][:MOST])
    for node in nodes:
        if width := node.get("n_features_in_"):
            return (Field("X", "", (None, int(width["content"]))),)
    return ()


def _outputs(archive: zipfile.ZipFile, nodes: list[dict[str, Any]]) -> tuple[Field, ...]:
    labels = next((found for node in nodes if (found := node.get("classes_"))), None)
    if labels is None:
        return ()
    if "file" not in labels:
        return (Field("label", "object"),)
    with archive.open(labels["file"]) as member:
        found = _DESCR.search(member.read(LONGEST))
    if found is None:
        return ()
    kind, size = found[1].decode(), int(found[2] or b"0")
    is_bool = kind == "b"
    return (Field("label", "bool" if is_bool else f"{_KINDS[kind]}{8 * size}" if kind in _KINDS else f"<{kind}{size}"),)
