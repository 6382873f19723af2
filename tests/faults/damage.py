"""Rot: bytes of a file that are others than they were, while its mode and its times say that nothing happened."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path

Rot = Callable[[bytearray, random.Random], None]


def _bit(data: bytearray, chance: random.Random) -> None:
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def _few_bits(data: bytearray, chance: random.Random) -> None:
    for _ in range(chance.randrange(2, 9)):
        _bit(data, chance)


def _sector(data: bytearray, chance: random.Random) -> None:
    """As a disk that gives back something else, or nothing."""
    start = chance.randrange(len(data)) // 512 * 512
    size = len(data[start : start + 512])
    data[start : start + 512] = chance.choice((bytes(size), chance.randbytes(size)))


def _cut(data: bytearray, chance: random.Random) -> None:
    del data[chance.choice((chance.randrange(len(data)), len(data) - 1)) :]


def _empty(data: bytearray, chance: random.Random) -> None:
    data.clear()


def _longer(data: bytearray, chance: random.Random) -> None:
    data += chance.randbytes(chance.randrange(1, 1000))


ROTS: dict[str, Rot] = {
    "bit": _bit, "few bits": _few_bits, "sector": _sector, "cut": _cut, "empty": _empty, "longer": _longer,
}


def rot(path: Path, kind: str, chance: random.Random) -> bytes:
    """Let a file rot; what it holds now. Mode and times are as they were."""
    before, old = path.stat(), path.read_bytes()
    new = bytearray(old)
    while new == old:
        ROTS[kind](new, chance)
    replace(path, bytes(new), before)
    return bytes(new)


def replace(path: Path, content: bytes, before: os.stat_result) -> None:
    """Write other bytes into the same file, mode and times as they were `before`."""
    path.chmod(0o600)
    path.write_bytes(content)
    path.chmod(before.st_mode & 0o7777)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
