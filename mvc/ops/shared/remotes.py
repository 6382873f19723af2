"""Which remote a command means."""

from __future__ import annotations

from mvc.project import Project

DEFAULT = "remotes.default"


def get_default(project: Project) -> str:
    """Return the name of the remote that is used when none is named; empty when there is none."""
    remotes = [*project.remotes()]
    return project.settings.value(DEFAULT) or (remotes[0] if len(remotes) == 1 else "")
