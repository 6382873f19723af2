"""Pointers of DVC and git-lfs, as the judge sees them: each as a file at PATH.mvc.

A file of DVC may name several outputs, and a pointer of git-lfs lies where the content would be. In the trees that are
judged, each of them has an entry of its own at PATH.mvc. In place of a blob's name, this entry has what the pointer
says, as text that begins with `other:`, which no blob's name does. So nothing that lies in Git can pass for one.
"""

from __future__ import annotations

import re
from posixpath import basename, dirname, join
from typing import NamedTuple

from mvc.errors import InvalidFormat
from mvc.objects.digest import Digest
from mvc.objects.dvc.names import LOCK, PIPELINE, is_of_data
from mvc.objects.pointer import SUFFIX, Kind, Pointer
from mvc.objects.pointer_reader import parse
from mvc.quality.files import SIGNATURES, FileAt
from mvc.quality.files import SUFFIX as REPORT

_MARK = "other:"


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
    fix: str = ""
    """What to type then, if it is not to write the pointer again."""

    @property
    def oid(self) -> str:
        """What an entry has in place of a blob's name."""
        from json import dumps  # noqa: PLC0415 - import time: only with DVC or git-lfs

        return _MARK + dumps(self)


def other_pointer(oid: str) -> OtherPointer | None:
    """Return the pointer in an entry; None for a blob of Git."""
    if not oid.startswith(_MARK):
        return None
    from json import loads  # noqa: PLC0415 - as above

    return OtherPointer(*loads(oid.removeprefix(_MARK)))


def is_other(oid: str) -> bool:
    """Whether an entry is a pointer of DVC or git-lfs."""
    return oid.startswith(_MARK)


def raw_of(oid: str) -> bytes:
    """Return the bytes of such a pointer, as a file."""
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
        raise InvalidFormat(other.problem, other.fix)
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
    return "mvc" if file.endswith(SUFFIX) else "dvc" if is_of_data(file) else "lfs"


def pipeline_of(path: str) -> str:
    """Return the `dvc.yaml` that a `dvc.lock` needs; empty for any other file."""
    return join(dirname(path), PIPELINE) if basename(path) == LOCK else ""


def lock_of(path: str) -> str:
    """Return the `dvc.lock` that a `dvc.yaml` is about; empty for any other file."""
    return join(dirname(path), LOCK) if basename(path) == PIPELINE else ""


def may_have_parts(path: str, pointer: FileAt | None) -> bool:
    """Whether the name of a tracked file, or of one that a pointer lists, is of a kind that names further files."""
    if pointer is None or is_other(pointer.oid):
        return False
    return is_onnx(path) or _NAMES_OTHERS.search(pointer.raw) is not None


def is_onnx(path: str) -> bool:
    """Whether a file is ONNX, by its name."""
    return path.lower().endswith(".onnx")


_NAMES_OTHERS = re.compile(rb'\.onnx"|\.safetensors\.index\.json"', re.IGNORECASE)
