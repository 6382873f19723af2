"""What the files of DVC in one tree say: of the workspace, or of a commit."""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from mvc.errors import InvalidFormat
from mvc.objects.dvc.names import FOLDER, IGNORE, LOCK, PIPELINE, is_of_data
from mvc.objects.dvc.outs import Out, Pipeline, read_dvc_file, read_lock, read_pipeline
from mvc.objects.pointer import NAME
from mvc.ops.shared.failures import Failure
from mvc.workspace.ignore import FILE as OURS
from mvc.workspace.ignore import ignored, rules_above


def is_of_dvc(path: str) -> bool:
    """Whether a file may say something here, by its name."""
    return is_of_data(path) or posixpath.basename(path) in (PIPELINE, IGNORE)


class FoundOut(NamedTuple):
    """An output, and the file of DVC that names it."""

    file: str
    out: Out


class DvcFiles(NamedTuple):
    """What the files of DVC in one tree say."""

    outs: tuple[FoundOut, ...] = ()
    pipelines: Mapping[str, Pipeline] = MappingProxyType({})
    """By the path of the `dvc.yaml`."""
    problems: tuple[Failure, ...] = ()
    """Files of DVC that cannot be read."""
    remarks: tuple[str, ...] = ()


def said_in(files: Mapping[str, bytes]) -> DvcFiles:
    """Return what the files of DVC in one tree say; those that a `.dvcignore` hides say nothing."""
    visible = {path: files[path] for path in sorted(files) if not _is_hidden(files, path)}
    pipelines, problems, remarks = {}, [], []
    for path in [*filter(_is_pipeline, visible)]:
        try:
            pipelines[path] = read_pipeline(path, visible[path])
        except InvalidFormat as error:
            if b"wdir" in visible[path]:  # without it, paths in the lock are of unknown directories
                visible.pop(_beside(path, LOCK), None)
                problems.append(unreadable(path, error))
            else:
                remarks.append(f"{error.message}: what it says about outputs, artifacts and metrics is left out")
    outs: list[FoundOut] = []
    for path in filter(is_of_data, visible):
        try:
            outs += (FoundOut(path, out) for out in _outs(path, visible[path], pipelines))
        except InvalidFormat as error:
            problems.append(unreadable(path, error))
    return DvcFiles((*_named(outs, pipelines.values(), remarks),), pipelines, tuple(problems), tuple(remarks))


def unreadable(path: str, error: InvalidFormat) -> Failure:
    """Return the failure of a file of DVC."""
    return Failure(path, error.message, f"git log -p -- {shlex.quote(path)}", error.exit_code)


def _is_pipeline(path: str) -> bool:
    return posixpath.basename(path) == PIPELINE


def _outs(path: str, raw: bytes, pipelines: Mapping[str, Pipeline]) -> list[Out]:
    if posixpath.basename(path) != LOCK:
        return read_dvc_file(path, raw)
    return read_lock(path, raw, pipelines.get(_beside(path, PIPELINE), Pipeline()))


def _beside(path: str, name: str) -> str:
    return posixpath.join(posixpath.dirname(path), name)


def _is_hidden(files: Mapping[str, bytes], path: str) -> bool:
    """Whether a `.dvcignore` covers a file, or it lies in DVC's own directory."""
    def read(name: str) -> bytes | None:
        return files.get(name.removesuffix(OURS) + IGNORE)

    parts = path.split("/")
    above = ["/".join(parts[: depth + 1]) for depth in range(len(parts))]
    return FOLDER in parts[:-1] or any(ignored(rules_above(read, at), at, directory=at != path) for at in above)


def _named(outs: Iterable[FoundOut], pipelines: Iterable[Pipeline], remarks: list[str]) -> Iterator[FoundOut]:
    """Yield the outputs, with the notes and names of the artifacts that they are."""
    artifacts = {artifact.path: artifact for pipeline in pipelines for artifact in pipeline.artifacts}
    names = [artifact.name for artifact in artifacts.values()]
    for found in outs:
        if (artifact := artifacts.get(found.out.path)) is None:
            yield found
            continue
        name, notes = artifact.name, found.out.notes
        if names.count(name) > 1 or NAME.fullmatch(name) is None:
            remarks.append(f"{found.out.path} is not named {name!r}: the name is taken, or invalid")
            name = ""
        labels = tuple(sorted({**dict(notes.labels), **dict(artifact.notes.labels)}.items()))
        desc = artifact.notes.desc or notes.desc
        yield found._replace(out=found.out._replace(notes=notes._replace(name=name, desc=desc, labels=labels)))
