"""`mvc doctor`: describes the installation and the repository, and finds problems. It changes nothing."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from mvc._version import __version__
from mvc.errors import MvcError
from mvc.fs.lock import holder
from mvc.fs.scratch import SIBLING, Scratch
from mvc.fs.shared_folders import is_shared
from mvc.ops.doctor import cache_health, remote_health, workspace_health
from mvc.ops.doctor.problem import Check, Problem, run_checks
from mvc.ops.shared.hook_scripts import Hooks, find_hooks
from mvc.project import Project, Surroundings
from mvc.scm import condition
from mvc.scm.plumbing import Git, scrubbed
from mvc.store.cache.sharing import group_of
from mvc.workspace.catalog import sqlite_version
from mvc.workspace.links import working_types
from mvc.workspace.stat_index import now as current_time


class Versions(NamedTuple):
    """The versions of mvc and of what it runs on."""

    mvc: str
    python: str
    git: str
    """Empty if Git is not installed."""
    sqlite: str
    platform: str


class RepositoryPaths(NamedTuple):
    """Where the parts of the repository are."""

    root: str
    set_up: bool
    cache: str
    """Empty if the settings cannot be read."""
    group: str
    """The group of users that shares the cache, or empty."""
    catalog: str


class LinkTypes(NamedTuple):
    """How content gets from this cache into this workspace."""

    working: tuple[str, ...]
    setting: str
    chosen: str
    """The first type in the setting that works."""


class HeldLock(NamedTuple):
    """A lock that a process holds."""

    path: str
    holder: str


class Disk(NamedTuple):
    """The space on a file system, in bytes."""

    path: str
    free: int
    total: int


class Examination(NamedTuple):
    """The result of `mvc doctor`; unknown parts are None or empty."""

    versions: Versions
    repository: RepositoryPaths | None = None
    links: LinkTypes | None = None
    hooks: Hooks | None = None
    locks: tuple[HeldLock, ...] = ()
    disks: tuple[Disk, ...] = ()
    problems: tuple[Problem, ...] = ()


def examine(around: Surroundings, now: int | None = None) -> Examination:
    """Examine everything from the user's directory; `now` in ns since the epoch."""
    git = Git(around.cwd, scrubbed(around.environ))
    versions = _versions(git)
    if problem := _git_problem(versions.git):
        return Examination(versions, problems=(problem,))
    if not condition.is_repository(git):
        return Examination(versions)
    try:
        with Project.discover(around) as project:
            return _report(project, versions, current_time() if now is None else now)
    except MvcError as error:
        return Examination(versions, problems=(Problem.of("repository-unusable", error),))


def _versions(git: Git) -> Versions:
    system = os.uname()
    try:
        git_version = condition.version(git)
    except MvcError:
        git_version = ""
    return Versions(
        __version__,
        ".".join(map(str, sys.version_info[:3])),
        git_version,
        sqlite_version(),
        f"{system.sysname} {system.release} {system.machine}",
    )


def _git_problem(version: str) -> Problem | None:
    oldest = ".".join(map(str, condition.OLDEST))
    if not version:
        return Problem("git-missing", "git is not installed, or not on PATH", "apt-get install git")
    if condition.is_too_old(version):
        return Problem("git-too-old", f"Git {version} is too old: mvc needs {oldest}", "apt-get install git")
    return None


def _report(project: Project, versions: Versions, now: int) -> Examination:
    paths = _paths(project)
    checks: list[Check] = [partial(_settings, project)]
    if paths.cache:
        checks.append(lambda: run_checks(cache_health.checks(project, now)))
    if paths.set_up:
        checks.append(lambda: run_checks(workspace_health.checks(project, now)))
    if paths.set_up and paths.cache:
        checks.append(lambda: run_checks(remote_health.checks(project)))
    problems: dict[str, Problem] = {}
    for problem in run_checks(checks):
        problems.setdefault(problem.message, problem)  # several checks may find the same one
    links, hooks, locks = _links(project, paths), _hooks(project, paths), _locks(project, paths)
    return Examination(versions, paths, links, hooks, locks, _disks(paths), tuple(problems.values()))


def _paths(project: Project) -> RepositoryPaths:
    try:
        cache = project.cache_root
    except MvcError:
        cache = ""
    group = group_of(cache) if cache and is_shared(cache) else ""
    return RepositoryPaths(project.root, project.is_set_up(), cache, group, project.catalog_path)


def _settings(project: Project) -> list[Problem]:
    try:
        settings = project.settings
    except MvcError as error:
        return [Problem.of("settings", error)]
    ignored = zip(settings.ignored, settings.warnings, strict=True)
    return [Problem("setting-ignored", text, f"mvc config unset --project {name}") for name, text in ignored]


def _links(project: Project, paths: RepositoryPaths) -> LinkTypes | None:
    """Try the link types; None if cache or workspace is not writable."""
    if not paths.cache or not os.path.isdir(paths.cache):
        return None
    near = os.stat(project.home).st_dev == os.stat(project.root).st_dev
    folder = f"{project.home}/tmp" if near else f"{project.root}/{SIBLING}"
    try:
        with Scratch(f"{paths.cache}/tmp") as source, Scratch(folder) as target:
            working = working_types(source.path, target.path)
    except OSError:
        return None
    finally:
        if not near:
            with suppress(OSError):
                os.rmdir(folder)
    setting = project.settings.value("cache.link")
    chosen = next((kind for kind in setting.split(",") if kind in working), "copy")
    return LinkTypes(working, setting, chosen)


def _hooks(project: Project, paths: RepositoryPaths) -> Hooks | None:
    with suppress(MvcError, OSError):
        return find_hooks(project) if paths.set_up else None
    return None


def _locks(project: Project, paths: RepositoryPaths) -> tuple[HeldLock, ...]:
    files = [*([f"{paths.cache}/locks/store"] if paths.cache else []), project.locks.worktree_path]
    held = [HeldLock(file, holder(file)) for file in files]
    return tuple(lock for lock in held if lock.holder)


def _disks(paths: RepositoryPaths) -> tuple[Disk, ...]:
    found: dict[int, Disk] = {}
    for path in filter(os.path.isdir, (paths.root, paths.cache)):
        room = os.statvfs(path)
        disk = Disk(path, room.f_bavail * room.f_frsize, room.f_blocks * room.f_frsize)
        found.setdefault(os.stat(path).st_dev, disk)
    return tuple(found.values())
