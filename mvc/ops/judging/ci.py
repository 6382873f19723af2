"""The variables of CI systems: which commits to judge, and how to fetch what a clone lacks.

They are from the documentation of each system; docs/ci.md has a section for each.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, TypeAlias

from mvc.errors import MvcError

System: TypeAlias = Literal["", "github", "gitlab", "jenkins", "bitbucket", "azure"]

MAX_EVENT = 32 << 20
"""Bytes of an event that are read; GitHub's have at most 25 MB."""
_OID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")

DEEPER: Mapping[System, str] = {
    "": "git fetch --unshallow",
    "github": "fetch-depth: 0  # below with: of actions/checkout",
    "gitlab": 'GIT_DEPTH: "0"  # below variables: in .gitlab-ci.yml',
    "jenkins": "git fetch --unshallow  # or remove shallow clone from the checkout",
    "bitbucket": "clone: {depth: full}  # in bitbucket-pipelines.yml",
    "azure": "fetchDepth: 0  # below checkout: self",
}
"""By system: how to fetch the whole history."""
WHOLE: Mapping[System, str] = {
    "": "git clone URL  # without --filter",
    "github": "remove filter: and sparse-checkout: from with: of actions/checkout",
    "gitlab": "remove --filter from GIT_CLONE_EXTRA_FLAGS and GIT_FETCH_EXTRA_FLAGS in .gitlab-ci.yml",
    "jenkins": "git clone URL  # without --filter",
    "bitbucket": "clone: {depth: full}  # in bitbucket-pipelines.yml, without filter:",
    "azure": "remove fetchFilter: from checkout: self",
}
"""By system: how to fetch all blobs."""


class CiJob(NamedTuple):
    """A job of a CI system; empty outside of one."""

    system: System = ""
    is_pull_request: bool = False
    """Whether the job is for a pull request, so that there must be a change to judge."""
    target: str = ""
    """The branch to merge into."""
    bases: tuple[str, ...] = ()
    """Former tips of that branch; the newest of them and the tip of `target` is the base."""
    head: str = ""
    """The commit to merge; empty: HEAD."""
    may_check_out_merge: bool = False
    """Whether HEAD may be the system's merge commit of the two."""
    fetch: str = ""
    """What to type when this clone lacks `head`."""
    checked_out: str = ""
    """The commit that the system has checked out; empty if it does not say it. Any other was not made by the system."""
    head_is_merge: bool = False
    """Whether HEAD is what the system would land (merged, squashed or rebased) if it contains the newest base."""
    is_other_branch: bool = False
    """Whether the job is for a branch or tag beside the default branch, which may have all of it already."""


def ci_job(environ: Mapping[str, str], event: Mapping[str, Any]) -> CiJob:
    """Return the job that the variables of a CI system describe; `event` is GitHub's, from JSON.

    Raises:
        MvcError: the job runs for an event that does not define what would be merged.
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
        return CiJob("jenkins", is_pull_request=bool(target), target=target)
    return CiJob()


def read_event(environ: Mapping[str, str]) -> Mapping[str, Any]:
    """Return the event that GitHub Actions provides; empty elsewhere.

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
        raise MvcError(f"cannot read the event in {path}: {error}", "mvc gate --base REV --head REV") from None
    return data if isinstance(data, dict) else {}


def _github(environ: Mapping[str, str], event: Mapping[str, Any]) -> CiJob:
    name = environ.get("GITHUB_EVENT_NAME", "")
    if pull := _part(event, "pull_request"):
        base, head = _part(pull, "base"), _part(pull, "head")
        return CiJob(
            "github",
            is_pull_request=True,
            target=_text(base, "ref") or environ.get("GITHUB_BASE_REF", ""),
            bases=_oids(_text(base, "sha")),
            head=_required(_text(head, "sha"), name),
            may_check_out_merge=name != "pull_request_target",  # there HEAD is a branch of the repository itself
            fetch=f"git fetch origin pull/{pull.get('number')}/head",
            checked_out=_oid(environ.get("GITHUB_SHA", "")),
        )
    if group := _part(event, "merge_group"):
        bases, head_oid = _oids(_text(group, "base_sha")), _required(_text(group, "head_sha"), name)
        return CiJob("github", is_pull_request=True, bases=bases, head=head_oid)
    if name == "push":
        default = _text(_part(event, "repository"), "default_branch")
        branch = environ.get("GITHUB_REF", "").removeprefix("refs/heads/")
        return _push(CiJob("github", head=_oid(_text(event, "after"))), _text(event, "before"), branch, default)
    message = f"the event {name or '?'} does not say what would be merged into what"
    raise MvcError(message, "mvc gate --base REV --head REV  # or: mvc gate --all")


def _gitlab(environ: Mapping[str, str]) -> CiJob:
    if target := environ.get("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", ""):
        sources = ("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", "CI_COMMIT_SHA")
        return CiJob(
            "gitlab",
            is_pull_request=True,
            target=target,
            bases=_oids(environ.get("CI_MERGE_REQUEST_TARGET_BRANCH_SHA", "")),  # only with merged results
            head=next(filter(None, (_oid(environ.get(name, "")) for name in sources)), ""),
            may_check_out_merge=True,
            checked_out=_oid(environ.get("CI_COMMIT_SHA", "")),
            head_is_merge=environ.get("CI_MERGE_REQUEST_EVENT_TYPE", "") in ("merge_train", "merged_result"),
        )
    before, branch, default = (
        environ.get(name, "") for name in ("CI_COMMIT_BEFORE_SHA", "CI_COMMIT_BRANCH", "CI_DEFAULT_BRANCH")
    )
    return _push(CiJob("gitlab", head=_oid(environ.get("CI_COMMIT_SHA", ""))), before, branch, default)


def _azure(environ: Mapping[str, str]) -> CiJob:
    target = environ.get("SYSTEM_PULLREQUEST_TARGETBRANCH", "").removeprefix("refs/heads/")
    if not target:
        return CiJob("azure")
    head = _oid(environ.get("SYSTEM_PULLREQUEST_SOURCECOMMITID", ""))
    merge = _oid(environ.get("BUILD_SOURCEVERSION", ""))
    job = CiJob("azure", is_pull_request=True, target=target, head=head, may_check_out_merge=True)
    return job._replace(checked_out=merge)


def _bitbucket(environ: Mapping[str, str]) -> CiJob:
    target = environ.get("BITBUCKET_PR_DESTINATION_BRANCH", "")
    if not target:
        return CiJob("bitbucket")
    bases = _oids(environ.get("BITBUCKET_PR_DESTINATION_COMMIT", ""))
    return CiJob("bitbucket", is_pull_request=True, target=target, bases=bases)


def _push(job: CiJob, before: str, branch: str, default: str) -> CiJob:
    """Return the job of a push: to the default branch compared with the commit before, else with that branch.

    The commit before is unknown (all zeros) for a new branch and, on GitLab, for manual and scheduled pipelines.
    """
    if branch != default:
        return job._replace(target=default, is_other_branch=bool(default))
    bases = _oids(before)
    return job._replace(bases=bases) if bases else job._replace(target=default)


def _part(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = data.get(key)
    return found if isinstance(found, dict) else {}


def _text(data: Mapping[str, Any], key: str) -> str:
    found = data.get(key)
    return found if isinstance(found, str) else ""


def _required(oid: str, event: str) -> str:
    if not _oid(oid):
        raise MvcError(f"the event {event or '?'} does not name the commit to judge", "mvc gate --head REV")
    return oid


def _oid(text: str) -> str:
    """Return the object id `text`; empty for other text, and for all zeros."""
    return text if _OID.fullmatch(text) and text.strip("0") else ""


def _oids(text: str) -> tuple[str, ...]:
    return (text,) if _oid(text) else ()
