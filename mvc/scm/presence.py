"""The presence of Git objects. Unlike Git, this distinguishes unreadable from missing ones."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Iterator
from contextlib import suppress

from mvc.errors import MvcError
from mvc.fs.files import exists
from mvc.scm.plumbing import Git, MissingGitObject, reason_of, why_failed


def kinds(git: Git, oids: Iterable[str]) -> dict[str, str]:
    """Return the type of each object that the repository has; the others are missing.

    Raises:
        MvcError: some cannot be read, or may be in a pack that cannot be read.
    """
    wanted = set(oids)
    found, _ = _asked(git, wanted)
    if missing := wanted - found.keys():
        more, told = _asked(git, missing)  # once more: Git may have run out of open files for a moment
        found |= more
        if told and missing - found.keys():
            raise MvcError(f"Git cannot read its objects: {told}", "git fsck")
        _check_absent(git, missing - found.keys())
    return found


def _asked(git: Git, oids: set[str]) -> tuple[dict[str, str], str]:
    """Return the type of each object that Git finds, and its stderr."""
    if not oids:
        return {}, ""
    asked = "".join(f"{oid}\n" for oid in sorted(oids)).encode()
    try:
        done = git.attempt("cat-file", "--batch-check=%(objectname) %(objecttype)", stdin=asked)
    except MissingGitObject:  # since 2.38 Git stops there in a partial clone
        return {oid: kind for oid, kind in _all_objects(git) if oid in oids}, ""
    if done.returncode:
        raise MvcError(f"Git cannot read its objects: {why_failed(done)}", "git fsck")
    fields = (row.split(" ")[:2] for row in done.stdout.decode().splitlines())
    return {oid: kind for oid, kind in fields if kind != "missing"}, reason_of(done.stderr)


def _all_objects(git: Git) -> Iterator[tuple[str, str]]:
    """Yield every object of the repository, with its type."""
    listed = git.run("cat-file", "--batch-all-objects", "--unordered", "--batch-check=%(objectname) %(objecttype)")
    for row in listed.decode().splitlines():
        oid, _, kind = row.partition(" ")
        yield oid, kind


def _check_absent(git: Git, oids: set[str]) -> None:
    for folder in _object_folders(git) if oids else ():
        for oid in sorted(oids):
            if exists(f"{folder}/{oid[:2]}/{oid[2:]}"):
                raise MvcError(f"Git cannot read its object {oid}", "git fsck")
        _check_packs(f"{folder}/pack")


def _object_folders(git: Git) -> Iterator[str]:
    """Yield the object directories: the repository's own, and its alternates."""
    yield os.fsdecode(git.run("rev-parse", "--path-format=absolute", "--git-path", "objects")).rstrip("\n")
    for line in os.fsdecode(git.run("count-objects", "-v")).splitlines():
        name, _, path = line.partition(": ")
        if name == "alternate":
            yield path


def _check_packs(folder: str) -> None:
    names: list[str] = []
    try:
        with suppress(FileNotFoundError):  # no alternates
            names = sorted(os.listdir(folder))
        for name in names:
            if name.endswith((".idx", ".pack")):
                with suppress(FileNotFoundError), open(f"{folder}/{name}", "rb") as file:  # just repacked
                    file.read(1)
    except OSError as error:
        line = f"ls -l {shlex.quote(str(error.filename or folder))}"
        raise MvcError(f"Git cannot read its objects: {error.filename}: {error.strerror}", line) from None
