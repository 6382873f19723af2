"""Merging one commit into another, with Git's objects only: no workspace, no index, no hook.

No program of a pull request is run: no merge driver, no filter, no text conversion.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import NamedTuple

from mvc.errors import MvcError
from mvc.objects.parsing import gitattributes
from mvc.objects.visible import visible
from mvc.scm.blobs import read_blobs
from mvc.scm.commits import contains, tree_of
from mvc.scm.condition import version
from mvc.scm.index_changes import Entry, Index
from mvc.scm.plumbing import Git, Layout, RawChange, scrubbed, split_nul, why_failed

_MERGE_TREE = (2, 38)
"""The first version with `merge-tree --write-tree`."""
RAW = (
    "-r", "--raw", "-z", "--no-abbrev", "--no-renames", "--no-ext-diff", "--no-textconv", "-O/dev/null",
    "--ignore-submodules=none", "--no-color", "--no-relative",
)
"""How trees are compared. Overrides the user's settings, and a `.gitmodules` of head."""
_FEW = 3


def reading(environ: Mapping[str, str], layout: Layout) -> Git:
    """Return Git for reading only the objects of the repository at `layout`.

    It runs in the Git directory, so that no `.gitattributes` of the workspace or the index applies.
    """
    kept = scrubbed(environ)
    kept.pop("GIT_ATTR_SOURCE", None)  # a tree whose attributes would apply
    return Git(layout.git_dir, kept).with_environ(
        GIT_DIR=layout.git_dir,
        GIT_NO_REPLACE_OBJECTS="1",
        GIT_GRAFT_FILE=os.devnull,
        GIT_OPTIONAL_LOCKS="0",
        GIT_ATTR_NOSYSTEM="1",
    )


# Merges.


class Merge(NamedTuple):
    """The tree that merging head into base makes."""

    git: Git
    """Reads the tree, which may be in a temporary object directory."""
    base: str
    """The tip of the target branch."""
    head: str
    tree: str


@contextmanager
def merging(git: Git, base: str, head: str) -> Iterator[Merge]:
    """Merge `head` into `base` where it is not a fast-forward; new objects are deleted afterwards.

    Raises:
        MvcError: the two have no common history, Git cannot merge them, or head has a forged tree.
    """
    known = tree_of(git, base)
    if contains(git, head, base):
        tree = tree_of(git, head)
        check_trees(git, tree, known)
        yield Merge(git, base, head, tree)
        return
    check_trees(git, tree_of(git, head), known, tree_of(git, _merge_base(git, base, head)))
    with TemporaryDirectory(prefix="mvc-gate-") as folder:
        alone = _isolated(git, folder, known)
        tree = _merge_trees(alone, base, head)
        inside = git.with_environ(**{name: alone.environ[name] for name in _OBJECTS})
        check_trees(inside, tree, known)  # a forged tree that base has repaired must not return
        yield Merge(inside, base, head, tree)


def _merge_base(git: Git, base: str, head: str) -> str:
    done = git.attempt("merge-base", base, head)
    if done.returncode > 1:
        raise MvcError(f"git merge-base failed: {why_failed(done)}", "git fsck")
    if done.returncode:
        message = f"{head[:12]} and {base[:12]} have no common history, so what a merge would land is undefined"
        raise MvcError(message, f"git rebase --root --onto {base[:12]}  # or: mvc gate --all")
    return done.stdout.decode().split()[0]


_OBJECTS = ("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES")


def _isolated(git: Git, folder: str, tree: str) -> Git:
    """Return Git in a new repository that has the objects of `git` as well.

    It has no settings, and of attributes only the merge drivers of Git that those of `tree` choose: as a server that
    merges into it.
    """
    for name in ("objects", "refs", "info"):
        os.mkdir(f"{folder}/{name}")
    kind = "sha1" if len(tree) == _SHA1 else "sha256"
    config = f"[core]\nbare = true\nrepositoryFormatVersion = 1\n[extensions]\nobjectFormat = {kind}\n"
    for name, text in (("HEAD", "ref: refs/heads/none\n"), ("config", config)):
        with open(f"{folder}/{name}", "x", encoding="ascii") as file:
            file.write(text)
    with open(f"{folder}/info/attributes", "xb") as attributes:
        attributes.write(_attributes(git, tree))
    objects = os.fsdecode(git.run("rev-parse", "--path-format=absolute", "--git-path", "objects").removesuffix(b"\n"))
    quoted = objects.replace("\\", "\\\\").replace('"', '\\"')
    return git.at(folder).with_environ(
        GIT_DIR=folder, GIT_OBJECT_DIRECTORY=f"{folder}/objects", GIT_ALTERNATE_OBJECT_DIRECTORIES=f'"{quoted}"',
        GIT_CONFIG_GLOBAL=os.devnull, GIT_CONFIG_NOSYSTEM="1", GIT_CONFIG_COUNT="0",
    )


_SHA1 = 40


def _attributes(git: Git, tree: str) -> bytes:
    """Return the merge attributes that a tree has, as one file."""
    found = {
        path.removesuffix(gitattributes.FILE): entry.oid for path, entry in list_tree(git, tree).items()
        if f"/{path}".endswith(f"/{gitattributes.FILE}") and entry.mode in _REGULAR
    }
    files = zip(map(os.fsencode, found), read_blobs(git, found.values()), strict=True)
    return gitattributes.merge_attributes(files)


_REGULAR = ("100644", "100755")


def _merge_trees(git: Git, base: str, head: str) -> str:
    done = git.attempt(
        "-c", "core.attributesFile=/dev/null", "-c", "attr.tree=",
        "merge-tree", "--write-tree", "-z", "--name-only", "--no-messages", base, head,
    )
    tree, *names = split_nul(done.stdout) or [""]
    if done.returncode == 0 and tree:
        return tree
    if done.returncode == 1 and names:
        fix = f"git merge {base}  # or for another target branch: mvc gate --base REV"
        raise MvcError(f"{head[:12]} does not merge into {base[:12]}: conflict in {_first_few(names)}", fix)
    found = version(git)
    if tuple(int(part) for part in found.split(".")[:2] if part.isdigit()) < _MERGE_TREE:
        message = f"the target branch has new commits; merging them without a workspace needs Git 2.38, found {found}"
        raise MvcError(message, "upgrade Git, or merge the target branch into the pull request")
    raise MvcError(f"git merge-tree failed: {why_failed(done)}", "git fsck")


def _first_few(names: Iterable[str]) -> str:
    unique = [visible(name) for name in dict.fromkeys(names)]
    more = f" and {len(unique) - _FEW:,} more" if len(unique) > _FEW else ""
    return f"{', '.join(unique[:_FEW])}{more}"


# Trees and differences.


def list_tree(git: Git, tree: str) -> dict[str, Entry]:
    """Return every file of a tree.

    Raises:
        MvcError: a name is duplicate, as only in a forged tree.
    """
    found: dict[str, Entry] = {}
    for row in git.run("ls-tree", "-r", "-z", "--full-tree", tree).split(b"\0"):
        if row:
            meta, _, path = row.partition(b"\t")
            mode, _, oid = meta.split(b" ")
            name = os.fsdecode(path)
            if name in found:
                raise MvcError(f"the tree {tree[:12]} has {visible(name)} twice", "git fsck")
            found[name] = Entry(mode.decode(), oid.decode())
    return found


def check_trees(git: Git, tree: str, *known: str) -> None:
    """Check that Git itself could have written a tree and all below it, except those in the trees `known`.

    Raises:
        MvcError: one has duplicate, unsorted or unsafe names, which programs would check out differently.
    """
    without = [f"^{other}" for other in known]
    listed = git.run("rev-list", "--objects", "--no-object-names", "--filter=blob:none", tree, *without, "--")
    oids = listed.decode().split()
    for oid, raw in zip(oids, read_blobs(git, oids), strict=True):
        if not _is_sound(raw, len(oid) // 2):
            raise MvcError(f"the tree {oid[:12]} is forged: Git would name or order its files otherwise", "git fsck")


_KIND, _DIRECTORY = 0o170000, 0o040000
_ELSEWHERE = frozenset({b".", b"..", b".git"})


def _is_sound(raw: bytes, width: int) -> bool:
    """Whether each name is one component, unique, and in Git's order: directories sort as if they ended in a slash."""
    rows = re.findall(rb"([0-7]+) ([^\0]*)\0.{%d}" % width, raw, re.DOTALL)
    names = {name for _, name in rows}
    order = [name + b"/" if int(mode, 8) & _KIND == _DIRECTORY else name for mode, name in rows]
    single = not names & _ELSEWHERE and not any(b"/" in name for name in names)
    return single and len(names) == len(rows) and order == sorted(order)


_NO_FILE = Entry("000000", "0" * 40)


def differing(old: Mapping[str, Entry], new: Mapping[str, Entry]) -> dict[str, RawChange]:
    """Return the files that differ between two trees."""
    paths = sorted(path for path in old.keys() | new.keys() if old.get(path) != new.get(path))
    sides = ((path, old.get(path, _NO_FILE), new.get(path, _NO_FILE)) for path in paths)
    return {path: RawChange(path, before.mode, after.mode, before.oid, after.oid) for path, before, after in sides}


def as_index(entries: dict[str, Entry], changes: dict[str, RawChange]) -> Index:
    """Return a tree and its changes as an index about to be committed."""
    known = {entry.oid for path, entry in entries.items() if path not in changes}
    return Index(entries, changes, frozenset(known | {change.old for change in changes.values()}))
