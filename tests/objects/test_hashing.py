"""Both hashes in one read: equal from one thread, several threads and the reference libraries."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st
from xxhash import xxh3_128

from mvc.fs.copying import reader_of
from mvc.fs.progress import Silent
from mvc.objects.digest import Digest
from mvc.objects.hashing import CHUNK, THREADED, hash_bytes, hash_reader, hash_stream, quick_reader, quick_stream

SIZES = [0, 1, 240, 241, 4096, CHUNK - 1, CHUNK, CHUNK + 1, 5 * CHUNK + 7, THREADED - 1, THREADED, THREADED + 1]


def reference(data: bytes) -> Digest:
    """Return the digest as the libraries themselves compute it, in one piece."""
    return Digest(blake3(data).hexdigest(), xxh3_128(data).hexdigest(), len(data))


def some_bytes(size: int) -> bytes:
    """Return bytes with a period that is not a power of two, so that swapped buffers are noticed."""
    return (bytes(range(251)) * (size // 251 + 1))[:size]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(
            b"",
            Digest(
                "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
                "99aa06d3014798d86001c324468d497f",
                0,
            ),
            id="empty",
        ),
        pytest.param(
            b"abc",
            Digest(
                "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85",
                "06b05ab6733a618578af5f94892f3950",
                3,
            ),
            id="abc",
        ),
    ],
)
def test_published_test_vectors_hold(data: bytes, expected: Digest) -> None:
    assert hash_bytes(data) == expected


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("claimed", [THREADED - 1, THREADED], ids=["one thread", "several threads"])
def test_a_stream_has_the_reference_digest_in_one_thread_and_in_more(tmp_path: Path, size: int, claimed: int) -> None:
    data = some_bytes(size)
    (tmp_path / "file").write_bytes(data)
    with (tmp_path / "file").open("rb", buffering=0) as file:
        assert hash_stream(file.fileno(), claimed) == reference(data) == hash_bytes(data)


@pytest.mark.parametrize("claimed", [0, 1, 4095, 4096, 9999, 10_000, 10_001, CHUNK, THREADED])
def test_what_was_claimed_of_the_size_changes_nothing(tmp_path: Path, claimed: int) -> None:
    data = some_bytes(10_000)
    (tmp_path / "file").write_bytes(data)
    with (tmp_path / "file").open("rb", buffering=0) as file:
        assert hash_stream(file.fileno(), claimed) == reference(data)


@pytest.mark.parametrize("size", [0, 1, CHUNK, CHUNK + 1, THREADED + 1])
def test_quick_hashing_yields_xxh128_and_size(tmp_path: Path, size: int) -> None:
    data = some_bytes(size)
    (tmp_path / "file").write_bytes(data)
    with (tmp_path / "file").open("rb", buffering=0) as file:
        assert quick_stream(file.fileno(), size) == reference(data)[1:]
        assert quick_reader(reader_of(file.fileno()), size) == reference(data)[1:]


@pytest.mark.parametrize("size", [CHUNK, THREADED], ids=["one thread", "several threads"])
def test_a_stream_is_the_rest_of_the_file_from_its_position(tmp_path: Path, size: int) -> None:
    data = some_bytes(size + 9)
    (tmp_path / "file").write_bytes(data)
    with (tmp_path / "file").open("rb", buffering=0) as file:
        file.seek(9)
        assert hash_stream(file.fileno(), size) == reference(data[9:])


def test_a_process_that_was_forked_does_not_write_into_the_windows_of_this_one() -> None:
    """A shared mapping would give both the content of one of them."""

    def forking(window: memoryview) -> int:
        window[:3] = b"abc"
        if (child := os.fork()) == 0:
            window[:3] = b"xyz"
            os._exit(0)
        os.waitpid(child, 0)
        return next(counts)

    counts = iter([3, 0])
    assert hash_reader(forking, 3) == reference(b"abc")


@given(st.lists(st.binary(min_size=1, max_size=50), max_size=6), st.sampled_from([0, THREADED]))
@settings(deadline=None, max_examples=60)
def test_reads_that_stop_short_change_nothing(pieces: list[bytes], claimed: int) -> None:
    read_end, write_end = os.pipe()
    with os.fdopen(read_end, "rb", buffering=0) as source:

        def write() -> None:
            with os.fdopen(write_end, "wb", buffering=0) as sink:
                for piece in pieces:
                    sink.write(piece)

        writer = threading.Thread(target=write)
        writer.start()
        digest = hash_reader(reader_of(source.fileno()), claimed)
        writer.join()
    assert digest == reference(b"".join(pieces))


@pytest.mark.parametrize("claimed", [0, THREADED], ids=["one thread", "several threads"])
def test_an_error_of_the_reader_comes_out_and_leaves_no_thread(claimed: int) -> None:
    def full(_: memoryview) -> int:
        raise OSError(28, "No space left on device")

    before = threading.active_count()
    with pytest.raises(OSError, match="No space"):
        hash_reader(full, claimed)
    assert threading.active_count() == before


@pytest.mark.parametrize("claimed", [0, THREADED], ids=["one thread", "several threads"])
def test_a_reader_is_called_in_the_thread_of_the_caller(claimed: int) -> None:
    """Ctrl-C must end one that waits, for a server or for another thread."""
    threads = []
    hash_reader(lambda _: threads.append(threading.current_thread()) or 0, claimed)
    assert threads == [threading.current_thread()]


@pytest.mark.usefixtures("interrupted_start")
@pytest.mark.parametrize("source", ["file", "reader"])
def test_ctrl_c_as_the_thread_is_started_ends_it(tmp_path: Path, source: str) -> None:
    """Otherwise the thread would wait forever, and the process for it."""
    (tmp_path / "file").touch()
    before = set(threading.enumerate())
    with (tmp_path / "file").open("rb", buffering=0) as file, pytest.raises(KeyboardInterrupt):
        hash_stream(file.fileno(), THREADED) if source == "file" else hash_reader(lambda _: 0, THREADED)
    for thread in set(threading.enumerate()) - before:
        thread.join(10)
    assert set(threading.enumerate()) == before


def test_ctrl_c_ends_the_hashing_of_a_large_file(tmp_path: Path) -> None:
    class Interrupting(Silent):
        done = 0

        def advance(self, count: int) -> None:
            self.done += count
            if self.done == count:
                os.kill(os.getpid(), signal.SIGINT)

    size, progress = 8 << 30, Interrupting()
    with (tmp_path / "file").open("wb+", buffering=0) as file:
        file.truncate(size)
        with pytest.raises(KeyboardInterrupt):
            hash_stream(file.fileno(), size, progress)
    assert progress.done < size // 2
