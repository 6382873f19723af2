"""The files of a repository of Hugging Face on this machine, as its library keeps them.

Layouts: https://huggingface.co/docs/huggingface_hub/guides/manage-cache, and `_local_folder.py` of huggingface_hub.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

from mvc.errors import MvcError, UsageError
from mvc.objects.foreign import ForeignDigest, GitBlob, Sha256

DOWNLOADS = ".cache/huggingface"
"""What the library writes into a directory of `hf download --local-dir`."""
_REPOSITORY = re.compile(r"(models|datasets|spaces)--(.+)")
_MOST = 4096
"""Bytes of a file that says something about another one."""


class SnapshotFile(NamedTuple):
    """A file of a snapshot."""

    name: str
    path: str
    """Absolute; where the content is."""
    digest: ForeignDigest | None
    """By which Hugging Face names the content; None if nothing tells."""


class Snapshot(NamedTuple):
    """A revision of a repository of Hugging Face."""

    folder: str
    name: str
    """What a directory of its files is called."""
    repository: str
    """Such as `org/name`; empty if nothing tells."""
    revision: str
    """The commit; empty if nothing tells, or if files are of different ones."""
    files: tuple[SnapshotFile, ...]
    is_cached: bool
    """Whether it lies in a cache, or is a directory of the user's."""


def find_snapshot(folder: str, line: str) -> Snapshot:
    """Return the snapshot at `folder`, an absolute path; `line` tracks a directory without one.

    Raises:
        UsageError: it is not one, or has several.
        MvcError: a symlink leads out of the cache.
    """
    above, _, name = folder.rpartition("/")
    repository = os.path.dirname(above)
    if os.path.basename(above) == "snapshots" and (found := _REPOSITORY.fullmatch(os.path.basename(repository))):
        return _cached(folder, repository, found[2], name)
    if found := _REPOSITORY.fullmatch(name):
        revision = _only_revision(folder)
        return _cached(f"{folder}/snapshots/{revision}", folder, found[2], revision)
    if os.path.isdir(f"{folder}/{DOWNLOADS}"):
        return _downloaded(folder, name)
    raise UsageError(f"{folder} is not a snapshot of Hugging Face: neither in a cache, nor with {DOWNLOADS}", line)


def _only_revision(repository: str) -> str:
    """Return the revision that `main` is, or the only one."""
    main = _text(f"{repository}/refs/main")
    try:
        revisions = sorted(os.listdir(f"{repository}/snapshots"))
    except OSError:
        revisions = []
    if main in revisions or len(revisions) == 1:
        return main if main in revisions else revisions[0]
    what = f"the revisions {', '.join(revisions)}" if revisions else "no revision"
    raise UsageError(f"{repository} has {what}", "mvc import hf DIR  # the directory of one, below snapshots")


def _cached(folder: str, repository: str, name: str, revision: str) -> Snapshot:
    blobs = f"{os.path.realpath(repository)}/blobs/"
    files = []
    for path in _walk(folder):
        target = os.path.realpath(path)
        is_blob = target.startswith(blobs)
        if os.path.islink(path) and not is_blob:
            raise MvcError(f"{path} is a symlink out of the cache of its repository", f"ls -l {shlex.quote(path)}")
        digest = _named(os.path.basename(target), target) if is_blob else None
        files.append(SnapshotFile(path.removeprefix(f"{folder}/"), target, digest))
    return Snapshot(folder, name.rpartition("--")[2], name.replace("--", "/"), revision, tuple(files), is_cached=True)


def _downloaded(folder: str, name: str) -> Snapshot:
    files, revisions = [], set()
    for path in _walk(folder):
        inside = path.removeprefix(f"{folder}/")
        if inside.startswith(f"{DOWNLOADS}/"):
            continue
        lines = _text(f"{folder}/{DOWNLOADS}/download/{inside}.metadata").split("\n")
        digest = _named(lines[1], path) if len(lines) > 1 else None
        revisions |= {lines[0]} if digest else set()
        files.append(SnapshotFile(inside, path, digest))
    revision = next(iter(revisions)) if len(revisions) == 1 else ""
    return Snapshot(folder, name, "", revision, tuple(files), is_cached=False)


def _walk(folder: str) -> Iterator[str]:
    for place, folders, names in os.walk(folder):
        folders.sort()
        if link := next((name for name in folders if os.path.islink(f"{place}/{name}")), ""):
            raise MvcError(f"{place}/{link} is a symlink to a directory", f"ls -l {shlex.quote(place)}")
        yield from (f"{place}/{name}" for name in sorted(names))


def _named(name: str, path: str) -> ForeignDigest | None:
    """Return the digest in the name of a blob, or an ETag: SHA-256 of a large file, else that of Git."""
    if re.fullmatch(r"[0-9a-f]{64}", name):
        return Sha256(name)
    return GitBlob(name, os.stat(path).st_size) if re.fullmatch(r"[0-9a-f]{40}", name) else None


def _text(path: str) -> str:
    with suppress(OSError), open(path, encoding="utf-8", errors="replace") as file:
        return file.read(_MOST).strip()
    return ""
