"""What a REF names for a server: a model, its version, and whether the registry has retired it."""

from __future__ import annotations

import time
from typing import NamedTuple

from mvc.errors import UsageError
from mvc.objects.names import registered_name
from mvc.ops.shared.selection import is_path
from mvc.ops.shared.versions.read import read_model
from mvc.ops.shared.versions.references import Named, registered
from mvc.ops.shared.versions.tag_signatures import signed_version
from mvc.project import Project
from mvc.registry.grammar import LATEST, Reference, parse_reference
from mvc.registry.state import Model

_MARKS = str.maketrans("", "", "-_.+")


class Target(NamedTuple):
    """What is to be served."""

    ref: str
    """As typed."""
    text: str
    """What names the content, and nothing else later: a path, or `COMMIT:PATH`."""
    followed: Reference | None = None
    """The stage, or the version, that events of the registry may change; None for a path."""
    version: str = ""
    """Empty for content without a version."""
    model: str = ""
    """Its name in the registry; empty where that is not known."""

    @property
    def stage(self) -> str:
        """The stage that REF names; empty without one."""
        return self.followed.stage if self.followed else ""


def split_name(project: Project, text: str) -> tuple[str, str]:
    """Return REF and NAME of `REF[=NAME]`; a path with `=` in it is a path.

    Raises:
        UsageError: the name does not fit into an address.
    """
    ref, equals, name = text.rpartition("=")
    if not equals or is_path(project, text):
        return text, ""
    if not fits_address(name):
        raise UsageError(f"{text}: expected a NAME of letters, digits, '-', '_', '.' and '+'", "mvc serve --help")
    return ref, name


def fits_address(name: str) -> bool:
    """Whether a name can be a part of an address as it is."""
    return name.translate(_MARKS).isalnum() and name.isascii()


def find_target(project: Project, ref: str, *, signed: bool) -> Target:
    """Return what `ref` names at present; with `signed` only by tags with signatures that count.

    Raises:
        MvcError: it names nothing, or a signature does not count.
    """
    named = signed_version(project, ref, time.time()) if signed else registered(project, ref)
    reference = parse_reference(ref)
    if named is None or reference is None:
        return Target(ref, ref)
    model = named.events[0].model
    return _target(ref, reference._replace(base=model), named)


def _target(ref: str, followed: Reference, named: Named) -> Target:
    version = named.rev.rpartition("@")[2] if "@" in named.rev else ""
    return Target(ref, f"{named.commit}:{named.path}", followed, version, followed.base)


class Standing(NamedTuple):
    """What the registry says at present."""

    target: Target | None
    """What is to be served; None if the stage holds nothing."""
    retired: bool
    """Whether what is served is not to be used any more."""


def look_again(project: Project, target: Target, *, signed: bool) -> Standing:
    """Return what the registry says of a target that is served.

    Raises:
        MvcError: it cannot be read, or a tag does not count.
    """
    if target.followed is None:
        return Standing(target, retired=False)
    model = read_model(project, target.followed.base)
    if _is_empty(model, target.followed):
        return Standing(None, retired=True)
    now = find_target(project, str_of(target.followed), signed=signed)
    version = model.versions.get(now.version)
    return Standing(now._replace(ref=target.ref), retired=version is not None and version.retired is not None)


def _is_empty(model: Model, followed: Reference) -> bool:
    if followed.stage:
        return model.held(followed.stage) is None
    return followed.version == LATEST and model.latest is None


def str_of(reference: Reference) -> str:
    """Return a reference as it is typed."""
    return f"{reference.base}#{reference.stage}" if reference.stage else f"{reference.base}@{reference.version}"


def default_name(target: Target, path: str, name: str) -> str:
    """Return the name of a model: that of the registry, else in the pointer, else of the file."""
    return target.model or name or registered_name(path)
