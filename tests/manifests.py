"""Manifests as bytes."""

from __future__ import annotations

from typing import NamedTuple

from mvc.objects.digest import Digest
from mvc.objects.manifest import Manifest


class Encoded(NamedTuple):
    """A manifest as objects."""

    digest: Digest
    objects: tuple[tuple[Digest, bytes], ...]
    """The shards, then the object that `digest` names."""


def encode(manifest: Manifest) -> Encoded:
    """Return the objects of a manifest."""
    return Encoded(manifest.digest, tuple((digest, body()) for digest, body in manifest.objects()))
