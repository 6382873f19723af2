"""A cache that several repositories use: their list, and sharing with a group of users.

No file marks a shared cache: its directories are setgid and group-writable, and so are those that mvc creates in them
(`mvc.fs.shared_folders.make_folders`).
"""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

from blake3 import blake3

from mvc.errors import MvcError
from mvc.fs.durable_names import fsync_directory
from mvc.fs.files import CREATE, READ, as_error, exists, read_up_to, write_all
from mvc.fs.new_names import link_new
from mvc.fs.scratch import Scratch
from mvc.fs.shared_folders import is_shared, make_folders, set_shared

_FOLDERS = ("objects", "packs", "tmp", "quarantine", "trash", "locks", "repos")
HEADER = b"mvc-repo 1"
_MAX_BYTES = 8192


class Registration(NamedTuple):
    """A repository that uses the cache."""

    path_of_file: str
    """The file in the cache that names it."""
    common_dir: str
    """Its Git common directory, absolute; it may be deleted."""


# Repositories.


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
        raise MvcError(f"{path} needs a newer mvc", "pip install --upgrade modelvc")
    if os.path.basename(path) != _name(common_dir):
        fix = f"rm {shlex.quote(path)}  # then mvc checkout in each repository that uses the cache, to record it again"
        raise MvcError(f"{path} is damaged: it does not tell which repository uses the cache", fix)
    return Registration(path, os.fsdecode(common_dir))


def _name(common_dir: bytes) -> str:
    return blake3(common_dir).hexdigest()


# Users.


class Misfit(NamedTuple):
    """A directory of a shared cache that its group cannot use."""

    path: str
    owner: int


def share(root: str) -> None:
    """Make the cache `root` and its directories writable for its group, permanently.

    Raises:
        MvcError: another user owns one of them, or the user is not in the group.
    """
    root = os.path.realpath(root)
    with _naming(root):
        os.makedirs(root, exist_ok=True)
    if not is_shared(root):
        _check_owner(root, root)
    with _naming(root):
        group = os.stat(root).st_gid
        closed = [*([] if is_shared(root) else [root]), *(misfit.path for misfit in misfits(root))]
    for folder in closed:
        _check_owner(root, folder)
    with _naming(root):
        for folder in closed:
            os.chown(folder, -1, group, follow_symlinks=False)
            set_shared(folder)
        for path, mode in _files(root):
            with suppress(PermissionError):  # another user's file, already shared
                os.chown(path, -1, group)
                os.chmod(path, mode)
    if not is_shared(root):  # the kernel drops the bit silently
        message = f"you are not in the group {group_of(root)} of {root}, so you cannot share it with that group"
        own = _group_name(os.getegid())
        raise MvcError(message, f"chgrp {own} {shlex.quote(root)}  # or another of your groups: id -Gn")


def misfits(root: str) -> list[Misfit]:
    """Return the directories of the shared cache `root` that its group cannot use."""
    group = os.stat(root).st_gid
    found = []
    for path in folders(root):
        status = os.stat(path)
        if not is_shared(path) or status.st_mode & 0o070 != 0o070 or status.st_gid != group:  # noqa: PLR2004 - rwx
            found.append(Misfit(path, status.st_uid))
    return found


def folders(root: str) -> Iterator[str]:
    """Yield the directories of the cache `root`."""
    for name in _FOLDERS:
        path = f"{root}/{name}"
        if os.path.isdir(path) and not os.path.islink(path):
            yield path
    with suppress(FileNotFoundError), os.scandir(f"{root}/objects") as entries:
        yield from sorted(entry.path for entry in entries if entry.is_dir(follow_symlinks=False))


def _files(root: str) -> Iterator[tuple[str, int]]:
    """Yield the files that all users need, with their modes: in a private cache a umask may restrict them."""
    if os.path.exists(f"{root}/store.yaml"):
        yield f"{root}/store.yaml", 0o444
    with suppress(FileNotFoundError), os.scandir(f"{root}/locks") as entries:
        yield from ((entry.path, 0o664) for entry in entries if entry.is_file(follow_symlinks=False))


def make_cache_dir(root: str) -> None:
    """Make the directory of a cache; the mode of an existing one decides whether it is shared.

    Raises:
        MvcError: the user cannot write to it.
    """
    with _naming(root):
        os.makedirs(root, exist_ok=True)
    if not os.access(root, os.W_OK | os.X_OK):
        _check_owner(root, root)
        raise MvcError(f"you cannot write to the cache {root}", f"chmod u+rwx {shlex.quote(root)}")


def _check_owner(root: str, folder: str) -> None:
    owner = os.stat(folder).st_uid
    if os.geteuid() in (owner, 0):
        return
    raise MvcError(
        f"{folder} belongs to {user_name(owner)}, and its group cannot write to it",
        f"{sharing_line(root)}  # as {user_name(owner)}",
    )


def sharing_line(root: str) -> str:
    """Return the command that shares all of the cache `root` with a group of the user."""
    number = os.stat(root).st_gid
    group = _group_name(number if number in (os.getegid(), *os.getgroups()) else os.getegid())
    change = f"-exec chgrp {group} {{}} + -exec chmod"
    return f"find {shlex.quote(root)} -type d {change} 2775 {{}} + -o -path '*/locks/*' {change} 664 {{}} +"


@contextmanager
def _naming(root: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        named = as_error(error, f"the cache {root}")
        raise MvcError(named.message, named.fix or f"ls -ld {shlex.quote(root)}") from None


def user_name(number: int) -> str:
    """Return the name of a user, or the number if there is none."""
    import pwd  # noqa: PLC0415 - only messages need it

    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def group_of(path: str) -> str:
    """Return the name of the group that `path` belongs to."""
    return _group_name(os.stat(path).st_gid)


def _group_name(number: int) -> str:
    import grp  # noqa: PLC0415 - only messages need it

    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)
