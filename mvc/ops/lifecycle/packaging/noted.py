"""The artifacts of a commit's models: a Git note, since a commit and its tags never change."""

from __future__ import annotations

import shlex
from typing import NamedTuple

from mvc.oci.reference import is_artifact
from mvc.ops.lifecycle.packaging.subject import Subject
from mvc.ops.shared.versions.read import files_at
from mvc.project import Project
from mvc.scm.commits import head
from mvc.scm.plumbing import Git, why_failed
from mvc.scm.tags import push_target

REF = "refs/notes/mvc-packages"


class Noted(NamedTuple):
    """The note about an artifact."""

    commit: str = ""
    """Empty if there is none."""
    push_line: str = ""
    """The command that pushes it; empty without a Git remote."""


def note(project: Project, subject: Subject, artifact: str) -> Noted:
    """Note at the commit of a model which artifact it is: `HOST/REPO@sha256:… PATH`. The newest line is the last one.

    A model of the workspace is noted at HEAD, if that has the same. The artifact is stored by now: what fails here is a
    remark.
    """
    commit = commit_of(project, subject)
    if not commit:
        project.around.remark(f"{subject.path} is not committed as it is: no note says which artifact it is", "")
        return Noted()
    line = f"{artifact} {subject.path}"
    lines = [*(other for other in _lines(project.git, commit) if other != line), line]
    text = "".join(f"{each}\n" for each in lines).encode()
    done = project.git.attempt("notes", f"--ref={REF}", "add", "--force", "--file=-", commit, stdin=text)
    if done.returncode:
        project.around.remark(f"the note about {commit[:12]} was not written: {why_failed(done)}", "git config --list")
        return Noted()
    remote = push_target(project.git)
    return Noted(commit, f"git push {shlex.quote(remote)} {REF}" if remote else "")


def artifacts(project: Project, commit: str, path: str) -> list[str]:
    """Return the artifacts that are noted at a commit for a tracked path: `HOST/REPO@sha256:…`, the newest last."""
    rows = (line.partition(" ") for line in _lines(project.git, commit))
    return [artifact for artifact, _, there in rows if there == path and is_artifact(artifact)]


def commit_of(project: Project, subject: Subject) -> str:
    """Return the commit of a model: HEAD for one of the workspace, if it has the same; else nothing."""
    if subject.commit:
        return subject.commit
    commit = head(project.git) or ""
    there = files_at(project, commit, subject.path) if commit else None
    return commit if there and there.pointer.content == subject.pointer.content else ""


def _lines(git: Git, commit: str) -> list[str]:
    done = git.attempt("notes", f"--ref={REF}", "show", commit)
    return done.stdout.decode(errors="replace").splitlines() if done.returncode == 0 else []
