"""`mvc export card`: the real library of Hugging Face reads the result, and `mvc import hf` the same metrics."""

from __future__ import annotations

import json
import subprocess

import pytest
from harness import Begin, Repo
from hub import PYTHON

SCRIPT = """
import json, sys
from huggingface_hub import ModelCard
results = ModelCard.load(sys.argv[1]).data.eval_results
print(json.dumps([{key: value for key, value in vars(item).items() if value is not None} for item in results]))
"""


def with_a_version(repo: Repo) -> None:
    repo.write("holdout.csv", "data")
    repo.write("ranker.onnx", "weights")
    repo.ok("add", "holdout.csv", "ranker.onnx")
    repo.ok(
        "eval", "record", "ranker.onnx", "--tag", "v1.0.0", "--metric", "auc=0.9", "--metric", "auc[country=DE]=1e-05",
        "--metric", "p95_ms=12.5", "--dataset", "holdout=holdout.csv", "--task", "text-ranking", "-m", "first",
    )
    repo.write(".mvc/policy.yaml", "mvc-policy: 1\ndefaults: {report: optional}\n")
    repo.git("add", "-A")
    repo.commit("a version")
    repo.ok("register", "ranker")


@pytest.fixture
def work(begin: Begin) -> Repo:
    """Return a repository with a registered version."""
    return begin(with_a_version)


def test_the_real_library_reads_the_card(work: Repo) -> None:
    assert PYTHON.exists(), "run `make .cache/hf/.complete`"
    assert work.ok("export", "card", "ranker@v1.0.0").out == "wrote README.md: ranker@v1.0.0\n"
    done = subprocess.run(
        [PYTHON, "-c", SCRIPT, str(work.path("README.md"))], capture_output=True, text=True, check=False,
        env={"HF_HUB_OFFLINE": "1", "HOME": str(work.root)},
    )
    assert done.returncode == 0, done
    blake3 = work.digest("holdout.csv")
    common = {
        "task_type": "text-ranking", "dataset_type": "holdout", "dataset_name": "holdout",
        "dataset_args": {"blake3": blake3},
    }
    assert json.loads(done.stdout) == [
        {**common, "metric_type": "auc", "metric_value": 0.9, "metric_args": {"higher_is_better": True}},
        {
            **common, "metric_type": "auc", "metric_value": 1e-05, "metric_name": "auc[country=DE]",
            "metric_args": {"slice": {"country": "DE"}, "higher_is_better": True},
        },
        {**common, "metric_type": "p95_ms", "metric_value": 12.5, "metric_args": {"higher_is_better": False}},
    ]


SCORES = """
import json, sys, yaml
from huggingface_hub import parse_eval_result_entries
with open(sys.argv[1]) as file:
    print(json.dumps([[item.dataset_id, item.task_id, item.value, item.date, item.notes]
                      for item in parse_eval_result_entries(yaml.safe_load(file))]))
"""
HLE = "cais/hle[notes=no-tools,task=default]=20.9"


def test_the_real_library_reads_the_scores_of_benchmarks(work: Repo) -> None:
    work.ok("eval", "record", "ranker.onnx", "--tag", "v2.0.0", "--metric", HLE, "--metric", "a/b[task=x,part=y]=1")
    work.commit("scores")
    out = work.ok("export", "card", "HEAD:ranker.onnx").out
    assert out == "wrote README.md: HEAD\nwrote .eval_results/mvc.yaml: HEAD\n"
    file = work.path(".eval_results/mvc.yaml")
    done = subprocess.run([PYTHON, "-c", SCORES, str(file)], capture_output=True, text=True, check=True)
    date = work.ok("eval", "show", "ranker.onnx", "--json").json["report"]["created_at"]
    assert json.loads(done.stdout) == [["cais/hle", "default", 20.9, date, "no-tools"]]
    work.ok("export", "card", "ranker@v1.0.0")  # has none
    assert file.read_text().splitlines()[1:] == ["[]"]
    file.write_text("mine")
    assert "mvc.yaml exists" in work.fails(2, "export", "card", "ranker@v1.0.0").errors[0]
    file.unlink()
    file.parent.rmdir()
    file.parent.symlink_to(work.root.parent)
    assert work.fails(2, "export", "card", "HEAD:ranker.onnx").errors == [".eval_results is a symlink"]


def test_the_card_gives_the_same_metrics_again(work: Repo) -> None:
    for name in ("model/a", "model/.cache/huggingface/download/a.metadata"):
        work.write(name, "")
    work.ok("export", "card", "ranker@latest", cwd="model")
    work.ok("import", "hf", "model")
    shown = [work.ok("eval", "show", name, "--json").json["report"] for name in ("ranker.onnx", "model")]
    assert shown[0]["metrics"] == shown[1]["metrics"]
    assert shown[0]["task"] == shown[1]["task"]
    assert [{**item, "path": ""} for item in shown[0]["datasets"]] == [
        {**item, "path": ""} for item in shown[1]["datasets"]
    ]


def test_only_its_own_card_is_overwritten(work: Repo) -> None:
    work.ok("export", "card", "ranker@v1.0.0")
    first = work.read("README.md")
    work.ok("export", "card", "ranker@v1.0.0")
    assert work.read("README.md") == first
    work.write("README.md", first + b"\nmine\n")
    result = work.fails(2, "export", "card", "ranker@v1.0.0")
    assert result.errors == ["README.md exists, and mvc did not write it as it is"]
    assert work.read("README.md") == first + b"\nmine\n"
    assert work.shell(result.fixes[0].replace("NAME@VERSION", "ranker@v1.0.0")).code == 0
    assert work.read("README.md.aside") == first + b"\nmine\n"


def test_a_symlink_is_not_followed(work: Repo) -> None:
    outside = work.root.parent / "outside"
    work.path("README.md").symlink_to(outside)
    assert work.fails(2, "export", "card", "ranker@v1.0.0").errors == ["README.md is a symlink"]
    assert not outside.exists()


@pytest.mark.parametrize(("reference", "code", "said"), [
    ("ranker.onnx", 2, "ranker.onnx is not a version"), ("other@v1.0.0", 2, "other"),
    ("HEAD:holdout.csv", 3, "holdout.csv has no report at HEAD"), ("HEAD:none", 3, "none has no pointer at HEAD"),
])
def test_what_is_no_version_with_a_report_is_refused(work: Repo, reference: str, code: int, said: str) -> None:
    assert said in work.fails(code, "export", "card", reference).errors[0]
    assert not work.path("README.md").exists()
