"""The environment of the process, for the command line and the Python API."""

from __future__ import annotations

import os

from mvc.project import Surroundings


def surroundings(start: str | os.PathLike[str] = ".") -> Surroundings:
    """Return the process's environment, with `start` as the current directory."""
    from platformdirs import user_config_path  # noqa: PLC0415 - import time

    return Surroundings(os.path.abspath(start), os.environ, str(user_config_path("mvc") / "config.yaml"))
