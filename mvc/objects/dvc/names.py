"""The names of DVC's files.

https://dvc.org/doc/user-guide/project-structure
"""

from __future__ import annotations

from posixpath import basename

FOLDER = ".dvc"
"""Settings, and the cache."""
SUFFIX = ".dvc"
LOCK = "dvc.lock"
PIPELINE = "dvc.yaml"
IGNORE = ".dvcignore"


def is_of_data(path: str) -> bool:
    """Whether a file names outputs with their digests."""
    name = basename(path)
    is_named = name == LOCK or (name.endswith(SUFFIX) and name != SUFFIX)
    return is_named and FOLDER not in path.split("/")[:-1]
