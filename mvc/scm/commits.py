"""Commits: resolving revisions, their metadata, and their files."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable
from typing import NamedTuple

from mvc.errors import MvcError, UsageError
from mvc.scm.incomplete import is_partial
from mvc.scm.plumbing import Git, MissingGitObject, reason_of, split_nul, why_failed

# Revisions.

_VERIFY = ("rev-parse", "--verify", "--quiet", "--end-of-options")
_SUFFIX = re.compile(r"[~^:]|@\{")
"""Begins what may follow a ref in a revision: gitrevisions(7)."""
_PLACES = ("refs/{}", "refs/tags/{}", "refs/heads/{}", "refs/remotes/{}", "refs/remotes/{}/HEAD")
"""Where Git looks for a ref that is not given by its full name."""
_FULL_ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}", re.IGNORECASE)
_SHORT_ID = re.compile(r"(?:.*-g)?([0-9a-f]{4,63})", re.IGNORECASE | re.DOTALL)
"""An abbreviated object id, also as git-describe writes it; a ref of that name takes precedence."""


def resolve(git: Git, revision: str) -> str:
    """Return the commit that `revision` names.

    Raises:
        UsageError: it names no commit.
        MvcError: it is ambiguous.
    """
    _check_unambiguous(git, revision)
    done = git.attempt(*_VERIFY, f"{revision}^{{commit}}")
    if done.returncode:
        raise no_such_revision(revision)
    return done.stdout.decode().strip()


def no_such_revision(revision: str) -> UsageError:
    """Return the error for a revision that names no commit."""
    return UsageError(f"{revision!r} is not a revision of this repository", "git log --oneline")


def is_revision(git: Git, word: str) -> bool:
    """Whether `word` names a commit."""
    return git.attempt(*_VERIFY, f"{word}^{{commit}}").returncode == 0


def find_commit(git: Git, revision: str) -> str:
    """Return the commit that `revision` names; empty when this clone has no such commit.

    Raises:
        MvcError: it is ambiguous, or Git cannot tell.
    """
    _check_unambiguous(git, revision)
    done = git.attempt(*_VERIFY, f"{revision}^{{commit}}")
    if done.returncode and (reason := reason_of(done.stderr)):  # Git prints nothing for a name that does not exist
        raise MvcError(f"Git cannot read {revision}: {reason}", "git fsck")
    return done.stdout.decode().strip() if done.returncode == 0 else ""


def _check_unambiguous(git: Git, revision: str) -> None:
    """Raise an error if Git would choose between several refs, or between a ref and a commit.

    Git prefers tags, and a user who may push tags can call one `origin/main`, or like an abbreviated commit.
    """
    name = _SUFFIX.split(revision, maxsplit=1)[0]
    if name in ("", "@", "HEAD") or _FULL_ID.fullmatch(name):
        return
    meanings = _meanings(git, name)
    if len(meanings) > 1:
        message = f"{name!r} is ambiguous: it may be {' or '.join(meanings)}"
        raise MvcError(message, f"git show-ref {shlex.quote(name)}  # then type the full name")


def _meanings(git: Git, name: str) -> list[str]:
    """Return what `name` may stand for: full names of refs, and objects that it abbreviates if it is a ref's name."""
    refs = _refs_called(git, name)
    if name.startswith("refs/"):  # which Git completes as well, if there is no such ref
        return [name] if name in refs else [*refs, name]
    short = _SHORT_ID.fullmatch(name) if refs else None
    return [*refs, *(_abbreviated(git, short[1]) if short else ())]


def _abbreviated(git: Git, start: str) -> list[str]:
    return git.attempt("rev-parse", f"--disambiguate={start.lower()}").stdout.decode().split()


def _refs_called(git: Git, name: str) -> list[str]:
    """Return the refs that `name` may stand for, by their full names, in Git's order."""
    places = [place.format(name) for place in _PLACES]
    full = [name, *places] if name.startswith("refs/") else places
    there = os.fsdecode(git.run("for-each-ref", "--format=%(refname)", *full)).split("\n")
    return [ref for ref in full if ref in there]


def head(git: Git) -> str | None:
    """Return the commit at HEAD; None on an unborn branch.

    Raises:
        MvcError: HEAD, or what it names, cannot be read.
    """
    done = git.attempt(*_VERIFY, "HEAD^{commit}")
    if done.returncode == 0:
        return done.stdout.decode().strip()
    told = git.attempt("log", "-1", "--no-show-signature", "--format=%H")  # distinguishes an unborn branch from damage
    if told.returncode and b"does not have any commits yet" not in told.stderr:
        raise MvcError(f"Git cannot read HEAD: {why_failed(told)}", "git status")
    return told.stdout.decode().strip() or None


def commits_of(git: Git, oids: Iterable[str]) -> list[str]:
    """Return the commits that `oids` name, directly or through a tag; skip those that this clone lacks."""
    asked = "".join(f"{oid}^{{commit}}\n" for oid in oids).encode()
    rows = git.run("cat-file", "--batch-check=%(objectname) %(objecttype)", stdin=asked) if asked else b""
    return [oid for oid, _, kind in (row.decode().partition(" ") for row in rows.splitlines()) if kind == "commit"]


def tree_of(git: Git, commit: str) -> str:
    """Return the tree of a commit."""
    return git.run("rev-parse", "--verify", "--end-of-options", f"{commit}^{{tree}}").decode().strip()


# Ancestry.


def parents(git: Git, commit: str) -> tuple[str, ...]:
    """Return the parents of a commit."""
    return tuple(git.run("rev-list", "--no-walk", "--parents", commit, "--").decode().split()[1:])


def contains(git: Git, commit: str, other: str) -> bool:
    """Whether `other` is `commit` or an ancestor of it.

    Raises:
        MvcError: Git cannot tell.
    """
    done = git.attempt("merge-base", "--is-ancestor", other, commit)
    if done.returncode > 1:
        raise MvcError(f"git merge-base failed: {why_failed(done)}", "git fsck")
    return done.returncode == 0


# Metadata.


class CommitInfo(NamedTuple):
    """The metadata of a commit for display."""

    author: str
    date: str
    """ISO 8601, with the author's time zone."""
    subject: str


def commit_infos(git: Git, commits: Iterable[str]) -> dict[str, CommitInfo]:
    """Return the metadata of the commits that Git still has."""
    rows = (row.split("\1") for row in _log(git, commits, "%H%x01%an%x01%aI%x01%s"))
    # Since 2.45 Git writes UTC as `Z`.
    return {row[0]: CommitInfo(row[1], row[2].replace("Z", "+00:00"), "\1".join(row[3:])) for row in rows}


def author_emails(git: Git, commits: Iterable[str]) -> dict[str, str]:
    """Return the email address of the author of each commit that Git still has."""
    rows = (row.partition(" ") for row in _log(git, commits, "%H %ae"))
    return {commit: email for commit, _, email in rows}


def _log(git: Git, commits: Iterable[str], form: str) -> list[str]:
    """Return a row for each of the commits."""
    asked = "".join(f"{commit}\n" for commit in sorted(set(commits) - {""})).encode()
    options = ("--no-walk=unsorted", "--stdin", "-z", "--no-show-signature", "--encoding=UTF-8", f"--format={form}")
    output = git.run("log", *options, stdin=asked) if asked else b""
    return [row for row in output.decode(errors="replace").split("\0") if row]


_UNKNOWN_USER = re.compile(rb"tell me who you are|^fatal: (no|empty|name|unable to auto-detect) ", re.MULTILINE)
"""Git's messages without a configured user (its ident.c); other errors are failures."""


def identity(git: Git) -> str:
    """Return the email address of the user's commits; empty if not configured.

    Raises:
        MvcError: Git cannot determine it.
    """
    done = git.attempt("var", "GIT_AUTHOR_IDENT")
    if done.returncode and not _UNKNOWN_USER.search(done.stderr):
        raise MvcError(f"git var failed: {why_failed(done)}")
    told = done.stdout.decode(errors="replace")
    return told.rpartition("<")[2].partition(">")[0] if ">" in told else ""


# Commits as Git stores them.

_PERSON = re.compile(rb"(.*) <(.*)> ([0-9]{1,11}) ([+-](?:[01][0-9]|2[0-3])[0-5][0-9])")
_SIGNATURE = re.compile(rb"^gpgsig(?:-sha256)? (.*\n(?: .*\n)*)", re.MULTILINE)


class CommitObject(NamedTuple):
    """A commit."""

    author: str
    """Name and email address."""
    time: int
    """When it was committed, in seconds since the epoch."""
    zone: str
    """Such as `+0100`."""
    subject: str
    payload: bytes
    """What the signature is of: the commit without it."""
    signature: bytes
    """Empty without one."""


def read_commit(raw: bytes) -> CommitObject:
    """Return the commit in `raw`; an unusual one has the time 0, or no author."""
    top, blank, body = raw.partition(b"\n\n")
    head = top + b"\n"
    fields = dict(line.split(b" ", 1) for line in top.split(b"\n") if line.startswith((b"author ", b"committer ")))
    author, committer = (_PERSON.fullmatch(fields.get(name, b"")) for name in (b"author", b"committer"))
    signature = _SIGNATURE.search(head)
    return CommitObject(
        author=f"{_text(author[1])} <{_text(author[2])}>" if author else "",
        time=int(committer[3]) if committer else 0,
        zone=committer[4].decode() if committer else "+0000",
        subject=_text(body.lstrip(b"\n").partition(b"\n")[0]),
        payload=_SIGNATURE.sub(b"", head) + blank[1:] + body,
        signature=signature[1].replace(b"\n ", b"\n") if signature else b"",
    )


def _text(raw: bytes) -> str:
    return raw.decode(errors="replace")


# Files.


def is_committed(git: Git, path: str) -> bool:
    """Whether HEAD has a file at `path`."""
    return git.attempt("cat-file", "-e", f"HEAD:{path}").returncode == 0


def committed_file(git: Git, commit: str, path: str) -> bytes | None:
    """Return the content of the file at `path` in `commit`; None when there is no file.

    Raises:
        MvcError: Git cannot read it.
    """
    try:
        done = git.attempt("cat-file", "blob", f"{commit}:{path}")
    except MissingGitObject as error:
        raise error.of(f"{path} of {commit[:12]}") from None
    if done.returncode == 0:
        return done.stdout
    if blob_at(git, commit, path):
        raise MvcError(f"reading {path} of {commit} failed: {why_failed(done)}", "git fsck")
    return None


def blob_at(git: Git, commit: str, path: str) -> str:
    """Return the blob at `path` in `commit`; empty when there is none.

    Raises:
        MvcError: Git cannot read the commit or its trees.
    """
    rows = split_nul(git.run("--literal-pathspecs", "ls-tree", "-z", "--full-tree", commit, "--", path))
    if not rows:
        return ""
    _, kind, oid = rows[0].split("\t")[0].split(" ")
    return oid if kind == "blob" else ""


class CommitPath(NamedTuple):
    """A path in a commit."""

    commit: str
    path: str


def blobs_at(git: Git, wanted: Iterable[CommitPath]) -> dict[CommitPath, str]:
    """Return the blobs of the `wanted` paths that are files in their commits.

    Raises:
        MvcError: this clone is partial and lacks one of them, or may.
    """
    wanted = [item for item in dict.fromkeys(wanted) if "\n" not in item.path]
    if not wanted:
        return {}
    try:
        found = _blobs_at(git, wanted)
    except MissingGitObject:  # it is enough that the trees are there
        return {item: oid for item in wanted if (oid := blob_at(git, *item))}
    if missing := [item for item in wanted if item not in found]:
        found |= _blobs_at(git, missing)  # once more: Git may have run out of open files for a moment
    if len(found) < len(wanted) and is_partial(git):
        return {item: oid for item in wanted if (oid := blob_at(git, *item))}
    return found


def _blobs_at(git: Git, wanted: list[CommitPath]) -> dict[CommitPath, str]:
    asked = os.fsencode("".join(f"{commit}:{path}\n" for commit, path in wanted))
    done = git.attempt("cat-file", "--batch-check=%(objectname) %(objecttype)", stdin=asked)
    reason = reason_of(done.stderr)
    if done.returncode or reason:  # Git reports unreadable objects as missing, maybe with a reason on stderr
        raise MvcError(f"Git cannot read its objects: {reason}", "git fsck")
    rows = (row.decode(errors="replace").rpartition(" ") for row in done.stdout.split(b"\n")[:-1])
    return {item: oid for item, (oid, _, kind) in zip(wanted, rows, strict=True) if kind == "blob"}
