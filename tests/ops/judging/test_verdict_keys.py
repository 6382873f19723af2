"""Which verdicts of `mvc eval check` may be remembered, and for how long."""

from __future__ import annotations

import pytest

from mvc.ops.judging.check import verdict_keys
from mvc.quality.files import FileAt
from mvc.quality.judge.facts import ModelFacts
from mvc.quality.policy.parsed_policy import read_policy

POINTER, REPORT = FileAt("100644", b"pointer"), FileAt("100644", b"report")
MODEL = ModelFacts("m", POINTER, REPORT, in_cache=True)


def key(model: ModelFacts, policy: bytes | None = None) -> str | None:
    return verdict_keys(read_policy(None if policy is None else FileAt("100644", policy)), [model]).get("m")


@pytest.mark.parametrize(
    "other",
    [
        MODEL._replace(pointer=FileAt("100644", b"other")),
        MODEL._replace(pointer=FileAt("120000", b"pointer")),
        MODEL._replace(report=None),
        MODEL._replace(report=FileAt("100644", b"report", conflicted=True)),
        MODEL._replace(pointer=FileAt("100644", b"pointerr"), report=FileAt("100644", b"eport")),
    ],
)
def test_any_change_of_a_file_is_another_key(other: ModelFacts) -> None:
    assert key(MODEL) != key(other) is not None


def test_the_policy_is_part_of_the_key_and_the_name_of_the_model_is_not() -> None:
    assert key(MODEL) != key(MODEL, b"mvc-policy: 1\n") != key(MODEL, b"mvc-policy: 1\n# more\n")
    assert verdict_keys(read_policy(None), [MODEL._replace(path="n")]) == {"n": key(MODEL)}


@pytest.mark.parametrize("change", [{"in_cache": False}, {"in_git": True}, {"pointer": None}])
def test_what_depends_on_more_than_files_is_not_remembered(change: dict[str, object]) -> None:
    assert key(MODEL._replace(**change)) is None  # type: ignore[arg-type]  # a row of the table


def test_an_age_limit_is_judged_anew_where_it_applies() -> None:
    policy = b'mvc-policy: 1\nrules:\n  - {match: "%s", max_age: 30d}\n'
    assert key(MODEL, policy % b"m") is None
    assert key(MODEL, policy % b"other") is not None
