"""The input `recompute` of the jobs: the gate computes metrics again from predictions, which it fetches."""

from __future__ import annotations

from pathlib import Path

import pytest
from ci.github_api import GitHub
from ci.test_ci_files import SYSTEMS, cloned, proposed, ran
from ci.test_github_action import Runner, installed, pull
from e2e.test_eval_score import EVIDENCE, FILE, edit, evaluate
from harness import Begin, Repo


def edited(repo: Repo) -> None:
    """Publish an evaluated model on `main`; on the branch `change` is another one, and a number that was edited."""
    proposed(repo)
    repo.ok("remote", "add", "nas", "../nas", "--default")
    repo.write(".mvc/policy.yaml", EVIDENCE)
    repo.git("add", ".mvc")
    repo.ok("checkout", "-f")
    evaluate(repo, 0.01)
    repo.git("switch", "-qc", "change")
    evaluate(repo, 0.011)
    edit(repo)
    repo.git("add", FILE)
    repo.commit("a better number")
    repo.ok("push", "--all-commits")


@pytest.fixture
def hub(begin: Begin) -> Repo:
    return begin(edited)


@pytest.mark.parametrize(("recompute", "code"), [("false", "MVC229"), ("true", "MVC227")])
def test_on_github(hub: Repo, tmp_path: Path, recompute: str, code: str) -> None:
    hub.git("update-ref", "refs/remotes/origin/main", "main")
    with GitHub() as github:
        runner = Runner(hub, installed(tmp_path / "runner"), github)
        result, summary, output = runner.run("pull_request", pull(hub), recompute=recompute)
    assert (result.code, output) == (1, "passed=false\n"), result
    assert code in summary


@pytest.mark.parametrize(("recompute", "code"), [("false", "MVC229"), ("true", "MVC227")])
def test_on_gitlab(hub: Repo, recompute: str, code: str) -> None:
    """In a clone without the predictions."""
    hub.git("switch", "-q", "main")
    clone = cloned(hub, SYSTEMS["gitlab"], "change")
    assert ran(hub, clone, "gitlab", recompute=recompute).code == 1
    assert code in clone.read("mvc-gate/summary.md").decode()
