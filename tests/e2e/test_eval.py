"""`mvc eval`: reports bound to the bytes of a model, recorded, measured and shown."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from blake3 import blake3
from harness import MVC, PROJECT, InProcess, Repo, Result, noise

import mvc
from mvc.quality.reports.report import Evaluator, Report, Source, Used
from mvc.quality.reports.report_document import parse_report

MODEL = "models/ranker.onnx"
FILE = f"{MODEL}.eval.yaml"


@pytest.fixture
def model(repo: Repo) -> Repo:
    """Return a repository with a model and a data set, committed."""
    repo.write(MODEL, noise("model", 1000))
    repo.write("data/holdout.csv", "a,b\n1,2\n")
    repo.ok("add", MODEL, "data/holdout.csv")
    repo.git("commit", "-qnm", "a model")
    return repo


def report(repo: Repo, file: str = FILE) -> Report:
    return parse_report(repo.read(file), file)


def recorded(repo: Repo, *args: str) -> Report:
    """Record a report, which must succeed."""
    repo.ok("eval", "record", MODEL, *args)
    return report(repo)


def warned(result: Result) -> list[str]:
    return [line.removeprefix("warning: ") for line in result.err.splitlines() if line.startswith("warning: ")]


def untouched(repo: Repo) -> None:
    """Nothing was written or staged, and nothing is left behind."""
    assert not repo.path(FILE).exists()
    assert repo.git("status", "--short", "--untracked-files=all") == ""
    assert repo.debris() == []


# Recording.


def test_a_report_is_bound_to_the_bytes_and_staged(model: Repo) -> None:
    out = model.ok("eval", "record", MODEL, "--tag", "v1.0.0", "--metric", "auc=0.93", "--metric", "p95_ms=12").out
    assert "recorded models/ranker.onnx.eval.yaml (v1.0.0, 2 metrics)" in out
    assert "Next: git commit" in out
    found = report(model)
    assert found.model.blake3 == model.digest(MODEL)
    assert found.tag == "v1.0.0"
    assert [(item.name, item.value, item.higher_is_better) for item in found.metrics] == [
        ("auc", 0.93, True), ("p95_ms", 12.0, False),
    ]
    assert model.git("status", "--short") == f"A  {FILE}"
    assert model.git("show", f":{FILE}") == model.read(FILE).decode().rstrip("\n")
    assert model.debris() == []


def test_provenance_fills_itself_in(model: Repo) -> None:
    found = recorded(model, "--tag", "v1.0.0", "--metric", "auc=0.93")
    assert found.code
    assert found.evaluator
    assert found.environment
    assert (found.code.commit, found.code.dirty) == (model.git("rev-parse", "HEAD"), False)
    assert found.code.command == f"mvc eval record {MODEL} --tag v1.0.0 --metric auc=0.93"
    assert (found.evaluator.id, found.evaluator.assurance) == ("ada@example.com", "self")
    assert found.environment.platform.startswith("Linux")
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", found.created_at)


def test_code_is_dirty_when_a_tracked_file_differs_but_not_by_what_mvc_writes(model: Repo) -> None:
    model.write("eval.py", "1")
    model.git("add", "eval.py")
    model.git("commit", "-qnm", "code")
    model.write(MODEL, "new")
    model.ok("add", MODEL)
    model.write("untracked.txt", "1")
    found = recorded(model, "--tag", "v1.0.0", "--metric", "auc=1")
    assert found.code
    assert found.code.dirty is False
    model.write("eval.py", "2")
    found = recorded(model, "--tag", "v1.0.0", "--metric", "auc=1")
    assert found.code
    assert found.code.dirty is True


def test_before_the_first_commit_and_without_an_identity(bare_git: Repo) -> None:
    bare_git.ok("init")
    bare_git.write(MODEL, "model")
    bare_git.ok("add", MODEL)
    nobody = {"GIT_AUTHOR_NAME": "", "GIT_AUTHOR_EMAIL": "", "GIT_CONFIG_COUNT": "1"}
    nobody |= {"GIT_CONFIG_KEY_0": "user.useConfigOnly", "GIT_CONFIG_VALUE_0": "true"}
    line = ("--tag", "v1.0.0", "--metric", "auc=1", "--assurance")
    refused = bare_git.fails(2, "eval", "run", MODEL, *line, "ci", "--", "touch", "ran", env=nobody)
    assert refused.errors == ["Git has no user.email, so the evaluator is unknown"]
    assert not bare_git.path("ran").exists()
    bare_git.ok("eval", "record", MODEL, *line, "self", env=nobody)
    found = report(bare_git)
    assert found.evaluator is None
    assert found.code
    assert (found.code.commit, found.code.dirty) == ("", None)


def test_the_evaluator_says_who_vouches_for_the_report(model: Repo) -> None:
    model.write("metrics.py", 'import os; open(os.environ["MVC_METRICS"], "w").write(\'{"auc": 1}\')')
    line = ("--tag", "v1.0.0", "--assurance", "ci")
    model.ok("eval", "run", MODEL, *line, "--", "python", "metrics.py")
    assert report(model).evaluator == Evaluator("ada@example.com", "ci")
    assert recorded(model, *line[:3], "third-party", "--metric", "auc=1").evaluator == Evaluator(
        "ada@example.com", "third-party",
    )
    assert recorded(model, *line[:2], "--metric", "auc=1").evaluator == Evaluator("ada@example.com", "self")


def test_metrics_that_are_kept_are_recorded_with_their_assurance(model: Repo) -> None:
    done = model.fails(2, "eval", "run", MODEL, "--tag", "v1.0.0", "--assurance", "ci", "--",
                       "sh", "-c", 'echo rubbish > "$MVC_METRICS"')
    assert "--tag v1.0.0 --assurance ci --metrics " in done.fixes[0]


def test_files_of_the_current_directory_do_not_tell_the_environment(model: Repo) -> None:
    model.write("json.py", "raise SystemExit('mine')")
    model.write("evaluation/run.py", 'import os; open(os.environ["MVC_METRICS"], "w").write(\'{"auc": 1}\')')
    model.ok("eval", "run", MODEL, "--tag", "v1.0.0", "--", "python", "evaluation/run.py")
    found = report(model).environment
    assert found
    assert found.python == ".".join(map(str, sys.version_info[:3]))


def test_a_directory_is_bound_by_its_manifest(repo: Repo) -> None:
    repo.write_dir("models/bert", 3)
    repo.ok("add", "models/bert")
    repo.ok("eval", "record", "models/bert", "--tag", "v1.0.0", "--metric", "acc=1")
    assert report(repo, "models/bert.eval.yaml").model.blake3 == repo.digest("models/bert")
    inside = repo.fails(2, "eval", "record", "models/bert/part-0001.bin", "--tag", "v1.0.0")
    assert "is inside models/bert, which is evaluated as a whole" in inside.errors[0]


def test_the_bytes_are_those_of_the_workspace_not_of_the_pointer(model: Repo) -> None:
    before = model.digest(MODEL)
    model.write(MODEL, "retrained")
    result = model.ok("eval", "record", MODEL, "--tag", "v1.1.0", "--metric", "auc=1")
    assert warned(result) == [f"{MODEL} differs from its pointer"]
    assert result.fixes == [f"mvc add {MODEL}"]
    assert report(model).model.blake3 != before
    model.shell(result.fixes[0])
    assert report(model).model.blake3 == model.digest(MODEL)
    assert model.ok("eval", "show", MODEL, "--json").json["state"] == "ok"


def test_what_is_not_tracked_is_recorded_with_the_line_that_tracks_it(repo: Repo) -> None:
    repo.write("m.onnx", "model")
    result = repo.ok("eval", "record", "m.onnx", "--tag", "v1.0.0", "--metric", "auc=1")
    assert warned(result) == ["m.onnx is not tracked"]
    repo.shell(result.fixes[0])
    assert repo.ok("eval", "show", "m.onnx", "--json").json["state"] == "ok"


def test_what_is_not_there_is_refused(model: Repo) -> None:
    assert model.fails(2, "eval", "record", "none.onnx", "--tag", "v1").errors == ["none.onnx does not exist"]
    assert model.fails(2, "eval", "record", ".", "--tag", "v1").errors == ["the whole worktree cannot be a model"]
    model.remove(MODEL)
    assert model.fails(3, "eval", "record", MODEL, "--tag", "v1").fixes == [f"mvc checkout {MODEL}"]
    untouched(model)


def test_a_path_may_be_that_of_pointer_or_report_and_from_anywhere(model: Repo) -> None:
    for name in ("ranker.onnx", "ranker.onnx.mvc", "ranker.onnx.eval.yaml"):
        model.ok("eval", "record", name, "--tag", "v1.0.0", "--metric", "auc=1", cwd="models")
        assert name in model.ok("eval", "show", name, cwd="models").out or name != "ranker.onnx"
    assert [path.name for path in model.path("models").glob("*eval*")] == ["ranker.onnx.eval.yaml"]


def test_no_stage(model: Repo) -> None:
    out = model.ok("eval", "record", MODEL, "--tag", "v1.0.0", "--metric", "auc=1", "--no-stage").out
    assert model.git("status", "--short") == f"?? {FILE}"
    model.shell(out.partition("Next: ")[2])
    assert model.git("status", "--short") == f"A  {FILE}"


# Options.


def test_what_is_no_place_for_models_is_refused_with_a_line_to_type(model: Repo) -> None:
    model.write(".mvc/big", "x")
    for path in ("/etc/hostname", "../x", ".mvc/big"):
        for args in (("add", path), ("eval", "record", path, "--tag", "v1.0.0")):
            assert len(model.fails(2, *args).fixes) == 1
    line = model.fails(2, "add", ".mvc/big").fixes[0]
    assert model.shell(line.replace("DIR", "models")).code == 0
    model.ok("add", "models/big")


@pytest.mark.parametrize("args", [
    ("eval", "run", MODEL), ("eval", "run"), ("hook", "run"), ("eval", "record", "--bogus"), ("eval",), ("mv",), (),
])
def test_a_wrong_line_is_told_the_help_of_its_own_command(model: Repo, args: tuple[str, ...]) -> None:
    words = [word for word in args if word.isalpha()]
    assert model.fails(2, *args, *([] if args else ["--bogus"])).fixes == [" ".join(["mvc", *words, "--help"])]


@pytest.mark.parametrize(("args", "message"), [
    ([], "a report needs a tag"),
    (["--tag", "v1", "--bump", "minor"], "--tag and --bump exclude each other"),
    (["--bump", "huge"], "--bump huge: expected major, minor or patch"),
    (["--tag", "v1", "--assurance", "CI"], "--assurance CI: expected self, ci, third-party"),
    (["--tag", "v1", "--metric", "auc=nan"], "invalid value 'nan' of metric 'auc': expected a finite number"),
    (["--tag", "v1", "--metric", "auc=1", "--metric", "auc=2"], "duplicate metric auc"),
    (
        ["--tag", "v1", "--metric", "auc=1", "--metric", "auc@h=2", "--dataset", "h=data/holdout.csv"],
        "duplicate metric auc@h",
    ),
    (["--tag", "v1", "--metric", "auc@holdout=1"], "data set 'holdout' is not given"),
    (["--tag", "v1", "--metrics", "none.json"], "none.json: No such file or directory"),
    (["--tag", "v1", "--metrics", "data"], "data: Is a directory"),
    (["--tag", "v1", "--metrics", "data/holdout.csv"], "data/holdout.csv: not JSON"),
    (["--tag", "v1", "--dataset", "holdout"], "--dataset holdout: expected ID=PATH"),
    (["--tag", "v1", "--dataset", "a b=data/holdout.csv"], "invalid data set id 'a b'"),
    (["--tag", "v1", "--dataset", "a=none.csv"], "none.csv does not exist"),
    (["--tag", "v1", "--dataset", "a=../x"], "../x is outside the repository"),
    (["--tag", "v1", "--dataset", "a=data", "--dataset", "a=data"], "duplicate data set id 'a'"),
    (["--tag", "v1", "--param", "lr"], "--param lr: expected K=V"),
    (["--tag", "v1", "--param", "lr=1", "--param", "lr=2"], "duplicate parameter 'lr'"),
    (["--tag", "v1", "--higher-is-better", "f1"], "no metric 'f1' is given"),
    (["--tag", "v1", "--metric", "a=1", "--higher-is-better", "a", "--lower-is-better", "a"], "exclude each other: a"),
])
def test_wrong_options_are_refused_before_anything_is_written(
    model: Repo, in_process: InProcess, args: list[str], message: str, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(model.root)
    result = in_process(model.root, "eval", "record", MODEL, *args)
    assert result.code == 2, result
    assert message in result.errors[0]
    assert result.fixes
    untouched(model)


def test_slices_data_sets_parameters_and_texts(model: Repo) -> None:
    model.write_dir("data/train", 2)
    found = recorded(
        model, "--tag", "v1.0.0", "--metric", "auc=0.93", "--metric", "auc[country=DE]=0.9", "--metric", "score=1e-3",
        "--dataset", "holdout=data/holdout.csv", "--train", "data/train", "--param", "seed=42", "--param", "lr=1e-4",
        "--param", "kind=a=b", "--param", "fast=true", "--task", "ranking", "-m", "first",
    )
    assert [(item.name, item.dataset, item.slice) for item in found.metrics] == [
        ("auc", "holdout", {}), ("auc", "holdout", {"country": "DE"}), ("score", "holdout", {}),
    ]
    assert found.metrics[2].higher_is_better is None
    assert found.params == {"seed": 42, "lr": 1e-4, "kind": "a=b", "fast": True}
    assert (found.task, found.desc) == ("ranking", "first")
    assert found.datasets[0].blake3 == model.digest("data/holdout.csv")
    assert found.train
    model.ok("add", "data/train")
    assert found.train.data[0].blake3 == model.digest("data/train")


def test_what_a_model_was_evaluated_with_and_derived_from(model: Repo) -> None:
    model.write_dir("tokenizer", 2)
    model.write("base.onnx", noise("base", 500))
    model.ok("add", "base.onnx")
    model.ok("eval", "record", "base.onnx", "--tag", "v1.0.0", "--metric", "auc=0.9")
    model.git("commit", "-qam", "a base")
    model.ok("register", "base", "v1.0.0")
    base = model.digest("base.onnx")
    model.write("base.onnx", noise("base", 600))
    args = ("--tag", "v1.0.0", "--metric", "auc=0.93", "--with", "tokenizer")
    for reference in ("base.onnx.mvc", "HEAD:base.onnx", "base@v1.0.0"):
        found = recorded(model, *args, "--from", reference)
        expected = base if reference != "base.onnx.mvc" else blake3(noise("base", 600)).hexdigest()
        assert found.sources == [Source("base.onnx", expected)]
    assert model.read(FILE).startswith(b"mvc-eval: 2\n")
    model.ok("add", "tokenizer")
    assert [item.blake3 for item in found.together] == [model.digest("tokenizer")]
    again = recorded(model, *args[:4], "--with", "data/holdout.csv")
    assert [item.path for item in again.together] == ["tokenizer", "data/holdout.csv"]
    assert again.sources == found.sources  # the model is the same
    model.write(MODEL, "another one")
    assert recorded(model, *args).sources == []
    assert model.read(FILE).startswith(b"mvc-eval: 1\n")


def test_a_data_set_is_hashed_as_it_is(model: Repo) -> None:
    model.write("data/holdout.csv", "changed")
    result = model.ok("eval", "record", MODEL, "--tag", "v1.0.0", "--metric", "a=1", "--dataset", "h=data/holdout.csv")
    assert warned(result) == ["data/holdout.csv differs from its pointer"]
    model.shell(result.fixes[0])
    assert report(model).datasets[0].blake3 == model.digest("data/holdout.csv")


def test_tracked_data_that_is_not_there_is_what_its_pointer_stands_for(model: Repo) -> None:
    model.write_dir("data/train", 2)
    model.ok("add", "data/train")
    digests = model.digest("data/holdout.csv"), model.digest("data/train")
    for path in ("data/holdout.csv", "data/train"):
        model.remove(path)
    args = ("--tag", "v1.0.0", "--metric", "a=1", "--train", "data/train")
    found = recorded(model, *args, "--dataset", "h=data/holdout.csv")
    assert found.train
    assert (found.datasets[0].blake3, found.train.data[0].blake3) == digests
    model.remove("data/holdout.csv.mvc")
    refused = model.fails(2, "eval", "record", MODEL, *args, "--dataset", "h=data/holdout.csv")
    assert refused.errors == ["data/holdout.csv does not exist"]
    model.write("data/holdout.csv.mvc", "broken")
    assert model.fails(3, "eval", "record", MODEL, *args, "--dataset", "h=data/holdout.csv").fixes
    model.remove(MODEL)
    model.fails(3, "eval", "record", MODEL, "--tag", "v1.0.0", "--metric", "a=1")


def test_with_several_data_sets_a_metric_belongs_to_the_one_it_names(model: Repo) -> None:
    model.write("drift.csv", "1")
    found = recorded(
        model, "--tag", "v1.0.0", "--metric", "auc@holdout=0.9", "--metric", "auc[a=b]@drift=0.8",
        "--metric", "ndcg@10=0.5", "--dataset", "holdout=data/holdout.csv", "--dataset", "drift=drift.csv",
    )
    expected = [("auc", "holdout"), ("auc", "drift"), ("ndcg@10", "")]
    assert [(item.name, item.dataset) for item in found.metrics] == expected


def test_a_file_and_the_command_line_together(model: Repo) -> None:
    model.write("out/metrics.json", json.dumps({"auc": 0.9, "auc_stderr": float("nan"), "fuel": 0.4, "host": "x"}))
    result = model.ok(
        "eval", "record", "ranker.onnx", "--tag", "v1.0.0", "--metrics", "../out/metrics.json", "--metric", "auc=0.8",
        "--lower-is-better", "fuel", cwd="models",
    )
    assert warned(result) == [
        "skipped non-numeric entries: host", "../out/metrics.json: omitted standard errors: auc_stderr is NaN",
    ]
    assert {item.name: (item.value, item.higher_is_better) for item in report(model).metrics} == {
        "fuel": (0.4, False), "auc": (0.8, True),
    }
    found = recorded(model, "--tag", "v1.0.0", "--metric", "fuel=0.3")
    assert found.metrics[0].higher_is_better is False  # as it was told before


def test_a_metric_of_the_only_data_set_is_the_same_in_a_file_and_in_words(model: Repo) -> None:
    model.write("metrics.json", json.dumps({"auc": 0.9}))
    args = ("--tag", "v1.0.0", "--dataset", "h=data/holdout.csv")
    found = recorded(model, *args, "--metrics", "metrics.json", "--metric", "auc@h=0.8")
    assert [(item.name, item.dataset, item.value) for item in found.metrics] == [("auc", "h", 0.8)]
    model.write("metrics.json", json.dumps({"auc": 0.9, "auc@h": 0.8}))
    result = model.fails(2, "eval", "record", MODEL, *args, "--metrics", "metrics.json")
    assert result.errors == ["duplicate metric auc@h"]
    assert result.fixes


def test_the_line_for_a_metric_that_a_data_set_lacks_can_be_typed(model: Repo) -> None:
    rule = "mvc-policy: 1\nrules: [{match: '*.onnx', datasets: [{id: holdout}], metrics: {auc: {min: 0.9}}}]\n"
    model.write(".mvc/policy.yaml", rule)
    recorded(model, "--tag", "v1.3.0", "--metric", "auc=0.95")
    lines = model.fails(1, "eval", "check", MODEL).fixes
    line = next(line for line in lines if "auc@holdout" in line)
    assert model.shell(line.replace("NUMBER", "0.95").replace("PATH", "data/holdout.csv")).code == 0
    model.ok("eval", "check", MODEL)


def test_a_report_without_metrics_is_written_with_a_warning(model: Repo) -> None:
    assert "MVC209 the report has no metrics" in warned(model.ok("eval", "record", MODEL, "--tag", "v1.0.0"))
    assert report(model).metrics == []


def test_what_the_policy_would_refuse_is_said_and_written(model: Repo) -> None:
    rule = "mvc-policy: 1\nrules:\n  - match: models/**\n    metrics: {auc: {min: 0.95}}\n"
    model.write(".mvc/policy.yaml", rule)
    result = model.ok("eval", "record", MODEL, "--tag", "one", "--metric", "auc=0.9")
    codes = [line.split()[0] for line in warned(result)]
    assert codes == ["MVC105", "MVC202"]
    assert report(model).tag == "one"
    assert warned(model.ok("eval", "record", MODEL, "--tag", "v1.0.0", "--metric", "auc=0.96")) == []


# Versions.


def test_what_was_just_recorded_is_not_too_old(model: Repo) -> None:
    model.write(".mvc/policy.yaml", "mvc-policy: 1\nrules: [{match: '*.onnx', max_age: 1h}]\n")
    result = model.ok("eval", "record", MODEL, "--tag", "v1.0.0", "--metric", "auc=1")
    assert warned(result) == []
    model.ok("eval", "check", MODEL)


def bumped(repo: Repo, part: str, path: str = MODEL) -> str:
    """Record a report with the next tag; the tag."""
    repo.ok("eval", "record", path, "--bump", part, "--metric", "a=1")
    return parse_report(repo.read(f"{path}.eval.yaml"), path).tag


def committed(repo: Repo, content: str, *tag: str, path: str = MODEL) -> None:
    """Commit a version of a model."""
    repo.write(path, content)
    repo.ok("add", path)
    repo.ok("eval", "record", path, *tag, "--metric", "a=1")
    repo.commit(content)


def test_bump_counts_from_the_committed_report(model: Repo) -> None:
    first = [bumped(model, part) for part in ("minor", "minor", "major", "patch")]
    assert first == ["v0.1.0", "v0.1.0", "v1.0.0", "v1.0.0"]
    committed(model, "1", "--bump", "major")
    later = [bumped(model, part) for part in ("minor", "minor", "patch", "major")]
    assert later == ["v1.1.0", "v1.1.0", "v1.0.1", "v2.0.0"]
    recorded(model, "--tag", "summer", "--metric", "a=1")
    assert bumped(model, "minor") == "v1.1.0"


def test_bump_needs_a_version_where_the_policy_has_another_pattern(model: Repo) -> None:
    model.write(".mvc/policy.yaml", "mvc-policy: 1\ndefaults: {tag: {pattern: '[a-z]+'}}\n")
    committed(model, "1", "--tag", "summer")
    assert "the last tag is 'summer'" in model.fails(2, "eval", "record", MODEL, "--bump", "minor").errors[0]
    model.write(".mvc/policy.yaml", "mvc-policy: 1\n")
    assert bumped(model, "minor") == "v0.1.0"


def test_bump_gives_no_tag_that_is_taken(model: Repo) -> None:
    committed(model, "1", "--tag", "v0.1.0")
    committed(model, "2", "--bump", "minor")
    model.ok("checkout", "--rev", "HEAD~1", MODEL)
    model.commit("back")
    assert (bumped(model, "minor"), bumped(model, "patch")) == ("v0.3.0", "v0.1.1")
    model.git("tag", "ranker@v0.3.0+build", "HEAD~1")
    model.git("tag", "other@v0.4.0")
    assert bumped(model, "minor") == "v0.4.0"
    model.ok("checkout", "-f", MODEL)
    model.git("checkout", "-q", "HEAD", "--", f"{MODEL}.eval.yaml")
    model.ok("mv", MODEL, "models/moved.onnx")
    assert bumped(model, "minor", "models/moved.onnx") == "v0.4.0"
    model.commit("moved")
    assert bumped(model, "minor", "models/moved.onnx") == "v0.5.0"
    model.git("rm", "-q", "--cached", "models/moved.onnx.eval.yaml")
    model.path("models/moved.onnx.eval.yaml").unlink()
    model.commit("without a report")
    assert bumped(model, "patch", "models/moved.onnx") == "v0.4.1"


def test_bump_looks_at_git_tags_where_there_was_no_report(model: Repo) -> None:
    model.git("tag", "Ranker@v1.0.0")
    assert bumped(model, "major") == "v2.0.0"


def test_bump_looks_at_the_default_branch_too(model: Repo) -> None:
    committed(model, "1", "--tag", "v1.0.0")
    model.git("switch", "-qc", "side")
    model.git("switch", "-q", "main")
    committed(model, "2", "--tag", "v1.1.0")
    model.git("switch", "-q", "side")
    assert bumped(model, "minor") == "v1.2.0"


def test_a_taken_tag_is_told_when_it_is_recorded(model: Repo) -> None:
    committed(model, "1", "--tag", "v1.0.0")
    committed(model, "2", "--tag", "v1.1.0")
    model.write(MODEL, "3")
    model.ok("add", MODEL)
    result = model.ok("eval", "record", MODEL, "--tag", "v1.0.0", "--metric", "a=1")
    (told,) = warned(result)
    assert told.startswith("MVC121 tag v1.0.0 is taken by ")
    assert "MVC121" in model.fails(1, "eval", "check").err
    assert model.shell(result.fixes[0].replace("NUMBER", "1")).code == 0
    assert report(model).tag == "v1.1.1"
    model.ok("eval", "check")


# Recording again.


def test_what_people_wrote_is_kept(model: Repo) -> None:
    model.write("models/tokenizer", "1")
    recorded(
        model, "--tag", "v1.0.0", "--metric", "auc=0.9", "--task", "ranking", "-m", "first", "--train", "data",
        "--dataset", "holdout=data/holdout.csv", "--param", "seed=1",
    )
    text = model.read(FILE).decode().replace('holdout.csv", blake3', 'holdout.csv", split: test, n: 2, blake3')
    extra = "limitations: |\n  short texts\n  only\nx-team: {name: search}\n"
    extra += f"with: [{{path: models/tokenizer, blake3: {'a' * 64}}}]\n"
    model.write(FILE, text + extra)
    found = recorded(model, "--tag", "v1.0.1", "--metric", "f1=0.8", "--dataset", "holdout=data/holdout.csv")
    assert (found.task, found.desc, found.limitations) == ("ranking", "first", "short texts\nonly\n")
    assert found.extra == {"x-team": {"name": "search"}}
    assert (found.datasets[0].split, found.datasets[0].n) == ("test", 2)
    assert [(item.path, item.blake3 != "a" * 64) for item in found.together] == [("models/tokenizer", True)]
    assert ([item.name for item in found.metrics], found.params) == (["f1"], {})
    assert found.train  # of the same bytes
    model.write(MODEL, "retrained")
    model.ok("add", MODEL)
    model.remove("models/tokenizer")
    result = model.ok("eval", "record", MODEL, "--tag", "v2.0.0", "--metric", "f1=0.9", "--task", "")
    assert warned(result) == [
        "models/tokenizer no longer exists; it was removed from the report",
        "the earlier report has data sets that this one lacks: holdout",
    ]
    found = report(model)
    assert (found.train, found.datasets, found.task, found.desc) == (None, [], "", "first")


def test_a_report_that_cannot_be_read_is_not_overwritten(model: Repo) -> None:
    for text in ("<<<<<<< HEAD\ntag: v1\n", "mvc-eval: 1\nmodel: {}\n"):
        model.write(FILE, text)
        result = model.fails(2, "eval", "record", MODEL, "--tag", "v1.0.0", "--metric", "auc=1")
        assert "the earlier report cannot be read" in result.errors[0]
        assert model.read(FILE).decode() == text
    model.shell(result.fixes[0])
    model.ok("eval", "record", MODEL, "--tag", "v1.0.0", "--metric", "auc=1")


def test_a_report_behind_a_symlink_is_not_followed(model: Repo, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("mine")
    model.path(FILE).symlink_to(tmp_path / "elsewhere")
    record = ("eval", "record", MODEL, "--tag", "v1.0.0", "--metric", "auc=1")
    assert model.shell(model.fails(2, *record).fixes[0]).code == 0
    model.ok(*record)
    assert (tmp_path / "elsewhere").read_text() == "mine"


def test_a_directory_with_models_in_it_is_no_model(model: Repo) -> None:
    result = model.fails(2, "eval", "record", "models", "--tag", "v1.0.0", "--metric", "auc=1")
    assert "models is not tracked, but paths inside it are" in result.errors[0]
    assert model.shell(f"{result.fixes[0]} --metric auc=1").code == 0
    assert report(model).tag == "v1.0.0"


def test_a_commit_that_would_be_refused_is_not_what_comes_next(model: Repo) -> None:
    record = ("eval", "record", MODEL, "--tag")
    assert "Next: git commit" in model.ok(*record, "v1.0.0", "--metric", "auc=1").out
    assert "Next" not in model.ok(*record, "first", "--metric", "auc=1").out
    model.write(MODEL, "trained again")
    result = model.ok(*record, "v1.0.0", "--metric", "auc=1")
    assert warned(result) == [f"{MODEL} differs from its pointer"]
    assert "Next" not in result.out
    model.write("new.bin", "new")
    assert "Next" not in model.ok("eval", "record", "new.bin", "--tag", "v1.0.0", "--metric", "auc=1").out


def test_a_report_without_metrics_is_told_its_own_line(model: Repo) -> None:
    evidence = ("--tag", "v1.0.0", "--dataset", "holdout=data/holdout.csv")
    result = model.ok("eval", "record", MODEL, *evidence)
    assert warned(result) == ["MVC209 the report has no metrics"]
    assert result.fixes == [f"mvc eval record {MODEL} {' '.join(evidence)} --metric NAME=NUMBER"]
    below = model.ok("eval", "record", "ranker.onnx", "--tag", "v1.0.0", cwd="models")
    assert model.shell(below.fixes[-1].replace("NAME=NUMBER", "auc=1"), cwd="models").code == 0
    assert report(model).metrics[0].name == "auc"


# What the report before had, and what a file says.


def test_data_sets_of_the_report_before_are_named_when_they_are_missing(model: Repo) -> None:
    given = ("--dataset", "holdout=data/holdout.csv", "--metric", "auc=1")
    model.ok("eval", "record", MODEL, "--tag", "v1.0.0", *given)
    result = model.ok("eval", "record", MODEL, "--tag", "v1.0.1", "--metric", "auc=1")
    assert warned(result) == ["the earlier report has data sets that this one lacks: holdout"]
    assert result.fixes == ["--dataset holdout=data/holdout.csv"]
    assert warned(model.ok("eval", "record", MODEL, "--tag", "v1.0.1", *given)) == []
    model.ok("eval", "record", MODEL, "--tag", "v1.0.1", "--dataset", "other=data/holdout.csv", "--metric", "auc=1")
    told = run(model, 0, SCRIPT).err
    assert "lacks: other" in told.partition("on stderr")[0]  # before the command runs


def test_a_metrics_file_brings_its_settings_and_no_environment(model: Repo) -> None:
    document = {"metrics": {"auc": 0.9}, "params": {"lr": 0.1, "seed": 3, "nested": {"a": [1, 2]}, "none": None}}
    model.write("found.json", json.dumps(document))
    found = recorded(model, "--tag", "v1.0.0", "--metrics", "found.json", "--param", "seed=4")
    assert found.environment is None
    assert found.params == {"lr": 0.1, "seed": 4, "nested/a": [1, 2]}
    assert recorded(model, "--tag", "v1.0.0", "--metric", "auc=1").environment is not None


@pytest.mark.parametrize("name", [MODEL, "models/bert"])
def test_a_metrics_file_that_is_older_than_the_model_is_said(model: Repo, name: str) -> None:
    model.write("found.json", '{"auc": 0.9}')
    model.write("models/bert/a", "a")
    model.write("models/bert/b", "b")
    model.ok("add", "models/bert")
    newest = name if name == MODEL else f"{name}/b"
    for age, expected in ((-10**9, [f"found.json is older than {name}: it may be about earlier content"]), (0, [])):
        at = model.path(newest).stat().st_mtime_ns + age
        os.utime(model.path("found.json"), ns=(at, at))
        result = model.ok("eval", "record", name, "--tag", "v1.0.0", "--metrics", "found.json")
        assert warned(result) == expected


# Running.

SCRIPT = """
import json, os, sys
model = os.environ["MVC_MODEL"]
assert os.path.isabs(model)
print("reading", len(open(model, "rb").read()))
print("on stderr", file=sys.stderr)
json.dump({"auc": 0.75}, open(os.environ["MVC_METRICS"], "w"))
"""


def run(repo: Repo, code: int, script: str, *options: str) -> Result:
    repo.write("eval.py", script)
    result = repo.mvc("eval", "run", MODEL, "--tag", "v1.0.0", *options, "--", sys.executable, "eval.py", "--fast")
    assert result.code == code, result
    return result


def test_run_records_what_the_command_measured(model: Repo) -> None:
    result = run(model, 0, SCRIPT, "--dataset", "holdout=data/holdout.csv")
    assert result.out.startswith("reading 1000\n")
    assert "on stderr" in result.err
    found = report(model)
    assert [(item.name, item.value, item.dataset) for item in found.metrics] == [("auc", 0.75, "holdout")]
    assert found.code
    assert found.code.command == f"{sys.executable} eval.py --fast"
    assert found.environment
    assert found.environment.python == ".".join(map(str, sys.version_info[:3]))
    assert "scikit-learn" in found.environment.packages
    assert model.debris() == []


@pytest.mark.parametrize(("words", "dirty"), [
    (["{python}", "eval.py"], True),
    (["{python}", "-u", "tracked.py", "eval.py"], False),
    (["{python}", "-m", "pack.measure"], True),
    (["{python}", "-m", "pack"], True),
    (["./eval.sh"], True),
    (["bash", "ignored.sh"], False),
    (["bash", "-c", """echo '{{"auc": 1}}' > "$MVC_METRICS" """], False),
])
def test_an_untracked_script_is_dirty(model: Repo, words: list[str], dirty: bool) -> None:
    for name in ("eval.py", "tracked.py", "pack/measure.py", "pack/__main__.py", "pack/__init__.py"):
        model.write(name, SCRIPT)
    for name in ("eval.sh", "ignored.sh"):
        model.write(name, """#!/bin/sh\necho '{"auc": 1}' > "$MVC_METRICS"\n""")
        model.path(name).chmod(0o755)
    model.write("pack/__init__.py", "")
    model.write(".gitignore", "ignored.sh\n__pycache__\n")
    model.git("add", "tracked.py", ".gitignore")
    model.git("commit", "-qnm", "code")
    line = [word.format(python=sys.executable) for word in words]
    model.ok("eval", "run", MODEL, "--tag", "v1.0.0", "--", *line)
    found = report(model).code
    assert found
    assert found.dirty is dirty


def test_of_a_command_that_is_no_python_nothing_is_guessed(model: Repo) -> None:
    model.ok("eval", "run", MODEL, "--tag", "v1.0.0", "--", "bash", "-c", """echo '{"auc": 1}' > "$MVC_METRICS" """)
    found = report(model).environment
    assert found
    assert (found.python, found.packages) == ("", {})
    assert found.platform


@pytest.mark.parametrize(("script", "message"), [
    ("raise SystemExit(4)", "exited with code 4"),
    ("import os; os.kill(os.getpid(), 9)", "was killed by SIGKILL"),
    (SCRIPT + "\nsys.exit(1)", "exited with code 1"),
    ("", "wrote no metrics to the file that MVC_METRICS names"),
])
def test_a_command_that_fails_writes_no_report(model: Repo, script: str, message: str) -> None:
    result = run(model, 3, script)
    assert message in result.errors[0]
    assert "no report was written" in result.errors[0]
    assert result.fixes
    model.remove("eval.py")
    untouched(model)


def test_a_command_that_writes_what_is_no_metric(model: Repo) -> None:
    script = SCRIPT.replace('{"auc": 0.75}', '{"auc": float("nan")}')
    result = run(model, 2, script)
    said, kept = result.errors[0].split("; the metrics are in ")
    assert said == "MVC_METRICS: auc is nan, expected a finite number"
    assert not model.path(FILE).exists()
    Path(kept).write_text('{"auc": 0.75}')
    assert model.shell(result.fixes[0]).code == 0
    assert (report(model).tag, report(model).metrics[0].value) == ("v1.0.0", 0.75)


def test_metrics_that_the_options_do_not_fit_are_kept_with_the_line_that_records_them(model: Repo) -> None:
    options = (
        "--lower-is-better", "loss", "--dataset", "holdout=data/holdout.csv", "--param", "deep=true", "-m", "two words",
    )
    result = run(model, 2, SCRIPT, *options)
    assert result.errors[0].startswith("no metric 'loss' is given; the metrics are in ")
    assert model.shell(result.fixes[0]).code == 0
    found = report(model)
    assert [(item.name, item.value, item.dataset) for item in found.metrics] == [("auc", 0.75, "holdout")]
    assert (found.params, found.desc) == ({"deep": True}, "two words")


def test_metrics_of_a_command_that_fails_are_kept(model: Repo) -> None:
    result = run(model, 3, SCRIPT + "\nsys.exit(1)")
    kept = result.errors[0].partition("; the metrics are in ")[2]
    assert json.loads(Path(kept).read_bytes()) == {"auc": 0.75}


def unreadable(model: Repo) -> None:
    model.write(FILE, "x: [")


def without_version(model: Repo) -> None:
    model.write(".mvc/policy.yaml", 'mvc-policy: 1\ndefaults: {tag: {pattern: "release-[0-9]+"}}\n')
    model.ok("eval", "record", MODEL, "--tag", "release-7", "--metric", "auc=1")
    model.git("commit", "-qanm", "release")


def locked(model: Repo) -> None:
    os.utime(model.write(".git/index.lock", ""), (0, 0))


def nothing(_: Repo) -> None:
    pass


@pytest.mark.parametrize(("code", "prepare", "options"), [
    (2, without_version, ("--bump", "patch")),
    (2, nothing, ("--tag", "v1.0.0", "--bump", "patch")),
    (2, nothing, ()),
    (2, nothing, ("--tag", "v1.0.0", "--metric", "a=b=c")),
    (2, nothing, ("--tag", "v1.0.0", "--metric", "auc=1", "--metric", "auc=2")),
    (2, nothing, ("--tag", "v1.0.0", "--metric", "auc@nope=1")),
    (2, nothing, ("--tag", "v1.0.0", "--metric", "auc[a=1]@nope=1")),
    (2, nothing, ("--tag", "v1.0.0", "--higher-is-better", "x", "--lower-is-better", "x")),
    (2, nothing, ("--tag", "v1.0.0", "--dataset", "holdout=none.csv")),
    (2, nothing, ("--tag", "v1.0.0", "--train", "none.csv")),
    (2, nothing, ("--tag", "v1.0.0", "--with", "none.csv")),
    (2, nothing, ("--tag", "v1.0.0", "--from", "none.csv")),
    (2, nothing, ("--tag", "v1.0.0", "--from", "HEAD:none.csv")),
    (2, nothing, ("--tag", "v1.0.0", "--from", "none@v1.0.0")),
    (2, nothing, ("--tag", "v1.0.0", "--param", "novalue")),
    (2, unreadable, ("--tag", "v1.0.0")),
    (2, lambda model: model.path(FILE).mkdir(), ("--tag", "v1.0.0")),
    (3, locked, ("--tag", "v1.0.0")),
])
def test_what_can_be_known_before_is_said_before_the_command_runs(
    model: Repo, code: int, prepare: Callable[[Repo], object], options: tuple[str, ...],
) -> None:
    prepare(model)
    result = model.fails(code, "eval", "run", MODEL, *options, "--", "touch", "ran")
    assert not model.path("ran").exists()
    assert result.fixes


def test_a_tag_that_the_policy_refuses_is_said_before_the_command_runs(model: Repo) -> None:
    assert "invalid tag" not in model.path(".mvc/policy.yaml").read_text()
    model.write("eval.py", "raise SystemExit(1)")
    line = ("eval", "run", MODEL, "--tag", "first", "--", sys.executable, "eval.py")
    result = model.fails(3, *line)
    assert result.err.index("warning: MVC105 invalid tag first") < result.err.index("error: ")


def test_a_command_that_does_not_exist(model: Repo) -> None:
    result = model.fails(2, "eval", "run", MODEL, "--tag", "v1.0.0", "--", "no-such-program")
    assert result.errors == ["no-such-program cannot be run: No such file or directory"]
    untouched(model)


@pytest.mark.parametrize("name", [MODEL, "data/holdout.csv", "vocabulary"])
def test_what_changes_while_the_command_runs_is_refused(model: Repo, name: str) -> None:
    model.write("vocabulary", "a b c")
    script = SCRIPT + f"\nopen({name!r}, 'a').write('more')"
    result = run(model, 3, script, "--dataset", "holdout=data/holdout.csv", "--with", "vocabulary")
    assert result.errors[0].startswith(f"{name} changed during the evaluation: no report was written; the metrics are")
    assert not model.path(FILE).exists()


def test_the_command_may_write_the_artifacts(model: Repo) -> None:
    lacking = run(model, 2, SCRIPT, "--artifact", "curve.svg")
    assert lacking.errors[0].startswith("curve.svg does not exist; the metrics are in")
    run(model, 0, SCRIPT + "\nopen('curve.svg', 'w').write('<svg/>')", "--artifact", "curve.svg")
    assert report(model).artifacts == [Used("curve.svg", blake3(b"<svg/>").hexdigest())]
    model.write("table.csv", "a\n")
    found = recorded(model, "--tag", "v1.0.0", "--metric", "auc=0.9", "--artifact", "table.csv")
    assert [item.path for item in found.artifacts] == ["curve.svg", "table.csv"]


def test_a_file_of_metrics_must_be_of_this_run(model: Repo) -> None:
    model.write("metrics.json", '{"auc": 0.1}')
    assert "wrote no metrics to metrics.json" in run(model, 3, "", "--metrics", "metrics.json").errors[0]
    run(model, 0, """open("metrics.json", "w").write('{"auc": 0.2}')""", "--metrics", "metrics.json")
    assert report(model).metrics[0].value == 0.2


def test_ctrl_c_reaches_the_command_and_nothing_is_written(model: Repo) -> None:
    script = """
import signal, sys
try:
    open("ready", "w").close()
    signal.pause()
except KeyboardInterrupt:
    open("cleaned-up", "w").close()
    sys.exit(1)
"""
    model.write("eval.py", script)
    os.mkfifo(model.path("ready"))
    args = (MVC, "eval", "run", MODEL, "--tag", "v1.0.0", "--", sys.executable, "eval.py")
    with subprocess.Popen(args, cwd=model.root, env=model.environ, stderr=subprocess.PIPE) as process:
        model.path("ready").read_bytes()  # waits until the other end opens it
        process.send_signal(signal.SIGINT)  # to mvc alone: it has to pass it on
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert b"Traceback" not in err
    assert model.path("cleaned-up").exists()
    assert not model.path(FILE).exists()
    assert model.debris() == []


# Showing.


def test_show_for_people_and_as_json(model: Repo) -> None:
    recorded(model, "--tag", "v1.0.0", "--metric", "auc=0.93", "--metric", "auc[country=DE]=0.9", "--param", "seed=3",
             "--dataset", "holdout=data/holdout.csv", "-m", "first")
    out = model.ok("eval", "show", MODEL).out
    for text in (
        f"{MODEL} v1.0.0  ok: report matches the tracked model", "desc", "first", "seed = 3",
        "by ada@example.com (self)", "holdout: data/holdout.csv", "auc[country=DE]@holdout  0.9 ", "higher is better",
    ):
        assert text in out
    document = model.ok("eval", "show", MODEL, "--json").json
    assert {key: document[key] for key in ("path", "file", "revision", "state")} == {
        "path": MODEL, "file": FILE, "revision": "", "state": "ok",
    }
    assert document["report"] == yaml.safe_load(model.read(FILE))


def test_show_of_a_revision_and_of_other_bytes(model: Repo) -> None:
    recorded(model, "--tag", "v1.0.0", "--metric", "auc=0.9")
    first = model.commit("first")
    model.write(MODEL, "retrained")
    model.ok("add", MODEL)
    stale = model.ok("eval", "show", MODEL)
    assert "stale: report is for other content than the tracked model" in stale.out
    recorded(model, "--bump", "minor", "--metric", "auc=0.95")
    then = model.ok("eval", "show", f"{first}:{MODEL}", "--json").json
    assert (then["revision"], then["state"], then["report"]["tag"]) == (first, "ok", "v1.0.0")
    assert model.ok("eval", "show", MODEL, "--json").json["report"]["tag"] == "v1.1.0"


def test_show_of_what_has_no_report(model: Repo) -> None:
    result = model.fails(3, "eval", "show", MODEL)
    assert result.errors == [f"{MODEL} has no report"]
    assert "at HEAD" in model.fails(3, "eval", "show", f"HEAD:{MODEL}").errors[0]
    model.fails(2, "eval", "show", f"nothing:{MODEL}")
    assert model.shell(result.fixes[0].replace("NAME=NUMBER", "auc=1")).code == 0
    model.ok("eval", "show", MODEL)


def test_a_hostile_report_drives_no_terminal(model: Repo) -> None:
    evil = "\x1b[31m\u202eevil\n::error::x"
    data: dict[str, Any] = {
        "mvc-eval": 1, "model": {"blake3": model.digest(MODEL), "name": evil}, "tag": evil, "task": evil, "desc": evil,
        "created_at": evil, "evaluator": {"id": evil}, "code": {"commit": evil, "command": evil},
        "environment": {"python": evil, "platform": evil, "packages": {evil: evil}}, "limitations": evil,
        "run": {"kind": evil, "id": evil, "url": evil}, "params": {evil: [evil]}, "x-a": evil,
        "datasets": [{"id": evil, "blake3": "0" * 64, "path": evil, "split": evil}],
        "metrics": [{"name": evil, "value": 1, "slice": {evil: evil}, "dataset": evil}],
        "with": [{"path": evil, "blake3": "0" * 64}], "artifacts": [{"path": evil, "blake3": "0" * 64}],
        "train": {"data": [{"path": evil, "blake3": "0" * 64}]},
    }
    model.write(FILE, json.dumps(data))
    model.git("add", FILE)
    model.git("commit", "-qnm", "evil")
    model.write(MODEL, "2")
    for line in (f"eval show {MODEL}", f"eval show {MODEL} --json", f"log {MODEL}", "diff", "diff --md", "status"):
        result = model.ok(*line.split())
        assert not re.search("[\x1b\u202e]|^\\s*::", result.out + result.err, re.MULTILINE), result
    model.write(".mvc/policy.yaml", "mvc-policy: 1\ndefaults: {tag: {pattern: x}}\n")
    result = model.fails(2, "eval", "record", MODEL, "--bump", "minor")
    assert not re.search("[\x1b\u202e]|^\\s*::", result.err, re.MULTILINE), result


def test_a_report_cannot_have_files_outside_read(model: Repo, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("1")
    recorded(model, "--tag", "v1.0.0", "--metric", "auc=1")
    text = model.read(FILE).decode()
    model.write(FILE, text + f"with: [{{path: ../secret, blake3: {'a' * 64}}}]\n")
    result = model.ok("eval", "record", MODEL, "--tag", "v1.0.0", "--metric", "auc=1")
    assert warned(result) == ["../secret no longer exists; it was removed from the report"]


# Elsewhere.


def test_status_says_how_reports_stand_and_counts_nothing_of_it(model: Repo) -> None:
    def state() -> str:
        result = model.ok("status", "--exit-code", "--json").json
        return str({item["path"]: item["report"] for item in result["items"]}[MODEL])

    assert state() == "missing"
    line = model.ok("status", MODEL).out.splitlines()[-1].partition("  #")[0].strip()
    assert model.shell(line.replace("NAME=NUMBER", "auc=1")).code == 0
    assert state() == "ok"
    assert "report" not in model.ok("status", MODEL).out
    text = model.read(FILE).decode()
    model.write(FILE, text.replace('tag: "v1.0.0"\n', ""))
    assert state() == "untagged"
    model.write(FILE, "mvc-eval: 1\nmodel: {}\n")
    assert state() == "unreadable"
    model.write(FILE, text)
    model.write(MODEL, "retrained")
    model.ok("add", MODEL)
    assert state() == "stale"
    assert f"report stale     {MODEL}" in model.ok("status").out
    model.write(".mvc/policy.yaml", "mvc-policy: 1\nrules: [{match: 'models/**', report: optional}]\n")
    model.remove(FILE)
    assert state() == "None"


def test_log_has_tag_and_metrics_of_each_version(model: Repo) -> None:
    recorded(model, "--tag", "v1.0.0", "--metric", "auc=0.9")
    model.commit("evaluated")
    model.write(MODEL, "retrained")
    model.ok("add", MODEL)
    model.git("commit", "-qnm", "retrained, not evaluated")
    entries = model.ok("log", MODEL, "--json").json
    assert [(item["subject"], item["tag"], item["metrics"]) for item in entries] == [
        ("retrained, not evaluated", None, None), ("evaluated", "v1.0.0", {"auc": 0.9}), ("a model", None, None),
    ]
    assert "v1.0.0: auc 0.9" in model.ok("log", MODEL).out


def test_diff_has_the_metrics_of_both_sides(model: Repo) -> None:
    recorded(model, "--tag", "v1.0.0", "--metric", "auc=0.9", "--metric", "loss=0.2", "--metric", "size=3")
    old = model.commit("one")
    model.write(MODEL, "retrained")
    model.ok("add", MODEL)
    recorded(model, "--tag", "v1.1.0", "--metric", "auc=0.95", "--metric", "loss=0.3", "--metric", "f1=0.5")
    (change,) = model.ok("diff", old, "--json", MODEL).json["changes"]
    assert {item["name"]: (item["old"], item["new"]) for item in change["metrics"]} == {
        "auc": (0.9, 0.95), "loss": (0.2, 0.3), "size": (3.0, None), "f1": (None, 0.5),
    }
    out = model.ok("diff").out
    for line in ("auc  0.9 -> 0.95 (better)", "loss  0.2 -> 0.3 (worse)", "size  3 -> -", "f1  - -> 0.5"):
        assert f"    {line}\n" in out
    assert "`auc` 0.9 -> 0.95 (better)<br>`loss` 0.2 -> 0.3 (worse)" in model.ok("diff", "--md").out


# From Python.


def test_from_python(model: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy as np

    monkeypatch.chdir(model.root / "models")
    result = mvc.record(
        "ranker.onnx", tag="v1.3.0",
        metrics={"auc": np.float32(0.5), "n": np.int64(3), "slices": {"f1": np.float64(0.25)}},
        dataset={"holdout": "../data/holdout.csv"}, params={"seed": 1}, higher_is_better=["n"],
        with_=["../data/holdout.csv"], from_=["../data/holdout.csv"],
    )
    assert (result.path, result.file, result.report.tag) == (MODEL, FILE, "v1.3.0")
    found = mvc.report("ranker.onnx")
    assert [(item.name, item.value, item.higher_is_better) for item in found.metrics] == [
        ("auc", 0.5, True), ("n", 3.0, True), ("slices/f1", 0.25, True),
    ]
    assert found == report(model)
    assert [item.path for item in (*found.together, *found.sources)] == ["data/holdout.csv"] * 2
    assert found.environment
    assert "numpy" in found.environment.packages
    for bad in ({"auc": np.nan}, {"auc": True}, {"auc": object()}, {}, 3, [1], {"auc": "0.9"}):
        with pytest.raises(mvc.MvcError) as caught:
            mvc.record("ranker.onnx", tag="v1.3.0", metrics=bad)
        assert caught.value.exit_code == 2
    with pytest.raises(mvc.MvcError, match="needs a tag"):
        mvc.record("ranker.onnx")
    assert report(model) == found


def test_a_real_model_trained_evaluated_and_committed(repo: Repo) -> None:
    shutil.copytree(PROJECT / "demo", repo.root / "demo", ignore=shutil.ignore_patterns("__pycache__"))
    repo.write("eval.py", """
import json, os
import joblib
from sklearn.datasets import load_digits
from sklearn.metrics import classification_report
digits = load_digits()
model = joblib.load(os.environ["MVC_MODEL"])
result = classification_report(digits.target, model.predict(digits.data), output_dict=True)
json.dump(result, open(os.environ["MVC_METRICS"], "w"))
""")
    repo.write("train.py", """
import joblib
from sklearn.datasets import load_digits
from sklearn.tree import DecisionTreeClassifier
joblib.dump(DecisionTreeClassifier(max_depth=5, random_state=0).fit(*load_digits(return_X_y=True)), "models/d.joblib")
""")
    repo.path("models").mkdir()
    assert repo.run(sys.executable, "train.py").code == 0
    repo.ok("add", "models/d.joblib")
    repo.git("add", "train.py", "eval.py", "demo")
    repo.ok("eval", "run", "models/d.joblib", "--bump", "major", "--", sys.executable, "eval.py")
    found = report(repo, "models/d.joblib.eval.yaml")
    values = {item.name: item.value for item in found.metrics if not item.slice}
    assert 0.5 < values["accuracy"] < 1
    assert len([item for item in found.metrics if item.slice]) == 30
    repo.commit("a model with its report")
    (entry,) = repo.ok("log", "models/d.joblib", "--json").json
    assert entry["tag"] == "v1.0.0"
    assert entry["metrics"]["accuracy"] == values["accuracy"]
    assert os.path.getsize(repo.path("models/d.joblib.eval.yaml")) < 10_000
