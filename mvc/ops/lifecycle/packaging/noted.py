"""The artifacts of a commit's models: a Git note, since a commit and its tags never change."""

from __future__ import annotations

import shlex
from typing import NamedTuple

from mvc.errors import MvcError
from mvc.oci.reference import is_artifact
from mvc.ops.lifecycle.packaging.subject import Subject
from mvc.ops.shared.versions.read import files_at
from mvc.project import Project
from mvc.scm.commits import head
from mvc.scm.notes import add_note, read_note
from mvc.scm.tags import push_target

REF = "refs/notes/mvc-packages"


class Noted(NamedTuple):
    """The note about an artifact."""

    commit: str = ""
    """Empty if there is none."""
    push_line: str = ""
    """The command that pushes it; empty without a Git remote."""


def note(project: Project, subject: Subject, artifact: str) -> Noted:
    """Note at the commit of a model which artifact it is: `HOST/REPO@sha256:… PATH`.

    A model of the workspace is noted at HEAD, if that has the same.
    """
    commit = subject.commit or committed(project, subject)
    if not commit:
        project.around.remark(f"{subject.path} is not committed as it is: no note says which artifact it is", "")
        return Noted()
    try:
        add_note(project.git, REF, commit, f"{artifact} {subject.path}")
    except MvcError as error:
        project.around.remark(error.message, error.fix)
        return Noted()
    remote = push_target(project.git)
    return Noted(commit, f"git push {shlex.quote(remote)} {REF}" if remote else "")


def noted(project: Project, commit: str, path: str) -> list[str]:
    """Return the artifacts that are noted at a commit for a tracked path: `HOST/REPO@sha256:…`, the newest last."""
    rows = (line.partition(" ") for line in read_note(project.git, REF, commit))
    return [artifact for artifact, _, there in rows if there == path and is_artifact(artifact)]


def committed(project: Project, subject: Subject) -> str:
    """Return HEAD, if its pointer is of this content; else nothing."""
    commit = head(project.git) or ""
    there = files_at(project, commit, subject.path) if commit else None
    return commit if there and there.pointer.content == subject.pointer.content else ""
