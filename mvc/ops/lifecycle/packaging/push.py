"""`mvc package --oci`: a model as an artifact in a registry, which names the bytes that a report is of."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import NamedTuple

from mvc.fs.progress import Progress, Share
from mvc.fs.workers import Workers
from mvc.oci.client import AT_ONCE, Body, Registry
from mvc.oci.layout import DOCUMENT, WEIGHTS, About, Layer, build, sha256
from mvc.oci.reference import Reference
from mvc.ops.lifecycle.packaging.subject import Subject, files_of
from mvc.project import Project
from mvc.runtime.formats import format_of

_PART = 1 << 20


class Packaged(NamedTuple):
    """An artifact in a registry."""

    reference: str
    """`HOST/REPO@sha256:…`: the permanent name of these bytes."""
    digest: str
    tag: str
    """Empty without one."""
    path: str
    """The tracked path, from the top of the worktree."""
    blake3: str
    files: int
    bytes: int
    """Of the model."""
    sent: int
    """Bytes that the registry lacked."""
    noted: str = ""
    """The commit with the note about it; empty without one."""


def push(project: Project, subject: Subject, file: str, sums: Mapping[str, str], target: Reference) -> Packaged:
    """Store the model at `file`, whose bytes the caller proved, with its documents in a registry.

    `sums` has the sha256 of each file by its BLAKE3. What the registry has is not sent.

    Raises:
        InvalidFormat: it has too many files.
        MvcError: the registry refused, did not answer, or stored something else.
    """
    layers = [*_layers(project, subject, file, sums)]
    kind = format_of(file) if subject.pointer.kind == "file" else ""
    artifact = build(About(subject.name, subject.version, subject.commit, kind), (layer for layer, _ in layers))
    contents = {layer.digest: body for layer, body in layers}
    contents[sha256(artifact.config)] = _body(artifact.config)
    registry = Registry(target, project.around.environ)
    sent = _send(registry, contents, project.around.progress)
    registry.put_manifest(artifact.manifest, target.tag)
    pointer, digest = subject.pointer, artifact.digest
    return Packaged(
        target.at(digest), digest, target.tag, subject.path, pointer.digest.blake3, pointer.files, pointer.total, sent,
    )


def _layers(
    project: Project, subject: Subject, file: str, sums: Mapping[str, str],
) -> Iterator[tuple[Layer, Body]]:
    """Yield the layers of the artifact, the files of the model first, each with its content."""
    name = os.path.basename(subject.path)
    for entry in files_of(project, subject.pointer):
        path, inside = (f"{file}/{entry.path}", f"{name}/{entry.path}") if entry.path else (file, name)
        layer = Layer(inside, WEIGHTS, f"sha256:{sums[entry.blake3]}", entry.size, entry.exec)
        yield layer, Body(entry.size, partial(_parts, path))
    for ending, raw in subject.documents.items():
        yield Layer(name + ending, DOCUMENT, sha256(raw), len(raw)), _body(raw)


def _send(registry: Registry, contents: Mapping[str, Body], progress: Progress) -> int:
    """Send what the registry lacks; return the number of bytes."""
    with Workers[int](AT_ONCE, progress) as workers:
        sent = 0
        for digest, body in contents.items():
            sent += sum(workers.do(partial(_send_one, registry, digest, body, workers.progress)))
        return sent + sum(workers.rest())


def _send_one(registry: Registry, digest: str, body: Body, progress: Progress) -> int:
    if registry.has(digest):
        return 0
    progress.expect(len(body))
    with Share(progress, len(body)) as share:
        registry.upload(digest, Body(len(body), lambda: _counted(body, share)))
    return len(body)


def _counted(parts: Iterable[bytes], progress: Progress) -> Iterator[bytes]:
    for part in parts:
        yield part
        progress.advance(len(part))


def _parts(path: str) -> Iterator[bytes]:
    with open(path, "rb") as file:
        while part := file.read(_PART):
            yield part


def _body(raw: bytes) -> Body:
    return Body(len(raw), lambda: iter([raw]))
