"""Measure `mvc eval score` on 5 million rows against the bare calls of scikit-learn, in pairs, and its memory.

`python -m benchmarks.evaluation [--rows N] [--rounds N] [--folder DIR]`. The limit is a quotient of 1.5, and 1 GiB.
The calls get columns that are loaded: what the quotient compares with them is the whole command, which also starts,
reads the file, hashes and adds it, computes errors and writes the report.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).resolve().parent
SLICES = ("country", "device", "age")
LIMIT, MEMORY = 1.5, 1 << 30

MAKE = """
import sys, numpy as np, pyarrow as pa, pyarrow.parquet as pq
rows, path = int(sys.argv[1]), sys.argv[2]
random = np.random.default_rng(0)
truth = random.integers(0, 2, rows)
score = 1 / (1 + np.exp(-(truth - 0.5) * 2 - random.normal(0, 1.5, rows)))
texts = {name: np.array([f"{name} {index}" for index in range(count)])[random.integers(0, count, rows)]
         for name, count in (("country", 8), ("device", 3), ("age", 5))}
pq.write_table(pa.table({"truth": truth, "predicted": (score >= 0.5).astype(int), "score": score, **texts}), path)
"""

CALLS = """
import json, resource, sys, time
import numpy as np, pyarrow.parquet as pq
from sklearn import metrics as m
table = pq.read_table(sys.argv[1])
truth, predicted, score = (table[name].to_numpy() for name in ("truth", "predicted", "score"))
slices = {name: table[name].dictionary_encode().combine_chunks() for name in sys.argv[2].split(",")}
def calls(truth, predicted, score):
    m.accuracy_score(truth, predicted)
    m.balanced_accuracy_score(truth, predicted)
    m.precision_score(truth, predicted)
    m.recall_score(truth, predicted)
    m.f1_score(truth, predicted)
    m.roc_auc_score(truth, score)
    m.average_precision_score(truth, score)
    m.log_loss(truth, score)
    m.brier_score_loss(truth, score)
used = time.process_time()
calls(truth, predicted, score)
for column in slices.values():
    codes = column.indices.to_numpy()
    for code in range(len(column.dictionary)):
        rows = codes == code
        calls(truth[rows], predicted[rows], score[rows])
print(json.dumps([time.process_time() - used, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024]))
"""


def main() -> int:
    """Print CPU seconds of both, the median quotient and the memory; exit 1 when a limit was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.evaluation")
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", help="keep material here")
    options = parser.parse_args()
    folder = Path(options.folder or tempfile.mkdtemp(prefix="mvc-bench-"))
    try:
        return _report(_rounds(folder, options.rows, options.rounds))
    finally:
        if not options.folder:
            shutil.rmtree(folder, ignore_errors=True)


def _rounds(folder: Path, rows: int, rounds: int) -> list[dict[str, Any]]:
    predictions = folder / "data/predictions.parquet"
    environ = {**os.environ, "HOME": str(folder), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    _prepare(folder, predictions, rows, environ)
    found = []
    for index in range(rounds):
        calls, calls_memory = json.loads(_python(CALLS, str(predictions), ",".join(SLICES)))
        (folder / "models/m.bin").write_text(f"model {index}" * 100)
        line = ["mvc", "eval", "score", "-q", "models/m.bin", "--add", "--predictions", str(predictions), "--score",
                "score", "--tag", f"v{index}.0.0", *(word for name in SLICES for word in ("--slice", name))]
        mvc, memory = _measured(line, folder, environ)
        found.append({"calls": calls, "calls_memory": calls_memory, "mvc": mvc, "memory": memory})
    return found


def _prepare(folder: Path, predictions: Path, rows: int, environ: dict[str, str]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    predictions.parent.mkdir(parents=True)
    (folder / "models").mkdir()
    for line in (["git", "init", "-q"], ["git", "config", "user.email", "ada@example.com"], ["mvc", "init", "-q"]):
        subprocess.run(line, cwd=folder, env=environ, check=True, stdout=subprocess.DEVNULL)
    _python(MAKE, str(rows), str(predictions))


def _python(program: str, *words: str) -> str:
    return subprocess.run([sys.executable, "-c", program, *words], check=True, capture_output=True, text=True).stdout


def _measured(line: list[str], folder: Path, environ: dict[str, str]) -> tuple[float, int]:
    """Return the CPU seconds and the most memory, in bytes, of a command."""
    process = subprocess.Popen(line, cwd=folder, env=environ, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{line} failed")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


def _report(found: list[dict[str, Any]]) -> int:
    for item in found:
        print(f"calls {item['calls']:.1f} s, {item['calls_memory'] >> 20} MiB; "
              f"mvc {item['mvc']:.1f} s, {item['memory'] >> 20} MiB; quotient {item['mvc'] / item['calls']:.2f}")
    quotient = median(item["mvc"] / item["calls"] for item in found)
    memory = max(item["memory"] for item in found)
    missed = quotient > LIMIT or memory > MEMORY
    print(f"median quotient {quotient:.2f}, expected at most {LIMIT}")
    print(f"{memory >> 20} MiB, expected at most {MEMORY >> 20}")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
