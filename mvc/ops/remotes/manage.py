"""`mvc remote`: which remotes there are, and changing that."""

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
    """An option of a remote as `remote list` shows it: a secret as `***`."""

    name: str
    value: str
    origin: config.Origin


class Remote(NamedTuple):
    """A remote as `remote list` shows it."""

    name: str
    url: str
    origin: config.Origin
    """Which config its URL comes from."""
    default: bool
    options: tuple[Option, ...]
    problem: str
    """Why it cannot be used; empty when nothing is known."""


class Changed(NamedTuple):
    """What a command wrote."""

    name: str
    url: str
    """Where the remote is now; empty when it is removed."""
    paths: tuple[str, ...]
    """The files that were changed."""
    default: bool
    """Whether it is the default now."""
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
) -> Changed:
    """Set a remote up, for all who clone or, with `local`, for this clone. The first one becomes the default.

    One that is set up just so stays: the command that did it may have been killed before it staged that.

    Raises:
        UsageError: the name is taken or refused, or the URL or an option is.
    """
    if reason := config.check_remote_name(name):
        raise UsageError(reason, f"mvc remote add NAME {shlex.quote(hidden(url))}")
    location = typed(project, name, url)
    if name in configured_remotes(project.settings) and not _is_same(project, name, location, options, local=local):
        flag = " --local" if local else ""
        raise UsageError(f"there is a remote {name}", f"mvc remote set {name} {shlex.quote(hidden(url))}{flag}")
    _check_options(name, location, options)
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
    return found == {"url": location.url, **{option: value for option, value in options.items() if value}}


def set_(project: Project, name: str, url: str | None, options: Mapping[str, str], *, local: bool = False) -> Changed:
    """Change a remote's URL and options; an empty value takes the option out.

    Raises:
        UsageError: there is no such remote, or the URL or an option is refused.
    """
    found = _existing(project, name)
    if url is None and not options:
        raise UsageError("nothing to change: name a URL or an option", f"mvc remote set {name} -o region=REGION")
    location = parse(found["url"].value) if url is None else typed(project, name, url)
    new_url = None if url is None else location.url
    _check_options(name, location, options)
    if not local:
        _refuse_private("set", name, new_url, options)
        _refuse_local_only(project, name, _line("set", name, new_url, options, "--local"))
    _refuse_absent(project, name, options, local=local)
    changes: Changes = [(f"remotes.{name}.url", new_url)] if new_url else []
    return _changed(project, name, changes + _changes(name, options), local=local)


def _refuse_absent(project: Project, name: str, options: Mapping[str, str], *, local: bool) -> None:
    """Refuse to take an option out of a file that does not set it: it would still count."""
    scopes: tuple[config.Scope, config.Scope] = ("local", "project") if local else ("project", "local")
    here, there = (project.config_layer(scope).values for scope in scopes)
    for option, value in options.items():
        key = f"remotes.{name}.{option}"
        if not value and key not in here:
            line = _line("set", name, None, {option: ""}, "" if local else "--local")
            message = f"{key} is not set in {project.config_path(scopes[0])}"
            raise UsageError(message, line if key in there else "mvc config list --show-origin")


def remove(project: Project, name: str) -> Changed:
    """Forget a remote, in the project's config and in this clone's. Nothing that it holds is touched.

    Raises:
        UsageError: there is no such remote, or it is the user's for all repositories.
    """
    keys = _keys(project, name)
    if not keys["project"] and not keys["local"]:
        if _is_staged(project, name):  # who took it out was killed before that was staged
            return Changed(name, "", (change(project, [], "project"),), default=False, staged=True)
        _existing(project, name)
        key = f"remotes.{name}.url"
        raise UsageError(f"the remote {name} is in {project.config_path('user')}", f"mvc config unset --user {key}")
    paths = [change(project, [(key, None) for key in found], scope) for scope, found in keys.items() if found]
    return Changed(name, "", tuple(paths), default=False, staged=bool(keys["project"]))


def _is_staged(project: Project, name: str) -> bool:
    raw = staged_file(project.git, CONFIG)
    return raw is not None and f"remotes.{name}.url" in config.read(raw.decode(errors="replace"))


def _keys(project: Project, name: str) -> dict[config.Scope, list[str]]:
    """Return what is set of a remote, by file; that it is the default, too."""
    scopes: tuple[config.Scope, ...] = ("project", "local")
    return {
        scope: [
            key
            for key, value in project.config_layer(scope).values.items()
            if key.rpartition(".")[0] == f"remotes.{name}" or (key == DEFAULT and value == name)
        ]
        for scope in scopes
    }


def set_default(project: Project, name: str, *, local: bool = False) -> Changed:
    """Make a remote the default, for all who clone or, with `local`, for this clone.

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


def _changed(project: Project, name: str, changes: Changes, *, local: bool) -> Changed:
    path = change(project, changes, "local" if local else "project")
    with project.with_settings(None) as changed:
        settings = changed.settings
    url = hidden(configured_remotes(settings)[name].url)
    return Changed(name, url, (path,), default_remote(settings) == name, not local)


# What is typed.


def typed(project: Project, name: str, text: str) -> Location:
    """Return where `text` leads, typed in the current directory; a relative directory counts from the top.

    Raises:
        UsageError: it is no place for a remote.
    """
    if text == "~" or text.startswith("~/"):
        text = project.around.environ.get("HOME", "~") + text[1:]
    if text and not text.startswith(("/", "~")) and ":" not in text.partition("/")[0]:
        here = os.path.realpath(project.around.cwd)
        text = os.path.relpath(os.path.join(here, text), os.path.realpath(base_directory(project)))
    verb = "set" if name in configured_remotes(project.settings) else "add"
    try:
        location = parse(text)
    except UsageError as error:
        fix = instead(verb, name, text) or error.fix.replace("set NAME", f"{verb} {name}")
        raise UsageError(error.message, fix) from None
    if location.protocol == DIRECTORY:
        refuse_foreign(directory_outside(project, name, location.path), f"mvc remote {verb} {name}")
    return location


def _check_options(name: str, location: Location, options: Mapping[str, str]) -> None:
    for option, value in options.items():
        if option == "url":
            raise UsageError("the URL has no option: it stands behind the name", f"mvc remote set {name} URL")
        if option not in config.OPTIONS:
            raise config.unknown_option(option)
        if value and location.protocol != S3:
            message = f"{option} is an option of s3:// remotes, and {hidden(location.url)} is none"
            raise UsageError(message, f"mvc remote set {name} s3://BUCKET/PREFIX")
        if value and (reason := config.OPTIONS[option].check(value)):
            raise UsageError(f"{option}: {reason}", "mvc help remotes")


def _refuse_private(verb: str, name: str, url: str | None, options: Mapping[str, str], flag: str = "") -> None:
    """Refuse to commit what is this clone's own."""
    private = {option: value for option, value in options.items() if value and not config.OPTIONS[option].committed}
    if not private:
        return
    rest = {option: value for option, value in options.items() if option not in private}
    lines = [_line(verb, name, url, rest, flag)] if url or rest else []
    lines.append(_line("set", name, None, private, "--local"))
    message = f"{next(iter(private))} cannot be committed: everyone who clones would get it"
    raise UsageError(message, " && ".join(lines))


def _refuse_local_only(project: Project, name: str, line: str) -> None:
    """Refuse to commit a part of a remote that a clone would not know."""
    origin = _existing(project, name)["url"].origin
    if origin != "project":
        raise UsageError(f"the remote {name} is known to this {'user' if origin == 'user' else 'clone'} only", line)


def _line(verb: str, name: str, url: str | None, options: Mapping[str, str], flag: str = "") -> str:
    """Return the command line that would do it; secrets are left for the user to fill in."""
    words = ["mvc remote", verb, name, shlex.quote(url) if url else "", flag]
    words += [f"-o {option}={_shown(option, value)}" for option, value in options.items()]
    return " ".join(filter(None, words))


def _shown(option: str, value: str) -> str:
    return "VALUE" if config.OPTIONS[option].secret else shlex.quote(value) if value else ""
