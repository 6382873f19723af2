"""`mvc gate --format`: the verdict on one change in the formats of CI systems; tests/quality has each format."""

from __future__ import annotations

import re
from collections.abc import Callable
from hashlib import sha256
from urllib.parse import unquote

import pytest
from harness import LARGE, Begin, Repo, noise
from quality.test_format_github import commands
from quality.test_format_gitlab import issues
from quality.test_format_in_toto import statement
from quality.test_format_junit import results
from quality.test_format_openmetrics import samples
from quality.test_format_sarif import run_of

from mvc.cli.commands.gate import FORMATS
from mvc.objects.hashing import hash_bytes
from mvc.quality.render.formats.every import RENDER

MODEL = "models/ranker.onnx"
WORSE = b"weights of v1.1.0"
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


def of_in_toto(text: str) -> object:
    read = statement(text)
    content = {"name": MODEL, "digest": {"blake3": hash_bytes(WORSE).blake3, "sha256": sha256(WORSE).hexdigest()}}
    names = [subject.get("name") for subject in read["subject"]]
    policy = [item["digest"]["sha256"] for item in read["predicate"]["configuration"]]
    return (names, read["subject"][2] == content, policy == [sha256(POLICY.encode()).hexdigest()],
            read["predicate"]["result"], read["predicate"]["failedTests"])


EXPECTED: dict[str, tuple[Callable[[str], object], object]] = {
    "github": (of_github, ("error", f"{MODEL}.eval.yaml", "MVC221 metric worse than before")),
    "sarif": (of_sarif, ("error", f"{MODEL}.eval.yaml", "MVC221")),
    "junit": (of_junit, [(MODEL, "MVC221 metric worse than before", "failed")]),
    "gitlab": (of_gitlab, ("major", f"{MODEL}.eval.yaml", "MVC221")),
    "openmetrics": (of_openmetrics, [0, 0.9, 0.85]),
    "in-toto": (of_in_toto, (
        [None, f"{MODEL}.mvc", MODEL], True, True, "FAILED", [f"{MODEL}: MVC221 metric worse than before"],
    )),
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


def test_the_log_ends_with_the_verdict_and_a_pipe_can_have_both(repo: Repo) -> None:
    log = repo.mvc("gate", "--format", "github").out
    assert log.splitlines()[-1].startswith("Gate failed: ")
    both = repo.shell("mvc gate --format github -o /dev/stdout | cat").out
    assert both.startswith(log)
    assert any(line.startswith(MODEL) for line in both.splitlines())


HOSTILE = (
    "\n::set-output name=a::b", "\x1b[31m<b>]]>&", "%0A::error::x,line=7", "\u202e](javascript:x)", "##[error]`|",
    "caf\udce9",
)


def test_hostile_names_are_read_as_names(repo: Repo) -> None:
    for name in HOSTILE:
        path = repo.path(f"{name}.onnx")
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
    repo.path(MODEL).unlink()
    repo.git("add", "-f", ".")
    repo.git("commit", "-qnm", "raw")
    told = {form: repo.mvc("gate", "--format", form).out for form in EXPECTED}
    assert all(char.isprintable() or char == "\n" for text in told.values() for char in text)
    assert len(commands(told["github"])) == len(HOSTILE) + 1
    uris = {result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
            for result in run_of(told["sarif"])["results"]}
    assert {unquote(uri, errors="surrogateescape") for uri in uris} >= {f"{name}.onnx" for name in HOSTILE}
    assert len(issues(told["gitlab"])) == len(HOSTILE) + 1
    assert len(results(told["junit"])) == len(HOSTILE) + 1
    assert samples(told["openmetrics"])["mvc_gate_findings", "error"] == len(HOSTILE) + 1
    assert len(statement(told["in-toto"])["predicate"]["failedTests"]) == len(HOSTILE) + 1


def test_a_statement_has_the_sha256_of_what_the_cache_has_undamaged(repo: Repo) -> None:
    def digests() -> list[str]:
        return list(statement(repo.mvc("gate", "--format", "in-toto").out)["subject"][2]["digest"])

    repo.write(MODEL, noise("large", LARGE))
    repo.ok("add", MODEL)
    repo.git("commit", "-qnm", "large", "--", f"{MODEL}.mvc")
    assert digests() == ["blake3", "sha256"]
    stored = repo.loose(repo.digest(MODEL))
    stored.chmod(0o600)
    stored.write_bytes(b"damaged")
    assert digests() == ["blake3"]
    stored.unlink()
    assert digests() == ["blake3"]


def test_a_summary_stays_below_what_github_takes(repo: Repo) -> None:
    mib = 1 << 20
    for number in range(20):
        repo.write(f"{number:0200}.onnx", b"x")
    repo.git("add", "-f", ".")
    repo.git("commit", "-qnm", "raw")
    for before in (0, mib - 4096):
        repo.path("summary.md").write_bytes(b"-" * before)
        assert repo.mvc("gate", "--summary", "summary.md").code == 1
        written = repo.read("summary.md")[before:].decode()
        assert before + len(written) < mib
        left = sum(map(int, re.findall(r"^\.\.\. and (\d+) more$", written, re.MULTILINE)))
        assert (written.count("**error"), left) == ((22, 0) if before == 0 else (1, 21))


def test_every_format_is_tested() -> None:
    assert [*EXPECTED] == [*RENDER] == [*FORMATS[3:]]
