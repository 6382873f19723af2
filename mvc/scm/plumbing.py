"""Running Git's commands and parsing their output. Always `-z`, always `--` before names."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Mapping
from typing import BinaryIO, NamedTuple

from mvc.errors import MvcError, UsageError

PATHSPEC_VARIABLES = frozenset({
    "GIT_LITERAL_PATHSPECS", "GIT_GLOB_PATHSPECS", "GIT_NOGLOB_PATHSPECS", "GIT_ICASE_PATHSPECS",
})
"""How pathspecs are read: ours are written for the default."""

NO_LAZY_FETCH = {"GIT_ALLOW_PROTOCOL": "none", "GIT_NO_LAZY_FETCH": "1"}
"""Git fetches nothing that a partial clone lacks. Before 2.44 (and fixes such as 2.39.4) it ignores the second."""

# `git rev-parse --local-env-vars`: they select a repository, and leak from a hook or an editor
# into commands for another one.
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
}) | PATHSPEC_VARIABLES

_OUTPUT_VARIABLES = frozenset({"GIT_DIFF_OPTS", "GIT_EXTERNAL_DIFF", "GIT_MERGE_VERBOSITY", "GIT_PAGER_IN_USE"})
_DEBUGGING = ("GIT_TRACE", "GIT_TEST_")
_STRICTER = "GIT_TEST_ASSUME_DIFFERENT_OWNER"
"""Git refuses each repository that is not in `safe.directory`."""
_NO_TRACE = {"GIT_TRACE2": "0", "GIT_TRACE2_EVENT": "0", "GIT_TRACE2_PERF": "0"}
"""Overrides the `trace2.*` settings."""
_SETTINGS = {
    "advice.graftFileDeprecated": "false",
    "color.diff": "false",
    "color.ui": "false",
    "core.bigFileThreshold": "512m",
    "core.fsmonitor": "false",
    "core.warnAmbiguousRefs": "true",
    "diff.autoRefreshIndex": "true",
    "diff.orderFile": os.devnull,
    "diff.relative": "false",
    "i18n.logOutputEncoding": "UTF-8",
    "log.diffMerges": "separate",
    "log.follow": "false",
    "log.showRoot": "true",
    "log.showSignature": "false",
    "merge.default": "text",
    "merge.directoryRenames": "conflict",
    "merge.renameLimit": "7000",
    "merge.renames": "true",
    "merge.renormalize": "false",
    "submodule.recurse": "false",
}
"""Git's defaults, for the settings that change what the commands here print. Options are given as well.

tests/ops/judging/test_git_settings.py tries other values, and other settings.
"""


def scrubbed(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without the variables that select a repository; those of the identity stay."""
    return without_preferences({key: value for key, value in environ.items() if key not in _REPOSITORY_VARIABLES})


def without_preferences(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment in which Git's output does not depend on the user's preferences, and is not traced."""
    kept = {
        key: value for key, value in environ.items()
        if key == _STRICTER or (key not in _OUTPUT_VARIABLES and not key.startswith(_DEBUGGING))
    }
    settings = " ".join(f"'{key}={value}'" for key, value in _SETTINGS.items())  # what comes last counts
    earlier = kept.get("GIT_CONFIG_PARAMETERS", "").removesuffix(settings).strip()
    return {
        **kept, **_NO_TRACE, "GIT_CONFIG_PARAMETERS": f"{earlier} {settings}".strip(),
        **NO_LAZY_FETCH, "LC_ALL": "C",
    }


class MissingGitObject(MvcError):
    """A Git object is not in this clone, perhaps because the clone is partial. The file is named where it is known."""

    def __init__(self, oid: str, fix: str, file: str = "") -> None:
        what = f"{file} (Git object {oid[:12]})" if file else f"Git object {oid}"
        super().__init__(f"{what} is not in this clone", fix)
        self.oid = oid

    def of(self, file: str) -> MissingGitObject:
        """Return the same error with the file named."""
        return MissingGitObject(self.oid, self.fix, file)


class Git(NamedTuple):
    """The directory and the environment in which Git runs."""

    cwd: str
    environ: Mapping[str, str]

    def at(self, cwd: str) -> Git:
        """Return Git in another directory."""
        return Git(cwd, self.environ)

    def with_environ(self, **more: str) -> Git:
        """Return Git with more variables in its environment."""
        return Git(self.cwd, {**self.environ, **more})

    def run(self, *args: str, stdin: bytes = b"") -> bytes:
        """Return what `git ARGS` prints.

        Raises:
            MvcError: it failed; with the first line of Git's message.
        """
        done = self.attempt(*args, stdin=stdin)
        if done.returncode:
            raise MvcError(f"git {args[0]} failed: {why_failed(done)}")
        return done.stdout

    def attempt(
        self, *args: str, stdin: bytes = b"", seconds: float | None = None,
    ) -> subprocess.CompletedProcess[bytes]:
        """Run `git ARGS`, at most for so many seconds, and return its output and exit code.

        Raises:
            MvcError: it was killed, so its output may be incomplete.
            MissingGitObject: it needs an object that this partial clone lacks.
        """
        try:
            done = subprocess.run(  # noqa: S603 - a fixed program, never a shell
                ["git", *args],  # noqa: S607 - the user's own git
                cwd=self.cwd,
                env=self.environ,
                input=stdin,
                capture_output=True,
                check=False,
                timeout=seconds,
            )
        except FileNotFoundError as error:
            if error.filename == self.cwd:
                raise MvcError(f"{self.cwd} does not exist any more") from None
            raise MvcError("git is not installed, or not on PATH", "apt-get install git") from None
        except subprocess.TimeoutExpired:
            raise MvcError(f"git {args[0]} did not end within {seconds:g} s") from None
        if done.returncode < 0:
            raise MvcError(f"git was killed: {why_failed(done)}", "run the command again")
        if done.returncode and (lacking := _LACKING.search(done.stderr)):
            raise missing_object(self, lacking[1].decode())
        return done

    def start(self, *args: str, stdin: BinaryIO) -> subprocess.Popen[bytes]:
        """Start `git ARGS`; the caller reads its `stdout`, and checks its exit code."""
        return subprocess.Popen(  # noqa: S603 - a fixed program, never a shell
            ["git", *args],  # noqa: S607 - the user's own git
            cwd=self.cwd,
            env=self.environ,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=1 << 20,
        )


_LACKING = re.compile(rb"could not fetch ([0-9a-f]+) from promisor remote")
_NO_ERROR = ("hint:", "warning: lazy fetching disabled")


def reason_of(stderr: bytes) -> str:
    """Return the first line on stderr that is neither a hint nor about lazy fetching; empty when there is none."""
    lines = stderr.decode(errors="replace").strip().splitlines()
    return next((line.removeprefix("fatal: ") for line in lines if not line.startswith(_NO_ERROR)), "")


def why_failed(done: subprocess.CompletedProcess[bytes]) -> str:
    """Return why Git failed: its own message, else its exit code."""
    ended = f"signal {-done.returncode}" if done.returncode < 0 else f"exit code {done.returncode}"
    return reason_of(done.stderr) or ended


def split_nul(output: bytes) -> list[str]:
    """Return the NUL-terminated names in `output`."""
    return [os.fsdecode(name) for name in output.split(b"\0") if name]


def missing_object(git: Git, oid: str) -> MissingGitObject:
    """Return the error for an object that this clone lacks, with the line that fetches it if the clone is partial."""
    promisors = [name for name, options in sorted(remote_settings(git).items()) if is_promisor(options)]
    return MissingGitObject(oid, _refetch(git, promisors[0]) if promisors else "git fsck")


def _refetch(git: Git, remote: str) -> str:
    """Return the line that fetches all objects from a promisor remote.

    A CI system may check out a commit that is on none of the branches, such as `refs/pull/7/merge`.
    """
    rows = os.fsdecode(git.run("for-each-ref", "--points-at=HEAD", "--format=%(objectname) %(refname)")).splitlines()
    fetched = ("refs/heads/", "refs/tags/", f"refs/remotes/{remote}/")
    others = [oid for oid, _, name in (row.partition(" ") for row in rows) if not name.startswith(fetched)]
    return " ".join(["git fetch --refetch --no-filter", shlex.quote(remote), *others[:1]])


def is_promisor(options: dict[str, list[str]]) -> bool:
    """Whether a remote with these settings promises the objects that a partial clone lacks."""
    return "true" in options.get("promisor", ())


def remote_settings(git: Git) -> dict[str, dict[str, list[str]]]:
    """Return the settings of Git's remotes: values by remote and key."""
    found: dict[str, dict[str, list[str]]] = {}
    for row in split_nul(git.attempt("config", "-z", "--get-regexp", r"^remote\..*\.").stdout):
        key, _, value = row.partition("\n")
        name, _, option = key.removeprefix("remote.").rpartition(".")
        found.setdefault(name, {}).setdefault(option, []).append(value)
    return found


class RawChange(NamedTuple):
    """A path that differs between two trees, or a tree and the index, as in `git diff --raw`; modes are octal."""

    path: str
    old_mode: str
    """`000000` where there is no file; so is `mode`."""
    mode: str
    old: str
    """The blob; all zeros where there is none, or where it is not in Git's object database yet."""
    oid: str


def parse_raw(output: bytes) -> list[RawChange]:
    """Parse the output of `--raw -z --no-abbrev --no-renames`."""
    fields = split_nul(output)
    rows = (row.removeprefix(":").split(" ")[:4] for row in fields[::2])
    return [RawChange(path, *row) for path, row in zip(fields[1::2], rows, strict=True)]


class Layout(NamedTuple):
    """The absolute paths of the parts of a repository."""

    root: str
    """Top of the worktree."""
    git_dir: str
    common_dir: str


def find_layout(git: Git) -> Layout:
    """Return the layout of the repository that `git.cwd` is in.

    Raises:
        UsageError: there is no repository, or a bare one.
    """
    done = git.attempt("rev-parse", "--path-format=absolute", "--show-toplevel", "--git-dir", "--git-common-dir")
    if done.returncode:
        raise foreign(git.cwd, done.stderr) or _not_a_worktree(reason_of(done.stderr), git.cwd)
    lines = os.fsdecode(done.stdout).splitlines()
    if len(lines) < len(Layout._fields):
        raise MvcError("git rev-parse failed: its output is incomplete")
    if len(lines) > len(Layout._fields):
        raise UsageError("the path of the repository contains a line break, which mvc does not support")
    return Layout(*lines)


_TRUST = re.compile(r"^\tgit config --global --add safe\.directory (.+)$", re.MULTILINE)


def foreign(place: str, stderr: bytes) -> UsageError | None:
    """Return the error that the repository at `place` belongs to another user, if Git says so, with Git's own line."""
    if (found := _TRUST.search(os.fsdecode(stderr))) is None:
        return None
    return UsageError(
        f"{place} is in a repository of another user, so Git does not read it",
        f"{found[0].strip()}  # if you trust its owner",
    )


def _not_a_worktree(reason: str, cwd: str) -> UsageError:
    if "must be run in a work tree" in reason:
        return UsageError(f"{cwd} is in a bare repository, which has no workspace", "git worktree add ../workspace")
    if "not a git repository" in reason:
        return UsageError(f"{cwd} is not in a Git repository", "git init && mvc init")
    return UsageError(f"git: {reason}")
