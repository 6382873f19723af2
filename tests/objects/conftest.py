"""Values that the tests of `mvc.objects` share."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mvc.objects.hashing import hash_bytes
from mvc.objects.manifest import Entry


@pytest.fixture(scope="session")
def entry() -> Callable[..., Entry]:
    """Return a function that makes the entry of a file with a path and bytes."""

    def make(path: str, data: bytes | None = None, *, executable: bool = False) -> Entry:
        return Entry(path, *hash_bytes(path.encode() if data is None else data), executable)

    return make
