"""ModelPack: the manifest and the configuration of a model as an OCI artifact.

Each file is a layer of its own, as it is: nothing is archived or compressed. The pointer and the report are layers of
documentation. Formats: https://github.com/modelpack/model-spec/blob/main/docs/spec.md and
https://github.com/opencontainers/image-spec/blob/v1.1.1/manifest.md
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Annotated, NamedTuple

import msgspec

from mvc.errors import CorruptObject, InvalidFormat, InvalidName
from mvc.objects.digest import MAX_SIZE
from mvc.objects.names import check_path, check_paths
from mvc.oci.reference import DIGEST

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
ARTIFACT = "application/vnd.cncf.model.manifest.v1+json"
CONFIG = "application/vnd.cncf.model.config.v1+json"
WEIGHTS = "application/vnd.cncf.model.weight.v1.raw"
DOCUMENT = "application/vnd.cncf.model.doc.v1.raw"
_READ = (WEIGHTS, "application/vnd.cncf.model.weight.config.v1.raw", DOCUMENT)
_PATH = "org.cncf.model.filepath"
_METADATA = "org.cncf.model.file.metadata+json"
MAX_MANIFEST = 4 << 20
"""Bytes that a registry takes at least: the distribution specification, "Pushing manifests"."""
_FIX = "check the name: mvc reads what mvc package stored"
_NO_TIME = "1970-01-01T00:00:00Z"
_REGULAR_FILE = 48
"""Its type in a tar archive, which the metadata of a file has."""


class Layer(NamedTuple):
    """A file of the artifact."""

    path: str
    kind: str
    """Its media type."""
    digest: str
    """`sha256:` and 64 hex digits."""
    size: int
    """In bytes."""
    exec: bool = False


class About(NamedTuple):
    """What the configuration says of the model; empty for what is not known."""

    name: str
    version: str = ""
    revision: str = ""
    """The commit."""
    format: str = ""


class Artifact(NamedTuple):
    """A manifest and its configuration, as they are stored."""

    manifest: bytes
    config: bytes

    @property
    def digest(self) -> str:
        """What names the artifact."""
        return sha256(self.manifest)


def sha256(data: bytes) -> str:
    """Return the digest of `data`, as registries write it."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


# Writing.


def build(about: About, layers: Iterable[Layer]) -> Artifact:
    """Return the artifact with these layers. The same arguments give the same bytes.

    Raises:
        InvalidFormat: there are too many files for a manifest.
    """
    layers = list(layers)
    known = {name: text for name, text in about._asdict().items() if text and name != "format"}
    config = _encode({
        "descriptor": known,
        "config": {"format": about.format} if about.format else {},
        "modelfs": {"type": "layers", "diffIds": [layer.digest for layer in layers]},
    })
    annotations = {f"org.opencontainers.image.{name}": known[name] for name in ("revision", "version") if name in known}
    manifest = _encode({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": ARTIFACT,
        "config": {"mediaType": CONFIG, "digest": sha256(config), "size": len(config)},
        "layers": [_described(layer) for layer in layers],
        "annotations": {"org.opencontainers.image.title": about.name, **annotations},
    })
    if len(manifest) > MAX_MANIFEST:
        message = f"{about.name} has too many files for an artifact: its manifest would have {len(manifest):,} bytes"
        raise InvalidFormat(f"{message}, and registries take {MAX_MANIFEST:,}", "mvc package REF -o DIR")
    return Artifact(manifest, config)


def _described(layer: Layer) -> dict[str, object]:
    metadata = {
        "name": layer.path.rpartition("/")[2], "mode": 0o755 if layer.exec else 0o644, "uid": 0, "gid": 0,
        "size": layer.size, "mtime": _NO_TIME, "typeflag": _REGULAR_FILE,
    }
    annotations = {_PATH: layer.path, _METADATA: json.dumps(metadata)}
    return {"mediaType": layer.kind, "digest": layer.digest, "size": layer.size, "annotations": annotations}


def _encode(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


# Reading.

_Digest = Annotated[str, msgspec.Meta(pattern=f"^{DIGEST.pattern}$")]
_Size = Annotated[int, msgspec.Meta(ge=0, le=MAX_SIZE)]


class _Descriptor(msgspec.Struct):
    mediaType: str  # noqa: N815 - the name in the format
    digest: _Digest
    size: _Size
    annotations: dict[str, str] = msgspec.field(default_factory=dict)


class _Manifest(msgspec.Struct):
    artifactType: str  # noqa: N815 - as above
    config: _Descriptor
    layers: list[_Descriptor]


class _Metadata(msgspec.Struct):
    mode: int = 0


def parse(raw: bytes, what: str) -> list[Layer]:
    """Return the layers in a manifest of a model. Their paths are valid, and no two are the same file.

    Raises:
        InvalidFormat: it is another kind of artifact, or has a layer that mvc does not read.
    """
    try:
        manifest = msgspec.json.decode(raw, type=_Manifest)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        raise InvalidFormat(f"{what} is not a manifest of a model: {error}", _FIX) from None
    if manifest.artifactType != ARTIFACT:
        raise InvalidFormat(f"{what} is of the type {manifest.artifactType!r}, expected {ARTIFACT!r}", _FIX)
    layers = [_layer(descriptor, what) for descriptor in manifest.layers]
    try:
        check_paths(lambda: (layer.path for layer in layers))
    except InvalidName as error:
        raise InvalidFormat(f"{what}: {error.message}", _FIX) from None
    return layers


def _layer(descriptor: _Descriptor, what: str) -> Layer:
    if descriptor.mediaType not in _READ:
        message = f"{what} has a layer of the type {descriptor.mediaType!r}: mvc reads files as they are"
        raise InvalidFormat(message, _FIX)
    notes = descriptor.annotations
    try:
        path = check_path(notes.get(_PATH, ""))
        mode = msgspec.json.decode(notes.get(_METADATA, "{}"), type=_Metadata).mode
    except InvalidName as error:
        raise InvalidFormat(f"{what}: {error.message}", _FIX) from None
    except (msgspec.MsgspecError, RecursionError) as error:
        raise InvalidFormat(f"{what}: metadata of {path}: {error}", _FIX) from None
    return Layer(path, descriptor.mediaType, descriptor.digest, descriptor.size, exec=bool(mode & 0o100))


def check_sha256(found: str, expected: str, what: str) -> None:
    """Compare a digest with the one that was asked for.

    Raises:
        CorruptObject: they differ.
    """
    if found != expected:
        raise CorruptObject(f"{what}: expected {expected}, found {found}", "run the command again")
