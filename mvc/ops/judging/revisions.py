"""Which two commits the gate judges: as it is typed, as a CI system tells it, or what this clone would merge into.

The variables are those of the systems' own documentation; docs/gate.md has a page for each.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, TypeAlias

from mvc.errors import MvcError, UsageError
from mvc.scm.commits import contains, find_commit, parents
from mvc.scm.incomplete import is_partial, is_shallow, lacks_tags
from mvc.scm.plumbing import Git
from mvc.scm.refs import local_base, remote_tip

System: TypeAlias = Literal["", "github", "gitlab", "jenkins", "bitbucket", "azure"]

MAX_EVENT = 32 << 20
"""Bytes of an event that are read; GitHub's have at most 25 MB."""
_OID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")

DEEPER: Mapping[System, str] = {
    "": "git fetch --unshallow",
    "github": "fetch-depth: 0  # below with: of actions/checkout",
    "gitlab": 'GIT_DEPTH: "0"  # below variables: in .gitlab-ci.yml',
    "jenkins": "git fetch --unshallow  # or take shallow clone out of the checkout",
    "bitbucket": "clone: {depth: full}  # in bitbucket-pipelines.yml",
    "azure": "fetchDepth: 0  # below checkout: self",
}
"""By system, what brings the whole history."""
WHOLE: Mapping[System, str] = {
    "": "git clone URL  # without --filter",
    "github": "take filter: and sparse-checkout: out of with: of actions/checkout",
    "gitlab": "take --filter out of GIT_CLONE_EXTRA_FLAGS and GIT_FETCH_EXTRA_FLAGS in .gitlab-ci.yml",
    "jenkins": "git clone URL  # without --filter",
    "bitbucket": "clone: {depth: full}  # in bitbucket-pipelines.yml, without filter:",
    "azure": "take fetchFilter: out of checkout: self",
}
"""By system, what brings all blobs."""


class Told(NamedTuple):
    """What the surroundings say; nothing when no CI system is known."""

    system: System = ""
    pull: bool = False
    """Whether a pull request is judged, so that there must be something to judge."""
    target: str = ""
    """The branch that is merged into."""
    bases: tuple[str, ...] = ()
    """Commits that the branch was at; the newest counts, or a newer tip of `target`."""
    head: str = ""
    """The commit that is merged; empty: HEAD."""
    merge: bool = False
    """Whether HEAD may be a merge that the system made of the two."""
    fetch: str = ""
    """What to type when this clone lacks `head`."""
    made: bool = False
    """Whether HEAD is what the system would land, be it a merge, squashed or rebased, if it has the newest base."""


class Revisions(NamedTuple):
    """What is judged."""

    base: str
    head: str
    system: System = ""
    pull: bool = False


# What the surroundings say.


def told(environ: Mapping[str, str], event: Mapping[str, Any]) -> Told:
    """Return what the variables of a CI system, and the event that GitHub hands over as JSON, say.

    Raises:
        MvcError: the system runs for something of which nobody can say what it would merge.

    """
    if environ.get("GITHUB_ACTIONS") == "true":
        return _github(environ, event)
    if environ.get("GITLAB_CI") == "true":
        return _gitlab(environ)
    if environ.get("TF_BUILD", "").lower() == "true":
        return _azure(environ)
    if environ.get("BITBUCKET_BUILD_NUMBER"):
        return _bitbucket(environ)
    if environ.get("JENKINS_URL") or environ.get("CHANGE_TARGET"):
        target = environ.get("CHANGE_TARGET", "")
        return Told("jenkins", pull=bool(target), target=target)
    return Told()


def _github(environ: Mapping[str, str], event: Mapping[str, Any]) -> Told:
    name = environ.get("GITHUB_EVENT_NAME", "")
    if pull := _part(event, "pull_request"):
        base, head = _part(pull, "base"), _part(pull, "head")
        return Told(
            "github",
            pull=True,
            target=_text(base, "ref") or environ.get("GITHUB_BASE_REF", ""),
            bases=_oids(_text(base, "sha")),
            head=_demanded(_text(head, "sha"), name),
            merge=name != "pull_request_target",  # there HEAD is the target branch
            fetch=f"git fetch origin pull/{pull.get('number')}/head",
        )
    if group := _part(event, "merge_group"):
        head_oid = _demanded(_text(group, "head_sha"), name)
        return Told("github", pull=True, bases=_oids(_text(group, "base_sha")), head=head_oid)
    if name == "push":
        default = _text(_part(event, "repository"), "default_branch")
        branch = environ.get("GITHUB_REF", "").removeprefix("refs/heads/")
        before = _text(event, "before") if branch == default else ""
        return _push(Told("github", head=_oid(_text(event, "after"))), before, default)
    message = f"an event of the kind {name or '?'} does not say what would be merged into what"
    raise MvcError(message, "mvc gate --base REV --head REV, or mvc gate --all")


def _gitlab(environ: Mapping[str, str]) -> Told:
    if target := environ.get("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", ""):
        bases = _oids(environ.get("CI_MERGE_REQUEST_TARGET_BRANCH_SHA", ""))  # only with merged results
        head = _oid(environ.get("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", ""))
        head = head or _oid(environ.get("CI_COMMIT_SHA", ""))
        made = environ.get("CI_MERGE_REQUEST_EVENT_TYPE", "") in ("merge_train", "merged_result")
        return Told("gitlab", pull=True, target=target, bases=bases, head=head, merge=True, made=made)
    default = environ.get("CI_DEFAULT_BRANCH", "")
    before = environ.get("CI_COMMIT_BEFORE_SHA", "") if environ.get("CI_COMMIT_BRANCH", "") == default else ""
    return _push(Told("gitlab", head=_oid(environ.get("CI_COMMIT_SHA", ""))), before, default)


def _azure(environ: Mapping[str, str]) -> Told:
    target = environ.get("SYSTEM_PULLREQUEST_TARGETBRANCH", "").removeprefix("refs/heads/")
    if not target:
        return Told("azure")
    head = _oid(environ.get("SYSTEM_PULLREQUEST_SOURCECOMMITID", ""))
    return Told("azure", pull=True, target=target, head=head, merge=True)


def _bitbucket(environ: Mapping[str, str]) -> Told:
    target = environ.get("BITBUCKET_PR_DESTINATION_BRANCH", "")
    if not target:
        return Told("bitbucket")
    bases = _oids(environ.get("BITBUCKET_PR_DESTINATION_COMMIT", ""))
    return Told("bitbucket", pull=True, target=target, bases=bases)


def _push(said: Told, before: str, default: str) -> Told:
    """Return what a push says: without a commit before, what is pushed is held against the default branch."""
    bases = _oids(before)
    return said._replace(bases=bases) if bases else said._replace(target=default)


def _part(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = data.get(key)
    return found if isinstance(found, dict) else {}


def _text(data: Mapping[str, Any], key: str) -> str:
    found = data.get(key)
    return found if isinstance(found, str) else ""


def _demanded(oid: str, event: str) -> str:
    if not _oid(oid):
        raise MvcError(f"the event of the kind {event or '?'} does not name the commit to judge", "mvc gate --head REV")
    return oid


def _oid(text: str) -> str:
    """Return a commit's name; empty for what is none, and for the zeros that stand for no commit."""
    return text if _OID.fullmatch(text) and text.strip("0") else ""


def _oids(text: str) -> tuple[str, ...]:
    return (text,) if _oid(text) else ()


def read_event(environ: Mapping[str, str]) -> Mapping[str, Any]:
    """Return the event that GitHub hands over; nothing where it does not run this.

    Raises:
        MvcError: it cannot be read.

    """
    path = environ.get("GITHUB_EVENT_PATH", "")
    if environ.get("GITHUB_ACTIONS") != "true" or not path:
        return {}
    try:
        with open(path, "rb") as file:
            data = json.loads(file.read(MAX_EVENT))
    except (OSError, ValueError, RecursionError) as error:
        raise MvcError(f"the event in {path} cannot be read: {error}", "mvc gate --base REV --head REV") from None
    return data if isinstance(data, dict) else {}


# What this clone has of it.


def revisions(git: Git, said: Told, base: str = "", head: str = "") -> Revisions:
    """Return what to judge; `base` and `head` count where they are typed.

    Raises:
        UsageError: what is typed names no commit, or nothing says what to merge into.
        MvcError: this clone lacks what the CI system speaks of, or older commits.

    """
    if is_shallow(git):
        message = "this clone is shallow: it lacks the commits that say what was before"
        raise MvcError(message, DEEPER[said.system])
    if lack := lacks_tags(git):
        raise MvcError(f"{lack.what}, and what they register counts", lack.fix)
    pull = said.pull and not (base and head)
    found = Revisions("", _typed(git, head) if head else _head(git, said), said.system, pull)
    if base:
        found = found._replace(base=_typed(git, base))
    elif said.system and (said.target or said.bases):
        found = _beside(git, said, found, free=not head)
    else:
        found = found._replace(base=_usual(git))
    return found


def _typed(git: Git, revision: str) -> str:
    if found := find_commit(git, revision):
        return found
    raise UsageError(f"{revision!r} is no revision of this repository", "git log --oneline")


def _head(git: Git, said: Told) -> str:
    if not said.head:
        return _typed(git, "HEAD")
    if found := find_commit(git, said.head):
        return found
    raise MvcError(f"the commit to judge, {said.head[:12]}, is not in this clone", said.fetch or DEEPER[said.system])


def _beside(git: Git, said: Told, found: Revisions, *, free: bool) -> Revisions:
    """Return the newest base that is known; HEAD where the system has merged the two already."""
    tip = remote_tip(git, said.target) if said.target else ""
    merged = _merge_of(git, found.head) if said.merge and free else ""
    known = [commit for name in said.bases if (commit := find_commit(git, name))]
    candidates = [commit for commit in (tip, merged, *known) if commit]
    if not candidates:
        raise _no_base(said)
    base = candidates[0]
    for other in candidates[1:]:
        base = other if contains(git, other, base) else base
    here = _typed(git, "HEAD")
    lands = base == merged or (said.made and free and here != base and contains(git, here, base))
    return found._replace(base=base, head=here if lands else found.head)


def _merge_of(git: Git, head: str) -> str:
    """Return what HEAD merges `head` into, if it is such a merge; empty otherwise."""
    lines = parents(git, _typed(git, "HEAD"))
    if len(lines) == 2 and lines[1] == head:  # noqa: PLR2004 - the two sides of a merge
        return lines[0]
    return ""


def _no_base(said: Told) -> MvcError:
    if not said.target:
        message = f"the commit before, {said.bases[0][:12]}, is not in this clone"
        return MvcError(message, f"{DEEPER[said.system]}; after a forced push: mvc gate --base REV")
    fetch = f"git fetch origin +refs/heads/{said.target}:refs/remotes/origin/{said.target}"
    return MvcError(f"the target branch {said.target} is not in this clone", fetch)


def _usual(git: Git) -> str:
    if found := local_base(git):
        return found
    message = "nothing says what would be merged into: this clone has neither main nor master, of its own or of origin"
    raise UsageError(message, "mvc gate --base REV")


def lacking(git: Git, system: System, error: MvcError) -> MvcError:
    """Return an error of reading Git with what brings the missing objects, where the clone is a partial one."""
    if isinstance(error, UsageError) or not is_partial(git):
        return error
    what = "an object that is needed is not here" if " failed: " in error.message else error.message
    return MvcError(f"{what} (the clone is a partial one)", WHOLE[system])
