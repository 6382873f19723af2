"""The model of the state machine: dictionaries in memory that say what every path, commit and cache must hold.

Nothing of mvc is imported here. Pointers are spelled by the second implementation of the formats.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from formats.second_implementation import File, Pointer, digest_of


class Value(NamedTuple):
    """What a tracked path holds; a file's own name in it is empty."""

    kind: str
    files: frozenset[tuple[str, bytes]]

    @property
    def contents(self) -> set[bytes]:
        """The bytes that a cache needs for it."""
        return {content for _, content in self.files}

    def pointer(self) -> bytes:
        """Return the pointer that stands for it, as it must be spelled."""
        files = [File(name, digest_of(content)) for name, content in sorted(self.files)]
        if self.kind == "file":
            return Pointer("file", files[0].digest).spelled()
        return Pointer("dir", listed=tuple(files)).spelled()

    def blob(self) -> str:
        """Return Git's name of that pointer."""
        raw = self.pointer()
        return hashlib.sha1(b"blob %d\0%s" % (len(raw), raw)).hexdigest()


Tree: TypeAlias = dict[str, Value]
"""What tracked paths hold."""


def contents(trees: Iterable[Tree]) -> set[bytes]:
    """Return all bytes that these trees need."""
    return {content for tree in trees for value in tree.values() for content in value.contents}


@dataclass
class Clone:
    """A repository with its cache."""

    cache: set[bytes] = field(default_factory=set)
    stashes: list[str] = field(default_factory=list)
    """Commits, the latest last."""


@dataclass
class Side:
    """A worktree: what its pointers stand for, what is really there, and what the two last agreed on."""

    clone: Clone
    head: str
    pointers: Tree = field(default_factory=dict)
    workspace: Tree = field(default_factory=dict)
    synced: Tree = field(default_factory=dict)

    def state(self, path: str) -> str:
        """Return the state that `mvc status` must show for a tracked path."""
        pointer, there = self.pointers[path], self.workspace.get(path)
        held = pointer.contents <= self.clone.cache
        if there == pointer:
            return "clean" if held else "not-in-cache"
        if there is None:
            return "missing" if held else "not-in-cache"
        if self.synced.get(path) == there:
            return "behind"
        return "not-in-cache" if self._waits(pointer, there) else "modified"

    def _waits(self, pointer: Value, there: Value) -> bool:
        """Whether a directory only lacks files, one of which the cache lacks, too."""
        lacking = {content for _, content in pointer.files - there.files}
        return pointer.kind == "dir" and there.files <= pointer.files and not lacking <= self.clone.cache

    def agree(self) -> None:
        """Note where workspace and pointer agree, as mvc does when it looks at them."""
        self.synced |= {path: value for path, value in self.pointers.items() if self.workspace.get(path) == value}

    # What commands do. Each returns whether mvc must succeed.

    def add(self, path: str) -> bool:
        """Store what is there, unless that reverts what the pointer has gained."""
        there, pointer, synced = self.workspace.get(path), self.pointers.get(path), self.synced.get(path)
        if there is None or (pointer and synced and pointer not in (synced, there)):
            return False
        self.clone.cache |= there.contents
        self.pointers[path] = self.synced[path] = there
        return True

    def checkout(self, path: str) -> bool:
        """Make the workspace match the pointer, unless bytes would be lost that the cache lacks."""
        pointer, there = self.pointers[path], self.workspace.get(path)
        if there == pointer:
            return True
        if self._doomed(path, pointer) - self.clone.cache:
            return False
        held = {pair for pair in pointer.files if pair[1] in self.clone.cache}
        if len(held) == len(pointer.files):
            self.workspace[path] = self.synced[path] = pointer
            return True
        if pointer.kind == "dir":
            stay = dict(pointer.files).keys() - dict(held).keys()
            kept = {pair for pair in there.files if pair[0] in stay} if there else set()
            self.workspace[path] = Value("dir", frozenset(held | kept))
        return False

    def checkout_all(self) -> bool:
        """Do that for all that is tracked, also after a failure."""
        done = [self.checkout(path) for path in self.pointers]
        return all(done)

    def _doomed(self, path: str, pointer: Value) -> set[bytes]:
        """Return the bytes that would be gone: replaced by others, or deleted."""
        there = self.workspace.get(path)
        wanted = dict(pointer.files)
        return {content for name, content in there.files if wanted.get(name) != content} if there else set()

    def bring_back(self, path: str, value: Value) -> bool:
        """Take pointer and content of another commit."""
        unsaved = self._doomed(path, value) - self.clone.cache
        if not value.contents <= self.clone.cache or unsaved:
            return False
        self.pointers[path] = self.workspace[path] = self.synced[path] = value
        return True

    def move(self, old: str, new: str) -> bool:
        """Rename pointer and content."""
        if new in self.pointers or new in self.workspace:
            return False
        for tree in (self.pointers, self.workspace, self.synced):
            tree.pop(new, None)
            if old in tree:
                tree[new] = tree.pop(old)
        return True

    def remove(self, path: str, *, keep: bool) -> bool:
        """Stop tracking a path; without `keep` its content goes if the cache has it."""
        there = self.workspace.get(path)
        if there and not keep and not there.contents <= self.clone.cache:
            return False
        if not keep:
            self.workspace.pop(path, None)
        del self.pointers[path]
        self.synced.pop(path, None)
        return True


# What Git does with pointers.


def carried(pointers: Tree, before: Tree, after: Tree) -> Tree:
    """Return what is staged once HEAD went from `before` to `after` with local changes."""
    changed = {path for path in pointers.keys() | before.keys() if pointers.get(path) != before.get(path)}
    kept = {path: value for path, value in after.items() if path not in changed}
    return kept | {path: pointers[path] for path in changed if path in pointers}


def merged(base: Tree, ours: Tree, theirs: Tree) -> Tree | None:
    """Return the merge of three trees; None when it conflicts."""
    result = {}
    for path in ours.keys() | theirs.keys():
        old, here, there = base.get(path), ours.get(path), theirs.get(path)
        if there in (here, old):
            value = here
        elif here == old:
            value = there
        elif (value := _merged_directory(old, here, there)) is None:
            return None
        if value:
            result[path] = value
    return result


def _merged_directory(old: Value | None, here: Value | None, there: Value | None) -> Value | None:
    """Return the merge of lists of files, which Git merges line by line."""
    if not old or not here or not there or here.kind != "dir":
        return None
    was, ours, theirs = dict(old.files), dict(here.files), dict(there.files)
    files = {}
    for name in was.keys() | ours.keys() | theirs.keys():
        a, b, c = was.get(name), ours.get(name), theirs.get(name)
        if b not in (a, c) and c != a:
            return None
        files[name] = b if c in (a, b) else c
    return Value("dir", frozenset((name, content) for name, content in files.items() if content is not None))
