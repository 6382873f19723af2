"""Publishing into the cache: whole and verified or not at all, never over something, nothing left behind."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mvc.errors import CorruptObject, MvcError, SourceChanged, UsageError
from mvc.objects.digest import Digest
from mvc.objects.hashing import hash_bytes
from mvc.store.cache import source_file
from mvc.store.cache.cache import Cache
from mvc.store.cache.inventory import all_objects, quarantined_objects
from mvc.store.cache.layout import check_format, prepare
from mvc.store.cache.source_file import LinkType, ReadFile, SourceFile
from mvc.store.cache.writer import LOOSE_AT, CacheWriter

Open = Callable[..., SourceFile]
Put = Callable[..., list[Digest]]
Spoil = Callable[..., None]
FilesBelow = Callable[[str | Path], list[str]]
BODY = bytes(range(256)) * (LOOSE_AT // 256 + 1)
DIGEST = hash_bytes(BODY)
OTHER = b"\xff" + BODY[1:]
SMALL_OR_LARGE = {"small": b"small", "bytes": BODY}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a workspace file."""
    path = tmp_path / "model.bin"
    path.write_bytes(BODY)
    return path


def store(cache: Cache, source: SourceFile, *links: LinkType) -> ReadFile:
    """Store a workspace file in the way that `links` says."""
    with CacheWriter(cache, links or ("copy",)) as writer:
        return writer.put_file(source)


def check_nothing_was_stored(cache: Cache, files_below: FilesBelow) -> None:
    """Make sure that the cache is empty, down to its temporary files."""
    assert files_below(f"{cache.root}/objects") == []
    assert files_below(f"{cache.root}/packs") == []
    assert os.listdir(f"{cache.root}/tmp") == []


LINKS: list[tuple[LinkType, ...]] = [("copy",), ("reflink", "copy"), ("hardlink",), ("symlink", "copy")]


@pytest.mark.parametrize("links", LINKS, ids=",".join)
def test_a_stored_file_is_a_read_only_object_of_the_same_bytes(
    cache: Cache, source: Open, file: Path, links: tuple[LinkType, ...], files_below: FilesBelow
) -> None:
    found = store(cache, source(file), *links)
    assert found.digest == DIGEST
    path = cache.loose_path(DIGEST.blake3)
    assert Path(path).read_bytes() == file.read_bytes() == BODY
    assert os.stat(path).st_mode & 0o777 == 0o444
    assert files_below(f"{cache.root}/tmp") == []


def test_copying_leaves_the_source_as_it_is(cache: Cache, source: Open, file: Path) -> None:
    file.chmod(0o640)
    before = file.stat()
    found = store(cache, source(file))
    assert file.stat()[:6] == before[:6]
    assert (file.stat().st_mtime_ns, file.stat().st_ctime_ns) == (before.st_mtime_ns, before.st_ctime_ns)
    assert found.status.st_ctime_ns == before.st_ctime_ns


def test_storing_again_keeps_the_object_and_makes_it_young(cache: Cache, source: Open, file: Path) -> None:
    store(cache, source(file))
    path = cache.loose_path(DIGEST.blake3)
    inode = os.stat(path).st_ino
    for put_again in (lambda: store(cache, source(file)), lambda: store(cache, source(file, likely=True))):
        os.utime(path, (0, 0))
        assert put_again().digest == DIGEST
        assert os.stat(path).st_ino == inode
        assert os.stat(path).st_mtime > 0


def test_storing_the_same_bytes_from_memory_makes_the_object_young(cache: Cache, put: Put) -> None:
    put(cache, BODY)
    os.utime(cache.loose_path(DIGEST.blake3), (0, 0))
    put(cache, BODY)
    assert os.stat(cache.loose_path(DIGEST.blake3)).st_mtime > 0


@pytest.mark.parametrize("links", LINKS, ids=",".join)
def test_a_corrupt_object_goes_to_quarantine_and_is_replaced(
    cache: Cache, source: Open, file: Path, spoil: Spoil, links: tuple[LinkType, ...]
) -> None:
    with CacheWriter(cache) as writer:
        writer.put_bytes(BODY)
    path = cache.loose_path(DIGEST.blake3)
    spoil(path, lambda raw: raw.__setitem__(1000, raw[1000] ^ 1))
    store(cache, source(file), *links)
    assert Path(path).read_bytes() == BODY
    (aside,) = os.listdir(f"{cache.root}/quarantine")
    assert aside.startswith(DIGEST.blake3)
    assert Path(cache.root, "quarantine", aside).read_bytes() != BODY
    assert quarantined_objects(cache) == {DIGEST.blake3: f"{cache.root}/quarantine/{aside}"}


def test_a_file_that_was_only_touched_is_not_copied(
    cache: Cache, source: Open, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(cache, source(file))
    monkeypatch.setattr(source_file, "copying", lambda *_: pytest.fail("copied"))
    assert store(cache, source(file, likely=True)).digest == DIGEST


def test_a_file_that_is_likely_but_new_is_stored(cache: Cache, source: Open, file: Path) -> None:
    assert store(cache, source(file, likely=True)).digest == DIGEST
    assert cache.intact(DIGEST)


# A source that changes.


@contextmanager
def writing_at_the_end(monkeypatch: pytest.MonkeyPatch, write: Callable[[], object]) -> Iterator[None]:
    """Let somebody write just when the last byte has been read."""

    def then_write(real: Callable[..., Digest]) -> Callable[..., Digest]:
        def read(*args: object) -> Digest:
            digest = real(*args)
            write()
            return digest

        return read

    with monkeypatch.context() as patch:
        for name in ("hash_stream", "hash_reader"):
            patch.setattr(source_file, name, then_write(getattr(source_file, name)))
        yield


def rewrite_first_byte(file: Path) -> None:
    """Change a file without changing its size."""
    with file.open("r+b", buffering=0) as opened:
        opened.write(b"\xff")


CHANGES: dict[str, Callable[[Path], object]] = {
    "a byte": rewrite_first_byte,
    "a byte, times put back": lambda file: (
        before := file.stat(),
        rewrite_first_byte(file),
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns)),
    ),
    "longer": lambda file: file.open("ab").write(b"more"),
    "shorter": lambda file: os.truncate(file, 10),
}


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("links", [("copy",), ("reflink",), ("hardlink",)], ids=",".join)
def test_a_source_that_changes_while_it_is_read_is_not_stored(
    cache: Cache,
    source: Open,
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
    files_below: FilesBelow,
    change: Callable[[Path], object],
    links: tuple[LinkType, ...],
) -> None:
    os.utime(file, ns=(0, 0))
    with (
        writing_at_the_end(monkeypatch, lambda: change(file)),
        pytest.raises(SourceChanged, match="changed while it was read"),
    ):
        store(cache, source(file), *links)
    check_nothing_was_stored(cache, files_below)
    assert file.stat().st_mode & 0o222
    assert file.stat().st_nlink == 1


def test_a_source_that_changed_since_it_was_opened_is_not_stored(
    cache: Cache, source: Open, file: Path, files_below: FilesBelow
) -> None:
    opened = source(file)
    os.utime(file, ns=(0, 0))
    with pytest.raises(SourceChanged):
        store(cache, opened)
    check_nothing_was_stored(cache, files_below)


def test_a_source_whose_name_leads_elsewhere_meanwhile_is_not_linked(
    cache: Cache, source: Open, file: Path, files_below: FilesBelow
) -> None:
    opened = source(file)
    file.rename(file.with_name("moved"))
    file.write_bytes(OTHER)
    with pytest.raises(SourceChanged):
        store(cache, opened, "hardlink")
    check_nothing_was_stored(cache, files_below)
    assert file.stat().st_mode & 0o222


def test_a_writer_thread_never_gets_a_mixture_stored(cache: Cache, source: Open, tmp_path: Path) -> None:
    file = tmp_path / "busy.bin"
    states = [bytes([value]) * (2 << 20) for value in range(8)]
    file.write_bytes(states[0])
    opened, done = source(file), threading.Event()

    def write() -> None:
        for state in states:
            with file.open("r+b", buffering=0) as target:
                target.write(state)
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    outcomes = []
    for _ in range(20):
        try:
            outcomes.append(store(cache, opened._replace(fd=os.open(file, os.O_RDONLY), status=os.stat(file))).digest)
        except SourceChanged:
            continue
    writer.join()
    assert done.is_set()
    names = [entry.name for entry in all_objects(cache)]
    stored = {Path(cache.loose_path(name)).read_bytes()[:1] for name in names}
    for name in names:
        assert hash_bytes(Path(cache.loose_path(name)).read_bytes()).blake3 == name
    assert len(stored) <= len(outcomes)


# Hard links.


def is_linked(cache: Cache, file: Path) -> bool:
    """Whether the object is the workspace file itself."""
    return os.path.samefile(cache.loose_path(DIGEST.blake3), file)


def test_hard_link_mode_makes_the_file_itself_the_object(cache: Cache, source: Open, file: Path) -> None:
    found = store(cache, source(file), "hardlink")
    assert is_linked(cache, file)
    assert file.stat().st_nlink == 2
    assert file.stat().st_mode & 0o777 == 0o444
    assert found.status.st_ctime_ns == file.stat().st_ctime_ns


def test_a_file_with_another_name_is_copied(cache: Cache, source: Open, file: Path) -> None:
    os.link(file, file.with_name("another"))
    store(cache, source(file), "hardlink")
    assert not is_linked(cache, file)
    assert file.stat().st_mode & 0o222
    assert cache.intact(DIGEST)


WRITER = "import sys; f = open(sys.argv[1], sys.argv[2]); print('open', flush=True); sys.stdin.read()"


@contextmanager
def opened_elsewhere(file: Path, mode: str) -> Iterator[None]:
    """Have another process hold the file open."""
    command = [sys.executable, "-c", WRITER, str(file), mode]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"open\n"
        yield
        process.communicate()


@pytest.mark.parametrize(("mode", "linked"), [("r+b", False), ("ab", False), ("rb", True)])
def test_a_file_that_another_process_may_write_to_is_copied(
    cache: Cache,
    source: Open,
    file: Path,
    mode: str,
    linked: bool,
) -> None:
    with opened_elsewhere(file, mode):
        store(cache, source(file), "hardlink")
        assert is_linked(cache, file) is linked
    assert Path(cache.loose_path(DIGEST.blake3)).read_bytes() == BODY


def test_a_file_opened_for_writing_while_it_is_read_is_not_linked(
    cache: Cache,
    source: Open,
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
    files_below: FilesBelow,
) -> None:
    with file.open("ab") as held, writing_at_the_end(monkeypatch, lambda: None):
        held.close()
        opened: list[object] = []
        with (
            writing_at_the_end(monkeypatch, lambda: opened.append(file.open("r+b", buffering=0))),
            pytest.raises(SourceChanged),
        ):
            store(cache, source(file), "hardlink")
        for each in opened:
            each.close()  # type: ignore[attr-defined]
    check_nothing_was_stored(cache, files_below)
    assert file.stat().st_mode & 0o222


def test_linking_what_the_cache_has_leaves_the_file_writable(cache: Cache, source: Open, file: Path, put: Put) -> None:
    put(cache, BODY)
    file.chmod(0o640)
    store(cache, source(file), "hardlink")
    assert not is_linked(cache, file)
    assert file.stat().st_mode & 0o777 == 0o640
    assert file.stat().st_nlink == 1


@pytest.mark.parametrize("code", [errno.EPERM, errno.EMLINK, errno.EXDEV, errno.EACCES])
def test_where_linking_is_impossible_it_is_copied(
    cache: Cache, source: Open, file: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    real = os.link

    def link(name: str, target: str, **kwargs: object) -> None:
        if "src_dir_fd" in kwargs:
            raise OSError(code, os.strerror(code))
        real(name, target)

    monkeypatch.setattr(os, "link", link)
    store(cache, source(file), "hardlink")
    assert not is_linked(cache, file)
    assert cache.intact(DIGEST)


def test_a_file_of_another_file_system_is_copied(cache: Cache, source: Open, file: Path) -> None:
    folder = next(name for name in ("/dev/shm", "/var/tmp") if os.stat(name).st_dev != file.stat().st_dev)
    with open(f"{folder}/mvc-test-{os.getpid()}", "w+b") as elsewhere:
        path = Path(elsewhere.name)
        try:
            elsewhere.write(BODY)
            elsewhere.close()
            assert path.stat().st_dev != file.stat().st_dev
            store(cache, source(path), "hardlink", "copy")
            assert path.stat().st_nlink == 1
        finally:
            path.unlink()
    assert cache.intact(DIGEST)


# Shared blocks.


def test_without_reflinks_bytes_are_copied(cache: Cache, source: Open, file: Path) -> None:
    with file.open("rb") as one, (file.parent / "two").open("wb") as two:
        assert not source_file.reflink(one.fileno(), two.fileno())  # ext4 and tmpfs cannot: this is real
    store(cache, source(file), "reflink", "copy")
    assert cache.intact(DIGEST)


def test_with_reflinks_the_copy_is_what_is_hashed(
    cache: Cache, source: Open, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def share(source_fd: int, target_fd: int) -> bool:
        os.write(target_fd, os.pread(source_fd, 1 << 30, 0))
        os.lseek(target_fd, 0, os.SEEK_SET)
        return True

    monkeypatch.setattr(source_file, "reflink", share)
    monkeypatch.setattr(source_file, "copying", lambda *_: pytest.fail("copied"))
    assert store(cache, source(file), "reflink", "copy").digest == DIGEST
    assert cache.intact(DIGEST)


def test_a_full_disk_while_sharing_blocks_is_an_error(
    cache: Cache, source: Open, file: Path, monkeypatch: pytest.MonkeyPatch, files_below: FilesBelow
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("fcntl.ioctl", full)
    with pytest.raises((OSError, MvcError), match="No space"):
        store(cache, source(file), "reflink", "copy")
    check_nothing_was_stored(cache, files_below)


# Errors.


@pytest.mark.parametrize("call", ["write", "fsync", "fchmod", "link"])
@pytest.mark.parametrize("what", ["file", "bytes", "small"])
def test_any_error_leaves_neither_object_nor_temporary_file(
    cache: Cache,
    source: Open,
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
    files_below: FilesBelow,
    call: str,
    what: str,
) -> None:
    prepare(cache.root)
    real, calls = getattr(os, call), []

    def fail(*args: object, **kwargs: object) -> object:
        calls.append(args)
        if len(calls) == 1:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return real(*args, **kwargs)

    monkeypatch.setattr(os, call, fail)
    with pytest.raises((OSError, MvcError), match="Input/output"):  # noqa: SIM117 - writing and finishing may both fail
        with CacheWriter(cache) as writer:
            _ = writer.put_file(source(file)) if what == "file" else writer.put_bytes(SMALL_OR_LARGE[what])
    monkeypatch.undo()
    check_nothing_was_stored(cache, files_below)
    assert file.read_bytes() == BODY
    store(cache, source(file))
    assert cache.intact(DIGEST)


def test_an_error_of_the_caller_publishes_no_pack(cache: Cache, files_below: FilesBelow) -> None:
    def work() -> None:
        with CacheWriter(cache) as writer:
            writer.put_bytes(b"small")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        work()
    check_nothing_was_stored(cache, files_below)


def test_small_objects_count_once_the_writer_is_done(cache: Cache) -> None:
    with CacheWriter(cache) as writer:
        digest = writer.put_bytes(b"small")
        assert not Cache(cache.root).has(digest.blake3)
    assert Cache(cache.root).has(digest.blake3)


def test_an_object_is_never_overwritten_even_when_its_name_was_taken_by_rubbish(
    cache: Cache, source: Open, file: Path
) -> None:
    prepare(cache.root)
    path = Path(cache.loose_path(DIGEST.blake3))
    path.parent.mkdir()
    path.write_bytes(b"rubbish")
    inode = path.stat().st_ino
    store(cache, source(file))
    assert path.read_bytes() == BODY
    (aside,) = Path(cache.root, "quarantine").iterdir()
    assert (aside.stat().st_ino, aside.read_bytes()) == (inode, b"rubbish")


def test_many_threads_may_store_at_once(cache: Cache, source: Open, tmp_path: Path) -> None:
    files = [tmp_path / f"{number}.bin" for number in range(8)]
    for number, path in enumerate(files):
        path.write_bytes(bytes([number % 4]) * LOOSE_AT)
    found: dict[Path, Digest] = {}
    with CacheWriter(cache) as writer:
        threads = [
            threading.Thread(target=lambda path=path: found.update({path: writer.put_file(source(path)).digest}))
            for path in files
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == {path: hash_bytes(path.read_bytes()) for path in files}
    assert sorted(entry.name for entry in all_objects(cache)) == sorted({digest.blake3 for digest in found.values()})


# The cache's own format.


@pytest.mark.parametrize(
    "text",
    [
        b"mvc-store: 2\n",
        b"mvc-store: 1\nfeatures: {read: [zstd], write: []}\n",
        b"mvc-store: 1\nfeatures: {read: [], write: [chunks]}\n",
        b"mvc-store: 1\nfeatures: {read: 5}\n",
        b"mvc-store: 1\nfeatures: [zstd]\n",
        b"features: {read: [], write: []}\n",
        b"",
        b"[]\n",
        b"\xff",
        b"[" * 4000,
    ],
)
def test_a_cache_that_needs_a_newer_mvc_or_is_none_is_refused(cache: Cache, text: bytes) -> None:
    prepare(cache.root)
    Path(cache.root, "store.yaml").write_bytes(text)
    for use in (check_format, prepare):
        with pytest.raises(UsageError, match=r"store\.yaml"):
            use(cache.root)


@pytest.mark.parametrize("text", [b"mvc-store: 1\n", b"mvc-store: 1\nfeatures: {read: [], write: []}\n# x\n"])
def test_another_layout_of_the_same_format_is_accepted(cache: Cache, text: bytes) -> None:
    prepare(cache.root)
    Path(cache.root, "store.yaml").write_bytes(text)
    check_format(cache.root)


def test_a_cache_that_cannot_be_made_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(MvcError, match="cannot write to the cache") as caught:
        prepare(str(tmp_path / "file" / "cache"))
    assert caught.value.fix


def test_reading_through_the_cache_is_verified(cache: Cache, put: Put, spoil: Spoil) -> None:
    put(cache, BODY)
    assert cache.read(DIGEST) == BODY
    spoil(cache.loose_path(DIGEST.blake3), lambda raw: raw.append(0))
    with pytest.raises(CorruptObject, match="damaged in the cache"):
        cache.read(DIGEST)
