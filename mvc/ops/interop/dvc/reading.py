"""The outputs that DVC's files name in the workspace, and in the whole history."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import NamedTuple

from mvc.errors import InvalidFormat
from mvc.objects.dvc.names import IGNORE, LOCK, PIPELINE, SUFFIX, is_of_data
from mvc.objects.dvc.outs import MAX_BYTES, Out, Pipeline, read_dvc_file, read_lock, read_pipeline
from mvc.ops.shared.dvc.files import DvcFiles, said_in, unreadable
from mvc.ops.shared.failures import Failure
from mvc.project import Project
from mvc.scm.blobs import stream_blobs
from mvc.scm.commits import CommitPath, blobs_at
from mvc.scm.index import list_files
from mvc.scm.plumbing import Git
from mvc.scm.reachable import Mention, mentions

_DATA = f":(top)*{SUFFIX}"
_LOCKS = f":(top,glob)**/{LOCK}"
_PATTERNS = (_DATA, _LOCKS, f":(top,glob)**/{PIPELINE}", f":(top,glob)**/{IGNORE}")


def in_workspace(project: Project) -> tuple[DvcFiles, dict[str, bytes]]:
    """Return what DVC's files in the workspace say, and the `.dvcignore` files."""
    files = {}
    for entry in list_files(project.git, *_PATTERNS):
        if entry.mode in ("", "100644", "100755") and (raw := project.tree.read(entry.path, MAX_BYTES + 1)) is not None:
            files[entry.path] = raw
    return said_in(files), {path: raw for path, raw in files.items() if posixpath.basename(path) == IGNORE}


# The history.


class PastOut(NamedTuple):
    """An output as of a commit that brought it."""

    commit: str
    out: Out


def in_history(git: Git) -> tuple[list[PastOut], list[Failure]]:
    """Return the outputs of all reachable commits, each content once, and the files of DVC that cannot be read."""
    found: dict[object, PastOut] = {}
    problems = []
    for mention, raw, pipeline in _versions(git):
        try:
            outs = read_dvc_file(mention.path, raw) if pipeline is None else read_lock(mention.path, raw, pipeline)
        except InvalidFormat as error:
            problems.append(unreadable(mention.path, InvalidFormat(f"{mention.commit[:12]}: {error.message}")))
            continue
        for out in outs:
            found.setdefault(out.digest or out, PastOut(mention.commit, out))
    return list(found.values()), problems


def _versions(git: Git) -> Iterator[tuple[Mention, bytes, Pipeline | None]]:
    """Yield each version of each `.dvc` file and `dvc.lock`, the latter with the `dvc.yaml` beside it."""
    data = {(item.path, item.oid): item for item in mentions(git, _DATA) if is_of_data(item.path)}
    yield from ((item, raw, None) for item, raw in _read(git, list(data.values())))
    locks = mentions(git, _LOCKS)
    wanted = [CommitPath(item.commit, posixpath.join(posixpath.dirname(item.path), PIPELINE)) for item in locks]
    beside = blobs_at(git, wanted)
    pairs = {(item.oid, item.path, beside.get(place, "")): item for item, place in zip(locks, wanted, strict=True)}
    oids = sorted({oid for *_, oid in pairs if oid})
    written = dict(zip(oids, stream_blobs(git, oids, MAX_BYTES), strict=True))
    for (_, path, oid), (item, raw) in zip(pairs, _read(git, list(pairs.values())), strict=True):
        yield item, raw, _pipeline(posixpath.join(posixpath.dirname(path), PIPELINE), written.get(oid, b""))


def _pipeline(path: str, raw: bytes) -> Pipeline:
    """Return what a `dvc.yaml` says; nothing if it cannot be read."""
    try:
        return read_pipeline(path, raw) if raw else Pipeline()
    except InvalidFormat:
        return Pipeline()


def _read(git: Git, items: list[Mention]) -> Iterator[tuple[Mention, bytes]]:
    return zip(items, stream_blobs(git, [item.oid for item in items], MAX_BYTES), strict=True)
