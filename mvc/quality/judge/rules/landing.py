"""Rules of the gate only: signatures, earlier versions, and a change as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

from mvc.errors import InvalidFormat
from mvc.objects.pointer import SUFFIX as POINTER
from mvc.objects.pointer import Pointer
from mvc.quality.files import SIGNATURES, SUFFIX, FileAt
from mvc.quality.finding import Comparison, Entered, Finding, Judged, Verdict
from mvc.quality.judge.facts import Facts, Landing, Past
from mvc.quality.judge.rules.evidence import judge_recomputed
from mvc.quality.judge.rules.figures import ModelReport
from mvc.quality.judge.rules.model import ParsedModel
from mvc.quality.judge.rules.moves import judge_moves
from mvc.quality.judge.rules.past.regressions import compare
from mvc.quality.judge.rules.past.samples import judge_samples
from mvc.quality.judge.rules.past.succession import judge_kind, judge_return, judge_tag, returning
from mvc.quality.judge.rules.policy_files import POLICY_FILES, judge_policy_files
from mvc.quality.judge.rules.pushed import judge_remote
from mvc.quality.judge.rules.trust import judge_trust
from mvc.quality.judge.rules.waivers import waived
from mvc.quality.pointer_files import pointer_in_file
from mvc.quality.policy.demands import Demands
from mvc.quality.policy.policy import Policy
from mvc.quality.reports.report import Report
from mvc.quality.reports.report_document import parse_report


def judge_landing(facts: Facts, models: Sequence[ParsedModel], findings: Iterable[Finding], now: float) -> Verdict:
    """Return the verdict on a change. The target branch's waivers apply to `findings` as well."""
    policy = facts.policy.policy
    compared = [_compared(model, model.facts.past) for model in models if model.facts.past is not None]
    alone = [model for model in models if model.facts.past is None and model.facts.pointer is not None]
    found = [*findings, *(finding for _, items in compared for finding in items)]
    for model in models:
        found += (*_of_trust(model, policy), *judge_recomputed(model))
    found += judge_remote(facts.remote) if facts.remote else ()
    if facts.landing is not None:
        found += (*judge_policy_files(facts.landing, policy), *judge_moves(facts, policy))
        found = waived(facts, found, now)
    judged = [item for item, _ in compared] + [_alone(model) for model in alone if facts.landing is not None]
    return Verdict.of(found, judged, _entered(facts, judged, found))


def _entered(facts: Facts, judged: Sequence[Judged], findings: Iterable[Finding]) -> Entered:
    """Return how much else the change brings."""
    landing = facts.landing or Landing()
    reported = {model.path for model in facts.models if model.report is not None}
    policy_files = [change.path for change in landing.policy_files]
    ours = (POINTER, SUFFIX, SUFFIX + SIGNATURES)
    return Entered(
        unreported=sum(item.change != "deleted" and item.path not in reported for item in judged),
        deleted=sum(item.change == "deleted" for item in judged),
        policy_files=sum(path in POLICY_FILES for path in policy_files),
        workflows=sum(path not in POLICY_FILES for path in policy_files),
        waived=sum(finding.code == "MVC415" for finding in findings),
        files=sum(file.path not in policy_files and not file.path.endswith(ours) for file in landing.files),
    )


def _alone(model: ParsedModel) -> Judged:
    """Return a model without a past, as the gate shows it."""
    report = model.matching_report
    rows = compare(model.path, report, _without_past(model.demands), Past())[0] if report else ()
    tag = model.report.tag if isinstance(model.report, Report) else ""
    return Judged(model.path, "tracked", tag=tag, comparisons=rows, name=_name(model.facts.pointer))


def _without_past(demanded: Demands) -> Demands:
    """Return the demands that need no comparison."""
    return demanded._replace(metrics=tuple(metric._replace(regressions=()) for metric in demanded.metrics))


def _of_trust(model: ParsedModel, policy: Policy) -> Iterator[Finding]:
    signers, report = model.facts.signers, model.matching_report
    if signers is None or report is None:
        return iter(())
    return judge_trust(model.path, report, model.demands, signers, policy.evaluators)


def _compared(model: ParsedModel, past: Past) -> tuple[Judged, tuple[Finding, ...]]:
    """Return a model compared with its past, as the gate shows it, and findings about the comparison."""
    judged, report, pointer = _judged(model, past), model.matching_report, model.pointer
    kinds = tuple(judge_kind(model.path, pointer, past)) if isinstance(pointer, Pointer) else ()
    if report is None or not isinstance(pointer, Pointer):
        return judged, kinds
    results = [_against(model, report, pointer, item) for item in _predecessors(past)]
    rows = tuple(dict.fromkeys(row for result in results for row in result.rows))
    change = "restored" if any(result.returns for result in results) else judged.change
    found = (item for result in results for item in result.found)
    return judged._replace(change=change, comparisons=rows), (*kinds, *found)


def _predecessors(past: Past) -> Iterator[Past]:
    """Yield the past of a model and, if another one had its name before, the past of that name."""
    if past.before or not past.holder:
        yield past
    if past.holder:
        yield past._replace(before=past.holder, found="name", versions=past.named, takes_name=False)


class _Result(NamedTuple):
    """A report compared with a past."""

    rows: tuple[Comparison, ...]
    found: tuple[Finding, ...]
    returns: bool = False
    """Whether an earlier version returns."""


def _against(model: ParsedModel, report: Report, pointer: Pointer, past: Past) -> _Result:
    version = returning(model.facts, past)
    if version is not None:  # an earlier version that returns is not compared with the current one
        rows, _ = compare(model.path, report, _without_past(model.demands), past)
        return _Result(rows, tuple(judge_return(model.path, version, model.demands)), returns=True)
    rows, found = compare(model.path, report, model.demands, past, model.facts.paired)
    more = judge_samples(ModelReport(model.path, report), model.demands, past)
    return _Result(rows, (*found, *judge_tag(model.path, report, pointer, model.demands, past), *more))


def _judged(model: ParsedModel, past: Past) -> Judged:
    before = past.before
    old_path = before.path if before and past.found != "history" and before.path != model.path else ""
    old_tag, tag = _tag(before.report if before else None), _tag(model.facts.report)
    old_name, name = _name(before.pointer if before else None), _name(model.facts.pointer)
    if model.facts.pointer is None:
        return Judged(model.path, "deleted", old_tag=old_tag, old_name=old_name)
    if before is None or past.found == "history":
        return Judged(model.path, "added", "", old_tag, tag, old_name=old_name, name=name)
    change: Literal["renamed", "changed"] = "renamed" if old_path else "changed"
    return Judged(model.path, change, old_path, old_tag, tag, old_name=old_name, name=name)


def _name(file: FileAt | None) -> str:
    """Return the name in a pointer; empty without a readable pointer, or without a name."""
    pointer = pointer_in_file(file)
    return pointer.notes.name if pointer else ""


def _tag(file: FileAt | None) -> str:
    """Return the tag in a report; empty without a readable report."""
    try:
        return parse_report(file.raw, "").tag if file else ""
    except InvalidFormat:
        return ""
