"""The directories of a cache, its format file, and moves to trash and quarantine: docs/formats.md, "On disk"."""

from __future__ import annotations

import errno
import os
import time
from contextlib import suppress
from typing import Literal

from mvc.errors import InvalidFormat, MvcError, UsageError
from mvc.fs.durable_names import fsync_upward
from mvc.fs.files import aside_line, exists
from mvc.fs.new_names import link_new
from mvc.fs.scratch import Scratch, sweep
from mvc.fs.shared_folders import make_folders
from mvc.packages import UPGRADE

ARRIVED = ".arrived"
"""The suffix of quarantined files that a remote sent; the others end in hex digits."""

_FORMAT_FILE = "store.yaml"
_FORMAT = b"mvc-store: 1\nfeatures: {read: [], write: []}\n"
_MAX_BYTES = 4096
_CANNOT_WRITE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})
"""Errors of writing only: they come from the cache, not from reading the source."""


def prepare(root: str) -> None:
    """Make the directories of the cache `root`.

    Raises:
        UsageError: the cache needs a newer mvc.
        MvcError: it cannot be written.
    """
    try:
        for name in ("objects", "packs", "tmp", "quarantine", "trash", "locks"):
            make_folders(f"{root}/{name}")
        _write_format_file(root)
    except OSError as error:
        raise MvcError(f"cannot write to the cache {root}: {error.strerror}", f"ls -ld {root}") from None


def _write_format_file(root: str) -> None:
    path = f"{root}/{_FORMAT_FILE}"
    if exists(path):
        check_format(root)
        return
    fsync_upward(os.path.realpath(root))  # before the file, which marks the directories as durable
    with Scratch(f"{root}/tmp") as scratch:
        temp = scratch.name()
        with open(temp, "xb") as file:
            file.write(_FORMAT)
            file.flush()
            os.fchmod(file.fileno(), 0o444)  # independent of the umask: a cache may be shared
            os.fsync(file.fileno())
        link_new(temp, path)


def check_format(root: str) -> None:
    """Check that this mvc can read the cache `root`.

    Raises:
        UsageError: a newer mvc wrote it.
    """
    path = f"{root}/{_FORMAT_FILE}"
    try:
        with open(path, "rb") as file:
            text = file.read(_MAX_BYTES)
    except FileNotFoundError:
        return
    if text != _FORMAT:
        _check_features(text, path)


def _check_features(text: bytes, path: str) -> None:
    from mvc.objects.parsing import strict_yaml  # noqa: PLC0415 - only a cache of another format needs YAML

    try:
        data = strict_yaml.load(text, what=path, max_bytes=_MAX_BYTES)
    except InvalidFormat as error:
        raise InvalidFormat(error.message, f"{aside_line(path)} && mvc init  # writes it again") from None
    if data not in ({"mvc-store": 1}, {"mvc-store": 1, "features": {"read": [], "write": []}}):
        raise UsageError(f"the cache needs a newer mvc: {path}", UPGRADE)


def cache_time(root: str) -> float:
    """Return the time of the cache's file system, in seconds since the epoch: a NAS has its own clock."""
    try:
        with Scratch(f"{root}/tmp") as scratch:
            return os.stat(scratch.path).st_mtime
    except OSError:  # read-only
        return time.time()


def sweep_scratch(root: str) -> None:
    """Remove the scratch directories of killed processes, where possible."""
    with suppress(OSError):
        sweep(f"{root}/tmp")


def move_aside(root: str, path: str, folder: Literal["trash", "quarantine"], name: str) -> str:
    """Move a file of the cache to `folder`, as `name` with a random suffix. Return its new path."""
    make_folders(f"{root}/{folder}")
    target = f"{root}/{folder}/{name}.{os.urandom(4).hex()}"
    os.rename(path, target)
    return target


def cannot_write(root: str, error: OSError) -> MvcError:
    """Return `error` with the name of the cache `root`."""
    reason = os.strerror(error.errno) if error.errno else str(error)
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    fix = f"df -h {root}  # free some space there" if full else f"ls -ld {root}"
    return MvcError(f"cannot write to the cache {root}: {reason}", fix)


def naming_cache(root: str, error: OSError) -> MvcError | OSError:
    """Return `error`, with the name of the cache `root` if it is an error of writing."""
    return cannot_write(root, error) if error.errno in _CANNOT_WRITE else error
