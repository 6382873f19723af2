"""Evaluation files of other programs as reports."""

from __future__ import annotations

import shutil

import pytest
from harness import InProcess, Repo, Result
from readers.test_files import FILES

from mvc.quality.reports.report import Dataset, Report
from mvc.quality.reports.report_document import parse_report


@pytest.fixture
def model(repo: Repo) -> Repo:
    """Return a repository with a model, a data set, and the files of real programs."""
    repo.write("m.bin", "weights")
    repo.write("sums.csv", "a,b\n1,2\n")
    repo.ok("add", "m.bin", "sums.csv")
    repo.commit("a model")
    shutil.copytree(FILES, repo.root / "out")
    return repo


def record(in_process: InProcess, repo: Repo, name: str, *args: str) -> tuple[Report, Result]:
    """Return the report of a file, and what was printed."""
    result = in_process(repo.root, "eval", "record", "m.bin", "--bump", "patch", "--metrics", f"out/{name}", *args)
    assert result.code == 0, result
    return parse_report(repo.read("m.bin.eval.yaml"), "r"), result


@pytest.mark.parametrize("name", ["lm-eval-limited.json", "every-eval-ever.json"])
def test_a_limited_run_of_data_that_is_not_named_is_a_warning(model: Repo, in_process: InProcess, name: str) -> None:
    report, result = record(in_process, model, name)
    assert report.datasets == []
    assert f"out/{name} is of a part of the data: " in result.err


def test_the_report_says_how_much_was_evaluated(model: Repo, in_process: InProcess) -> None:
    for name, dataset, n, used in (
        ("inspect.eval", "holdout", 12, 10),
        ("inspect.json", "sums", 12, None),
        ("lm-eval-limited.json", "words", 5, 3),
        ("every-eval-ever.json", "quiz", 1000, 400),
        ("mlflow-classifier.json", "sums", None, None),
    ):
        report, result = record(in_process, model, name, "--dataset", f"{dataset}=sums.csv")
        assert report.datasets == [Dataset(dataset, model.digest("sums.csv"), "sums.csv", n=n, used=used)]
        assert "is of a part of the data" not in result.err
        model.path("m.bin.eval.yaml").unlink()


def test_of_several_tasks_none_is_that_of_another_data_set(model: Repo, in_process: InProcess) -> None:
    report, result = record(in_process, model, "lm-eval-limited.json", "--dataset", "holdout=sums.csv")
    assert (report.datasets[0].n, report.datasets[0].used) == (None, None)
    assert "is of a part of the data: 3 of 5 examples of sums, 3 of 5 examples of words" in result.err
    assert "--dataset sums=PATH" in result.err


def test_a_card_states_its_data_and_its_task(model: Repo, in_process: InProcess) -> None:
    report, result = record(in_process, model, "README.md", "--dataset", "imdb=sums.csv")
    assert report.task == "text-classification"
    assert [(item.name, item.dataset, item.slice) for item in report.metrics] == [
        ("accuracy", "imdb", {}), ("accuracy", "", {"dataset": "sst2"}),
    ]
    assert "not in the report: model-index: f1 is '0.9 ± 0.1'" in result.err
    report, _ = record(in_process, model, "README.md", "--task", "mine")
    assert report.task == "mine"


def test_a_card_about_other_data_is_refused(model: Repo, in_process: InProcess) -> None:
    model.ok("eval", "record", "m.bin", "--tag", "v1.0.0", "--metric", "auc=1", "--dataset", "holdout=sums.csv")
    model.commit("a report")
    model.ok("export", "card", "HEAD:m.bin")
    report, _ = record(in_process, model, "../README.md", "--dataset", "holdout=sums.csv")
    assert [item.dataset for item in report.metrics] == ["holdout"]
    before = model.read("m.bin.eval.yaml")
    model.write("sums.csv", "other")
    line = ("eval", "record", "m.bin", "--bump", "patch", "--metrics", "README.md")
    result = in_process(model.root, *line, "--dataset", "holdout=sums.csv")
    assert result.code == 2
    assert result.errors[0].startswith("README.md is about other content of the data set holdout: ")
    assert in_process(model.root, *line).errors == ["metric 'auc': data set 'holdout' is not given"]
    assert model.read("m.bin.eval.yaml") == before


def test_a_command_may_write_any_of_them(model: Repo) -> None:
    for name in ("inspect.eval", "promptfoo.junit.xml", "eval-results.yaml"):
        command = ("sh", "-c", f'cp out/{name} "$MVC_METRICS"')
        assert model.ok("eval", "run", "m.bin", "--bump", "patch", "--", *command).out.startswith("recorded m.bin")
