"""`mvc get oci://…`: the model of an artifact, whose bytes are compared with the pointer in it."""

from __future__ import annotations

import hashlib
import os
import shlex
from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from mvc.errors import CorruptObject, InvalidFormat, UsageError
from mvc.fs.copying import Reader
from mvc.fs.files import CREATE, as_error, write_all
from mvc.fs.new_names import rename_new
from mvc.fs.progress import Progress, Share
from mvc.fs.scratch import Scratch, beside
from mvc.fs.workers import Workers
from mvc.objects.digest import Digest
from mvc.objects.hashing import hash_reader
from mvc.objects.manifest import Entry, Manifest
from mvc.objects.pointer import MAX_BYTES as MAX_POINTER
from mvc.objects.pointer import SUFFIX as POINTER
from mvc.objects.pointer import Pointer, dir_pointer, file_pointer
from mvc.objects.pointer_reader import parse as parse_pointer
from mvc.oci.client import AT_ONCE, Registry
from mvc.oci.layout import DOCUMENT, Layer, check_sha256, parse, sha256
from mvc.oci.reference import SCHEME, Reference, parse_reference
from mvc.ops.lifecycle.packaging.place import new_place
from mvc.ops.shared.reports import matching_report
from mvc.project import Surroundings
from mvc.quality.files import MAX_BYTES as MAX_REPORT
from mvc.quality.files import SIGNATURES
from mvc.quality.files import SUFFIX as REPORT

_LIMITS = {POINTER: MAX_POINTER, REPORT: MAX_REPORT, REPORT + SIGNATURES: MAX_REPORT}
_ANEW = "mvc package REF --oci HOST/REPO  # where the model is tracked"


class Fetched(NamedTuple):
    """What was written."""

    reference: str
    """`HOST/REPO@sha256:…`."""
    out: str
    size: int
    """In bytes, without the documents."""
    blake3: str
    report: str = ""
    """Where the report is; empty without one."""
    signed: bool = False
    """Whether there is a signature of the report. It is not verified: that needs a list of signers."""


class Contents(NamedTuple):
    """What an artifact has."""

    name: str
    """Of the model's file or directory."""
    files: list[Layer]
    documents: dict[str, Layer]
    """By what their names add to that of the model."""


def fetch(around: Surroundings, text: str, out: str = "") -> Fetched:
    """Write the model of an artifact to `out`, and its report beside it. Nothing is written unless everything matches.

    Raises:
        UsageError: `text` names no artifact, or `out` exists.
        CorruptObject: bytes are not those that the digest, or the pointer, names.
        InvalidFormat: it is not an artifact of `mvc package`.
        MvcError: the registry refused, or did not answer.
    """
    reference = parse_reference(text)
    if not (reference.digest or reference.tag):
        raise UsageError(f"{text} names no artifact", f"mvc get {SCHEME}{reference.name}:TAG")
    again = f"mvc get {shlex.quote(text)} -o OUT  # with another OUT"
    if out:
        _check_free(around, out, again)
    registry = Registry(reference, around.environ)
    what, contents = _found(registry, reference)
    target = _check_free(around, out or contents.name, again)
    documents = {ending: _document(registry, layer, ending) for ending, layer in contents.documents.items()}
    pointer = parse_pointer(documents[POINTER], f"{what}: {contents.name}{POINTER}")
    check_sizes(contents, pointer, what)
    if REPORT in documents and not matching_report(documents[REPORT], pointer.identity, what):
        raise CorruptObject(f"{what}: its report is not of its model", _ANEW)
    try:
        with beside(os.path.dirname(target)) as scratch:
            _write(registry, contents, pointer, f"{scratch.path}/content", around.progress)
            written = _place(documents, scratch, target, again)
    except OSError as error:
        raise as_error(error, target) from None
    return Fetched(what, target, pointer.total, pointer.digest.blake3, written, REPORT + SIGNATURES in documents)


def _found(registry: Registry, reference: Reference) -> tuple[str, Contents]:
    """Return the name of an artifact, by its digest, and what it has."""
    raw = registry.manifest(reference.digest or reference.tag)
    digest = sha256(raw)
    if reference.digest:
        check_sha256(digest, reference.digest, reference.name)
    what = reference.at(digest)
    return what, contents_of(parse(raw, what), what)


def contents_of(layers: list[Layer], what: str) -> Contents:
    """Sort the layers of an artifact into files of the model and documents.

    Raises:
        InvalidFormat: there is not one pointer, or there are files that do not belong to the model.
    """
    documents = [layer for layer in layers if layer.kind == DOCUMENT]
    pointers = [layer for layer in documents if layer.path.endswith(POINTER) and "/" not in layer.path]
    if len(pointers) != 1:
        raise InvalidFormat(f"{what} has {len(pointers)} pointers of mvc, expected one", _ANEW)
    name = pointers[0].path.removesuffix(POINTER)
    found = {layer.path.removeprefix(name): layer for layer in documents if layer.path.startswith(name)}
    files = [layer for layer in layers if layer.kind != DOCUMENT]
    if odd := next((layer.path for layer in files if layer.path.partition("/")[0] != name), ""):
        raise InvalidFormat(f"{what} has a file {odd!r}, which is not part of {name!r}", _ANEW)
    return Contents(name, files, {ending: found[ending] for ending in _LIMITS if ending in found})


def check_sizes(contents: Contents, pointer: Pointer, what: str) -> None:
    """Compare number and sizes of the files with the pointer, before they are fetched.

    Raises:
        CorruptObject: they differ.
    """
    claimed = pointer.kind, pointer.files, pointer.total
    kind = "file" if [layer.path for layer in contents.files] == [contents.name] else "dir"
    found = kind, len(contents.files), sum(layer.size for layer in contents.files)
    if found != claimed:
        message = f"{what}: its pointer is of {claimed[1]} files with {claimed[2]:,} bytes"
        raise CorruptObject(f"{message}, and there are {found[1]} with {found[2]:,}", _ANEW)


def _check_free(around: Surroundings, out: str, again: str) -> str:
    """Return the path to write to, where nothing may be."""
    target = os.path.abspath(os.path.join(around.cwd, out))
    return new_place(target, target, again)


def _document(registry: Registry, layer: Layer, ending: str) -> bytes:
    if layer.size > _LIMITS[ending]:
        told = f"{registry.name}: {layer.path} has {layer.size:,} bytes"
        raise InvalidFormat(f"{told}, expected at most {_LIMITS[ending]:,}", _ANEW)
    raw = b"".join(registry.blob(layer.digest, layer.size))
    check_sha256(sha256(raw), layer.digest, f"{registry.name}: {layer.path}")
    return raw


def _write(registry: Registry, contents: Contents, pointer: Pointer, target: str, progress: Progress) -> None:
    """Write the files, and compare them with the pointer.

    Raises:
        CorruptObject: they are not the pointer's.
    """
    progress.expect(pointer.total)
    with Workers[Entry](AT_ONCE, progress) as workers:
        works = (partial(_file, registry, layer, contents.name, target, workers.progress) for layer in contents.files)
        entries = [entry for work in works for entry in workers.do(work)]
        entries += workers.rest()
    if pointer.kind == "dir":
        found = dir_pointer(Manifest.of(entries))
    else:
        found = file_pointer(entries[0].digest, executable=entries[0].exec)
    if found.content != pointer.content:
        message = f"{registry.name}: the files are not those of the pointer, BLAKE3 {pointer.digest.blake3}"
        raise CorruptObject(message, _ANEW)
    if pointer.kind == "dir":
        os.makedirs(target, exist_ok=True)


def _file(registry: Registry, layer: Layer, name: str, target: str, progress: Progress) -> Entry:
    """Write one file of the model called `name`; return what a manifest says of it."""
    inside = layer.path.removeprefix(name)
    os.makedirs(os.path.dirname(f"{target}{inside}"), exist_ok=True)
    with Share(progress, layer.size) as share:
        digest = _download(registry, layer, f"{target}{inside}", share)
    return Entry(inside.lstrip("/"), *digest, layer.exec)


def _download(registry: Registry, layer: Layer, path: str, progress: Progress) -> Digest:
    """Write a blob to a new file; return its digest.

    Raises:
        CorruptObject: its sha256 is another.
    """
    seen = hashlib.sha256()
    fd = os.open(path, CREATE, 0o777 if layer.exec else 0o666)
    try:
        parts = registry.blob(layer.digest, layer.size)
        digest = hash_reader(_copying(parts, fd, progress), layer.size, (seen.update,))
        os.fsync(fd)
    finally:
        os.close(fd)
    check_sha256(f"sha256:{seen.hexdigest()}", layer.digest, f"{registry.name}: {layer.path}")
    return digest


def _copying(parts: Iterator[bytes], fd: int, progress: Progress) -> Reader:
    """Return a reader of the parts, each of which is written to the file `fd` first."""
    waiting = memoryview(b"")

    def read(buffer: memoryview) -> int:
        nonlocal waiting
        if not waiting and (part := next(parts, b"")):
            write_all(fd, part)
            progress.advance(len(part))
            waiting = memoryview(part)
        count = min(len(buffer), len(waiting))
        buffer[:count], waiting = waiting[:count], waiting[count:]
        return count

    return read


def _place(documents: dict[str, bytes], scratch: Scratch, target: str, again: str) -> str:
    """Rename the model to its place, the report before it; return where the report is.

    Raises:
        UsageError: there is something else by now.
    """
    ours = {ending: raw for ending, raw in documents.items() if ending != POINTER}
    for ending, raw in ours.items():
        with open(scratch.name(), "xb") as file:
            file.write(raw)
        if not rename_new(file.name, target + ending) and not _holds(target + ending, raw):
            raise UsageError(f"{target + ending} already exists", again)
    if not rename_new(f"{scratch.path}/content", target):
        raise UsageError(f"{target} was created in the meantime", again)
    return target + REPORT if REPORT in ours else ""


def _holds(path: str, raw: bytes) -> bool:
    with open(path, "rb") as file:
        return file.read(len(raw) + 1) == raw
