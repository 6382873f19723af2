"""`mvc init`: sets up a repository, or a clone of one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from mvc import config
from mvc.errors import MvcError, UsageError
from mvc.fs.shared_folders import is_shared
from mvc.fs.tree import Replacement, replace_files
from mvc.ops.setup.hooks import Installed, disable, install
from mvc.ops.shared.hook_scripts import ENABLED
from mvc.ops.shared.merge_driver import install_driver
from mvc.project import ATTRIBUTE_LINES, ATTRIBUTES, CONFIG, FOLDER, Project
from mvc.quality.files import POLICY
from mvc.quality.policy.policy import starter as starter_policy
from mvc.scm.index import index_paths, list_files
from mvc.scm.staging import stage
from mvc.store.cache.layout import prepare
from mvc.store.cache.sharing import group_of, make_cache_dir, share
from mvc.workspace.links import working_types

STARTER = f"""{config.HEADER}
# Settings of this repository, for everyone who clones it: mvc config list shows all of them.
#
# cache:
#   link: "hardlink"   # workspace files and the cache share content, and are read-only
"""


class InitResult(NamedTuple):
    """What `mvc init` did."""

    root: str
    cache: str
    written: tuple[str, ...]
    """Files that were created or changed, and staged; none in a clone."""
    shares_blocks: bool
    """Whether files in workspace and cache can share blocks of the file system."""
    group: str
    """The group of users that shares the cache, or empty."""
    pointers: tuple[str, ...]
    """The kinds of pointers that the new policy has judged: more than `mvc` beside DVC or git-lfs."""
    hooks: Installed | None
    """The installed Git hooks; None if they are disabled, or see `hooks_elsewhere`."""
    hooks_elsewhere: MvcError | None
    """Why no hooks were installed: Git looks for hooks in a folder that other repositories also use."""


class InitOptions(NamedTuple):
    """How to set up a repository."""

    cache_dir: str | None = None
    """Absolute path of this clone's cache; None for the default."""
    shared: bool = False
    """Share `cache_dir` with its group."""
    hooks: bool = True
    """Install Git hooks; else the clone's config disables them."""


def init(project: Project, options: InitOptions = InitOptions()) -> InitResult:
    """Set up the repository; doing so again is harmless.

    Raises:
        UsageError: `cache_dir` is inside the worktree, or missing although `shared` is set.
        MvcError: a file cannot be written.
    """
    if options.cache_dir is not None:
        _set_cache_dir(project, options.cache_dir, shared=options.shared)
    elif options.shared:
        raise UsageError("--shared needs a cache of its own", "mvc init --cache DIR --shared group")
    with project.with_settings(None) as fresh:
        return _init(fresh, hooks=options.hooks)


def _init(project: Project, *, hooks: bool) -> InitResult:
    written: tuple[str, ...] = ()
    pointers = ("mvc", *_other_tools(project))
    with project.locks.worktree():
        if not index_paths(project.git).at_or_below(FOLDER):
            written = _write_files(project, pointers)
        prepare(project.cache_root)
    cache = project.cache
    with project.locks.store(), cache.scratch() as scratch:
        group = group_of(cache.root) if is_shared(cache.root) else ""
        shares_blocks = "reflink" in working_types(scratch.path, scratch.path)
    install_driver(project)
    installed, elsewhere = _install_hooks(project, wanted=hooks)
    return InitResult(project.root, cache.root, written, shares_blocks, group, pointers, installed, elsewhere)


def _install_hooks(project: Project, *, wanted: bool) -> tuple[Installed | None, MvcError | None]:
    if not wanted:
        disable(project)
    elif project.settings.value(ENABLED) == "true":
        try:
            return install(project), None
        except UsageError as error:
            return None, error
    return None, None


def _set_cache_dir(project: Project, cache_dir: str, *, shared: bool) -> None:
    if cache_dir == project.root or cache_dir.startswith(project.root + "/"):
        raise UsageError(f"{cache_dir} is inside the worktree", "mvc init --cache DIR  # a directory outside")
    if shared:
        share(cache_dir)
    else:
        make_cache_dir(cache_dir)
    from mvc.ops.setup.configure import set_value  # noqa: PLC0415 - only --cache needs it

    set_value(project, "cache.dir", cache_dir, "local")


def _other_tools(project: Project) -> Iterator[str]:
    """Yield the other programs that keep models here: `dvc`, `lfs`."""
    if project.tree.read(".dvc/config", _ANY) is not None:
        yield "dvc"
    files = list_files(project.git, f":(glob)**/{ATTRIBUTES}")
    if any(_OF_LFS.search(project.tree.read(file.path, _ANY) or b"") for file in files if file.mode != "120000"):
        yield "lfs"


_ANY = 1 << 20
_OF_LFS = re.compile(rb"^[^#\n]*\sfilter=lfs\b", re.MULTILINE)


def _write_files(project: Project, pointers: Sequence[str]) -> tuple[str, ...]:
    """Write and stage the committed files. Existing files are kept: a killed `init` may have left them."""
    attributes = project.tree.read(ATTRIBUTES, 1 << 20)
    replacements = [
        _starter(project, CONFIG, STARTER),
        _starter(project, POLICY, starter_policy(pointers)),
        Replacement(ATTRIBUTES, attributes, _with_attribute_lines(attributes or b"")),
    ]
    with project.staging() as staging:
        replace_files(project.tree, staging, replacements)
    paths = [item.path for item in replacements]
    stage(project.git, paths)
    return tuple(paths)


def _starter(project: Project, path: str, text: str) -> Replacement:
    old = project.tree.read(path, 1 << 20)
    return Replacement(path, old, text.encode() if old is None else old)


def _with_attribute_lines(attributes: bytes) -> bytes:
    have = attributes.decode("utf-8", "surrogateescape").splitlines()
    lines = have + [line for line in ATTRIBUTE_LINES if line not in have]
    return ("\n".join(lines) + "\n").encode("utf-8", "surrogateescape")
