"""`mvc package -o DIR`: writes a build context, which has no weights."""

from __future__ import annotations

import os
import shlex
from typing import NamedTuple

from mvc.errors import UsageError
from mvc.fs.files import as_error
from mvc.fs.new_names import rename_new
from mvc.fs.scratch import beside
from mvc.oci.reference import SCHEME
from mvc.ops.lifecycle.packaging.context import Source, build_context
from mvc.ops.lifecycle.packaging.noted import commit_of
from mvc.ops.lifecycle.packaging.place import new_place
from mvc.ops.lifecycle.packaging.subject import Subject
from mvc.ops.shared.versions.packages import artifacts_of
from mvc.project import Project
from mvc.quality.judge.fixes import word
from mvc.scm.plumbing import remote_settings
from mvc.scm.tags import push_target
from mvc.store.buckets.address import hidden


class Written(NamedTuple):
    """A build context."""

    folder: str
    source: str
    """What the image fetches."""
    files: tuple[str, ...]
    line: str
    """The command that builds it."""


def write(project: Project, subject: Subject, folder: str) -> Written:
    """Write the build context of a model to the new directory `folder`.

    Raises:
        UsageError: it exists, or nothing names the model outside of this repository.
    """
    again = "mvc package REF -o DIR  # with another DIR"
    target = new_place(os.path.abspath(os.path.join(project.around.cwd, folder)), folder, again)
    source = _source(project, subject)
    made = build_context(subject.path, subject.name, source, subject.documents, subject.report)
    for remark in made.remarks:
        project.around.remark(remark, "")
    try:
        with beside(os.path.dirname(target)) as scratch:
            os.mkdir(top := scratch.name())
            for name, content in made.files.items():
                with open(f"{top}/{name}", "xb") as file:
                    file.write(content)
            if not rename_new(top, target):
                raise UsageError(f"{folder} already exists", again)
    except OSError as error:
        raise as_error(error, target) from None
    named = word(f"./{folder}" if folder.startswith("-") else folder)
    line = f"docker build --build-arg MVC_URL=URL --build-arg MVC_COMMIT=COMMIT {named}"
    return Written(folder, " ".join(source).strip(), tuple(made.files), line)


def _source(project: Project, subject: Subject) -> Source:
    """Return where an image can fetch the model: the newest artifact that is noted, else the Git remote."""
    commit = commit_of(project, subject)
    if not commit:
        line = project.shell.line("mvc add", subject.path)
        raise UsageError(f"{subject.path} is not committed as it is", f'{line} && git commit -m "..."')
    if known := artifacts_of(project.git, commit, subject.path):
        return Source(f"{SCHEME}{known[-1]}")
    remote = push_target(project.git)
    url = remote_settings(project.git)[remote]["url"][-1] if remote else ""
    if not url:
        message = "no artifact of it is noted, and there is no Git remote: an image has nowhere to fetch it from"
        raise UsageError(message, "mvc package REF --oci HOST/REPO")
    if hidden(url) != url:
        line = f"git remote set-url {shlex.quote(remote)} URL  # without a login"
        raise UsageError(f"the URL of {remote} has a login in it, which would be in the image", line)
    address = os.path.normpath(os.path.join(project.root, url)) if _is_path(url) else url
    if _is_path(url) or url.startswith("file:"):
        told = f"{remote} is {address}, a path of this machine: a container fetches nothing from it"
        project.around.remark(told, "mvc package REF --oci HOST/REPO")
    return Source(address, f"{commit}:{subject.path}")


def _is_path(url: str) -> bool:
    """Whether Git takes a URL for a path: `HOST:PATH` is none."""
    return ":" not in url.partition("/")[0]
