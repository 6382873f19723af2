"""Errors about a policy name its keys as users write them, with what was expected and what was found."""

from __future__ import annotations

import time
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvc.errors import InvalidFormat
from mvc.objects.parsing.conversion import convert, explained
from mvc.quality.policy.policy import parse_policy

TOLD = [
    ('rules: [{match: "*", metrics: {auc: {}, "auc[country=*]": {min: "x"}}}]',
     'rules[0].metrics."auc[country=*]".min: expected a number, found "x": use a finite number'),
    ('rules: [{match: "*"}, {match: a, metrics: {auc: {mini: 1}}}]', "rules[1].metrics.auc: unknown key `mini`"),
    ('rules: [{match: "*", reprot: required}]', "rules[0]: unknown key `reprot`"),
    ("rules: [{report: required}]", "rules[0]: missing key `match`"),
    ('rules: [{match: "*", metrics: {auc: 0.9}}]', "rules[0].metrics.auc: expected keys and values, found 0.9"),
    ('rules: [{match: "*", metrics: {auc: {max_regression: []}}}]',
     "rules[0].metrics.auc.max_regression: expected a number or text, found a list"),
    ("stages: {test: {}, prod: {signatures: {min: a}}}", 'stages.prod.signatures.min: expected an integer, found "a"'),
    ("evaluators: {a: [x], ci: [x, 1]}", "evaluators.ci[1]: expected text, found 1: quote it"),
    ("defaults: {report: maybe}", "defaults.report: invalid value 'maybe'"),
    ("defaults: {tag: {pattern: null}}", "defaults.tag.pattern: expected text, found nothing"),
    ("rules: {}", "rules: expected a list, found keys and values"),
    ("foo: 1", "unknown key `foo`"),
    ('"a` - at `$.b": 1', "Object contains unknown field `a` - at `$.b`"),
]


@pytest.mark.parametrize(("text", "told"), TOLD)
def test_keys_are_named_as_users_write_them(text: str, told: str) -> None:
    with pytest.raises(InvalidFormat) as caught:
        parse_policy(f"mvc-policy: 1\n{text}\n".encode())
    assert caught.value.message == f".mvc/policy.yaml: {told}"


@given(st.dictionaries(st.text(), st.one_of(st.integers(), st.text(), st.none()), min_size=1), st.data())
def test_the_first_key_at_fault_is_named(values: dict[str, Any], data: st.DataObject) -> None:
    type_ = dict[str, dict[str, int]]
    keys = list(values)
    fault = data.draw(st.sampled_from(keys))
    document = {key: {} if keys.index(key) < keys.index(fault) else {key: None} for key in keys}
    try:
        msgspec.convert(document, type_)
    except msgspec.ValidationError as error:
        told = explained(str(error), document, type_)
    alone = {fault: {fault: None}}
    with pytest.raises(InvalidFormat) as caught:
        convert(alone, type_, what="x")
    assert caught.value.message == f"x: {told}"


def test_a_key_among_many_is_found_fast() -> None:
    document: dict[str, Any] = {str(number): {"a": 1} for number in range(20_000)}
    document["last"] = {"a": []}
    began = time.process_time()
    with pytest.raises(InvalidFormat, match=r"last\.a: expected an integer"):
        convert(document, dict[str, dict[str, int]], what="x")
    one = time.process_time()
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(document, dict[str, dict[str, int]])
    assert one - began < 200 * (time.process_time() - one)
