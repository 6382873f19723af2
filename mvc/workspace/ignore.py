"""`.mvcignore`: gitignore patterns of files that mvc excludes from a tracked directory.

The file may be at any level, also inside a tracked directory; a deeper one takes precedence.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
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


def rules_above(tree: Tree, folder: str) -> Rules:
    """Return the rules of every directory above `folder`."""
    rules: Rules = ()
    parts = folder.split("/") if folder else []
    for depth in range(len(parts)):
        rules = with_folder(tree, "/".join(parts[:depth]), rules)
    return rules


def with_folder(tree: Tree, folder: str, rules: Rules) -> Rules:
    """Return `rules` and those of the directory `folder`."""
    text = tree.read(f"{folder}/{FILE}" if folder else FILE, MAX_BYTES)
    if not text:
        return rules
    # As in Git: a byte order mark is skipped, and a line ends in LF or CRLF only.
    lines = os.fsdecode(text.removeprefix(b"\xef\xbb\xbf")).split("\n")
    return (*rules, Rule(folder, tuple(_patterns(line.removesuffix("\r") for line in reversed(lines)))))


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
