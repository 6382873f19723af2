"""Find the pickles in a file: plain ones, joblib's, PyTorch's, NumPy's, compressed and archived ones.

Loaders ignore file names, so a file is read in each way in which a loader might read it. A file that a loader would
start to read, but that cannot be read to the end, is a problem. So is one that mvc does not read to the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from tempfile import TemporaryFile
from typing import BinaryIO, NamedTuple

from mvc.modelfiles import formats
from mvc.modelfiles.magic import HEAD, kind_of
from mvc.objects.parsing import patterns
from mvc.pickles.allowed.names import Names
from mvc.pickles.archives.archives import ZIP, Limit, Limited, Member, copied, has_zip, is_tar, tar_members, zip_members
from mvc.pickles.archives.compression import MIN_LIMIT, RATIO, Decompressed, decompressor_for
from mvc.pickles.arrays import NUMPY, follow_arrays
from mvc.pickles.sequence import follow_pickles, follow_possible_pickles
from mvc.pickles.source import MalformedPickle, PickleReader, Stream, Unreadable
from mvc.pickles.values import Findings

_PICKLES = frozenset({"pickle", "joblib", "pytorch"})
_OTHERS = frozenset({"safetensors", "hdf5", "gguf", "onnx"})
_UNSUPPORTED = {b"\x04\x22M\x18": "lz4", b"\x28\xb5\x2f\xfd": "zstd", b"ZF0x": "joblib 0.9"}
"""Compression that some loaders open and mvc does not, by its magic bytes."""
_DEPTH = 4
"""Most archives and compressed files inside each other."""


class ScanResult(NamedTuple):
    """The effects of unpickling a file."""

    names: tuple[str, ...] = ()
    """Names imported or called that are not known to be harmless."""
    problem: str = ""
    """Why it could not be read to the end; empty if it could."""


class _Content(NamedTuple):
    """The content of a file, of a member of an archive, or of a compressed file."""

    open: Callable[[], Stream]
    """Returns it from the start."""
    limit: Limit
    named: bool
    """Whether its name is that of a pickle."""
    inside: bool = True
    """Whether it is a member of an archive, whose first bytes do not tell a pickle."""
    size: int = HEAD + 1
    """In bytes, where it is known."""
    depth: int = 0

    def reader(self) -> PickleReader:
        """Return a reader at its start."""
        return PickleReader(self.open())


def scan(file: BinaryIO, size: int, path: str, further: Iterable[str] = ()) -> ScanResult:
    """Scan `file`, which is at its start, for pickles; `size` is in bytes, `path` its name.

    `further` are names that are allowed as well.
    """
    findings = Findings(Names(further))
    try:
        _scan_file(file, size, findings, named=_is_pickle_by_name(path))
    except (MalformedPickle, Unreadable) as error:
        return ScanResult(tuple(findings.names), str(error))
    return ScanResult(tuple(findings.names))


def _is_pickle_by_name(path: str) -> bool:
    return bool(patterns.in_any_case(formats.NAMES["pickle"], path))


def _scan_file(file: BinaryIO, size: int, findings: Findings, *, named: bool) -> None:
    def start() -> Stream:
        file.seek(0)
        return file

    content = _Content(start, Limit(max(MIN_LIMIT, RATIO * size)), named, inside=False, size=size)
    head = file.read(HEAD)
    if head.startswith(ZIP) or is_tar(head):
        _scan_archive(file, size, head, content, findings)
    else:
        _scan_content(head, content, findings, lambda: PickleReader(start(), size))
    if not head.startswith(ZIP) and has_zip(file, size):
        _scan_members(zip_members(file, size, prefixed=True), content, findings)


def _scan_content(
    head: bytes, content: _Content, findings: Findings, start: Callable[[], PickleReader],
) -> None:
    """Scan a file that is not an archive, or an archive that is compressed or in another one."""
    for magic, name in _UNSUPPORTED.items():
        if head.startswith(magic):
            raise Unreadable(f"mvc does not open this compression: {name}")
    if decompressor := decompressor_for(head):
        inner = content._replace(
            open=lambda: Limited(Decompressed(content.open(), decompressor), content.limit),
            size=HEAD + 1, depth=content.depth + 1,
        )
        _scan_inner(inner, findings)
    elif head.startswith(NUMPY):
        follow_arrays(start(), findings)
    else:
        kind = kind_of(head, content.size)
        certain = kind not in _OTHERS and (content.named or (kind in _PICKLES and not content.inside))
        (follow_pickles if certain else follow_possible_pickles)(start, findings)


def _scan_inner(content: _Content, findings: Findings) -> None:
    """Scan the content of a compressed file or a member of an archive."""
    if content.depth > _DEPTH:
        raise Unreadable(f"more than {_DEPTH} archives or compressed files are inside each other")
    try:
        head = _first(content)
    except MalformedPickle:
        if content.named:
            raise
        return
    if head.startswith(ZIP) or is_tar(head):
        with TemporaryFile() as file:
            size = copied(content.open(), file)
            _scan_archive(file, size, head, content, findings)
    else:
        _scan_content(head, content, findings, content.reader)


def _first(content: _Content) -> bytes:
    stream, head = content.open(), b""
    while len(head) < HEAD and (data := stream.read(HEAD - len(head))):
        head += data
    return head


def _scan_archive(file: BinaryIO, size: int, head: bytes, content: _Content, findings: Findings) -> None:
    if head.startswith(ZIP):
        _scan_members(zip_members(file, size), content, findings)
        return

    def start() -> PickleReader:
        file.seek(0)
        return PickleReader(file, size)

    follow_possible_pickles(start, findings)
    _scan_members(tar_members(file), content, findings)


def _scan_members(members: Iterable[Member], content: _Content, findings: Findings) -> None:
    of_members = Findings(findings.allowed.of_archive())
    try:
        for member in members:
            inner = _Content(
                lambda member=member: Limited(member.open(), content.limit), content.limit,  # type: ignore[misc]  # a default
                _is_pickle_by_name(member.name), depth=content.depth + 1,
            )
            _scan_inner(inner, of_members)
    finally:
        findings.merge(of_members)
