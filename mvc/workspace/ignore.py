"""`.mvcignore`: gitignore patterns for what mvc leaves out of a tracked directory.

A file may lie at any level, inside a tracked directory too; a deeper one decides first.
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
    """A line: which paths it means, and whether it leaves them out or takes them back."""

    regex: re.Pattern[str]
    excludes: bool


class Rule(NamedTuple):
    """The patterns of one file, the last first, and the directory they count from, empty at the top."""

    folder: str
    patterns: tuple[Pattern, ...]


Rules = tuple[Rule, ...]


def rules_above(tree: Tree, folder: str) -> Rules:
    """Return the rules of every directory from the top down to, but without, `folder`."""
    rules: Rules = ()
    parts = folder.split("/") if folder else []
    for depth in range(len(parts)):
        rules = with_folder(tree, "/".join(parts[:depth]), rules)
    return rules


def with_folder(tree: Tree, folder: str, rules: Rules) -> Rules:
    """Return `rules` and those of the directory `folder` itself."""
    text = tree.read(f"{folder}/{FILE}" if folder else FILE, MAX_BYTES)
    if not text:
        return rules
    return (*rules, Rule(folder, tuple(_patterns(reversed(_lines(text))))))


def _lines(text: bytes) -> list[str]:
    """Return the lines as Git sees them: no byte order mark, and a line ends in LF or CRLF only."""
    return [line.removesuffix("\r") for line in os.fsdecode(text.removeprefix(b"\xef\xbb\xbf")).split("\n")]


def _patterns(lines: Iterable[str]) -> Iterator[Pattern]:
    """Yield what the lines mean; as with Git, one that makes no sense means nothing.

    pathspec's expressions also match what lies below a directory that is meant. The walk asks about every
    directory before it enters it, so that here each is made to match the path itself and nothing below.
    """
    from pathspec import GitIgnoreSpec  # noqa: PLC0415 - only who has such a file pays for it

    for line in lines:
        try:  # pathspec takes `a/**/` for `a/`; to Git it means the directories below
            (pattern,) = GitIgnoreSpec.from_lines([re.sub(r"(?<=[^/])/\*\*/$", "/**/*/", line)]).patterns
        except (ValueError, re.error):
            continue
        if pattern.regex is not None and pattern.include is not None:
            source = pattern.regex.pattern
            tail = "." if source.endswith("/") else r"\Z"  # `folder/**` means all below, not the folder
            yield Pattern(re.compile(source + tail, re.DOTALL), pattern.include)


def ignored(rules: Rules, path: str, *, directory: bool) -> bool:
    """Whether `path`, from the top of the worktree, is left out."""
    name = f"{path}/" if directory else path
    for rule in reversed(rules):
        relative = name[len(rule.folder) + 1 :] if rule.folder else name
        for pattern in rule.patterns:
            if pattern.regex.search(relative) is not None:
                return pattern.excludes
    return False
