"""The remotes in the settings."""

from __future__ import annotations

import os
import shlex

from mvc import config
from mvc.errors import UsageError
from mvc.project import CONFIG, Project
from mvc.store.buckets.address import (
    COMMON,
    DIRECTORY,
    Location,
    RemoteSettings,
    check_options,
    default_name,
    instead,
    parse,
    unknown_remote,
)

DEFAULT = "remotes.default"


def default_remote(settings: config.Settings) -> str:
    """Return the name of the default remote; empty when there is none."""
    remotes = [*configured_remotes(settings)]
    return settings.value(DEFAULT) or (remotes[0] if len(remotes) == 1 else "")


def configured_remotes(settings: config.Settings) -> dict[str, RemoteSettings]:
    """Return every remote of `settings` by name, unchecked."""
    return {
        name: RemoteSettings(name, options["url"].value, {
            option: setting.value for option, setting in options.items() if option != "url"
        })
        for name, options in settings.remotes().items()
        if "url" in options
    }


def find_remote(project: Project, name: str | None = None) -> RemoteSettings:
    """Return a remote, checked; the default one if `name` is None. A directory becomes an absolute path.

    Raises:
        UsageError: no remote has that name, or its settings are invalid.

    """
    remotes = configured_remotes(project.settings)
    name = name or default_name(remotes, project.settings.value(DEFAULT))
    if (found := remotes.get(name)) is None:
        raise unknown_remote(name, remotes)
    location = _location(project.settings, name, found.url)
    _refuse_committed(project.settings, name, location)
    check_options(found, location)
    url = directory_outside(project, name, location.path) if location.protocol == DIRECTORY else location.url
    return found._replace(url=url)


def _location(settings: config.Settings, name: str, url: str) -> Location:
    try:
        return parse(url)
    except UsageError as error:
        committed = settings.values[f"remotes.{name}.url"].origin == "project"
        line = instead("set", name, url, "" if committed else " --local")
        note = "  # and get a new secret: this one is in Git's history" if committed else ""
        raise UsageError(error.message, line + note if line else error.fix) from None


def _refuse_committed(settings: config.Settings, name: str, location: Location) -> None:
    """Refuse committed settings that only the owner of a clone may make: a secret, an uncommon protocol."""
    for key in settings.ignored:
        remote, _, option = key.rpartition(".")
        if remote == f"remotes.{name}" and config.OPTIONS[option].secret:
            raise UsageError(
                f"{key} is a secret, but {CONFIG} is committed: remove it there, and get a new secret",
                f"mvc config unset --project {key} && mvc remote set {name} --local -o {option}=VALUE",
            )
    origin = settings.values[f"remotes.{name}.url"].origin
    if origin == "project" and location.protocol not in COMMON:
        message = f"the remote {name}: a committed config cannot name a {location.protocol}:// URL"
        raise UsageError(message, f"mvc remote set {name} {shlex.quote(location.url)} --local")


def directory_outside(project: Project, name: str, path: str) -> str:
    """Return the absolute path of the directory of a remote.

    Raises:
        UsageError: it is inside the repository.

    """
    base = base_directory(project)
    full = os.path.normpath(os.path.join(base, path))
    real = os.path.realpath(full)
    for own in map(os.path.realpath, (project.root, base, project.layout.git_dir, project.layout.common_dir)):
        if real == own or real.startswith(f"{own}/"):
            raise UsageError(f"{full} is inside the repository {project.root}", f"mvc remote set {name} DIR")
    return full


def base_directory(project: Project) -> str:
    """Return the directory that remote directories are relative to: the top of the main worktree."""
    parent, name = os.path.split(project.layout.common_dir)
    return parent if name == ".git" else project.root
