"""Measure `mvc eval score` on 5 million rows against the bare calls of scikit-learn, in pairs, and its memory.

`python -m benchmarks.evaluation [--rows N] [--rounds N] [--folder DIR]`. The limit is a quotient of 1.5, and 1 GiB.
The calls get columns that are loaded: what the quotient compares with them is the whole command, which also starts,
reads the file, hashes and adds it, computes errors and writes the report.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

from benchmarks.against_calls import Pair, environment, material, measured, python, report

HERE = Path(__file__).resolve().parent
SLICES = ("country", "device", "age")
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
    with material(options.folder) as folder:
        return report(_rounds(folder, options.rows, options.rounds))


def _rounds(folder: Path, rows: int, rounds: int) -> list[Pair]:
    predictions = folder / "data/predictions.parquet"
    environ = environment(folder)
    _prepare(folder, predictions, rows, environ)
    found = []
    for index in range(rounds):
        calls, calls_memory = json.loads(python(CALLS, str(predictions), ",".join(SLICES)))
        (folder / "models/m.bin").write_text(f"model {index}" * 100)
        line = ["mvc", "eval", "score", "-q", "models/m.bin", "--add", "--predictions", str(predictions), "--score",
                "score", "--tag", f"v{index}.0.0", *(word for name in SLICES for word in ("--slice", name))]
        found.append(Pair(calls, calls_memory, *measured(line, folder, environ)))
    return found


def _prepare(folder: Path, predictions: Path, rows: int, environ: dict[str, str]) -> None:
    predictions.parent.mkdir(parents=True)
    (folder / "models").mkdir()
    for line in (["git", "init", "-q"], ["git", "config", "user.email", "ada@example.com"], ["mvc", "init", "-q"]):
        subprocess.run(line, cwd=folder, env=environ, check=True, stdout=subprocess.DEVNULL)
    python(MAKE, str(rows), str(predictions))


if __name__ == "__main__":
    sys.exit(main())
