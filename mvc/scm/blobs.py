"""Blobs, read in bulk: one process for many."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, BinaryIO, NamedTuple

from mvc.errors import MvcError
from mvc.scm.plumbing import Git, missing_object, split_nul
from mvc.scm.presence import kinds

LARGE_BLOB = 2 << 20
"""Bytes: from this size on, the beginning of a blob is read by a separate process, which is then stopped."""
_BATCH = 32 << 20
"""Bytes of blobs that are held in memory at once."""


class Blob(NamedTuple):
    """A file in a commit."""

    path: str
    oid: str


def list_blobs(git: Git, commit: str, suffix: str) -> list[Blob]:
    """Return the regular files of `commit` whose path ends in `suffix`."""
    blobs = []
    for row in split_nul(git.run("ls-tree", "-r", "-z", "--full-tree", commit)):
        meta, _, path = row.partition("\t")
        mode, kind, oid = meta.split(" ")
        if kind == "blob" and mode != "120000" and path.endswith(suffix):
            blobs.append(Blob(path, oid))
    return blobs


def blob_ids(git: Git, paths: Collection[str]) -> dict[str, str]:
    """Return the id of the blob that Git would make of each of the workspace's files.

    Raises:
        MvcError: a file cannot be read.
    """
    wanted = [path for path in paths if "\n" not in path]
    asked = os.fsencode("".join(f"./{path}\n" for path in wanted))  # a leading quote would be an escape
    rows = git.run("hash-object", "--stdin-paths", stdin=asked).decode().split() if wanted else []
    others = {path: git.run("hash-object", "--", path).decode().strip() for path in paths if "\n" in path}
    return {**dict(zip(wanted, rows, strict=True)), **others}


def as_stored(git: Git, path: str, raw: bytes) -> bytes:
    """Return a file of the workspace as Git will store it: with its line ends converted."""
    oid = git.run("-c", "core.safecrlf=false", "hash-object", "-w", "--stdin", f"--path={path}", stdin=raw)
    return git.run("cat-file", "blob", oid.decode().strip())


def read_blobs(git: Git, oids: Iterable[str]) -> Iterator[bytes]:
    """Yield the content of every blob, in order.

    Raises:
        MvcError: one is not in the repository (a partial clone).
    """
    wanted = list(oids)
    if not wanted:
        return
    output = git.run("cat-file", "--buffer", "--batch", stdin="".join(f"{oid}\n" for oid in wanted).encode())
    position = 0
    for oid in wanted:
        end = output.index(b"\n", position)
        fields = output[position:end].split(b" ")
        if len(fields) != 3:  # noqa: PLR2004 - oid, type, size
            raise missing_object(git, oid)
        size = int(fields[2])
        yield output[end + 1 : end + 1 + size]
        position = end + 2 + size


def blob_name(git: Git, content: bytes) -> str:
    """Return the object name of a blob with this content; it is not stored."""
    return git.run("hash-object", "--no-filters", "--stdin", stdin=content).decode().strip()


def present_blobs(git: Git, oids: Iterable[str]) -> set[str]:
    """Return the `oids` that this clone has; a partial clone lacks some.

    Raises:
        MvcError: some cannot be read.
    """
    return {oid for oid, kind in kinds(git, oids).items() if kind == "blob"}


def stream_blobs(git: Git, oids: Iterable[str], limit: int) -> Iterator[bytes]:
    """Yield the content of every blob, in order, one by one; empty for those of more than `limit` bytes.

    Raises:
        MvcError: one is not in the repository (a partial clone), or Git fails.
    """
    import tempfile  # noqa: PLC0415 - 4 ms; hooks do without

    with tempfile.TemporaryFile() as asked:
        wanted = list(oids)
        asked.writelines(f"{name}\n".encode() for name in wanted)
        asked.seek(0)
        left = len(wanted)
        with git.start("cat-file", "--buffer", "--batch", stdin=asked) as process:
            output: Any = process.stdout
            while header := output.readline():
                oid, *rest = header.split()
                if len(rest) != 2:  # noqa: PLR2004 - type and size
                    process.kill()
                    raise missing_object(git, oid.decode())
                if (size := int(rest[1])) <= limit:
                    yield output.read(size)
                else:
                    _skip(output, size)
                    yield b""
                output.read(1)
                left -= 1
        if process.returncode or left:  # killed, or it could not read its input or an object
            _check_present(git, wanted[len(wanted) - left :])
            reason = f"exit code {process.returncode}" if process.returncode else f"{left} objects were not read"
            raise MvcError(f"git cat-file failed: {reason}", "run the command again")


def _check_present(git: Git, oids: list[str]) -> None:
    present = present_blobs(git, oids)
    for oid in oids:
        if oid not in present:
            raise missing_object(git, oid)


def _skip(output: BinaryIO, size: int) -> None:
    while size > 0 and (part := output.read(min(size, 1 << 20))):
        size -= len(part)


# Sizes and first bytes.


def blob_sizes(git: Git, oids: Iterable[str]) -> dict[str, int]:
    """Return the size in bytes of each of the objects that is a blob, in order.

    Raises:
        MvcError: one is not in the repository (a partial clone).
    """
    wanted = list(oids)
    if not wanted:
        return {}
    asked = "".join(f"{oid}\n" for oid in wanted).encode()
    rows = git.run("cat-file", "--batch-check=%(objecttype) %(objectsize)", stdin=asked).decode().splitlines()
    found = {}
    for oid, row in zip(wanted, rows, strict=True):
        kind, _, size = row.partition(" ")
        if kind == oid:  # "OID missing"
            raise missing_object(git, oid)
        if kind == "blob":
            found[oid] = int(size)
    return found


def first_bytes(git: Git, sizes: Mapping[str, int], count: int) -> Iterator[tuple[str, bytes]]:
    """Yield each of the blobs in `sizes` with its first `count` bytes. Large blobs are read no further.

    Raises:
        MvcError: Git cannot read one.
    """
    yield from _small_blobs(git, {oid: size for oid, size in sizes.items() if size < LARGE_BLOB}, count)
    for oid, size in sizes.items():
        if size >= LARGE_BLOB:
            yield oid, _beginning(git, oid, min(count, size))


def _small_blobs(git: Git, sizes: Mapping[str, int], count: int) -> Iterator[tuple[str, bytes]]:
    """Read as many blobs through one process as fit into memory."""
    batches: list[list[str]] = [[]]
    held = 0
    for oid, size in sizes.items():
        if held + size > _BATCH:
            batches.append([])
            held = 0
        batches[-1].append(oid)
        held += size
    for batch in batches:
        for oid, raw in zip(batch, read_blobs(git, batch), strict=True):
            yield oid, raw[:count]


def _beginning(git: Git, oid: str, count: int) -> bytes:
    with open(os.devnull, "rb") as nothing, git.start("cat-file", "blob", oid, stdin=nothing) as process:
        output: Any = process.stdout
        data: bytes = output.read(count)
        process.kill()
    if len(data) < count:
        raise MvcError(f"Git object {oid} cannot be read", "git fsck")
    return data
