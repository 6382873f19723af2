"""A repository as mvc sees it: where its parts lie, its settings, cache, catalog and locks."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from mvc import config
from mvc.errors import UsageError
from mvc.fs.files import is_shared
from mvc.fs.lock import Lock
from mvc.fs.scratch import Staging
from mvc.fs.tree import Tree
from mvc.scm.plumbing import Git, Layout, find_layout, scrubbed, staged_file
from mvc.store.buckets.address import (
    DIRECTORY,
    Location,
    RemoteSettings,
    check_options,
    default_name,
    instead,
    parse,
    unknown_remote,
)
from mvc.store.cache.cache import Cache
from mvc.store.cache.sharing import register
from mvc.store.cache.writer import LinkType
from mvc.workspace.links import Links
from mvc.workspace.progress import Progress, Silent
from mvc.workspace.tracked import Tracked, list_tracked

if TYPE_CHECKING:
    from mvc.workspace.catalog import Catalog

FOLDER = ".mvc"
CONFIG = f"{FOLDER}/config.yaml"


class Surroundings(NamedTuple):
    """What the outside gives: the edge (command line, Python API) reads it, the core never does."""

    cwd: str
    environ: Mapping[str, str]
    user_config: str
    """Path of the user's config file."""
    command: str = "mvc"
    """What others are told when they wait for a lock that this process holds."""
    waiting: Callable[[str], None] = lambda holder: None  # noqa: ARG005
    """Called once when a lock must be waited for, with who holds it."""
    progress: Progress = Silent()


class Project:
    """A worktree with mvc set up in it. Use it as a context manager, or `close` it."""

    def __init__(self, layout: Layout, around: Surroundings) -> None:
        """Take the repository at `layout`; nothing is read yet."""
        self.layout = layout
        self.around = around
        self.root = layout.root
        self.git = Git(layout.root, scrubbed(around.environ))
        self.home = f"{layout.common_dir}/mvc"
        """Where what is not committed lies."""
        self.worktree = os.path.relpath(layout.git_dir, layout.common_dir).removeprefix(".") or "main"
        """Tells the worktrees of a repository apart."""
        self._tree: Tree | None = None

    @classmethod
    def discover(cls, around: Surroundings) -> Project:
        """Return the project that `around.cwd` is in, set up or not.

        Raises:
            UsageError: it is in no Git worktree.

        """
        return cls(find_layout(Git(around.cwd, scrubbed(around.environ))), around)

    @classmethod
    def find(cls, around: Surroundings) -> Project:
        """Return the project that `around.cwd` is in.

        Raises:
            UsageError: it is in no Git worktree, or mvc is not set up there.

        """
        project = cls.discover(around)
        if not project.is_set_up():
            raise UsageError(f"mvc is not set up in {project.root}", "mvc init")
        return project

    def __enter__(self) -> Project:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Write what the catalog is to remember, and let go of files."""
        if "catalog" in self.__dict__:
            self.catalog.close()
        if "cache" in self.__dict__:
            self.cache.packs.close()
        if self._tree is not None:
            self._tree.__exit__()
            self._tree = None

    @property
    def tree(self) -> Tree:
        """The workspace, reached without following symlinks."""
        if self._tree is None:
            self._tree = Tree(self.root)
        return self._tree

    @cached_property
    def settings(self) -> config.Settings:
        """Every setting with its origin.

        Raises:
            UsageError: a config file or `MVC_*` variable is wrong.

        """
        return config.merge([
            self.config_layer("user"),
            self.config_layer("project"),
            self.config_layer("local"),
            config.environment_layer(self.around.environ),
        ])

    def is_set_up(self) -> bool:
        """Whether the worktree has `.mvc/`, or leaves it out as a sparse checkout does."""
        return os.path.isdir(f"{self.root}/{FOLDER}") or staged_file(self.git, CONFIG) is not None

    def project_config(self) -> bytes | None:
        """Return the committed config, from the index where a sparse checkout leaves it out."""
        raw = self.tree.read(CONFIG, config.MAX_BYTES + 1)
        if raw is None and not os.path.lexists(f"{self.root}/{FOLDER}"):
            return staged_file(self.git, CONFIG)
        return raw

    def config_path(self, scope: config.Scope) -> str:
        """Return where the config of `scope` lies."""
        paths: dict[config.Scope, str] = {
            "project": f"{self.root}/{CONFIG}",
            "local": f"{self.home}/config.yaml",
            "user": self.around.user_config,
        }
        return paths[scope]

    def config_layer(self, scope: config.Scope) -> config.Layer:
        """Return what the config file of `scope` sets."""
        path = self.config_path(scope)
        raw = self.project_config() if scope == "project" else _read_file(path)
        return config.file_layer(scope, raw, path)

    def remotes(self) -> dict[str, RemoteSettings]:
        """Return every remote that is set up, by name, as the settings have it: nothing is checked."""
        return {
            name: RemoteSettings(name, options["url"].value, {
                option: setting.value for option, setting in options.items() if option != "url"
            })
            for name, options in self.settings.remotes().items()
            if "url" in options
        }

    def remote(self, name: str | None = None) -> RemoteSettings:
        """Return a remote, checked, a directory as an absolute path; the default one when `name` is None.

        Raises:
            UsageError: there is none, or not that one; or its settings are wrong.

        """
        remotes = self.remotes()
        name = name or default_name(remotes, self.settings.value("remotes.default"))
        if (found := remotes.get(name)) is None:
            raise unknown_remote(name, remotes)
        location = self._parse(name, found.url)
        self._refuse_committed_secret(name)
        check_options(found, location)
        if location.protocol == DIRECTORY:
            return found._replace(url=self.outside(name, location.path))
        return found._replace(url=location.url)

    def _parse(self, name: str, url: str) -> Location:
        try:
            return parse(url)
        except UsageError as error:
            committed = self.settings.values[f"remotes.{name}.url"].origin == "project"
            flag = "" if committed else " --local"
            line = instead("set", name, url, flag)
            note = "  # and get a new secret: this one is in Git's history" if committed else ""
            fix = line + note if line else error.fix.replace("set NAME", f"set {name}{flag}")
            raise UsageError(error.message, fix) from None

    def _refuse_committed_secret(self, name: str) -> None:
        for key in self.settings.ignored:
            remote, _, option = key.rpartition(".")
            if remote == f"remotes.{name}" and config.OPTIONS[option].secret:
                raise UsageError(
                    f"{key} is a secret, and stands in {CONFIG} for all to read: take it out, and get a new one",
                    f"mvc config unset --project {key} && mvc remote set {name} --local -o {option}=VALUE",
                )

    def outside(self, name: str, path: str) -> str:
        """Return the directory of a remote, absolute.

        Raises:
            UsageError: it is in what is the repository's own.

        """
        full = os.path.normpath(os.path.join(self.base, path))
        real = os.path.realpath(full)
        for own in map(os.path.realpath, (self.root, self.base, self.layout.git_dir, self.layout.common_dir)):
            if real == own or real.startswith(f"{own}/"):
                raise UsageError(f"{full} is inside of the repository {self.root}", f"mvc remote set {name} DIR")
        return full

    @property
    def base(self) -> str:
        """Where relative directories of remotes begin: at the top of the main worktree, for all of them."""
        parent, name = os.path.split(self.layout.common_dir)
        return parent if name == ".git" else self.root

    @property
    def cache_root(self) -> str:
        """Where the cache lies, or will."""
        return self.settings.value("cache.dir") or self.home

    @cached_property
    def cache(self) -> Cache:
        """The cache of this repository.

        Raises:
            UsageError: it needs a newer mvc.

        """
        cache = Cache(self.cache_root)
        cache.check_format()
        return cache

    @property
    def catalog_path(self) -> str:
        """Where the catalog lies, or will."""
        from mvc.workspace.catalog import FILE as CATALOG_FILE  # noqa: PLC0415 - SQLite takes 4 ms; the hook does without

        return f"{self.home}/{CATALOG_FILE}"

    @cached_property
    def catalog(self) -> Catalog:
        """What is remembered of this worktree's files."""
        from mvc.workspace.catalog import Catalog  # noqa: PLC0415 - see `catalog_path`

        return Catalog(self.catalog_path, self.worktree)

    @cached_property
    def links(self) -> Links:
        """How content gets into the workspace."""
        kinds: tuple[LinkType, ...] = tuple(self.settings.value("cache.link").split(","))  # type: ignore[arg-type]  # checked by config
        trusted = self.cache.root == self.home and not is_shared(self.home)
        return Links(self.cache, kinds, trusted)

    def tracked(self) -> dict[str, Tracked]:
        """Return every tracked path of the workspace."""
        return list_tracked(self.git, self.tree)

    def staging(self) -> Staging:
        """Return where files take shape before they are renamed into the workspace."""
        return Staging(f"{self.home}/tmp")

    @contextmanager
    def store_lock(self, *, exclusive: bool = False) -> Iterator[None]:
        """Hold the cache: shared while it is used, alone while it is cleaned or repaired.

        A cache elsewhere is told that this repository uses it.
        """
        with self._lock(self.store_lock_path).hold(exclusive=exclusive):
            if self.cache.root != self.home:
                with suppress(OSError):  # who cannot write there stores nothing there, either
                    register(self.cache.root, self.layout.common_dir)
            yield

    def clone_lock(self, *, exclusive: bool = False) -> AbstractContextManager[None]:
        """Hold what remotes are told this clone needs: shared to push, alone to replace it."""
        return self._lock(f"{self.home}/locks/clone").hold(exclusive=exclusive)

    def roots_lock(self) -> AbstractContextManager[None]:
        """Hold the reading and writing of that, alone."""
        return self._lock(f"{self.home}/locks/roots").hold(exclusive=True)

    def worktree_lock(self) -> AbstractContextManager[None]:
        """Hold this worktree's pointers, alone."""
        return self._lock(self.worktree_lock_path).hold(exclusive=True)

    @property
    def store_lock_path(self) -> str:
        """Where the lock of the cache lies."""
        return f"{self.cache.root}/locks/store"

    @property
    def worktree_lock_path(self) -> str:
        """Where the lock of this worktree's pointers lies."""
        return f"{self.home}/locks/worktree-{self.worktree.replace('/', '-')}"

    def _lock(self, path: str) -> Lock:
        return Lock(path, f"{self.around.command} (process {os.getpid()})", self.around.waiting)

    def path(self, text: str) -> str:
        """Return what the user typed as a path from the top of the worktree; empty for the top itself.

        Raises:
            UsageError: it lies outside the worktree, or in Git's or mvc's own directory.

        """
        start = os.path.realpath(self.around.cwd)
        full = os.path.normpath(os.path.join(start, text))
        if full != self.root and not full.startswith(self.root + "/"):
            folder, name = os.path.split(full)
            full = os.path.join(os.path.realpath(folder), name)
        if full == self.root:
            return ""
        if not full.startswith(self.root + "/"):
            line = "mvc -C DIR COMMAND  # in the repository that has it; or copy it into this one"
            raise UsageError(f"{text} is outside of the repository {self.root}", line)
        path = full[len(self.root) + 1 :]
        if path.split("/")[0] in (".git", FOLDER):
            line = f"cp -r -- {shlex.quote(text)} DIR  # elsewhere it can be tracked"
            raise UsageError(f"{text} is in {path.split('/')[0]}, which is not for models", line)
        return path

    def paths(self, texts: Iterable[str]) -> list[str]:
        """Return what the user typed as paths from the top of the worktree."""
        return [self.path(text) for text in texts]

    def show(self, path: str) -> str:
        """Return `path` as the user would type it from where they are."""
        start = os.path.realpath(self.around.cwd)
        inside = start == self.root or start.startswith(self.root + "/")
        return os.path.relpath(f"{self.root}/{path}", start) if inside else f"{self.root}/{path}"

    def line(self, command: str, *paths: str) -> str:
        """Return a command line to type, its paths quoted for the shell and never taken for an option."""
        shown = (self.show(path) for path in paths)
        return " ".join([command, *(shlex.quote(f"./{path}" if path.startswith("-") else path) for path in shown)])


def _read_file(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            return file.read(config.MAX_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None


ATTRIBUTES = ".gitattributes"
ATTRIBUTE_LINES = ("*.mvc text eol=lf", "*.eval.yaml text eol=lf")

VIEWS = "views"
"""Where content of other revisions is laid out, below mvc's directory in `.git`."""
