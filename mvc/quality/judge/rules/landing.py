"""What only the gate asks: who signed, what was before, and what a change does as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from mvc.errors import InvalidFormat
from mvc.quality.finding import Finding, Judged, Verdict
from mvc.quality.judge.facts import Facts, FileAt, Past
from mvc.quality.judge.rules.guarded import judge_guarded
from mvc.quality.judge.rules.model import Case
from mvc.quality.judge.rules.moves import judge_moves
from mvc.quality.judge.rules.pushed import judge_remote
from mvc.quality.judge.rules.regressions import compare
from mvc.quality.judge.rules.succession import judge_return, judge_tag, returning
from mvc.quality.judge.rules.trust import judge_trust
from mvc.quality.judge.rules.waivers import waived
from mvc.quality.policy.demands import Demands
from mvc.quality.policy.policy import Policy
from mvc.quality.reports.report import Report, parse_report


def judge_landing(
    facts: Facts, policy: Policy, cases: Sequence[Case], findings: Iterable[Finding], now: float,
) -> Verdict:
    """Return the verdict on a change, of which `findings` are known: base's waivers count for them as well."""
    shown = [_beside_the_past(case, case.model.past) for case in cases if case.model.past is not None]
    alone = [case for case in cases if case.model.past is None and case.model.pointer is not None]
    found = [*findings, *(finding for _, items in shown for finding in items)]
    for case in cases:
        found += _of_trust(case, policy)
    found += judge_remote(facts.remote) if facts.remote else ()
    if facts.landing is not None:
        found += (*judge_guarded(facts.landing, policy), *judge_moves(facts, policy))
        found = waived(facts, found, now)
    judged = [item for item, _ in shown] + [_by_itself(case) for case in alone if facts.landing is not None]
    return Verdict.of(found, judged)


def _by_itself(case: Case) -> Judged:
    """Return how to show a model of a whole tree, which nobody compares."""
    rows = compare(case.path, case.bound, _limits(case.demands), Past())[0] if case.bound else ()
    tag = case.report.tag if isinstance(case.report, Report) else ""
    return Judged(case.path, "tracked", tag=tag, comparisons=rows)


def _limits(demanded: Demands) -> Demands:
    """Return what is demanded whatever was before."""
    return demanded._replace(metrics=tuple(metric._replace(regressions=()) for metric in demanded.metrics))


def _of_trust(case: Case, policy: Policy) -> Iterator[Finding]:
    signers, report = case.model.signers, case.bound
    if signers is None or report is None:
        return iter(())
    return judge_trust(case.path, report, case.demands, signers, policy.evaluators)


def _beside_the_past(case: Case, past: Past) -> tuple[Judged, tuple[Finding, ...]]:
    """Return how to show a model beside what was before, and what is wrong with it as the successor."""
    judged = _judged(case, past)
    report, version = case.bound, returning(case.model)
    if report is None:
        return judged, ()
    if version is not None:  # it regressed from nothing: it was there
        rows, _ = compare(case.path, report, _limits(case.demands), past)
        back = tuple(judge_return(case.path, version, case.demands))
        return judged._replace(change="restored", comparisons=rows), back
    rows, found = compare(case.path, report, case.demands, past)
    return judged._replace(comparisons=rows), (*found, *judge_tag(case.path, report, case.demands, past))


def _judged(case: Case, past: Past) -> Judged:
    before = past.before
    old_path = before.path if before and past.found != "history" and before.path != case.path else ""
    old_tag, tag = _tag(before.report if before else None), _tag(case.model.report)
    if case.model.pointer is None:
        return Judged(case.path, "deleted", old_tag=old_tag)
    if before is None or past.found == "history":
        return Judged(case.path, "added", "", old_tag, tag)
    return Judged(case.path, "renamed" if old_path else "changed", old_path, old_tag, tag)


def _tag(file: FileAt | None) -> str:
    """Return the tag in a report; empty when there is none to be read."""
    try:
        return parse_report(file.raw, "").tag if file else ""
    except InvalidFormat:
        return ""
