"""Which content of a large directory pointers name: decided by its shards, and without them everywhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest
from harness import Begin, Repo

from mvc.objects.hashing import hash_bytes
from mvc.objects.manifest import SHARD_ABOVE, Entry
from mvc.ops.shared.workspace_content import named_objects
from mvc.project import Project
from mvc.retention.named import NamedObjects
from mvc.surroundings import surroundings

FIRST, OTHER, LAST = "00000", "02000", f"{SHARD_ABOVE:05}"
VERSIONS = ({FIRST: "one"}, {FIRST: "two", OTHER: "two"}, {LAST: "staged"})


def many_files(repo: Repo) -> None:
    """Commit two versions of a directory whose manifest has shards, and stage a third."""
    for number in range(SHARD_ABOVE + 1):
        repo.write(f"d/{number:05}", str(number))
    for number, files in enumerate(VERSIONS):
        for path, content in files.items():
            repo.write(f"d/{path}", content)
        repo.ok("add", "d")
        if number < 2:
            repo.commit(f"version {number}")
            repo.git("tag", f"v{number}")


class Place(NamedTuple):
    """The repository, and what its pointers name."""

    repo: Repo
    named: NamedObjects

    def left(self, *files: tuple[str, str]) -> list[str]:
        """Return which paths with such content are named neither there nor elsewhere: `PATH` or `PATH elsewhere`."""
        entries = [Entry(path, *hash_bytes(content.encode())) for path, content in files]
        pointer = self.repo.read("d.mvc")
        unlisted = self.named.unlisted("d", entries, pointer)
        lacking = self.named.lacking({entry.blake3 for entry in unlisted}, pointer)
        return [entry.path if entry.blake3 in lacking else f"{entry.path} elsewhere" for entry in unlisted]


@pytest.fixture
def place(begin: Begin) -> Iterator[Place]:
    """Return that repository."""
    repo = begin(many_files)
    with Project.find(surroundings(repo.root)) as project:
        yield Place(repo, named_objects(project))


def test_content_of_any_version_is_listed_at_its_path(place: Place) -> None:
    assert place.left((FIRST, "one")) == []
    assert place.left((FIRST, "two"), (OTHER, "two"), (LAST, "staged")) == []
    assert place.left((FIRST, "never"), (OTHER, "two")) == [FIRST]


def test_content_at_another_path_is_named_elsewhere(place: Place) -> None:
    assert place.left((OTHER, "one"), (LAST, "never")) == [f"{OTHER} elsewhere", LAST]


def test_what_was_named_before_stays_named_when_the_command_replaces_the_pointer(place: Place) -> None:
    assert place.left((LAST, "staged")) == []
    place.repo.git("checkout", "-q", "v0", "--", "d.mvc")
    assert place.left((LAST, "staged")) == []


def test_what_no_pointer_names_any_more_is_lost(place: Place) -> None:
    place.repo.git("checkout", "-q", "v0", "--", "d.mvc")
    assert place.left((FIRST, "one"), (FIRST, "two"), (LAST, "staged")) == [LAST]
