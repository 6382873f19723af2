"""The health of a model, and when it changes by itself."""

from __future__ import annotations

import pytest
from site_facts import NOW, POLICY, model, pointer, promoted, version

from mvc.quality.policy.policy import Policy, Stage
from mvc.quality.reports.report import Metric, Report
from mvc.quality.reports.report import Model as Evaluated
from mvc.site.facts import SiteModel, Tip
from mvc.site.summary import summary_of

DAY = 24 * 3600
LATEST = version("v1.1.0", Metric("auc", 0.9))


def reported(name: str, created_at: str) -> SiteModel:
    report = Report(1, Evaluated(pointer(name).digest.blake3), name, created_at=created_at)
    return model(version(name, report=report))


def health(found: SiteModel, now: float = NOW, policy: Policy = POLICY) -> list[str]:
    return [item.kind for item in summary_of(found, policy, now).health]


@pytest.mark.parametrize(("found", "kinds"), [
    (model(LATEST), []),
    (model(LATEST, tip=Tip(LATEST.blake3, "ok")), []),
    (model(LATEST, tip=Tip(LATEST.blake3, "stale")), ["stale"]),
    (model(LATEST, tip=Tip("0" * 64, "missing")), ["stale", "unregistered"]),
    (model(LATEST._replace(signature="none")), ["unsigned"]),
    (model(LATEST._replace(signature="invalid")), ["unsigned"]),
    (model(LATEST._replace(problem="forged")), ["unreadable"]),
    (model(LATEST, is_deprecated=True), ["deprecated"]),
    (model(LATEST, latest=""), []),
])
def test_what_is_wrong_with_a_model(found: SiteModel, kinds: list[str]) -> None:
    assert health(found) == kinds


def test_a_report_gets_too_old_at_a_time_that_is_known_before() -> None:
    found = reported("v1.0.0", "2026-11-01T00:00:00Z")
    created = 1_793_491_200.0
    assert summary_of(found, POLICY, created).until == created + 30 * DAY
    assert health(found, created + 30 * DAY - 1) == []
    assert health(found, created + 30 * DAY) == ["expired"]
    assert summary_of(found, POLICY, created + 30 * DAY).until is None
    assert health(reported("v1.0.0", "sometime")) == []


def test_a_stage_may_ask_for_a_newer_report() -> None:
    found = reported("v1.0.0", "2026-11-01T00:00:00Z")._replace(periods=(promoted("prod", "v1.0.0", 0, None),))
    policy = Policy(1, stages={"prod": Stage(max_age="1d")})
    (complaint,) = summary_of(found, policy, 1_793_491_200.0 + 2 * DAY).health
    assert complaint.text == "the report of v1.0.0 in prod is older than 24 hours"


def test_the_main_metric_is_the_first_that_the_policy_names() -> None:
    found = model(version("v1.0.0", Metric("loss", 3), Metric("auc", 0.8)), version("v1.1.0", Metric("auc", 0.9)))
    summary = summary_of(found, POLICY, NOW)
    assert (summary.metric, summary.value, summary.series) == ("auc", 0.9, (0.8, 0.9))
    assert summary_of(found, Policy(1), NOW).metric == "loss"
