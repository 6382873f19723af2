"""The outputs that a `.dvc` file or a `dvc.lock` names."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

from mvc.errors import InvalidFormat
from mvc.objects.dvc.digest import DvcDigest, ListedFile, digest_of_list, parse_digest, parse_rows
from mvc.objects.parsing import strict_yaml
from mvc.objects.pointer import Notes

MAX_BYTES = 16 << 20
_MAX_DEPTH = 64
"""Parameters of a stage are nested as deep as their file."""

_CREDENTIALS = re.compile(r"://[^/@]*@")
Document: TypeAlias = Mapping[str, Any]


class Out(NamedTuple):
    """An output."""

    path: str
    """From the top of the repository."""
    digest: DvcDigest | None = None
    exec: bool = False
    files: tuple[ListedFile, ...] = ()
    """The files of a directory, if the file of DVC lists them: on a remote with versions."""
    notes: Notes = Notes()
    problem: str = ""
    """Why it cannot be tracked; empty if it can. Its content may be known."""
    stage: str = ""
    """The stage of a pipeline that writes it; empty for a `.dvc` file."""


class Artifact(NamedTuple):
    """A model that a `dvc.yaml` names."""

    name: str
    path: str
    notes: Notes


class Stage(NamedTuple):
    """What a `dvc.yaml` says about a stage, with paths from the top of the repository."""

    wdir: str | None
    """None if it has variables."""
    outs: Mapping[str, Document]
    """Each with its options."""
    deps: tuple[str, ...]
    metrics: tuple[str, ...]


class Pipeline(NamedTuple):
    """A `dvc.yaml`."""

    stages: Mapping[str, Stage] = MappingProxyType({})
    artifacts: tuple[Artifact, ...] = ()
    metrics: tuple[str, ...] = ()
    """Files with metrics of no stage."""


def read_dvc_file(path: str, raw: bytes) -> list[Out]:
    """Return the outputs that the `.dvc` file at `path` keeps.

    Raises:
        InvalidFormat: it is not YAML as DVC writes it.
    """
    data = _load(path, raw)
    top = _inside(posixpath.dirname(path), data.get("wdir"))
    stage = "run" if data.get("cmd") else ""
    source = _source(data)
    return [_out(top, item, stage, source) for item in _dicts(data.get("outs")) if item.get("cache") is not False]


def read_lock(path: str, raw: bytes, pipeline: Pipeline) -> list[Out]:
    """Return the outputs that the `dvc.lock` at `path` has; `pipeline` is the `dvc.yaml` beside it.

    Raises:
        InvalidFormat: it is not YAML as DVC writes it.
    """
    return [
        out for name, locked in (_known_stages(raw) or _all_stages(path, raw)).items() if isinstance(locked, dict)
        for out in _locked(posixpath.dirname(path), name, locked, pipeline)
    ]


def _all_stages(path: str, raw: bytes) -> Document:
    data = _load(path, raw)
    return _mapping(data.get("stages") if "schema" in data else data)  # DVC 1 wrote none


_LOCK = re.compile(rb"schema: '2\.0'\nstages:\n((?:  [!-~][ -~]*\n(?:    [ -~]*\n)*)*)")
"""A `dvc.lock` as DVC writes it: each stage starts with the only line that is indented by two spaces."""
_STAGE = re.compile(rb"  [!-~][ -~]*\n(?:    [ -~]*\n)*")


def _known_stages(raw: bytes) -> Document:
    """Return the stages of a plain `dvc.lock`. Each text of a stage is parsed once: versions differ in few stages.

    Empty if only the whole can tell.
    """
    match = _LOCK.fullmatch(raw) if len(raw) <= MAX_BYTES else None
    found = [_stage_in(text) for text in _STAGE.findall(match[1])] if match else []
    stages = dict(pair for pair in found if pair)
    return stages if len(stages) == len(found) else {}


@lru_cache(maxsize=4096)
def _stage_in(text: bytes) -> tuple[str, object] | None:
    """Return name and content of the only stage in a part of a `dvc.lock`; None if it is anything else."""
    try:
        data = _load("", b"stages:\n" + text)
    except InvalidFormat:
        return None
    stages = _mapping(data.get("stages"))
    return next(iter(stages.items())) if len(data) == len(stages) == 1 else None


def _locked(folder: str, name: str, locked: Document, pipeline: Pipeline) -> Iterator[Out]:
    stage = pipeline.stages.get(name) or pipeline.stages.get(name.partition("@")[0])
    if stage is None and pipeline.stages:
        return  # it was removed from `dvc.yaml`: DVC takes no notice of it either
    top = stage.wdir if stage else folder
    for item in _dicts(locked.get("outs")):
        out = _out(folder if top is None else top, item, name, {})
        if top is None:
            yield out._replace(problem=f"the wdir of its stage {name} has variables, which mvc does not resolve")
            continue
        options = stage.outs.get(out.path, {}) if stage else {}
        if options.get("cache") is not False:
            yield out._replace(notes=notes_of(options))


def _out(top: str | None, item: Document, stage: str, source: Document) -> Out:
    name = item.get("path")
    if not isinstance(name, str):
        return Out("?", problem="an output without a path", stage=stage)
    path = _inside(top, name)
    if path is None or not path:
        return Out(name, problem="outside of the repository, where mvc tracks nothing", stage=stage)
    old = item.get("hash") is None
    out = Out(path, exec=item.get("isexec") is True, notes=notes_of(item, source), stage=stage)
    try:
        if isinstance(listed := item.get("files"), list) and listed:
            files = parse_rows(listed, path, old=old)
            return out._replace(digest=digest_of_list(files, old=old), files=tuple(files))
        if item.get("hash") not in (None, "md5"):
            return out._replace(problem=f"its digest is {item['hash']}, expected md5")
        return out._replace(digest=parse_digest(item.get("md5"), old=old))
    except InvalidFormat as error:
        return out._replace(problem=error.message if item.get("md5") else "DVC has no content of it: no md5")


# dvc.yaml.


def read_pipeline(path: str, raw: bytes) -> Pipeline:
    """Return what the `dvc.yaml` at `path` says; paths with variables are left out.

    Raises:
        InvalidFormat: it is more than plain YAML: it may have anchors.
    """
    data, folder = _load(path, raw), posixpath.dirname(path)
    stages = {
        name: _stage(folder, _mapping(told.get("do")) or told) for name, told in _mapping(data.get("stages")).items()
        if isinstance(told, dict)
    }
    artifacts = (
        Artifact(name, found, notes_of(told)) for name, told in _mapping(data.get("artifacts")).items()
        if isinstance(told, dict) and (found := _plain(folder, told.get("path")))
    )
    return Pipeline(stages, tuple(artifacts), _paths(folder, data.get("metrics")))


def _stage(folder: str, told: Document) -> Stage:
    wdir = _inside(folder, told.get("wdir"))
    if wdir is None or "${" in wdir:
        return Stage(None, {}, (), ())
    outs = {
        found: options for key in ("outs", "metrics", "plots") for name, options in _options(told.get(key))
        if (found := _plain(wdir, name))
    }
    return Stage(wdir, outs, _paths(wdir, told.get("deps")), _paths(wdir, told.get("metrics")))


def _options(items: object) -> Iterator[tuple[str, Document]]:
    """Yield each output with its options: `PATH`, or `{PATH: {…}}`."""
    for item in items if isinstance(items, list) else ():
        if isinstance(item, dict):
            yield from ((name, _mapping(told)) for name, told in item.items())
        elif isinstance(item, str):
            yield item, {}


def _paths(folder: str, items: object) -> tuple[str, ...]:
    return tuple(found for name, _ in _options(items) if (found := _plain(folder, name)))


def _plain(folder: str, name: object) -> str:
    """Return a path from the top; empty for one with variables, or outside."""
    return (_inside(folder, name) or "") if isinstance(name, str) and "${" not in name else ""


# Notes.


def notes_of(item: Document, source: Document = MappingProxyType({})) -> Notes:
    """Return the notes of an output: what mvc has no place for becomes labels that begin with `dvc.`."""
    labels = {f"dvc.{key}": _text(item[key]) for key in ("type", "labels", "meta", "remote") if item.get(key)}
    labels |= {f"dvc.{key}": _text(value) for key, value in source.items()}
    desc = item.get("desc")
    return Notes(desc=desc if isinstance(desc, str) else "", labels=tuple(sorted(labels.items())))


def _text(value: object) -> str:
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _source(data: Document) -> Document:
    """Return where `dvc import` or `import-url` got the content: the only dependency where there is no command."""
    deps = [*_dicts(data.get("deps"))] if not data.get("cmd") else []
    if len(deps) != 1:
        return {}
    repo = _mapping(deps[0].get("repo"))
    found = {"source": deps[0].get("path"), "repo": repo.get("url"), "rev": repo.get("rev_lock") or repo.get("rev")}
    return {key: _CREDENTIALS.sub("://", value) for key, value in found.items() if isinstance(value, str)}


# Plain data.


def _load(path: str, raw: bytes) -> Document:
    data = strict_yaml.load(raw, what=path, max_bytes=MAX_BYTES, max_depth=_MAX_DEPTH)
    if not isinstance(data, dict):
        raise InvalidFormat(f"{path}: expected keys and values")
    return data


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _dicts(value: object) -> Iterator[Document]:
    return (item for item in (value if isinstance(value, list) else ()) if isinstance(item, dict))


def _inside(folder: str | None, name: object) -> str | None:
    """Return a path relative to `folder` as one from the top; None for one outside, and for a URL."""
    text = "." if name is None else str(name)
    if folder is None or "://" in text or "\0" in text:
        return None
    found = posixpath.normpath(posixpath.join(folder, text))
    if found.startswith(("/", "../")) or found == "..":
        return None
    return "" if found == "." else found
