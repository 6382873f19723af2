"""Measure `mvc drift` on 1 million rows by 50 columns against the bare calls of SciPy, in pairs, and its memory.

`python -m benchmarks.drift [--rows N] [--columns N] [--rounds N] [--folder DIR]`. The limit is a quotient of 1.5, and
1 GiB. Both read the same two files of Parquet with pyarrow; the calls read a column at a time, and the time they need
for that counts. What the quotient compares with them is the whole command, which also starts, computes the PSI, tests
missing values and draws the page.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

from benchmarks.against_calls import Pair, environment, material, measured, python, report

MAKE = """
import sys, numpy as np, pyarrow as pa, pyarrow.parquet as pq
rows, count, folder = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
random = np.random.default_rng(0)
names = np.array([f"kind {index}" for index in range(12)])
for name, shift in (("reference", 0.0), ("current", 0.05)):
    columns = {}
    for index in range(count):
        if index % 5 == 4:
            columns[f"c{index}"] = pa.array(names[random.integers(0, 12, rows)]).dictionary_encode()
        else:
            columns[f"x{index}"] = random.normal(shift * (index % 3), 1, rows)
    pq.write_table(pa.table(columns), f"{folder}/{name}.parquet")
"""

CALLS = """
import json, resource, sys, time
import numpy as np, pyarrow.parquet as pq
from scipy import stats
used = time.process_time()
files = [pq.ParquetFile(path) for path in sys.argv[1:3]]
for name in files[0].schema_arrow.names:
    one, other = (file.read([name])[name] for file in files)
    if name[0] == "x":
        one, other = one.to_numpy(), other.to_numpy()
        stats.ks_2samp(one, other)
        stats.wasserstein_distance(one, other)
    else:
        counts = [{item["values"]: item["counts"] for item in side.value_counts().to_pylist()} for side in (one, other)]
        names = sorted({**counts[0], **counts[1]})
        stats.chi2_contingency([[side.get(label, 0) for label in names] for side in counts])
print(json.dumps([time.process_time() - used, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024]))
"""


def main() -> int:
    """Print CPU seconds of both, the median quotient and the memory; exit 1 when a limit was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.drift")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--columns", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", help="keep material here")
    options = parser.parse_args()
    with material(options.folder) as folder:
        return report(_rounds(folder, options.rows, options.columns, options.rounds))


def _rounds(folder: Path, rows: int, columns: int, rounds: int) -> list[Pair]:
    environ = environment(folder)
    for line in (["git", "init", "-q"], ["mvc", "init", "-q"]):
        subprocess.run(line, cwd=folder, env=environ, check=True, stdout=subprocess.DEVNULL)
    python(MAKE, str(rows), str(columns), str(folder))
    files = [str(folder / f"{name}.parquet") for name in ("reference", "current")]
    line = ["mvc", "drift", "-q", "--reference", files[0], "--current", files[1], "--html", str(folder / "page.html")]
    found = []
    for _ in range(rounds):
        calls, calls_memory = json.loads(python(CALLS, *files))
        found.append(Pair(calls, calls_memory, *measured(line, folder, environ, expected=1)))
    return found


if __name__ == "__main__":
    sys.exit(main())
