"""Pointers of DVC and git-lfs, as the judge sees them: each as a file at PATH.mvc, whatever its file is called.

A file of DVC may name several outputs, and a pointer of git-lfs lies where the content would be. In the trees that are
judged, each of them has an entry of its own at PATH.mvc. In place of a blob's name, this entry has what the pointer
says, as text that begins with `other:`, which no blob's name does. So nothing that lies in Git can pass for one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from posixpath import basename, dirname, join
from typing import NamedTuple

from mvc.errors import InvalidFormat
from mvc.objects import lfs
from mvc.objects.digest import Digest
from mvc.objects.pointer import SUFFIX, Kind, Pointer
from mvc.objects.pointer_reader import parse
from mvc.quality.files import SIGNATURES, FileAt
from mvc.quality.files import SUFFIX as REPORT

_MARK = "other:"
_LOCK = "dvc.lock"
_PIPELINE = "dvc.yaml"
_DVC = ".dvc"


def is_pointer(path: str) -> bool:
    """Whether a file in Git is a pointer, by its name."""
    return path.endswith(SUFFIX) and not path.endswith(f"/{SUFFIX}") and path != SUFFIX


def stem(path: str) -> str:
    """Return the tracked path of a pointer, a report or its signatures; empty for any other file."""
    if is_pointer(path):
        return path.removesuffix(SUFFIX)
    report = path.removesuffix(SIGNATURES)
    found = report.removesuffix(REPORT)
    return found if found != report and not found.endswith("/") else ""


class OtherPointer(NamedTuple):
    """What a file of DVC, or a pointer of git-lfs, says about a path."""

    file: str
    """The file in Git that says it."""
    identity: str = ""
    """`sha256:…` or `md5:…`, as in a report; empty if `problem` says why."""
    size: int = 0
    """Bytes; 0 if the file does not say."""
    exec: bool = False
    problem: str = ""

    @property
    def oid(self) -> str:
        """What an entry has in place of a blob's name."""
        return _MARK + json.dumps(self)


def other_pointer(oid: str) -> OtherPointer | None:
    """Return the pointer in an entry; None for a blob of Git."""
    return OtherPointer(*json.loads(oid.removeprefix(_MARK))) if oid.startswith(_MARK) else None


def is_other(oid: str) -> bool:
    """Whether an entry is a pointer of DVC or git-lfs."""
    return oid.startswith(_MARK)


def raw_of(oid: str) -> bytes:
    """Return what stands for the content of such a pointer."""
    return oid.encode()


def read_pointer(file: FileAt, what: str = "pointer") -> Pointer:
    """Return the pointer in a file of any kind; `what` names it in errors.

    Raises:
        InvalidFormat: it cannot be read.
    """
    other = other_pointer(file.oid)
    if other is None:
        return parse(file.raw, what)
    if other.problem:
        raise InvalidFormat(other.problem)
    kind: Kind = "dir" if other.identity.endswith(".dir") else "file"
    return Pointer(kind, Digest("", "", other.size), other.exec, total=other.size, other=other.identity)


def pointer_in_file(file: FileAt | None) -> Pointer | None:
    """Return the pointer in a file; None without one that can be read."""
    try:
        return read_pointer(file) if file and file.is_regular else None
    except InvalidFormat:
        return None


def name_of(path: str, pointer: FileAt | None) -> str:
    """Return the name of the file that is the pointer of a tracked path."""
    other = other_pointer(pointer.oid) if pointer else None
    return other.file if other else path + SUFFIX


def tool_of(file: str) -> str:
    """Return the program whose pointers are in files of that name: `mvc`, `dvc` or `lfs`."""
    return "mvc" if file.endswith(SUFFIX) else "dvc" if is_of_dvc(file) else "lfs"


# Reading their files.


def is_of_dvc(path: str) -> bool:
    """Whether a file names outputs with their digests for DVC."""
    name = basename(path)
    own = ".dvc" in path.split("/")[:-1]
    return not own and (name == _LOCK or (name.endswith(_DVC) and name != _DVC))


def pipeline_of(path: str) -> str:
    """Return the `dvc.yaml` that a `dvc.lock` needs; empty for any other file."""
    return join(dirname(path), _PIPELINE) if basename(path) == _LOCK else ""


def lock_of(path: str) -> str:
    """Return the `dvc.lock` that a `dvc.yaml` is about; empty for any other file."""
    return join(dirname(path), _LOCK) if basename(path) == _PIPELINE else ""


def of_lfs(path: str, raw: bytes, *, executable: bool = False) -> OtherPointer:
    """Return what the pointer of git-lfs at `path` says."""
    try:
        found = lfs.parse(raw, path)
    except InvalidFormat as error:
        return OtherPointer(path, problem=error.message)
    if found.extensions:
        names = ", ".join(found.extensions)
        return OtherPointer(path, problem=f"{path}: extensions of git-lfs change the content: {names}")
    return OtherPointer(path, f"sha256:{found.sha256}", found.size, executable)


_PLAIN = re.compile(
    rb"outs:\n- md5: ([0-9a-f]{32}(?:\.dir)?)\n  size: [0-9]{1,18}\n(?:  nfiles: [0-9]{1,18}\n)?"
    rb"(  hash: md5\n)?  path: ([A-Za-z][A-Za-z0-9_-]*\.[A-Za-z][A-Za-z0-9_]*)\n",
)
"""A `.dvc` file as DVC writes most: YAML takes a hundred times longer."""


def of_dvc(path: str, raw: bytes, pipeline: bytes | None = None) -> Iterator[tuple[str, OtherPointer]]:
    """Yield the outputs that the file of DVC at `path` has, each with its path; `pipeline` is the `dvc.yaml` beside it.

    What cannot be read is a pointer with a problem, at the path of the file without `.dvc`.
    """
    if not pipeline_of(path) and (plain := _PLAIN.fullmatch(raw)):
        text, name = plain[1].decode(), join(dirname(path), plain[3].decode())
        yield name, OtherPointer(path, f"md5:{'' if plain[2] else 'dos2unix-'}{text}")
        return
    from mvc.objects.dvc.outs import read_dvc_file, read_lock, read_pipeline  # noqa: PLC0415 - YAML, only with DVC

    try:
        if beside := pipeline_of(path):
            stages = read_pipeline(beside, pipeline or b"{}")
            outs = read_lock(path, raw, stages)
        else:
            outs = read_dvc_file(path, raw)
    except InvalidFormat as error:
        yield path.removesuffix(_DVC), OtherPointer(path, problem=error.message)
        return
    for out in outs:
        if out.digest is None:
            yield path.removesuffix(_DVC), OtherPointer(path, problem=f"{path}: {out.path}: {out.problem}")
        else:
            old = "dos2unix-" if out.digest.text else ""
            yield out.path, OtherPointer(path, f"md5:{old}{out.digest.name}", exec=out.exec)


def joined(found: Sequence[OtherPointer], own: str = "") -> OtherPointer:
    """Return the one pointer of a path, or that there are several; `own` is a pointer of mvc, if it has one."""
    files = [*([own] if own else []), *(item.file for item in found)]
    if len(files) == 1:
        return found[0]
    return OtherPointer(files[-1], problem=f"several pointers name it: {', '.join(sorted(files))}")
