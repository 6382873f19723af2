"""What is judged: files as a tree has them (the index for the hook, a merge for the gate), nothing concluded yet."""

from __future__ import annotations

from typing import NamedTuple


class FileAt(NamedTuple):
    """A file of the judged tree."""

    mode: str
    """Octal, as Git writes it: `100644`."""
    raw: bytes
    oid: str = ""
    """Its blob; empty when it is not from Git."""
    conflicted: bool = False
    """Whether the index has it in several stages."""


class ModelFacts(NamedTuple):
    """A tracked path: what of its pointer and report the judged tree has."""

    path: str
    pointer: FileAt | None = None
    report: FileAt | None = None
    kept: bool | None = None
    """Whether the cache holds all that the pointer needs; None when it was not asked."""
    in_git: bool = False
    """Whether the content itself is in the judged tree, beside its pointer."""
    files: tuple[str, ...] | None = None
    """The names in a directory whose pointer does not list them; None when they were not asked for, or not found."""


class BlobFacts(NamedTuple):
    """A file that would enter Git as it is, and is none of ours."""

    path: str
    size: int
    """Bytes."""
    kind: str = ""
    """The model format that its first bytes tell, such as `safetensors`; empty when they tell none."""


class Facts(NamedTuple):
    """Everything that a verdict rests on."""

    policy: FileAt | None
    """None when the tree has none."""
    models: tuple[ModelFacts, ...] = ()
    blobs: tuple[BlobFacts, ...] = ()
