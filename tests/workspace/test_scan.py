"""One walk that reads no content: names, stat data, and what cannot be stored."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from mvc.errors import MvcError, SourceChanged
from mvc.fs.files import StatData, UnsafePath
from mvc.fs.tree import Tree
from mvc.store.cache.writer import LOOSE_AT, CacheWriter
from mvc.workspace.links import Links
from mvc.workspace.observe import check_storable
from mvc.workspace.scan import refusal, scan

Fill = Callable[[dict[str, bytes]], None]


def test_nothing_there(tree: Tree, links: Links) -> None:
    assert scan(tree, "none", links).kind == "none"
    assert scan(tree, "none/below", links).kind == "none"


def test_a_file_has_one_empty_name_and_its_stat_data(tree: Tree, links: Links, top: Path, fill: Fill) -> None:
    fill({"model": b"12345"})
    found = scan(tree, "model", links)
    assert (found.kind, list(found.names), found.total, found.refused) == ("file", [""], 5, {})
    assert found.groups[0].stat(0) == StatData.of((top / "model").stat())


def test_a_directory_s_files_at_every_depth(tree: Tree, links: Links, top: Path, fill: Fill) -> None:
    files = {
        "d/a": b"1",
        "d/b/c": b"22",
        "d/b/d/e": b"333",
        "d/naïve 数据": b"",
        "d/-x": b"4",
        "d/.hidden/f": b"5",
        "other": b"6",
    }
    fill(files)
    (top / "d" / "empty").mkdir()
    found = scan(tree, "d", links)
    assert found.kind == "dir"
    assert list(found.names) == sorted(path[2:] for path in files if path.startswith("d/"))
    (group,) = found.groups
    assert [group.stat(n) for n in range(group.length)] == [
        StatData.of((top / "d" / name).stat()) for name in found.names
    ]
    assert found.total == 8


def test_an_empty_directory(tree: Tree, links: Links, top: Path) -> None:
    (top / "d").mkdir()
    found = scan(tree, "d", links)
    assert (found.kind, list(found.names), found.files) == ("dir", [], 0)


@pytest.mark.parametrize(
    ("mode", "executable"), [(0o755, True), (0o700, True), (0o644, False), (0o600, False), (0o655, False)]
)
def test_executable_is_what_the_owner_may_execute(
    tree: Tree, links: Links, top: Path, fill: Fill, mode: int, executable: bool
) -> None:
    fill({"d/run": b"x"})
    (top / "d/run").chmod(mode)
    for path in ("d", "d/run"):
        (group,) = scan(tree, path, links).groups
        assert group.executable == bytes([executable])


def test_special_files_and_dangling_symlinks_are_refused_by_name(
    tree: Tree, links: Links, top: Path, fill: Fill
) -> None:
    fill({"d/good": b"x"})
    os.mkfifo(top / "d/fifo")
    (top / "d/dangling").symlink_to("nothing")
    (top / "d/folder").symlink_to(".")
    (top / "d/loop").symlink_to("loop")
    with socket.socket(socket.AF_UNIX) as server:
        os.chdir(top / "d")
        server.bind("socket")
    found = scan(tree, "d", links)
    assert list(found.names) == ["good"]
    assert set(found.refused) == {"fifo", "dangling", "folder", "loop", "socket"}
    error = refusal("d", found)
    assert isinstance(error, MvcError)
    assert error.message.startswith("d/")
    with pytest.raises(MvcError):
        check_storable("d", found)


def test_a_special_file_in_place_of_a_tracked_file_is_refused(tree: Tree, links: Links, top: Path) -> None:
    os.mkfifo(top / "model")
    found = scan(tree, "model", links)
    assert found.kind == "other"
    assert refusal("model", found) is not None


def test_a_symlink_has_the_stat_data_of_its_target(tree: Tree, links: Links, top: Path, fill: Fill) -> None:
    fill({"d/file": b"12", "elsewhere": b"12345"})
    (top / "d/link").symlink_to("../elsewhere")
    found = scan(tree, "d", links)
    assert found.links == {"link": ""}
    assert list(found.names) == ["file", "link"]
    assert found.groups[0].stat(1) == StatData.of((top / "elsewhere").stat())


def test_a_symlink_into_the_cache_stands_for_its_object(tree: Tree, links: Links, top: Path) -> None:
    with CacheWriter(links.cache) as writer:
        digest = writer.put_bytes(b"x" * LOOSE_AT)
    target = links.cache.loose_path(digest.blake3)
    (top / "link").symlink_to(target)
    (top / "other").symlink_to(target.replace("/objects/", "/tmp/../objects/"))
    assert scan(tree, "link", links).links == {"": digest.blake3}
    assert scan(tree, "other", links).links == {"": ""}


def test_a_symlink_in_a_parent_is_refused(tree: Tree, links: Links, top: Path, fill: Fill) -> None:
    fill({"real/model": b"x"})
    (top / "link").symlink_to("real")
    with pytest.raises(UnsafePath):
        scan(tree, "link/model", links)


def test_a_symlink_to_a_directory_is_not_walked(tree: Tree, links: Links, top: Path, fill: Fill) -> None:
    fill({"outside/secret": b"x", "d/a": b"y"})
    (top / "d/out").symlink_to("../outside")
    found = scan(tree, "d", links)
    assert list(found.names) == ["a"]
    assert set(found.refused) == {"out"}


class Removing(Links):
    """Removes a directory when a symlink beside it is looked at."""

    def object_behind(self, name: str, dir_fd: int) -> str:
        os.rmdir("sub", dir_fd=dir_fd)
        return super().object_behind(name, dir_fd)


def test_a_directory_that_vanishes_meanwhile_is_named(tree: Tree, links: Links, top: Path, fill: Fill) -> None:
    fill({"d/a": b"x"})
    (top / "d/sub").mkdir()
    (top / "d/link").symlink_to("a")
    with pytest.raises(SourceChanged, match=r"^d/sub vanished"):
        scan(tree, "d", Removing(*links))


def test_what_mvc_itself_left_is_not_seen(tree: Tree, links: Links, fill: Fill) -> None:
    fill({"d/a": b"x", "d/.mvc-tmp/0123/1": b"half written"})
    assert list(scan(tree, "d", links).names) == ["a"]


@pytest.mark.parametrize("name", ["a\nb", "con", "x.", "back\\slash", "\udcff", ".mvc/config"])
def test_names_that_are_refused_are_refused_before_anything_is_read(
    tree: Tree, links: Links, top: Path, name: str
) -> None:
    (top / "d" / name).parent.mkdir(parents=True)
    (top / "d" / name).write_bytes(b"x")
    with pytest.raises(MvcError):
        check_storable("d", scan(tree, "d", links))


def test_the_same_scan_twice(tree: Tree, links: Links, fill: Fill) -> None:
    fill({f"d/{number % 7}/{number}": b"x" for number in range(200)})
    assert scan(tree, "d", links) == scan(tree, "d", links)
