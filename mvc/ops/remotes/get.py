"""`mvc get`: content from another repository, without a checkout of it."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from typing import NamedTuple

from mvc.errors import MissingObject, MvcError, UsageError
from mvc.fs.new_names import rename_new
from mvc.fs.scratch import beside
from mvc.ops.remotes.content import Source, write_content
from mvc.ops.shared.remotes import configured_remotes
from mvc.ops.shared.selection import split_reference
from mvc.project import Project, Surroundings
from mvc.scm.plumbing import Git, scrubbed
from mvc.store.buckets.address import hidden
from mvc.store.buckets.bucket import RemoteError
from mvc.store.cache.source_file import LinkType

PROTOCOLS = "file:git:http:https:ssh"
"""What `git clone` may use: never a helper that a URL names."""


class Got(NamedTuple):
    """What was written, and where; `size` in bytes."""

    path: str
    out: str
    size: int


def get(around: Surroundings, repository: str, reference: str, out: str = "", remote: str | None = None) -> Got:
    """Write what `reference` (`PATH` or `REV:PATH`) is in `repository`, a path or URL, to `out`.

    Raises:
        UsageError: `out` exists, or there is no such repository or path.
        MvcError: the content cannot be had.

    """
    revision, path = split_reference(reference)
    path = os.path.normpath(path)
    target = os.path.abspath(os.path.join(around.cwd, out or os.path.basename(path)))
    if os.path.lexists(target):
        raise UsageError(f"{target} exists already", "mvc get REPO REF -o OUT, with another OUT")
    parent = os.path.dirname(target)
    if not os.path.isdir(parent):
        raise UsageError(f"the directory {parent} does not exist", f"mkdir -p {shlex.quote(parent)}")
    source = Source(path, revision or "HEAD", remote)
    local = os.path.join(around.cwd, repository)
    with beside(parent) as scratch:
        folder = scratch.path
        if _is_worktree(around, local):
            size = _from(around._replace(cwd=local), source, f"{folder}/content", ("reflink", "copy"))
        else:
            size = _from_clone(_cloned(around, repository, folder), source, f"{folder}/content")
            shutil.rmtree(f"{folder}/clone")
            _own(f"{folder}/content")
        if not rename_new(f"{folder}/content", target):
            raise UsageError(f"{target} appeared meanwhile", "mvc get REPO REF -o OUT, with another OUT")
    return Got(path, target, size)


def _from(around: Surroundings, source: Source, target: str, types: tuple[LinkType, ...]) -> int:
    with Project.find(around) as project:
        return write_content(project, source, target, types)


def _is_worktree(around: Surroundings, local: str) -> bool:
    """Whether `local` is a directory that need not be cloned; Git says what is wrong with one that it refuses."""
    if not os.path.isdir(local) or os.path.basename(os.path.normpath(local)) == ".git":
        return False
    git = Git(local, scrubbed(around.environ))
    return git.attempt("rev-parse", "--is-inside-work-tree").stdout.strip() != b"false"


def _from_clone(around: Surroundings, source: Source, target: str) -> int:
    with Project.find(around) as project:
        try:
            return write_content(project, source, target, ("reflink", "hardlink"))
        except (MissingObject, RemoteError):
            _refuse_relative(project, source)
            raise


def _refuse_relative(project: Project, source: Source) -> None:
    """Say where the content may be, when a remote is named relative to a place that this clone is not.

    Raises:
        MvcError: one is.

    """
    remotes = configured_remotes(project.settings)
    urls = {name: remote.url for name, remote in remotes.items() if source.remote in (None, name)}
    for name, url in urls.items():
        if os.path.normpath(url).startswith("../"):
            told = f"the remote {name} of that repository is {url}, beside it: only a clone that lies there finds it"
            line = "mvc get CLONE REF  # or mvc get REPO REF -r NAME, with another remote of it"
            raise MvcError(told, line) from None


def _cloned(around: Surroundings, url: str, folder: str) -> Surroundings:
    """Clone the repository without its files; the surroundings in there."""
    git = Git(around.cwd, {**scrubbed(around.environ), "GIT_ALLOW_PROTOCOL": PROTOCOLS, "GIT_TERMINAL_PROMPT": "0"})
    done = git.attempt("clone", "--quiet", "--no-checkout", "--", url, f"{folder}/clone")
    if done.returncode:
        raise _not_cloned(url, done.stderr.decode(errors="replace").strip().rpartition("\n")[2])
    Git(f"{folder}/clone", scrubbed(around.environ)).run("reset", "--quiet")
    return around._replace(cwd=f"{folder}/clone")


def _not_cloned(url: str, reason: str) -> MvcError:
    """Return the error, with no password in it; Git repeats a part of the URL."""
    shown = hidden(url) if ":" in url.partition("@")[0] else url  # `git@host:path` has none
    reason = re.sub(r"'.*://.*'", lambda _: f"'{shown}'", reason.removeprefix("fatal: "))
    return MvcError(f"{shown} cannot be cloned: {reason}", "git ls-remote REPO  # says whether it can be reached")


def _own(path: str) -> None:
    """Make what was linked to a cache that is gone into plain files."""
    umask = os.umask(0)
    os.umask(umask)
    files = [path] if os.path.isfile(path) else [f"{top}/{name}" for top, _, names in os.walk(path) for name in names]
    for file in files:
        mode = 0o777 if os.stat(file).st_mode & 0o100 else 0o666
        os.chmod(file, mode & ~umask)
