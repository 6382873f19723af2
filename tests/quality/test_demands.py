"""The strictest of all matching rules applies; a rule replaces a default."""

from __future__ import annotations

import pytest

from mvc.quality.policy.demands import Demands, GapDemand, MetricDemand, Regression, SliceDemand, demands, split
from mvc.quality.policy.policy import STRICT, Formats, Pinned, Policy, Rule, Tag, parse_policy

DATA = "0123456789abcdef" * 4


def asked(*rules: str, defaults: str = "{}", path: str = "models/ranker.onnx") -> Demands:
    """Return the demands of rules that match every path."""
    lines = "".join(f"  - {{match: '*', {rule}}}\n" for rule in rules)
    return demands(parse_policy(f"mvc-policy: 1\ndefaults: {defaults}\nrules:\n{lines or '  []'}\n".encode()), path)


def test_without_rules_the_defaults_hold() -> None:
    assert demands(STRICT, "x") == Demands("required", (Tag(),))
    assert asked() == Demands("required", (Tag(),))
    assert asked(defaults="{report: optional, tag: {pattern: x}}") == Demands("optional", (Tag("x"),))


@pytest.mark.parametrize(
    ("match", "path", "holds"),
    [
        ("data/**", "data/x.csv", True),
        ("data/**", "data/a/b", True),
        ("data/**", "data", True),
        ("data/**", "models/data/x", False),
        ("data/", "models/data/x", True),
        ("data/", "data", True),
        ("**/checkpoint-*/**", "runs/checkpoint-5/model.pt", True),
        ("**/checkpoint-*/**", "checkpoint-5", True),
        ("**/checkpoint-*/**", "checkpoints", False),
        ("*.onnx", "models/a.onnx", True),
        ("/*.onnx", "models/a.onnx", False),
        ("models/*", "models/bert", True),
        ("models/*", "models", False),
        ("models/ranker", "models/ranker.onnx", False),
        ("models/[ab].onnx", "models/b.onnx", True),
        ("a\\*b", "a*b", True),
        ("a\\*b", "axb", False),
        ("models/**/*.pt", "models/a/b/c.pt", True),
        ("[[]x", "[x", True),
    ],
)
def test_which_paths_a_rule_means(match: str, path: str, holds: bool) -> None:
    policy = Policy(1, rules=[Rule(match, report="optional")])
    assert (demands(policy, path).report == "optional") == holds


def test_a_report_is_required_when_one_rule_says_so() -> None:
    assert asked("report: optional").report == "optional"
    assert asked("report: optional", "report: required").report == "required"
    assert asked("report: required", "report: optional", defaults="{report: optional}").report == "required"


@pytest.mark.parametrize("text", [
    "metrics: {auc: {}}", "datasets: [{id: x}]", "slices: {required: [a]}", "evaluator: {assurance: ci}",
    "signatures: {min: 1}", "max_age: 30d",
])
def test_a_rule_that_asks_something_of_a_report_asks_for_one(text: str) -> None:
    assert asked(text, defaults="{report: optional}").report == "required"
    assert asked(f"report: optional, {text}").report == "optional"
    assert asked(text, "report: optional").report == "required"


def test_tags_and_formats_alone_ask_for_no_report() -> None:
    assert asked("tag: {pattern: x}, formats: {pickle: deny}", defaults="{report: optional}").report == "optional"


def test_only_the_default_can_be_excused() -> None:
    assert asked("tag: {pattern: x}").by_default
    assert not asked("report: required").by_default
    assert not asked("metrics: {auc: {}}").by_default


def test_all_patterns_of_tags_hold_and_the_default_only_without_any() -> None:
    assert asked("tag: {pattern: a}", "tag: {pattern: b}", "tag: {pattern: a}").tags == (Tag("a"), Tag("b"))
    assert asked("tag: {unique: false}", defaults="{tag: {pattern: a}}").tags == (Tag(unique=False),)


def test_the_highest_min_and_the_lowest_max() -> None:
    bounds = ("{min: 0.8, max: 1}", "{min: 0.9}", "{max: 0.99}")
    (found,) = asked(*(f"metrics: {{auc: {bound}}}" for bound in bounds)).metrics
    assert (found.min, found.max) == (0.9, 0.99)


def test_a_warning_does_not_become_an_error() -> None:
    found = asked("metrics: {auc: {min: 0.95, severity: warn}}", "metrics: {auc: {min: 0.9}}").metrics
    assert {(item.severity, item.min) for item in found} == {("warning", 0.95), ("error", 0.9)}


def test_metrics_of_all_rules_with_their_data_sets_and_slices() -> None:
    first = "metrics: {auc: {min: 0.9}}, datasets: [{id: b}, {id: a}]"
    found = asked(first, "metrics: {'auc[k=*]': {}, f1: {}}").metrics
    assert found == (
        MetricDemand("auc", datasets=("a", "b"), min=0.9, direction="higher"),
        MetricDemand("auc", (("k", "*"),), direction="higher"),
        MetricDemand("f1"),
    )
    assert [item.optional for item in found] == [False, True, False]


def test_every_regression_is_kept() -> None:
    (found,) = asked(
        "metrics: {auc: {min: 0, max_regression: 0.01}}", "metrics: {auc: {max_regression: 1%, against: best}}",
    ).metrics
    assert found.regressions == (Regression(0.01), Regression("1%", "best"))


@pytest.mark.parametrize(
    ("rules", "direction"),
    [
        (["{min: 0}"], "higher"),
        (["{max: 0}"], "lower"),
        (["{}"], None),
        (["{min: 0, max: 1}"], None),
        (["{min: 0, max: 1, direction: lower}"], "lower"),
        (["{min: 0}", "{max: 1}"], None),
        (["{min: 0}", "{max: 1, direction: higher}"], "higher"),
        (["{direction: lower}", "{direction: higher}"], None),
    ],
)
def test_the_direction_that_rules_tell(rules: list[str], direction: str | None) -> None:
    found = asked(*(f"metrics: {{auc: {rule}}}" for rule in rules)).metrics
    assert {item.direction for item in found} == {direction}


def test_slices_of_all_rules_and_the_smallest_gap() -> None:
    parts = ("{required: [a], max_gap: {auc: 0.1}}", "{required: [b, a], max_gap: {auc: 0.05, f1: 1}}")
    found = asked(*(f"slices: {part}" for part in parts))
    assert set(found.slices) == {SliceDemand(key, name) for key in "ab" for name in ("auc", "f1")}
    assert found.gaps == (GapDemand("auc", 0.05), GapDemand("f1", 1))
    assert asked(*(f"slices: {part}" for part in reversed(parts))).gaps == found.gaps
    assert asked("slices: {required: [a]}").slices == (SliceDemand("a"),)
    assert asked("slices: {required: [a]}, metrics: {'p[a=*]': {}, 'q[b=*]': {}}").slices == (SliceDemand("a", "p"),)


def test_data_sets_of_all_rules() -> None:
    found = asked("datasets: [{id: a}]", f"datasets: [{{id: a, blake3: '{DATA}'}}, {{id: b}}]", "datasets: [{id: b}]")
    assert found.datasets == (Pinned("a"), Pinned("a", DATA), Pinned("b"))


@pytest.mark.parametrize(("ages", "seconds"), [
    ([], None), (["12h"], 12 * 3600), (["30d", "2w", "400h"], 14 * 24 * 3600), (["0h", "1d"], 0),
])
def test_the_shortest_age_counts(ages: list[str], seconds: int | None) -> None:
    assert asked(*(f"max_age: {age}" for age in ages)).max_age == seconds


def test_the_strictest_of_formats_assurance_and_signatures() -> None:
    found = asked(
        "formats: {deny: [hdf5], pickle: scan}, signatures: {min: 1}, evaluator: {assurance: third-party}",
        "formats: {deny: ['*.x']}, signatures: {min: 2}, evaluator: {assurance: ci}",
    )
    assert (found.deny, found.pickle, found.assurance, found.signatures) == (("*.x", "hdf5"), "scan", "third-party", 2)
    for other in ("allow", "scan", "deny"):
        found = asked("formats: {pickle: deny}", f"formats: {{pickle: {other}}}")
        assert (found.deny, found.pickle) == (("pickle",), "deny")
    assert asked("formats: {}", defaults="{formats: {pickle: deny}}").deny == ()
    scanned = "formats: {pickle: scan, pickle_allow: [%s]}"
    assert asked(scanned % "a.b, a.c", scanned % "a.c, a.d").pickle_allow == {"a.c"}
    assert asked(scanned % "a.b", "formats: {pickle: allow}").pickle_allow == {"a.b"}
    assert asked(scanned % "a.b", "formats: {pickle: scan}").pickle_allow == set()
    assert asked("report: optional", defaults="{formats: {pickle: deny}}").deny == ("pickle",)


def test_how_a_metric_is_spelled() -> None:
    assert split("auc") == ("auc", ())
    assert split("auc[b=2, a=*]") == ("auc", (("a", "*"), ("b", "2")))
    assert Formats().pickle == "allow"
