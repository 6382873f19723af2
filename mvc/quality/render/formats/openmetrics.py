"""The gate's verdict in the text format of OpenMetrics 1.0, for GitLab's metrics reports and Prometheus.

Source: https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from mvc.objects.visible import visible
from mvc.quality.finding import Comparison, Gated

_Samples: TypeAlias = Mapping[str, float | None]
"""Values by labels, as written."""


def render(gated: Gated) -> str:
    """Return gauges: the verdict, findings by severity, and each metric of the judged models with its base."""
    count = {severity: sum(finding.severity == severity for finding in gated.findings)
             for severity in ("error", "warning", "note")}
    rows = {_labels(model=model.path, metric=item.metric): item for model in gated.models for item in model.comparisons}
    families = (
        _family("mvc_gate_passed", "1 if the change has no error.", {"": gated.passed}),
        _family("mvc_gate_judged", "1 if there was a change to judge.", {"": gated.judged}),
        _family("mvc_gate_models", "Models of the change.", {"": len(gated.models)}),
        _family("mvc_gate_findings", "Findings by severity.", {_labels(severity=key): count[key] for key in count}),
        _family("mvc_model_metric", "A metric of a model of the change.", _values(rows, "new")),
        _family("mvc_model_metric_base", "The metric that it is compared with.", _values(rows, "old")),
    )
    return "".join(f"{line}\n" for family in families for line in family) + "# EOF\n"


def _values(rows: Mapping[str, Comparison], side: str) -> _Samples:
    return {labels: getattr(item, side) for labels, item in rows.items()}


def _family(name: str, about: str, samples: _Samples) -> Iterator[str]:
    yield f"# TYPE {name} gauge"
    yield f"# HELP {name} {about}"
    for labels, value in samples.items():
        if value is not None:
            yield f"{name}{labels} {float(value)!r}"


def _labels(**labels: str) -> str:
    """Return labels as written. `visible` left no line end to escape."""
    escaped = {name: visible(value).replace("\\", "\\\\").replace('"', '\\"') for name, value in labels.items()}
    return "{" + ",".join(f'{name}="{value}"' for name, value in escaped.items()) + "}"
