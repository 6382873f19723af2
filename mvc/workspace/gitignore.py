"""The managed block of a `.gitignore`: sorted by the tracked paths beside it, mostly one line for each."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

BEGIN = "# mvc begin: written by mvc, do not edit"
END = "# mvc end"
MAX_BYTES = 16 << 20


def pattern(name: str) -> str:
    """Return the line that makes Git ignore `name` in the directory of the `.gitignore`, and nothing else."""
    escaped = re.sub(r"([\\*?\[])", r"\\\1", name)
    return "/" + re.sub(r" (?= *$)", r"\\ ", escaped)


def names(text: str) -> list[str]:
    """Return the names in the block of the `.gitignore` `text`: the inverse of `pattern`."""
    _, block, _ = _split(text)
    found = (re.sub(r"\\(.)", r"\1", line[1:].removesuffix("/*")) for line in block if line.startswith("/"))
    return [name for name in found if "/" not in name]


def lines(name: str, let_through: Iterable[str] = ()) -> list[str]:
    """Return the lines that make Git ignore `name`, but nothing of `let_through`: paths in that directory.

    Git does not look into an ignored directory, so each one above such a path ignores what is directly in it.
    """
    shown: dict[str, set[str]] = {}
    for path in let_through:
        parts = path.rstrip("/").split("/")
        for depth in range(len(parts)):
            last = depth + 1 == len(parts)
            child = "/".join(parts[: depth + 1]) + ("/" if not last or path.endswith("/") else "")
            shown.setdefault("/".join(parts[:depth]), set()).add(child)
    found = []
    for folder in sorted(shown):
        found.append(f"{_escaped(f'{name}/{folder}'.rstrip('/'))}/*")
        found += [f"!{_escaped(f'{name}/{child}')}" for child in sorted(shown[folder])]
    return found or [pattern(name)]


def _escaped(path: str) -> str:
    return "".join(map(pattern, path.split("/"))) if not path.endswith("/") else f"{_escaped(path[:-1])}/"


def update(
    text: str, *, add: Iterable[str] = (), remove: Iterable[str] = (), shown: Mapping[str, Iterable[str]] = {},
) -> str:
    """Return the `.gitignore` `text` with `add` ignored, and `remove` not.

    `shown` has paths that Git sees in a directory of `add`; a directory that it does not name keeps its lines.
    Lines outside the block, and their line ends, are not changed.
    """
    before, block, after = _split(text)
    groups = _groups(block)
    for name in add:
        key = _first(pattern(name))
        if name in shown or key not in groups:
            groups[key] = lines(name, shown.get(name, ()))
    for name in remove:
        groups.pop(_first(pattern(name)), None)
    new = [line for key in sorted(groups) for line in groups[key]]
    return text if set(new) == set(block) else _joined(before, new, after)


def _joined(before: str, block: list[str], after: str) -> str:
    if not block:
        return before + after
    gap = "\n" if before and not before.endswith("\n") else ""
    return before + gap + "\n".join([BEGIN, *block, END]) + "\n" + after


def _groups(block: Iterable[str]) -> dict[str, list[str]]:
    """Return the lines of each tracked path."""
    groups: dict[str, list[str]] = {}
    for line in block:
        groups.setdefault(_first(line), []).append(line)
    return groups


def merged_block(base: str, ours: str, theirs: str) -> list[str]:
    """Return the block of the merge of three versions: what one side added to it is there, and what one removed is not.

    A path whose lines both sides changed has those of `ours`.
    """
    old, mine, other = (_groups(_split(text)[1]) for text in (base, ours, theirs))
    groups = {key: (other if mine.get(key) == old.get(key) else mine).get(key, []) for key in {*mine, *other}}
    return [line for key in sorted(groups) for line in groups[key]]


def with_block(text: str, block: list[str]) -> str:
    """Return the `.gitignore` `text` with this block, in the place of the one that it has."""
    before, _, after = _split(text)
    return _joined(before, block, after)


def _first(line: str) -> str:
    """Return the first part of a line's path: all lines of a directory have the same."""
    return line.removeprefix("!").removeprefix("/").partition("/")[0]


def without_block(text: str) -> str:
    """Return the user's own lines."""
    before, _, after = _split(text)
    return before + after


def without_lines(text: str, unwanted: Collection[str]) -> str:
    """Return the `.gitignore` `text` without those of the user's own lines."""
    before, block, after = _split(text)
    return _joined(_other_lines(before, unwanted), block, _other_lines(after, unwanted))


def with_lines(text: str, wanted: Iterable[str]) -> str:
    """Return the `.gitignore` `text` with these among the user's own lines."""
    before, block, after = _split(text)
    present = {line.strip() for line in (before + after).splitlines()}
    end = "\n" if after and not after.endswith("\n") else ""
    return _joined(before, block, after + end + "".join(f"{line}\n" for line in wanted if line not in present))


def _other_lines(text: str, unwanted: Collection[str]) -> str:
    return "".join(line for line in text.splitlines(keepends=True) if line.strip() not in unwanted)


def _split(text: str) -> tuple[str, list[str], str]:
    match = re.search(rf"^{re.escape(BEGIN)}\r?\n(.*?)^{re.escape(END)}(?:\r?\n|\Z)", text, re.DOTALL | re.MULTILINE)
    if match is None:
        return text, [], ""
    return text[: match.start()], [line for line in re.split(r"\r?\n", match[1]) if line], text[match.end() :]
