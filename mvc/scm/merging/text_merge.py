"""Git's three-way merge of texts."""

from __future__ import annotations

from collections.abc import Iterable
from tempfile import TemporaryDirectory

from mvc.errors import MvcError
from mvc.scm.plumbing import Git, why_failed

_TOLD_BY = 8000
"""Bytes by which Git tells that a file is binary: buffer_is_binary in its xdiff-interface.c."""
_FAILED = 128
"""Exit codes below are numbers of conflicts: git-merge-file(1)."""


def merge_texts(git: Git, texts: Iterable[bytes], marker_size: int) -> tuple[bytes, bool]:
    """Return the merged text, with conflict markers where both sides changed it, and whether there are none.

    `texts` are those of the common ancestor, ours and theirs. If one is binary, ours is returned, in conflict.

    Raises:
        MvcError: Git fails.
    """
    texts = tuple(texts)
    if any(b"\0" in text[:_TOLD_BY] for text in texts):
        return texts[1], False
    with TemporaryDirectory(prefix="mvc-merge-") as folder:
        for name, text in zip(("base", "ours", "theirs"), texts, strict=True):
            with open(f"{folder}/{name}", "wb") as file:
                file.write(text)
        size = f"--marker-size={marker_size}"
        done = git.at(folder).attempt("merge-file", "-p", "-q", size, "ours", "base", "theirs")
    if done.returncode >= _FAILED:
        raise MvcError(f"git merge-file failed: {why_failed(done)}")
    return done.stdout, done.returncode == 0
