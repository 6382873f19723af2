"""A repository with all that a site can show; `python tests/site_repository.py DIR` makes it to look at."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from harness import Repo, make_home, noise
from site_payloads import SVG, hostile

from mvc.objects.hashing import hash_bytes
from mvc.quality.reports.report_document import emit

POLICY = """\
mvc-policy: 1
rules:
  - match: "models/ranker*"
    metrics:
      auc: {min: 0.9, max_regression: 0.005}
      p95_ms: {max: 40}
      "auc[country=*]": {min: 0.89, severity: warn}
    slices: {required: [country]}
  - {match: "data/**", report: optional}
  - match: "models/intent"
    metrics: {accuracy: {min: 0.85}}
    max_age: 3650d
stages:
  prod: {metrics: {auc: {min: 0.92}}}
"""
RANKER, INT8, INTENT = "models/ranker.onnx", "models/ranker-int8.onnx", "models/intent"
VERSIONS = ((0.902, 38.1), (0.911, 36.4), (0.915, 36.9), (0.921, 35.2), (0.926, 34.8), (0.931, 34.5), (0.928, 31.2))
COUNTRIES = {"DE": -0.011, "ES": 0.002, "FR": -0.004, "IT": 0.009, "PL": -0.031}
HOLDOUT = ("--dataset", "holdout=data/holdout.csv")
ROC = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 200 200" width="320" height="320">\
<path d="M10 190Q{0} {1} 190 10" fill="none" stroke="#1d4ed8" stroke-width="2"/>\
<path d="M10 190L190 10" stroke="#888" stroke-dasharray="4"/></svg>
"""


def with_site(repo: Repo) -> None:
    """Register versions of three models: one converted from another, one a directory; move stages."""
    repo.write(".mvc/policy.yaml", POLICY)
    repo.write("data/holdout.csv", "holdout\n" * 100)
    repo.write("data/train.csv", "train\n" * 100)
    repo.ok("add", "data/holdout.csv", "data/train.csv")
    repo.commit("Set mvc up")
    for number in range(len(VERSIONS)):
        _ranker(repo, number)
    repo.ok("rollback", "ranker", "prod", "-m", "Latency rose for long queries")
    repo.ok("retire", "ranker@v1.2.0", "-m", "Trained on wrong labels")
    _converted(repo)
    for number in range(3):
        _intent(repo, number)


def _done(repo: Repo, *words: str) -> None:
    """Run a command that may warn."""
    result = repo.mvc(*words)
    assert result.code == 0, result


def _ranker(repo: Repo, number: int) -> None:
    auc, latency = VERSIONS[number]
    sliced = [f"auc[country={name}]={auc + more:.3f}" for name, more in COUNTRIES.items()]
    metrics = [f"auc={auc}", f"p95_ms={latency}", f"ndcg@10={auc - 0.3:.3f}", *sliced]
    repo.write("plots/roc.svg", ROC.format(20 + number, 40 - number))
    repo.write(RANKER, noise(number, 300_000 + 9000 * number))
    repo.ok("add", RANKER, "-m", "Ranks documents for a query")
    _done(
        repo, "eval", "record", RANKER, "--tag", f"v1.{number}.0", "--lower-is-better", "p95_ms", *HOLDOUT,
        *(word for metric in metrics for word in ("--metric", metric)), "--train", "data/train.csv", "--task",
        "text-ranking", "--param", "seed=42", "--param", f"lr=0.0{number + 1}", "-m", "Distilled once more",
        "--artifact", "plots/roc.svg",
    )
    report = repo.root / f"{RANKER}.eval.yaml"
    report.write_text(re.sub(rf'(name: "auc", value: {auc}.*)}}', r"\1, stderr: 0.003}", report.read_text(), count=1))
    repo.git("add", "-A")
    repo.commit(f"ranker: version {number}")
    _done(repo, "register", "ranker", "-m", f"Trained on the logs of week {number}")
    for stage, versions in {"staging": (1, 3, 5), "prod": (3, 4, 5)}.items():
        if number in versions:
            _done(repo, "promote", f"ranker@v1.{number}.0", stage, "-m", "Approved by search")


def _converted(repo: Repo) -> None:
    digest = re.search(r'blake3: "(\w+)"', (repo.root / f"{RANKER}.mvc").read_text())
    assert digest
    repo.write(INT8, noise("int8", 90_000))
    repo.ok("add", INT8)
    metrics = ("auc=0.924", "p95_ms=11.2", "auc[country=DE]=0.912")
    _done(
        repo, "eval", "record", INT8, "--tag", "v1.0.0", "--lower-is-better", "p95_ms", *HOLDOUT,
        *(word for metric in metrics for word in ("--metric", metric)),
    )
    report = repo.root / f"{INT8}.eval.yaml"
    source = f'from:\n  - {{path: "{RANKER}", blake3: "{digest[1]}", by: "mvc convert --to onnx-int8"}}\n'
    text = report.read_text().replace("mvc-eval: 1", "mvc-eval: 2")
    report.write_text(text.replace("datasets:", f"{source}datasets:", 1))
    repo.git("add", "-A")
    repo.commit("ranker-int8")
    _done(repo, "register", "ranker-int8")
    _done(repo, "promote", "ranker-int8@v1.0.0", "edge")


def _intent(repo: Repo, number: int) -> None:
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        repo.write(f"{INTENT}/{name}", noise(f"{name}{number}", 20_000))
    repo.ok("add", INTENT)
    _done(
        repo, "eval", "record", INTENT, "--tag", f"v0.{number + 1}.0", "--higher-is-better", "accuracy", *HOLDOUT,
        "--metric", f"accuracy={0.86 + number / 50:.3f}", "--metric", f"f1={0.8 + number / 40:.3f}",
    )
    repo.commit(f"intent: version {number}")
    _done(repo, "register", "intent")


def with_hostile_report(repo: Repo) -> None:
    """Register versions whose reports, descriptions, messages and authors are payloads."""
    repo.write(".mvc/policy.yaml", "mvc-policy: 1\ndefaults: {report: optional}\n")
    repo.git("config", "user.name", "<script>window.pwned=1</script>\" onload=window.pwned=1 '\u202e")
    for version in ("v1.0.0", "v1.1.0"):
        repo.write("models/<img src=x onerror=window.pwned=1>.onnx", noise(version, 100))
        repo.write("plots/x.svg", SVG)
        path = "models/<img src=x onerror=window.pwned=1>.onnx"
        repo.ok("add", path, "--name", "ranker", "-m", "</script><script>window.pwned=1</script>\u202e")
        digest = re.search(r'blake3: "(\w+)"', (repo.root / f"{path}.mvc").read_text())
        assert digest
        report = hostile(digest[1], version, hash_bytes(SVG).blake3)
        (repo.root / f"{path}.eval.yaml").write_bytes(emit(report))
        repo.git("add", "-A")
        repo.git("commit", "--no-verify", "-qm", "<img src=x onerror=window.pwned=1>")
        repo.git("tag", "-am", _message(repo, path, digest[1]), f"ranker@{version}")
        repo.git("tag", "-am", _message(repo, path, digest[1]), f"ranker#prod#{version[3]}")


def _message(repo: Repo, path: str, blake3: str) -> str:
    report = hash_bytes((repo.root / f"{path}.eval.yaml").read_bytes()).blake3
    text = '<script>window.pwned=1</script>\n\n" onload=window.pwned=1 javascript:window.pwned=1'
    return f"{text}\n\nMvc-Model-Blake3: {blake3}\nMvc-Report-Blake3: {report}\nMvc-Pointer: {path}.mvc\n"


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    made = Repo(folder / "models", make_home(folder / "home"))
    made.root.mkdir(parents=True)
    made.git("init", "-q", "-b", "main")
    made.ok("init")
    with_site(made)
