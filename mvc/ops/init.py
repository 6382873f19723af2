"""`mvc init`: sets a repository up, or a clone of one that was."""

from __future__ import annotations

import os
from typing import NamedTuple

from mvc import config
from mvc.errors import UsageError
from mvc.project import CONFIG, FOLDER, Project
from mvc.scm.plumbing import stage
from mvc.store.cache import Cache
from mvc.tree import Replacement, replace_files
from mvc.workspace.links import can_reflink

ATTRIBUTES = ".gitattributes"
ATTRIBUTE_LINES = ("*.mvc text eol=lf", "*.eval.yaml text eol=lf")
STARTER = f"""{config.HEADER}
# Settings of this repository, for everyone who clones it: mvc config list shows all of them.
#
# cache:
#   link: "hardlink"   # workspace files and the cache share content, and are read-only
"""


class InitResult(NamedTuple):
    """What `init` did."""

    root: str
    cache: str
    written: tuple[str, ...]
    """Files that were made or changed, and staged; none in a clone."""
    shares_blocks: bool
    """Whether the file system lets workspace and cache share blocks."""


def init(project: Project, cache_dir: str | None = None) -> InitResult:
    """Set the repository up; again is harmless. `cache_dir`, absolute, becomes this clone's cache.

    Raises:
        UsageError: `cache_dir` is inside the worktree.
        MvcError: something can't be written.

    """
    written: tuple[str, ...] = ()
    if cache_dir is not None:
        _set_cache_dir(project, cache_dir)
    with project.worktree_lock():
        if not project.is_set_up():
            written = _write_files(project)
        cache = Cache(project.settings.value("cache.dir") or project.home)
        cache.prepare()
    with cache.scratch() as scratch:
        return InitResult(project.root, cache.root, written, can_reflink(scratch.path))


def _set_cache_dir(project: Project, cache_dir: str) -> None:
    if cache_dir == project.root or cache_dir.startswith(project.root + "/"):
        raise UsageError(f"{cache_dir} is inside of the worktree", "mvc init --cache DIR, with a directory outside")
    from mvc.ops.configure import set_value  # noqa: PLC0415 - only --cache needs it

    set_value(project, "cache.dir", cache_dir, "local")


def _write_files(project: Project) -> tuple[str, ...]:
    attributes = project.tree.read(ATTRIBUTES, 1 << 20)
    replacements = [
        Replacement(CONFIG, None, STARTER.encode()),
        Replacement(ATTRIBUTES, attributes, _with_lines(attributes or b"")),
    ]
    os.mkdir(f"{project.root}/{FOLDER}")
    changed = [item for item in replacements if item.old != item.new]
    with project.staging() as staging:
        replace_files(project.tree, staging, changed)
    paths = [item.path for item in changed]
    stage(project.git, paths)
    return tuple(paths)


def _with_lines(attributes: bytes) -> bytes:
    have = attributes.decode("utf-8", "surrogateescape").splitlines()
    lines = have + [line for line in ATTRIBUTE_LINES if line not in have]
    return ("\n".join(lines) + "\n").encode("utf-8", "surrogateescape")
