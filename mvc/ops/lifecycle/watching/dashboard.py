"""`mvc monitor dashboard`: a board for Grafana 10 and later. The series: docs/serve.md and docs/monitor.md.

Format: https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Any, NamedTuple, TypeAlias

from mvc.ops.shared.versions.read import read_model
from mvc.project import Project

SCHEMA = 39
"""The version of the format: that of Grafana 10.4 and 11."""
_SOURCE = {"type": "prometheus", "uid": "${source}"}
_COLUMNS = 24
_HEIGHT = 8
"""Of a panel."""

Query: TypeAlias = tuple[str, str]
"""An expression, in which `MODEL` stands for the matchers of the model, and the legend."""


class Panel(NamedTuple):
    """A panel of the board."""

    title: str
    queries: Sequence[Query]
    unit: str = "short"
    kind: str = "timeseries"
    about: str = ""


def _rate(series: str, by: str, *matchers: str) -> str:
    """Return the rate of a counter of the chosen versions."""
    where = ",".join(("MODEL", 'version=~"$version"', *matchers))
    return f"sum by ({by}) (rate({series}{{{where}}}[$__rate_interval]))"


def _highest(series: str, by: str, *matchers: str) -> str:
    """Return a gauge of the chosen versions."""
    where = ",".join(("MODEL", 'version=~"$version"', *matchers))
    return f"max by ({by}) ({series}{{{where}}})"


def _quantile(share: float) -> Query:
    buckets = _rate("mvc_serve_request_seconds_bucket", "version, le")
    return f"histogram_quantile({share}, {buckets})", f"{{{{version}}}} p{100 * share:g}"


_PSI, _WHOLE = 'test="psi"', 'slice=""'
_FEATURE_ROWS = _rate("mvc_serve_feature_rows_total", "feature")
_MISSING = _rate("mvc_serve_feature_missing_total", "feature")
_PREDICTED = _rate("mvc_serve_predicted_total", "version, label")
_ALL_PREDICTED = _rate("mvc_serve_predicted_total", "version")
_VALUES = _rate("mvc_serve_predicted_value_sum", "version"), _rate("mvc_serve_predicted_value_count", "version")

ROWS: dict[str, Sequence[Panel]] = {
    "Requests": (
        Panel("Requests by version", [
            (_rate("mvc_serve_requests_total", "version, protocol"), "{{version}} {{protocol}}"),
        ], "reqps"),
        Panel("Errors", [
            (_rate("mvc_serve_requests_total", "version, code", 'code!~"2.."'), "{{version}} {{code}}"),
        ], "reqps", about="Requests that were not answered with 2xx, by status code."),
        Panel("Latency", [_quantile(0.5), _quantile(0.9), _quantile(0.99)], "s"),
        Panel("Rows and requests in flight", [
            (_rate("mvc_serve_rows_total", "version"), "{{version}} rows/s"),
            (_highest("mvc_serve_in_flight", "version"), "{{version}} in flight"),
        ]),
    ),
    "Versions": (
        Panel("Served", [
            ("max by (stage, version) (mvc_serve_model_info{MODEL} == 1)", "{{stage}} {{version}}"),
        ], kind="state-timeline", about="Which version each stage served, over time."),
        Panel("Retired, but served", [
            ("max by (version) (mvc_serve_model_retired{MODEL})", "{{version}}"),
        ], "bool_yes_no", "stat"),
        Panel("Swaps and failures to follow", [
            ("sum(increase(mvc_serve_swaps_total{MODEL}[$__rate_interval]))", "swaps"),
            ("sum by (reason) (increase(mvc_serve_follow_failures_total{MODEL}[$__rate_interval]))", "{{reason}}"),
        ]),
        Panel("Since the last answer of Git", [
            ("time() - max by (instance) (mvc_serve_follow_last_success_timestamp_seconds{MODEL})", "{{instance}}"),
        ], "s"),
    ),
    "Predictions": (
        Panel("Predicted labels", [
            (f"{_PREDICTED} / on (version) group_left {_ALL_PREDICTED}", "{{version}} {{label}}"),
        ], "percentunit", about="Of a classification: the share of each label."),
        Panel("Predicted values", [
            (" / ".join(_VALUES), "{{version}} mean"),
        ], about="Of a regression."),
        Panel("Means of features", [
            (f"{_rate('mvc_serve_feature_sum_total', 'feature')} / ({_FEATURE_ROWS} - {_MISSING})", "{{feature}}"),
        ]),
        Panel("Missing values of features", [
            (f"{_MISSING} / {_FEATURE_ROWS}", "{{feature}}"),
        ], "percentunit"),
    ),
    "Drift": (
        Panel("Columns that drifted", [
            (_highest("mvc_drift_drifted_columns", "version"), "{{version}} drifted"),
            (_highest("mvc_drift_columns", "version"), "{{version}} compared"),
        ], about="By mvc drift --prom."),
        Panel("The strongest drift: PSI", [
            (f"topk(10, {_highest('mvc_drift_statistic', 'column', _PSI)})", "{{column}}"),
        ], about="Population stability index: above 0.25 is usually called a large shift."),
    ),
    "Live metrics": (
        Panel("Live metrics and those of the report", [
            (_highest("mvc_live_metric", "version, metric", _WHOLE), "{{version}} {{metric}}"),
            (_highest("mvc_live_metric_reference", "version, metric", _WHOLE), "{{version}} {{metric}} in report"),
        ], about="By mvc monitor score --prom."),
        Panel("Predictions with and without a label", [
            (_highest("mvc_live_rows", "version"), "{{version}} with"),
            (_highest("mvc_live_unmatched_rows", "version"), "{{version}} without"),
        ]),
    ),
    "Log": (
        Panel("Logged and dropped rows", [
            ("sum(rate(mvc_serve_log_rows_total{MODEL}[$__rate_interval]))", "logged"),
            ("sum by (reason) (rate(mvc_serve_log_dropped_rows_total{MODEL}[$__rate_interval]))", "{{reason}}"),
        ], "rowsps"),
        Panel("Size of the log", [("max by (instance) (mvc_serve_log_bytes)", "{{instance}}")], "bytes"),
    ),
}


def dashboard(project: Project, name: str) -> str:
    """Return the board of a model as JSON.

    Raises:
        UsageError: there is no such model.
        MvcError: Git cannot read the tags.
    """
    read_model(project, name)
    return json.dumps(board(name), indent=2) + "\n"


def board(name: str) -> dict[str, Any]:
    """Return the board as Grafana imports it."""
    model = f"model={json.dumps(name)}"
    swaps = f"sum by (instance) (changes(mvc_serve_swaps_total{{{model}}}[2m])) > 0"
    return {
        "title": f"mvc: {name}",
        "uid": f"mvc-{sha256(name.encode()).hexdigest()[:12]}",
        "tags": ["mvc"],
        "schemaVersion": SCHEMA,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "graphTooltip": 1,
        "templating": {"list": [_source_variable(), _version_variable(model)]},
        "annotations": {"list": [{
            "name": "Swaps", "datasource": _SOURCE, "enable": True, "iconColor": "blue", "expr": swaps,
            "titleFormat": "another version is served", "textFormat": "{{instance}}",
        }]},
        "panels": list(_panels(model)),
    }


def _source_variable() -> dict[str, Any]:
    return {"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus"}


def _version_variable(model: str) -> dict[str, Any]:
    query = f"label_values(mvc_serve_model_info{{{model}}}, version)"
    return {
        "query": {"query": query, "refId": "version"}, "refresh": 2, "sort": 8, "multi": True, "includeAll": True,
        "allValue": ".*", "current": {"text": "All", "value": "$__all"},
    }


def _panels(model: str) -> Iterator[dict[str, Any]]:
    """Yield rows and panels with their places: two beside each other, or four."""
    top, number = 0, 0
    for title, panels in ROWS.items():
        number += 1
        yield {
            "id": number, "type": "row", "title": title, "collapsed": False, "panels": [],
            "gridPos": {"x": 0, "y": top, "w": _COLUMNS, "h": 1},
        }
        top += 1
        width = _COLUMNS // len(panels)
        for place, panel in enumerate(panels):
            number += 1
            yield _panel(panel, model, number, {"x": place * width, "y": top, "w": width, "h": _HEIGHT})
        top += _HEIGHT


def _panel(panel: Panel, model: str, number: int, place: dict[str, int]) -> dict[str, Any]:
    targets = [
        {
            "refId": chr(ord("A") + place), "datasource": _SOURCE, "editorMode": "code", "range": True,
            "expr": expression.replace("MODEL", model), "legendFormat": legend,
        }
        for place, (expression, legend) in enumerate(panel.queries)
    ]
    return {
        "id": number, "type": panel.kind, "title": panel.title, "description": panel.about, "datasource": _SOURCE,
        "gridPos": place, "targets": targets, "options": {},
        "fieldConfig": {"defaults": {"unit": panel.unit}, "overrides": []},
    }
