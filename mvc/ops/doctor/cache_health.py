"""Checks of the cache and the catalog."""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Iterator
from contextlib import suppress
from functools import partial

from mvc.errors import MvcError
from mvc.fs.shared_folders import is_shared
from mvc.ops.doctor.problem import Check, Problem, some
from mvc.project import Project
from mvc.store.cache.inventory import trashed_files
from mvc.store.cache.registrations import registered
from mvc.store.cache.sharing import folders, misfits, sharing_line, user_name
from mvc.store.cache.trash import GRACE
from mvc.workspace.catalog import trouble

_DAY = 86_400


def checks(project: Project, now: int) -> list[Check]:
    """Return the checks of the project's cache and catalog; `now` in ns since the epoch."""
    root = project.cache_root
    catalog = partial(_catalog, project)
    if not os.path.isdir(root):
        return [partial(_missing, project, root), catalog]
    return [
        partial(_writable, project, root),
        partial(_format, project),
        partial(_shared_folders, root),
        partial(_writable_objects, root),
        partial(_registrations, root),
        partial(_old_trash, project, now),
        catalog,
    ]


def _missing(project: Project, root: str) -> Iterator[Problem]:
    if root != project.home:
        yield Problem("cache-missing", f"the cache {root} does not exist", f"mvc init --cache {shlex.quote(root)}")


def _format(project: Project) -> Iterator[Problem]:
    try:
        _ = project.cache
    except MvcError as error:
        yield Problem.of("cache-format", error)


def _writable(project: Project, root: str) -> Iterator[Problem]:
    misfit = {item.path for item in misfits(root)} if is_shared(root) else set()
    wanted = {project.home, f"{project.home}/locks", f"{project.home}/tmp", root, *folders(root)}
    closed = sorted(
        path for path in wanted - misfit if os.path.isdir(path) and not os.access(path, os.W_OK | os.X_OK)
    )
    if closed:
        yield Problem("cache-not-writable", f"you cannot write to {some(closed)}", _make_writable(root, closed))


def _make_writable(root: str, closed: list[str]) -> str:
    """Return the command that makes the directories writable."""
    if os.statvfs(closed[0]).f_flag & os.ST_RDONLY:
        return f"mount -o remount,rw {shlex.quote(_mount_point(closed[0]))}"
    owner = os.stat(closed[0]).st_uid
    if owner == os.geteuid():
        return f"chmod u+rwx {shlex.join(closed)}"
    return f"{sharing_line(root)}  # as {user_name(owner)}"


def _mount_point(path: str) -> str:
    while not os.path.ismount(path):
        path = os.path.dirname(path)
    return path


def _shared_folders(root: str) -> Iterator[Problem]:
    found = misfits(root) if is_shared(root) else []
    if not found:
        return
    own = all(item.owner == os.geteuid() for item in found)
    mine = f"mvc init --cache {shlex.quote(root)} --shared group"
    fix = mine if own else f"{sharing_line(root)}  # as {user_name(found[0].owner)}"
    message = f"the group that shares the cache cannot use {some(item.path for item in found)}"
    yield Problem("shared-directory", message, fix)


def _writable_objects(root: str) -> Iterator[Problem]:
    if found := list(_files_with(root, 0o222)):
        places = f"{shlex.quote(f'{root}/objects')} {shlex.quote(f'{root}/packs')}"
        fix = f"find {places} -type f -perm /222 -exec chmod a-w {{}} +"
        yield Problem("writable-objects", f"objects are writable: {some(found)}", fix)


def _files_with(root: str, bits: int) -> Iterator[str]:
    for top in (f"{root}/objects", f"{root}/packs"):
        for folder, _, files in os.walk(top):
            for name in files:
                with suppress(FileNotFoundError):  # moved in the meantime
                    status = os.lstat(f"{folder}/{name}")
                    if stat.S_ISREG(status.st_mode) and status.st_mode & bits:
                        yield f"{folder}/{name}"


def _registrations(root: str) -> Iterator[Problem]:
    for item in registered(root):
        if not os.path.isdir(item.common_dir):
            yield Problem(
                "repository-gone",
                f"the repository {item.common_dir}, which uses this cache, does not exist",
                f"rm {shlex.quote(item.path_of_file)}  # if it was deleted; until then, gc keeps what it needs",
            )


def _old_trash(project: Project, now: int) -> Iterator[Problem]:
    old = sorted(item.name for item in trashed_files(project.cache) if now / 10**9 - item.since > GRACE)
    if old:
        message = f"the trash has files older than {GRACE // _DAY} days: {some(old)}"
        yield Problem("old-trash", message, "mvc gc --yes")


def _catalog(project: Project) -> Iterator[Problem]:
    path = project.catalog_path
    if os.access(project.home, os.W_OK) and (reason := trouble(path)):
        files = shlex.join([path, f"{path}-wal", f"{path}-shm"])
        yield Problem("catalog", f"the catalog {path} cannot be used: {reason}", f"rm -f {files}")
