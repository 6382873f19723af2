"""A large file from a server, on its way into the cache."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from mvc.fs.files import DIRECTORY
from mvc.store.cache.cache import Cache
from mvc.store.cache.layout import cannot_write
from mvc.store.cache.source_file import LinkType, SourceFile

LINKS: tuple[LinkType, ...] = ("hardlink", "copy")
"""How such a file becomes an object: it is nobody else's."""


@contextmanager
def fetched_file(cache: Cache, name: str, parts: Iterable[bytes]) -> Iterator[SourceFile]:
    """Write `parts` into a temporary file of the cache, and open it; `name` is for messages.

    Raises:
        MvcError: the cache cannot be written.
    """
    with cache.scratch() as scratch:
        path = scratch.name()
        try:
            with open(path, "xb") as file:
                file.writelines(parts)
        except OSError as error:
            raise cannot_write(cache.root, error) from None
        folder = os.open(scratch.path, DIRECTORY)
        try:
            with open(path, "rb", buffering=0) as file:
                yield SourceFile(file.fileno(), os.fstat(file.fileno()), folder, os.path.basename(path), name)
        finally:
            os.close(folder)
