"""Mending a pointer: merging the two sides of a directory's, for a conflict or lines out of order; correcting fields.

Git conflicts when both sides add files at the same place of the list. No file of either side is lost silently: what
both changed is refused, unless the command names it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mvc.errors import CorruptObject, InvalidFormat, InvalidName, MissingObject, MvcError
from mvc.objects.digest import Digest
from mvc.objects.manifest import Entry, Manifest, decode
from mvc.objects.merge import Merged, Side, Sides, add_workspace, merge, merged_files, take_workspace
from mvc.objects.pointer import Notes, Pointer
from mvc.objects.pointer_lines import is_directory, listed_files
from mvc.ops.shared.conflicts.lines import merging_line
from mvc.ops.shared.conflicts.sides import OURS, THEIRS, side_at, sides_of_directory
from mvc.ops.shared.selection import conflict_fix, unusable
from mvc.ops.shared.workspace_content import observe_path, observed_id, pointer_id, same_content
from mvc.project import Project
from mvc.quality.files import has_conflict_marks
from mvc.retention.available import availability
from mvc.scm.blobs import read_blobs
from mvc.scm.commits import blob_at, committed_file, head
from mvc.scm.index import conflict_blobs
from mvc.store.cache.cache import Cache
from mvc.workspace.observe import Observed
from mvc.workspace.tracked import Tracked, parsed


def sides_of(project: Project, item: Tracked) -> Sides | None:
    """Return the sides: as Git's index has them, else HEAD and the pointer in the workspace. None if there are no two.

    All are the same for a pointer that disagrees with its content: that content.

    Raises:
        MissingObject: the cache lacks the list of files of a side.
        MvcError: a side is unknown, or not of a directory.
    """
    if (files := corrected_files(project, item)) is not None:
        return Sides(*[Side.of(files, item.pointer.notes if item.pointer else Notes())] * 3)
    if not is_directory(item.raw) or not (item.can_be_merged or item.unordered or item.condition == "invalid"):
        return None
    blobs = conflict_blobs(project.git, item.pointer_path) or _resolved_blobs(project, item)
    if blobs.keys() >= {OURS, THEIRS}:
        if sides := sides_of_directory(project, item, blobs):
            return sides
        raise unusable(project, item._replace(raw=b"", condition="conflict"))
    if has_conflict_marks(item.raw):
        line = project.shell.line("git log -p --", item.pointer_path)
        message = f"{item.pointer_path} has conflict markers, and Git no longer knows both sides"
        raise MvcError(message, f"{line}  # shows them; remove the markers, keep all lines, then mvc add")
    if item.pointer is None:
        return None
    before = _committed(project, item)
    ours = side_at(project, item, before, OURS) if before and before.kind == "dir" else Side()
    return Sides(ours, ours, side_at(project, item, item.pointer, THEIRS))


def _resolved_blobs(project: Project, item: Tracked) -> dict[int, str]:
    """Return the blobs of a conflict that was staged as resolved, if HEAD is still its side."""
    blobs = conflict_blobs(project.git, item.pointer_path, resolved=True)
    if OURS in blobs and head(project.git) and blob_at(project.git, "HEAD", item.pointer_path) == blobs[OURS]:
        return blobs
    return {}


def _committed(project: Project, item: Tracked) -> Pointer | None:
    raw = committed_file(project.git, "HEAD", item.pointer_path) if head(project.git) else None
    return parsed(item.path, raw).pointer if raw else None


def replaced_in_conflict(project: Project, item: Tracked) -> Tracked:
    """Return a file in conflict as if it were not, if its content here is of neither side: it replaces both.

    Anything else is returned as it is.
    """
    blobs = conflict_blobs(project.git, item.pointer_path) if item.condition == "conflict" else {}
    raws = dict(zip(blobs, read_blobs(project.git, blobs.values()), strict=True))
    pointers = {stage: pointer for stage, raw in raws.items() if (pointer := parsed(item.path, raw).pointer)}
    if not pointers or {pointer.kind for pointer in pointers.values()} != {"file"}:
        return item
    observed = observe_path(project, item.path)
    if observed.digest is None or any(same_content(pointer, observed) for pointer in pointers.values()):
        return item
    return item._replace(condition="", pointer=pointers.get(OURS) or pointers.get(THEIRS))


def check_lists_nothing_else(project: Project, before: Tracked, observed: Observed) -> None:
    """Check that an invalid pointer, which is replaced, lists no file that the workspace lacks.

    Raises:
        MvcError: it lists one.
    """
    if lost := listed_files(before.raw) - {entry.path for entry in observed.entries()}:
        message = f"{before.pointer_path} cannot be read, and lists {before.path}/{min(lost)}, which is not here"
        look = project.shell.line("git diff HEAD --", before.pointer_path)
        drop = project.shell.line("mvc add -f", before.path)
        raise MvcError(message, f"{look}  # shows the edit; {drop} takes only the files of the workspace")


# The result.


def merged_with(
    project: Project, item: Tracked, sides: Sides, observed: Observed, covers: Callable[[str], bool] | None,
) -> tuple[Merged, Manifest]:
    """Return the merge of `sides` and the workspace's files, and all files.

    What `covers` selects, if given, is as in the workspace, and the rest of the workspace does not count.

    Raises:
        MvcError: both sides, or the workspace and the other side, changed a file or a note.
    """
    ours, here = sides.ours.manifest, Manifest.holding([*observed.entries()])
    merged = merge(sides)
    if covers is not None:
        merged = take_workspace(merged, ours, here, covers)
    elif observed_id(observed) != project.catalog.synced(item.path):
        merged = add_workspace(merged, ours, here)
    if merged.undecided:
        raise _undecided(project, item, merged, {entry.path: entry for entry in here.entries})
    try:
        return merged, merged_files(sides, merged)
    except InvalidName as error:
        message = f"{item.path}: the sides cannot be merged: {error.message}"
        raise MvcError(message, _choose(project, item)) from None


def merged_notes(project: Project, item: Tracked, sides: Sides, merged: Merged, given: Notes) -> Notes:
    """Return the merged notes; the name and description in `given` take precedence.

    Raises:
        MvcError: both sides changed another note.
    """
    if left := [name for name in merged.undecided_notes if not getattr(given, name)]:
        both = (sides.ours.notes, sides.theirs.notes)
        ours, theirs = (getattr(notes, left[0]) for notes in both)
        message = f"{item.path} got another {left[0]} on both sides: {ours!r} and {theirs!r}"
        raise MvcError(message, merging_line(project.shell, item.path, left, *both) or _choose(project, item))
    return merged.notes


def _choose(project: Project, item: Tracked) -> str:
    """Return the line that takes one side, or that restores a conflict which is staged as resolved."""
    if item.stages:
        return conflict_fix(project, item._replace(raw=b""))
    return f"{project.shell.line('git checkout --merge --', item.pointer_path)}  # restores the conflict"


def _undecided(project: Project, item: Tracked, merged: Merged, here: Mapping[str, Entry]) -> MvcError:
    path, found = next(iter(merged.undecided.items()))
    versions = dict.fromkeys(_version(entry and entry.digest) for entry in (found.ours, found.theirs, here.get(path)))
    more = f", and {len(merged.undecided) - 1:,} more" if len(merged.undecided) > 1 else ""
    message = f"{item.path}/{path} was changed on both sides: {', '.join(versions)}{more}"
    full = [f"{item.path}/{name}" for name in merged.undecided]
    if all(name in here for name in merged.undecided):
        return MvcError(message, f"{project.shell.line('mvc add', *full)}  # takes the version in the workspace")
    return MvcError(message, _choose(project, item))


def _version(digest: Digest | None) -> str:
    return f"{digest.blake3[:12]} ({digest.size:,} bytes)" if digest else "deleted"


# A pointer that disagrees with the objects that it names is corrected from the cache.


def corrected_file(project: Project, item: Tracked) -> Digest | None:
    """Return the digest that a file's pointer should have, if the workspace cannot tell it; None if it is right.

    The workspace cannot tell if the file is missing, or the pointer was updated since they last agreed.
    """
    pointer = item.pointer
    if pointer is None or item.condition or pointer.kind != "file":
        return None
    there = project.tree.lstat(item.path) is not None
    if there and (project.catalog.synced(item.path) in ("", pointer_id(pointer)) or not _mismatch(project, pointer)):
        return None
    digest = _digest_of(project.cache, pointer.digest, read=not there)
    return digest if digest != pointer.digest else None


def corrected_files(project: Project, item: Tracked) -> list[Entry] | None:
    """Return the files that a directory's pointer should list; None if it is right."""
    pointer = item.pointer
    if pointer is None or item.condition or pointer.kind != "dir":
        return None
    there = project.tree.lstat(item.path) is not None
    if there and not _mismatch(project, pointer):
        return None
    try:
        before = _files(project.cache, pointer)
    except (MissingObject, CorruptObject, InvalidFormat):
        return None
    files = [entry._replace(**_digest_of(project.cache, entry.digest, read=not there)._asdict()) for entry in before]
    return files if files != before or _mismatch(project, pointer) else None


def _mismatch(project: Project, pointer: Pointer) -> str:
    try:
        return availability(project.cache, project.catalog, pointer).mismatch
    except InvalidFormat:
        return ""


def _files(cache: Cache, pointer: Pointer) -> list[Entry]:
    if pointer.manifest is not None:
        return list(pointer.manifest.entries)
    return list(decode(cache.read_by_name(pointer.digest.blake3), cache.read).entries)


def _digest_of(cache: Cache, digest: Digest, *, read: bool) -> Digest:
    """Return the digest of an object in the cache; `digest` if it is not there, or damaged.

    A large object is read if its size differs, or if `read` is set.
    """
    stored = cache.look_up(digest.blake3)
    if stored is None:
        return digest
    if stored.pack:
        return digest._replace(xxh128=stored.xxh128, size=stored.size)
    found = cache.digest_of(digest.blake3) if read or stored.size != digest.size else digest
    return found if found.blake3 == digest.blake3 else digest
