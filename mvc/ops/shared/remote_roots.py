"""Announces to a remote which objects this clone needs: added before each push, replaced by a gc."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable
from contextlib import suppress
from uuid import uuid4

from mvc.fs.files import as_error
from mvc.objects.digest_table import as_table
from mvc.ops.shared.remotes import base_directory
from mvc.project import Project
from mvc.store.remote.roots import add_roots, encode_roots, roots_key
from mvc.store.remote.store import RemoteStore

_ID = re.compile(r"[0-9a-f-]{36}")


def announce(project: Project, remote: RemoteStore, names: Iterable[str]) -> None:
    """Add to the objects that this clone needs; a push does this before it writes anything else."""
    remote.prepare()
    with project.locks.roots():
        add_roots(remote.bucket, clone_id(project.home), _label(project), as_table(names))


def announce_all(project: Project, remote: RemoteStore, names: Iterable[str]) -> float:
    """Replace the objects that this clone needs; no push of this clone may be running.

    Returns:
        The time by the remote's clock, in seconds since the epoch; by this machine's if the remote has none.
    """
    key = roots_key(clone_id(project.home))
    with project.locks.roots():
        remote.bucket.write(key, encode_roots(_label(project), as_table(names)))
        written = remote.bucket.head(key)
    return (written.modified if written else 0) or time.time()


def clone_id(home: str) -> str:
    """Return the id of this clone at remotes, created on first use.

    It is valid for this file at this path only: a copy of the clone gets its own.
    """
    path = os.path.realpath(home) + "/clone-id"
    with suppress(FileNotFoundError, ValueError), open(path, encoding="utf-8", errors="replace") as file:
        known, inode, known_path = file.read().rstrip("\n").split("\n", 2)
        if _ID.fullmatch(known) and inode == str(os.fstat(file.fileno()).st_ino) and known_path == path:
            return known
    made = str(uuid4())
    try:
        with open(f"{path}.new", "w", encoding="utf-8", errors="replace") as file:
            file.write(f"{made}\n{os.fstat(file.fileno()).st_ino}\n{path}\n")
        os.replace(f"{path}.new", path)
    except OSError as error:
        with suppress(OSError):
            os.unlink(f"{path}.new")
        raise as_error(error, f"{path} cannot be written") from None
    return made


def _label(project: Project) -> str:
    return f"{os.uname().nodename}:{base_directory(project) or project.root}"
