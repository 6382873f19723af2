"""The recipe for retraining in CI: its steps run as on GitHub, with real Git, a hub, and a remote of mvc."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from examples.test_examples import example
from harness import PROJECT, Begin, Repo

from mvc.quality.reports.report_document import parse_report

FOLDER = PROJECT / "examples/retraining"
WORKFLOW = yaml.load((FOLDER / "retrain.yaml").read_text(), yaml.BaseLoader)  # `on` is a word here
MODEL, PREDICTIONS = "models/tumours.joblib", "evals/tumours.csv"
POLICY = """\
mvc-policy: 1
rules:
  - {match: "data/**", report: optional}
  - {match: "evals/**", report: optional}
  - match: "models/**"
    evidence: predictions
    metrics: {accuracy: {min: 0.5, max_regression: paired}}
"""
pytestmark = pytest.mark.long


def published(repo: Repo) -> None:
    """Publish data, and a model that `retrain.sh` trained on the first part of it."""
    repo.write(".mvc/policy.yaml", POLICY)
    repo.git("init", "-q", "--bare", "../hub.git")
    repo.git("remote", "add", "origin", "../hub.git")
    repo.ok("remote", "add", "nas", "../nas", "--default")
    example(repo, "data.py")
    repo.path("training").mkdir()
    for name in ("retrain.sh", "train.py"):
        shutil.copy(FOLDER / name, repo.root / "training")
    repo.ok("add", "data/train", "data/holdout.csv")
    repo.git("add", ".mvc", "training")
    repo.commit("data")
    assert repo.run("sh", "training/retrain.sh", "first").code == 0
    repo.git("switch", "-q", "main")
    repo.git("merge", "-q", "first")
    repo.ok("push")
    repo.git("push", "-q", "origin", "main")


@pytest.fixture
def author(begin: Begin) -> Repo:
    repo = begin(published)
    repo.ok("checkout", "-f")
    return repo


def steps() -> dict[str, Any]:
    return {step["name"]: step for step in WORKFLOW["jobs"]["retrain"]["steps"] if "name" in step}


class Job:
    """A job of GitHub for a push to `main`: a clone with an empty cache."""

    def __init__(self, author: Repo, name: str) -> None:
        self.temp = author.root.parent / name
        self.temp.mkdir()
        author.git("clone", "-q", "../hub.git", f"../{name}-repository")
        self.repo = Repo(author.root.parent / f"{name}-repository", author.environ)
        self.verdict, self.output = self.temp / "verdict.md", self.temp / "output"
        sha = self.repo.git("rev-parse", "HEAD")
        known = {"github.sha": sha, "github.ref_name": "main", "steps.bot.outputs.token": ""}
        env = WORKFLOW["jobs"]["retrain"]["env"]
        self.env = {key: re.sub(r"\$\{\{ (.*?) }}", lambda at: known[at[1]], text) for key, text in env.items()}
        self.env |= {"RUNNER_TEMP": str(self.temp), "GITHUB_OUTPUT": str(self.output), "GITHUB_SHA": sha, "CI": "true"}

    def run(self, name: str) -> str:
        """Run a step, without what asks GitHub, and return its output."""
        lines = [line for line in steps()[name]["run"].splitlines() if not line.startswith("gh ")]
        done = self.repo.run("bash", "-e", "-c", "\n".join(lines), env=self.env)
        assert done.code == 0, done
        return done.out + done.err


def test_it_starts_when_the_pointer_of_the_data_changes(author: Repo) -> None:
    (path,) = WORKFLOW["on"]["push"]["paths"]
    assert path in author.git("ls-files").splitlines()
    assert [name for name, step in steps().items() if "outputs.token" in str(step)] == ["Propose"]


@pytest.mark.parametrize(("flip", "passed"), [(False, "Gate passed"), (True, "Gate failed")])
def test_new_data_becomes_a_pull_request_with_the_verdict_of_the_gate(author: Repo, flip: bool, passed: str) -> None:
    """Also of data that makes the model worse: a reviewer sees it."""
    part = author.read("part-2.csv").decode()
    if flip:
        part = part.replace("malignant", "?").replace("benign", "malignant").replace("?", "benign")
    author.write("data/train/part-2.csv", part)
    author.ok("add", "data/train")
    author.git("commit", "-qm", "more data")
    author.ok("push")
    author.git("push", "-q", "origin", "main")

    job = Job(author, "job")
    for name in ("Train, evaluate and commit", "Judge and push content", "Propose"):
        job.run(name)
    assert job.output.read_text() == "changed=true\n"
    verdict = job.verdict.read_text().replace("\u00a0", " ")
    assert passed in verdict
    (row,) = re.findall(r"^\| `accuracy@holdout` \| 0\.\d+ \| 0\.\d+ \| .* \| (.+) \|$", verdict, re.MULTILINE)
    assert row == ("**failed** MVC221" if flip else "ok")
    assert ("worse, by McNemar" in verdict) == flip

    branch = job.env["BRANCH"]
    author.git("fetch", "-q", "origin", branch)
    changed = author.git("diff", "--name-only", "main", "FETCH_HEAD").splitlines()
    assert changed == [f"{PREDICTIONS}.mvc", f"{MODEL}.eval.yaml", f"{MODEL}.mvc"]
    author.git("switch", "-qC", "review", "FETCH_HEAD")
    author.ok("pull")  # the job pushed the content
    author.ok("eval", "recompute")
    report = parse_report(author.read(f"{MODEL}.eval.yaml"), MODEL)
    assert report.tag == "v0.2.0"
    assert report.evaluator
    assert report.evaluator.id == "ci@example.com"
    assert report.train
    assert [item.blake3 for item in report.train.data] == [author.digest("data/train")]


def test_data_that_gives_the_same_model_is_no_change(author: Repo) -> None:
    job = Job(author, "job")
    assert "The data gives the same model." in job.run("Train, evaluate and commit")
    job.run("Judge and push content")
    assert not job.output.exists()
    assert not Path(job.verdict).exists()
