"""The promises of mvc/store/buckets/bucket.py, held by every bucket. A new bucket is one more line in `BUCKETS`."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

import pytest
from harness import noise
from s3 import make_bucket

from mvc.errors import MissingObject
from mvc.store.buckets.azure import AzureBucket
from mvc.store.buckets.bucket import PART, Bucket, Changed, Item, RemoteError
from mvc.store.buckets.directory import DirectoryBucket
from mvc.store.buckets.gs import GoogleBucket
from mvc.store.buckets.retry import Clock, Retrying
from mvc.store.buckets.s3.bucket import S3Bucket
from mvc.store.buckets.ssh.bucket import SshBucket

T = TypeVar("T")
R = TypeVar("R")
Make = Callable[[pytest.FixtureRequest], Bucket]


def _s3(request: pytest.FixtureRequest) -> Bucket:
    server = request.getfixturevalue("s3_server")
    make_bucket(server, "s3://tests/other")
    return S3Bucket(f"s3://tests/{uuid4().hex}/a prefix", server.options)


def _directory(request: pytest.FixtureRequest) -> Bucket:
    return DirectoryBucket(str(request.getfixturevalue("tmp_path") / "remote"))


def _google(request: pytest.FixtureRequest) -> Bucket:
    os.environ.update(request.getfixturevalue("google_server").environ)
    return GoogleBucket(f"gs://tests/{uuid4().hex}/a prefix")


def _azure(request: pytest.FixtureRequest) -> Bucket:
    os.environ.update(request.getfixturevalue("azure_server").environ)
    return AzureBucket(f"az://tests/{uuid4().hex}/a prefix")


def _ssh(request: pytest.FixtureRequest) -> Bucket:
    server = request.getfixturevalue("ssh_server")
    server.welcome(os.environ["HOME"])
    return SshBucket(f"ssh://{server.login}{request.getfixturevalue('tmp_path')}/a remote")


BUCKETS: dict[str, Make] = {
    "S3": _s3,
    "S3, retrying": lambda request: Retrying(_s3(request), Clock(wait=lambda *_: None)),
    "directory": _directory,
    "Google": _google,
    "Azure": _azure,
    "SSH": _ssh,
}
KEYS = ["mvc-remote.yaml", "objects/ab/" + "ab" * 32, "packs/a b+c%20é~.idx", "a/b/c/d/e"]
SIZES = {"empty": 0, "one byte": 1, "one part": PART, "one part and a byte": PART + 1, "some parts": 3 * PART - 7}


@pytest.fixture(params=BUCKETS.values(), ids=BUCKETS)
def bucket(request: pytest.FixtureRequest) -> Iterator[Bucket]:
    """Return an empty bucket."""
    made: Bucket = request.param(request)
    yield made
    made.close()


@pytest.fixture
def run() -> Iterator[Callable[..., list[object]]]:
    """Return a `Run` with three threads, which notes the sizes that it was told."""
    with ThreadPoolExecutor(3) as threads:

        def call(function: Callable[[T], R], items: Sequence[T], size: int) -> list[R]:
            assert 0 <= size <= PART
            return list(threads.map(function, items))

        yield call


def found(bucket: Bucket, key: str) -> Item:
    """Return what is under `key`, which must be something."""
    item = bucket.head(key)
    assert item is not None
    return item


def content(bucket: Bucket, key: str) -> bytes:
    """Return the bytes under `key`."""
    item = found(bucket, key)
    return bucket.read(item, 0, item.size)


@pytest.mark.parametrize("key", KEYS)
def test_what_was_written_is_there(bucket: Bucket, key: str) -> None:
    assert bucket.write(key, b"content")
    item = found(bucket, key)
    assert (item.key, item.size) == (key, 7)
    assert item in list(bucket.list(""))
    assert bucket.read(item, 0, 7) == b"content"


def test_nothing_is_no_item(bucket: Bucket) -> None:
    assert bucket.head("absent") is None  # before anything is there at all
    assert list(bucket.list("objects/")) == []
    bucket.write("objects/a", b"x")
    assert bucket.head("absent") is None
    assert bucket.head("objects") is None
    assert bucket.head("objects/a/b") is None


def test_any_range_is_exact(bucket: Bucket) -> None:
    data = noise("ranges", 1000)
    bucket.write("key", data)
    item = found(bucket, "key")
    for start, end in [(0, 1000), (0, 1), (999, 1000), (10, 500), (0, 999), (1, 1000), (500, 500)]:
        assert bucket.read(item, start, end) == data[start:end]


def test_a_range_beyond_the_end_is_an_error(bucket: Bucket) -> None:
    bucket.write("key", b"short")
    with pytest.raises(RemoteError):
        bucket.read(found(bucket, "key")._replace(size=9), 0, 9)


def test_what_is_gone_cannot_be_read(bucket: Bucket) -> None:
    bucket.write("key", b"content")
    item = found(bucket, "key")
    bucket.delete(["key"])
    with pytest.raises(MissingObject):
        bucket.read(item, 0, 7)


def test_another_version_is_not_read_as_the_one_that_was_found(bucket: Bucket) -> None:
    bucket.write("key", b"content")
    item = found(bucket, "key")
    bucket.write("key", b"CONTENT and more")
    with pytest.raises(Changed):
        bucket.read(item, 0, 7)


def test_the_last_write_wins_and_a_new_one_never_overwrites(bucket: Bucket) -> None:
    assert bucket.write("key", b"one", new=True)
    assert not bucket.write("key", b"two", new=True)
    assert content(bucket, "key") == b"one"
    assert bucket.write("key", b"three")
    assert content(bucket, "key") == b"three"


def test_of_two_that_write_anew_one_wins(bucket: Bucket) -> None:
    barrier = threading.Barrier(4)

    def write(number: int) -> bool:
        barrier.wait()
        return bucket.write("key", b"%d" % number, new=True)

    with ThreadPoolExecutor(4) as threads:
        won = list(threads.map(write, range(4)))
    assert sorted(won) == [False, False, False, True]
    assert content(bucket, "key") == b"%d" % won.index(True)


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_a_file_arrives_whole(bucket: Bucket, size: int, tmp_path: Path, run: Callable[..., list[object]]) -> None:
    data = noise(size, size)
    (tmp_path / "file").write_bytes(data)
    fd = os.open(tmp_path / "file", os.O_RDONLY)
    bucket.upload("objects/x", fd, size, run)
    os.close(fd)
    item = found(bucket, "objects/x")
    assert item.size == size
    assert bucket.read(item, 0, size) == data
    assert [one.key for one in bucket.list("")] == ["objects/x"]


def test_an_upload_that_fails_leaves_nothing(bucket: Bucket, tmp_path: Path, run: Callable[..., list[object]]) -> None:
    (tmp_path / "file").write_bytes(bytes(PART + 5))
    fd = os.open(tmp_path / "file", os.O_RDONLY)
    with pytest.raises(Changed):
        bucket.upload("objects/x", fd, 2 * PART, run)
    os.close(fd)
    assert list(bucket.list("")) == []
    assert bucket.sweep(before=2e12) == 0  # nothing is left in it either


def test_only_what_begins_with_the_prefix_is_listed(bucket: Bucket) -> None:
    names = {"objects/ab/x", "objects/ac/y", "objects.txt", "packs/z"}
    for name in names:
        bucket.write(name, name.encode())
    assert {item.key for item in bucket.list("")} == names
    assert {item.key for item in bucket.list("objects/")} == {"objects/ab/x", "objects/ac/y"}
    assert {item.key for item in bucket.list("objects/ab")} == {"objects/ab/x"}
    assert {item.key for item in bucket.list("objects")} == names - {"packs/z"}
    assert {item.size for item in bucket.list("packs/")} == {7}


def test_more_than_a_page_is_listed_and_deleted(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    small = isinstance(bucket, AzureBucket | GoogleBucket | SshBucket)
    monkeypatch.setattr("mvc.store.buckets.azure.PAGE", 50)
    monkeypatch.setattr("mvc.store.buckets.gs.PAGE", 50)
    names = [f"many/{number:04}" for number in range(103 if small else 1003)]
    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(lambda name: bucket.write(name, b"x"), names))
    listed = [item.key for item in bucket.list("many/")]
    assert sorted(listed) == names
    bucket.delete([*names[1:], "many/absent"])
    assert [item.key for item in bucket.list("")] == names[:1]


def test_a_time_is_told(bucket: Bucket, tmp_path: Path) -> None:
    (tmp_path / "now").touch()
    bucket.write("key", b"x")
    now = (tmp_path / "now").stat().st_mtime
    assert abs(found(bucket, "key").modified - now) < 100
    assert all(item.modified == found(bucket, "key").modified for item in bucket.list(""))


def test_many_threads_may_use_one_bucket(bucket: Bucket) -> None:
    def turn(number: int) -> bool:
        data = noise(number, 10_000)
        bucket.write(f"k/{number}", data)
        return content(bucket, f"k/{number}") == data

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(turn, range(64)))


# Directories: what lies in one may be another's work.


@pytest.mark.parametrize("folder", ["objects", "objects/ab", "packs"])
def test_no_symlink_below_a_directory_is_followed(
    tmp_path: Path, folder: str, run: Callable[..., list[object]]
) -> None:
    outside, remote = tmp_path / "outside", tmp_path / "remote"
    (outside / "ab").mkdir(parents=True)
    for name in ("key", "ab/key"):
        (outside / name).write_bytes(b"secret")
    (remote / folder).parent.mkdir(parents=True)
    (remote / folder).symlink_to(outside)
    bucket = DirectoryBucket(str(remote))
    key = f"{folder}/ab/key" if folder == "objects" else f"{folder}/key"
    item = Item(key, 6)
    fd = os.open(outside / "key", os.O_RDONLY)
    for ask in (
        lambda: bucket.head(key),
        lambda: list(bucket.list(f"{folder}/")),
        lambda: bucket.read(item, 0, 6),
        lambda: bucket.open_local(item),
        lambda: bucket.write(key, b"x"),
        lambda: bucket.write(f"{folder}/new", b"x", new=True),
        lambda: bucket.upload(f"{folder}/deep/new", fd, 6, run),
        lambda: bucket.delete([key]),
    ):
        with pytest.raises(RemoteError, match="is a symlink") as caught:
            ask()
        assert caught.value.fix.startswith(f"ls -l {remote / folder}")
    assert list(bucket.list("")) == []
    bucket.close()
    os.close(fd)
    assert sorted(str(path.relative_to(outside)) for path in outside.rglob("*")) == ["ab", "ab/key", "key"]
    assert (outside / "ab/key").read_bytes() == (outside / "key").read_bytes() == b"secret"


def test_a_symlink_in_place_of_the_temporary_directory_is_not_swept(tmp_path: Path) -> None:
    (tmp_path / "mine/precious").mkdir(parents=True)
    (tmp_path / "remote").mkdir()
    (tmp_path / "remote/tmp").symlink_to(tmp_path / "mine")
    bucket = DirectoryBucket(str(tmp_path / "remote"))
    with pytest.raises(RemoteError, match="is a symlink"):
        bucket.write("key", b"x")
    bucket.close()
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["precious"]


def test_the_directory_itself_may_be_reached_through_a_symlink(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to("disk")
    bucket = DirectoryBucket(str(tmp_path / "link"))
    assert bucket.write("objects/ab/key", b"content")
    assert content(bucket, "objects/ab/key") == b"content"
    assert [item.key for item in bucket.list("objects/")] == ["objects/ab/key"]
    bucket.close()
    assert (tmp_path / "disk/objects/ab/key").read_bytes() == b"content"


@pytest.mark.parametrize("code", [errno.EPERM, errno.EOPNOTSUPP])
def test_a_directory_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "link", refuse)
    bucket = DirectoryBucket(str(tmp_path / "remote"))
    assert bucket.write("deep/key", b"one", new=True)
    assert not bucket.write("deep/key", b"two", new=True)
    assert content(bucket, "deep/key") == b"one"
    bucket.close()
    assert [path.name for path in (tmp_path / "remote/deep").iterdir()] == ["key"]
