"""`mvc remote`: lists and changes remotes."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from typing import NamedTuple

from mvc import config
from mvc.errors import UsageError
from mvc.ops.shared.config_files import Changes, change
from mvc.ops.shared.remotes import (
    DEFAULT,
    base_directory,
    configured_remotes,
    default_remote,
    directory_outside,
    find_remote,
)
from mvc.project import CONFIG, Project
from mvc.scm.index import staged_file
from mvc.store.buckets.address import DIRECTORY, S3, Location, hidden, instead, parse, unknown_remote
from mvc.store.buckets.open import refuse_foreign


class Option(NamedTuple):
    """An option of a remote as `mvc remote list` shows it; a secret is `***`."""

    name: str
    value: str
    origin: config.Origin


class Remote(NamedTuple):
    """A remote as `mvc remote list` shows it."""

    name: str
    url: str
    origin: config.Origin
    """Where its URL is set."""
    default: bool
    options: tuple[Option, ...]
    problem: str
    """Why it cannot be used, or empty."""


class RemoteChange(NamedTuple):
    """What a command changed."""

    name: str
    url: str
    """The URL now; empty if the remote is removed."""
    paths: tuple[str, ...]
    """The changed files."""
    default: bool
    """Whether it is now the default."""
    staged: bool


def list_remotes(project: Project) -> list[Remote]:
    """Return all remotes, by name."""
    default = default_remote(project.settings)
    return [
        Remote(
            name,
            hidden(options["url"].value),
            options["url"].origin,
            name == default,
            tuple(
                Option(option, config.shown(f"remotes.{name}.{option}", setting.value), setting.origin)
                for option, setting in options.items()
                if option != "url"
            ),
            _problem(project, name),
        )
        for name, options in project.settings.remotes().items()
        if "url" in options
    ]


def _problem(project: Project, name: str) -> str:
    try:
        find_remote(project, name)
    except UsageError as error:
        return error.message
    return ""


def add(
    project: Project, name: str, url: str, options: Mapping[str, str], *, local: bool = False, default: bool = False,
) -> RemoteChange:
    """Add a remote, for everyone or, with `local`, for this clone. The first remote becomes the default.

    Adding the same remote again succeeds: the first command may have been killed before it staged the file. Options
    that are not given stay as they are.

    Raises:
        UsageError: the name is taken or invalid, or the URL or an option is invalid.
    """
    if reason := config.check_remote_name(name):
        raise UsageError(reason, f"mvc remote add NAME {shlex.quote(hidden(url))}")
    location = typed(project, name, url)
    if name in configured_remotes(project.settings) and not _is_same(project, name, location, options, local=local):
        flag = " --local" if local else ""
        raise UsageError(f"there is a remote {name}", f"mvc remote set {name} {shlex.quote(hidden(url))}{flag}")
    _check_options("add", name, location, options)
    if not local:
        _refuse_private("add", name, location.url, options, "--default" if default else "")
    first = not project.settings.value(DEFAULT) and not configured_remotes(project.settings)
    changes: Changes = [(DEFAULT, name)] if default or first else []
    changes += [(f"remotes.{name}.url", location.url), *_changes(name, options)]
    return _changed(project, name, changes, local=local)


def _is_same(project: Project, name: str, location: Location, options: Mapping[str, str], *, local: bool) -> bool:
    values = project.config_layer("local" if local else "project").values
    prefix = f"remotes.{name}."
    found = {key.removeprefix(prefix): value for key, value in values.items() if key.startswith(prefix)}
    wanted = {"url": location.url, **{option: value for option, value in options.items() if value}}
    return found.items() >= wanted.items()


def set_(
    project: Project, name: str, url: str | None, options: Mapping[str, str], *, local: bool = False,
) -> RemoteChange:
    """Change a remote's URL and options; an empty value removes the option.

    Raises:
        UsageError: there is no such remote, or the URL or an option is invalid.
    """
    found = _existing(project, name)
    if url is None and not options:
        raise UsageError("nothing to change: name a URL or an option", f"mvc remote set {name} URL")
    location = parse(found["url"].value) if url is None else typed(project, name, url)
    new_url = None if url is None else location.url
    _check_options("set", name, location, options)
    if not local:
        _refuse_private("set", name, new_url, options)
        _refuse_local_only(project, name, _line("set", name, new_url, options, "--local"))
    _refuse_absent(project, name, options, local=local)
    changes: Changes = [(f"remotes.{name}.url", new_url)] if new_url else []
    return _changed(project, name, changes + _changes(name, options), local=local)


def _refuse_absent(project: Project, name: str, options: Mapping[str, str], *, local: bool) -> None:
    """Refuse to remove an option from a file that does not set it: it would stay in effect."""
    scopes: tuple[config.Scope, config.Scope] = ("local", "project") if local else ("project", "local")
    here, there = (project.config_layer(scope).values for scope in scopes)
    for option, value in options.items():
        key = f"remotes.{name}.{option}"
        if not value and key not in here:
            line = _line("set", name, None, {option: ""}, "" if local else "--local")
            message = f"{key} is not set in {project.config_path(scopes[0])}"
            raise UsageError(message, line if key in there else "mvc config list --show-origin")


def remove(project: Project, name: str) -> RemoteChange:
    """Remove a remote from the project's config and this clone's. Its content stays.

    Raises:
        UsageError: there is no such remote, or the user's config sets it.
    """
    keys = _keys(project, name)
    if not keys["project"] and not keys["local"]:
        if _is_staged(project, name):  # a killed command removed it without staging that
            return RemoteChange(name, "", (change(project, [], "project"),), default=False, staged=True)
        _existing(project, name)
        key = f"remotes.{name}.url"
        raise UsageError(f"the remote {name} is set in {project.config_path('user')}", f"mvc config unset --user {key}")
    paths = [change(project, [(key, None) for key in found], scope) for scope, found in keys.items() if found]
    return RemoteChange(name, "", tuple(paths), default=False, staged=bool(keys["project"]))


def _is_staged(project: Project, name: str) -> bool:
    raw = staged_file(project.git, CONFIG)
    return raw is not None and f"remotes.{name}.url" in config.read(raw.decode(errors="replace"))


def _keys(project: Project, name: str) -> dict[config.Scope, list[str]]:
    """Return the keys of a remote in each file, including the default if that is this remote."""
    scopes: tuple[config.Scope, ...] = ("project", "local")
    return {
        scope: [
            key
            for key, value in project.config_layer(scope).values.items()
            if key.rpartition(".")[0] == f"remotes.{name}" or (key == DEFAULT and value == name)
        ]
        for scope in scopes
    }


def set_default(project: Project, name: str, *, local: bool = False) -> RemoteChange:
    """Make a remote the default, for everyone or, with `local`, for this clone.

    Raises:
        UsageError: there is no such remote.
    """
    _existing(project, name)
    if not local:
        _refuse_local_only(project, name, f"mvc remote default {name} --local")
    return _changed(project, name, [(DEFAULT, name)], local=local)


def _existing(project: Project, name: str) -> dict[str, config.Setting]:
    found = project.settings.remotes().get(name, {})
    if "url" not in found:
        raise unknown_remote(name, configured_remotes(project.settings))
    return found


def _changes(name: str, options: Mapping[str, str]) -> Changes:
    return [(f"remotes.{name}.{option}", value or None) for option, value in options.items()]


def _changed(project: Project, name: str, changes: Changes, *, local: bool) -> RemoteChange:
    path = change(project, changes, "local" if local else "project")
    with project.with_settings(None) as changed:
        settings = changed.settings
    url = hidden(configured_remotes(settings)[name].url)
    return RemoteChange(name, url, (path,), default_remote(settings) == name, not local)


# What the user typed.


def typed(project: Project, name: str, text: str) -> Location:
    """Return the location that was typed; a path relative to the user's directory becomes relative to the top.

    Raises:
        UsageError: it is not a valid location for a remote.
    """
    if text == "~" or text.startswith("~/"):
        text = project.around.environ.get("HOME", "~") + text[1:]
    if text and not text.startswith(("/", "~")) and ":" not in text.partition("/")[0]:
        text = os.path.join(os.path.realpath(project.around.cwd), text)
        if base := base_directory(project):
            text = os.path.relpath(text, os.path.realpath(base))
    verb = "set" if name in configured_remotes(project.settings) else "add"
    try:
        location = parse(text)
    except UsageError as error:
        fix = instead(verb, name, text) or error.fix.replace("set NAME", f"{verb} {name}")
        raise UsageError(error.message, fix) from None
    if location.protocol == DIRECTORY:
        refuse_foreign(directory_outside(project, name, location.path, verb), f"mvc remote {verb} {name}")
    return location


def _check_options(verb: str, name: str, location: Location, options: Mapping[str, str]) -> None:
    for option, value in options.items():
        if option == "url":
            raise UsageError("url is not an option: the URL follows the name", f"mvc remote {verb} {name} URL")
        if option not in config.OPTIONS:
            raise config.unknown_option(option)
        if value and location.protocol != S3:
            message = f"{option} is an option of s3:// remotes, not of {hidden(location.url)}"
            raise UsageError(message, f"mvc remote {verb} {name} s3://BUCKET/PREFIX")
        if value and (reason := config.OPTIONS[option].check(value)):
            raise UsageError(f"{option}: {reason}", "mvc help remotes")


def _refuse_private(verb: str, name: str, url: str | None, options: Mapping[str, str], flag: str = "") -> None:
    """Refuse to commit options that belong into this clone's config."""
    private = {option: value for option, value in options.items() if value and not config.OPTIONS[option].committed}
    if not private:
        return
    rest = {option: value for option, value in options.items() if option not in private}
    lines = [_line(verb, name, url, rest, flag)] if url or rest else []
    lines.append(_line("set", name, None, private, "--local"))
    message = f"{next(iter(private))} cannot be committed: everyone who clones would get it"
    raise UsageError(message, " && ".join(lines))


def _refuse_local_only(project: Project, name: str, line: str) -> None:
    """Refuse to commit settings of a remote whose URL is not committed."""
    origin = _existing(project, name)["url"].origin
    if origin != "project":
        raise UsageError(f"the remote {name} is only set for this {'user' if origin == 'user' else 'clone'}", line)


def _line(verb: str, name: str, url: str | None, options: Mapping[str, str], flag: str = "") -> str:
    """Return the command line that does it; for secrets, the user fills in VALUE."""
    words = ["mvc remote", verb, name, shlex.quote(url) if url else "", flag]
    for option, value in options.items():
        words.append(f"-o {option}={'VALUE' if config.OPTIONS[option].secret else value and shlex.quote(value)}")
    return " ".join(filter(None, words))
