"""Blobs of Git, read and written in bulk: one process for many."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO, NamedTuple

from mvc.errors import MvcError
from mvc.scm.plumbing import Git, split_nul
from mvc.scm.presence import kinds

MANY_BLOBS = 100
"""From so many on, blobs are written as a pack: `update-index` takes a millisecond for each."""


def write_blobs(git: Git, contents: list[bytes]) -> None:
    """Put many small files into Git's object database at once, so that staging them finds them there.

    It only saves time: staging writes what it does not find.
    """
    if len(contents) < MANY_BLOBS:
        return
    stream = b"".join(b"blob\ndata %d\n%s\n" % (len(content), content) for content in contents)
    git.run("fast-import", "--quiet", stdin=stream)


class Blob(NamedTuple):
    """A file in a commit."""

    path: str
    oid: str


def list_blobs(git: Git, commit: str, suffix: str) -> list[Blob]:
    """Return the regular files of `commit` whose path ends in `suffix`."""
    rows = split_nul(git.run("ls-tree", "-r", "-z", "--full-tree", commit))
    blobs = []
    for row in rows:
        head_, _, path = row.partition("\t")
        mode, kind, oid = head_.split(" ")
        if kind == "blob" and mode != "120000" and path.endswith(suffix):
            blobs.append(Blob(path, oid))
    return blobs


def read_blobs(git: Git, oids: Iterable[str]) -> Iterator[bytes]:
    """Yield the bytes of every blob, in order, through one process.

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
            raise not_here(oid)
        size = int(fields[2])
        yield output[end + 1 : end + 1 + size]
        position = end + 2 + size


def present_blobs(git: Git, oids: Iterable[str]) -> set[str]:
    """Return those of `oids` that this clone has: a partial one lacks some.

    Raises:
        MvcError: some cannot be read.

    """
    return {oid for oid, kind in kinds(git, oids).items() if kind == "blob"}


def not_here(oid: str) -> MvcError:
    """Return the error that says that a partial clone lacks an object."""
    return MvcError(f"Git object {oid} is not in this clone", "git fetch --refetch")


def stream_blobs(git: Git, oids: Iterable[str], limit: int) -> Iterator[bytes]:
    """Yield the bytes of every blob, in order, one by one; none for those with more than `limit`.

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
                    raise not_here(oid.decode())
                if (size := int(rest[1])) <= limit:
                    yield output.read(size)
                else:
                    _skip(output, size)
                    yield b""
                output.read(1)
                left -= 1
        if process.returncode or left:  # killed, or it could not read what it was asked: silence is no answer
            reason = f"exit code {process.returncode}" if process.returncode else f"{left} objects were not read"
            raise MvcError(f"git cat-file failed: {reason}", "run the command again")


def _skip(output: BinaryIO, size: int) -> None:
    while size > 0 and (part := output.read(min(size, 1 << 20))):
        size -= len(part)
