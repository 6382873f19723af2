"""What `mvc add -u` and `mvc add DIR` update: the tracked paths that changed, by their stat data."""

from __future__ import annotations

from mvc.errors import MvcError
from mvc.objects.pointer import SUFFIX
from mvc.ops.shared.workspace_content import known_content, observed_id, same_content
from mvc.project import Project
from mvc.quality.files import SIGNATURES
from mvc.quality.files import SUFFIX as REPORT
from mvc.scm.index import untracked_files
from mvc.workspace.tracked import Tracked


def changed_below(project: Project, tracked: dict[str, Tracked], folder: str) -> list[str]:
    """Return the tracked paths below `folder` (empty: all) that changed here, or are in conflict.

    Some may turn out to be unchanged when they are read.
    """
    below = [item for path, item in tracked.items() if not folder or path.startswith(f"{folder}/")]
    return [item.path for item in below if item.condition == "conflict" or _may_have_changed(project, item)]


def _may_have_changed(project: Project, item: Tracked) -> bool:
    """Whether the content is not known to be the pointer's, the one before its update, or missing."""
    if item.pointer is None or item.condition:
        return False
    try:
        observed = known_content(project, item.path)
    except (MvcError, OSError):  # `add` says why
        return True
    if observed is None:
        return True
    is_missing = observed.scan.kind == "none" or observed.scan.is_bare
    is_behind = project.catalog.synced(item.path) == observed_id(observed)
    return not (is_missing or is_behind or same_content(item.pointer, observed))


def new_files(project: Project, folder: str) -> list[str]:
    """Return the files below `folder` that neither Git nor mvc tracks, nor Git ignores."""
    ours = (SUFFIX, REPORT, REPORT + SIGNATURES)
    return [path for path in untracked_files(project.git, *[folder] * bool(folder)) if not path.endswith(ours)]
