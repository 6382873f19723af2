"""`mvc get`: writes content of another repository, without checking that out."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from typing import NamedTuple

from mvc.errors import MissingObject, MvcError, UsageError
from mvc.fs.new_names import rename_new
from mvc.fs.scratch import beside
from mvc.ops.remotes.content import Content, ContentReference
from mvc.ops.shared.remotes import configured_remotes
from mvc.ops.shared.revisions import tracked_at
from mvc.ops.shared.selection import tracks
from mvc.ops.shared.versions.references import split_reference
from mvc.project import Project, Surroundings
from mvc.scm.commits import resolve
from mvc.scm.plumbing import Git, foreign, scrubbed, why_failed
from mvc.store.buckets.address import hidden
from mvc.store.buckets.bucket import RemoteError

PROTOCOLS = "file:git:http:https:ssh"
"""The protocols that `git clone` may use; remote helpers in URLs are refused."""


class Got(NamedTuple):
    """What was written, and where; `size` in bytes."""

    path: str
    out: str
    size: int


def get(around: Surroundings, repository: str, reference: str, out: str = "", remote: str | None = None) -> Got:
    """Write the content of `reference` (`PATH` or `REV:PATH`) in `repository` (a path or URL) to `out`.

    Raises:
        UsageError: `out` exists, or repository or path do not.
        MvcError: the content cannot be fetched.
    """
    parent = os.path.dirname(os.path.abspath(os.path.join(around.cwd, out or "x")))
    if not os.path.isdir(parent):
        raise UsageError(f"the directory {parent} does not exist", f"mkdir -p {shlex.quote(parent)}")
    if out or ":" not in reference:
        _target(around, reference, out)
    local = os.path.join(around.cwd, repository)
    with beside(parent) as scratch:
        folder = scratch.path
        is_local = _is_worktree(around, local)
        start = around._replace(cwd=local) if is_local else _clone(around, repository, folder)
        with Project.find(start) as project:
            content = _reference(project, reference)._replace(remote=remote)
            target = _target(around, content.path, out)
            if is_local:
                size = Content(project, content).write(f"{folder}/content", ("reflink", "copy"))
            else:
                size = _write_from_clone(project, content, f"{folder}/content")
        if not is_local:
            shutil.rmtree(f"{folder}/clone")
            _make_writable(f"{folder}/content")
        if not rename_new(f"{folder}/content", target):
            raise UsageError(f"{target} was created in the meantime", "mvc get REPO REF -o OUT  # with another OUT")
    return Got(content.path, target, size)


def _reference(project: Project, text: str) -> ContentReference:
    """Return the reference `PATH` or `REV:PATH`; a path that HEAD tracks takes precedence."""
    def is_path(path: str) -> bool:
        return tracks(tracked_at(project, resolve(project.git, "HEAD")), path)

    revision, path = split_reference(project, text, is_path)
    return ContentReference(os.path.normpath(path), revision or "HEAD")


def _target(around: Surroundings, path: str, out: str) -> str:
    """Return the path to write to.

    Raises:
        UsageError: it exists.
    """
    target = os.path.abspath(os.path.join(around.cwd, out or os.path.basename(os.path.normpath(path))))
    if os.path.lexists(target):
        raise UsageError(f"{target} already exists", "mvc get REPO REF -o OUT  # with another OUT")
    return target


def _is_worktree(around: Surroundings, local: str) -> bool:
    """Whether `local` is a worktree, which need not be cloned. If Git refuses it, opening it reports why."""
    if not os.path.isdir(local) or os.path.basename(os.path.normpath(local)) == ".git":
        return False
    git = Git(local, scrubbed(around.environ))
    return git.attempt("rev-parse", "--is-inside-work-tree").stdout.strip() != b"false"


def _write_from_clone(project: Project, content: ContentReference, target: str) -> int:
    try:
        return Content(project, content).write(target, ("reflink", "hardlink"))
    except (MissingObject, RemoteError):
        _refuse_relative_remote(project, content.remote)
        raise


def _refuse_relative_remote(project: Project, remote: str | None) -> None:
    """Raise an error if a remote has a relative URL, which does not work in this temporary clone."""
    for name, settings in configured_remotes(project.settings).items():
        if remote in (None, name) and os.path.normpath(settings.url).startswith("../"):
            message = f"the remote {name} of that repository is {settings.url}, relative to a clone of it"
            line = "mvc get CLONE REF  # or mvc get REPO REF -r NAME, with another remote"
            raise MvcError(message, line) from None


def _clone(around: Surroundings, url: str, folder: str) -> Surroundings:
    """Clone the repository without a checkout; return the surroundings in the clone."""
    git = Git(around.cwd, {**scrubbed(around.environ), "GIT_ALLOW_PROTOCOL": PROTOCOLS, "GIT_TERMINAL_PROMPT": "0"})
    done = git.attempt("clone", "--quiet", "--no-checkout", "--", url, f"{folder}/clone")
    if done.returncode:
        raise foreign(hidden(url), done.stderr) or _not_cloned(url, why_failed(done))
    Git(f"{folder}/clone", scrubbed(around.environ)).run("reset", "--quiet")
    return around._replace(cwd=f"{folder}/clone")


def _not_cloned(url: str, reason: str) -> MvcError:
    """Return the error without the password in the URL, which Git repeats."""
    shown = hidden(url)
    reason = re.sub(r"'.*://.*'", lambda _: f"'{shown}'", reason)
    return MvcError(f"{shown} cannot be cloned: {reason}", "git ls-remote REPO  # tests whether it is reachable")


def _make_writable(path: str) -> None:
    """Give hard links to the deleted cache of the clone the mode of plain files."""
    umask = os.umask(0)
    os.umask(umask)
    files = [path] if os.path.isfile(path) else [f"{top}/{name}" for top, _, names in os.walk(path) for name in names]
    for file in files:
        mode = 0o777 if os.stat(file).st_mode & 0o100 else 0o666
        os.chmod(file, mode & ~umask)
