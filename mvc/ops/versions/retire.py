"""`mvc retire` and `mvc deprecate`: versions, and models, that nobody should use any more."""

from __future__ import annotations

import shlex

from mvc.errors import Refused, UsageError
from mvc.ops.shared.versions.read import read_model, version_files
from mvc.ops.shared.versions.references import model_version
from mvc.ops.versions.stages import EventOptions
from mvc.ops.versions.writing import NewEvent, Written, write_event
from mvc.project import Project
from mvc.registry.grammar import TagName, spell_tag
from mvc.registry.state import Model, before


def retire(project: Project, reference: str, options: EventOptions, now: float, *, force: bool = False) -> Written:
    """Retire the version `NAME@VERSION`; with `force` also one that a stage holds. `now` in seconds since the epoch.

    A stage that held it then holds what it got before, as `gto` reads it, or nothing.

    Raises:
        UsageError: it is not registered, or `force` has no message.
        Refused: it is retired, or a stage holds it.
        MvcError: the tag cannot be made or pushed.
    """
    if force and not options.text.strip():
        raise UsageError("--force needs a reason", f"mvc retire {shlex.quote(reference)} --force -m REASON")
    with project.locks.tags():
        model, name = model_version(project, reference)
        version = model.versions[name]
        if version.retired:
            raise Refused(f"{model.name}@{name} is retired already", f"mvc history {shlex.quote(model.name)}")
        stages = [held.stage for held in model.holding() if held.commit == version.event.commit]
        if stages and not force:
            raise Refused(f"{model.name}@{name} is in {', '.join(stages)}", _freeing_line(model, reference, stages[0]))
        files = version_files(project, version.event)
        tag = _numbered(model, TagName(model.name, "retire", name))
        event = NewEvent(tag, f"Retire {model.name} {name}", version.event.commit, files, name, options.text)
        done = write_event(project, event, model, now, push=options.push)
    after = read_model(project, model.name)
    for stage in stages:
        held = after.held(stage)
        now_held = (held.version or held.commit[:12]) if held else "nothing"
        project.around.remark(f"{model.name}#{stage} holds {now_held} now", "")
    return done


def _freeing_line(model: Model, reference: str, stage: str) -> str:
    earlier = before(model, stage)
    if earlier and earlier.version:
        return f"mvc rollback {shlex.quote(model.name)} {shlex.quote(stage)}  # or promote another version"
    return f"mvc retire {shlex.quote(reference)} --force -m REASON  # leaves {stage} empty; or promote another version"


def deprecate(project: Project, name: str, options: EventOptions, now: float) -> Written:
    """Deprecate a model; registering or promoting a version ends that. `now` is in seconds since the epoch.

    Raises:
        UsageError: the model is unknown.
        Refused: it is deprecated.
        MvcError: the tag cannot be made or pushed.
    """
    with project.locks.tags():
        model = read_model(project, name)
        if model.deprecated:
            raise Refused(f"{name} is deprecated already", f"mvc history {shlex.quote(name)}")
        last = model.latest.event if model.latest else model.last
        tag = _numbered(model, TagName(name, "deprecate"))
        event = NewEvent(tag, f"Deprecate {name}", last.commit, version_files(project, last), "", options.text)
        return write_event(project, event, model, now, push=options.push)


def _numbered(model: Model, name: TagName) -> TagName:
    """Return the name with a number if the model has had this event before: tags are never replaced."""
    taken = {moment.event.tag for moment in model.moments}
    return name._replace(number=model.next_number) if spell_tag(name) in taken else name
