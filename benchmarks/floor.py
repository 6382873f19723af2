"""The machine's floor: the least that a Python program must do for a job, with nothing of mvc in it.

`python -m benchmarks.floor hash FILE`     read a file once, both hashes, in two threads
`python -m benchmarks.floor blake3 FILE`   hash as many bytes as the file has, without reading it, on all cores
`python -m benchmarks.floor pack FOLDER`   read and hash every file, write one file of them all, fsync
`python -m benchmarks.floor stat FOLDER`   list a folder and stat every file
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from queue import SimpleQueue

from blake3 import blake3
from xxhash import xxh3_128, xxh3_128_digest

_CHUNK = 2 << 20


def hash_file(path: str) -> None:
    """Read `path` and take both hashes: one in this thread, one in another."""
    free: SimpleQueue[bytearray] = SimpleQueue()
    full: SimpleQueue[tuple[bytearray, int] | None] = SimpleQueue()
    strong, quick = blake3(max_threads=blake3.AUTO), xxh3_128()
    for _ in range(4):
        free.put(bytearray(_CHUNK))

    def consume() -> None:
        while (item := full.get()) is not None:
            strong.update(memoryview(item[0])[: item[1]])
            free.put(item[0])

    thread = threading.Thread(target=consume)
    thread.start()
    with open(path, "rb", buffering=0) as file:
        while count := file.readinto(buffer := free.get()):
            full.put((buffer, count))
            quick.update(memoryview(buffer)[:count])
    full.put(None)
    thread.join()
    print(strong.hexdigest(), quick.hexdigest())


def hash_memory(path: str) -> None:
    """Hash as many bytes as `path` has with blake3 alone, from memory."""
    strong, data = blake3(max_threads=blake3.AUTO), bytes(_CHUNK)
    for _ in range(os.stat(path).st_size // _CHUNK):
        strong.update(data)
    print(strong.hexdigest())


def pack_folder(path: str) -> None:
    """Read and hash every file of `path`, append it to one file, and make that durable."""
    digests = []
    with open(f"{path}.floor", "wb") as out:
        for entry in os.scandir(path):
            with open(entry.path, "rb", buffering=0) as file:
                data = file.read()
            digests.append((blake3(data).digest(), xxh3_128_digest(data)))
            out.write(data)
        out.flush()
        os.fsync(out.fileno())
    os.unlink(f"{path}.floor")
    print(len(digests))


def stat_folder(path: str) -> None:
    """List `path` and stat every file."""
    print(sum(entry.stat(follow_symlinks=False).st_size for entry in os.scandir(path)))


JOBS: dict[str, Callable[[str], None]] = {
    "hash": hash_file, "blake3": hash_memory, "pack": pack_folder, "stat": stat_folder,
}

if __name__ == "__main__":
    JOBS[sys.argv[1]](sys.argv[2])
