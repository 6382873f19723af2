"""After a merge of large directories: where all files are is known if both sides were complete, and only then."""

from __future__ import annotations

import pytest
from harness import LARGE, MANY, Begin, Repo, noise

from mvc.objects.hashing import hash_bytes
from mvc.objects.pointer_reader import parse
from mvc.project import Project
from mvc.retention.available import is_available
from mvc.store.cache.cache import Cache
from mvc.surroundings import surroundings


def branches(repo: Repo) -> None:
    """Commit a directory, and on two branches one more file; that of the other branch is a loose object."""
    repo.write_dir("d", MANY)
    repo.added("d")
    repo.git("switch", "-qc", "side")
    repo.write("d/theirs", noise("theirs", LARGE))
    repo.added("d")
    repo.git("switch", "-q", "main")
    repo.ok("checkout")
    repo.write("d/ours", "ours")
    repo.added("d")


@pytest.fixture
def repo(begin: Begin) -> Repo:
    return begin(branches)


def complete(repo: Repo) -> bool:
    """Merge, and return whether the cache has all files of the result."""
    repo.git("merge", "-q", "-m", "merge", "side")
    pointer = parse(repo.read("d.mvc"))
    assert pointer.files == MANY + 2
    with Project.find(surroundings(repo.root)) as project:
        return is_available(project.cache, project.catalog, pointer)


def test_no_file_is_looked_up(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Cache, "look_up", None)
    assert complete(repo)


def test_a_side_that_is_not_in_the_cache(repo: Repo) -> None:
    repo.loose(hash_bytes(noise("theirs", LARGE)).blake3).unlink()
    assert not complete(repo)
