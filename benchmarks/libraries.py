"""Python libraries as peers: `python libraries.py LIBRARY put|get NAME`, NAME a file or directory here and there.

It is run by the Python that has the library, not by that of mvc.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

_BUCKET, _ENDPOINT = os.environ["BUCKET"], os.environ["AWS_ENDPOINT_URL"]
_AT_ONCE = 16


def s3fs(job: str, name: str) -> None:
    """Use `put` and `get` of s3fs."""
    from s3fs import S3FileSystem  # noqa: PLC0415 - only one of the two is there

    files = S3FileSystem(endpoint_url=_ENDPOINT)
    if job == "put":
        files.put(name, f"{_BUCKET}/{name}", recursive=Path(name).is_dir())
    else:
        files.get(f"{_BUCKET}/{name}", name, recursive=files.isdir(f"{_BUCKET}/{name}"))


def obstore(job: str, name: str) -> None:
    """Use `put` and `get` of obstore, in threads."""
    from obstore import get, list, put  # noqa: A004, PLC0415
    from obstore.store import S3Store  # noqa: PLC0415

    store = S3Store(_BUCKET, endpoint=_ENDPOINT, client_options={"allow_http": True})

    def receive(key: str) -> None:
        Path(key).parent.mkdir(exist_ok=True)
        with Path(key).open("wb") as file:
            file.writelines(get(store, key).stream(16 << 20))

    if job == "put":
        paths = [*Path(name).iterdir()] if Path(name).is_dir() else [Path(name)]
        _each(lambda key: put(store, key, Path(key)), [str(path) for path in paths])
    else:
        _each(receive, [found["path"] for page in list(store, name) for found in page] or [name])


def _each(function: Callable[[str], object], keys: list[str]) -> None:
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for _ in pool.map(function, keys):
            pass


LIBRARIES: dict[str, Callable[[str, str], None]] = {"s3fs": s3fs, "obstore": obstore}

if __name__ == "__main__":
    LIBRARIES[sys.argv[1]](sys.argv[2], sys.argv[3])
