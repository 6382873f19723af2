"""Content that a seed decides, so that whoever knows the seed knows every byte; and what pointers say of it."""

from __future__ import annotations

import zlib
from functools import cache
from pathlib import Path

from blake3 import blake3
from formats.second_implementation import read_pointer
from harness import LARGE, noise

Tree = dict[str, str]
"""What a tracked path holds: the blake3 of each file by its name in the directory; of a file, by the empty name."""
NOTHING: Tree = {}
FIRST = "first"
SMALLS, LARGES = 200, 12


def small_seed(number: int) -> str:
    """Return the seed of a small content."""
    return f"small-{number % SMALLS}"


def large_seed(number: int) -> str:
    """Return the seed of a large content; there are few."""
    return f"large-{number % LARGES}"


@cache
def content_of(seed: str) -> bytes:
    """Return the bytes that a seed decides."""
    return noise(seed, LARGE if seed.startswith("large") else 1 + zlib.crc32(seed.encode()) % 20_000)


@cache
def name_of(seed: str) -> str:
    """Return the blake3 of that content."""
    return blake3(content_of(seed)).hexdigest()


def tree_of(raw: bytes) -> Tree:
    """Return what a pointer stands for."""
    pointer = read_pointer(raw)
    if pointer.digest is not None:
        return {"": pointer.digest.blake3}
    return {file.path: file.digest.blake3 for file in pointer.listed or ()}


def pointed_at(root: Path, path: str) -> Tree:
    """Return what the pointer of `path` in the workspace stands for; nothing when it has none."""
    try:
        return tree_of((root / f"{path}.mvc").read_bytes())
    except FileNotFoundError:
        return NOTHING


def tracked_in(root: Path) -> list[str]:
    """Return every path that has a pointer in the workspace."""
    pointers = (path for path in root.glob("*/**/*.mvc") if ".git" not in path.parts and path.is_file())
    return sorted(str(path.relative_to(root)).removesuffix(".mvc") for path in pointers)


def held(root: Path, path: str) -> Tree:
    """Return what the workspace holds at `path`."""
    full = root / path
    if full.is_dir():
        return {str(file.relative_to(full)): _blake3(file) for file in full.rglob("*") if file.is_file()}
    return {"": _blake3(full)} if full.exists() else NOTHING


def _blake3(file: Path) -> str:
    return blake3(file.read_bytes()).hexdigest()
