"""A second implementation of mvc's formats, from docs/formats.md alone, without code of mvc."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from unicodedata import ucd_3_2_0

import yaml
from blake3 import blake3
from xxhash import xxh3_128_hexdigest, xxh64_intdigest


@dataclass(frozen=True)
class Digest:
    """The digest of some content."""

    blake3: str
    xxh128: str
    size: int


@dataclass(frozen=True)
class File:
    """One file of a manifest."""

    path: str
    digest: Digest
    executable: bool = False


def digest_of(data: bytes) -> Digest:
    """Return the digest of `data`."""
    return Digest(blake3(data).hexdigest(), xxh3_128_hexdigest(data), len(data))


# Pointer.


def quoted(text: str) -> str:
    """Return `text` as written in a pointer."""
    return '"' + "".join(map(_spelled, text)) + '"'


def _spelled(char: str) -> str:
    if char in '"\\':
        return "\\" + char
    if " " <= char <= "~":
        return char
    if char != "\u00ad" and ord(char) <= 0xFFFF and not ucd_3_2_0.category(char).startswith(("C", "Z")):
        return char
    return f"\\U{ord(char):08X}"


@dataclass(frozen=True)
class Pointer:
    """A pointer: one of `digest` and `listed` is None."""

    kind: str
    digest: Digest | None = None
    listed: tuple[File, ...] | None = None
    executable: bool = False
    files: int = 1
    total: int = 0
    notes: dict[str, Any] = field(default_factory=dict)

    def spelled(self) -> bytes:
        """Return the pointer in canonical form."""
        lines = ["mvc: 1", f'kind: "{self.kind}"']
        if self.digest:
            lines += [
                f'blake3: "{self.digest.blake3}"', f'xxh128: "{self.digest.xxh128}"', f"size: {self.digest.size}",
            ]
            if self.kind == "dir":
                lines += [f"files: {self.files}", f"total: {self.total}"]
        if self.executable:
            lines.append("exec: true")
        if self.listed is not None:
            lines.append("manifest:" if self.listed else "manifest: []")
            lines += [_listed_line(file) for file in self.listed]
        for key in ("name", "desc", "labels", "remote"):
            if value := self.notes.get(key):
                lines.append(f"{key}: {_labels(value) if key == 'labels' else quoted(value)}")
        return "".join(line + "\n" for line in lines).encode()


def _listed_line(file: File) -> str:
    mode = "exec: true, " if file.executable else ""
    hashes = f'blake3: "{file.digest.blake3}", xxh128: "{file.digest.xxh128}"'
    return f"  - {{path: {quoted(file.path)}, size: {file.digest.size}, {mode}{hashes}}}"


def _labels(labels: dict[str, str]) -> str:
    return "{" + ", ".join(f"{key}: {quoted(labels[key])}" for key in sorted(labels)) + "}"


def read_pointer(raw: bytes) -> Pointer:
    """Return the pointer in `raw`."""
    data = yaml.safe_load(raw)
    assert data.pop("mvc") == 1
    kind, listed = data.pop("kind"), data.pop("manifest", None)
    files = None if listed is None else tuple(_file(entry) for entry in listed)
    digest = _digest(data) if files is None else None
    sizes = {"files": data.pop("files"), "total": data.pop("total")} if kind == "dir" and digest else {}
    pointer = Pointer(kind, digest, files, data.pop("exec", False), notes=data, **sizes)
    assert pointer.spelled() == raw, "a pointer has one spelling"
    return pointer


def _file(entry: dict[str, Any]) -> File:
    return File(entry.pop("path"), _digest(entry), entry.pop("exec", False))


def _digest(data: dict[str, Any]) -> Digest:
    return Digest(data.pop("blake3"), data.pop("xxh128"), data.pop("size"))


# Manifest.

HEADER = b"mvc-manifest 1\n"
INDEX_HEADER = b"mvc-manifest-index 1\n"


def manifest_objects(files: Iterable[File]) -> list[bytes]:
    """Return the objects of a directory's manifest, the one that names it last."""
    ordered = sorted(files, key=lambda file: file.path.encode())
    if len(ordered) <= 4096:
        return [_shard(ordered)]
    groups, start = [], 0
    for end, file in enumerate(ordered, 1):
        if xxh64_intdigest(file.path.encode()) % 4096 == 0 or end == len(ordered):
            groups.append(ordered[start:end])
            start = end
    shards = [_shard(group) for group in groups]
    lines = [_index_line(group, digest_of(shard)) for group, shard in zip(groups, shards, strict=True)]
    return [*shards, INDEX_HEADER + b"".join(lines)]


def _shard(files: list[File]) -> bytes:
    return HEADER + b"".join(_manifest_line(file) for file in files)


def _manifest_line(file: File) -> bytes:
    digest = file.digest
    return f"{digest.blake3} {digest.xxh128} {digest.size} {'x' if file.executable else '-'} {file.path}\n".encode()


def _index_line(group: list[File], digest: Digest) -> bytes:
    return f"{digest.blake3} {digest.xxh128} {digest.size} {len(group)} {group[0].path}\n".encode()


def may_be_inline(files: list[File]) -> bool:
    """Whether the pointer lists the files."""
    return len(files) <= 256 and len(manifest_objects(files)[-1]) <= 65_536


def read_manifest(store: Store, name: str) -> list[File]:
    """Return the files of the manifest, or manifest index, with this name."""
    body = store.object(name)
    if body.startswith(INDEX_HEADER):
        files = []
        for blake3_, xxh128, size, count, first in _fields(body.removeprefix(INDEX_HEADER)):
            shard = store.object(blake3_)
            assert digest_of(shard) == Digest(blake3_, xxh128, int(size))
            part = _files(shard)
            assert (len(part), part[0].path) == (int(count), first)
            files += part
    else:
        files = _files(body)
    assert manifest_objects(files)[-1] == body, "a manifest has one spelling"
    return files


def _files(body: bytes) -> list[File]:
    assert body.startswith(HEADER)
    rows = _fields(body.removeprefix(HEADER))
    return [File(path, Digest(blake3_, xxh128, int(size)), mode == "x") for blake3_, xxh128, size, mode, path in rows]


def _fields(lines: bytes) -> Iterator[list[str]]:
    assert lines.endswith(b"\n") or not lines
    return (line.split(" ", 4) for line in lines.decode().split("\n")[:-1])


# Store.


@cache
def read_index(path: Path) -> bytes:
    """Return the bytes of a pack's index, checked."""
    index = path.read_bytes()
    assert index[:8] == b"MVCPIDX1"
    assert struct.unpack_from("<II", index, 8) == (1, 80)
    (count,) = struct.unpack_from("<Q", index, 1040)
    assert (count,) == struct.unpack_from("<I", index, 16 + 4 * 255)
    assert len(index) == 1080 + 80 * count + 32
    assert index[-32:] == blake3(index[:-32]).digest()
    return index


def find_in_index(index: bytes, name: str) -> tuple[int, int, str] | None:
    """Return offset, size and xxh128 of the object with this name; None if it is not in the index."""
    key = bytes.fromhex(name)
    fanout = (0, *struct.unpack_from("<256I", index, 16))
    for start in range(1080 + 80 * fanout[key[0]], 1080 + 80 * fanout[key[0] + 1], 80):
        if index[start : start + 32] == key:
            offset, size, stored, codec, reserved = struct.unpack_from("<QQQII", index, start + 48)
            assert (stored, codec, reserved) == (size, 0, 0)
            return offset, size, index[start + 32 : start + 48].hex()
    return None


@dataclass(frozen=True)
class Store:
    """A cache, read only."""

    root: Path

    def object(self, name: str) -> bytes:
        """Return the bytes of an object, verified."""
        data = self._bytes(name)
        assert blake3(data).hexdigest() == name
        return data

    def _bytes(self, name: str) -> bytes:
        loose = self.root / "objects" / name[:2] / name
        if loose.exists():
            return loose.read_bytes()
        for index in (self.root / "packs").glob("*.idx"):
            if found := find_in_index(read_index(index), name):
                offset, size, xxh128 = found
                with index.with_suffix(".pack").open("rb") as pack:
                    assert pack.read(8) == b"MVCPACK1"
                    pack.seek(offset)
                    body = pack.read(size)
                assert xxh3_128_hexdigest(body) == xxh128
                return body
        raise KeyError(name)


def contents(store: Store, pointer: Pointer) -> dict[str, tuple[bytes, bool]]:
    """Return content and executability of all files of a pointer; the path of a single file is empty."""
    if pointer.kind == "file":
        assert pointer.digest
        return {"": (store.object(pointer.digest.blake3), pointer.executable)}
    files = read_manifest(store, pointer.digest.blake3) if pointer.digest else list(pointer.listed or ())
    if pointer.digest:
        assert (pointer.files, pointer.total) == (len(files), sum(file.digest.size for file in files))
    assert may_be_inline(files) == (pointer.listed is not None)
    return {file.path: (store.object(file.digest.blake3), file.executable) for file in files}
