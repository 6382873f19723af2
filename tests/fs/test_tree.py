"""Files below a directory are reached, and replaced, without following symlinks."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mvc.errors import MvcError
from mvc.fs.files import UnsafePath, open_regular
from mvc.fs.scratch import Staging
from mvc.fs.tree import Replacement, Tree, replace_files


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[Tree]:
    """Return a tree with `folder/file` in it, a secret beside it, and ways out."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_bytes(b"secret")
    top = tmp_path / "top"
    (top / "folder").mkdir(parents=True)
    (top / "folder" / "file").write_bytes(b"content")
    (top / "out").symlink_to("../outside")
    (top / "in").symlink_to("folder")
    (top / "link").symlink_to("folder/file")
    (top / "dangling").symlink_to("nothing")
    os.mkfifo(top / "fifo")
    with Tree(str(top)) as opened:
        yield opened


def test_a_regular_file_is_reached(tree: Tree) -> None:
    assert tree.read("folder/file", 100) == b"content"
    assert tree.read("folder/file", 3) == b"con"


@pytest.mark.parametrize("path", ["none", "folder/none", "none/file", "folder/file/below"])
def test_what_is_not_there_reads_as_none(tree: Tree, path: str) -> None:
    if path == "folder/file/below":
        with pytest.raises(UnsafePath):
            tree.read(path, 1)
    else:
        assert tree.read(path, 1) is None
        assert tree.lstat(path) is None


@pytest.mark.parametrize("path", ["out/secret", "in/file", "link/x", "fifo/x"])
def test_no_symlink_in_a_parent_is_followed(tree: Tree, path: str) -> None:
    for use in (
        tree.open,
        tree.parent,
        tree.lstat,
        lambda path: tree.parent(path, make=True),
        lambda path: tree.read(path, 9),
    ):
        with pytest.raises(UnsafePath, match="symlink or not a directory"):
            use(path)


@pytest.mark.parametrize("path", ["link", "dangling", "out"])
def test_no_symlink_is_opened_as_a_file(tree: Tree, path: str) -> None:
    with pytest.raises(UnsafePath, match="symlink"):
        tree.open(path)
    status = tree.lstat(path)
    assert status is not None
    assert os.readlink(f"{tree.root}/{path}")


def test_neither_fifo_nor_directory_socket_or_device_is_a_file(tree: Tree) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        here = Path.cwd()
        os.chdir(tree.root)  # a socket's path is at most 107 bytes
        server.bind("socket")
        os.chdir(here)
        for path in ("fifo", "folder"):
            with pytest.raises(UnsafePath, match="not a regular file"):
                tree.open(path)
        with pytest.raises((UnsafePath, OSError)):
            tree.open("socket")
    with pytest.raises(UnsafePath, match="not a regular file"):
        open_regular("/dev/null", None, "device")


def test_a_directory_swapped_for_a_symlink_is_not_entered_once_forgotten(tree: Tree) -> None:
    assert tree.read("folder/file", 100) == b"content"
    folder = Path(tree.root, "folder")
    folder.rename(folder.with_name("moved"))
    folder.symlink_to("../outside")
    assert tree.read("folder/file", 100) == b"content"  # still the directory that was opened
    assert tree.read("folder/secret", 100) is None
    tree.forget()
    with pytest.raises(UnsafePath):
        tree.read("folder/secret", 100)


def test_missing_directories_are_made_on_request_only(tree: Tree) -> None:
    with pytest.raises(FileNotFoundError):
        tree.parent("a/b/c")
    fd, name = tree.parent("a/b/c", make=True)
    assert os.path.samestat(os.fstat(fd), os.stat(f"{tree.root}/a/b"))
    assert name == "c"


def test_few_directories_stay_open_and_deep_ones_are_reached(tree: Tree) -> None:
    before = len(os.listdir("/proc/self/fd"))
    deep = "/".join(f"d{number}" for number in range(60))
    tree.parent(f"{deep}/file", make=True)
    for number in range(40):
        tree.parent(f"wide{number}/file", make=True)
    assert len(os.listdir("/proc/self/fd")) <= before + 17
    Path(tree.root, deep, "file").write_bytes(b"deep")
    assert tree.read(f"{deep}/file", 10) == b"deep"


# Replacing.


@pytest.fixture
def staging(tmp_path: Path) -> Iterator[Staging]:
    """Return a staging place beside the tree."""
    with Staging(str(tmp_path / "staging")) as made:
        yield made


def test_files_are_written_and_replaced(tree: Tree, staging: Staging) -> None:
    replace_files(
        tree,
        staging,
        [
            Replacement("folder/file", b"content", b"new"),
            Replacement("new/deep/file", None, b"made"),
            Replacement("empty", None, b""),
        ],
    )
    top = Path(tree.root)
    assert [(top / name).read_bytes() for name in ("folder/file", "new/deep/file", "empty")] == [b"new", b"made", b""]


def test_many_files_are_written(tree: Tree, staging: Staging) -> None:
    items = [Replacement(f"many/{number}", None, b"%d" % number) for number in range(50)]
    replace_files(tree, staging, items)
    assert {item.path: Path(tree.root, item.path).read_bytes() for item in items} == {
        item.path: item.new for item in items
    }


@pytest.mark.parametrize(
    "old",
    [
        pytest.param(None, id="should not exist"),
        pytest.param(b"other", id="other bytes"),
        pytest.param(b"conten", id="the beginning"),
        pytest.param(b"content and more", id="more"),
        pytest.param(b"", id="empty"),
    ],
)
def test_a_file_that_does_not_hold_what_it_should_is_left_alone(
    tree: Tree, staging: Staging, old: bytes | None
) -> None:
    with pytest.raises(MvcError, match="folder/file was changed by another program meanwhile"):
        replace_files(tree, staging, [Replacement("first", None, b"1"), Replacement("folder/file", old, b"new")])
    assert Path(tree.root, "folder/file").read_bytes() == b"content"
    assert Path(tree.root, "first").read_bytes() == b"1"


def test_a_file_that_should_be_there_and_is_not_is_not_made(tree: Tree, staging: Staging) -> None:
    with pytest.raises(MvcError, match="changed by another program"):
        replace_files(tree, staging, [Replacement("none", b"old", b"new")])
    assert not Path(tree.root, "none").exists()


@pytest.mark.parametrize("path", ["out/new", "in/file", "link", "dangling", "fifo"])
def test_nothing_is_written_through_a_symlink_or_over_what_is_no_file(
    tree: Tree, staging: Staging, path: str, tmp_path: Path
) -> None:
    with pytest.raises(UnsafePath):
        replace_files(tree, staging, [Replacement(path, None, b"new")])
    assert sorted(os.listdir(tmp_path / "outside")) == ["secret"]
    assert Path(tree.root, "folder/file").read_bytes() == b"content"


def test_replacing_leaves_nothing_in_staging(tree: Tree, tmp_path: Path) -> None:
    with Staging(str(tmp_path / "staging")) as staging:
        replace_files(tree, staging, [Replacement("a", None, b"1")])
        with pytest.raises(MvcError):
            replace_files(tree, staging, [Replacement("a", None, b"2")])
    assert os.listdir(tmp_path / "staging") == []


ACROSS = """
import os, sys
from mvc.fs.scratch import Staging
from mvc.fs.tree import Replacement, Tree, replace_files
top = sys.argv[1]
assert os.stat(top + "/mounted").st_dev != os.stat(top).st_dev
with Tree(top) as tree, Staging(top + "/tmp") as staging:
    for round in range(2):
        replace_files(tree, staging, [
            Replacement("mounted/a", None if not round else b"0", b"%d" % round),
            Replacement("mounted/deep/b", None if not round else b"0", b"%d" % round),
            Replacement("here", None if not round else b"0", b"%d" % round),
        ])
    def directory(path):
        os.mkdir(path)
        open(path + "/inside", "w").close()
    staging.place(directory, top + "/mounted", tree.directory("mounted"), "folder")
    print(sorted(name for name in os.listdir(top + "/mounted") if name != ".mvc-tmp"))
print(open(top + "/mounted/a").read(), open(top + "/mounted/deep/b").read(), open(top + "/here").read())
print(sorted(os.listdir(top + "/mounted")), os.listdir(top + "/mounted/deep"), os.listdir(top + "/mounted/folder"))
print(os.listdir(top + "/tmp"))
"""


def test_a_directory_on_another_file_system_gets_a_scratch_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "mounted").mkdir()
    namespace = ["unshare", *(["-Ur"] if os.getuid() else []), "-m"]
    script = 'mount -t tmpfs none "$0/mounted" && exec "$1" -c "$2" "$0"'
    command = [*namespace, "sh", "-c", script, str(tmp_path), sys.executable, ACROSS]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "['a', 'deep', 'folder']",
        "1 1 1",
        "['a', 'deep', 'folder'] ['b'] ['inside']",
        "[]",
    ]
