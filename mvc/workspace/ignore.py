"""`.mvcignore`: gitignore patterns of files that mvc excludes from a tracked directory.

The file may be at any level, also inside a tracked directory; a deeper one takes precedence.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from mvc.fs.tree import Tree

FILE = ".mvcignore"
MAX_BYTES = 1 << 20


class Pattern(NamedTuple):
    """A line: the paths it matches, and whether it excludes or re-includes them."""

    regex: re.Pattern[str]
    excludes: bool


class Rule(NamedTuple):
    """The patterns of one file, the last first, and the directory they are relative to; empty at the top."""

    folder: str
    patterns: tuple[Pattern, ...]


Rules = tuple[Rule, ...]
Read = Callable[[str], bytes | None]
"""Returns the content of a file by its path from the top of the worktree; None if there is none."""


def in_workspace(tree: Tree) -> Read:
    """Return what reads rules from the workspace."""
    return lambda path: tree.read(path, MAX_BYTES)


def rules_above(read: Read, folder: str) -> Rules:
    """Return the rules of every directory above `folder`."""
    rules: Rules = ()
    parts = folder.split("/") if folder else []
    for depth in range(len(parts)):
        rules = with_folder(read, "/".join(parts[:depth]), rules)
    return rules


def with_folder(read: Read, folder: str, rules: Rules) -> Rules:
    """Return `rules` and those of the directory `folder`."""
    text = read(f"{folder}/{FILE}" if folder else FILE)
    if not text:
        return rules
    # As in Git: a byte order mark is skipped, and a line ends in LF or CRLF only.
    lines = os.fsdecode(text.removeprefix(b"\xef\xbb\xbf")).split("\n")
    return (*rules, Rule(folder, tuple(_patterns(line.removesuffix("\r") for line in reversed(lines)))))


class Exclusion:
    """Which files of one tracked directory are excluded, asked by name."""

    def __init__(self, read: Read, top: str) -> None:
        self._read, self._top = read, top
        self._rules: dict[str, Rules | None] = {}

    def covers(self, path: str) -> bool:
        """Whether the file `path` (from the top of the worktree) below the directory is excluded."""
        if not path.startswith(f"{self._top}/"):
            return False
        rules = self._in(path.rpartition("/")[0])
        return rules is None or ignored(rules, path, directory=False)

    def _in(self, folder: str) -> Rules | None:
        """Return the rules that hold in a directory; None if all of it is excluded."""
        if folder not in self._rules:
            above = rules_above(self._read, folder) if folder == self._top else self._in(folder.rpartition("/")[0])
            out = above is None or (folder != self._top and ignored(above, folder, directory=True))
            self._rules[folder] = None if out or above is None else with_folder(self._read, folder, above)
        return self._rules[folder]


def not_excluded(read: Read, top: str, paths: Iterable[str]) -> list[str]:
    """Return which files of Git at or below the tracked path `top` are not excluded, so that mvc has them, too."""
    exclusion = Exclusion(read, top)
    return [path for path in paths if not exclusion.covers(path)]


def _patterns(lines: Iterable[str]) -> Iterator[Pattern]:
    """Yield the pattern of each line; as in Git, invalid lines are ignored.

    pathspec's expressions also match everything below a directory. The walk asks about each directory
    before it enters it, so here an expression is limited to the path itself.
    """
    from pathspec import GitIgnoreSpec  # noqa: PLC0415 - only needed where there is such a file

    for line in lines:
        try:  # pathspec reads `a/**/` as `a/`; in Git it matches the directories below
            (pattern,) = GitIgnoreSpec.from_lines([re.sub(r"(?<=[^/])/\*\*/$", "/**/*/", line)]).patterns
        except (ValueError, re.error):
            continue
        if pattern.regex is not None and pattern.include is not None:
            source = pattern.regex.pattern
            tail = "." if source.endswith("/") else r"\Z"  # `folder/**` matches what is below, not the folder
            yield Pattern(re.compile(source + tail, re.DOTALL), pattern.include)


def ignored(rules: Rules, path: str, *, directory: bool) -> bool:
    """Whether `path` (from the top of the worktree) is excluded."""
    name = f"{path}/" if directory else path
    for rule in reversed(rules):
        relative = name[len(rule.folder) + 1 :] if rule.folder else name
        for pattern in rule.patterns:
            if pattern.regex.search(relative) is not None:
                return pattern.excludes
    return False
