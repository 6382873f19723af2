"""SHA-256 of the contents of judged models, for formats that name content by it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

from blake3 import blake3

from mvc.errors import MissingObject
from mvc.quality.judge.facts import ModelFacts
from mvc.quality.pointer_files import pointer_in_file
from mvc.store.cache.cache import Cache

_PART = 1 << 20


def content_sha256(cache: Cache, models: Iterable[ModelFacts]) -> Iterator[tuple[str, str]]:
    """Yield path and digest of each model that is a file, if its pointer has it, or the cache its content undamaged."""
    for model in models:
        pointer = pointer_in_file(model.pointer)
        if pointer is None or pointer.kind != "file":
            continue
        if pointer.other:
            kind, _, digest = pointer.other.partition(":")
            yield from [(model.path, digest)] if kind == "sha256" else []
        elif digest := _sha256(cache, pointer.digest.blake3):
            yield model.path, digest


def _sha256(cache: Cache, name: str) -> str:
    found, check = hashlib.sha256(), blake3()
    try:
        with cache.open(name) as content:
            while part := content.read(_PART):
                found.update(part)
                check.update(part)
    except MissingObject:
        return ""
    return found.hexdigest() if check.hexdigest() == name else ""
