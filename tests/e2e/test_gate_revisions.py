"""Which commits the gate judges: as CI systems tell it, with clones as they make them; never nothing by accident."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from harness import Repo

from mvc.ops.judging.ci import DEEPER, WHOLE

ZEROS = "0" * 40
A, B, C = ("abc"[number] * 40 for number in range(3))
BASED = {"ref": "main", "sha": A}
PULL = {"number": 7, "base": BASED, "head": {"ref": "topic", "sha": B}}


def github(event: str, **more: str) -> dict[str, str]:
    return {"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": event, **more}


# With clones as CI systems make them.


@pytest.fixture
def hub(repo: Repo) -> Repo:
    """Return a repository with a branch `topic` that brings a model without a report, and a `main` that moved on."""
    repo.git("switch", "-qc", "topic")
    repo.write("m.bin", "weights")
    repo.ok("add", "m.bin")
    repo.commit("no report")
    repo.git("update-ref", "refs/pull/7/head", "topic")
    repo.git("switch", "-q", "main")
    repo.write("other.txt", "1")
    repo.git("add", "other.txt")
    repo.commit("main moved on")
    repo.git("switch", "-q", "--detach", "main")
    repo.git("merge", "-q", "--no-ff", "-m", "merge", "topic")
    repo.git("update-ref", "refs/pull/7/merge", "HEAD")
    repo.git("switch", "-q", "main")
    return repo


def checked_out(hub: Repo, folder: Path, revision: str, *options: str, refs: str = "+refs/heads/*") -> Repo:
    """Clone as actions/checkout does: fetch, then check out without a branch."""
    folder.mkdir()
    clone = Repo(folder, hub.environ)
    clone.git("init", "-q")
    clone.git("remote", "add", "origin", f"file://{hub.root}")
    names = [f"{refs}:refs/remotes/origin/*"] if refs else []
    clone.git("fetch", "-q", "--no-tags", *options, "origin", *names, f"+{revision}:refs/remotes/ci/it")
    clone.git("checkout", "-q", "--detach", "refs/remotes/ci/it")
    return clone


def event(clone: Repo, name: str, data: Mapping[str, Any]) -> dict[str, str]:
    path = clone.root.parent / "event.json"
    path.write_text(json.dumps(data))
    return github(name, GITHUB_EVENT_PATH=str(path))


def pull(hub: Repo, base: str = "main", head: str = "refs/pull/7/head") -> dict[str, Any]:
    shas = {"base": hub.git("rev-parse", base), "head": hub.git("rev-parse", head)}
    return {"pull_request": {"number": 7, **{side: {"ref": "main", "sha": sha} for side, sha in shas.items()}}}


def blocked(clone: Repo, env: Mapping[str, str], *args: str) -> dict[str, Any]:
    """Return the verdict, which must be about the model without a report."""
    result = clone.mvc("gate", "--json", *args, env=env)
    assert result.code == 1, result
    assert [(item["code"], item["path"]) for item in result.json["findings"] if item["severity"] == "error"] == [
        ("MVC101", "m.bin"),
    ]
    return result.json


def test_a_merge_ref_is_judged_as_it_is(hub: Repo, tmp_path: Path) -> None:
    clone = checked_out(hub, tmp_path / "ci", "refs/pull/7/merge")
    found = blocked(clone, event(clone, "pull_request", pull(hub)))
    assert (found["base"], found["head"]) == (hub.git("rev-parse", "main"), clone.git("rev-parse", "HEAD"))


def test_a_merge_ref_alone_is_enough_if_the_event_names_its_parent(hub: Repo, tmp_path: Path) -> None:
    clone = checked_out(hub, tmp_path / "ci", "refs/pull/7/merge", refs="")
    found = blocked(clone, event(clone, "pull_request", pull(hub)))
    assert (found["base"], found["head"]) == (hub.git("rev-parse", "main"), clone.git("rev-parse", "HEAD"))
    env = event(clone, "pull_request", pull(hub, base="main~1"))
    result = clone.fails(3, "gate", env=env)
    assert "is on no known tip of main" in result.errors[0]
    assert clone.shell(result.fixes[0]).code == 0
    assert blocked(clone, env)["base"] == hub.git("rev-parse", "main")


def test_a_merge_into_a_commit_of_the_pull_request_is_not_judged_alone(hub: Repo, tmp_path: Path) -> None:
    """What is checked out merges the head into a commit that brings the model, as if main had it."""
    hub.git("switch", "-q", "--detach", "main")
    hub.git("cherry-pick", "topic")
    forged = hub.git("commit-tree", "HEAD^{tree}", "-p", "HEAD", "-p", "topic", "-m", "forged")
    hub.git("update-ref", "refs/pull/7/merge", forged)
    clone = checked_out(hub, tmp_path / "ci", "refs/pull/7/merge")
    assert blocked(clone, event(clone, "pull_request", pull(hub)))["base"] == hub.git("rev-parse", "main")


def test_a_base_that_moved_on_since_counts(hub: Repo, tmp_path: Path) -> None:
    data = pull(hub)
    hub.write("other.txt", "2")
    hub.git("commit", "-qam", "and on")
    clone = checked_out(hub, tmp_path / "ci", "refs/pull/7/merge")
    found = blocked(clone, event(clone, "pull_request", data))
    assert (found["base"], found["head"]) == (hub.git("rev-parse", "main"), hub.git("rev-parse", "topic"))


def test_the_head_of_a_pull_request_that_was_checked_out_instead(hub: Repo, tmp_path: Path) -> None:
    clone = checked_out(hub, tmp_path / "ci", "refs/pull/7/head")
    assert blocked(clone, event(clone, "pull_request", pull(hub)))["base"] == hub.git("rev-parse", "main")


def test_pull_request_target_judges_the_head_and_not_what_is_checked_out(hub: Repo, tmp_path: Path) -> None:
    clone = checked_out(hub, tmp_path / "ci", "refs/heads/main", refs="")
    env = event(clone, "pull_request_target", pull(hub))
    result = clone.fails(3, "gate", env=env)
    assert result.fixes == ["git fetch origin pull/7/head"]
    clone.git("fetch", "-q", "origin", "pull/7/head")
    assert blocked(clone, env)["head"] == hub.git("rev-parse", "topic")
    assert blocked(clone, env, "--base", "HEAD")["head"] == hub.git("rev-parse", "topic")


def test_a_merge_queue_and_a_push(hub: Repo, tmp_path: Path) -> None:
    clone = checked_out(hub, tmp_path / "ci", "refs/pull/7/merge")
    base, head = hub.git("rev-parse", "main"), clone.git("rev-parse", "HEAD")
    blocked(clone, event(clone, "merge_group", {"merge_group": {"base_sha": base, "head_sha": head}}))
    main = {"repository": {"default_branch": "main"}}
    to_main = {"GITHUB_REF": "refs/heads/main"}
    blocked(clone, {**event(clone, "push", {"before": base, "after": head, **main}), **to_main})
    new = {"before": ZEROS, "after": head, "repository": {"default_branch": "main"}}
    assert blocked(clone, event(clone, "push", new))["base"] == base
    forced = clone.fails(3, "gate", env={**event(clone, "push", {"before": A, "after": head, **main}), **to_main})
    assert "aaaaaaaaaaaa, is not in this clone" in forced.errors[0]


def test_a_second_push_to_a_branch_is_judged_with_the_first(hub: Repo, tmp_path: Path) -> None:
    bad = hub.git("rev-parse", "topic")
    hub.git("switch", "-q", "topic")
    hub.write("readme.md", "1")
    hub.git("add", "readme.md")
    hub.commit("a harmless one")
    clone = checked_out(hub, tmp_path / "ci", "refs/heads/topic")
    push = {"before": bad, "after": hub.git("rev-parse", "topic"), "repository": {"default_branch": "main"}}
    github_push = {**event(clone, "push", push), "GITHUB_REF": "refs/heads/topic"}
    gitlab_push = {
        "GITLAB_CI": "true", "CI_COMMIT_BRANCH": "topic", "CI_DEFAULT_BRANCH": "main",
        "CI_COMMIT_BEFORE_SHA": bad, "CI_COMMIT_SHA": push["after"],
    }
    for env in (github_push, gitlab_push):
        assert blocked(clone, env)["base"] == hub.git("rev-parse", "main")


def test_a_pull_request_whose_head_is_in_base_is_not_judged(hub: Repo, tmp_path: Path) -> None:
    clone = checked_out(hub, tmp_path / "ci", "refs/heads/main")
    result = clone.fails(3, "gate", env=event(clone, "pull_request", pull(hub, head="main~1")))
    assert "but this job is for a pull request" in result.errors[0]
    jenkins = {"JENKINS_URL": "x", "CHANGE_TARGET": "main"}
    clone.fails(3, "gate", env=jenkins)


def test_an_event_that_cannot_be_read(hub: Repo, tmp_path: Path) -> None:
    (tmp_path / "event.json").write_text("{")
    for path in (tmp_path / "event.json", tmp_path / "missing.json"):
        hub.fails(3, "gate", env=github("pull_request", GITHUB_EVENT_PATH=str(path)))


@pytest.mark.parametrize(
    "said",
    [
        {"GITLAB_CI": "true", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main"},
        {"JENKINS_URL": "x", "CHANGE_TARGET": "main"},
        {"BITBUCKET_BUILD_NUMBER": "1", "BITBUCKET_PR_DESTINATION_BRANCH": "main"},
        {"TF_BUILD": "True", "SYSTEM_PULLREQUEST_TARGETBRANCH": "refs/heads/main"},
    ],
    ids=["gitlab", "jenkins", "bitbucket", "azure"],
)
@pytest.mark.parametrize("revision", ["head", "merge"])
def test_other_systems_judge_head_against_the_target_branch(
    hub: Repo, tmp_path: Path, said: dict[str, str], revision: str,
) -> None:
    clone = checked_out(hub, tmp_path / "ci", f"refs/pull/7/{revision}")
    assert blocked(clone, said)["base"] == hub.git("rev-parse", "main")


@pytest.mark.parametrize("kind", ["merge_train", "merged_result", "detached", ""])
def test_what_a_merge_train_lands_is_judged_however_it_lands(hub: Repo, tmp_path: Path, kind: str) -> None:
    """Squashed or rebased, it is no merge of the source branch: its commits are others."""
    tree = hub.git("rev-parse", "refs/pull/7/merge^{tree}")
    hub.git("update-ref", "refs/ci/train", hub.git("commit-tree", tree, "-p", "main", "-m", "rebased"))
    clone = checked_out(hub, tmp_path / "ci", "refs/ci/train")
    clone.git("fetch", "-q", "origin", "refs/pull/7/head")
    said = {
        "GITLAB_CI": "true", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main", "CI_MERGE_REQUEST_EVENT_TYPE": kind,
        "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": hub.git("rev-parse", "topic"),
    }
    train = kind in ("merge_train", "merged_result")
    assert blocked(clone, said)["head"] == hub.git("rev-parse", "refs/ci/train" if train else "topic")
    clone.git("checkout", "-q", "--detach", "origin/main")
    assert blocked(clone, said)["head"] == hub.git("rev-parse", "topic")
    hub.git("commit", "-q", "--allow-empty", "-m", "main moved on")
    clone.git("fetch", "-q", "origin", "+refs/heads/main:refs/remotes/origin/main")
    clone.git("checkout", "-q", "--detach", "refs/remotes/ci/it")
    assert blocked(clone, said)["head"] == hub.git("rev-parse", "topic")


def test_a_target_branch_that_is_not_there(hub: Repo, tmp_path: Path) -> None:
    clone = checked_out(hub, tmp_path / "ci", "refs/pull/7/head", refs="")
    result = clone.fails(3, "gate", env={"JENKINS_URL": "x", "CHANGE_TARGET": "main"})
    assert result.fixes == ["git fetch origin +refs/heads/main:refs/remotes/origin/main"]
    assert clone.shell(result.fixes[0]).code == 0
    blocked(clone, {"JENKINS_URL": "x", "CHANGE_TARGET": "main"})


SYSTEMS = {
    "": {},
    "github": github("push", GITHUB_EVENT_PATH=""),
    "gitlab": {"GITLAB_CI": "true"},
    "jenkins": {"JENKINS_URL": "x"},
    "bitbucket": {"BITBUCKET_BUILD_NUMBER": "1"},
    "azure": {"TF_BUILD": "True"},
}


@pytest.mark.parametrize("system", DEEPER)
def test_a_shallow_clone_is_not_judged_and_the_line_is_the_systems_own(hub: Repo, tmp_path: Path, system: str) -> None:
    clone = checked_out(hub, tmp_path / "ci", "refs/pull/7/merge", "--depth=1")
    result = clone.fails(3, "gate", env=SYSTEMS[system])
    assert (result.errors, result.fixes) == (
        ["this clone is shallow: the gate needs the history of the target branch"], [DEEPER[system]],
    )
    assert clone.mvc("gate", "--all").code == 1  # that asks for nothing of before


def test_a_shallow_clone_can_be_mended_as_it_says(hub: Repo, tmp_path: Path) -> None:
    clone = checked_out(hub, tmp_path / "ci", "refs/pull/7/merge", "--depth=1")
    assert clone.shell(clone.fails(3, "gate").fixes[0]).code == 0
    blocked(clone, {})


def test_a_partial_clone_that_lacks_what_is_needed_is_not_judged(hub: Repo, tmp_path: Path) -> None:
    hub.git("config", "uploadpack.allowFilter", "true")
    clone = Repo(tmp_path / "ci", hub.environ)
    hub.git("clone", "-q", "--filter=blob:none", "--no-checkout", f"file://{hub.root}", str(clone.root))
    result = clone.fails(3, "gate", "--head", "origin/topic")
    lacking = r"\.mvc/config\.yaml of [0-9a-f]{12} \(Git object [0-9a-f]{12}\) is not in this clone"
    assert re.fullmatch(rf"{lacking} \(this is a partial clone\)", result.errors[0])
    assert clone.fails(3, "gate", "--head", "origin/topic", env=SYSTEMS["github"]).fixes == [WHOLE["github"]]
    assert clone.shell(result.fixes[0]).code == 0
    blocked(clone, {}, "--head", "origin/topic")


def test_a_clone_that_is_to_have_no_tags_is_not_judged_until_it_has_them(hub: Repo, tmp_path: Path) -> None:
    hub.git("tag", "m@v1.0.0", "main")
    clone = Repo(tmp_path / "ci", hub.environ)
    hub.git("clone", "-q", "--no-tags", f"file://{hub.root}", str(clone.root))
    result = clone.fails(3, "gate", "--head", "origin/topic")
    assert result.errors == ["this clone has no tags: the gate needs the versions that they register"]
    assert clone.shell(result.fixes[0]).code == 0
    assert clone.git("tag") == "m@v1.0.0"
    blocked(clone, {}, "--head", "origin/topic")


def test_a_fork_beside_origin_may_have_its_tags_for_itself(hub: Repo, tmp_path: Path) -> None:
    clone = hub.clone(tmp_path / "clone")
    clone.git("remote", "add", "--no-tags", "fork", str(hub.root))
    blocked(clone, {}, "--head", "origin/topic")
    clone.git("remote", "remove", "origin")
    assert clone.fails(3, "gate", "--base", "main").fixes == [
        "git config --unset remote.fork.tagOpt && git fetch --tags fork",
    ]


def test_histories_without_a_common_commit_are_not_judged(hub: Repo) -> None:
    hub.git("switch", "-q", "--orphan", "alone")
    hub.write("n.bin", "other weights")
    hub.ok("init")
    hub.ok("add", "n.bin")
    hub.commit("alone")
    assert "no common history" in hub.fails(3, "gate", "--base", "main").errors[0]


# Here.


def test_a_tag_that_is_called_like_the_target_branch(hub: Repo, tmp_path: Path) -> None:
    for name in ("origin/main", "refs/remotes/origin/main", "refs/remotes/origin/HEAD"):
        hub.git("tag", name, "topic")
    clone = hub.clone(tmp_path / "clone")
    clone.git("switch", "-q", "--detach", "refs/remotes/origin/topic")
    clone.git("remote", "set-head", "origin", "--delete")
    for option in ("--base", "--head"):
        result = clone.fails(3, "gate", option, "origin/main")
        assert result.errors == [
            "'origin/main' is ambiguous: it may be refs/tags/origin/main or refs/remotes/origin/main",
        ]
        assert "refs/remotes/origin/main" in clone.shell(result.fixes[0]).out
    for words in (("ls", "origin/main"), ("diff", "origin/main"), ("checkout", "--rev", "origin/main")):
        clone.fails(3, *words)
    assert blocked(clone, {}, "--base", "refs/remotes/origin/main")["base"] == hub.git("rev-parse", "main")
    assert blocked(clone, {})["base"] == hub.git("rev-parse", "main")


def test_here_the_default_branch_of_origin_is_the_base(hub: Repo, tmp_path: Path) -> None:
    clone = hub.clone(tmp_path / "clone")
    clone.git("switch", "-q", "topic")
    clone.git("branch", "-qf", "main", "topic")
    assert blocked(clone, {})["base"] == hub.git("rev-parse", "main")
    clone.git("remote", "set-head", "origin", "--delete")
    assert blocked(clone, {})["base"] == hub.git("rev-parse", "main")


def test_typed_revisions_with_nothing_to_merge_say_so_loudly(hub: Repo, tmp_path: Path) -> None:
    short = hub.git("rev-parse", "main")[:12]
    for args in (("--base", "main"), ("--head", "main~1"), ("--base", "topic", "--head", "main~1")):
        result = hub.mvc("gate", *args, "--summary", str(tmp_path / "summary"))
        assert (result.code, result.out.partition(":")[0]) == (0, "Nothing was judged")
        assert result.err.startswith("warning: Nothing was judged: ")
        assert hub.shell(result.fixes[0]).code == 0
    assert (tmp_path / "summary").read_text().startswith(f"### Nothing was judged: {short} contains {short} already.")
    told = hub.mvc("gate", "--json", "--base", "main")
    assert (told.json["passed"], told.json["judged"], told.err.startswith("warning: ")) == (True, False, True)


def test_a_branch_that_the_default_branch_has_needs_no_judgement(hub: Repo, tmp_path: Path) -> None:
    clone = checked_out(hub, tmp_path / "ci", "refs/heads/main")
    push = {"before": ZEROS, "after": hub.git("rev-parse", "main"), "repository": {"default_branch": "main"}}
    result = clone.mvc("gate", env={**event(clone, "push", push), "GITHUB_REF": "refs/heads/release"})
    assert (result.code, result.err.startswith("warning: Nothing was judged: ")) == (0, True)


BUILDS = {
    "here": {},
    "gitlab": {"GITLAB_CI": "true", "CI_COMMIT_BRANCH": "main", "CI_DEFAULT_BRANCH": "main",
               "CI_COMMIT_BEFORE_SHA": ZEROS},
    "github": github("push", GITHUB_REF="refs/heads/main", GITHUB_EVENT_PATH="event.json"),
    "jenkins": {"JENKINS_URL": "x", "BRANCH_NAME": "main"},
    "bitbucket": {"BITBUCKET_BUILD_NUMBER": "1", "BITBUCKET_BRANCH": "main"},
    "azure": {"TF_BUILD": "True", "BUILD_SOURCEBRANCH": "refs/heads/main"},
    "buildkite": {"CI": "true", "BUILDKITE_BRANCH": "main"},
}


@pytest.mark.parametrize("system", BUILDS)
def test_a_build_of_the_default_branch_judges_all_of_it(hub: Repo, tmp_path: Path, system: str) -> None:
    """Nothing tells what was there before: the first push, a schedule, a click."""
    hub.git("merge", "-q", "--no-ff", "-m", "bad", "topic")
    head = hub.git("rev-parse", "main")
    clone = checked_out(hub, tmp_path / "ci", "refs/heads/main")
    data = {"before": ZEROS, "after": head, "created": True, "repository": {"default_branch": "main"}}
    clone.write("event.json", json.dumps(data))
    found = blocked(clone, BUILDS[system])
    assert (found["base"], found["head"], found["judged"]) == ("", head, True)
    assert f"all of {head[:12]}" in clone.mvc("gate", env=BUILDS[system]).out
    hub.git("commit", "-q", "--allow-empty", "-m", "main moved on")
    clone.git("fetch", "-q", "origin", "+refs/heads/*:refs/remotes/origin/*")
    assert blocked(clone, BUILDS[system])["head"] == head, "an old build that runs again"


def test_a_default_branch_that_was_set_back_is_judged(hub: Repo, tmp_path: Path) -> None:
    hub.git("merge", "-q", "--no-ff", "-m", "bad", "topic")
    clone = checked_out(hub, tmp_path / "ci", "refs/heads/main")
    push = {"before": hub.git("rev-parse", "main"), "after": hub.git("rev-parse", "topic"),
            "repository": {"default_branch": "main"}}
    env = {**event(clone, "push", push), "GITHUB_REF": "refs/heads/main"}
    assert blocked(clone, env)["head"] == push["after"]


def test_without_a_branch_to_merge_into_it_asks(hub: Repo) -> None:
    hub.git("switch", "-q", "topic")
    hub.git("branch", "-D", "-q", "main")
    assert hub.fails(2, "gate").fixes == ["mvc gate --base REV"]
