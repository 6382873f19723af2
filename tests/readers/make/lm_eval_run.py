"""Write results of lm-eval's model `dummy` for a group of two tasks: `python lm_eval_run.py`, in an empty folder."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

QUESTIONS = [("one and one", 0), ("one and two", 1), ("one and three", 2), ("two and one", 1), ("two and two", 2)]
DATA = {"dataset_path": "json", "dataset_kwargs": {"data_files": {"test": "sums.jsonl"}}, "test_split": "test"}


def metric(name: str) -> dict[str, object]:
    """Return the definition of a metric."""
    return {"metric": name, "aggregation": "mean", "higher_is_better": True}


TASKS = {
    "sums.yaml": {
        "task": "sums", **DATA, "output_type": "multiple_choice", "doc_to_text": "{{question}} is",
        "doc_to_choice": "{{choices}}", "doc_to_target": "{{answer}}", "metadata": {"version": 1.0},
        "metric_list": [metric("acc"), metric("acc_norm")],
    },
    "words.yaml": {
        "task": "words", **DATA, "output_type": "generate_until", "doc_to_text": "{{question}} is",
        "doc_to_target": "{{choices[answer]}}", "metric_list": [metric("exact_match")], "metadata": {"version": 2.0},
        "filter_list": [
            {"name": "strict", "filter": [{"function": "take_first"}]},
            {"name": "flexible", "filter": [{"function": "lowercase"}, {"function": "take_first"}]},
        ],
    },
    "group.yaml": {
        "group": "arithmetic", "task": ["sums", "words"], "metadata": {"version": 3.0},
        "aggregate_metric_list": [{"metric": "acc", "aggregation": "mean", "weight_by_size": True}],
    },
}
lines = [{"question": text, "choices": ["two", "three", "four"], "answer": answer} for text, answer in QUESTIONS]
Path("sums.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
Path("tasks").mkdir()
for name, task in TASKS.items():
    Path("tasks", name).write_text(json.dumps(task))
options = ["--model_args", "pretrained=acme/tiny,revision=main", "--seed", "1"]
for name, more in (("lm-eval.json", []), ("lm-eval-limited.json", ["--limit", "3"])):
    command = ["-m", "lm_eval", "run", "--model", "dummy", *options, "--tasks", "arithmetic", "--include_path", "tasks"]
    subprocess.run([sys.executable, *command, *more, "--output_path", "out"], check=True)
    (written,) = Path("out").rglob("results_*.json")
    shutil.move(written, name)
