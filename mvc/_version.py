"""The version of mvc, kept apart so that `mvc --version` imports nothing else."""

__version__ = "0.1.0"
