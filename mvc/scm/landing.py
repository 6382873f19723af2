"""What merging one commit into another would land, read from Git's objects alone: no workspace, no index, no hook.

What a pull request brings is never run: no merge driver, no filter, no text conversion is asked for it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import NamedTuple

from mvc.errors import MvcError
from mvc.objects.visible import visible
from mvc.scm.blobs import read_blobs
from mvc.scm.condition import version
from mvc.scm.index_changes import Entry, Index
from mvc.scm.plumbing import Git, Layout, RawChange, reason_of, scrubbed, split_nul, why_failed

_MERGES = (2, 38)
"""The first version with `merge-tree --write-tree`."""
RAW = (
    "-r", "--raw", "-z", "--no-abbrev", "--no-renames", "--no-ext-diff", "--no-textconv", "-O/dev/null",
    "--ignore-submodules=none",
)
"""How trees are compared, whatever the settings say, and a `.gitmodules` of head."""
_DEFAULT = ("refs/remotes/origin/HEAD", "refs/remotes/origin/main", "refs/remotes/origin/master")
_LOCAL = ("refs/heads/main", "refs/heads/master")
_FEW = 3
_NOTHING = "000000"


def reading(environ: Mapping[str, str], layout: Layout) -> Git:
    """Return Git as it reads the objects of the repository at `layout`, and nothing else.

    It stands in the Git directory, so that no `.gitattributes` of a workspace counts, nor one of the index.
    """
    kept = scrubbed(environ)
    kept.pop("GIT_ATTR_SOURCE", None)  # names a tree whose attributes would count
    return Git(layout.git_dir, {
        **_with_setting(kept, "advice.graftFileDeprecated", "false"),
        "GIT_DIR": layout.git_dir,
        "GIT_ALLOW_PROTOCOL": "none",  # before 2.44 Git fetched what a partial clone lacks whatever the next one says
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_GRAFT_FILE": os.devnull,
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_ATTR_NOSYSTEM": "1",
    })


def _with_setting(environ: Mapping[str, str], key: str, value: str) -> dict[str, str]:
    """Return the environment with one more setting for Git; a count that is none is left for Git to refuse."""
    count = environ.get("GIT_CONFIG_COUNT", "") or "0"
    if not count.isdecimal():
        return dict(environ)
    more = {"GIT_CONFIG_COUNT": str(int(count) + 1), f"GIT_CONFIG_KEY_{count}": key, f"GIT_CONFIG_VALUE_{count}": value}
    return {**environ, **more}


# Commits.


def find_commit(git: Git, revision: str) -> str:
    """Return the commit that `revision` names; empty when it names none that this clone has.

    Raises:
        MvcError: Git cannot tell.

    """
    done = git.attempt("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if done.returncode and (reason := reason_of(done.stderr)):  # of what merely is not there it says nothing
        raise MvcError(f"Git cannot read {revision}: {reason}", "git fsck")
    return done.stdout.decode().strip() if done.returncode == 0 else ""


def local_base(git: Git) -> str:
    """Return the tip of the branch that work is merged into, as far as this clone knows it; empty when it does not.

    That is the default branch of `origin`, else the local `main` or `master`.
    """
    return next(filter(None, (find_commit(git, name) for name in (*_DEFAULT, *_LOCAL))), "")


def remote_tip(git: Git, branch: str) -> str:
    """Return the commit at which a branch of a Git remote was last seen: `origin`'s, else that of the only other."""
    rows = git.run("for-each-ref", "--format=%(refname)", "refs/remotes").decode(errors="surrogateescape").splitlines()
    found = [row for row in rows if row.split("/", 3)[3:] == [branch]]
    origin = f"refs/remotes/origin/{branch}"
    name = origin if origin in found else found[0] if len(found) == 1 else ""
    return find_commit(git, name) if name else ""


def parents(git: Git, commit: str) -> tuple[str, ...]:
    """Return the parents of a commit."""
    return tuple(git.run("rev-list", "--no-walk", "--parents", commit, "--").decode().split()[1:])


def contains(git: Git, commit: str, other: str) -> bool:
    """Whether the history of `commit` has `other`.

    Raises:
        MvcError: Git cannot tell.

    """
    done = git.attempt("merge-base", "--is-ancestor", other, commit)
    if done.returncode > 1:
        raise MvcError(f"git merge-base failed: {why_failed(done)}", "git fsck")
    return done.returncode == 0


def is_shallow(git: Git) -> bool:
    """Whether the clone lacks the older commits."""
    return git.run("rev-parse", "--is-shallow-repository").strip() == b"true"


def is_partial(git: Git) -> bool:
    """Whether the clone fetches blobs only when they are wanted."""
    return git.attempt("config", "--get-regexp", r"^remote\..*\.promisor$", "true").returncode == 0


# What would land.


class Landed(NamedTuple):
    """The tree that a merge would make."""

    git: Git
    """Reads that tree, too; it may be in no object directory of the repository."""
    base: str
    """The target branch's tip."""
    head: str
    tree: str


@contextmanager
def landed(git: Git, base: str, head: str) -> Iterator[Landed]:
    """Merge `head` into `base` as far as it must be; what Git writes for that is gone afterwards.

    Raises:
        MvcError: the two have no history in common, Git cannot merge them, or head has a forged tree.

    """
    known = tree_of(git, base)
    if contains(git, head, base):
        tree = tree_of(git, head)
        check_trees(git, tree, known)
        yield Landed(git, base, head, tree)
        return
    check_trees(git, tree_of(git, head), known, tree_of(git, _in_common(git, base, head)))
    with TemporaryDirectory(prefix="mvc-gate-") as folder:
        inside = _writing_to(git, folder)
        tree = _merged(inside, base, head)
        check_trees(inside, tree, known)  # what base has mended since must not come back
        yield Landed(inside, base, head, tree)


def _in_common(git: Git, base: str, head: str) -> str:
    done = git.attempt("merge-base", base, head)
    if done.returncode > 1:
        raise MvcError(f"git merge-base failed: {why_failed(done)}", "git fsck")
    if done.returncode:
        message = f"{head[:12]} and {base[:12]} have no commit in common: nobody can say what a merge would land"
        raise MvcError(message, "git rebase --onto the target branch, or mvc gate --all")
    return done.stdout.decode().split()[0]


def tree_of(git: Git, commit: str) -> str:
    """Return the tree of a commit."""
    return git.run("rev-parse", "--verify", "--end-of-options", f"{commit}^{{tree}}").decode().strip()


def _writing_to(git: Git, folder: str) -> Git:
    objects = os.fsdecode(git.run("rev-parse", "--path-format=absolute", "--git-path", "objects").removesuffix(b"\n"))
    quoted = objects.replace("\\", "\\\\").replace('"', '\\"')
    alternates = {"GIT_OBJECT_DIRECTORY": folder, "GIT_ALTERNATE_OBJECT_DIRECTORIES": f'"{quoted}"'}
    return Git(git.cwd, {**git.environ, **alternates})


def _merged(git: Git, base: str, head: str) -> str:
    done = git.attempt(
        "-c", "merge.renames=true", "-c", "merge.renormalize=false", "-c", "core.attributesFile=/dev/null",
        "-c", "attr.tree=",
        "merge-tree", "--write-tree", "-z", "--name-only", "--no-messages", base, head,
    )
    tree, *names = split_nul(done.stdout) or [""]
    if done.returncode == 0 and tree:
        return tree
    if done.returncode == 1 and names:
        fix = f"git merge {base}  # or, if it is to go elsewhere: mvc gate --base REV"
        raise MvcError(f"{head[:12]} does not merge into {base[:12]}: {_some(names)} in conflict", fix)
    if _is_older(git):
        message = f"the target branch moved on, and to merge without a workspace takes Git 2.38; this is {version(git)}"
        raise MvcError(message, "upgrade Git, or merge the target branch into the pull request")
    raise MvcError(f"git merge-tree failed: {why_failed(done)}", "git fsck")


def _is_older(git: Git) -> bool:
    return tuple(int(part) for part in version(git).split(".")[:2] if part.isdigit()) < _MERGES


def _some(names: Iterable[str]) -> str:
    unique = [visible(name) for name in dict.fromkeys(names)]
    more = f" and {len(unique) - _FEW:,} more" if len(unique) > _FEW else ""
    return f"{', '.join(unique[:_FEW])}{more} {'is' if len(unique) == 1 else 'are'}"


# Trees, and how they differ.


def list_tree(git: Git, tree: str) -> dict[str, Entry]:
    """Return every file of a tree.

    Raises:
        MvcError: it has a name twice, as only a forged tree has: nobody can say which of the two would land.

    """
    found: dict[str, Entry] = {}
    for row in git.run("ls-tree", "-r", "-z", "--full-tree", tree).split(b"\0"):
        if row:
            head, _, path = row.partition(b"\t")
            mode, _, oid = head.split(b" ")
            name = os.fsdecode(path)
            if name in found:
                raise MvcError(f"the tree {tree[:12]} has {visible(name)} twice", "git fsck")
            found[name] = Entry(mode.decode(), oid.decode())
    return found


def check_trees(git: Git, tree: str, *known: str) -> None:
    """Make sure that Git itself could have written a tree and all below it, as far as no tree `known` has them.

    Raises:
        MvcError: one has a name twice, names in a wrong order, or one that leads elsewhere. What of it would land
            is for each program to say.

    """
    without = [f"^{other}" for other in known]
    listed = git.run("rev-list", "--objects", "--no-object-names", "--filter=blob:none", tree, *without, "--")
    oids = listed.decode().split()
    for oid, raw in zip(oids, read_blobs(git, oids), strict=True):
        if not _is_sound(raw, len(oid) // 2):
            raise MvcError(f"the tree {oid[:12]} is forged: Git itself names and orders files otherwise", "git fsck")


def _is_sound(raw: bytes, width: int) -> bool:
    """Whether the names in a tree are single ones, each once, ordered as Git does it: a directory's as with a slash."""
    rows = re.findall(rb"([0-7]+) ([^\0]*)\0.{%d}" % width, raw, re.DOTALL)
    names = {name for _, name in rows}
    order = [name + b"/" if int(mode, 8) & _KIND == _DIRECTORY else name for mode, name in rows]
    return len(names) == len(rows) and order == sorted(order) and not any(_leads_elsewhere(name) for name in names)


def _leads_elsewhere(name: bytes) -> bool:
    return b"/" in name or name in (b".", b"..", b".git")


_KIND, _DIRECTORY = 0o170000, 0o040000


def differing(old: Mapping[str, Entry], new: Mapping[str, Entry]) -> dict[str, RawChange]:
    """Return the files in which two trees differ."""
    paths = [path for path in old.keys() | new.keys() if old.get(path) != new.get(path)]
    return {path: _differing(path, old.get(path), new.get(path)) for path in sorted(paths)}


def _differing(path: str, old: Entry | None, new: Entry | None) -> RawChange:
    before, after = (entry or Entry(_NOTHING, "0" * 40) for entry in (old, new))
    return RawChange(path, before.mode, after.mode, before.oid, after.oid)


def as_index(entries: dict[str, Entry], changes: dict[str, RawChange]) -> Index:
    """Return a tree and how it came about in the terms of an index that is about to be committed."""
    known = {entry.oid for path, entry in entries.items() if path not in changes}
    return Index(entries, changes, frozenset(known | {change.old for change in changes.values()}))
