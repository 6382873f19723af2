"""A repository with mvc: its paths, settings, cache, catalog and locks."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple

from mvc import config
from mvc.errors import UsageError
from mvc.fs.lock import Lock
from mvc.fs.progress import Progress, Silent
from mvc.fs.scratch import Staging
from mvc.fs.shared_folders import is_shared
from mvc.fs.tree import Tree
from mvc.quality.files import POLICY
from mvc.scm.index import is_staged, staged_file
from mvc.scm.plumbing import Git, Layout, MissingGitObject, find_layout, scrubbed
from mvc.store.cache.cache import Cache
from mvc.store.cache.layout import check_format
from mvc.store.cache.registrations import register
from mvc.store.cache.source_file import LinkType
from mvc.workspace.links import Links
from mvc.workspace.tracked import Tracked, list_tracked

if TYPE_CHECKING:
    from mvc.workspace.catalog import Catalog

FOLDER = ".mvc"
CONFIG = f"{FOLDER}/config.yaml"
ATTRIBUTES = ".gitattributes"
ATTRIBUTE_LINES = ("*.mvc text eol=lf merge=mvc", "*.eval.yaml text eol=lf merge=mvc", ".gitignore merge=mvc")
VIEWS = "views"
"""The directory for content of other revisions, in mvc's directory in `.git`."""


class Surroundings(NamedTuple):
    """The environment of the process, read by the command line or the Python API, never by the core."""

    cwd: str
    environ: Mapping[str, str]
    user_config: str
    """Path of the user's config file."""
    command: str = "mvc"
    """Shown to processes that wait for this process's locks."""
    waiting: Callable[[str], None] = lambda holder: None  # noqa: ARG005
    """Called with the holder of a lock before waiting for it."""
    progress: Progress = Silent()
    remark: Callable[[str, str], None] = lambda text, fix: None  # noqa: ARG005
    """Called with what an answer may lack, such as in a shallow clone, and the command to type, or nothing."""


class Shell(NamedTuple):
    """Paths and command lines as the user types and reads them."""

    start: str
    """The user's directory, without symlinks."""
    root: str
    """Top of the worktree."""

    @classmethod
    def at(cls, cwd: str, root: str) -> Shell:
        """Return the shell of a user in `cwd`, which may lead through symlinks."""
        return cls(os.path.realpath(cwd), root)

    def path(self, text: str) -> str:
        """Return a typed path as a path from the top of the worktree; empty for the top itself.

        Raises:
            UsageError: it is outside the worktree, or in Git's or mvc's own directory.
        """
        full = os.path.normpath(os.path.join(self.start, text))
        if full != self.root and not full.startswith(self.root + "/"):
            folder, name = os.path.split(full)
            full = os.path.join(os.path.realpath(folder), name)
        if full == self.root:
            return ""
        if not full.startswith(self.root + "/"):
            line = "mvc -C DIR COMMAND  # in the repository that has it; or copy it into this one"
            raise UsageError(f"{text} is outside the repository {self.root}", line)
        path = full[len(self.root) + 1 :]
        if path.split("/")[0] in (".git", FOLDER):
            line = f"cp -r -- {shlex.quote(text)} DIR  # elsewhere it can be tracked"
            raise UsageError(f"{text} is in {path.split('/')[0]}: nothing there can be tracked", line)
        return path

    def paths(self, texts: Iterable[str]) -> list[str]:
        """Return typed paths as paths from the top of the worktree."""
        return [self.path(text) for text in texts]

    def show(self, path: str) -> str:
        """Return `path` as the user would type it."""
        inside = self.start == self.root or self.start.startswith(self.root + "/")
        return os.path.relpath(f"{self.root}/{path}", self.start) if inside else f"{self.root}/{path}"

    def line(self, command: str, *paths: str) -> str:
        """Return a command line to type, with its paths quoted, and never read as options or Git's pathspec magic."""
        shown = (self.show(path) for path in paths)
        safe = (f"./{path}" if path.startswith(("-", ":")) else path for path in shown)
        return " ".join([command, *map(shlex.quote, safe)])


class Locks:
    """The locks of a repository."""

    def __init__(self, project: Project) -> None:
        self._project = project

    @contextmanager
    def store(self, *, exclusive: bool = False) -> Iterator[None]:
        """Lock the cache: shared to use it, exclusive to clean or repair it.

        Registers this repository as a user of a cache outside it.
        """
        project = self._project
        with self._lock(f"{project.cache.root}/locks/store").hold(exclusive=exclusive):
            if project.cache.root != project.home:
                with suppress(OSError):  # a user without write permission stores nothing there
                    register(project.cache.root, project.layout.common_dir)
            yield

    def clone(self, *, exclusive: bool = False) -> AbstractContextManager[None]:
        """Lock the announced needs of this clone: shared to push, exclusive to replace them."""
        return self._lock(f"{self._project.home}/locks/clone").hold(exclusive=exclusive)

    def tags(self) -> AbstractContextManager[None]:
        """Lock the tags of versions, exclusive: each names the one before."""
        return self._lock(f"{self._project.home}/locks/tags").hold(exclusive=True)

    def roots(self) -> AbstractContextManager[None]:
        """Lock the reading and writing of this clone's needs, exclusive."""
        return self._lock(f"{self._project.home}/locks/roots").hold(exclusive=True)

    def worktree(self) -> AbstractContextManager[None]:
        """Lock this worktree's pointers, exclusive."""
        return self._lock(self.worktree_path).hold(exclusive=True)

    @property
    def worktree_path(self) -> str:
        """The file that locks this worktree's pointers."""
        return f"{self._project.home}/locks/worktree-{self._project.worktree.replace('/', '-')}"

    def _lock(self, path: str) -> Lock:
        around = self._project.around
        return Lock(path, f"{around.command} (process {os.getpid()})", around.waiting)


class Project(AbstractContextManager["Project"]):
    """A worktree with mvc set up in it: an immutable value that opens cache, catalog and workspace on first use.

    Use it as a context manager, or `close` it. A variant (`with_git`, `with_settings`) opens its own.
    """

    def __init__(
        self, layout: Layout, around: Surroundings, git: Git | None = None, settings: config.Settings | None = None,
    ) -> None:
        """Use the repository at `layout`; nothing is read yet. `settings` replace those of the config files."""
        self.layout: Final = layout
        self.around: Final = around
        self.root: Final = layout.root
        self.git: Final = git or Git(layout.root, scrubbed(around.environ))
        self.home: Final = f"{layout.common_dir}/mvc"
        """The directory of mvc's uncommitted files."""
        self.worktree: Final = os.path.relpath(layout.git_dir, layout.common_dir).removeprefix(".") or "main"
        """The name of this worktree in the repository."""
        self.shell: Final = Shell.at(around.cwd, layout.root)
        self.locks: Final = Locks(self)
        self._settings: Final = settings
        self._opened: Final = ExitStack()

    @classmethod
    def discover(cls, around: Surroundings) -> Project:
        """Return the project that contains `around.cwd`, set up or not.

        Raises:
            UsageError: it is not in a Git worktree.
        """
        return cls(find_layout(Git(around.cwd, scrubbed(around.environ))), around)

    @classmethod
    def find(cls, around: Surroundings) -> Project:
        """Return the project that contains `around.cwd`.

        Raises:
            UsageError: it is not in a Git worktree, or mvc is not set up there.
        """
        project = cls.discover(around)
        if not project.is_set_up():
            raise UsageError(f"mvc is not set up in {project.root}", "mvc init")
        return project

    def with_git(self, git: Git, git_dir: str = "") -> Project:
        """Return a variant that uses `git`, with index and HEAD in `git_dir` if that is given."""
        layout = self.layout._replace(git_dir=git_dir) if git_dir else self.layout
        return Project(layout, self.around, git, self._settings)

    def with_settings(self, settings: config.Settings | None) -> Project:
        """Return a variant with `settings`; with None, it reads the config files again."""
        return Project(self.layout, self.around, self.git, settings)

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Write the catalog, and close all files."""
        self._opened.close()

    @cached_property
    def tree(self) -> Tree:
        """The workspace."""
        return self._opened.enter_context(Tree(self.root))

    @cached_property
    def settings(self) -> config.Settings:
        """Every setting with its origin.

        Raises:
            UsageError: a config file or `MVC_*` variable is invalid.
        """
        return self._settings or config.merge([
            self.config_layer("user"),
            self.config_layer("project"),
            self.config_layer("local"),
            config.environment_layer(self.around.environ),
        ])

    def is_set_up(self) -> bool:
        """Whether the worktree has `.mvc/`, or a sparse checkout leaves it out."""
        return os.path.isdir(f"{self.root}/{FOLDER}") or is_staged(self.git, CONFIG)

    def project_config(self) -> bytes | None:
        """Return the committed config, from the index if a sparse checkout leaves it out."""
        raw = self.tree.read(CONFIG, config.MAX_BYTES + 1)
        if raw is not None or os.path.lexists(f"{self.root}/{FOLDER}"):
            return raw
        try:
            return staged_file(self.git, CONFIG)
        except MissingGitObject as error:  # checking it out fetches it
            raise MissingGitObject(error.oid, f"git sparse-checkout add {FOLDER}", CONFIG) from None

    def config_path(self, scope: config.Scope) -> str:
        """Return the path of the config file of `scope`."""
        paths: dict[config.Scope, str] = {
            "project": f"{self.root}/{CONFIG}",
            "local": f"{self.home}/config.yaml",
            "user": self.around.user_config,
        }
        return paths[scope]

    def config_layer(self, scope: config.Scope) -> config.Layer:
        """Return the settings in the config file of `scope`."""
        path = self.config_path(scope)
        raw = self.project_config() if scope == "project" else _read_file(path)
        return config.file_layer(scope, raw, path)

    @property
    def cache_root(self) -> str:
        """The directory of the cache; it may not exist yet."""
        return self.settings.value("cache.dir") or self.home

    @cached_property
    def cache(self) -> Cache:
        """The cache of this repository.

        Raises:
            UsageError: it needs a newer mvc.
        """
        cache = Cache(self.cache_root)
        check_format(cache.root)
        self._opened.callback(cache.packs.close)
        return cache

    @property
    def catalog_path(self) -> str:
        """The file of the catalog; it may not exist yet."""
        from mvc.workspace.catalog import FILE as CATALOG_FILE  # noqa: PLC0415 - SQLite: 4 ms; not for the hook

        return f"{self.home}/{CATALOG_FILE}"

    @cached_property
    def catalog(self) -> Catalog:
        """The catalog of this worktree's files."""
        from mvc.workspace.catalog import Catalog  # noqa: PLC0415 - see `catalog_path`

        catalog = Catalog(self.catalog_path, self.worktree)
        self._opened.callback(catalog.close)
        return catalog

    @cached_property
    def links(self) -> Links:
        """How objects are written into the workspace."""
        kinds: tuple[LinkType, ...] = tuple(self.settings.value("cache.link").split(","))  # type: ignore[arg-type]  # checked by config
        trusted = self.cache.root == self.home and not is_shared(self.home)
        return Links(self.cache, kinds, trusted)

    def tracked(self) -> dict[str, Tracked]:
        """Return every tracked path of the workspace, without files of other programs that the policy allows."""
        found = list_tracked(self.git, self.tree)
        if not any(item.condition == "invalid" for item in found.values()):
            return found
        from mvc.quality.policy.foreign import without_foreign  # noqa: PLC0415 - import time

        return without_foreign(found, lambda: _read_file(f"{self.root}/{POLICY}"))

    def staging(self) -> Staging:
        """Return a place for files before they are renamed into the workspace."""
        return Staging(f"{self.home}/tmp")


def _read_file(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            return file.read(config.MAX_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
