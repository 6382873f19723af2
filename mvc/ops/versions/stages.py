"""`mvc promote` and `mvc rollback`: which version a stage holds."""

from __future__ import annotations

import shlex
from typing import NamedTuple

from mvc.errors import Refused, UsageError
from mvc.objects.pointer import NAME
from mvc.ops.shared.remotes import default_remote
from mvc.ops.shared.versions.read import VersionFiles, read_model, read_version, version_files
from mvc.ops.shared.versions.references import model_version
from mvc.ops.versions.judging import judge_version
from mvc.ops.versions.writing import NewEvent, Written, write_event
from mvc.project import Project
from mvc.registry.grammar import TagName
from mvc.registry.state import Model, Version, before


class EventOptions(NamedTuple):
    """What all events have."""

    text: str = ""
    """A message."""
    push: bool = False


def promote(project: Project, reference: str, stage: str, options: EventOptions, now: float) -> Written:
    """Give a stage the version `NAME@VERSION`, if it passes the policy and what the stage demands.

    All its objects must be on the default remote, if there is one. A stage that holds it already stays as it is.
    `now` is in seconds since the epoch.

    Raises:
        UsageError: the stage has no valid name, or the version is not registered.
        Refused: the version is retired.
        CorruptObject: its tag is forged.
        MvcError: the version cannot be judged, or the tag not be made or pushed.
    """
    _check_stage(stage)
    with project.locks.tags():
        model, name = model_version(project, reference)
        version = model.versions[name]
        files = _usable(project, model, version)
        held = model.held(stage)
        unchanged = Written("", model.name, name, stage, version.event.commit, files.path, files.blake3)
        if held and held.commit == version.event.commit:
            return unchanged
        remote = files.pointer.notes.remote or default_remote(project.settings)
        if files.other:
            remote = ""
        elif not remote:
            project.around.remark("no remote is configured: nobody else has this version", "mvc remote add NAME URL")
        findings = judge_version(project, version.event.commit, files, now, stage, remote)
        if any(finding.severity == "error" for finding in findings):
            return unchanged._replace(findings=findings)
        event = _event(model, version, stage, files, f"Promote {model.name} {name} to {stage}", options)
        return write_event(project, event, model, now, push=options.push)._replace(findings=findings)


def rollback(project: Project, name: str, stage: str, to: str, options: EventOptions, now: float) -> Written:
    """Give a stage the version `to` that it held, or the one that it held before; `now` is in seconds since the epoch.

    The policy is not asked: the version passed when it was promoted, and its report may be old by now.

    Raises:
        UsageError: model, stage or version is unknown.
        Refused: the stage held nothing before, or the version is retired.
        CorruptObject: its tag is forged.
        MvcError: the tag cannot be made or pushed.
    """
    _check_stage(stage)
    with project.locks.tags():
        model = read_model(project, name)
        version = _earlier(project, model, stage, to)
        files = _usable(project, model, version)
        subject = f"Roll back {name} {stage} to {version.name}"
        event = _event(model, version, stage, files, subject, options)
        return write_event(project, event, model, now, push=options.push)


def _check_stage(stage: str) -> None:
    if NAME.fullmatch(stage) is None:
        raise UsageError(f"invalid stage {stage!r}: expected letters, digits, '-', '_' and '/'", "mvc models")


def _usable(project: Project, model: Model, version: Version) -> VersionFiles:
    if version.retired:
        line = f"mvc history {shlex.quote(model.name)}  # lists the others"
        raise Refused(f"{model.name}@{version.name} is retired", line)
    return version_files(project, version.event)


def _earlier(project: Project, model: Model, stage: str, to: str) -> Version:
    held = model.held(stage)
    line = f"mvc history {shlex.quote(model.name)}"
    if not to:
        found = before(model, stage)
        if found is None or not found.version:
            raise Refused(f"{model.name}#{stage} held no other version before", line)
        return model.versions[found.version]
    version = read_version(project, model, to)
    if held and held.commit == version.event.commit:
        raise Refused(f"{model.name}#{stage} holds {version.name} already", line)
    if version.event.commit not in {item.commit for item in model.stages.get(stage, ())}:
        line = f"mvc promote {shlex.quote(f'{model.name}@{version.name}')} {shlex.quote(stage)}"
        raise Refused(f"{model.name}#{stage} never held {version.name}", line)
    return version


def _event(
    model: Model, version: Version, stage: str, files: VersionFiles, subject: str, options: EventOptions,
) -> NewEvent:
    name = TagName(model.name, "promote", stage=stage, number=model.next_number)
    return NewEvent(name, subject, version.event.commit, files, version.name, options.text)
