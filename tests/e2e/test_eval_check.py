"""`mvc eval check`: the judge over the workspace; what was found is remembered, what the cache holds is not."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from harness import LARGE, MVC, Repo, Result, noise

from mvc.objects.pointer_reader import parse
from mvc.ops.judging.check import check
from mvc.ops.shared.evidence import known_reports
from mvc.project import Project, Surroundings
from mvc.quality.reports.report_document import ParseReport

POLICY = ".mvc/policy.yaml"


def evaluate(repo: Repo, path: str, auc: float = 0.9) -> str:
    """Write the report of what the pointer names now; its path."""
    digest = parse(repo.read(f"{path}.mvc")).digest
    text = f'mvc-eval: 1\nmodel: {{blake3: "{digest.blake3}"}}\ntag: "v1.0.0"\nmetrics: [{{name: auc, value: {auc}}}]\n'
    repo.write(f"{path}.eval.yaml", text)
    return f"{path}.eval.yaml"


def codes(result: Result) -> list[str]:
    """Return the codes of the errors that were named."""
    return re.findall(r"^error: MVC(\d{3}) ", result.err, re.MULTILINE)


@pytest.fixture
def models(repo: Repo) -> Repo:
    """Return a repository with two models; one has a report."""
    repo.write("models/a.bin", b"a")
    repo.write("models/b.bin", noise("b", LARGE))
    repo.ok("add", "models/a.bin", "models/b.bin")
    evaluate(repo, "models/a.bin")
    return repo


def test_the_workspace_is_judged(models: Repo) -> None:
    result = models.fails(1, "eval", "check")
    assert codes(result) == ["101"]
    assert result.out.splitlines() == ["2 models: 1 error.", "Next: mvc explain MVC101"]
    evaluate(models, "models/b.bin")
    assert models.ok("eval", "check").out == "2 models: no errors.\n"


def test_what_a_model_was_evaluated_with_is_compared_with_the_workspace(models: Repo) -> None:
    report = evaluate(models, "models/b.bin")
    tokens = parse(models.read("models/a.bin.mvc")).digest.blake3
    models.write(report, models.read(report).decode() + f"with: [{{path: models/a.bin, blake3: '{tokens}'}}]\n")
    models.ok("eval", "check")
    models.write("models/a.bin", b"other tokens")
    models.ok("add", "models/a.bin")
    assert "107" in codes(models.fails(1, "eval", "check"))
    for name in ("models/a.bin", "models/a.bin.mvc", "models/a.bin.eval.yaml"):
        models.path(name).unlink()
    models.git("add", "-A")
    assert "which is not tracked" in models.fails(1, "eval", "check", "models/b.bin").err


def test_a_report_of_what_a_model_was_derived_from_is_looked_for_each_time(models: Repo) -> None:
    models.write(POLICY, 'mvc-policy: 1\nrules: [{match: "models/a.bin", from: {report: required}}]\n')
    models.ok("eval", "record", "models/a.bin", "--tag", "v1.0.0", "--metric", "auc=1", "--from", "models/b.bin")
    for _ in range(2):
        assert "109" in codes(models.fails(1, "eval", "check", "models/a.bin"))
    evaluate(models, "models/b.bin")
    models.ok("eval", "check", "models/a.bin")
    evaluate(models, "models/a.bin")
    models.path("models/b.bin.eval.yaml").unlink()
    models.ok("eval", "check", "models/a.bin")  # derived from nothing


def test_json(models: Repo) -> None:
    result = models.mvc("eval", "check", "--json")
    assert result.code == 1
    assert result.json["passed"] is False
    assert result.json["models"] == ["models/a.bin", "models/b.bin"]
    (finding,) = (item for item in result.json["findings"] if item["severity"] == "error")
    assert set(finding) == {"code", "severity", "path", "message", "fix"}
    assert (finding["code"], finding["path"]) == ("MVC101", "models/b.bin")


@pytest.mark.parametrize("path", ["models/a.bin", "models/a.bin.mvc", "models/a.bin.eval.yaml"])
def test_one_path(models: Repo, path: str) -> None:
    assert models.ok("eval", "check", path).out == "1 model: no errors.\n"
    assert models.fails(1, "eval", "check", path.replace("/a", "/b")).out.startswith("1 model: 1 error.")


def test_the_line_to_type_works_from_where_the_user_is(models: Repo) -> None:
    result = models.fails(1, "eval", "check", cwd="models")
    assert "MVC101 b.bin: " in result.err
    assert models.shell(result.fixes[0].replace("NAME=NUMBER", "auc=0.9"), cwd="models").code == 0
    models.ok("eval", "check", cwd="models")


def test_an_unknown_path(models: Repo) -> None:
    models.fails(3, "eval", "check", "nowhere")


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("rm models/a.bin.mvc", "106"),
        ("echo more >>models/a.bin.mvc", "304"),
        ("echo more >>models/a.bin.eval.yaml", "102"),
        ("rm models/a.bin.eval.yaml && ln -s nowhere models/a.bin.eval.yaml", "309"),
        ("rm models/a.bin.mvc && ln -s nowhere models/a.bin.mvc", "309"),
        ("git add -f models/a.bin", "308"),
        ("mkdir -p .mvc && echo '[' >.mvc/policy.yaml", "401"),
        ("sed -i s/v1.0.0/latest/ models/a.bin.eval.yaml", "105"),
    ],
)
def test_what_is_wrong_in_the_workspace(models: Repo, line: str, code: str) -> None:
    evaluate(models, "models/b.bin")
    models.ok("eval", "check")
    assert models.shell(line).code == 0
    for _ in range(2):  # anew, and as it is remembered
        assert codes(models.fails(1, "eval", "check")) == [code]


@pytest.mark.parametrize("suffix", ["mvc", "eval.yaml"])
def test_what_is_no_file_is_called_what_it_is(models: Repo, suffix: str) -> None:
    evaluate(models, "models/b.bin")
    models.remove(f"models/a.bin.{suffix}")
    models.path(f"models/a.bin.{suffix}").mkdir()
    result = models.fails(1, "eval", "check", "models/a.bin")
    assert "is a directory, not a regular file" in result.err


def test_a_report_that_cannot_be_read_is_no_symlink(models: Repo) -> None:
    models.path("models/a.bin.eval.yaml").chmod(0)
    result = models.run("setpriv", "--bounding-set=-dac_override,-dac_read_search", MVC, "eval", "check")
    assert result.code == 3
    assert result.errors == ["models/a.bin.eval.yaml: Permission denied"]


def test_conflicts_are_named(models: Repo) -> None:
    evaluate(models, "models/b.bin")
    models.git("add", "-A")
    models.commit()
    models.git("checkout", "-qb", "side")
    evaluate(models, "models/a.bin", 0.8)
    models.git("commit", "-qam", "theirs")
    models.git("checkout", "-q", "main")
    evaluate(models, "models/a.bin", 0.7)
    models.git("commit", "-qam", "ours")
    models.git("merge", "-q", "side", code=1)
    assert codes(models.fails(1, "eval", "check")) == ["305"]


def test_a_sparse_checkout_is_judged_from_the_index(models: Repo) -> None:
    evaluate(models, "models/b.bin")
    models.write("other/file", "text")
    models.git("add", "-A")
    models.commit()
    models.git("sparse-checkout", "set", "other")
    assert not models.path("models/a.bin.mvc").exists()
    assert models.ok("eval", "check").out == "2 models: no errors.\n"


# What is remembered.


@pytest.fixture
def judged(models: Repo, monkeypatch: pytest.MonkeyPatch) -> tuple[Repo, list[str]]:
    """Return the repository, every model with a report, and the list of reports that this process reads."""
    evaluate(models, "models/b.bin")
    read: list[str] = []
    parse_report = known_reports.parse_report

    def watched(raw: bytes, what: str, decode: ParseReport) -> object:
        read.append(what)
        return parse_report(raw, what, decode)

    monkeypatch.setattr(known_reports, "parse_report", watched)
    return models, read


def found(repo: Repo, now: float = 0) -> list[str]:
    """Judge in this process; the codes of errors."""
    around = Surroundings(str(repo.root), repo.environ, str(repo.root.parent / "none.yaml"))
    with Project.find(around) as project:
        return [item.code for item in check(project, [], now).findings if item.severity == "error"]


def test_a_report_is_read_once(judged: tuple[Repo, list[str]]) -> None:
    repo, read = judged
    assert found(repo) == []
    assert sorted(set(read)) == ["models/a.bin.eval.yaml", "models/b.bin.eval.yaml"]
    read.clear()
    assert found(repo) == []
    assert "models/b.bin.eval.yaml" not in read
    evaluate(repo, "models/b.bin", 0.5)
    assert found(repo) == []
    assert "models/b.bin.eval.yaml" in read


def test_another_policy_judges_anew(judged: tuple[Repo, list[str]]) -> None:
    repo, _ = judged
    assert found(repo) == []
    repo.write(POLICY, "mvc-policy: 1\nrules: [{match: '*.bin', metrics: {auc: {min: 0.95}}}]\n")
    assert found(repo) == ["MVC202", "MVC202"]
    assert found(repo) == ["MVC202", "MVC202"]
    repo.write(POLICY, "mvc-policy: 1\n")
    assert found(repo) == []


def test_the_cache_is_asked_each_time(judged: tuple[Repo, list[str]]) -> None:
    repo, _ = judged
    assert found(repo) == []
    shutil.move(repo.store / "objects", repo.root.parent / "aside")
    assert found(repo) == ["MVC306"]
    shutil.move(repo.root.parent / "aside", repo.store / "objects")
    assert found(repo) == []


@pytest.mark.parametrize("key", ["max_age", '"max\\u005fage"'])
def test_a_report_grows_older_though_nothing_else_changes(judged: tuple[Repo, list[str]], key: str) -> None:
    repo, read = judged
    repo.write(POLICY, f"mvc-policy: 1\nrules: [{{match: 'b.bin', {key}: 1d}}]\n")
    repo.write("models/b.bin.eval.yaml", repo.read("models/b.bin.eval.yaml") + b'created_at: "1970-01-01T00:00:00Z"\n')
    assert found(repo) == []
    read.clear()
    assert found(repo, 24 * 3600) == []
    assert set(read) == {"models/b.bin.eval.yaml"}  # no rule speaks of the age of the other
    assert found(repo, 24 * 3600 + 1) == ["MVC127"]
    assert found(repo) == []


def test_a_lost_catalog_costs_time_only(judged: tuple[Repo, list[str]]) -> None:
    repo, read = judged
    assert found(repo) == []
    for path in repo.store.glob("catalog*"):
        path.unlink()
    read.clear()
    assert found(repo) == []
    assert len(read) == 2


def test_content_in_git_is_seen_though_the_verdict_is_remembered(judged: tuple[Repo, list[str]]) -> None:
    repo, _ = judged
    assert found(repo) == []
    repo.git("add", "-f", "models/a.bin")
    assert found(repo) == ["MVC308"]


def test_worktrees_remember_apart(judged: tuple[Repo, list[str]], tmp_path: Path) -> None:
    repo, _ = judged
    repo.git("add", "-A")
    repo.commit()
    repo.git("worktree", "add", "-q", str(tmp_path / "linked"))
    linked = Repo(tmp_path / "linked", repo.environ)
    assert found(repo) == found(linked) == []
    linked.path("models/a.bin.eval.yaml").write_text("[")
    assert found(linked) == ["MVC102"]
    assert found(repo) == []
