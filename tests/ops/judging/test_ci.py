"""Which commits a CI system names to judge, by its variables and its event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from mvc.errors import MvcError
from mvc.ops.judging.ci import CiJob, ci_job

ZEROS = "0" * 40
A, B, C = ("abc"[number] * 40 for number in range(3))
BASED = {"ref": "main", "sha": A}
PULL = {"number": 7, "base": BASED, "head": {"ref": "topic", "sha": B}}


def github(event: str, **more: str) -> dict[str, str]:
    return {"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": event, **more}


PUSHED = {"before": A, "after": B, "repository": {"default_branch": "main"}}
JOBS: dict[str, tuple[Mapping[str, str], Mapping[str, Any], CiJob]] = {
    "nowhere": ({}, {}, CiJob()),
    "GitHub, a pull request": (
        github("pull_request"), {"pull_request": PULL},
        CiJob("github", True, "main", (A,), B, True, "git fetch origin pull/7/head"),
    ),
    "GitHub, a pull request, merged": (
        github("pull_request", GITHUB_SHA=C), {"pull_request": PULL},
        CiJob("github", True, "main", (A,), B, True, "git fetch origin pull/7/head", C),
    ),
    "GitHub, a review of one": (
        github("pull_request_review"), {"pull_request": PULL},
        CiJob("github", True, "main", (A,), B, True, "git fetch origin pull/7/head"),
    ),
    "GitHub, a pull request from elsewhere: HEAD is the target": (
        github("pull_request_target"), {"pull_request": PULL},
        CiJob("github", True, "main", (A,), B, False, "git fetch origin pull/7/head"),
    ),
    "GitHub, a merge queue": (
        github("merge_group"), {"merge_group": {"base_sha": A, "head_sha": B, "base_ref": "refs/heads/main"}},
        CiJob("github", True, "", (A,), B),
    ),
    "GitHub, a push": (github("push", GITHUB_REF="refs/heads/main"), PUSHED, CiJob("github", bases=(A,), head=B)),
    "GitHub, the push of a new branch": (
        github("push", GITHUB_REF="refs/heads/topic"), {**PUSHED, "before": ZEROS},
        CiJob("github", target="main", head=B, is_other_branch=True),
    ),
    "GitHub, the first push of the default branch": (
        github("push", GITHUB_REF="refs/heads/main"), {**PUSHED, "before": ZEROS},
        CiJob("github", target="main", head=B),
    ),
    "GitHub, a push that does not say which branch is the default": (
        github("push", GITHUB_REF="refs/heads/main"), {"before": A, "after": B}, CiJob("github", head=B),
    ),
    "GitHub, another push to a branch": (
        github("push", GITHUB_REF="refs/heads/topic"), PUSHED,
        CiJob("github", target="main", head=B, is_other_branch=True),
    ),
    "GitHub, a tag that is called like the default branch": (
        github("push", GITHUB_REF="refs/tags/main"), PUSHED,
        CiJob("github", target="main", head=B, is_other_branch=True),
    ),
    "GitHub's variables elsewhere": ({"GITHUB_EVENT_NAME": "push"}, PUSHED, CiJob()),
    "GitLab, a merge request": (
        {"GITLAB_CI": "true", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main", "CI_COMMIT_SHA": B,
         "CI_MERGE_REQUEST_DIFF_BASE_SHA": C, "CI_MERGE_REQUEST_TARGET_BRANCH_SHA": "", "CI_COMMIT_BEFORE_SHA": ZEROS},
        {}, CiJob("gitlab", True, "main", (), B, True, checked_out=B),
    ),
    "GitLab, a merged result": (
        {"GITLAB_CI": "true", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main", "CI_COMMIT_SHA": C,
         "CI_MERGE_REQUEST_TARGET_BRANCH_SHA": A, "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": B},
        {}, CiJob("gitlab", True, "main", (A,), B, True, checked_out=C),
    ),
    "GitLab, a merge train": (
        {"GITLAB_CI": "true", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main", "CI_COMMIT_SHA": C,
         "CI_MERGE_REQUEST_TARGET_BRANCH_SHA": A, "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": B,
         "CI_MERGE_REQUEST_EVENT_TYPE": "merge_train"},
        {}, CiJob("gitlab", True, "main", (A,), B, True, checked_out=C, head_is_merge=True),
    ),
    "GitLab, a push": (
        {"GITLAB_CI": "true", "CI_COMMIT_BEFORE_SHA": A, "CI_COMMIT_SHA": B, "CI_DEFAULT_BRANCH": "main",
         "CI_COMMIT_BRANCH": "main"},
        {}, CiJob("gitlab", bases=(A,), head=B),
    ),
    "GitLab, another push to a branch": (
        {"GITLAB_CI": "true", "CI_COMMIT_BEFORE_SHA": A, "CI_COMMIT_SHA": B, "CI_DEFAULT_BRANCH": "main",
         "CI_COMMIT_BRANCH": "topic"},
        {}, CiJob("gitlab", target="main", head=B, is_other_branch=True),
    ),
    "GitLab, a tag": (
        {"GITLAB_CI": "true", "CI_COMMIT_BEFORE_SHA": A, "CI_COMMIT_SHA": B, "CI_DEFAULT_BRANCH": "main",
         "CI_COMMIT_TAG": "v1"},
        {}, CiJob("gitlab", target="main", head=B, is_other_branch=True),
    ),
    "GitLab, a new branch": (
        {"GITLAB_CI": "true", "CI_COMMIT_BEFORE_SHA": ZEROS, "CI_COMMIT_SHA": B, "CI_DEFAULT_BRANCH": "main",
         "CI_COMMIT_BRANCH": "topic"},
        {}, CiJob("gitlab", target="main", head=B, is_other_branch=True),
    ),
    "GitLab, a scheduled, manual or first pipeline of the default branch": (
        {"GITLAB_CI": "true", "CI_COMMIT_BEFORE_SHA": ZEROS, "CI_COMMIT_SHA": B, "CI_DEFAULT_BRANCH": "main",
         "CI_COMMIT_BRANCH": "main"},
        {}, CiJob("gitlab", target="main", head=B),
    ),
    "Jenkins, a pull request": (
        {"JENKINS_URL": "https://ci.example.com", "CHANGE_ID": "7", "CHANGE_TARGET": "main"}, {},
        CiJob("jenkins", True, "main"),
    ),
    "Jenkins, a branch": ({"JENKINS_URL": "https://ci.example.com"}, {}, CiJob("jenkins")),
    "Bitbucket, a pull request": (
        {"BITBUCKET_BUILD_NUMBER": "1", "BITBUCKET_PR_DESTINATION_BRANCH": "main",
         "BITBUCKET_PR_DESTINATION_COMMIT": A},
        {}, CiJob("bitbucket", True, "main", (A,)),
    ),
    "Bitbucket, a short commit": (
        {"BITBUCKET_BUILD_NUMBER": "1", "BITBUCKET_PR_DESTINATION_BRANCH": "main",
         "BITBUCKET_PR_DESTINATION_COMMIT": "aaaaaaaaaaaa"},
        {}, CiJob("bitbucket", True, "main"),
    ),
    "Azure, a pull request": (
        {"TF_BUILD": "True", "SYSTEM_PULLREQUEST_TARGETBRANCH": "refs/heads/main",
         "SYSTEM_PULLREQUEST_SOURCECOMMITID": B, "BUILD_SOURCEVERSION": C},
        {}, CiJob("azure", True, "main", (), B, True, checked_out=C),
    ),
    "Azure, a branch": ({"TF_BUILD": "True"}, {}, CiJob("azure")),
}


@pytest.mark.parametrize("case", JOBS)
def test_what_a_ci_system_says(case: str) -> None:
    environ, event, expected = JOBS[case]
    assert ci_job(environ, event) == expected


@pytest.mark.parametrize(
    ("said", "event"),
    [
        (github("issue_comment"), {"issue": {"number": 7}}),
        (github("schedule"), {}),
        (github("pull_request"), {}),
        (github("pull_request"), {"pull_request": {**PULL, "head": {}}}),
        (github("pull_request_target"), {"pull_request": {**PULL, "head": {"sha": "--upload-pack=x"}}}),
        (github("merge_group"), {"merge_group": {"base_sha": A}}),
    ],
)
def test_an_event_that_does_not_say_it_is_not_judged(said: dict[str, str], event: dict[str, Any]) -> None:
    with pytest.raises(MvcError) as caught:
        ci_job(said, event)
    assert caught.value.exit_code == 3
    assert caught.value.fix.startswith("mvc gate --")
