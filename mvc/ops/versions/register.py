"""`mvc register`: gives a committed model a version."""

from __future__ import annotations

import shlex
from contextlib import suppress
from typing import NamedTuple

from mvc.errors import InvalidFormat, Refused, UsageError
from mvc.objects.names import fold, registered_name
from mvc.objects.pointer import NAME
from mvc.objects.pointer import SUFFIX as POINTER
from mvc.ops.shared.other_pointers.workspace import other_digests, pointers_here
from mvc.ops.shared.reports import file_in
from mvc.ops.shared.versions.read import VersionFiles, files_of, model_path, read_registry
from mvc.ops.shared.versions.references import resolve
from mvc.ops.shared.workspace_content import observe_path, same_content
from mvc.ops.versions.judging import judge_version
from mvc.ops.versions.writing import NewEvent, Written, write_event
from mvc.project import Project
from mvc.quality.files import SUFFIX as REPORT
from mvc.quality.pointer_files import name_of, pointer_in_file
from mvc.quality.reports.binding import is_of
from mvc.quality.reports.report import Model as Content
from mvc.quality.reports.report_document import parse_report
from mvc.quality.reports.tags import Bump, Version, bumped, parse_version, spelling
from mvc.registry.grammar import TagName
from mvc.registry.state import Model, Registry
from mvc.scm.commits import CommitPath, contains, head
from mvc.scm.refs import local_base


class RegisterOptions(NamedTuple):
    """The arguments of `mvc register`."""

    version: str = ""
    """Empty: the tag of the report."""
    bump: Bump | None = None
    """Instead of a version: count from the highest one."""
    rev: str = ""
    """Empty: HEAD, and the workspace must not differ from it."""
    text: str = ""
    """A message."""
    push: bool = False


def register(project: Project, name: str, options: RegisterOptions, now: float) -> Written:
    """Register a version of the model `name`, if it passes the policy; `now` is in seconds since the epoch.

    Raises:
        UsageError: the name, the version or the revision is invalid.
        Refused: the model is dirty, not on the default branch, or registered.
        MvcError: the tag cannot be made or pushed.
    """
    if NAME.fullmatch(name) is None:
        raise _invalid(project, name)
    if not options.rev and head(project.git) is None:
        raise UsageError("there is no commit yet", 'git commit -m "..."')
    commit = resolve(project, options.rev or "HEAD")
    place = CommitPath(commit, model_path(project, commit, name))
    files = files_of(project, [place])[place]
    if not options.rev:
        _refuse_dirty(project, files)
    _refuse_elsewhere(project, commit)
    with project.locks.tags():
        registry = read_registry(project)
        model = registry.models.get(name)
        version = _version(project, name, files, model, options)
        _refuse_taken(registry, name, version, commit)
        findings = judge_version(project, commit, files, now)
        event = NewEvent(
            TagName(name, "register", version), f"Register {name} {version}", commit, files, version, options.text,
        )
        if any(finding.severity == "error" for finding in findings):
            return Written("", name, version, "", commit, files.path, files.blake3, findings=findings)
        return write_event(project, event, model, now, push=options.push)._replace(findings=findings)


def _invalid(project: Project, name: str) -> UsageError:
    with suppress(UsageError):  # outside of the worktree
        path = project.shell.path(name)
        item = project.tracked().get(path)
        pointer = item.pointer if item else pointer_in_file(pointers_here(project).get(path))
        if pointer and NAME.fullmatch(meant := pointer.notes.name or registered_name(path)):
            return UsageError(f"{name!r} is a path, expected the name of a model", f"mvc register {meant}")
    line = "mvc add PATH --name NAME  # and commit it"
    return UsageError(f"invalid name {name!r}: expected letters, digits, '-', '_' and '/'", line)


def _refuse_dirty(project: Project, files: VersionFiles) -> None:
    """Raise an error if workspace and HEAD differ: the user may mean what is not committed."""
    path = files.path
    if files.other:
        _refuse_other_dirty(project, files)
        return
    committed = {path + POINTER: files.raw, path + REPORT: files.report}
    there = {name: file_in(project.tree, name) for name in committed}
    if differing := [name for name, file in there.items() if (file.raw if file else None) != committed[name]]:
        line = f'{project.shell.line("git add --", *differing)} && git commit -m "..."'
        raise Refused(f"{differing[0]} differs from HEAD: only what is committed is registered", line)
    seen = observe_path(project, path)
    if seen.digest is not None and not same_content(files.pointer, seen):
        line = project.shell.line("mvc add", path)
        raise Refused(f"{path} was modified: only what is committed is registered", f"{line}  # then commit it")


def _refuse_other_dirty(project: Project, files: VersionFiles) -> None:
    """Raise the same for a model of DVC or git-lfs."""
    path, report = files.path, file_in(project.tree, files.path + REPORT)
    file = name_of(path, files.file)
    here = pointer_in_file(pointers_here(project).get(path))
    names = [file] if here is None or here.content != files.pointer.content else []
    names += [path + REPORT] if (report.raw if report else None) != files.report else []
    if names:
        line = f'{project.shell.line("git add --", *names)} && git commit -m "..."'
        raise Refused(f"{names[0]} differs from HEAD: only what is committed is registered", line)
    seen = observe_path(project, path)
    if seen.digest is not None and seen.digest.blake3 != files.blake3:
        found = other_digests(project, path, files.pointer)
        content = Content(found.content.blake3, md5=found.md5, sha256=found.sha256)
        if not is_of(content, files.pointer) or files.blake3 not in ("", content.blake3):
            line = project.shell.line("git status --", file)
            raise Refused(f"{path} was modified: only what is committed is registered", line)


def _refuse_elsewhere(project: Project, commit: str) -> None:
    base = local_base(project.git)
    if base and not contains(project.git, base, commit):
        message = f"commit {commit[:12]} is not on the default branch, whose tip is {base[:12]}"
        raise Refused(message, f"mvc gate --base {base[:12]} --head {commit[:12]}  # then merge and push it")


def _version(
    project: Project, name: str, files: VersionFiles, model: Model | None, options: RegisterOptions,
) -> str:
    """Return the version as in a tag: `v1.2.0`."""
    tag = _tag(files)
    if options.bump and options.version:
        raise UsageError("--bump and VERSION exclude each other", "mvc register --help")
    if options.bump:
        latest = model.latest if model else None
        version = bumped(parse_version(latest.name if latest else "0.0.0") or Version(0, 0, 0), options.bump)
    else:
        version = options.version or tag
    if not version:
        line = f"mvc register {shlex.quote(name)} v1.0.0"
        raise UsageError(f"{files.path} has no report with a tag: a version is needed", line)
    if parse_version(version) is None:
        raise UsageError(f"invalid version {version!r}: expected a version such as v1.2.0", "mvc register --help")
    if tag and spelling(tag) != spelling(version):
        project.around.remark(f"the report of {files.path} says {tag}, not {version}", "")
    return version if version.startswith("v") else f"v{version}"


def _tag(files: VersionFiles) -> str:
    try:
        return parse_report(files.report, files.path + REPORT).tag if files.report else ""
    except InvalidFormat:  # a finding of the judge
        return ""


def _refuse_taken(registry: Registry, name: str, version: str, commit: str) -> None:
    twins = [other for other in registry.models if fold(other) == fold(name) and other != name]
    if twins:
        raise Refused(f"{name} differs from the registered {twins[0]} only by case", f"mvc history {twins[0]}")
    model = registry.models.get(name)
    versions = model.versions.values() if model else ()
    for other in versions:
        if spelling(other.name) == spelling(version):
            raise Refused(f"{name}@{other.name} is registered already", f"mvc history {shlex.quote(name)}")
        if other.event.commit == commit and not other.retired:
            message = f"commit {commit[:12]} is registered as {name}@{other.name} already"
            raise Refused(message, f"mvc history {shlex.quote(name)}")
