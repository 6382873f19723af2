"""Whole commands measured against their peers: `python -m benchmarks --help`."""

import os

# Else each Python program would compile itself in each run, as installed ones do not.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
