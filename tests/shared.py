"""What all processes of a test run share: a folder, and servers that the first one that needs them starts."""

from __future__ import annotations

import fcntl
import pickle
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import TypeVar

import pytest

T = TypeVar("T")


def shared_folder(factory: pytest.TempPathFactory, name: str) -> Path:
    """Return a folder that the processes of this test run share; pytest-xdist gives each of them one below it."""
    top = factory.getbasetemp()
    folder = (top.parent if top.name.startswith("popen-") else top) / name
    folder.mkdir(exist_ok=True)
    return folder


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep other processes of this test run out."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def shared(folder: Path, start: Callable[[Path], AbstractContextManager[T]]) -> Iterator[T]:
    """Use the server in `folder`, started by the first process that needs it.

    That process ends it, once no other one uses it: a server dies with the process that started it.
    """
    facts = folder / "facts"
    with (folder / "users").open("w") as users, ExitStack() as stack:
        with locked(folder / "lock"):
            fcntl.flock(users, fcntl.LOCK_SH)
            if facts.exists():
                server: T = pickle.loads(facts.read_bytes())
            else:
                server = stack.enter_context(start(Path(mkdtemp(dir=folder))))
                (folder / "new").write_bytes(pickle.dumps(server))
                (folder / "new").rename(facts)
                stack.callback(facts.unlink)
                stack.callback(fcntl.flock, users, fcntl.LOCK_EX)  # waits for the others
        yield server
        fcntl.flock(users, fcntl.LOCK_UN)
