"""Scan the pickles of judged models where the policy says so. They are read from the cache and not unpickled."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator

from mvc.errors import CorruptObject, InvalidFormat, MissingObject
from mvc.objects.manifest import Entry
from mvc.objects.pointer import Pointer
from mvc.objects.pointer_reader import pointer_in
from mvc.project import Project
from mvc.quality.judge.facts import ModelFacts, PickleScan
from mvc.quality.pointer_files import is_other
from mvc.quality.policy.demands import demands
from mvc.quality.policy.policy import Policy
from mvc.retention.available import load_manifest
from mvc.store.cache.cache import Cache

_DAMAGED = "the object in the cache is damaged"


def with_scans(project: Project, policy: Policy, models: Iterable[ModelFacts]) -> tuple[ModelFacts, ...]:
    """Return the models, with the results of a scan where `policy` requires one.

    Models with objects missing from the cache are not scanned: that is a finding by itself.
    """
    models = tuple(models)
    formats = (policy.defaults.formats, *(rule.formats for rule in policy.rules))
    if not any(item and item.pickle == "scan" for item in formats):
        return models
    return tuple(
        model._replace(pickle_scans=(PickleScan("", absent=True),) if is_other(model.pointer.oid) else scan_model(
            project.cache, model.path, model.pointer.raw, demanded.pickle_allow, trusted=project.links.trusted,
        ))
        if model.pointer and model.in_cache is not False and demanded.pickle == "scan" else model
        for model, demanded in ((model, demands(policy, model.path)) for model in models)
    )


def scan_model(
    cache: Cache, path: str, raw: bytes, allowed: Iterable[str] = (), *, trusted: bool,
) -> tuple[PickleScan, ...] | None:
    """Return the files of a model in which a scan found something; None when its pointer `raw` cannot be read.

    `allowed` are names that a pickle may use besides those on mvc's list. Objects of a cache that is not `trusted` are
    verified first.
    """
    pointer = pointer_in(raw)
    if pointer is None:
        return None  # a finding by itself
    scans = _scan_files(cache, path, pointer, allowed, trusted=trusted)
    return tuple(item for item in scans if item.names or item.problem or item.absent)


def _scan_files(
    cache: Cache, path: str, pointer: Pointer, allowed: Iterable[str], *, trusted: bool,
) -> Iterator[PickleScan]:
    if pointer.kind == "file":
        yield _scan(cache, path, Entry("", *pointer.digest), allowed, trusted=trusted)
        return
    try:
        entries = load_manifest(cache, pointer).entries
    except MissingObject:
        yield PickleScan("", absent=True)
    except (InvalidFormat, CorruptObject):
        yield PickleScan("", problem=_DAMAGED)
    else:
        for entry in entries:
            yield _scan(cache, f"{path}/{entry.path}", entry, allowed, trusted=trusted)


def _scan(cache: Cache, path: str, entry: Entry, allowed: Iterable[str], *, trusted: bool) -> PickleScan:
    """Scan the content of the file `path`, which is `entry` of the model."""
    from mvc.pickles.scan import scan  # noqa: PLC0415 - import time, of the hook

    try:
        with cache.buffered(entry.blake3) as file:
            if not trusted and not cache.matches(entry.blake3):
                return PickleScan(entry.path, problem=_DAMAGED)
            size = file.seek(0, io.SEEK_END)
            file.seek(0)
            return PickleScan(entry.path, *scan(file, size, path, allowed))
    except MissingObject:
        return PickleScan(entry.path, absent=True)
