"""Policy files and who may change them. The findings are in the table of cases."""

from __future__ import annotations

import pytest
from quality.cases import ADA, BASIC, BOB, FLOOR, KEY_A, KEY_B, at, lines, waiver

from mvc.quality.files import POLICY, REVOKED, SIGNERS, WAIVERS
from mvc.quality.judge.facts import Facts, PolicyFileChange
from mvc.quality.judge.judge import judge
from mvc.quality.judge.rules.policy_files import POLICY_FILES, is_policy_file


@pytest.mark.parametrize("path", [
    *POLICY_FILES, ".github/workflows/gate.yml", ".github/workflows/deep/gate.yml", ".github/actions/a/action.yml",
    ".gitlab-ci.yml", "Jenkinsfile", "bitbucket-pipelines.yml", "azure-pipelines.yml", ".pre-commit-config.yaml",
    ".mvc/config.yaml", "CODEOWNERS", ".github/CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS",
    "azure-pipelines.yaml", "ci/azure-pipelines-gate.yml", ".azure-pipelines/gate.yml", ".gitlab-ci.yaml",
    "ci/gate.gitlab-ci.yml", "src/.gitlab-ci.yml", "a/Jenkinsfile", "Jenkinsfile.gate", "ci/gate.jenkinsfile",
    ".circleci/config.yml", ".buildkite/pipeline.yml", ".forgejo/workflows/gate.yaml", ".gitea/workflows/gate.yml",
    "action.yml", "tools/gate/action.yaml", ".drone.yml", ".drone.star", ".woodpecker.yaml", ".woodpecker/gate.yml",
    ".travis.yml", "appveyor.yml", ".cirrus.yml", ".semaphore/semaphore.yml", ".teamcity/settings.kts",
    ".tekton/gate.yaml", "cloudbuild.yaml", "buildspec.yml", "bitbucket-pipelines.yaml", ".GitHub/workflows/a.yml",
])
def test_what_is_a_policy_file(path: str) -> None:
    assert is_policy_file(path)


@pytest.mark.parametrize("path", [
    "policy.yaml", "models/.mvc/policy.yaml", ".mvc/policy.yaml.sig", ".github/dependabot.yml", ".mvcignore",
    "docs/github/workflows/a.yml", "transaction.yml", "notes/jenkins.md", "circleci/config.yml", "models/m.yaml",
])
def test_what_is_not(path: str) -> None:
    assert not is_policy_file(path)


def found(facts: Facts) -> str:
    return ", ".join(f"{item.severity} {item.code}" for item in judge(facts, 0).findings)


EMPTY = "mvc-waivers: 1\n"
WEAKER = {
    POLICY: (FLOOR, BASIC), SIGNERS: (KEY_A, f"{KEY_A}\n{KEY_B}"), REVOKED: (KEY_A.partition(" ")[2], "# none"),
    WAIVERS: (EMPTY, waiver()),
}


@pytest.mark.parametrize("path", WEAKER)
def test_a_weaker_file_needs_the_signature_of_somebody_who_counts(path: str) -> None:
    old, new = WEAKER[path]
    policy = old if path == POLICY else BASIC
    assert found(lines(path, old, new, policy=policy)) == "error MVC411"
    assert found(lines(path, old, new, BOB._replace(problem="no"), policy)) == "warning MVC126, error MVC411"
    assert found(lines(path, old, new, BOB, policy)) == "note MVC412"
    assert found(lines(path, new, old, policy=new if path == POLICY else BASIC)) in ("note MVC412", "error MVC411")


@pytest.mark.parametrize("path", WEAKER)
@pytest.mark.parametrize("mode", ["120000", "160000", "040000"])
def test_no_signature_makes_up_for_what_is_no_file(path: str, mode: str) -> None:
    old, new = WEAKER[path]
    facts = lines(path, old, new, ADA)
    (change,) = facts.landing.policy_files
    changed = PolicyFileChange(path, change.old, at(new.encode(), mode), (ADA,))
    assert found(facts._replace(landing=facts.landing._replace(policy_files=(changed,)))) == "error MVC411"


@pytest.mark.parametrize("path", WEAKER)
def test_the_same_content_weakens_nothing(path: str) -> None:
    old, _ = WEAKER[path]
    assert found(lines(path, old, f"{old}\n# a remark\n", policy=old if path == POLICY else BASIC)) == "note MVC412"


def test_all_signers_of_a_weaker_file_are_named() -> None:
    facts = lines(POLICY, FLOOR, BASIC, policy=FLOOR)
    (change,) = facts.landing.policy_files
    signed = facts.landing._replace(policy_files=(change._replace(signers=(BOB, ADA)),))
    (note,) = judge(facts._replace(landing=signed), 0).findings
    assert "signed by ada@example.com, bob@example.com" in note.message
