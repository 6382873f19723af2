"""Whole commands measured against their peers: `python -m benchmarks --help`."""
