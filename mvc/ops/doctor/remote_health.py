"""Checks of remotes: their settings, and whether they answer."""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Iterator
from contextlib import closing
from functools import partial

from mvc import config
from mvc.errors import MvcError, UsageError
from mvc.ops.doctor.problem import Check, Problem
from mvc.ops.shared.remotes import configured_remotes, find_remote
from mvc.project import Project
from mvc.store.buckets.open import MARKER, connect


def checks(project: Project) -> list[Check]:
    """Return the checks of the project's remotes."""
    names = configured_remotes(project.settings)
    return [partial(_secrets, project), *(partial(_answers, project, name) for name in names)]


def _secrets(project: Project) -> Iterator[Problem]:
    scopes: tuple[config.Scope, ...] = ("local", "user")
    for scope in scopes:
        path = project.config_path(scope)
        secret = any(map(config.is_secret, project.config_layer(scope).values))
        if secret and os.stat(path).st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            message = f"{path} contains a secret and is readable by other users"
            yield Problem("secret-readable", message, f"chmod 600 {shlex.quote(path)}")


def _answers(project: Project, name: str) -> Iterator[Problem]:
    try:
        with closing(connect(find_remote(project, name))) as bucket:
            bucket.head(MARKER)
    except UsageError as error:
        yield Problem.of("remote-settings", error)
    except MvcError as error:
        message = f"the remote {name} does not answer: {error.message}"
        yield Problem("remote-unreachable", message, error.fix or f"mvc remote test {name}")
