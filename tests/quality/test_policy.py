"""The policy: strict to read, with clear errors; the starter is valid."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from mvc.errors import InvalidFormat
from mvc.quality.policy.demands import demands
from mvc.quality.policy.policy import MAX_BYTES, STARTER, STRICT, Policy, max_blob, parse_policy, schema

HEAD = "mvc-policy: 1\n"
FULL = """\
mvc-policy: 1
pointers: [mvc, dvc, lfs]
defaults:
  report: required
  tag: {pattern: semver, unique: true, monotonic: true, rollback: history}
  git: {max_blob: 1MB, forbid: ["*.pt"], allow: ["!*.x"]}
  formats: {deny: [hdf5, "*.bin"], pickle: allow}
evaluators: {ci: ["ci@example.com"]}
rules:
  - match: "data/**"
    report: optional
  - match: "models/ranker/**"
    datasets: [{id: holdout, blake3: "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"}]
    metrics:
      auc: {min: 0.90, max_regression: 0.005, against: base}
      p95_ms: {max: 40, max_regression: "5%"}
      "auc[country=*]": {min: 0.85, severity: warn}
      score: {min: 0, max: 1, max_regression: 2se, direction: lower, allow_dataset_change: true}
    slices: {required: [country], max_gap: {auc: 0.05}}
    evaluator: {assurance: ci}
    signatures: {min: 1}
stages:
  prod: {signatures: {min: 2}, max_age: 30d}
x-team: {owner: "search"}
"""


def refusal(text: str | bytes) -> str:
    """Return the error for an invalid policy."""
    with pytest.raises(InvalidFormat) as caught:
        parse_policy(text.encode() if isinstance(text, str) else text)
    return caught.value.message


def test_all_keys_of_the_design_are_read() -> None:
    policy = parse_policy(FULL.encode())
    assert policy.rules[1].metrics["p95_ms"].max_regression == "5%"
    assert policy.extra == {"x-team": {"owner": "search"}}


def test_what_is_left_out_has_its_default() -> None:
    assert parse_policy(HEAD.encode()) == STRICT == Policy(1)


def test_the_starter_asks_for_reports_where_models_are() -> None:
    policy = parse_policy(STARTER.encode())
    free = ("data/x.csv", "data", "checkpoints/a", "runs/1/model.pt", "models/checkpoint-50/model.pt")
    assert {demands(policy, path).report for path in free} == {"optional"}
    assert demands(policy, "models/ranker.onnx") == demands(STRICT, "models/ranker.onnx")


def test_the_starter_s_comments_are_a_rule() -> None:
    lines = [line.replace("  # ", "  ", 1).replace("  #   ", "    ") for line in STARTER.splitlines()]
    policy = parse_policy("\n".join(lines).encode())
    assert demands(policy, "models/ranker/a").metrics[0].min == 0.9


@pytest.mark.parametrize(
    ("text", "size"),
    [("1MB", 10**6), ("512KiB", 512 << 10), ("0B", 0), ("2GB", 2 * 10**9), ("3kB", 3000), ("1GiB", 1 << 30)],
)
def test_sizes(text: str, size: int) -> None:
    assert max_blob(parse_policy(f"{HEAD}defaults: {{git: {{max_blob: {text}}}}}".encode())) == size


def rule(text: str) -> str:
    return f"{HEAD}rules:\n  - match: 'm/**'\n    {text}\n"


COMPLAINTS = {
    "nothing": ("", "not a policy"),
    "a list": ("- 1", "not a policy"),
    "newer": ("mvc-policy: 2", "newer mvc"),
    "format a boolean": ("mvc-policy: true", "mvc-policy"),
    "format zero": ("mvc-policy: 0", "0"),
    "unknown key": (HEAD + "rule: []", "rule"),
    "unknown key in a rule": (rule("metric: {}"), "metric"),
    "unknown key in a bound": (rule("metrics: {auc: {minimum: 1}}"), "minimum"),
    "x- alone": (HEAD + "x-: 1", "x-"),
    "key a number": (HEAD + "1: 2", "key"),
    "report perhaps": (HEAD + "defaults: {report: perhaps}", "perhaps"),
    "rules a mapping": (HEAD + "rules: {}", "rules"),
    "rule without a match": (HEAD + "rules: [{report: optional}]", "match"),
    "match empty": (HEAD + "rules: [{match: ''}]", "invalid pattern"),
    "match a comment": (HEAD + "rules: [{match: '#x'}]", "invalid pattern"),
    "match taken back": (HEAD + "rules: [{match: '!x'}]", "'!'"),
    "match a bracket": (HEAD + "rules: [{match: 'x['}]", "invalid pattern"),
    "match a bad range": (HEAD + "rules: [{match: '[z-a]'}]", "invalid pattern"),
    "forbid a bad pattern": (HEAD + "defaults: {git: {forbid: ['']}}", "invalid pattern"),
    "allow a bad pattern": (HEAD + "defaults: {git: {allow: ['!']}}", "invalid pattern"),
    "size without a unit": (HEAD + "defaults: {git: {max_blob: '1'}}", "expected a size"),
    "size a number": (HEAD + "defaults: {git: {max_blob: 1000}}", "quote it"),
    "size of a fraction": (HEAD + "defaults: {git: {max_blob: 1.5MB}}", "expected a size"),
    "unknown format": (HEAD + "defaults: {formats: {deny: [pickel]}}", "pickel"),
    "unknown format in a rule": (rule("formats: {deny: [hdf]}"), "hdf"),
    "pattern of names in pickles": (rule("formats: {pickle_allow: ['shop.*']}"), "invalid name 'shop.*'"),
    "name in pickles without a module": (rule("formats: {pickle_allow: [Ranker]}"), "expected MODULE.NAME"),
    "bad pattern of a format": (rule("formats: {deny: ['x*[']}"), "invalid pattern"),
    "expression open": (HEAD + "defaults: {tag: {pattern: '('}}", "regular expression"),
    "expression too large": (rule("tag: {pattern: 'a{99999999999}'}"), "regular expression"),
    "expression too deep": (rule(f"tag: {{pattern: '{'(' * 5000}'}}"), "regular expression"),
    "expression with two readings": (rule("tag: {pattern: '[[a]'}"), "regular expression"),
    "expression that takes for ever": (rule("tag: {pattern: '(a+)+'}"), "invalid tag pattern '(a+)+': nested repeats"),
    "metric without a name": (rule("metrics: {'': {}}"), "NAME"),
    "metric with an open bracket": (rule("metrics: {'auc[a': {}}"), "NAME[KEY=VALUE]"),
    "metric with a value": (rule("metrics: {'auc=1': {}}"), "NAME"),
    "metric with a key twice": (rule("metrics: {'auc[a=1, a=2]': {}}"), "duplicate key"),
    "min a text": (rule("metrics: {auc: {min: high}}"), "min"),
    "min a boolean": (rule("metrics: {auc: {min: true}}"), "min"),
    "min not a number": (rule("metrics: {auc: {min: .nan}}"), "use a finite number"),
    "min infinite": (rule("metrics: {auc: {min: 1e999}}"), "too large"),
    "min above max": (rule("metrics: {auc: {min: 1, max: 0}}"), "min 1.0 is above max 0.0"),
    "regression of nothing": (rule("metrics: {auc: {max_regression: 5 %}}"), "5 %"),
    "regression negative": (rule("metrics: {auc: {max_regression: -0.1}}"), "is -0.1, expected at least 0"),
    "regression without a direction": (rule("metrics: {auc: {min: 0, max: 1, max_regression: 1}}"), "direction"),
    "severity": (rule("metrics: {auc: {severity: error!}}"), "severity"),
    "gap negative": (rule("slices: {max_gap: {auc: -1}}"), "negative"),
    "data set without an id": (rule("datasets: [{id: ''}]"), "id"),
    "data set of half a digest": (rule("datasets: [{id: a, blake3: 'abc'}]"), "64"),
    "signatures negative": (rule("signatures: {min: -1}"), "is -1, expected at least 0"),
    "age without a unit": (rule("max_age: '30'"), "30d"),
    "age of a fraction": (rule("max_age: 1.5d"), "30d"),
    "signatures of a stage negative": (HEAD + "stages: {prod: {signatures: {min: -1}}}", "is -1, expected at least 0"),
    "metric of a stage": (HEAD + "stages: {prod: {metrics: {auc: {min: 1, max: 0}}}}", "min 1.0 is above max 0.0"),
    "regression in a stage": (HEAD + "stages: {prod: {metrics: {auc: {max_regression: 1%}}}}", "is for rules"),
    "age": (HEAD + "stages: {prod: {max_age: 1 month}}", "expected a duration"),
    "key twice": (HEAD + "rules: []\nrules: []", "duplicate key"),
    "anchor": (HEAD + "x-a: &a 1", "anchors"),
    "not UTF-8": (b"\xff", "UTF-8"),
    "too large": (HEAD + "#" * MAX_BYTES, "at most"),
}


@pytest.mark.parametrize(("text", "said"), COMPLAINTS.values(), ids=COMPLAINTS)
def test_a_complaint_says_what_is_wrong(text: str | bytes, said: str) -> None:
    message = refusal(text)
    assert said in message
    assert message.startswith(".mvc/policy.yaml: ")
    assert "\n" not in message


WORDS = ("report", "match", "x", "auc", "m/**", "[", "(", "required", "1%", "-1", "1", "0.5", "~", "true")
words = st.sampled_from(WORDS)
values = st.recursive(words, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(words, inner, max_size=2))
KEYS = ("pointers", "defaults", "evaluators", "rules", "stages", "x-a", "x-")


parts = values | st.lists(st.dictionaries(words, values, max_size=3))


@given(st.dictionaries(st.sampled_from(KEYS), parts, max_size=3))
@settings(deadline=None, max_examples=150)
def test_anything_is_a_policy_or_refused_in_one_line(data: dict[str, Any]) -> None:
    raw = yaml.safe_dump({"mvc-policy": 1, **data}).replace("'", "").encode()
    try:
        policy = parse_policy(raw)
    except InvalidFormat:
        assert len(refusal(raw).splitlines()) == 1
    else:
        assert demands(policy, "m/x").report in ("required", "optional")


# Its schema.

VALIDATOR = jsonschema.Draft202012Validator(schema())


@pytest.mark.parametrize("text", [HEAD, FULL, STARTER])
def test_policies_fit_their_schema(text: str) -> None:
    VALIDATOR.validate(yaml.safe_load(text))


@pytest.mark.parametrize(
    "name",
    [
        "unknown key", "unknown key in a rule", "unknown key in a bound", "report perhaps", "rule without a match",
        "newer", "data set of half a digest", "size without a unit", "severity", "x- alone",
    ],
)
def test_what_the_schema_refuses(name: str) -> None:
    assert not VALIDATOR.is_valid(yaml.safe_load(COMPLAINTS[name][0]))
