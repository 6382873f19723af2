"""The alerts about a served model, as expressions of PromQL. The series: docs/serve.md and docs/monitor.md.

Durations are Prometheus's own: `15m`.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple, TypeAlias

from mvc.quality.policy.demands import ANY, MetricDemand

Severity: TypeAlias = Literal["critical", "warning"]
LABELS = 30
"""Labels from which live metrics alert: those of a few examples say nothing, and their errors are not normal."""
ERRORS = 3
"""Standard errors of the difference that a live metric may be worse: one that is as good as in the report is called
worse once in 740 computations."""
_SILENT = "2 * 24 * 3600"
"""Seconds after which `mvc drift` or `mvc monitor score` should have run again."""


class Alert(NamedTuple):
    """An alerting rule."""

    name: str
    expression: str
    wait: str
    """How long the expression must hold."""
    severity: Severity
    summary: str
    """What is wrong; with the templates of Prometheus."""
    fix: str
    """What to type."""


class Watched(NamedTuple):
    """What the alerts are about."""

    model: str
    latency: float
    """Seconds that the 99th percentile of requests may take."""
    errors: float
    """The share of requests that may fail."""
    higher: Sequence[str] = ()
    """Metrics where higher is better that are compared with the report."""
    lower: Sequence[str] = ()
    demands: Sequence[MetricDemand] = ()
    """Of the policy."""
    stage: str = ""
    """Empty: none is compared with what it holds."""
    held: str = ""
    """The blake3 of what it holds."""
    version: str = ""
    """The name of that."""


def alerts(watched: Watched) -> Iterator[Alert]:
    """Yield all alerts."""
    yield from _requests(watched)
    yield from _versions(watched)
    yield from _watching(watched)
    yield from _compared(watched)
    for demand in watched.demands:
        yield from _demanded(watched.model, demand)


_VERSION = "{{ $labels.model }} {{ $labels.version }}"


def _requests(watched: Watched) -> Iterator[Alert]:
    model = watched.model
    served = _series("mvc_serve_requests_total", model)
    failed = _series("mvc_serve_requests_total", model, 'code=~"5.."')
    buckets = _series("mvc_serve_request_seconds_bucket", model)
    yield Alert(
        "MvcLatency",
        f"histogram_quantile(0.99, sum by (model, version, le) (rate({buckets}[5m]))) > {watched.latency:g}",
        "5m", "warning",
        f"{_VERSION}: 1 % of requests take {{{{ $value | humanizeDuration }}}} or longer (limit {watched.latency:g} s)",
        "mvc serve --help  # limits, workers",
    )
    yield Alert(
        "MvcErrors",
        f"sum by (model, version) (rate({failed}[5m])) / sum by (model, version) (rate({served}[5m]))"
        f" > {watched.errors:g}",
        "5m", "critical",
        f"{_VERSION}: {{{{ $value | humanizePercentage }}}} of requests fail (limit {100 * watched.errors:g} %)",
        f"mvc rollback {shlex.quote(model)} STAGE",
    )
    info = _series("mvc_serve_model_info", model)
    yield Alert(
        "MvcNoTraffic", f"(sum(rate({served}[15m])) or vector(0)) == 0 and on () count({info} == 1) > 0", "15m",
        "warning", f"{model} is served, but got no request", "curl http://HOST:PORT/v2/health/ready",
    )
    yield Alert(
        "MvcNotServed", f"absent({info} == 1)", "5m", "critical",
        f"no server of {model} is scraped", f"mvc serve {shlex.quote(model)}#STAGE --follow 30",
    )


def _versions(watched: Watched) -> Iterator[Alert]:
    model, name = watched.model, shlex.quote(watched.model)
    staged = _series("mvc_serve_model_info", model, 'stage!=""')
    yield Alert(
        "MvcRetired", f"{_series('mvc_serve_model_retired', model)} == 1", "0m", "critical",
        f"{_VERSION} is served, but retired", f"mvc promote {name}@VERSION STAGE",
    )
    yield Alert(
        "MvcMixedVersions",
        f"count by (model, stage) (count by (model, stage, blake3) ({staged} == 1)) > 1", "15m",
        "warning", f"servers of {model}#{{{{ $labels.stage }}}} have {{{{ $value }}}} versions",
        f"mvc which {name}",
    )
    if watched.held:
        matchers = f"stage={quoted(watched.stage)}", f"blake3!={quoted(watched.held)}"
        yield Alert(
            "MvcStale", f"{_series('mvc_serve_model_info', model, *matchers)} == 1", "15m", "warning",
            f"{_VERSION} is served as {watched.stage}, which held {watched.version or watched.held[:12]} "
            "when these rules were written", f"mvc monitor rules {name} --stage {shlex.quote(watched.stage)}",
        )
    yield Alert(
        "MvcFollowFailing", _grew(_series("mvc_serve_follow_failures_total", model)), "0m", "warning",
        f"a new version of {model} is not served: {{{{ $labels.reason }}}}", f"mvc history {name}",
    )
    yield Alert(
        "MvcFollowSilent", f"time() - {_series('mvc_serve_follow_last_success_timestamp_seconds', model)} > 900", "0m",
        "warning", f"a server of {model} could not ask Git for {{{{ $value | humanizeDuration }}}}",
        f"git ls-remote origin 'refs/tags/{model.replace(':', '=')}*'",
    )


def _watching(watched: Watched) -> Iterator[Alert]:
    model, name = watched.model, shlex.quote(watched.model)
    dropped = _series("mvc_serve_log_dropped_rows_total", model, 'reason!="sampled"')
    yield Alert(
        "MvcLogDropping", _grew(dropped), "0m", "warning",
        f"the log of {model} drops rows: {{{{ $labels.reason }}}}", "df -h DIR  # of the log",
    )
    yield Alert(
        "MvcDrift", f"{_series('mvc_drift_detected', model)} == 1", "0m", "warning",
        f"{_VERSION}: what is asked differs from its reference",
        f"mvc drift --reference {model}@{{{{ $labels.version }}}} --current DIR",
    )
    times = (_series(f"mvc_{what}_timestamp_seconds", model) for what in ("drift", "live"))
    yield Alert(
        "MvcWatchSilent", " or ".join(f"time() - {time} > {_SILENT}" for time in times), "0m", "warning",
        f"{model}: drift or live metrics were not computed for {{{{ $value | humanizeDuration }}}}",
        f"mvc monitor score {name} --log DIR --truth FILE --prom FILE",
    )


def _compared(watched: Watched) -> Iterator[Alert]:
    """Yield the alerts that compare live metrics with the report of their version."""
    for names, side in ((watched.higher, "Below"), (watched.lower, "Above")):
        if not names:
            continue
        which = f"metric=~{quoted('|'.join(map(re.escape, names)))}", 'slice=""'
        live, live_error, reference, reference_error = (
            _series(f"mvc_live_metric{what}", watched.model, *which)
            for what in ("", "_stderr", "_reference", "_reference_stderr")
        )
        worse = f"{reference} - {live}" if side == "Below" else f"{live} - {reference}"
        squares = " + ".join(f"({error} ^ 2 or 0 * {live})" for error in (live_error, reference_error))
        yield Alert(
            f"MvcLive{side}Report", f"({worse} > {ERRORS} * sqrt({squares})) {_counts(watched.model)}", "0m", "warning",
            f"{_VERSION}: live {{{{ $labels.metric }}}} is worse than in the report by {{{{ $value | humanize }}}}",
            f"mvc eval show {watched.model}@{{{{ $labels.version }}}}",
        )


def _demanded(model: str, demand: MetricDemand) -> Iterator[Alert]:
    """Yield the alerts for the limits of a metric in the policy."""
    live = _series("mvc_live_metric", model, f"metric={quoted(demand.name)}", _slice(demand))
    severity: Severity = "critical" if demand.severity == "error" else "warning"
    for limit, sign, name in ((demand.min, "<", "Below"), (demand.max, ">", "Above")):
        if limit is not None:
            yield Alert(
                f"MvcLive{name}Policy", f"{live} {sign} {limit!r} {_counts(model)}", "0m", severity,
                f"{_VERSION}: live {_as_template(demand.name)} is {{{{ $value | humanize }}}}, the policy demands "
                f"{'at least' if sign == '<' else 'at most'} {limit:g}", f"mvc rollback {shlex.quote(model)} STAGE",
            )


def _counts(model: str) -> str:
    """Return the condition that a version is served now, as the log has others, too, and has enough labels."""
    served = f"and on (model, blake3) ({_series('mvc_serve_model_info', model)} == 1)"
    return f"{served} and on (model, version, blake3) ({_series('mvc_live_rows', model)} >= {LABELS})"


def _slice(demand: MetricDemand) -> str:
    if all(value != ANY for _, value in demand.slice):
        return f"slice={quoted(','.join(map('='.join, demand.slice)))}"
    parts = (f"{re.escape(key)}={'.*' if value == ANY else re.escape(value)}" for key, value in demand.slice)
    return f"slice=~{quoted(','.join(parts))}"


def _grew(series: str) -> str:
    """Return whether a counter rose within a quarter of an hour; one that is new has risen."""
    return f"increase({series}[15m]) > 0 or ({series} unless {series} offset 15m) > 0"


def _series(name: str, model: str, *matchers: str) -> str:
    return f"{name}{{{','.join((f'model={quoted(model)}', *matchers))}}}"


def quoted(text: str) -> str:
    r"""Return a text in quotes, in ASCII: the same in PromQL and YAML, which do not know JSON's `\ud83d\ude00`."""
    return re.sub("[^ -~]", lambda match: f"\\U{ord(match[0]):08x}", json.dumps(text, ensure_ascii=False))


def _as_template(text: str) -> str:
    """Return what a template of Prometheus shows as `text`."""
    return text.replace("{{", '{{ "{{" }}')
