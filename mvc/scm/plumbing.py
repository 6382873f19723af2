"""Git's plumbing: one small function per question. Always `-z`, always `--` before names.

GitPython never touches the index: it raises on version 4 and on split and sparse ones.
"""

from __future__ import annotations

import os
import re
import subprocess
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from typing import BinaryIO, Literal, NamedTuple

from mvc.errors import MvcError, UsageError

# `git rev-parse --local-env-vars`: they say which repository is meant, and leak from a hook
# or an editor into commands that are meant for another one.
_REPOSITORY_VARIABLES = frozenset({
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_NAMESPACE",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
    # How patterns are read: ours are written for the default.
    "GIT_LITERAL_PATHSPECS",
    "GIT_GLOB_PATHSPECS",
    "GIT_NOGLOB_PATHSPECS",
    "GIT_ICASE_PATHSPECS",
})


def scrubbed(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without what names a repository; the identity stays."""
    kept = {key: value for key, value in environ.items() if key not in _REPOSITORY_VARIABLES}
    return {**kept, "GIT_NO_LAZY_FETCH": "1", "LC_ALL": "C"}


class Git(NamedTuple):
    """Where Git runs, and with which environment."""

    cwd: str
    environ: dict[str, str]

    def run(self, *args: str, stdin: bytes = b"") -> bytes:
        """Return what `git ARGS` prints.

        Raises:
            MvcError: it failed; the message is Git's own first line.

        """
        done = self.attempt(*args, stdin=stdin)
        if done.returncode:
            raise MvcError(f"git {args[0]} failed: {why_failed(done)}")
        return done.stdout

    def attempt(self, *args: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """Return how `git ARGS` ended, whatever its exit code.

        Raises:
            MvcError: it was killed: what it did not say is no answer.

        """
        try:
            done = subprocess.run(  # noqa: S603 - a fixed program, never a shell
                ["git", *args],  # noqa: S607 - the user's own git
                cwd=self.cwd,
                env=self.environ,
                input=stdin,
                capture_output=True,
                check=False,
            )
        except FileNotFoundError:
            raise MvcError("git is not installed, or not on PATH", "apt-get install git") from None
        if done.returncode < 0:
            raise MvcError(f"git was killed: {why_failed(done)}", "run the command again")
        return done

    def start(self, *args: str, stdin: BinaryIO) -> subprocess.Popen[bytes]:
        """Return `git ARGS`, begun; what it prints is read from its `stdout`."""
        return subprocess.Popen(  # noqa: S603 - a fixed program, never a shell
            ["git", *args],  # noqa: S607 - the user's own git
            cwd=self.cwd,
            env=self.environ,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # whoever reads notices that it failed, and says so
            bufsize=1 << 20,
        )


def reason_of(stderr: bytes) -> str:
    """Return the first line that Git said, but for its advice; empty when there is none."""
    lines = stderr.decode(errors="replace").strip().splitlines()
    return next((line.removeprefix("fatal: ") for line in lines if not line.startswith("hint:")), "")


def why_failed(done: subprocess.CompletedProcess[bytes]) -> str:
    """Return why Git failed, as it says itself where it does."""
    ended = f"signal {-done.returncode}" if done.returncode < 0 else f"exit code {done.returncode}"
    return reason_of(done.stderr) or ended


def split_nul(output: bytes) -> list[str]:
    """Return the NUL-terminated names in `output`."""
    return [os.fsdecode(name) for name in output.split(b"\0") if name]


class RawChange(NamedTuple):
    """A path that differs between two states, as `git diff --raw` tells it; modes are octal."""

    path: str
    old_mode: str
    """`000000` where there is nothing; so is `mode`."""
    mode: str
    old: str
    """The blob; all zeros where there is none, or it is not written yet."""
    oid: str


def parse_raw(output: bytes) -> list[RawChange]:
    """Return what `--raw -z --no-abbrev --no-renames` prints."""
    fields = split_nul(output)
    rows = (row.removeprefix(":").split(" ")[:4] for row in fields[::2])
    return [RawChange(path, *row) for path, row in zip(fields[1::2], rows, strict=True)]


class Layout(NamedTuple):
    """Where a repository's parts lie, as absolute paths."""

    root: str
    """Top of the worktree."""
    git_dir: str
    common_dir: str


def find_layout(git: Git) -> Layout:
    """Return the layout of the repository that `git.cwd` is in.

    Raises:
        UsageError: it is in none, or in a bare one.

    """
    done = git.attempt("rev-parse", "--path-format=absolute", "--show-toplevel", "--git-dir", "--git-common-dir")
    if done.returncode:
        raise UsageError(*_not_a_worktree(reason_of(done.stderr), git.cwd))
    lines = os.fsdecode(done.stdout).splitlines()
    if len(lines) < len(Layout._fields):
        raise MvcError("git rev-parse failed: its answer is cut short")
    if len(lines) > len(Layout._fields):
        raise UsageError("the repository's path has a line break in it, which mvc does not support")
    return Layout(*lines)


def _not_a_worktree(reason: str, cwd: str) -> tuple[str, str]:
    if "must be run in a work tree" in reason:
        return f"{cwd} is in a bare repository: it has no workspace", "git worktree add ../workspace"
    if "not a git repository" in reason:
        return f"{cwd} is not in a Git repository", "git init && mvc init"
    return f"git: {reason}", ""


class IndexEntry(NamedTuple):
    """A path in the index or untracked beside it."""

    path: str
    mode: str
    """Octal, as Git writes it; empty when untracked."""
    oid: str
    stage: int
    """1 to 3 in a conflict."""
    state: Literal["tracked", "skip-worktree", "untracked"]


_STATE: dict[str, Literal["tracked", "skip-worktree", "untracked"]] = {"S": "skip-worktree", "?": "untracked"}


def list_files(git: Git, *patterns: str) -> list[IndexEntry]:
    """Return what the index and the workspace hold at `patterns` (pathspecs), ignored files left out."""
    output = git.run(
        "ls-files", "-z", "-t", "--stage", "--cached", "--others", "--exclude-standard", "--", *patterns,
    )
    return [_parse_entry(row) for row in split_nul(output)]


def _parse_entry(row: str) -> IndexEntry:
    tag, rest = row[0], row[2:]
    if tag == "?":
        return IndexEntry(rest, "", "", 0, "untracked")
    head, _, path = rest.partition("\t")
    mode, oid, stage = head.split(" ")
    return IndexEntry(path, mode, oid, int(stage), _STATE.get(tag, "tracked"))


class IndexPaths(NamedTuple):
    """Every path in the index, sorted."""

    paths: list[str]

    def at_or_below(self, path: str) -> list[str]:
        """Return `path` if the index has it, and what the index has below it."""
        start = bisect_left(self.paths, path + "/")
        end = bisect_left(self.paths, path + "0")  # "0" follows "/"
        place = bisect_left(self.paths, path)
        own = [path] if self.paths[place : place + 1] == [path] else []
        return own + self.paths[start:end]


def index_paths(git: Git) -> IndexPaths:
    """Return every path in the index."""
    return IndexPaths(sorted(split_nul(git.run("ls-files", "-z", "--cached"))))


def staged_file(git: Git, path: str) -> bytes | None:
    """Return what the index has at `path`; None when it has nothing there.

    Raises:
        MvcError: Git cannot read it.

    """
    done = git.attempt("cat-file", "blob", f":{path}")
    if done.returncode == 0:
        return done.stdout
    rows = split_nul(git.run("--literal-pathspecs", "ls-files", "-z", "--stage", "--full-name", "--", path))
    if any(row.endswith(f" 0\t{path}") for row in rows):
        raise MvcError(f"reading {path} from Git's index failed: {why_failed(done)}", "git fsck")
    return None


def committed_file(git: Git, commit: str, path: str) -> bytes | None:
    """Return what `commit` has at `path`; None when it has nothing there.

    Raises:
        MvcError: Git cannot read it.

    """
    done = git.attempt("cat-file", "blob", f"{commit}:{path}")
    if done.returncode == 0:
        return done.stdout
    if blob_at(git, commit, path):
        raise MvcError(f"reading {path} of {commit} failed: {why_failed(done)}", "git fsck")
    return None


def blob_at(git: Git, commit: str, path: str) -> str:
    """Return the file that `commit` has at `path`; empty when it has none there.

    Raises:
        MvcError: Git cannot read the commit or its trees.

    """
    rows = split_nul(git.run("--literal-pathspecs", "ls-tree", "-z", "--full-tree", commit, "--", path))
    fields = rows[0].split("\t")[0].split(" ") if rows else ["", "", ""]
    return fields[2] if fields[1] == "blob" else ""


def stage(git: Git, paths: Iterable[str]) -> None:
    """Put the files at `paths`, as they are in the workspace, into the index.

    Raises:
        MvcError: another process holds the index, or left its lock behind.

    """
    names = b"".join(os.fsencode(path) + b"\0" for path in paths)
    if not names:
        return
    options = ("--add", "--remove", "-z", "--stdin")
    try:
        done = git.attempt("-c", "core.safecrlf=false", "update-index", *options, stdin=names)
    except MvcError as error:
        raise MvcError(*_staging_problem(error.message)) from None
    if done.returncode:
        raise MvcError(*_staging_problem(why_failed(done)))


def _staging_problem(reason: str) -> tuple[str, str]:
    if "index.lock" in reason:
        lock = reason.partition("'")[2].partition("'")[0]
        return (
            f"everything is written, but not staged: another git runs, or left {lock} behind",
            f"wait for it, or rm {lock}; then run the command again",
        )
    return f"everything is written, but not staged: {reason}", "run the command again"


def resolve(git: Git, revision: str) -> str:
    """Return the commit that `revision` names.

    Raises:
        UsageError: it names none.

    """
    done = git.attempt("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if done.returncode:
        raise UsageError(f"{revision!r} is no revision of this repository", "git log --oneline")
    return done.stdout.decode().strip()


def head(git: Git) -> str | None:
    """Return the commit at HEAD; None on an unborn branch.

    Raises:
        MvcError: HEAD, or what it names, cannot be read.

    """
    done = git.attempt("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    if done.returncode == 0:
        return done.stdout.decode().strip()
    told = git.attempt("log", "-1", "--no-show-signature", "--format=%H")  # tells what is not there from what is broken
    if told.returncode and b"does not have any commits yet" not in told.stderr:
        raise MvcError(f"Git cannot read HEAD: {why_failed(told)}", "git status")
    return told.stdout.decode().strip() or None


_NOBODY = re.compile(rb"tell me who you are|^fatal: (no|empty|name|unable to auto-detect) ", re.MULTILINE)
"""How Git says that it knows no user (its ident.c), and not that it could not find out."""


def identity(git: Git) -> str:
    """Return the email address under which the user commits; empty when Git knows none.

    Raises:
        MvcError: Git could not find out.

    """
    done = git.attempt("var", "GIT_AUTHOR_IDENT")
    if done.returncode and not _NOBODY.search(done.stderr):
        raise MvcError(f"git var failed: {why_failed(done)}")
    told = done.stdout.decode(errors="replace")
    return told.rpartition("<")[2].partition(">")[0] if ">" in told else ""


def list_refs(git: Git) -> list[str]:
    """Return the branches, here and on remotes, and the tags, by their short names."""
    output = git.run("for-each-ref", "--format=%(refname:short)", "refs/heads", "refs/remotes", "refs/tags")
    return os.fsdecode(output).splitlines()


def list_tips(git: Git, *, branches: bool, tags: bool) -> list[str]:
    """Return the commits that local branches and tags lead to; tags of other things are left out."""
    places = [place for place, wanted in (("refs/heads", branches), ("refs/tags", tags)) if wanted]
    if not places:
        return []
    rows = git.run("for-each-ref", "--format=%(objecttype) %(objectname) %(*objecttype) %(*objectname)", *places)
    fields = (row.split() for row in rows.decode().splitlines())
    return list(dict.fromkeys(row[-1] for row in fields if row[-2] == "commit"))


def is_revision(git: Git, word: str) -> bool:
    """Whether Git knows `word` as a revision."""
    return git.attempt("rev-parse", "--verify", "--quiet", "--end-of-options", f"{word}^{{commit}}").returncode == 0


def ignored_files(git: Git, paths: Iterable[str]) -> set[str]:
    """Return those of `paths` that Git ignores; what is in the index never is.

    Raises:
        MvcError: one lies in a submodule, or behind a symlink.

    """
    names = b"".join(b"./" + os.fsencode(path) + b"\0" for path in paths)  # a colon first would mean something
    done = git.attempt("check-ignore", "-z", "--stdin", stdin=names)
    if done.returncode > 1:
        raise MvcError(f"git check-ignore failed: {why_failed(done)}")
    return {name.removeprefix("./") for name in split_nul(done.stdout)}


def modified_files(git: Git) -> set[str]:
    """Return the files in the index that the workspace has otherwise, or not at all."""
    return set(split_nul(git.run("ls-files", "-z", "--modified")))


def changed_since_head(git: Git) -> set[str]:
    """Return the files that Git tracks and that differ from HEAD, staged or not.

    Raises:
        MvcError: Git failed, or could not read a file: then it ends with 0 all the same.

    """
    done = git.attempt("diff", "--name-only", "--no-ext-diff", "-z", "HEAD", "--")
    if done.returncode or b"\nerror: " in b"\n" + done.stderr:
        raise MvcError(f"git diff failed: {why_failed(done)}")
    return set(split_nul(done.stdout))


def is_committed(git: Git, path: str) -> bool:
    """Whether HEAD has a file at `path`."""
    return git.attempt("cat-file", "-e", f"HEAD:{path}").returncode == 0


def has_staged(git: Git, pattern: str) -> bool:
    """Whether the index differs from HEAD where `pattern` says."""
    return git.attempt("diff", "--cached", "--quiet", "--", pattern).returncode == 1


def has_unpushed(git: Git) -> bool:
    """Whether the branch has commits that no branch of a Git remote has; False where there is no Git remote."""
    if not git.run("remote"):
        return False
    done = git.attempt("rev-list", "--max-count=1", "HEAD", "--not", "--remotes")
    return done.returncode == 0 and bool(done.stdout) and git.attempt("symbolic-ref", "-q", "HEAD").returncode == 0
