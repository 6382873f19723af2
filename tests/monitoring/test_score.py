"""`mvc monitor score`: labels that arrive later, joined to the log; the metrics are those of `eval score`."""

from __future__ import annotations

import json
import random
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from harness import Repo
from hypothesis import given, settings
from hypothesis import strategies as st
from logs import classified, log
from prometheus_client.parser import text_string_to_metric_families

from mvc.evaluation.live import Served, join
from mvc.evaluation.live_labels import read_labels
from mvc.evaluation.prediction_log import find_parts
from mvc.evaluation.predictions import PredictionsFile
from mvc.evaluation.roles import Roles

MODEL = "models/ranker.onnx"


def reported(repo: Repo) -> None:
    """Two versions that were evaluated on predictions; both are registered."""
    for version, good in (("v1.0.0", 18), ("v1.1.0", 19)):
        repo.write(MODEL, version)
        rows = [("yes" if i % 2 else "no", ("no", "yes")[i % 2 == (i < good)], 0.9 if i % 2 else 0.2) for i in range(20)]
        repo.write(f"evals/{version}.csv", "truth,predicted,p\n" + "".join(f"{a},{b},{p}\n" for a, b, p in rows))
        repo.ok("add", MODEL, "--name", "ranker")
        repo.ok(
            "eval", "score", MODEL, "--predictions", f"evals/{version}.csv", "--tag", version, "--positive", "yes",
            "--score", "p", "--add",
        )
        repo.commit(version)
        repo.ok("register", "ranker")


def served(repo: Repo, folder: str = "log") -> None:
    """Ten requests of two rows for each version; some are wrong."""
    with log(repo.root / folder) as opened:
        for version in ("v1.0.0", "v1.1.0"):
            digest = repo.json("which", "ranker")[0]["blake3"] if False else repo.digest_of(version)
            for place in range(10):
                opened.put(classified(f"{version}/{place}", ["no", "yes"], [0.2, 0.8], version, digest))
