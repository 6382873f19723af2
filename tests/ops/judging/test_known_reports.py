"""A report in another layout than mvc's is read as YAML once."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable

import pytest
from harness import Repo

from mvc.ops.judging.check import check
from mvc.ops.judging.hook import judge_index
from mvc.ops.shared.evidence import known_reports as subject
from mvc.project import Project
from mvc.quality.reports.report import Report
from mvc.quality.reports.report_document import decode_yaml
from mvc.surroundings import surroundings

POLICY = "mvc-policy: 1\nrules:\n  - {{match: '**', metrics: {{auc: {{min: {limit}}}}}}}\n"
REPORT = "# mine\nmvc-eval: 1\nmodel:\n  blake3: {digest}\ntag: v1\nmetrics: [{{name: auc, value: 0.7}}]\nx-team: [a]\n"


@pytest.fixture
def decoded(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Stage a report of `m.bin`; return what is read as YAML from now on."""
    repo.write("m.bin.eval.yaml", REPORT.format(digest=repo.digest("m.bin")))
    repo.write(".mvc/policy.yaml", POLICY.format(limit=0.5))
    repo.git("add", "m.bin.eval.yaml", ".mvc/policy.yaml")
    seen: list[bytes] = []

    def decode(raw: bytes, what: str) -> Report:
        seen.append(raw)
        return decode_yaml(raw, what)

    monkeypatch.setattr(subject, "decode_yaml", decode)
    return seen


def hook(repo: Repo) -> set[str]:
    """Return the codes that the hook finds, which closes nothing."""
    return {item.code for item in judge_index(Project.find(surroundings(repo.root)), time.time()).findings}


def eval_check(repo: Repo) -> set[str]:
    with Project.find(surroundings(repo.root)) as project:
        return {item.code for item in check(project, ["m.bin"], time.time()).findings}


@pytest.mark.parametrize("first", [hook, eval_check])
def test_it_is_judged_by_another_policy_without_yaml(
    repo: Repo, decoded: list[bytes], first: Callable[[Repo], set[str]],
) -> None:
    assert "MVC202" not in first(repo)
    assert len(decoded) == 1
    repo.write(".mvc/policy.yaml", POLICY.format(limit=0.9))
    repo.git("add", ".mvc/policy.yaml")
    assert "MVC202" in hook(repo)
    assert "MVC202" in eval_check(repo)
    assert len(decoded) == 1


def test_an_edited_one_and_a_damaged_record_are_read_again(repo: Repo, decoded: list[bytes]) -> None:
    hook(repo)
    repo.write("m.bin.eval.yaml", repo.read("m.bin.eval.yaml").replace(b"0.7", b"0.4"))
    repo.git("add", "m.bin.eval.yaml")
    assert "MVC202" in hook(repo)
    assert len(decoded) == 2
    (file,) = repo.store.glob("catalog-*.db")
    with sqlite3.connect(file) as db:
        db.execute("update report set json = cast('{\"model\": 1}' as blob)")
    assert "MVC202" in hook(repo)
    assert len(decoded) == 3
