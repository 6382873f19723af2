"""Cases about reports: the hook that Git calls before a commit, and all models judged at once.

Beside the hook stand what Git itself takes to compare index and HEAD, and Python that does nothing.
"""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks import material
from benchmarks.case import Case
from benchmarks.prepare import Place, fresh, nothing
from benchmarks.tools import FLOOR, Tool
from mvc.objects.pointer_reader import parse

MODELS = 1_000
STAGED = 10
POLICY = """\
mvc-policy: 1
rules:
  - {match: "data/**", report: optional}
  - {match: "models/**", metrics: {auc: {min: 0.5, max_regression: 0.01}}}
"""
REPORT = """\
mvc-eval: 1
model: {{name: "{name}", blake3: "{blake3}", xxh128: "{xxh128}", size: {size}}}
tag: "v1.{version}.0"
task: "text-ranking"
created_at: "2026-11-21T10:00:00Z"
evaluator: {{id: "ada@example.com", assurance: self}}
code: {{commit: "{commit}", dirty: false, command: "python eval.py"}}
environment: {{python: "3.11.7", platform: "linux", packages: {{scikit-learn: "1.9.1"}}}}
params: {{seed: 42}}
datasets: [{{id: holdout, path: "data/holdout.csv", blake3: "{blake3}", split: test, n: 5000}}]
metrics:
  - {{name: auc, value: 0.931, higher_is_better: true, dataset: holdout, stderr: 0.004}}
  - {{name: auc, value: 0.902, higher_is_better: true, dataset: holdout, slice: {{country: DE}}, n: 610}}
"""


def _staged(tool: Tool, place: Place) -> None:
    """Make a repository of models with reports, some of them evaluated anew and staged."""
    fresh(tool, place)
    material.quietly(("mvc", "init"), place.repository, place.environ)
    (place.repository / ".mvc/policy.yaml").write_text(POLICY)
    (place.repository / "models").mkdir()
    _evaluate(place, MODELS, 0)
    material.quietly(("git", "commit", "-q", "--no-verify", "-m", "models"), place.repository, place.environ)
    _evaluate(place, STAGED, 1)


def _evaluate(place: Place, count: int, version: int) -> None:
    paths = [f"models/{number:04}.bin" for number in range(count)]
    for path in paths:
        (place.repository / path).write_text(f"{path} {version}")
    material.quietly(("mvc", "add", *paths), place.repository, place.environ)
    for path in paths:
        digest = parse((place.repository / f"{path}.mvc").read_bytes()).digest
        report = REPORT.format(name=Path(path).stem, version=version, commit="c" * 40, **digest._asdict())
        (place.repository / f"{path}.eval.yaml").write_text(report)
    material.quietly(("git", "add", "-A"), place.repository, place.environ)


def _judge(tool: Tool, place: Place) -> list[str]:
    """Return what the script in `.git/hooks` runs; itself it takes the installed mvc, whatever is measured."""
    del place
    others = {"git": ["git", "diff", "--cached", "--name-only"], FLOOR.name: [sys.executable, "-c", "pass"]}
    return others.get(tool.name) or [*HOOK, "pre-commit"]


HOOK = (sys.executable, "-P", "-m", "mvc.hook")


def _check(tool: Tool, place: Place) -> list[str]:
    del place
    return [tool.program, "eval", "check"]


def _forget(tool: Tool, place: Place) -> None:
    """Delete the catalog."""
    del tool
    for path in (place.repository / ".git/mvc").glob("catalog*"):
        path.unlink()


HOOKS = (
    Case(f"hook, {STAGED} of {MODELS:,} models staged", ("git", FLOOR.name), _staged, nothing, _judge, 0.15),
    Case(f"eval check, {MODELS:,} models, first time", (), _staged, _forget, _check, 1.5),
    Case(f"eval check, {MODELS:,} models, again", (), _staged, nothing, _check, 0.5),
)
