"""The changed lines of small text files in tracked directories."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from mvc.errors import CorruptObject, MissingObject, MvcError
from mvc.objects.hashing import hash_bytes
from mvc.objects.manifest import Entry
from mvc.project import Project

LARGEST = 256 << 10
"""Bytes of the largest text that is compared."""
MOST_LINES = 500
"""Lines between the first and the last change: comparing takes time that grows with their square."""
_LONGEST = 200
"""Characters of a line that are shown."""
_CONTEXT = 3
_UNENDED = "\0"
"""Marks a last line without a line end: no text has this character."""


class TextChange(NamedTuple):
    """A changed file, with its content on both sides."""

    old: Entry
    new: Entry
    path: str
    """The file, from the top of the worktree."""
    new_is_here: bool
    """Whether the new content is that of the workspace."""


def changed_lines(project: Project, change: TextChange) -> tuple[str, ...]:
    """Return the changes as a unified diff; empty for files that are large, not text, or not here."""
    if max(change.old.size, change.new.size) > LARGEST:
        return ()
    old = _content(project, change.old, "")
    new = _content(project, change.new, change.path if change.new_is_here else "")
    if old is None or new is None:
        return ()
    return unified(old, new)


def _content(project: Project, entry: Entry, path: str) -> bytes | None:
    """Return the content of a file from the cache, else from the workspace at `path`; None if neither has it."""
    try:
        return project.cache.read(entry.digest)
    except (MissingObject, CorruptObject):
        return _in_workspace(project, entry, path) if path else None


def _in_workspace(project: Project, entry: Entry, path: str) -> bytes | None:
    try:
        raw = project.tree.read(path, entry.size + 1)
    except (OSError, MvcError):
        return None
    return raw if raw is not None and hash_bytes(raw) == entry.digest else None


def unified(old: bytes, new: bytes) -> tuple[str, ...]:
    """Return the lines of a unified diff without file names; empty if one side is not text, or much changed."""
    before, after = _lines(old), _lines(new)
    if before is None or after is None:
        return ()
    start = _common(before, after)
    end = _common(before[start:][::-1], after[start:][::-1])
    if max(len(before), len(after)) - start - end > MOST_LINES:
        return ()
    first, last = max(0, start - _CONTEXT), max(0, end - _CONTEXT)
    return tuple(_hunks(before[first : len(before) - last], after[first : len(after) - last], first))


def _lines(raw: bytes) -> list[str] | None:
    """Return the lines of a text; None for anything else."""
    if b"\0" in raw:
        return None
    try:
        lines = raw.decode().split("\n")
    except UnicodeDecodeError:
        return None
    return lines[:-1] if lines[-1] == "" else [*lines[:-1], lines[-1] + _UNENDED]


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """Return how many lines at the start are equal."""
    count = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        count += 1
    return count


def _hunks(before: list[str], after: list[str], skipped: int) -> Iterator[str]:
    from difflib import SequenceMatcher  # noqa: PLC0415 - only a changed text needs it

    for group in SequenceMatcher(None, before, after).get_grouped_opcodes(_CONTEXT):
        (_, old_start, _, new_start, _), (_, _, old_end, _, new_end) = group[0], group[-1]
        yield f"@@ -{_range(old_start, old_end, skipped)} +{_range(new_start, new_end, skipped)} @@"
        for tag, old_from, old_to, new_from, new_to in group:
            if tag == "equal":
                yield from _shown(" ", before[old_from:old_to])
            else:
                yield from _shown("-", before[old_from:old_to])
                yield from _shown("+", after[new_from:new_to])


def _range(start: int, end: int, skipped: int) -> str:
    """Return the lines of a hunk as unified diffs have them: an empty range is named by the line before it."""
    count = end - start
    first = start + skipped + (1 if count else 0)
    return f"{first}" if count == 1 else f"{first},{count}"


def _shown(sign: str, lines: Sequence[str]) -> Iterator[str]:
    for line in lines:
        text = sign + line.removesuffix(_UNENDED).expandtabs(4)
        yield text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
        if line.endswith(_UNENDED):
            yield "\\ No newline at end of file"
