"""Whether a report is of the content that a pointer names."""

from __future__ import annotations

from mvc.objects.pointer import Pointer
from mvc.quality.reports.report import Model
from mvc.quality.words import clipped, short


def named_like(model: Model, pointer: Pointer) -> str:
    """Return the content of a report in the digest that a pointer has; empty if the report does not have that."""
    kind, colon, _ = pointer.other.partition(":")
    if not colon:
        return model.blake3
    digest = model.md5 if kind == "md5" else model.sha256
    return f"{kind}:{digest}" if digest else ""


def digests(model: Model) -> tuple[str, ...]:
    """Return the content of a report in each digest that it has, as pointers name it."""
    others = (f"{kind}:{digest}" for kind, digest in (("md5", model.md5), ("sha256", model.sha256)) if digest)
    return (model.blake3, *others)


def is_of(model: Model, pointer: Pointer) -> bool:
    """Whether a report is of the content that a pointer names, by its digest."""
    return named_like(model, pointer) == pointer.identity


def difference(model: Model, pointer: Pointer, there: str = "") -> str:
    """Return how the content of a report differs from a pointer's; empty when it is the same.

    `there` is the blake3 of the content, if it is at hand though the pointer does not have it.
    """
    found, expected = named_like(model, pointer), pointer.identity
    if not found:
        return f"the report has no {expected.partition(':')[0]}, the pointer {expected.partition(':')[2]}"
    if found != expected:
        return f"the report is of {_short(found, expected)}, the pointer of {_short(expected, found)}"
    if there and model.blake3 != there:
        return f"the report is of blake3 {short(model.blake3, there)}, the content of {short(there, model.blake3)}"
    digest = pointer.digest
    if not pointer.other and model.xxh128 not in ("", digest.xxh128):
        return f"the report has xxh128 {clipped(model.xxh128)}, the pointer {digest.xxh128}"
    is_known = not pointer.other or (pointer.kind == "file" and digest.size)
    if is_known and model.size not in (None, digest.size):
        return f"the report has size {model.size}, the pointer {digest.size}"
    return ""


def _short(digest: str, other: str) -> str:
    kind, colon, text = digest.rpartition(":")
    return f"{kind}{' ' if colon else ''}{short(clipped(text), other.rpartition(':')[2])}"
