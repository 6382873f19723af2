"""The two commits that the gate judges: from the command line, the CI system or the default branch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

from mvc.errors import MvcError, UsageError
from mvc.ops.judging.ci import DEEPER, WHOLE, CiJob, System
from mvc.scm.commits import contains, find_commit, no_such_revision, parents
from mvc.scm.incomplete import is_partial, is_shallow, lacks_tags
from mvc.scm.plumbing import Git, MissingGitObject
from mvc.scm.refs import Ref, default_branch, remote_tip

_SHORT = 12


class Revisions(NamedTuple):
    """The two commits."""

    base: str
    """Empty when a whole tree is judged."""
    head: str
    system: System = ""
    is_pull_request: bool = False
    may_be_merged: bool = False
    """Whether base may contain head already: it was typed, or head is of another branch."""
    steps: tuple[str, ...] = ()
    """How the commits were found: `base 1234567890ab: origin/main, the default branch`."""

    def with_head(self, commit: str, source: str) -> Revisions:
        """Return the revisions with another head."""
        return self._replace(head=commit, steps=(*self.steps, f"head {commit[:_SHORT]}: {source}"))

    def with_base(self, commit: str, source: str) -> Revisions:
        """Return the revisions with another base."""
        return self._replace(base=commit, steps=(*self.steps, f"base {commit[:_SHORT]}: {source}"))

    def without_base(self, source: str) -> Revisions:
        """Return the revisions for all of head."""
        return self._replace(base="", steps=(*self.steps, f"no base: {source}"))


def revisions(git: Git, job: CiJob, base: str = "", head: str = "") -> Revisions:
    """Return the commits to judge; `base` and `head` are the revisions that the user typed.

    Raises:
        UsageError: a typed revision is not a commit, or the target branch is unknown.
        MvcError: this clone lacks a commit that the CI system names, or older commits.
    """
    if is_shallow(git):
        raise MvcError("this clone is shallow: the gate needs the history of the target branch", DEEPER[job.system])
    if lack := lacks_tags(git):
        raise MvcError(f"{lack.what}: the gate needs the versions that they register", lack.fix)
    may_be_merged = bool(base or head) or job.is_other_branch
    found = Revisions("", "", job.system, job.is_pull_request and not (base and head), may_be_merged, _job_steps(job))
    found = typed_head(git, found, head) if head else _with_head_of(git, job, found)
    if base:
        return found.with_base(typed_commit(git, base), f"--base {base}")
    if job.system and (job.target or job.bases):
        return resolve_base(git, job, found, head_is_typed=bool(head))
    branch = default_base(git)
    return found.with_base(branch.commit, f"{branch.name}, the default branch")


def typed_head(git: Git, found: Revisions, head: str) -> Revisions:
    """Return the revisions with the head that the user typed.

    Raises:
        UsageError: it is not a commit.
    """
    return found.with_head(typed_commit(git, head), f"--head {head}")


def _job_steps(job: CiJob) -> tuple[str, ...]:
    if not job.system:
        return ()
    kind = "a pull request" if job.is_pull_request else "no pull request"
    return (f"job: {job.system}, {kind}{f', target {job.target}' if job.target else ''}",)


def typed_commit(git: Git, revision: str) -> str:
    """Return the commit that a typed revision names.

    Raises:
        UsageError: it is not a commit.
        MvcError: Git failed.
    """
    if found := find_commit(git, revision):
        return found
    raise no_such_revision(revision)


def _with_head_of(git: Git, job: CiJob, found: Revisions) -> Revisions:
    if not job.head:
        return found.with_head(typed_commit(git, "HEAD"), "HEAD")
    if commit := find_commit(git, job.head):
        return found.with_head(commit, "the commit that the job names")
    raise MvcError(f"the commit to judge, {job.head[:12]}, is not in this clone", job.fetch or DEEPER[job.system])


def resolve_base(git: Git, job: CiJob, found: Revisions, *, head_is_typed: bool) -> Revisions:
    """Return the revisions with the newest known base, and with HEAD as head where the system has merged the two.

    A merge into a commit that is on no known base counts for nothing: that commit would pass unjudged.

    Raises:
        MvcError: this clone lacks the target branch, or knows less of it than the checked-out merge.
    """
    here = typed_commit(git, "HEAD")
    made_by_system = not head_is_typed and job.checked_out in ("", here)
    tip = remote_tip(git, job.target) if job.target else ""
    known = [commit for name in job.bases if (commit := find_commit(git, name))]
    merged = _merged_into(git, here, found.head) if job.may_check_out_merge and made_by_system else ""
    sources = dict.fromkeys(known, "the base that the job names") | ({tip: f"{job.target} as fetched"} if tip else {})
    base = _newest(git, [commit for commit in (tip, *known) if commit])
    if not base:
        raise _no_base(job)
    if merged and not tip and not contains(git, base, merged):
        raise _unknown_parent(job, merged)
    lands = job.head_is_merge and made_by_system and here != base and contains(git, here, base)
    found = found.with_base(base, _source(base, sources))
    if lands:
        return found.with_head(here, "HEAD, which the system would land")
    return found.with_head(here, "HEAD, where the system merged the two") if base == merged else found


def _source(base: str, sources: Mapping[str, str]) -> str:
    """Return why a commit is the base, of all commits that may be it."""
    others = [f"{source}, {commit[:_SHORT]}" for commit, source in sources.items() if commit != base]
    return f"{sources[base]}, rather than {', or '.join(others)}" if others else sources[base]


def _newest(git: Git, commits: list[str]) -> str:
    """Return the last of `commits` that contains those before it; empty without any."""
    newest = ""
    for commit in commits:
        newest = commit if not newest or contains(git, commit, newest) else newest
    return newest


def _merged_into(git: Git, commit: str, head: str) -> str:
    """Return the first parent of `commit` if that merges `head` into it; empty otherwise."""
    match parents(git, commit):
        case (base, merged) if merged == head:
            return base
    return ""


def _unknown_parent(job: CiJob, parent: str) -> MvcError:
    message = f"the checked-out merge was made into {parent[:12]}, which is on no known tip of {job.target}"
    return MvcError(message, _fetch(job))


def _no_base(job: CiJob) -> MvcError:
    if not job.target:
        message = f"the commit before, {job.bases[0][:12]}, is not in this clone"
        return MvcError(message, f"{DEEPER[job.system]}; after a forced push: mvc gate --base REV")
    return MvcError(f"the target branch {job.target} is not in this clone", _fetch(job))


def _fetch(job: CiJob) -> str:
    return f"git fetch origin +refs/heads/{job.target}:refs/remotes/origin/{job.target}"


def default_base(git: Git) -> Ref:
    """Return the default branch.

    Raises:
        UsageError: this clone has none.
    """
    if found := default_branch(git):
        return found
    message = "the target branch is unknown: this clone has no main or master, neither local nor of origin"
    raise UsageError(message, "mvc gate --base REV")


@contextmanager
def partial_clone_hint(git: Git, system: System) -> Iterator[None]:
    """Add to errors in a partial clone how to fetch the missing objects.

    Raises:
        MvcError: any error raised inside.
    """
    try:
        yield
    except MvcError as error:
        if isinstance(error, UsageError) or not is_partial(git):
            raise
        fix = error.fix if isinstance(error, MissingGitObject) and not system else WHOLE[system]
        raise MvcError(f"{error.message} (this is a partial clone)", fix) from None
