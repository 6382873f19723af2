"""`action.yml`: its steps run as a runner of GitHub runs them, on events of GitHub, with a server in GitHub's place."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from ci.github_api import BOT, TOKEN, GitHub
from e2e.test_gate_formats import MODEL, worse
from harness import PROJECT, Begin, Repo, Result
from quality.test_format_github import commands
from quality.test_format_sarif import run_of

ACTION = yaml.safe_load((PROJECT / "action.yml").read_text())
INSTALL, JUDGE, COMMENT = ACTION["runs"]["steps"]


@dataclass
class Runner:
    """A runner of GitHub in a checked-out repository."""

    repo: Repo
    temp: Path
    github: GitHub

    def run(self, name: str, event: dict[str, Any], **inputs: str) -> tuple[Result, str, str]:
        """Run the action on an event; return its last result, the summary, and the outputs of the judge."""
        known = {key: value.get("default", "") for key, value in ACTION["inputs"].items()} | inputs
        for file in ("summary", "output"):
            (self.temp / file).write_text("")
        (self.temp / "event.json").write_text(json.dumps(event))
        result = self._step(JUDGE, name, known)
        if known["comment"] == "true":
            assert COMMENT["if"] == "${{ !cancelled() && inputs.comment == 'true' }}"
            comment = self._step(COMMENT, name, known)
            assert comment.code == 0, comment
            result = replace(result, out=result.out + comment.out)
        return result, (self.temp / "summary").read_text(), (self.temp / "output").read_text()

    def _step(self, step: dict[str, Any], name: str, inputs: dict[str, str]) -> Result:
        values = {f"inputs.{key}": value for key, value in inputs.items()} | {"github.token": TOKEN}
        filled = {
            key: re.sub(r"\$\{\{ (.+?) \}\}", lambda found: values[found[1]], text)
            for key, text in step.get("env", {}).items()
        }
        assert step["shell"] == "bash"
        script = self.temp / "step.sh"
        script.write_text(step["run"])
        shell = ("bash", "--noprofile", "--norc", "-eo", "pipefail", str(script))
        return self.repo.run(*shell, env={
            "GITHUB_ACTIONS": "true", "GITHUB_ACTION_PATH": str(PROJECT), "GITHUB_API_URL": self.github.url,
            "GITHUB_EVENT_NAME": name, "GITHUB_EVENT_PATH": str(self.temp / "event.json"),
            "GITHUB_OUTPUT": str(self.temp / "output"), "GITHUB_REPOSITORY": "team/models",
            "GITHUB_STEP_SUMMARY": str(self.temp / "summary"), "RUNNER_TEMP": str(self.temp), **filled,
        })


@pytest.fixture
def runner(begin: Begin, tmp_path: Path) -> Iterator[Runner]:
    """Return a runner in a clone where a branch makes a model worse; mvc is installed already."""
    repo = begin(worse)
    repo.git("update-ref", "refs/remotes/origin/main", "main")
    with GitHub() as github:
        yield Runner(repo, installed(tmp_path / "runner temp"), github)


def installed(temp: Path) -> Path:
    """Return the temporary folder of a runner in which mvc is installed."""
    (temp / "mvc/bin").mkdir(parents=True)
    for program in ("python", "mvc"):
        (temp / "mvc/bin" / program).symlink_to(Path(sys.executable).with_name(program))
    return temp


def pull(repo: Repo, number: int = 7) -> dict[str, Any]:
    sides = {"base": {"ref": "main", "sha": repo.git("rev-parse", "main")},
             "head": {"ref": "change-99", "sha": repo.git("rev-parse", "change")}}
    return {"pull_request": {"number": number, **sides}}


def better(repo: Repo) -> None:
    """Commit a model on the branch that is better than that of `main`."""
    repo.write(MODEL, "weights of v1.2.0")
    repo.ok("add", "-f", MODEL)
    repo.ok("eval", "record", MODEL, "--tag", "v1.2.0", "--metric", "auc=0.95", "--higher-is-better", "auc")
    repo.commit("v1.2.0")


def test_a_pull_request_from_the_first_push_to_the_last(runner: Runner) -> None:
    """Annotations, summary, outputs, and one comment that is made, updated and left alone."""
    result, summary, output = runner.run("pull_request", pull(runner.repo), comment="true")
    assert (result.code, output) == (1, "passed=false\n"), result
    (annotation,) = commands(result.out.replace("comment made\n", ""))
    assert (annotation.name, annotation.properties["file"]) == ("error", f"{MODEL}.eval.yaml")
    (comment,) = runner.github.comments[7]
    assert comment["body"] == f"<!-- mvc gate -->\n{summary}"
    assert "Gate failed" in summary

    again, _, _ = runner.run("pull_request", pull(runner.repo), comment="true")
    assert "comment updated" in again.out
    assert runner.github.writes == ["POST"]

    better(runner.repo)
    result, summary, output = runner.run("pull_request", pull(runner.repo), comment="true")
    assert (result.code, output) == (0, "passed=true\n"), result
    assert "Gate passed" in summary
    assert [item["body"] for item in runner.github.comments[7]] == [f"<!-- mvc gate -->\n{summary}"]
    assert runner.github.writes == ["POST", "PATCH"]


def merge_group(repo: Repo) -> dict[str, Any]:
    return {"merge_group": {"base_sha": repo.git("rev-parse", "main"), "head_sha": repo.git("rev-parse", "change")}}


def push(repo: Repo) -> dict[str, Any]:
    commits = {"before": repo.git("rev-parse", "main"), "after": repo.git("rev-parse", "change")}
    return {**commits, "repository": {"default_branch": "main"}}


@pytest.mark.parametrize("event", [merge_group, push])
def test_other_events_are_judged_and_have_no_comment(runner: Runner, event: Callable[[Repo], dict[str, Any]]) -> None:
    result, summary, output = runner.run(event.__name__, event(runner.repo), comment="true")
    assert (result.code, output) == (1, "passed=false\n"), result
    assert "Gate failed" in summary
    assert not runner.github.comments


def test_a_comment_of_somebody_else_stays_his(runner: Runner) -> None:
    """He could edit it after the action wrote the verdict there. Ours is on the second page."""
    forged = "<!-- mvc gate -->\n### Gate passed"
    for _ in range(100):
        runner.github.add(7, forged, "mallory")
    runner.github.add(7, f"quoting: {forged}", BOT)
    runner.run("pull_request", pull(runner.repo), comment="true")
    runner.run("pull_request", pull(runner.repo), comment="true")
    assert {item["body"] for item in runner.github.comments[7][:100]} == {forged}
    assert len(runner.github.comments[7]) == 102
    assert "Gate failed" in runner.github.comments[7][-1]["body"]


def test_a_change_without_a_model_has_no_comment_until_there_was_one(runner: Runner) -> None:
    repo = runner.repo
    repo.git("switch", "-q", "-C", "change", "main")
    repo.write("readme.md", "1")
    repo.git("add", "readme.md")
    repo.commit("no model")
    result, summary, _ = runner.run("pull_request", pull(repo), comment="true")
    assert (result.code, runner.github.comments) == (0, {}), result
    runner.github.add(7, "<!-- mvc gate -->\nan earlier verdict", BOT)
    runner.run("pull_request", pull(repo), comment="true")
    assert [item["body"] for item in runner.github.comments[7]] == [f"<!-- mvc gate -->\n{summary}"]


@pytest.mark.parametrize(("change", "words"), [
    (lambda github: setattr(github, "may_write", False), "403 Forbidden; needed is permissions: pull-requests: write"),
    (lambda github: setattr(github, "url", "http://127.0.0.1:1"), "URLError"),
])
def test_a_comment_that_fails_is_a_warning(runner: Runner, change: Callable[[GitHub], None], words: str) -> None:
    change(runner.github)
    result, summary, output = runner.run("pull_request", pull(runner.repo), comment="true")
    assert (result.code, output) == (1, "passed=false\n")
    assert f"::warning::no comment: {words}" in result.out
    assert "Gate failed" in summary


def test_what_could_not_be_judged_is_no_pass(runner: Runner) -> None:
    event = pull(runner.repo)
    event["pull_request"]["head"]["sha"] = "a" * 40
    result, summary, output = runner.run("pull_request", event, comment="true", sarif="true")
    assert (result.code, output) == (3, ""), result
    assert "git fetch origin pull/7/head" in summary
    assert "git fetch origin pull/7/head" in runner.github.comments[7][0]["body"]


def test_findings_as_sarif_and_a_base_and_a_remote(runner: Runner) -> None:
    result, _, output = runner.run("pull_request", pull(runner.repo), sarif="true")
    assert result.code == 1
    (name,) = re.findall("^sarif=(.*)$", output, re.MULTILINE)
    (finding,) = run_of(Path(name).read_text())["results"]
    assert finding["ruleId"]
    result, _, output = runner.run("schedule", {}, base="change~1", remote="nowhere")
    assert (result.code, output) == (2, ""), result
    assert "nowhere" in result.err
    runner.repo.git("switch", "-q", "change")
    better(runner.repo)
    result, _, output = runner.run("schedule", {}, base="main")
    assert (result.code, output) == (0, "passed=true\n"), result


HOSTILE = ("$(touch owned)", "`touch owned`", "'; touch owned #", '"; touch owned #', "-o owned", "${{ github.token }}")


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_inputs_and_events_run_nothing(runner: Runner, text: str) -> None:
    event = pull(runner.repo)
    event["pull_request"]["head"]["ref"] = event["pull_request"]["title"] = text
    runner.run("pull_request", event, comment="true", sarif=text)
    result, _, _ = runner.run("pull_request", event, base=text, remote=text)
    assert result.code in (2, 3), result
    assert not list(runner.repo.root.rglob("owned"))


def test_the_metadata_fits_its_schema_and_no_input_is_in_a_script() -> None:
    schema = next(PROJECT.glob(".venv/lib/*/site-packages/check_jsonschema/builtin_schemas/vendor/github-actions.json"))
    rules = json.loads(schema.read_text())
    check = jsonschema.validators.validator_for(rules)(rules)
    check.validate(ACTION)
    assert not check.is_valid({**ACTION, "runs": {"using": "composite"}})
    assert not [step["name"] for step in ACTION["runs"]["steps"] if "${{" in step["run"]]


@pytest.mark.parametrize(("inputs", "words"), [
    ("base, remote, recompute, comment, sarif", ""),
    ("base, token", 'input "token" is not defined in action "mvc gate"'),
])
def test_a_workflow_that_uses_it_fits_its_inputs(tmp_path: Path, inputs: str, words: str) -> None:
    """The workflow to copy, with the action in its own repository, as a linter reads both."""
    named = "".join(f"          {name}: x\n" for name in inputs.split(", "))
    text = (PROJECT / "ci/github/gate.yaml").read_text()
    used = re.sub(r"uses: OWNER/mvc.*\n( +with:\n).*\n", rf"uses: ./\n\1{named}", text)
    workflow = tmp_path / ".github/workflows/gate.yaml"
    workflow.parent.mkdir(parents=True)
    workflow.write_text(used)
    (tmp_path / ".git").mkdir()
    shutil.copy(PROJECT / "action.yml", tmp_path)
    linter = Path(sys.executable).with_name("actionlint")
    found = subprocess.run([linter, "-oneline", workflow], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert used != text
    assert words in found.stdout if words else not found.stdout, found


@pytest.mark.long
@pytest.mark.parametrize(("recompute", "extra"), [("false", ""), ("true", "eval")])
def test_what_ci_installs_runs_the_gate(runner: Runner, recompute: str, extra: str) -> None:
    assert INSTALL["env"] == {"EXTRA": "${{ inputs.recompute == 'true' && 'eval' || '' }}"}
    shutil.rmtree(runner.temp / "mvc")
    script = INSTALL["run"]
    environ = {"PATH": "/usr/bin:/bin", "RUNNER_TEMP": str(runner.temp), "GITHUB_ACTION_PATH": str(PROJECT)}
    subprocess.run(["bash", "-ec", script], env=environ | {"EXTRA": extra}, check=True)
    result, _, _ = runner.run("pull_request", pull(runner.repo), recompute=recompute)
    assert result.code == 1, result
