"""`mvc monitor rules`: each alert fires when it must and not otherwise, as Prometheus' own promtool says."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from mvc.ops.lifecycle.watching.alerts import Watched, alerts
from mvc.ops.lifecycle.watching.rules import render
from mvc.quality.policy.demands import MetricDemand

DIGEST, OTHER = "ab" * 32, "cd" * 32
OF = f'model="ranker",version="v1.1.0",blake3="{DIGEST}"'
SERVED = f'mvc_serve_model_info{{{OF},stage="prod",ref="ranker#prod",path="m.onnx"}}'
WATCHED = Watched(
    "ranker", 0.5, 0.01, ["accuracy", "auc"], ["log_loss"],
    [
        MetricDemand("auc", min=0.9), MetricDemand("log_loss", max=0.5),
        MetricDemand("auc", (("country", "*"),), severity="warning", min=0.8),
        MetricDemand("f1", (("class", "a.b"),), min=0.8),
    ],
    "prod", DIGEST, "v1.1.0",
)


class Case(NamedTuple):
    """Series by minute, and the alert that they must fire after 50 minutes, or must not."""

    alert: str
    fires: bool
    series: dict[str, str]
    served: bool = True


def requests(code: str, values: str) -> dict[str, str]:
    return {f'mvc_serve_requests_total{{{OF},protocol="rest",code="{code}"}}': values}


def bucket(bound: str, values: str) -> dict[str, str]:
    return {f'mvc_serve_request_seconds_bucket{{{OF},le="{bound}"}}': values}


def live(
    metric: str, value: str, reference: str = "", errors: str = "", slice_: str = "", labels: int = 30,
) -> dict[str, str]:
    of = f'{{{OF},metric="{metric}",slice="{slice_}"}}'
    found = {f"mvc_live_metric{of}": f"{value}x200", f"mvc_live_rows{{{OF}}}": f"{labels}x200"}
    if reference:
        found[f"mvc_live_metric_reference{of}"] = f"{reference}x200"
    if errors:
        found |= {f"mvc_live_metric{what}_stderr{of}": f"{errors}x200" for what in ("", "_reference")}
    return found


RISES = "0x40 0+1x60"
ALL = "0+100x200"
CASES = [
    Case("MvcLatency", True, {**bucket("0.5", "0+90x200"), **bucket("1", ALL), **bucket("+Inf", ALL)}),
    Case("MvcLatency", False, {**bucket("0.5", ALL), **bucket("1", ALL), **bucket("+Inf", ALL)}),
    Case("MvcErrors", True, {**requests("200", "0+97x200"), **requests("500", "0+3x200")}),
    Case("MvcErrors", False, {**requests("200", "0+997x200"), **requests("500", "0+3x200")}),
    Case("MvcErrors", False, {**requests("200", "0+97x200"), **requests("400", "0+50x200")}),
    Case("MvcNoTraffic", True, {}),
    Case("MvcNoTraffic", True, requests("200", "0+5x5 25x100")),
    Case("MvcNoTraffic", False, requests("200", "0+5x200")),
    Case("MvcNoTraffic", False, {}, served=False),
    Case("MvcNotServed", True, {}, served=False),
    Case("MvcNotServed", False, {}),
    Case("MvcRetired", True, {f"mvc_serve_model_retired{{{OF}}}": "0x20 1x100"}),
    Case("MvcRetired", False, {f"mvc_serve_model_retired{{{OF}}}": "0x200"}),
    Case("MvcMixedVersions", True, {SERVED.replace(DIGEST, OTHER): "1x200"}),
    Case("MvcMixedVersions", False, {SERVED.replace("}", ',instance="b"}'): "1x200"}),
    Case("MvcStale", True, {SERVED.replace(DIGEST, OTHER): "1x200"}),
    Case("MvcStale", False, {}),
    Case("MvcStale", False, {SERVED.replace(DIGEST, OTHER).replace("prod", "dev"): "1x200"}),
    Case("MvcFollowFailing", True, {'mvc_serve_follow_failures_total{model="ranker",reason="load"}': RISES}),
    Case("MvcFollowFailing", True, {'mvc_serve_follow_failures_total{model="ranker",reason="git"}': "_x44 1x50"}),
    Case("MvcFollowFailing", False, {'mvc_serve_follow_failures_total{model="ranker",reason="git"}': "7x200"}),
    Case("MvcFollowSilent", True, {'mvc_serve_follow_last_success_timestamp_seconds{model="ranker"}': "60x200"}),
    Case("MvcFollowSilent", False, {'mvc_serve_follow_last_success_timestamp_seconds{model="ranker"}': "0+60x200"}),
    Case("MvcLogDropping", True, {'mvc_serve_log_dropped_rows_total{model="ranker",reason="disk"}': RISES}),
    Case("MvcLogDropping", False, {'mvc_serve_log_dropped_rows_total{model="ranker",reason="sampled"}': RISES}),
    Case("MvcDrift", True, {f"mvc_drift_detected{{{OF}}}": "1x200"}),
    Case("MvcDrift", False, {f"mvc_drift_detected{{{OF}}}": "0x200"}),
    Case("MvcDrift", False, {f"mvc_drift_detected{{{OF.replace('ranker', 'other')}}}": "1x200"}),
    Case("MvcWatchSilent", True, {f"mvc_drift_timestamp_seconds{{{OF}}}": "-200000x200"}),
    Case("MvcWatchSilent", True, {f"mvc_live_timestamp_seconds{{{OF}}}": "-200000x200"}),
    Case("MvcWatchSilent", False, {f"mvc_live_timestamp_seconds{{{OF}}}": "0+60x200"}),
    Case("MvcLiveBelowReport", True, live("auc", "0.92", "0.95", "0.005")),
    Case("MvcLiveBelowReport", False, live("auc", "0.92", "0.95", "0.01")),
    Case("MvcLiveBelowReport", False, live("auc", "0.98", "0.95", "0.005")),
    Case("MvcLiveBelowReport", True, live("auc", "0.94", "0.95")),
    Case("MvcLiveBelowReport", False, live("auc", "0.1", "0.95", slice_="country=DE")),
    Case("MvcLiveBelowReport", False, live("precision", "0.1", "0.95")),
    Case("MvcLiveBelowReport", False, live("auc", "0.1", "0.95", "0.005", labels=29)),
    Case("MvcLiveBelowReport", False, live("auc", "0.1", "0.95"), served=False),
    Case("MvcLiveAboveReport", True, live("log_loss", "0.4", "0.3", "0.01")),
    Case("MvcLiveAboveReport", False, live("log_loss", "0.2", "0.3", "0.01")),
    Case("MvcLiveBelowPolicy", True, live("auc", "0.89")),
    Case("MvcLiveBelowPolicy", False, live("auc", "0.91")),
    Case("MvcLiveBelowPolicy", False, live("auc", "0.89", labels=29)),
    Case("MvcLiveBelowPolicy", True, live("auc", "0.79", slice_="country=DE")),
    Case("MvcLiveBelowPolicy", False, live("auc", "0.85", slice_="country=DE")),
    Case("MvcLiveBelowPolicy", True, live("f1", "0.7", slice_="class=a.b")),
    Case("MvcLiveAbovePolicy", True, live("log_loss", "0.6")),
    Case("MvcLiveAbovePolicy", False, live("log_loss", "0.4")),
]


def test_every_alert_fires_and_does_not(tmp_path: Path) -> None:
    text = render("ranker", alerts(WATCHED))
    (tmp_path / "rules.yml").write_text(text)
    promtool(tmp_path, "check", "rules", "rules.yml")
    (tmp_path / "test.yml").write_text(json.dumps({"rule_files": ["rules.yml"], "tests": [*map(as_test, CASES)]}))
    promtool(tmp_path, "test", "rules", "test.yml")
    names = {item.name for item in alerts(WATCHED)}
    assert {case.alert for case in CASES if case.fires} == {case.alert for case in CASES if not case.fires} == names


def as_test(case: Case) -> dict[str, Any]:
    series = {**({SERVED: "1x200"} if case.served else {}), **case.series}
    firing = f'ALERTS{{alertname="{case.alert}",alertstate="firing"}}'
    return {
        "interval": "1m", "name": f"{case}",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [{
            "expr": f"(count({firing}) or vector(0)) > bool 0", "eval_time": "50m",
            "exp_samples": [{"labels": "{}", "value": int(case.fires)}],
        }],
    }


def promtool(folder: Path, *args: str) -> str:
    done = subprocess.run(["promtool", *args], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("name", ["it's", 'a"b', "a\\b", "a b\n", "{{a}}", "\x7f\u2028\U0001f600"])
def test_any_name_of_a_metric_is_quoted(tmp_path: Path, name: str) -> None:
    watched = WATCHED._replace(higher=[name], demands=[MetricDemand(name, ((name, name),), min=0.5)])
    (tmp_path / "rules.yml").write_text(render("ranker", alerts(watched)))
    promtool(tmp_path, "check", "rules", "rules.yml")


def test_git_is_asked_for_tags_as_they_are_spelled() -> None:
    """A tag cannot have the colon of a name: `search:ranker@v1.0.0` is `search=ranker@v1.0.0`."""
    (fix,) = (alert.fix for alert in alerts(WATCHED._replace(model="search:ranker")) if "ls-remote" in alert.fix)
    assert fix == "git ls-remote origin 'refs/tags/search=ranker*'"
