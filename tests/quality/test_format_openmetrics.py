"""`mvc gate --format openmetrics`: read by the parser of Prometheus' Python client."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from quality.hostile import HOSTILE, gated_of

from mvc.objects.visible import visible
from mvc.quality.finding import Comparison, Finding, Gated, Judged
from mvc.quality.render.formats.openmetrics import render

Samples = dict[tuple[str, ...], float]


def samples(text: str) -> Samples:
    """Return the values by name and label values; the parser demands the end, one family a name, and valid escapes."""
    read = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    found = {(sample.name, *sample.labels.values()): sample.value for sample in read}
    assert len(found) == len(read)
    return found


def test_the_verdict_and_the_metrics_are_gauges() -> None:
    rows = (
        Comparison('auc[country="DE"]@hold\\out', None, 0.1 + 0.2, "", passed=True),
        Comparison("mse", 1e-20, 3, "", passed=True), Comparison("gone", 0.5, None, "", passed=True),
    )
    found = tuple(Finding("MVC202", severity, "m", "") for severity in ("error", "error", "note"))
    text = render(Gated(False, "a", "b", (Judged("m", "changed", comparisons=rows), Judged("n", "added")), found))
    assert {family.type for family in text_string_to_metric_families(text)} == {"gauge"}
    assert samples(text) == {
        ("mvc_gate_passed",): 0, ("mvc_gate_judged",): 1, ("mvc_gate_models",): 2,
        ("mvc_gate_findings", "error"): 2, ("mvc_gate_findings", "warning"): 0, ("mvc_gate_findings", "note"): 1,
        ("mvc_model_metric", "m", 'auc[country="DE"]@hold\\out'): 0.1 + 0.2, ("mvc_model_metric", "m", "mse"): 3,
        ("mvc_model_metric_base", "m", "mse"): 1e-20, ("mvc_model_metric_base", "m", "gone"): 0.5,
    }


def test_nothing_judged() -> None:
    found = samples(render(Gated(True, "a", "b", judged=False)))
    assert [found[name,] for name in ("mvc_gate_passed", "mvc_gate_judged", "mvc_gate_models")] == [1, 0, 0]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_hostile_stays_in_its_label(text: str) -> None:
    check(text)


@given(st.text(alphabet=st.one_of(st.characters(), st.sampled_from('{}"\\=,#\n\r '))))
def test_so_does_anything(text: str) -> None:
    check(text)


def test_names_that_look_alike_are_one_sample() -> None:
    rows = tuple(Comparison(metric, 0.1, 0.2, "", passed=True) for metric in ("\x1b", "\\x1b"))
    gated = Gated(True, "a", "b", (Judged("m", "added", comparisons=rows),))
    assert ("mvc_model_metric", "m", "\\x1b") in samples(render(gated))


def check(text: str) -> None:
    told = render(gated_of(text))
    assert all(char.isprintable() or char == "\n" for char in told)
    assert all(re.match(r"# (TYPE|HELP|EOF)|mvc_", line) for line in told.splitlines())
    assert "##[" not in told
    assert "##vso[" not in told
    names = [visible(text), visible(f"{text}[a=b]"), visible(f"{text}2")]
    found = {key[1:] for key in samples(told) if key[0] == "mvc_model_metric"}
    assert found == {(visible(text), name) for name in names}
