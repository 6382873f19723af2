"""Queries of `mvc doctor`: Git's version, and how Git treats tracked content and pointers."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping

from mvc.scm.plumbing import Git, split_nul

OLDEST = (2, 31)
"""The first version with `rev-parse --path-format`."""


def version(git: Git) -> str:
    """Return Git's version, such as `2.39.5`.

    Raises:
        MvcError: Git is not installed.
    """
    return git.run("--version").decode(errors="replace").removeprefix("git version ").strip()


def is_too_old(text: str) -> bool:
    """Whether a version is older than mvc requires."""
    return tuple(map(int, re.findall(r"\d+", text)[:2])) < OLDEST


def is_repository(git: Git) -> bool:
    """Whether `git.cwd` is in a repository, even one that cannot be used."""
    done = git.attempt("rev-parse", "--git-dir")
    return done.returncode == 0 or b"not a git repository" not in done.stderr


def not_ignored(git: Git, paths: Iterable[str]) -> list[str]:
    """Return the `paths` that `git add --all` would add."""
    paths = list(paths)
    names = b"".join(os.fsencode(path) + b"\0" for path in paths)
    ignored = set(split_nul(git.attempt("check-ignore", "--no-index", "-z", "--stdin", stdin=names).stdout))
    return [path for path in paths if path not in ignored]


def has_attributes(git: Git, path: str, wanted: Mapping[str, str]) -> bool:
    """Whether a file at `path` has these attributes of Git, such as `{"text": "set", "eol": "lf"}`."""
    fields = split_nul(git.run("check-attr", "-z", *wanted, "--", path))
    return dict(zip(fields[1::3], fields[2::3], strict=True)) == wanted
