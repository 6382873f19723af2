"""Metrics of all data come first, and those of slices are counted: in `log`, `diff`, `gate` and `eval`."""

from __future__ import annotations

import json

import pytest
from harness import Begin, Repo

POLICY = """mvc-policy: 1
rules:
  - match: "*"
    metrics:
      auc: {min: 0.8}
      "auc[country=*]": {min: 0.8}
"""
OVERALL = ["auc", "f1"]
COUNTRIES = ["AT", "CH", "DE", "FR"]
SLICES = [f"auc[country={name}]" for name in COUNTRIES]


def values(auc: float, worst: float) -> list[str]:
    """Return the options for the metrics: the slices come first."""
    sliced = [f"--metric={name}={worst if name == SLICES[0] else auc}" for name in SLICES]
    return [*sliced, f"--metric=auc={auc}", "--metric=f1=0.7"]


def with_slices(repo: Repo) -> None:
    """Commit two versions of a model with slices, the second one better but for one slice."""
    repo.write(".mvc/policy.yaml", POLICY)
    for tag, content, auc, worst in (("v1.0.0", b"1", 0.9, 0.88), ("v1.1.0", b"2", 0.95, 0.85)):
        repo.write("m.bin", content)
        repo.ok("eval", "record", "m.bin", "--add", "--tag", tag, *values(auc, worst))
        repo.git("add", "-A")
        repo.commit(tag)


@pytest.fixture
def sliced(begin: Begin) -> Repo:
    """Return a repository with two versions of a model with slices."""
    return begin(with_slices)


def names(text: str) -> list[str]:
    """Return the metrics in the order in which a text has them."""
    found = {name: text.find(f"{name} ") for name in (*OVERALL, *SLICES)}
    return sorted((name for name, at in found.items() if at >= 0), key=lambda name: found[name])


@pytest.mark.parametrize(
    "words",
    [["log", "m.bin"], ["diff", "HEAD~", "HEAD"], ["gate", "--base", "HEAD~", "--head", "HEAD"], ["gate", "--all"]],
)
def test_slices_are_counted_and_listed_on_demand(sliced: Repo, words: list[str]) -> None:
    few = sliced.ok(*words).out
    assert names(few) == OVERALL
    assert "... 4 slices" in few
    everything = sliced.ok("-v", *words).out
    assert names(everything) == [*OVERALL, *SLICES]
    assert "... 4 slices" not in everything


def test_diff_says_how_many_slices_are_worse(sliced: Repo) -> None:
    assert "    ... 4 slices, 1 of them worse (-v lists them)" in sliced.ok("diff", "HEAD~", "HEAD").out
    assert names(sliced.ok("diff", "HEAD~", "HEAD", "--md").out.replace("`", " ")) == [*OVERALL, *SLICES]


def test_gate_lists_a_slice_that_fails(sliced: Repo) -> None:
    sliced.ok("eval", "record", "m.bin", "--tag", "v1.2.0", *values(0.95, 0.5))
    sliced.git("commit", "-qm", "worse", "--no-verify")
    text = sliced.fails(1, "gate", "--base", "HEAD~", "--head", "HEAD", "-o", "verdict.txt").out
    assert names(text) == [*OVERALL, SLICES[0]]
    assert "... 3 slices without a finding (-v lists them)" in text
    assert names(sliced.path("verdict.txt").read_text().partition("model ")[2]) == [*OVERALL, *SLICES]


def test_recording_counts_slices_and_showing_lists_them(sliced: Repo) -> None:
    said = sliced.ok("eval", "record", "m.bin", "--tag", "v1.2.0", *values(0.95, 0.9)).out
    assert names(said) == OVERALL
    assert "  ... 4 slices (-v lists them)" in said
    assert names(sliced.ok("eval", "show", "m.bin").out) == [*OVERALL, *SLICES]


def test_json_has_all_in_the_order_of_the_report(sliced: Repo) -> None:
    (entry, _) = json.loads(sliced.ok("log", "m.bin", "--json").out)
    assert list(entry["metrics"]) == [*SLICES, *OVERALL]
    (change,) = json.loads(sliced.ok("diff", "HEAD~", "HEAD", "m.bin", "--json").out)["changes"]
    assert {item["name"] for item in change["metrics"]} == {*SLICES, *OVERALL}
    (model,) = json.loads(sliced.ok("gate", "--all", "--json").out)["models"]
    assert {item["metric"] for item in model["comparisons"]} == {*SLICES, *OVERALL}
