"""Estimators of scikit-learn as skops, with the same bytes each time.

skops numbers objects by their place in memory, and a zip has the time: both are replaced.
https://skops.readthedocs.io/en/stable/persistence.html
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

from mvc.errors import InvalidFormat, first_line
from mvc.modelfiles.skops_schema import SCHEMA
from mvc.packages import install
from mvc.runtime.packages import require


def write(model: Any, path: str) -> None:
    """Write an estimator to the file `path`.

    Raises:
        InvalidFormat: skops cannot write it.
        UsageError: skops is not installed.
    """
    require("skops", "a conversion to skops", install("convert"))
    import skops.io  # noqa: PLC0415 - takes time

    try:
        dumped = skops.io.dumps(model)
    except Exception as error:  # noqa: BLE001 - of any type in it
        raise InvalidFormat(f"skops cannot write a {type(model).__name__}: {first_line(error)}") from None
    with zipfile.ZipFile(io.BytesIO(dumped)) as old, zipfile.ZipFile(path, "x") as new:
        schema = json.loads(old.read(SCHEMA))
        names: dict[str, str] = {}
        numbers: dict[int, int] = {}
        for node in _nodes(schema):
            if "__id__" in node:
                node["__id__"] = numbers.setdefault(node["__id__"], len(numbers) + 1)
            if isinstance(name := node.get("file"), str):
                ending = name.rpartition(".")[2]
                node["file"] = names.setdefault(name, f"{len(names) + 1}.{ending}")
        for name, numbered in names.items():
            new.writestr(zipfile.ZipInfo(numbered), old.read(name))
        new.writestr(zipfile.ZipInfo(SCHEMA), json.dumps(schema, indent=2))


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Yield the nodes of a schema in their order."""
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            yield item
        if isinstance(item, dict | list):
            pending += reversed([*item.values()] if isinstance(item, dict) else item)
