"""A cache that a group of users shares.

No file marks a shared cache: its directories are setgid and group-writable, and so are those that mvc creates in them
(`mvc.fs.shared_folders.make_folders`).
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

from mvc.errors import MvcError
from mvc.fs.files import as_error
from mvc.fs.shared_folders import is_shared, set_shared

_FOLDERS = ("objects", "packs", "tmp", "quarantine", "trash", "locks", "repos")


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
