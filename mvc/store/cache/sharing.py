"""A cache that several repositories use: who they are, and how a group of users shares it.

That a cache is shared is written nowhere: its directories are setgid and their group may write
to them, and so are those that mvc makes in them (`fsutil.make_folders`).
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

FOLDERS = ("objects", "packs", "tmp", "quarantine", "trash", "locks", "repos")
"""The directories of a cache."""
HEADER = b"mvc-repo 1"
_MAX_BYTES = 8192


class Registration(NamedTuple):
    """A repository whose cache this is."""

    path_of_file: str
    """What says so."""
    common_dir: str
    """The repository's Git common directory, absolute. It may be gone."""


# Repositories.


def register(root: str, common_dir: str) -> None:
    """Note in the cache `root` that the repository with this Git common directory uses it.

    Raises:
        OSError: the cache can't be written to.

    """
    path = f"{root}/repos/{_name(os.fsencode(common_dir))}"
    if _is_durable(path):
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
    os.chmod(path, 0o444)  # says that it is durable


def _is_durable(path: str) -> bool:
    """Whether a file is there whose name was made durable."""
    with suppress(FileNotFoundError):
        return os.lstat(path).st_mode & stat.S_IWUSR == 0
    return False


def registered(root: str) -> list[Registration]:
    """Return the repositories that use the cache `root`, sorted.

    The repository that the cache lies in, if it does, is one of them without having said so.

    Raises:
        MvcError: one cannot be read, so that nobody knows what it needs.

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
        message = f"{path}, which says what repository uses the cache, cannot be read: {error.strerror}"
        raise MvcError(message, f"chmod a+r {shlex.quote(path)}") from None
    header, _, common_dir = text.removesuffix(b"\n").partition(b"\n")
    if header != HEADER and header.startswith(b"mvc-repo "):
        raise MvcError(f"{path} needs a newer mvc", "pip install --upgrade modelvc")
    if os.path.basename(path) != _name(common_dir):
        fix = f"rm {shlex.quote(path)}  # then mvc checkout in each repository that uses the cache, to note it again"
        raise MvcError(f"{path} is damaged: no telling what repository uses the cache", fix)
    return Registration(path, os.fsdecode(common_dir))


def _name(common_dir: bytes) -> str:
    return blake3(common_dir).hexdigest()


# Users.


class Misfit(NamedTuple):
    """A directory of a shared cache that its group cannot use."""

    path: str
    owner: int


def share(root: str) -> None:
    """Make the cache `root`, with the directories that it has, writable for its group, for good.

    Raises:
        MvcError: somebody else owns one of them, or the group is none of the user's.

    """
    root = os.path.realpath(root)
    with _about(root):
        os.makedirs(root, exist_ok=True)
    if not is_shared(root):
        _check_owner(root, root)
    with _about(root):
        group = os.stat(root).st_gid
        closed = [*([] if is_shared(root) else [root]), *(misfit.path for misfit in misfits(root))]
    for folder in closed:
        _check_owner(root, folder)
    with _about(root):
        for folder in closed:
            os.chown(folder, -1, group, follow_symlinks=False)
            set_shared(folder)
        for path, mode in _files(root):
            with suppress(PermissionError):  # another user's, who has shared it
                os.chown(path, -1, group)
                os.chmod(path, mode)
    if not is_shared(root):  # the kernel drops the bit, and says nothing
        message = f"you are not in the group {group_of(root)} of {root}, so you cannot share it with that"
        raise MvcError(message, f"chgrp {_own_group()} {shlex.quote(root)}  # or another group of yours: id -Gn")


def misfits(root: str) -> list[Misfit]:
    """Return the directories in the shared cache `root` whose mode or group keeps its users out."""
    group = os.stat(root).st_gid
    found = []
    for path in folders(root):
        status = os.stat(path)
        if not is_shared(path) or status.st_mode & 0o070 != 0o070 or status.st_gid != group:  # noqa: PLR2004 - rwx
            found.append(Misfit(path, status.st_uid))
    return found


def folders(root: str) -> Iterator[str]:
    """Yield the directories of the cache `root` that objects are put into."""
    for name in FOLDERS:
        path = f"{root}/{name}"
        if os.path.isdir(path) and not os.path.islink(path):
            yield path
    with suppress(FileNotFoundError), os.scandir(f"{root}/objects") as entries:
        yield from sorted(entry.path for entry in entries if entry.is_dir(follow_symlinks=False))


def _files(root: str) -> Iterator[tuple[str, int]]:
    """Yield the files that all must reach, with their modes: what a private cache had may be hidden by a umask."""
    if os.path.exists(f"{root}/store.yaml"):
        yield f"{root}/store.yaml", 0o444
    with suppress(FileNotFoundError), os.scandir(f"{root}/locks") as entries:
        yield from ((entry.path, 0o664) for entry in entries if entry.is_file(follow_symlinks=False))


def make_cache_dir(root: str) -> None:
    """Make the directory of a cache; whether others share it is for the mode that it has to say.

    Raises:
        MvcError: the user cannot write to it.

    """
    with _about(root):
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
    """Return what to type to share the cache `root`, all of it, with a group of one's own."""
    number = os.stat(root).st_gid
    group = _group_name(number if number in (os.getegid(), *os.getgroups()) else os.getegid())
    change = f"-exec chgrp {group} {{}} + -exec chmod"
    return f"find {shlex.quote(root)} -type d {change} 2775 {{}} + -o -path '*/locks/*' {change} 664 {{}} +"


@contextmanager
def _about(root: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        told = as_error(error, f"the cache {root}")
        raise MvcError(told.message, told.fix or f"ls -ld {shlex.quote(root)}") from None


def user_name(number: int) -> str:
    """Return the name of a user; the number where it has none."""
    import pwd  # noqa: PLC0415 - only messages need it

    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def group_of(path: str) -> str:
    """Return the name of the group of what lies at `path`."""
    return _group_name(os.stat(path).st_gid)


def _own_group() -> str:
    return _group_name(os.getegid())


def _group_name(number: int) -> str:
    import grp  # noqa: PLC0415 - only messages need it

    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)
