"""The remotes in the settings."""

from __future__ import annotations

import os

from mvc import config
from mvc.errors import UsageError
from mvc.project import CONFIG, Project
from mvc.scm.reachable import is_bare, main_worktree
from mvc.store.buckets.address import (
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


def bringing(project: Project) -> str:
    """Return the command that writes content into the workspace, even where the cache may lack it."""
    return "mvc pull" if configured_remotes(project.settings) else "mvc checkout"


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
    _refuse_committed_secret(project.settings, name)
    check_options(found, location)
    url = directory_outside(project, name, location.path) if location.protocol == DIRECTORY else location.url
    return found._replace(url=url)


def _location(settings: config.Settings, name: str, url: str) -> Location:
    try:
        return parse(url)
    except UsageError as error:
        committed = settings.values[f"remotes.{name}.url"].origin == "project"
        flag = "" if committed else " --local"
        line = instead("set", name, url, flag)
        note = "  # and get a new secret: this one is in Git's history" if committed else ""
        fix = line + note if line else error.fix.replace("set NAME", f"set {name}{flag}")
        raise UsageError(error.message, fix) from None


def _refuse_committed_secret(settings: config.Settings, name: str) -> None:
    for key in settings.ignored:
        remote, _, option = key.rpartition(".")
        if remote == f"remotes.{name}" and config.OPTIONS[option].secret:
            raise UsageError(
                f"{key} is a secret, but {CONFIG} is committed: remove it there, and get a new secret",
                f"mvc config unset --project {key} && mvc remote set {name} --local -o {option}=VALUE",
            )


def directory_outside(project: Project, name: str, path: str, verb: str = "set") -> str:
    """Return the absolute path of the directory of a remote; `verb` is the subcommand to suggest.

    Raises:
        UsageError: it is inside the repository.
    """
    base = base_directory(project)
    if not base and not path.startswith("/"):
        message = f"{path} is relative to the main worktree, which Git does not know from here"
        raise UsageError(message, f"mvc remote set {name} DIR --local  # with its full path")
    full = os.path.normpath(os.path.join(base, path))
    real = os.path.realpath(full)
    owned = (project.root, base or project.root, project.layout.git_dir, project.layout.common_dir)
    for own in map(os.path.realpath, owned):
        if real == own or real.startswith(f"{own}/"):
            raise UsageError(f"{full} is inside the repository {project.root}", f"mvc remote {verb} {name} DIR")
    return full


def base_directory(project: Project) -> str:
    """Return the directory that remote directories are relative to, in every worktree; empty if it is unknown.

    It is the top of the main worktree, or the directory of a bare repository.
    """
    parent, name = os.path.split(project.layout.common_dir)
    if name == ".git":
        return parent
    if main := main_worktree(project.git, project.layout.common_dir):
        return main
    if is_bare(project.git, project.layout.common_dir):
        return project.layout.common_dir
    return project.root if project.worktree == "main" else ""
