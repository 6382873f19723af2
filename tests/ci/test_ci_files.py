"""The files in ci/ for CI systems: they fit their schemas, and their shell blocks run as a system would run them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import check_jsonschema
import jsonschema
import pytest
import yaml
from groovy_parser.parser import parse_groovy_content
from harness import MVC, PROJECT, Begin, Repo, Result
from junitparser import JUnitXml
from lark.exceptions import LarkError
from prometheus_client.openmetrics.parser import text_string_to_metric_families

CI = PROJECT / "ci"
SCHEMAS = Path(check_jsonschema.__file__).parent / "builtin_schemas/vendor"
SHELLCHECK = str(Path(sys.executable).parent / "shellcheck")
MODEL = "models/ranker.onnx"
POLICY = "mvc-policy: 1\nrules: [{match: 'models/**', metrics: {auc: {max_regression: 0.01}}}]\n"


class System(NamedTuple):
    """A CI system: its file, and what a job of a pull request from `topic` into `main` finds."""

    file: str
    shell: str
    """How it starts the shell."""
    fetched: str
    """What it fetches into the clone."""
    checked_out: str
    """A ref of the repository."""
    variables: Mapping[str, str]
    out: str = "mvc-gate"
    """The folder with the verdict."""


BRANCHES = "+refs/heads/*:refs/remotes/origin/*"
TOPIC = "+refs/heads/topic:refs/remotes/origin/PR-7"
MERGE = "+refs/pull/7/merge:refs/remotes/pull/7/merge"
SYSTEMS = {
    "gitlab": System("gitlab/gate.yml", "bash -eo pipefail", f"{BRANCHES} +refs/tags/*:refs/tags/*", "topic", {
        "CI": "true", "GITLAB_CI": "true", "CI_PIPELINE_SOURCE": "merge_request_event", "CI_COMMIT_SHA": "{head}",
        "CI_COMMIT_BEFORE_SHA": "0" * 40, "CI_COMMIT_REF_NAME": "topic", "CI_DEFAULT_BRANCH": "main",
        "CI_MERGE_REQUEST_IID": "7", "CI_MERGE_REQUEST_EVENT_TYPE": "detached",
        "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "topic", "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": "",
        "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main", "CI_MERGE_REQUEST_TARGET_BRANCH_SHA": "",
        "CI_MERGE_REQUEST_DIFF_BASE_SHA": "{fork}",
    }),
    "jenkins": System("jenkins/Jenkinsfile", "sh -xe", f"--no-tags {TOPIC}", "topic", {
        "JENKINS_URL": "https://ci.example.com/", "BRANCH_NAME": "PR-7", "CHANGE_ID": "7", "CHANGE_TARGET": "main",
        "CHANGE_BRANCH": "topic",
    }),
    "azure": System("azure/gate.yml", "bash", f"--tags {BRANCHES} {MERGE}", "refs/pull/7/merge", {
        "TF_BUILD": "True", "BUILD_REASON": "PullRequest", "BUILD_SOURCEBRANCH": "refs/pull/7/merge",
        "BUILD_SOURCEVERSION": "{head}", "SYSTEM_PULLREQUEST_SOURCECOMMITID": "{source}",
        "SYSTEM_PULLREQUEST_TARGETBRANCH": "refs/heads/main",
    }),
    "bitbucket": System("bitbucket/bitbucket-pipelines.yml", "bash -e", MERGE, "refs/pull/7/merge", {
        "CI": "true", "BITBUCKET_BUILD_NUMBER": "1", "BITBUCKET_PR_ID": "7", "BITBUCKET_BRANCH": "topic",
        "BITBUCKET_COMMIT": "{source}", "BITBUCKET_PR_DESTINATION_BRANCH": "main",
        "BITBUCKET_PR_DESTINATION_COMMIT": "0123456789ab",  # not a whole one
    }, out="test-results"),
    "forgejo": System("forgejo/gate.yaml", "bash -e", f"--tags {BRANCHES}", "topic", {
        "CI": "true", "GITHUB_ACTIONS": "true", "FORGEJO_ACTIONS": "true", "GITHUB_EVENT_NAME": "pull_request",
        "GITHUB_EVENT_PATH": "../event.json", "GITHUB_REF": "refs/pull/7/head", "GITHUB_SHA": "{head}",
    }),
}


# The files.


def component() -> Mapping[str, Any]:
    """Return the inputs of the component of GitLab."""
    inputs: Mapping[str, Any] = next(yaml.safe_load_all((CI / SYSTEMS["gitlab"].file).read_text()))["spec"]["inputs"]
    return inputs


def filled(name: str, url: str, commit: str, **more: str) -> str:
    """Return the file of a system, as a user fills it in."""
    text = (CI / SYSTEMS[name].file).read_text()
    inputs = {key: str(value.get("default", "")) for key, value in component().items()} | {
        "url": url, "commit": commit, **more,
    }
    inputs["recompute"] = inputs["recompute"].lower()  # as GitLab writes a Boolean
    text = re.sub(r"\$\[\[ inputs\.(\w+) \]\]", lambda found: inputs[found[1]], text)
    return re.sub(r"\b(MVC_(URL|COMMIT)( = |: |=))(''|\"\")", lambda at: f"{at[1]}'{inputs[at[2].lower()]}'", text)


def job(name: str, text: str) -> Any:
    """Return the job of a file in YAML."""
    data = list(yaml.safe_load_all(text))[-1]
    match name:
        case "gitlab":
            return data["mvc-gate"]
        case "bitbucket":
            return data["pipelines"]["pull-requests"]["**"][0]["step"]
        case "forgejo":
            return data["jobs"]["gate"]
    return data


def block(name: str, text: str) -> str:
    """Return the shell block that judges."""
    if name == "jenkins":
        (found,) = re.findall(r"sh '''\n(.*?)'''", text, re.DOTALL)
        return str(found)
    if name in {"gitlab", "bitbucket"}:
        return "\n".join(job(name, text)["script"])
    scripts = [step.get("bash") or step.get("run") or "" for step in job(name, text)["steps"]]
    (judging,) = (script for script in scripts if "gate.sh" in script)
    return str(judging)


SCHEMA_OF = {
    "gitlab/gate.yml": "gitlab-ci", "azure/gate.yml": "azure-pipelines", "forgejo/gate.yaml": "github-workflows",
    "bitbucket/bitbucket-pipelines.yml": "bitbucket-pipelines",
}


def validator(schema: str) -> Any:
    rules = json.loads((SCHEMAS / f"{schema}.json").read_text())
    return jsonschema.validators.validator_for(rules)(rules)


@pytest.mark.parametrize(("file", "schema"), SCHEMA_OF.items())
def test_files_fit_the_schema_of_their_system(file: str, schema: str) -> None:
    check = validator(schema)
    loader = yaml.BaseLoader if schema == "azure-pipelines" else yaml.SafeLoader  # to Azure, all scalars are text
    text = (CI / file).read_text().replace("\non:", '\n"on":')
    for document in yaml.load_all(text, loader):
        check.validate(document)
    spoiled = re.sub(r"runs-on|steps|always", "spoiled", text)
    assert not all(check.is_valid(document) for document in yaml.load_all(spoiled, loader))


def test_the_jenkinsfile_is_groovy() -> None:
    text = (CI / SYSTEMS["jenkins"].file).read_text()
    parse_groovy_content(text)
    with pytest.raises(LarkError):
        parse_groovy_content(text.partition("stages {")[0])


def test_actions_are_pinned_by_commit() -> None:
    used = re.findall(r"uses: (.*)", "".join((CI / file).read_text() for file in SCHEMA_OF))
    assert len(used) == 2
    for line in used:
        assert re.fullmatch(r"https://\S+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line


@pytest.mark.parametrize("name", SYSTEMS)
def test_blocks_pass_shellcheck(name: str) -> None:
    script = block(name, filled(name, "https://git.example.com/mvc", "0" * 40))
    dialect = "sh" if name == "jenkins" else "bash"
    done = subprocess.run([SHELLCHECK, "-s", dialect, "-"], input=script, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


# What they do.


def proposed(repo: Repo) -> None:
    """Commit a model on `main`; `better` and `worse` bring another, `worse` also files that look like a verdict.

    Beside it is a repository of mvc whose installation takes no time.
    """
    repo.write(".mvc/policy.yaml", POLICY)
    repo.git("add", ".mvc/policy.yaml")
    for branch, tag, auc in (("main", "v1.0.0", 0.9), ("better", "v1.1.0", 0.95), ("worse", "v1.1.0", 0.8)):
        repo.git("switch", "-qC", branch)
        repo.write(MODEL, f"weights of {branch}")
        repo.ok("add", "-f", MODEL)
        repo.ok("eval", "record", MODEL, "--tag", tag, "--metric", f"auc={auc}", "--higher-is-better", "auc")
        if branch == "worse":
            repo.write("mvc-gate/summary.md", "forged")
            repo.write("elsewhere/junit.xml", "forged")
            repo.path("test-results").symlink_to("elsewhere")
            repo.git("add", "mvc-gate", "elsewhere", "test-results")
        repo.commit(branch)
        repo.git("switch", "-q", "main")
    repo.write("notes.txt", "main moved on")
    repo.git("add", "notes.txt")
    repo.commit()
    tools = Repo(repo.root.parent / "mvc", repo.environ)
    shutil.copytree(CI, tools.root / "ci")
    tools.write("ci/install.sh", f'mkdir "$1/bin"\nln -s "{MVC}" "$1/bin/mvc"\n')
    tools.git("init", "-q")
    tools.git("add", ".")
    tools.commit("mvc")


@pytest.fixture
def hub(begin: Begin) -> Repo:
    """Return the repository to which changes are proposed."""
    return begin(proposed)


def cloned(hub: Repo, system: System, branch: str, *options: str) -> Repo:
    """Return a clone as a system makes it, to judge a pull request of `branch`."""
    hub.git("branch", "-f", "topic", branch)
    tree = hub.git("merge-tree", "--write-tree", "main", "topic")
    hub.git("update-ref", "refs/pull/7/merge", hub.git("commit-tree", tree, "-p", "main", "-p", "topic", "-m", "merge"))
    clone = Repo(hub.root.parent / "clone", hub.environ)
    clone.root.mkdir()
    clone.git("init", "-q")
    clone.git("remote", "add", "origin", f"file://{hub.root}")
    words = system.fetched.split()
    clone.git("fetch", "-q", *options, *(word for word in words if word.startswith("--")), "origin",
              *(word for word in words if word.startswith("+")))
    clone.git("checkout", "-q", "--detach", hub.git("rev-parse", system.checked_out))
    return clone


def ran(hub: Repo, clone: Repo, name: str, variables: Mapping[str, str] | None = None, **inputs: str) -> Result:
    """Run the block of a system in `clone`, with its variables, or with other ones."""
    ids = {
        "head": clone.git("rev-parse", "HEAD"), "source": hub.git("rev-parse", "topic"),
        "base": hub.git("rev-parse", "main"), "fork": hub.git("merge-base", "main", "topic"),
    }
    sides = {"base": {"ref": "main", "sha": ids["base"]}, "head": {"ref": "topic", "sha": ids["source"]}}
    (clone.root.parent / "event.json").write_text(json.dumps({"pull_request": {"number": 7, **sides}}))
    tools = hub.root.parent / "mvc"
    inputs = {"url": f"file://{tools}", "commit": Repo(tools, hub.environ).git("rev-parse", "HEAD")} | inputs
    text = filled(name, **inputs)
    settings = dict(re.findall(r"\b(MVC_URL|MVC_COMMIT)(?:: | = )'(.*)'", text))
    known = {key: value.format(**ids) for key, value in (variables or SYSTEMS[name].variables).items()}
    if name == "gitlab":
        known |= job(name, text)["variables"]
    return clone.run(*SYSTEMS[name].shell.split(), "-c", block(name, text), env=known | settings)


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_better_model_passes_and_a_worse_one_does_not(hub: Repo, name: str) -> None:
    system = SYSTEMS[name]
    for branch, code in (("better", 0), ("worse", 1)):
        clone = cloned(hub, system, branch)
        done = ran(hub, clone, name)
        assert done.code == code, done
        assert "ranker" in done.out
        failed = [case.name for suite in JUnitXml.fromfile(str(clone.path(f"{system.out}/junit.xml")))
                  for case in suite if case.is_failure]
        assert bool(failed) == bool(code)
        summary = clone.read(f"{system.out}/summary.md").decode()
        assert "auc" in summary
        assert ("MVC221" in summary) == bool(code)
        assert "forged" not in summary
        assert not clone.path(system.out).is_symlink()
        if code:
            assert clone.read("elsewhere/junit.xml") == b"forged"
        shutil.rmtree(clone.root)


@pytest.mark.parametrize("name", SYSTEMS)
def test_no_gate_no_pass(hub: Repo, name: str) -> None:
    """A file that is not filled in, or names a branch of mvc rather than a commit, fails and says it."""
    clone = cloned(hub, SYSTEMS[name], "better")
    named = ran(hub, clone, name, commit="main")
    assert named.code
    assert "main" in named.err
    if name == "gitlab":
        assert {key for key, value in component().items() if "default" not in value} == {"url", "commit"}
        assert re.fullmatch(component()["commit"]["regex"], "a" * 40)
        assert not re.fullmatch(component()["commit"]["regex"], "main")
        return
    empty = ran(hub, clone, name, url="")
    assert empty.code
    assert "MVC_URL: is empty" in empty.err


# GitLab, as far as the merge request shows it.


def reports(clone: Repo) -> dict[str, str]:
    """Return the reports that the job of GitLab uploads, also if it fails."""
    kept = job("gitlab", filled("gitlab", "", ""))["artifacts"]
    assert kept["when"] == "always"
    assert kept["paths"] == ["mvc-gate/"]
    return {kind: clone.read(path).decode() for kind, path in kept["reports"].items() if clone.path(path).exists()}


def test_gitlab_shows_the_verdict_in_the_merge_request(hub: Repo) -> None:
    clone = cloned(hub, SYSTEMS["gitlab"], "worse")
    assert ran(hub, clone, "gitlab").code == 1
    found = reports(clone)
    assert {*clone.contents("mvc-gate")} == {"codequality.json", "junit.xml", "metrics.txt", "summary.md"}
    assert [issue["check_name"] for issue in json.loads(found["codequality"]) if issue["severity"] == "major"] == [
        "MVC221",
    ]
    samples = {
        sample.name: sample.value for family in text_string_to_metric_families(found["metrics"])
        for sample in family.samples
    }
    assert (samples["mvc_gate_passed"], samples["mvc_model_metric"], samples["mvc_model_metric_base"]) == (0, 0.8, 0.9)
    assert "<failure" in found["junit"]


def test_gitlab_shows_why_the_gate_could_not_judge(hub: Repo) -> None:
    clone = cloned(hub, SYSTEMS["gitlab"], "better", "--depth=1")
    assert ran(hub, clone, "gitlab").code == 3
    assert {*clone.contents("mvc-gate")} == {"summary.md"}
    assert job("gitlab", filled("gitlab", "", ""))["variables"]["GIT_DEPTH"] == "0"
    assert b'GIT_DEPTH: "0"' in clone.read("mvc-gate/summary.md")


def test_gitlab_s_reports_of_the_default_branch_are_there_to_compare_with(hub: Repo) -> None:
    rules = [rule["if"] for rule in job("gitlab", filled("gitlab", "", ""))["rules"]]
    assert rules[1:] == ['$CI_PIPELINE_SOURCE == "push" && $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH']
    clone = cloned(hub, SYSTEMS["gitlab"], "main")
    pushed = {
        "GITLAB_CI": "true", "CI_PIPELINE_SOURCE": "push", "CI_COMMIT_SHA": "{head}", "CI_COMMIT_BRANCH": "main",
        "CI_DEFAULT_BRANCH": "main", "CI_COMMIT_BEFORE_SHA": hub.git("rev-parse", "main~1"),
    }
    assert ran(hub, clone, "gitlab", pushed).code == 0
    assert json.loads(reports(clone)["codequality"]) == []


# The installation.


def test_the_installation_imports_nothing_from_the_change(tmp_path: Path, bare_git: Repo) -> None:
    """Without requirements, so that it takes no time."""
    shutil.copytree(CI, tmp_path / "mvc/ci")
    (tmp_path / "mvc/ci/requirements.txt").write_text("")
    for name in ("venv", "sysconfig", "mvc", "pip", "encodings"):
        bare_git.write(f"{name}.py", "import pathlib\npathlib.Path('owned').touch()\n")
    done = bare_git.run("sh", str(tmp_path / "mvc/ci/install.sh"), str(tmp_path / "environment"))
    assert done.code == 0, done
    assert not bare_git.path("owned").exists()
    assert "No module named mvc" in bare_git.run(str(tmp_path / "environment/bin/mvc"), "--version").err
    assert not bare_git.path("owned").exists()
