"""`mvc monitor rules`: alerting rules for Prometheus, from the policy and the report of a version."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from mvc.errors import Refused, UsageError
from mvc.ops.lifecycle.watching.alerts import Alert, Watched, alerts
from mvc.ops.lifecycle.watching.reported import Reported, read_reported
from mvc.ops.shared.versions.read import nothing_held, read_model
from mvc.project import Project
from mvc.quality.files import POLICY, FileAt
from mvc.quality.policy.demands import MetricDemand, demands
from mvc.quality.policy.parsed_policy import for_stage, read_policy
from mvc.scm.commits import committed_file
from mvc.scm.refs import local_base


class Request(NamedTuple):
    """What to write rules for."""

    name: str
    stage: str = ""
    """Also compare with what this stage holds now, and with what it demands."""
    latency: float = 0.5
    """Seconds that the 99th percentile of requests may take."""
    errors: float = 0.01
    """The share of requests that may fail."""


def rules(project: Project, request: Request) -> str:
    """Return the rules as YAML.

    Raises:
        UsageError: there is no such model, or a limit is invalid.
        Refused: the stage holds nothing.
        MvcError: Git cannot read the tags.
    """
    if not request.latency > 0:
        raise UsageError(f"invalid latency {request.latency:g}: expected seconds", "--latency 0.5")
    if not 0 <= request.errors < 1:
        raise UsageError(f"invalid share of errors {request.errors:g}: expected 0 or more, below 1", "--errors 0.01")
    found = _watched_version(project, request)
    demanded = _demands(project, found, request.stage)
    higher, lower = _compared(found, demanded)
    held = found.blake3 if request.stage else ""
    watched = Watched(
        request.name, request.latency, request.errors, higher, lower, demanded, request.stage, held, found.version,
    )
    return render(request.name, alerts(watched))


def _watched_version(project: Project, request: Request) -> Reported:
    """Return the version that the stage holds, or the newest that is not retired."""
    model = read_model(project, request.name)
    known = read_reported(project, request.name)
    if request.stage:
        held = model.held(request.stage)
        if held is None:
            raise nothing_held(project, request.name, request.stage)
        name = held.version
    else:
        name = next((item.version for item in known.values() if not item.retired), "")
    if name not in known:
        raise Refused(f"{request.name} has no version to take limits from", f"mvc history {shlex.quote(request.name)}")
    return known[name]


def _demands(project: Project, found: Reported, stage: str) -> tuple[MetricDemand, ...]:
    """Return what the policy of the default branch demands of the metrics."""
    base = local_base(project.git) or "HEAD"
    raw = committed_file(project.git, base, POLICY)
    parsed = for_stage(read_policy(None if raw is None else FileAt("100644", raw)), stage)
    return demands(parsed.policy, found.path).metrics


def _compared(found: Reported, demanded: Iterable[MetricDemand]) -> tuple[list[str], list[str]]:
    """Return metrics of the report where higher, and where lower is better: those of the policy if it names any."""
    directions = {item.name: item.higher_is_better for item in found.metrics().values() if not item.slice}
    wanted = {item.name for item in demanded if not item.slice} & directions.keys() or directions.keys()
    higher = sorted(name for name in wanted if directions[name] is True)
    return higher, sorted(name for name in wanted if directions[name] is False)


def render(name: str, found: Iterable[Alert]) -> str:
    """Return alerts as a file of rules."""
    return "".join(_lines(name, found))


def _lines(name: str, found: Iterable[Alert]) -> Iterator[str]:
    """Yield the lines of a file of rules. JSON's texts are YAML's; expressions are ASCII, without apostrophes."""
    yield f"# Written by `mvc monitor rules {name}`. Check it with: promtool check rules FILE\n"
    yield f"groups:\n- name: {json.dumps(f'mvc {name}')}\n  rules:\n"
    for item in found:
        yield f"  - alert: {item.name}\n    expr: '{item.expression}'\n    for: {item.wait}\n"
        yield f"    labels: {{severity: {item.severity}, model: {json.dumps(name)}}}\n"
        yield f"    annotations:\n      summary: {json.dumps(item.summary)}\n      try: {json.dumps(item.fix)}\n"
