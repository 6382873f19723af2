"""`.mvcignore`: gitignore patterns for what mvc leaves out of a tracked directory.

A file may lie at any level, inside a tracked directory too; a deeper one decides first.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from mvc.tree import Tree

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

FILE = ".mvcignore"
MAX_BYTES = 1 << 20


class Rule(NamedTuple):
    """The patterns of one file, and the directory they count from, empty at the top."""

    folder: str
    patterns: GitIgnoreSpec


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
    from pathspec import GitIgnoreSpec  # noqa: PLC0415 - only who has such a file pays for it

    return (*rules, Rule(folder, GitIgnoreSpec.from_lines(_lines(text))))


def _lines(text: bytes) -> list[str]:
    """Return the lines as Git sees them: no byte order mark, and a line ends in LF or CRLF only."""
    return [line.removesuffix("\r") for line in os.fsdecode(text.removeprefix(b"\xef\xbb\xbf")).split("\n")]


def ignored(rules: Rules, path: str, *, directory: bool) -> bool:
    """Whether `path`, from the top of the worktree, is left out."""
    name = f"{path}/" if directory else path
    for rule in reversed(rules):
        relative = name[len(rule.folder) + 1 :] if rule.folder else name
        if (verdict := rule.patterns.check_file(relative).include) is not None:
            return verdict
    return False
