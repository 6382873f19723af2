"""Scan the pickles of judged models where the policy says so. They are read from the cache and not unpickled."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from mvc.errors import CorruptObject, InvalidFormat, MissingObject
from mvc.objects.pointer import Pointer
from mvc.objects.pointer_reader import parse
from mvc.project import Project
from mvc.quality.judge.facts import Facts, FileAt, ModelFacts, Scanned
from mvc.quality.judge.judge import judge_policy
from mvc.quality.policy.demands import demands
from mvc.retention.available import load_manifest

_SCAN = re.compile(rb"scan|\\")
"""A policy without this does not ask for a scan: the word, or an escape that may be a part of it."""
_DAMAGED = "the object in the cache is damaged"


def with_scans(project: Project, policy: FileAt | None, models: Iterable[ModelFacts]) -> tuple[ModelFacts, ...]:
    """Return the models, with the results of a scan where `policy` requires one.

    Models known to miss objects in the cache are not scanned: that is a finding by itself.
    """
    models = tuple(models)
    if policy is None or not _SCAN.search(policy.raw):  # parsing takes time
        return models
    rules, _ = judge_policy(Facts(policy))
    return tuple(
        model._replace(scanned=_scanned(project, model.path, model.pointer))
        if model.pointer and model.kept is not False and demands(rules, model.path).pickle == "scan" else model
        for model in models
    )


def _scanned(project: Project, path: str, file: FileAt) -> tuple[Scanned, ...] | None:
    try:
        pointer = parse(file.raw)
    except InvalidFormat:
        return None  # a finding by itself
    return tuple(item for item in _files(project, path, pointer) if item.names or item.problem or item.absent)


def _files(project: Project, path: str, pointer: Pointer) -> Iterator[Scanned]:
    if pointer.kind == "file":
        yield _file(project, "", pointer.digest.blake3, path)
        return
    try:
        entries = load_manifest(project.cache, pointer).entries
    except MissingObject:
        yield Scanned("", absent=True)
    except (InvalidFormat, CorruptObject):
        yield Scanned("", problem=_DAMAGED)
    else:
        yield from (_file(project, entry.path, entry.blake3, f"{path}/{entry.path}") for entry in entries)


def _file(project: Project, inside: str, name: str, path: str) -> Scanned:
    """Scan the object `name`, the content of the file `path`; `inside` is its path in the model."""
    from mvc.pickles.scan import may_be_pickle_by_name, scan  # noqa: PLC0415 - import time, of the hook

    try:
        with project.cache.open(name) as opened:
            if not project.links.trusted and not project.cache.matches(name):
                return Scanned(inside, problem=_DAMAGED)
            file: BinaryIO = opened if isinstance(opened, io.BytesIO) else io.BufferedReader(opened)  # type: ignore[type-var]  # a raw file
            size = file.seek(0, io.SEEK_END)
            file.seek(0)
            return Scanned(inside, *scan(file, size, path))
    except MissingObject:
        return Scanned(inside, absent=may_be_pickle_by_name(path))
