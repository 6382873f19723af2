"""What `mvc add` refuses to drop: an update of the pointer, and files that only an invalid pointer lists."""

from __future__ import annotations

from mvc.errors import MvcError
from mvc.objects.pointer import Pointer
from mvc.objects.pointer_lines import listed_files
from mvc.ops.shared.workspace_content import observed_id, pointer_id, same_content
from mvc.project import Project
from mvc.workspace.observe import Observed
from mvc.workspace.tracked import Tracked


def check_nothing_dropped(project: Project, before: Tracked | None, observed: Observed) -> None:
    """Check that writing the observed content into the pointer drops nothing that the user may not know.

    Raises:
        MvcError: it would revert an update, or narrow an invalid pointer to the files of the workspace.
    """
    if before is None:
        return
    if before.pointer is not None:
        _check_not_behind(project, before.path, before.pointer, observed)
    elif lost := listed_files(before.raw) - {entry.path for entry in observed.entries()}:
        message = f"{before.pointer_path} cannot be read, and lists {before.path}/{min(lost)}, which is not here"
        look = project.shell.line("git diff HEAD --", before.pointer_path)
        drop = project.shell.line("mvc add -f", before.path)
        raise MvcError(message, f"{look}  # shows the edit; {drop} takes only the files of the workspace")


def _check_not_behind(project: Project, path: str, pointer: Pointer, observed: Observed) -> None:
    """Refuse to revert an update that the pointer got since the workspace last matched it."""
    synced = project.catalog.synced(path)
    if not synced or synced == pointer_id(pointer) or same_content(pointer, observed):
        return
    if synced == observed_id(observed):
        message = f"{path} is behind its pointer: adding it would revert that update"
    else:
        message = f"{path} was changed here, and its pointer was updated meanwhile: adding it would revert that update"
    take, revert = project.shell.line("mvc checkout", path), project.shell.line("mvc add -f", path)
    raise MvcError(message, f"{take}  # takes the update; {revert} reverts it")
