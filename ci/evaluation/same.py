"""Compares the report that HEAD has of a model with the one in the workspace: every number must be the same.

Usage: same.py MODEL TOLERANCE [METRIC TO LEAVE OUT]…, where TOLERANCE is relative, such as 1e-6
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Collection, Iterator
from typing import Any


def main(model: str, tolerance: float, skipped: Collection[str]) -> int:
    """Print the metrics that differ; return 1 if one does, the exit code of `mvc compare` if it fails."""
    command = [sys.executable, "-P", "-m", "mvc", "compare", f"HEAD:{model}", f"./{model}", "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)  # noqa: S603 - mvc itself
    if done.returncode:
        return done.returncode
    found = list(differences(json.loads(done.stdout), tolerance, skipped))
    print("\n".join(found) or "The report says what was measured.")
    return 1 if found else 0


def differences(compared: dict[str, Any], tolerance: float, skipped: Collection[str]) -> Iterator[str]:
    """Yield what differs. A report of other content has no metrics here, so each of the other's differs."""
    for row in compared["metrics"]:
        if row["name"].partition("[")[0].partition("@")[0] in skipped:
            continue
        reported, measured = row["values"]
        if reported is None or measured is None:
            yield f"{row['name']}: only {'measured' if reported is None else 'in the report'}"
        elif reported["data"] != measured["data"]:
            yield f"{row['name']}: measured on other data"
        elif not math.isclose(reported["value"], measured["value"], rel_tol=tolerance):
            yield f"{row['name']}: {reported['value']} in the report, {measured['value']} measured"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], float(sys.argv[2]), sys.argv[3:]))
