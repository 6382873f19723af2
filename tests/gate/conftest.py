"""The pull requests, each built once for all processes of a test run, and what is known of them."""

from __future__ import annotations

import fcntl
import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from gate.histories import Case, Keys
from harness import Repo

from mvc.quality.judge.facts import Facts

Built = Callable[[Case], Repo]


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep other processes of this test run out."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that all processes of this test run share."""
    top = tmp_path_factory.getbasetemp()
    folder = (top.parent if top.name.startswith("popen-") else top) / "gate"
    (folder / "keys").mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def built(shared: Path, template: Path, environ: dict[str, str]) -> Built:
    """Return a function that gives the repository of a case: built once, and only read afterwards."""

    def build(case: Case) -> Repo:
        folder = shared / case.name
        with locked(shared / f"{case.name}.lock"):
            if not folder.exists():
                begun = shared / f"{case.name}.begun"
                case.built(template, begun / "repo", environ, Keys(shared / "keys"))
                begun.rename(folder)
        return Repo(folder / "repo", environ)

    return build


@pytest.fixture
def facts(shared: Path, built: Built) -> Callable[[Case], Facts]:
    """Return a function that gives the facts of a case: collected once."""

    def collect(case: Case) -> Facts:
        file = shared / f"{case.name}.facts"
        with locked(shared / f"{case.name}.facts.lock"):
            if not file.exists():
                file.write_bytes(pickle.dumps(case.facts(built(case))))
        return pickle.loads(file.read_bytes())

    return collect
