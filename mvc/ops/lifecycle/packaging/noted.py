"""Notes which artifact a model is, at its commit."""

from __future__ import annotations

import shlex
from typing import NamedTuple

from mvc.errors import UsageError
from mvc.ops.lifecycle.packaging.subject import Subject
from mvc.ops.shared.versions.packages import NOTES, Package, read_packages
from mvc.ops.shared.versions.read import files_at
from mvc.project import Project
from mvc.scm.commits import head
from mvc.scm.plumbing import why_failed
from mvc.scm.tags import push_target


class Noted(NamedTuple):
    """The note about an artifact."""

    commit: str = ""
    """Empty if there is none."""
    push_line: str = ""
    """The command that pushes it; empty without a Git remote."""


def note(project: Project, subject: Subject, artifact: str) -> Noted:
    """Note at the commit of a model which artifact it is: `HOST/REPO@sha256:… PATH`. The newest line is the last one.

    A model of the workspace is noted at HEAD, if that has the same. The artifact is stored by now: a note that Git does
    not take is a remark.

    Raises:
        MvcError: Git was killed, or the commit cannot be read.
    """
    commit = commit_of(project, subject)
    if not commit:
        project.around.remark(f"{subject.path} is not committed as it is: no note says which artifact it is", "")
        return Noted()
    new = Package(artifact, subject.path)
    packages = [*(other for other in read_packages(project.git, commit) if other != new), new]
    text = "".join(f"{artifact} {path}\n" for artifact, path in packages).encode()
    done = project.git.attempt("notes", f"--ref={NOTES}", "add", "--force", "--file=-", commit, stdin=text)
    if done.returncode:
        project.around.remark(f"the note about {commit[:12]} was not written: {why_failed(done)}", "git config --list")
        return Noted()
    try:
        remote = push_target(project.git)
    except UsageError:  # there are several, and the user knows to which
        remote = ""
    return Noted(commit, f"git push {shlex.quote(remote)} {NOTES}" if remote else "")


def commit_of(project: Project, subject: Subject) -> str:
    """Return the commit of a model: HEAD for one of the workspace, if it has the same; else nothing."""
    if subject.commit:
        return subject.commit
    commit = head(project.git) or ""
    there = files_at(project, commit, subject.path) if commit else None
    return commit if there and there.pointer.content == subject.pointer.content else ""
