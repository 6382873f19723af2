"""A push relies on what an earlier one left on the remote only as long as it is there unchanged."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness import Repo

from mvc.objects.hashing import hash_bytes
from mvc.objects.manifest import Entry, Shard, encode_index, encode_lines
from mvc.objects.pointer import Pointer, emit
from mvc.ops.remotes.push import PushOptions, push
from mvc.ops.remotes.pushed_parts import pushed_parts
from mvc.ops.shared.transfers.needed import needed
from mvc.ops.shared.transfers.open_remote import opening
from mvc.ops.shared.transfers.results import TransferResult
from mvc.ops.shared.transfers.selected import RevisionScope, selected
from mvc.project import Project
from mvc.store.cache.writer import CacheWriter
from mvc.surroundings import surroundings
from mvc.transfer.send import missing_there

FILES = 300
"""More than a pointer lists."""


@pytest.fixture
def project(fresh: Repo, tmp_path: Path) -> Iterator[Project]:
    """Return the project of a repository in which a directory was just pushed; its manifest is an object."""
    fresh.write_dir("d", FILES)
    fresh.added("d")
    fresh.ok("remote", "add", "nas", str(tmp_path / "nas"))
    fresh.ok("push")
    with Project.find(surroundings(fresh.root)) as found:
        yield found


@pytest.fixture
def nas(project: Project) -> Path:
    """Return the directory of the remote."""
    return Path(project.root).parent / "nas"


def known(project: Project) -> int:
    """Return the number of parts that the next push will rely on."""
    with opening(project, "nas", 1) as tools:
        return len(pushed_parts(project, tools.remote))


def pushed(project: Project, options: PushOptions = PushOptions()) -> TransferResult:
    """Push, and return the result."""
    (result,) = push(project, options=options)
    return result


def lacking(project: Project) -> int:
    """Return the number of needed objects that the remote lacks."""
    meant = selected(project, [], RevisionScope())
    with opening(project, "nas", 1) as tools:
        return len(missing_there(tools.remote, needed(project, meant.selections).objects.digests()))


def pack(place: Path) -> Path:
    """Return the pack of the remote, or of the cache."""
    (found,) = (place / "packs").glob("*.pack")
    found.chmod(0o644)
    return found


def cut_short(nas: Path) -> None:
    os.truncate(pack(nas), 1000)


def written_again(nas: Path) -> None:
    os.utime(pack(nas), (1, 1))


def without_index(nas: Path) -> None:
    pack(nas).with_suffix(".idx").unlink()


def without_pack(nas: Path) -> None:
    pack(nas).unlink()


def other_roots(nas: Path) -> None:
    (roots,) = (nas / "repos").glob("*/roots")
    roots.write_text("mvc-roots 1\n")


def without_roots(nas: Path) -> None:
    (roots,) = (nas / "repos").glob("*/roots")
    roots.unlink()


def other_remote(nas: Path) -> None:
    marker = nas / "mvc-remote.yaml"
    marker.write_text(marker.read_text().replace('id: "', 'id: "1'))


def garbage_listed(nas: Path) -> None:
    (nas / "gc").mkdir()
    (nas / "gc/00000000-0000-0000-0000-000000000000").write_text("mvc-gc 1\n")


def test_nothing_is_looked_up_again(project: Project, nas: Path) -> None:
    assert known(project) > 0
    first, again = pushed(project, PushOptions(repair=True)), pushed(project)
    assert (first.skipped, again.skipped, again.transferred) == (FILES + 1, FILES + 1, 0)
    (nas / "packs/unrelated.pack").touch()
    assert known(project) > 0


@pytest.mark.parametrize(
    "change",
    [
        cut_short, written_again, without_index, without_pack, other_roots, without_roots, other_remote, garbage_listed,
    ],
)
def test_after_a_change_there_all_is_looked_up(
    project: Project, nas: Path, change: Callable[[Path], None],
) -> None:
    change(nas)
    assert known(project) == 0
    result = pushed(project)
    assert (result.failed, result.skipped + result.transferred) == ((), FILES + 1)
    assert not lacking(project)
    (roots,) = (nas / "repos").glob("*/roots")
    assert len(roots.read_text().splitlines()) == FILES + 3
    assert known(project) > 0 or change is garbage_listed


def test_a_changed_file_is_sent_and_the_rest_is_not_looked_up(project: Project, environ: dict[str, str]) -> None:
    repo = Repo(Path(project.root), environ)
    repo.write("d/part-0000.bin", b"changed")
    repo.added("d")
    result = pushed(project)
    assert (result.transferred, result.skipped) == (2, FILES - 1)
    assert known(project) > 0
    repo.ok("verify", "-r", "nas")


def test_another_path_sent_alone_leaves_a_directory_known(project: Project, environ: dict[str, str]) -> None:
    repo = Repo(Path(project.root), environ)
    repo.write("f", b"beside it")
    repo.added("f")
    before = known(project)
    assert pushed(project).transferred == 1
    assert known(project) == before


def test_a_push_that_failed_records_nothing(project: Project, nas: Path) -> None:
    without_pack(nas)
    os.truncate(pack(Path(project.cache.root)), 1000)
    assert pushed(project).failed
    assert known(project) == 0


def test_an_invalid_manifest_with_a_lost_shard_is_reported(
    project: Project, environ: dict[str, str],
) -> None:
    invalid = encode_lines([Entry("same", *hash_bytes(b"a"))] * 2)
    shards = [Shard(hash_bytes(invalid), 2, "same"), Shard(hash_bytes(b"lost"), 5000, "z")]
    with CacheWriter(project.cache) as writer:
        whole = [writer.put_bytes(body) for body in (invalid, encode_index(shards))][1]
    pointer = Pointer("dir", whole, files=5002, total=2)
    Repo(Path(project.root), environ).write("broken.mvc", emit(pointer))
    result = pushed(project)
    assert [(item.path, item.blake3) for item in result.failed] == [("broken", ""), ("broken", shards[1].digest.blake3)]
    assert result.skipped == FILES + 1
