"""Directories with several shards: what did not change is neither read nor described again."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mvc.fs.progress import Silent
from mvc.fs.scratch import Staging
from mvc.fs.tree import Tree
from mvc.objects.diff import diff_manifests
from mvc.objects.hashing import hash_bytes
from mvc.objects.manifest import Entry, Manifest, Shard
from mvc.store.cache.writer import CacheWriter
from mvc.workspace.checkout import Checkout, Plan, files_of, groups_after
from mvc.workspace.links import Links
from mvc.workspace.observe import Observed, ObserveOptions, observe
from mvc.workspace.stat_index import Snapshot

if TYPE_CHECKING:
    from conftest import Recorder

Fill = Callable[[dict[str, bytes]], None]
Files = dict[str, bytes]


@pytest.fixture(autouse=True)
def _small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut shards of about 8 files, in directories of more than 8."""
    monkeypatch.setattr("mvc.objects.manifest.SHARD_ABOVE", 8)
    monkeypatch.setattr("mvc.workspace.stat_index.SHARD_ABOVE", 8)
    monkeypatch.setattr("mvc.objects.manifest.SHARD_MASK", 7)


def files(count: int, seed: int = 0) -> Files:
    """Return some files, in directories whose names sort before and after a slash."""
    chosen = random.Random(seed)
    folders = ("a/", "a-b/", "a.b/", "a0/", "", "z/y/")
    return {f"{chosen.choice(folders)}{number:03}": chosen.randbytes(9) for number in range(count)}


def manifest(content: Files) -> Manifest:
    """Return the manifest of files."""
    return Manifest.of(Entry(path, *hash_bytes(data)) for path, data in content.items())


def changed(content: Files, seed: int) -> Files:
    """Return the files with a few changed, deleted and added."""
    chosen = random.Random(seed)
    paths = chosen.sample(sorted(content), min(6, len(content)))
    rest = {path: data for path, data in content.items() if path not in paths[:2]}
    new = {f"new/{seed}": b"new", f"a/{seed:03}x": b"new"}
    return rest | {path: chosen.randbytes(9) for path in paths[2:4]} | new


class World:
    """A tracked directory `d`, and a cache with its content."""

    def __init__(self, tree: Tree, links: Links, top: Path, recorder: Recorder) -> None:
        self.tree, self.links, self.top, self.recorder = tree, links, top, recorder

    def write(self, content: Files) -> None:
        """Make the directory have this content; the cache, too. Files that are right are not touched."""
        folder = self.top / "d"
        for path in [*folder.rglob("*")] if folder.exists() else []:
            if path.is_file() and str(path.relative_to(folder)) not in content:
                path.unlink()
        with CacheWriter(self.links.cache) as writer:
            for path, data in content.items():
                writer.put_bytes(data)
                if not (folder / path).is_file() or (folder / path).read_bytes() != data:
                    (folder / path).parent.mkdir(parents=True, exist_ok=True)
                    (folder / path).write_bytes(data)

    def observe(self, known: tuple[object, ...] = ()) -> Observed:
        """Look at the directory; `known` are groups, whose stat data is trusted."""
        self.recorder.read.clear()
        groups = tuple(group._replace(recorded=group.newest) for group in known)  # type: ignore[attr-defined]
        snapshot = Snapshot("dir", groups) if groups else None
        return observe(self.tree, "d", self.links, ObserveOptions(snapshot, self.recorder.reader()))

    def check_out(self, before: Observed, wanted: Manifest) -> tuple[object, ...]:
        """Make the directory have other content; return what is known then."""
        plan = Plan(files_of(before), wanted, empty=before.scan.kind == "none")
        with Staging(str(self.top / "tmp")) as staging:
            done = Checkout(self.tree, staging, self.links, Silent()).execute("d", plan, "dir", before)
        assert done.failures == []
        return groups_after(self.tree, "d", wanted, before, done, "dir")


@pytest.fixture
def world(tree: Tree, links: Links, top: Path, recorder: Recorder) -> World:
    """Return an empty world."""
    return World(tree, links, top, recorder)


@pytest.mark.parametrize("count", [0, 1, 8, 9, 30, 200])
def test_the_groups_are_the_shards_of_the_manifest(world: World, count: int) -> None:
    content = files(count)
    (world.top / "d").mkdir()
    world.write(content)
    found = world.observe()
    assert found.digest == manifest(content).digest
    assert [group.shard for group in found.groups] == list(manifest(content).shards)
    assert list(found.entries()) == list(manifest(content).entries)


@pytest.mark.parametrize("seed", range(6))
def test_after_a_change_only_new_content_is_read_and_other_groups_stay(world: World, seed: int) -> None:
    old, new = files(200), changed(files(200), seed)
    world.write(old)
    first = world.observe().groups
    world.write(new)
    second = world.observe(first)
    assert sorted(world.recorder.read) == sorted(data for path, data in new.items() if old.get(path) != data)
    assert second.manifest == manifest(new)
    same = {*manifest(old).shards} & {*manifest(new).shards}
    assert len(same) > 5
    assert {group.shard for group in second.groups if group in first} <= same
    assert world.observe(second.groups).is_new is False


@pytest.mark.parametrize("seed", range(6))
def test_a_diff_of_shards_is_that_of_all_files(seed: int) -> None:
    old, new = files(200), changed(files(200), seed)
    found = [(change.path, change.old, change.new) for change in diff_manifests(manifest(old), manifest(new))]
    before, after = ({entry.path: entry for entry in manifest(side).entries} for side in (old, new))
    paths = sorted(path for path in {*before, *after} if before.get(path) != after.get(path))
    assert found == [(path, before.get(path), after.get(path)) for path in paths]


@pytest.mark.parametrize(("count", "other"), [(0, 200), (200, 0), (200, 5), (5, 200), (9, 8), (8, 9)])
def test_a_diff_of_a_large_and_a_small_directory(count: int, other: int) -> None:
    old, new = manifest(files(count, seed=1)), manifest(files(other, seed=2))
    changes = list(diff_manifests(old, new))
    left = {*old.entries} - {change.old for change in changes if change.old}
    assert left | {change.new for change in changes if change.new} == {*new.entries}


def test_a_diff_holds_one_shard_where_the_other_side_has_none() -> None:
    content = manifest(files(200))
    read: list[Shard] = []

    def noting(shard: Shard) -> bytes:
        read.append(shard)
        return content.read(shard)

    changes = diff_manifests(Manifest.holding(()), Manifest(content.shards, noting))
    assert next(changes).new == next(content.entries)
    assert len(read) == 1
    assert len(list(changes)) == 199
    assert read == list(content.shards)


@pytest.mark.parametrize("seed", range(6))
def test_after_a_checkout_nothing_is_read(world: World, seed: int) -> None:
    old, new = files(200), changed(files(200), seed)
    world.write(new)
    world.write(old)
    before = world.observe()
    groups = world.check_out(before, manifest(new))
    after = world.observe(groups)
    assert world.recorder.read == []
    assert after.manifest == manifest(new)
    assert {path: (world.top / "d" / path).read_bytes() for path in new} == new


@pytest.mark.parametrize("count", [0, 1, 8, 9, 200])
def test_after_a_checkout_of_all_nothing_is_read(world: World, count: int) -> None:
    content = files(count)
    world.write(content)
    shutil.rmtree(world.top / "d", ignore_errors=True)
    world.tree.forget()
    groups = world.check_out(world.observe(), manifest(content))
    after = world.observe(groups)
    assert (world.recorder.read, after.manifest, after.is_new) == ([], manifest(content), False)


@pytest.mark.parametrize("written", [True, False])
def test_a_file_changed_during_a_checkout_is_not_taken_for_known(world: World, written: bool) -> None:
    old, new = files(200), changed(files(200), 0)
    world.write(new)
    world.write(old)
    before = world.observe()
    plan = Plan(files_of(before), manifest(new))
    with Staging(str(world.top / "tmp")) as staging:
        done = Checkout(world.tree, staging, world.links, Silent()).execute("d", plan, "dir", before)
    placed = {entry.path for entry in plan.write}
    path = min(path for path in new if (path in placed) == written)
    (world.top / "d" / path).write_bytes(b"other content")
    groups = groups_after(world.tree, "d", manifest(new), before, done, "dir")
    assert not written or path not in {entry.path for group in groups for entry in group.entries}
    after = world.observe(groups)
    assert b"other content" in world.recorder.read
    assert after.manifest == manifest(new | {path: b"other content"})
