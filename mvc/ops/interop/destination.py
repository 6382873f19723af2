"""The path that an import tracks: new, or tracked already and then replaced."""

from __future__ import annotations

from mvc.errors import UsageError
from mvc.fs.files import aside_line
from mvc.fs.tree import Replacement
from mvc.objects.pointer import Kind, Pointer, emit
from mvc.ops.shared.checkout import CheckoutResult, Guard, check_out_selected, plan_checkout
from mvc.ops.shared.pointers import publish_pointers
from mvc.ops.shared.selection import unusable
from mvc.ops.shared.workspace_content import named_objects, observe_path, same_content
from mvc.project import Project
from mvc.scm.index import index_paths
from mvc.workspace.scan import refusal
from mvc.workspace.tracked import Selection, Tracked, find_twins, folders_above, holder_of


def tracked_before(
    project: Project, path: str, kind: Kind, elsewhere: str, *, in_place: bool = False,
) -> Tracked | None:
    """Return what is tracked at the path already; with `in_place` the content is there, too.

    `elsewhere` is the line that imports to another path.

    Raises:
        UsageError: it is inside of something tracked, or around it, or Git's, or in the way.
    """
    tracked = project.tracked()
    if item := tracked.get(path):
        if item.pointer is None:
            raise unusable(project, item)
        if item.pointer.kind != kind:
            was = {"file": "a file", "dir": "a directory"}[item.pointer.kind]
            raise UsageError(f"{path} is tracked as {was}", elsewhere)
        return item
    if other := holder_of(tracked, path) or folders_above(tracked).get(path, ""):
        raise UsageError(f"{path} and {other}, which is tracked, are one inside the other", elsewhere)
    if index_paths(project.git).at_or_below(path):
        line = project.shell.line("git rm -r --cached --", path)
        raise UsageError(f"{path} is tracked by Git and can't be tracked by mvc as well", f"{line}  # the files stay")
    if twins := find_twins(tracked, [path]):
        raise UsageError(f"{twins[0]} and {twins[1]} are equal on a case-insensitive file system", elsewhere)
    if not in_place and project.tree.lstat(path) is not None:
        raise UsageError(f"{path} exists, and is not tracked", aside_line(project.shell.show(path)))
    return None


def track(project: Project, path: str, before: Tracked | None, pointer: Pointer) -> CheckoutResult:
    """Write and stage the pointer of content that the cache has, then the content; the caller holds the locks.

    Raises:
        MvcError: that would lose content of the workspace, or the pointer cannot be written.
    """
    new = Tracked(path, emit(pointer), pointer)
    guard = Guard(project, named_objects(project), force=False)
    observed = observe_path(project, path)
    if before and not same_content(pointer, observed):
        if error := refusal(path, observed.scan.bound(), project.shell.show):
            raise error
        guard.check(Selection(before), plan_checkout(project, pointer, observed, Selection(new)))
    publish_pointers(project, [Replacement(new.pointer_path, before.raw if before else None, new.raw)])
    return check_out_selected(guard, [Selection(new)], named_objects(project), observed={path: observed})
