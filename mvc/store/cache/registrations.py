"""The repositories that use a cache: each has a file in it, so that `gc` keeps what any of them needs."""

from __future__ import annotations

import os
import shlex
import stat
from contextlib import suppress
from typing import NamedTuple

from blake3 import blake3

from mvc.errors import MvcError
from mvc.fs.durable_names import fsync_directory
from mvc.fs.files import CREATE, READ, as_error, exists, read_up_to, write_all
from mvc.fs.new_names import link_new
from mvc.fs.scratch import Scratch
from mvc.fs.shared_folders import make_folders
from mvc.packages import UPGRADE

HEADER = b"mvc-repo 1"
_MAX_BYTES = 8192


class Registration(NamedTuple):
    """A repository that uses the cache."""

    path_of_file: str
    """The file in the cache that names it."""
    common_dir: str
    """Its Git common directory, absolute; it may be deleted."""


def register(root: str, common_dir: str) -> None:
    """Record the repository with this Git common directory as a user of the cache `root`.

    Raises:
        OSError: the cache cannot be written.
    """
    path = f"{root}/repos/{_name(os.fsencode(common_dir))}"
    with suppress(FileNotFoundError):
        if os.lstat(path).st_mode & stat.S_IWUSR == 0:
            return
    make_folders(os.path.dirname(path))
    with Scratch(f"{root}/tmp") as scratch:
        temp = scratch.name()
        fd = os.open(temp, CREATE, 0o600)
        try:
            write_all(fd, HEADER + b"\n" + os.fsencode(common_dir) + b"\n")
            os.fchmod(fd, 0o644)
            os.fsync(fd)
        finally:
            os.close(fd)
        link_new(temp, path)
    fsync_directory(os.path.dirname(path))
    fsync_directory(os.path.realpath(root))
    os.chmod(path, 0o444)  # marks it as durable


def registered(root: str) -> list[Registration]:
    """Return the repositories that use the cache `root`, sorted.

    The repository that contains the cache is one of them without an entry.

    Raises:
        MvcError: an entry cannot be read, so what that repository needs is unknown.
    """
    owner, name = os.path.split(root)
    own = [Registration(root, owner)] if name == "mvc" and exists(f"{owner}/HEAD") else []
    try:
        files = sorted(os.listdir(f"{root}/repos"))
    except FileNotFoundError:
        return own
    except OSError as error:
        raise as_error(error, f"{root}/repos") from None
    return own + [_read_registration(f"{root}/repos/{file}") for file in files if not file.startswith(".")]


def _read_registration(path: str) -> Registration:
    try:
        fd = os.open(path, READ)
        try:
            text = read_up_to(fd, _MAX_BYTES)
        finally:
            os.close(fd)
    except OSError as error:
        message = f"cannot read {path}, which names a repository that uses the cache: {error.strerror}"
        raise MvcError(message, f"chmod a+r {shlex.quote(path)}") from None
    header, _, common_dir = text.removesuffix(b"\n").partition(b"\n")
    if header != HEADER and header.startswith(b"mvc-repo "):
        raise MvcError(f"{path} needs a newer mvc", UPGRADE)
    if os.path.basename(path) != _name(common_dir):
        fix = f"rm {shlex.quote(path)}  # then mvc checkout in each repository that uses the cache, to record it again"
        raise MvcError(f"{path} is damaged: it does not tell which repository uses the cache", fix)
    return Registration(path, os.fsdecode(common_dir))


def _name(common_dir: bytes) -> str:
    return blake3(common_dir).hexdigest()
