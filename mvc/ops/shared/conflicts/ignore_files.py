"""Merging two versions of a `.gitignore`: mvc's block by tracked path, the user's lines as text."""

from __future__ import annotations

from mvc.ops.shared.conflicts.outcome import Outcome, Texts
from mvc.scm.merging.text_merge import merge_texts
from mvc.scm.plumbing import Git
from mvc.workspace import gitignore


def merge_ignore_files(git: Git, texts: Texts, marker_size: int) -> Outcome:
    """Return the merged `.gitignore`, with markers around lines of the user that both sides changed."""
    base, ours, theirs = map(_decoded, texts)
    own = [gitignore.without_block(text) for text in (base, ours, theirs)]
    merged, clean = _encoded(own[1]), True
    if own[2] not in own[:2]:
        merged, clean = merge_texts(git, map(_encoded, own), marker_size)
    place = ours if _decoded(merged) == own[1] else _decoded(merged)
    return Outcome(_encoded(gitignore.with_block(place, gitignore.merged_block(base, ours, theirs))), clean)


def with_merged_block(text: bytes, texts: Texts) -> bytes:
    """Return the `.gitignore` `text`, whose own lines the user has merged, with the merged block."""
    base, ours, theirs = map(_decoded, texts)
    return _encoded(gitignore.with_block(_decoded(text), gitignore.merged_block(base, ours, theirs)))


def _decoded(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
