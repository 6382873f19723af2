"""The recipes of docs/evaluation-in-ci.md: their workflows fit the schemas, and their shell blocks run."""

from __future__ import annotations

import json
import re
import runpy
import shutil
import string
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import check_jsonschema
import jsonschema
import pytest
import yaml
from harness import PROJECT, Begin, Repo, Result

SCHEMAS = Path(check_jsonschema.__file__).parent / "builtin_schemas/vendor"
EVALUATE, START, CHECK = (
    f"ci/github/{name}.yaml" for name in ("evaluate", "start-evaluation", "check-evaluation")
)
ON_GITLAB, CHECK_ON_GITLAB = "ci/gitlab/evaluate.yml", "ci/gitlab/check-evaluation.yml"
WORKFLOWS = {EVALUATE: "github-workflows", START: "github-workflows", CHECK: "github-workflows",
             ON_GITLAB: "gitlab-ci", CHECK_ON_GITLAB: "gitlab-ci"}
MODEL = "models/ranker.onnx"
REPORT = f"{MODEL}.eval.yaml"
SCRIPT = """\
import json, os, sys
with open(os.environ["MVC_MODEL"]) as model, open(os.environ["MVC_METRICS"], "w") as metrics:
    auc = float(model.read())
    json.dump({"auc": auc, "auc[country=DE]": auc - 0.01, "p95_ms": 20.0}, metrics)
"""
POLICY = """\
mvc-policy: 1
evaluators: {ci: [ci@example.com]}
rules:
  - {match: "data/**", report: optional}
  - {match: "evals/**", report: optional}
  - match: "models/**"
    metrics: {auc: {min: 0.8}}
    evaluator: {assurance: ci}
"""
DATA = ("--dataset", "holdout=data/holdout.csv")


def workflow(name: str) -> Any:
    return yaml.load((PROJECT / name).read_text(), yaml.BaseLoader)  # `on` is a word here


# The workflows.


@pytest.mark.parametrize(("name", "schema"), WORKFLOWS.items())
def test_workflows_fit_their_schema(name: str, schema: str) -> None:
    rules = json.loads((SCHEMAS / f"{schema}.json").read_text())
    check = jsonschema.validators.validator_for(rules)(rules)
    text = (PROJECT / name).read_text().replace("\non:", '\n"on":')
    check.validate(yaml.safe_load(text))
    assert not check.is_valid(yaml.safe_load(text.replace("script:", "skript:").replace("runs-on:", "runs_on:")))


@pytest.mark.parametrize("name", [EVALUATE, START, CHECK])
def test_actions_are_pinned(name: str) -> None:
    uses = re.findall(r"uses: (.*)", (PROJECT / name).read_text())
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v[0-9.]+", line) for line in uses)


def test_only_the_job_that_signs_has_secrets() -> None:
    github, gitlab = workflow(EVALUATE)["jobs"], workflow(ON_GITLAB)
    assert [name for name, job in github.items() if "secrets." in json.dumps(job)] == ["sign"]
    assert [name for name, job in github.items() if "environment" in job] == ["sign"]
    assert [name for name, job in gitlab.items() if "environment" in job] == ["sign"]
    assert [name for name, job in gitlab.items() if "BOT_TOKEN" in json.dumps(job)] == ["sign"]
    assert all(job["permissions"] == {"contents": "read"} for job in github.values())
    assert not any("secrets." in (PROJECT / name).read_text() for name in (START, CHECK, CHECK_ON_GITLAB))


def test_a_fork_starts_nothing() -> None:
    own = "github.event.pull_request.head.repo.full_name == github.repository"
    assert workflow(START)["jobs"]["start"]["if"] == own
    assert workflow(EVALUATE)["on"].keys() == {"workflow_dispatch"}


# Setting them up.


def block(language: str, start: str) -> str:
    page = (PROJECT / "docs/evaluation-in-ci.md").read_text()
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    (found,) = (text for text in blocks if text.startswith(start))
    return str(found)


def test_the_key_and_the_policy_of_the_page(repo: Repo) -> None:
    home = Path(repo.environ["HOME"])
    (home / ".ssh").mkdir()
    repo.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(home / ".ssh/id_ed25519"))
    repo.git("update-ref", "refs/remotes/origin/main", "HEAD")
    repo.write(".mvc/allowed_signers", f"ada@example.com {(home / '.ssh/id_ed25519.pub').read_text()}")
    assert repo.run("sh", "-c", block("sh", "# key.sh")).code == 0
    repo.commit("signers")
    repo.ok("gate")
    repo.git("update-ref", "refs/remotes/origin/main", "HEAD")
    repo.write(".mvc/policy.yaml", block("yaml", "mvc-policy: 1"))
    repo.git("commit", "-qam", "policy")
    repo.ok("eval", "sign", ".mvc/policy.yaml", "--key", "../ci-key")
    repo.commit("CI's key signs")
    assert "MVC411" in repo.fails(1, "gate").err
    assert repo.shell(block("sh", "mvc eval sign")).code == 0
    repo.commit("Ada's key signs")
    repo.ok("gate")


def test_the_page_names_what_ci_evaluates_for() -> None:
    codes = runpy.run_path(str(PROJECT / "ci/evaluation/needed.py"))["DEMANDS"]
    page = (PROJECT / "docs/evaluation-in-ci.md").read_text()
    (sentence,) = re.findall(r"it evaluates if (.*?) say", page)
    assert set(re.findall(r"MVC\d+", sentence)) == codes


# Running them.


def published(repo: Repo) -> None:
    """Publish a model and a policy that demands that CI evaluates; the branch `better` has another model."""
    top = repo.root.parent
    for name in ("ci", "bot", "ada"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-C", name, "-N", "", "-f", top / name], check=True)
    repo.git("init", "-q", "--bare", "../hub.git")
    repo.git("remote", "add", "origin", "../hub.git")
    repo.ok("remote", "add", "nas", "../nas", "--default")
    repo.write("evaluation/run.py", SCRIPT)
    repo.write("evaluation/requirements.txt", "")
    repo.write("data/holdout.csv", "1,2\n")
    repo.write(MODEL, "0.90")
    repo.ok("add", MODEL, "data/holdout.csv")
    report(repo, "--tag", "v1.0.0")
    kind, key, _ = (top / "ci.pub").read_text().split()
    repo.write(".mvc/allowed_signers", f'ci@example.com namespaces="mvc-eval@v1" {kind} {key}\n')
    repo.git("add", ".")
    repo.commit("signers")
    repo.write(".mvc/policy.yaml", POLICY)
    repo.git("commit", "-qam", "policy")
    repo.git("push", "-q", "origin", "main")
    repo.git("checkout", "-qb", "better")
    repo.write(MODEL, "0.93")
    repo.ok("add", MODEL)
    report(repo, "--tag", "v1.1.0", "-m", "distilled")
    repo.commit("better")
    repo.ok("push", "--all-commits")
    repo.git("push", "-q", "origin", "better")


def report(repo: Repo, *options: str) -> None:
    repo.ok("eval", "run", MODEL, *DATA, *options, "--", "python", "evaluation/run.py")


class Job:
    """A job of a CI system: a clone, and a directory in which mvc is installed."""

    def __init__(self, author: Repo, name: str, branch: str = "better") -> None:
        self.top, self.branch = author.root.parent, branch
        self.runner = self.top / name
        self.repo = Repo(self.top / "repository", author.environ)
        shutil.rmtree(self.repo.root, ignore_errors=True)
        self.runner.mkdir(exist_ok=True)
        for folder in ("mvc", "evaluation"):
            (self.runner / folder).symlink_to(sys.prefix)
        if not (self.top / "mvc").exists():
            (self.top / "mvc").symlink_to(PROJECT)
        author.git("clone", "-q", "../hub.git", "../repository")

    def expressions(self) -> dict[str, str]:
        return {
            "inputs.branch": self.branch, "github.event.repository.default_branch": "main",
            "runner.temp": str(self.runner), "secrets.SIGNING_KEY": (self.top / "ci").read_text(),
            "github.event.pull_request.base.sha || github.event.merge_group.base_sha": self.repo.git(
                "rev-parse", "origin/main",
            ),
        }

    def step(self, file: str, job: str, name: str, **env: str) -> Result:
        """Run one step of a job, as GitHub does."""
        data, known = workflow(file), self.expressions()
        (step,) = (step for step in data["jobs"][job]["steps"] if step.get("name") == name)
        given = {**data.get("env", {}), **step.get("env", {})}
        filled = {key: re.sub(r"\$\{\{ (.*?) }}", lambda found: known[found[1]], text) for key, text in given.items()}
        kept = [line for line in step["run"].splitlines() if not re.match(r"python3 -I -m venv |.*/bin/pip\" ", line)]
        runner = {"RUNNER_TEMP": str(self.runner), "GITHUB_OUTPUT": str(self.runner / "output"), "CI": "true"}
        return self.repo.run("bash", "-e", "-c", "\n".join(kept), env={**runner, **filled, **env})

    def script(self, file: str, job: str, **env: str) -> Result:
        """Run the script of a job, as GitLab does."""
        data = workflow(file)
        lines = [*data[data[job].get("extends", job)]["before_script"], *data[job]["script"]]
        installs = re.compile(r"source=|git (-C|init) .*source|sh .*install.sh|pip install ")
        kept = [line for line in lines if not installs.match(line)]
        given = {
            "CI": "true", "CI_DEFAULT_BRANCH": "main", "CI_PROJECT_URL": str(self.top / "hub"),
            "CI_SERVER_URL": "https://gitlab.example.com", "BRANCH": self.branch, "BOT_TOKEN": "glpat-secret",
            "CI_MERGE_REQUEST_DIFF_BASE_SHA": self.repo.git("rev-parse", "origin/main"),
            "source": str(PROJECT), "mvc": str(self.runner / "mvc"), **env,
        }
        own = {**data.get("variables", {}), **data[job].get("variables", {})}
        filled = {key: string.Template(text).substitute(given) for key, text in own.items()}
        return self.repo.run("bash", "-c", "set -eo pipefail\n" + "\n".join(kept), env={**given, **filled})


@pytest.fixture
def author(begin: Begin) -> Repo:
    """Return the clone of an author, who evaluated a model on the branch `better` and pushed it."""
    repo = begin(published)
    repo.ok("checkout", "-f")
    return repo


def on_github(author: Repo, stage: str) -> tuple[Job, Result]:
    job = Job(author, stage)
    if stage == "evaluate":
        return job, job.step(EVALUATE, "evaluate", "Evaluate")
    shutil.copytree(author.root.parent / "evaluate/handed", job.runner / "handed")
    return job, job.step(EVALUATE, "sign", "Sign, commit and push")


def on_gitlab(author: Repo, stage: str) -> tuple[Job, Result]:
    kept = author.root.parent / "handed"
    job = Job(author, stage)
    if kept.exists() and stage == "sign":
        shutil.copytree(kept, job.repo.path("handed"))
    key = {"SIGNING_KEY": (job.top / "ci").read_text()} if stage == "sign" else {}
    result = job.script(ON_GITLAB, stage, **key)
    if stage == "evaluate" and job.repo.path("handed").exists():
        shutil.copytree(job.repo.path("handed"), kept)
    return job, result


@pytest.mark.parametrize("run", [on_github, on_gitlab])
def test_ci_evaluates_signs_and_commits_once(author: Repo, run: Callable[[Repo, str], tuple[Job, Result]]) -> None:
    assert "MVC124" in author.fails(1, "gate").err
    job, evaluated = run(author, "evaluate")
    assert evaluated.code == 0, evaluated
    assert job.repo.git("log", "-1", "--format=%s", "origin/better") == "better"
    job, signed = run(author, "sign")
    assert signed.code == 0, signed
    author.git("pull", "-q", "origin", "better")
    assert author.git("log", "-1", "--format=%an %ae %s") == f"evaluation ci@example.com Evaluate {MODEL}"
    assert author.git("diff", "--name-only", "HEAD~").splitlines() == [REPORT, f"{REPORT}.sig"]
    found = author.ok("eval", "show", MODEL, "--json").json["report"]
    assert (found["tag"], found["desc"]) == ("v1.1.0", "distilled")
    assert found["evaluator"] == {"id": "ci@example.com", "assurance": "ci"}
    assert found["code"]["command"].endswith("python evaluation/run.py")
    assert found["code"]["dirty"] is False
    assert "Gate passed" in author.ok("gate").out
    assert_secret(job, evaluated, signed)
    again = Job(author, "again")
    done = again.step(EVALUATE, "evaluate", "Evaluate") if run is on_github else again.script(ON_GITLAB, "evaluate")
    assert (done.code, "demands no evaluation" in done.out) == (0, True), done
    assert not (again.runner / "handed").exists()
    assert not again.repo.path("handed").exists()


def assert_secret(job: Job, *results: Result) -> None:
    """Check that the private key is in no file of the job, and in no line of its output."""
    body = (job.top / "ci").read_text().splitlines()[1]
    texts = [result.out + result.err for result in results]
    texts += [path.read_bytes().decode("latin-1") for folder in (job.runner, job.repo.root) if folder.exists()
              for path in folder.rglob("*") if path.is_file() and "mvc" not in path.relative_to(folder).parts[:1]]
    assert not any(body in text or "glpat-secret" in text.replace("$BOT_TOKEN", "") for text in texts)


# What is not signed.


def handed(author: Repo) -> Job:
    """Let CI evaluate; return the job that is to sign, with the report."""
    job = Job(author, "evaluate")
    done = job.step(EVALUATE, "evaluate", "Evaluate")
    assert done.code == 0, done
    assert (job.runner / "output").read_text() == "evaluated=true\n"
    signing = Job(author, "sign")
    shutil.copytree(job.runner / "handed", signing.runner / "handed")
    return signing


def sign(job: Job, **env: str) -> Result:
    return job.step(EVALUATE, "sign", "Sign, commit and push", **env)


def pushed(author: Repo, change: Callable[[Repo], object]) -> None:
    """Change the branch on the server."""
    change(author)
    author.git("commit", "-qnam", "change")
    author.git("push", "-q", "origin", "better")


def _shadow(repo: Repo) -> None:
    repo.write("evaluation/json.py", "")
    repo.git("add", "evaluation")


def _link(repo: Repo) -> None:
    repo.remove(REPORT)
    repo.path(REPORT).symlink_to("../../outside")
    repo.git("add", REPORT)


def _linked_folder(repo: Repo) -> None:
    repo.git("mv", "models", "elsewhere")
    repo.path("models").symlink_to("../outside-folder")
    repo.git("add", "models")


def _other_model(repo: Repo) -> None:
    repo.write(MODEL, "0.99")
    repo.ok("add", MODEL)


def _other_remote(repo: Repo) -> None:
    repo.ok("remote", "add", "evil", "../evil", "--default")


def _readme(repo: Repo) -> None:
    repo.write("README.md", "more")
    repo.git("add", "README.md")


@pytest.mark.parametrize(("change", "says"), [
    (_other_model, "is for"),
    (_shadow, "better has another evaluation than origin/main"),
    (_other_remote, "better has another .mvc/config.yaml than origin/main"),
    (_link, "is a symlink, or behind one"),
    (_linked_folder, "is a symlink, or behind one"),
])
def test_a_branch_that_changed_gets_no_signature(author: Repo, change: Callable[[Repo], object], says: str) -> None:
    handed(author)
    pushed(author, change)
    (author.root.parent / "outside-folder").mkdir()
    before = author.git("ls-remote", "origin")
    job = Job(author, "late")
    shutil.copytree(author.root.parent / "sign/handed", job.runner / "handed")
    done = sign(job)
    assert done.code, done
    assert says in done.err
    assert author.git("ls-remote", "origin") == before
    assert not (author.root.parent / "outside").exists()
    assert not list((author.root.parent / "outside-folder").iterdir())


def _no_content(job: Job) -> None:
    for path in (job.top / "nas/packs").iterdir():
        path.unlink()


def _linked_report(job: Job) -> None:
    report = job.runner / "handed" / REPORT
    report.rename(job.runner / "mine")
    report.symlink_to(job.runner / "mine")


@pytest.mark.parametrize(("spoil", "key", "says"), [
    (_no_content, "ci", "never pushed or since deleted"),
    (_linked_report, "ci", "was not handed over as a regular file"),
    (lambda _: None, "ada", "the signature does not count"),
    (lambda _: None, "ada.pub", "SIGNING_KEY is not a private SSH key"),
])
def test_what_is_wrong_with_the_job_is_told_before_anything_is_pushed(
    author: Repo, spoil: Callable[[Job], object], key: str, says: str,
) -> None:
    job = handed(author)
    spoil(job)
    before = author.git("ls-remote", "origin")
    done = sign(job, SIGNING_KEY=(job.top / key).read_text())
    assert done.code, done
    assert says in done.err
    assert author.git("ls-remote", "origin") == before


def test_what_must_be_as_in_the_target_branch_is_there(author: Repo) -> None:
    done = sign(handed(author), TRUSTED="evalution")
    assert done.code, done
    assert done.err.endswith("error: TRUSTED: origin/main has no evalution\n"), done


def test_another_evaluation_is_not_even_run(author: Repo) -> None:
    pushed(author, _shadow)
    job = Job(author, "evaluate")
    done = job.step(EVALUATE, "evaluate", "Evaluate")
    assert done.code == 1, done
    assert done.err.startswith("error: better has another evaluation than origin/main.")
    assert not (job.runner / "handed").exists()


def test_a_branch_that_moved_on_meanwhile_is_left_alone(author: Repo) -> None:
    job = handed(author)
    pushed(author, _readme)
    before = author.git("ls-remote", "origin")
    done = sign(job)
    assert done.code, done
    assert "better has moved on" in done.err
    assert author.git("ls-remote", "origin") == before
    assert (job.runner / "handed" / REPORT).exists()


def test_without_a_report_there_is_nothing_to_sign(author: Repo) -> None:
    job = Job(author, "sign")
    done = sign(job)
    assert (done.code, done.out) == (0, "There is no report to sign.\n"), done


def test_a_report_of_the_branch_s_own_is_not_what_was_handed_over(author: Repo) -> None:
    author.write(f"handed/{REPORT}", author.read(REPORT))
    author.write(REPORT, author.read(REPORT).replace(b"blake3", b"x-blake3"))  # so the gate demands no evaluation
    author.git("add", "handed")
    pushed(author, lambda _: None)
    before = author.git("ls-remote", "origin")
    job, evaluated = on_gitlab(author, "evaluate")
    assert (evaluated.code, "demands no evaluation" in evaluated.out) == (0, True), evaluated
    assert not job.repo.path("handed").exists()
    job, signed = on_gitlab(author, "sign")
    assert (signed.code, signed.out) == (0, "There is no report to sign.\n"), signed
    done = job.repo.run("sh", str(PROJECT / "ci/evaluation/sign.sh"), "handed", MODEL)
    assert (done.code, "is in the repository" in done.err) == (1, True), done
    assert author.git("ls-remote", "origin") == before


def test_a_key_with_windows_line_ends_and_none_at_its_end(author: Repo) -> None:
    job = handed(author)
    done = sign(job, SIGNING_KEY=(job.top / "ci").read_text().strip().replace("\n", "\r\n"))
    assert done.code == 0, done


def test_content_that_the_evaluation_made_is_pushed_before_the_commit(author: Repo) -> None:
    job = handed(author)
    path = job.runner / "handed/evals/ranker.csv"
    path.parent.mkdir()
    path.write_text("1,0.9\n")
    job.repo.git("checkout", "-q", "--detach", "origin/better")
    script = [str(PROJECT / "ci/evaluation/sign.sh"), str(job.runner / "handed"), MODEL, "evals/ranker.csv"]
    env = {"BASE": "origin/main", "TRUSTED": "evaluation .mvc/config.yaml", "BRANCH": "better"}
    own = {"MVC": str(job.runner / "mvc/bin/mvc"), "SIGNING_KEY": (job.top / "ci").read_text()}
    done = job.repo.run("ssh-agent", "sh", *script, env={**env, **own})
    assert done.code == 0, done
    author.git("pull", "-q", "origin", "better")
    author.ok("pull")
    assert author.read("evals/ranker.csv") == b"1,0.9\n"


# The author's own report.


@pytest.mark.parametrize("run", [
    lambda job: job.step(CHECK, "check", "Evaluate again and compare"),
    lambda job: job.script(CHECK_ON_GITLAB, "check-evaluation"),
])
@pytest.mark.parametrize(("old", "new", "says"), [
    ("", "", ""),
    ("0.93,", "0.9300000001,", ""),
    ("0.93,", "0.95,", "auc@holdout: 0.95 in the report, 0.93 measured"),
    ('slice: {country: "DE"}', 'slice: {country: "FR"}', "auc[country=DE]@holdout: only measured"),
    ('blake3: "6c', 'blake3: "5c', "auc@holdout: measured on other data"),
])
def test_a_report_that_was_edited_is_found(
    author: Repo, run: Callable[[Job], Result], old: str, new: str, says: str,
) -> None:
    text = author.read(REPORT).decode()
    assert old in text
    pushed(author, lambda repo: repo.write(REPORT, text.replace(old, new) + "# evaluated\n"))
    job = Job(author, "check")
    job.repo.git("checkout", "-q", "--detach", "origin/better")
    done = run(job)
    assert (done.code, says in done.out) == (1 if says else 0, True), done
    assert says or "The report says what was measured." in done.out


def test_only_a_change_of_the_model_is_evaluated_again(author: Repo) -> None:
    job = Job(author, "check")
    job.repo.git("checkout", "-q", "-b", "docs", "origin/main")
    _readme(job.repo)
    job.repo.git("commit", "-qnm", "docs")
    done = job.step(CHECK, "check", "Evaluate again and compare")
    assert (done.code, done.out) == (0, ""), done


def test_metrics_that_vary_can_be_left_out(author: Repo) -> None:
    author.write(REPORT, author.read(REPORT).replace(b"value: 20.0", b"value: 21.5"))
    author.git("commit", "-qnam", "slower")
    author.ok("eval", "run", MODEL, *DATA, "--tag", "again", "--no-stage", "--", "python", "evaluation/run.py")
    line = [sys.executable, str(PROJECT / "ci/evaluation/same.py"), MODEL, "1e-6"]
    assert author.run(*line).out == "p95_ms@holdout: 21.5 in the report, 20.0 measured\n"
    assert author.run(*line, "p95_ms").code == 0
    assert author.run(*line[:-2], "models/none", "1e-6").out == ""


