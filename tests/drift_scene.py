"""A model with a log of its predictions, and `mvc drift` on it."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa
from harness import InProcess, Repo
from pyarrow import parquet

VERSION = "ranker@v1.0.0"


def table(n: int, shift: float = 0.0) -> pa.Table:
    """Return the features w and h, a category and the truth."""
    random = np.random.default_rng(n)
    return pa.table({
        "w": random.normal(shift, 1, n), "h": random.normal(size=n),
        "country": random.choice(["DE", "FR"], n), "truth": random.choice(["a", "b"], n),
    })


def part(version: str, blake3: str, n: int, shift: float = 0.0, model: str = "ranker", **more: Any) -> pa.Table:
    """Return the rows of a part of a log, of a model with an input X of two columns."""
    random = np.random.default_rng(n)

    def same(text: str) -> pa.Array:
        return pa.array([text] * n).dictionary_encode()

    return pa.table({
        "mvc_request_id": [str(row) for row in range(n)], "mvc_model": same(model), "mvc_version": same(version),
        "mvc_blake3": same(blake3), "X_0": random.normal(shift, 1, n), "X_1": random.normal(size=n),
        "predicted": random.choice(["a", "b"], n), **more,
    }).replace_schema_metadata({"mvc.log": "1"})


def with_model(repo: Repo) -> None:
    """Register a version that was evaluated on tracked data, and log rows of it and of another version."""
    for name in ("models", "data", "log/ranker"):
        (repo.root / name).mkdir(parents=True)
    (repo.root / "models/ranker.bin").write_bytes(b"weights")
    parquet.write_table(table(900).drop_columns(["country"]), repo.root / "data/holdout.parquet")
    repo.ok("add", "-q", "models/ranker.bin", "data/holdout.parquet")
    repo.ok("eval", "record", "-q", "models/ranker.bin", "--tag", "v1.0.0", "--metric", "auc=0.9",
            "--dataset", "holdout=data/holdout.parquet")
    repo.commit()
    repo.ok("register", "-q", "ranker", "--bump", "major")
    items = json.loads(repo.ok("ls", "--json").out)["items"]
    (blake3,) = (item["blake3"] for item in items if item["path"] == "models/ranker.bin")
    parquet.write_table(part("v1.0.0", blake3, 500), repo.root / "log/ranker/part-1.parquet")
    parquet.write_table(part("v1.1.0", "e" * 64, 500, 0.6), repo.root / "log/ranker/part-2.parquet")


def drift(repo: Repo, in_process: InProcess, *words: str, code: int = 0) -> dict[str, Any]:
    """Run `mvc drift --json` and return what it prints."""
    found = in_process(repo.root, "drift", "--json", *words)
    assert found.code == code, found
    return json.loads(found.out)


def columns(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {column["name"]: column for column in found["columns"]}
