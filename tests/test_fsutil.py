"""Files as such: links that overwrite nothing, trees without symlinks, scratch that dies with its owner, locks."""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mvc.errors import MvcError, SourceChanged
from mvc.fs.file_systems import open_for_writing_elsewhere, reflink
from mvc.fs.files import UnsafePath, as_error, check_unchanged, open_regular, read_exactly, read_up_to, write_all
from mvc.fs.lock import Lock
from mvc.fs.new_names import link_new
from mvc.fs.scratch import Scratch, Staging
from mvc.fs.tree import Replacement, Tree, replace_files


@contextmanager
def other_process(code: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """Run Python code beside this test; it ends when its stdin is closed."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def said(process: subprocess.Popen[str]) -> str:
    """Return the next line of a process; waits for it."""
    assert process.stdout is not None
    return process.stdout.readline().rstrip("\n")


def say(process: subprocess.Popen[str], line: str) -> None:
    """Send a line to a process."""
    assert process.stdin is not None
    process.stdin.write(line + "\n")
    process.stdin.flush()


# Links.


def test_link_new_gives_a_file_a_name(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a")
    assert link_new(str(tmp_path / "a"), str(tmp_path / "b"))
    assert (tmp_path / "b").read_bytes() == b"a"


@pytest.fixture(
    params=[None, errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK], ids=["link", "EPERM", "EOPNOTSUPP", "EMLINK"]
)
def linking(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int | None:
    """Let `link` work, or fail as on file systems without hard links."""
    if request.param is not None:

        def refuse(*_: object, **__: object) -> None:
            raise OSError(request.param, os.strerror(request.param))

        monkeypatch.setattr(os, "link", refuse)
    code: int | None = request.param
    return code


@pytest.mark.usefixtures("linking")
def test_link_new_makes_the_target_appear_whole(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a")
    assert link_new(str(tmp_path / "a"), str(tmp_path / "b")) is True
    assert (tmp_path / "b").read_bytes() == b"a"


def existing(folder: Path, kind: str) -> Path:
    """Make something that is in the way."""
    target = folder / "target"
    makers: dict[str, Callable[[], object]] = {
        "file": lambda: target.write_bytes(b"old"),
        "empty file": target.touch,
        "directory": target.mkdir,
        "symlink": lambda: target.symlink_to("elsewhere"),
        "fifo": lambda: os.mkfifo(target),
    }
    makers[kind]()
    return target


KINDS = ["file", "empty file", "directory", "symlink", "fifo"]


@pytest.mark.usefixtures("linking")
@pytest.mark.parametrize("kind", KINDS)
def test_link_new_never_overwrites(tmp_path: Path, kind: str) -> None:
    (tmp_path / "a").write_bytes(b"new")
    target = existing(tmp_path, kind)
    before = target.lstat()
    assert link_new(str(tmp_path / "a"), str(target)) is False
    assert target.lstat().st_ino == before.st_ino
    assert (tmp_path / "a").read_bytes() == b"new"


@pytest.mark.usefixtures("linking")
def test_link_new_tells_other_errors(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        link_new(str(tmp_path / "none"), str(tmp_path / "b"))
    (tmp_path / "a").write_bytes(b"a")
    with pytest.raises(FileNotFoundError):
        link_new(str(tmp_path / "a"), str(tmp_path / "none" / "b"))


def test_link_new_does_not_hide_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "link", full)
    with pytest.raises(OSError, match="No space"):
        link_new(str(tmp_path / "a"), str(tmp_path / "b"))


def test_this_system_has_the_call_that_the_fallback_needs() -> None:
    assert ctypes.CDLL(None).renameat2


# Reflinks.


def test_where_blocks_cannot_be_shared_the_answer_is_no(tmp_path: Path) -> None:
    read_end, write_end = os.pipe()
    with (tmp_path / "a").open("w+b") as file:
        assert reflink(read_end, file.fileno()) is False  # a pipe has no blocks, on any file system
    os.close(read_end)
    os.close(write_end)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_a_disk_s_error_is_not_taken_for_a_no(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    def fail(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr("fcntl.ioctl", fail)
    with (tmp_path / "a").open("w+b") as file, pytest.raises(OSError, match=os.strerror(code)):
        reflink(file.fileno(), file.fileno())


# Reading.


def test_short_writes_are_completed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    real = os.write
    with (tmp_path / "a").open("wb", buffering=0) as file, monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda fd, data: real(fd, data[:3]))
        write_all(file.fileno(), b"0123456789")
    assert (tmp_path / "a").read_bytes() == b"0123456789"


@given(st.binary(max_size=40), st.integers(0, 50))
@settings(deadline=None, max_examples=60)
def test_reading_up_to_a_limit_and_reading_exactly(data: bytes, limit: int) -> None:
    fd = os.memfd_create("test")
    try:
        os.write(fd, data)
        os.lseek(fd, 0, os.SEEK_SET)
        assert read_up_to(fd, limit) == data[:limit]
        os.lseek(fd, 0, os.SEEK_SET)
        assert read_exactly(fd, limit) == (data if len(data) == limit else None)
    finally:
        os.close(fd)


@pytest.mark.parametrize(
    ("change", "noticed"),
    [
        pytest.param(lambda path: path.write_bytes(b"new"), True, id="bytes"),
        pytest.param(lambda path: os.utime(path, ns=(1, 1)), True, id="time"),
        pytest.param(lambda path: os.truncate(path, 1), True, id="size"),
        pytest.param(lambda path: path.with_name("b").write_bytes(b"x"), False, id="another file"),
        pytest.param(lambda path: path.read_bytes(), False, id="read"),
    ],
)
def test_a_change_while_reading_is_noticed(tmp_path: Path, change: Callable[[Path], object], noticed: bool) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    os.utime(path, ns=(5, 5))
    with path.open("rb") as file:
        before = os.fstat(file.fileno())
        change(path)
        if noticed:
            with pytest.raises(SourceChanged, match="a changed while it was read"):
                check_unchanged(file.fileno(), before, "a")
        else:
            check_unchanged(file.fileno(), before, "a")


@pytest.mark.parametrize("mode", ["rb", "r+b", "ab"])
def test_a_writer_in_another_process_is_seen(tmp_path: Path, mode: str) -> None:
    (tmp_path / "a").write_bytes(b"a")
    code = "import sys; f = open(sys.argv[1], sys.argv[2]); print('open', flush=True); sys.stdin.read()"
    with (tmp_path / "a").open("rb") as file, other_process(code, tmp_path / "a", mode) as process:
        assert said(process) == "open"
        assert open_for_writing_elsewhere(file.fileno()) is (mode != "rb")


def test_looking_for_writers_leaves_no_lease_behind(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a")
    with (tmp_path / "a").open("rb") as file:
        assert not open_for_writing_elsewhere(file.fileno())
        assert not open_for_writing_elsewhere(file.fileno())
        os.close(os.open(tmp_path / "a", os.O_WRONLY | os.O_NONBLOCK))  # a lease would answer EAGAIN


# Trees.


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
    """Return a place beside the tree where files take shape."""
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


# Scratch.


def test_a_scratch_is_private_names_are_new_and_it_goes_with_its_files(tmp_path: Path) -> None:
    with Scratch(str(tmp_path / "tmp")) as scratch:
        assert os.stat(scratch.path).st_mode & 0o777 == 0o700
        names = {scratch.name() for _ in range(100)}
        assert len(names) == 100
        for name in names:
            Path(name).write_bytes(b"x")
    assert os.listdir(tmp_path / "tmp") == []


def test_threads_never_get_the_same_name(tmp_path: Path) -> None:
    with Scratch(str(tmp_path)) as scratch:
        names: list[str] = []
        threads = [
            threading.Thread(target=lambda: names.extend([scratch.name() for _ in range(500)])) for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(set(names)) == 2000


OWNER = """
import sys
from mvc.fs.scratch import Scratch
scratch = Scratch(sys.argv[1])
open(scratch.name(), "w").write("left behind")
print(scratch.path, flush=True)
sys.stdin.read()
"""


def test_the_scratch_of_a_killed_process_is_swept_and_that_of_a_live_one_is_not(tmp_path: Path) -> None:
    with other_process(OWNER, tmp_path) as dead, other_process(OWNER, tmp_path) as live:
        abandoned, used = said(dead), said(live)
        with Scratch(str(tmp_path)):
            assert os.path.isdir(abandoned)
        os.kill(dead.pid, signal.SIGKILL)
        dead.wait()
        with Scratch(str(tmp_path)) as scratch:
            assert not os.path.exists(abandoned)
            assert len(os.listdir(used)) == 1
            assert sorted(os.listdir(tmp_path)) == sorted(map(os.path.basename, (used, scratch.path)))


def test_sweeping_follows_no_symlink_and_leaves_files(tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").write_bytes(b"x")
    folder = tmp_path / "tmp"
    folder.mkdir()
    (folder / "link").symlink_to("../precious")
    (folder / "file").write_bytes(b"x")
    with Scratch(str(folder)):
        pass
    assert (tmp_path / "precious" / "file").exists()
    assert sorted(os.listdir(folder)) == ["file", "link"]


# Locks.


def lock(path: Path, heard: Callable[[str], None] = lambda holder: pytest.fail(f"waits for {holder}")) -> Lock:
    """Return a lock of this process."""
    return Lock(str(path), "mvc test (process 1)", heard)


HOLDER = """
import sys
from mvc.fs.lock import Lock
lock = Lock(sys.argv[1], "mvc gc (process 77)", lambda holder: print("waits for " + holder, flush=True))
with lock.hold(exclusive=sys.argv[2] == "exclusive"):
    print("held", flush=True)
    sys.stdin.readline()
print("free", flush=True)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where a lock lies; its directory is not there yet."""
    return tmp_path / "locks" / "store"


def test_a_free_lock_is_taken_without_waiting_again_and_again(path: Path) -> None:
    for exclusive in (True, True, False, False, True):
        with lock(path).hold(exclusive=exclusive):
            pass


def test_sharing_needs_no_waiting(path: Path) -> None:
    with other_process(HOLDER, path, "shared") as other:
        assert said(other) == "held"
        with lock(path).hold(exclusive=False):
            pass


@pytest.mark.parametrize(("theirs", "mine"), [("exclusive", True), ("exclusive", False), ("shared", True)])
def test_who_must_wait_is_told_for_whom_and_goes_on_when_it_is_free(path: Path, theirs: str, mine: bool) -> None:
    with other_process(HOLDER, path, theirs) as other:
        assert said(other) == "held"
        heard: list[str] = []

        def told(holder: str) -> None:
            heard.append(holder)
            say(other, "let go")

        with lock(path, told).hold(exclusive=mine):
            assert said(other) == "free"
        assert heard == ["mvc gc (process 77)" if theirs == "exclusive" else "another mvc"]


def test_another_process_waits_for_this_one_and_hears_its_name(path: Path) -> None:
    with lock(path).hold(exclusive=True), other_process(HOLDER, path, "shared") as other:
        assert said(other) == "waits for mvc test (process 1)"


def test_who_shares_is_not_mistaken_for_who_held_it_before(path: Path) -> None:
    with lock(path).hold(exclusive=True):
        pass
    with lock(path).hold(exclusive=False), other_process(HOLDER, path, "exclusive") as other:
        assert said(other) == "waits for another mvc"


def test_a_killed_holder_leaves_no_lock_and_no_name(path: Path) -> None:
    with other_process(HOLDER, path, "exclusive") as other:
        assert said(other) == "held"
        os.kill(other.pid, signal.SIGKILL)
        other.wait()
        with lock(path).hold(exclusive=False), other_process(HOLDER, path, "exclusive") as third:
            assert said(third) == "waits for another mvc"


def test_an_error_inside_frees_the_lock(path: Path) -> None:
    with pytest.raises(RuntimeError), lock(path).hold(exclusive=True):
        raise RuntimeError
    with lock(path).hold(exclusive=True):
        pass


def test_a_lock_that_cannot_be_made_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for exclusive in (True, False):
        with pytest.raises(MvcError, match="cannot lock"), lock(tmp_path / "file" / "lock").hold(exclusive=exclusive):
            pytest.fail("held")


READ_ONLY = """
import sys
from mvc.errors import MvcError
from mvc.fs.lock import Lock
for exclusive in (False, True):
    try:
        with Lock(sys.argv[1], "me", print).hold(exclusive=exclusive):
            print("held")
    except MvcError as error:
        print(error.message.partition(":")[0], bool(error.fix))
"""


@pytest.mark.parametrize("made", [True, False], ids=["lock file there", "no lock file"])
def test_a_read_only_directory_can_be_shared_but_not_held_alone(tmp_path: Path, made: bool) -> None:
    path = tmp_path / "cache" / "locks" / "store"
    path.parent.mkdir(parents=True)
    if made:
        path.write_bytes(b"")
    script = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$1" -c "$2" "$3"'
    namespace = ["unshare", *(["-Ur"] if os.getuid() else []), "-m"]
    command = [*namespace, "sh", "-c", script, str(tmp_path / "cache"), sys.executable, READ_ONLY, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["held", f"cannot lock {path} True"]


# Errors.


@pytest.mark.parametrize(
    ("code", "said", "fix"),
    [
        (errno.ENOSPC, "a: No space left on device", "free some space"),
        (errno.EDQUOT, "a: Disk quota exceeded", "free some space"),
        (errno.EACCES, "a: Permission denied (b)", "ls -ld"),
        (errno.EROFS, "a: Read-only file system (b)", "ls -ld"),
        (errno.EIO, "a: Input/output error", ""),
    ],
)
def test_an_error_of_the_system_is_one_line_and_what_to_do(code: int, said: str, fix: str) -> None:
    error = as_error(OSError(code, os.strerror(code), "b"), "a")
    assert error.message == said
    assert fix in error.fix
    assert error.exit_code == 3
