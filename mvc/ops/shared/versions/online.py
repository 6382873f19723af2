"""Git that may use the network."""

from __future__ import annotations

from mvc.project import Project
from mvc.scm.plumbing import Git


def online(project: Project) -> Git:
    """Return Git that may use the network, by the protocols that the user allows."""
    environ = {name: text for name, text in project.git.environ.items() if name != "GIT_ALLOW_PROTOCOL"}
    allowed = project.around.environ.get("GIT_ALLOW_PROTOCOL")
    return Git(project.git.cwd, {**environ, **({"GIT_ALLOW_PROTOCOL": allowed} if allowed else {})})
