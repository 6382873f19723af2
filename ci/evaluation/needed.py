"""Prints the tag under which CI must evaluate a model, or nothing: what the gate demands decides.

Usage: needed.py MODEL [OPTION OF MVC GATE]…
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

DEMANDS = {"MVC107", "MVC124", "MVC127", "MVC209"}
"""Findings that another evaluation of the same content by CI answers. Without a report, or with one of other content,
the author has not said yet which version this is."""
FAILED = 1
"""The gate's exit code if something is wrong with the change; above it could not judge."""


def main(model: str, options: list[str]) -> int:
    """Print the tag of the report of `model` if the gate demands that CI evaluates it; return the exit code."""
    command = [sys.executable, "-P", "-m", "mvc", "gate", "--json", *options]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)  # noqa: S603 - mvc itself
    if done.returncode > FAILED:
        return done.returncode
    print(tag(json.loads(done.stdout), model))
    return 0


def tag(verdict: dict[str, Any], model: str) -> str:
    """Return the tag of the report of `model`; empty if CI need not evaluate it."""
    codes = {finding["code"] for finding in verdict["findings"] if finding["path"] == model}
    tags = [item["tag"] for item in verdict["models"] if item["path"] == model]
    return tags[0] if tags and codes & DEMANDS else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
