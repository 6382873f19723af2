"""`mvc gate --format`: the verdict on one change in the formats of CI systems; tests/quality has each format."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from harness import Begin, Repo
from quality.test_format_github import commands
from quality.test_format_gitlab import issues
from quality.test_format_junit import results
from quality.test_format_openmetrics import samples
from quality.test_format_sarif import run_of

MODEL = "models/ranker.onnx"
POLICY = 'mvc-policy: 1\nrules:\n  - {match: "models/**", metrics: {auc: {min: 0.8, max_regression: 0.01}}}\n'


def worse(repo: Repo) -> None:
    """Commit a model on `main`, and a worse one on a branch from there."""
    repo.write(".mvc/policy.yaml", POLICY)
    for tag, auc in (("v1.0.0", 0.9), ("v1.1.0", 0.85)):
        repo.write(MODEL, f"weights of {tag}")
        repo.ok("add", "-f", MODEL)
        repo.ok("eval", "record", MODEL, "--tag", tag, "--metric", f"auc={auc}", "--higher-is-better", "auc")
        repo.git("add", ".mvc/policy.yaml")
        repo.commit(tag)
        if tag == "v1.0.0":
            repo.git("switch", "-qc", "change")


@pytest.fixture
def repo(begin: Begin) -> Repo:
    """Return a repository where a branch makes a model worse."""
    return begin(worse)


def of_github(text: str) -> object:
    (command,) = commands(text)
    return command.name, command.properties["file"], command.properties["title"]


def of_sarif(text: str) -> object:
    (result,) = run_of(text)["results"]
    return result["level"], result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], result["ruleId"]


def of_junit(text: str) -> object:
    return [case[:3] for case in results(text)]


def of_gitlab(text: str) -> object:
    (issue,) = issues(text)
    return issue["severity"], issue["location"]["path"], issue["check_name"]


def of_openmetrics(text: str) -> object:
    found = samples(text)
    keys = [("mvc_gate_passed",), ("mvc_model_metric_base", MODEL, "auc"), ("mvc_model_metric", MODEL, "auc")]
    return [found[key] for key in keys]


EXPECTED: dict[str, tuple[Callable[[str], object], object]] = {
    "github": (of_github, ("error", f"{MODEL}.eval.yaml", "MVC221 metric worse than before")),
    "sarif": (of_sarif, ("error", f"{MODEL}.eval.yaml", "MVC221")),
    "junit": (of_junit, [(MODEL, "MVC221 metric worse than before", "failed")]),
    "gitlab": (of_gitlab, ("major", f"{MODEL}.eval.yaml", "MVC221")),
    "openmetrics": (of_openmetrics, [0, 0.9, 0.85]),
}


@pytest.mark.parametrize("form", EXPECTED)
def test_a_regression_in_the_format_of_a_ci_system(repo: Repo, form: str) -> None:
    read, expected = EXPECTED[form]
    result = repo.mvc("gate", "--format", form)
    assert (result.code, result.err) == (1, "")
    assert read(result.out) == expected
    below = repo.mvc("gate", "--format", form, "-o", "../told", cwd="models")
    assert (below.code, repo.read("told").decode()) == (1, result.out)
    assert "MVC221 ranker.onnx" in below.err
    assert repo.mvc("gate", "--format", form, "--head", "main").code == 0
