"""Whether a report can be trusted: its signatures, its assurance, its age."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from mvc.quality.finding import Finding
from mvc.quality.judge import fixes, report_fixes
from mvc.quality.judge.facts import Signer
from mvc.quality.policy.demands import Demands, rank
from mvc.quality.reports.report import Report
from mvc.quality.words import clipped

AHEAD = 3600
"""Seconds that created_at may lie in the future, because clocks differ."""

_HOUR, _DAY = 3600, 24 * 3600


def judge_trust(
    path: str,
    report: Report,
    demanded: Demands,
    signers: Sequence[Signer],
    evaluators: Mapping[str, Sequence[str]],
) -> Iterator[Finding]:
    """Yield findings about signatures and assurance of a matching report."""
    counting = [signer for signer in signers if not signer.problem]
    yield from unassured(path, report, demanded, counting, evaluators)
    yield from too_few(path, demanded, counting)
    yield from not_counting(path, signers)


def unassured(
    path: str, report: Report, demanded: Demands, counting: Sequence[Signer], evaluators: Mapping[str, Sequence[str]],
) -> Iterator[Finding]:
    """Yield MVC124: the claim is below the demand, or no evaluator for that assurance has signed it."""
    if demanded.assurance == "self":
        return
    claim = report.evaluator.assurance if report.evaluator else "self"
    if not rank(claim) >= rank(demanded.assurance):
        message = f"assurance {claim}, expected at least {demanded.assurance}"
    elif not {signer.principal for signer in counting}.intersection(evaluators.get(claim, ())):
        message = f"assurance {claim} is not signed by one of the policy's evaluators for it"
    else:
        return
    yield Finding.of("MVC124", path, message, fixes.assured(path, demanded.assurance))


def too_few(path: str, demanded: Demands, counting: Sequence[Signer]) -> Iterator[Finding]:
    """Yield MVC125: fewer valid signatures than the policy demands."""
    count = distinct(counting)
    if not count >= demanded.signatures:
        by = f": {', '.join(sorted({clipped(signer.principal) for signer in counting}))}" if counting else ""
        each = " by different keys and names" if demanded.signatures > 1 else ""
        message = f"{count} of {demanded.signatures} required signatures{each}{by}"
        fix = fixes.sign(path, "by another allowed signer")
        yield Finding.of("MVC125", path, message, fix)


def not_counting(path: str, signers: Iterable[Signer]) -> Iterator[Finding]:
    """Yield MVC126 for each invalid signature."""
    for signer in signers:
        if signer.problem:
            who = " ".join(filter(None, (clipped(signer.principal), signer.key)))
            message = f"invalid signature{f' by {who}' if who else ''}: {signer.problem}"
            fix = fixes.sign(path, "again; this drops signatures that no longer match")
            yield Finding.of("MVC126", path, message, fix, "warning")


def too_old(path: str, report: Report, demanded: Demands, now: float) -> Iterator[Finding]:
    """Yield MVC127: older than the policy allows, or of unknown age; `now` is in seconds since the epoch."""
    if demanded.max_age is None:
        return
    created = _moment(report.created_at)
    if created is None:
        found = f"invalid created_at {clipped(report.created_at)!r}" if report.created_at else "created_at is missing"
        message = f"{found}: expected a time with a time zone"
    elif not created - now <= AHEAD:
        message = f"created_at {clipped(report.created_at)} is in the future"
    elif not now - created <= demanded.max_age:
        message = f"the report is {span(now - created)} old, expected at most {span(demanded.max_age)}"
    else:
        return
    yield Finding.of("MVC127", path, message, report_fixes.evaluated_again(path, report))


def distinct(signers: Iterable[Signer]) -> int:
    """Return how many different signers there are: neither a key nor a name counts twice."""
    names: dict[str, set[str]] = {}
    for signer in signers:
        names.setdefault(signer.key, set()).add(signer.principal)
    key_of: dict[str, str] = {}
    return sum(_assign(key, names, key_of, set()) for key in sorted(names))


def _assign(key: str, names: Mapping[str, set[str]], key_of: dict[str, str], tried: set[str]) -> bool:
    """Assign `key` a name of its own, and reassign other keys if necessary: Kuhn's matching."""
    for name in sorted(names[key] - tried):
        tried.add(name)
        if name not in key_of or _assign(key_of[name], names, key_of, tried):
            key_of[name] = key
            return True
    return False


def _moment(text: str) -> float | None:
    """Return a time with a time zone in seconds since the epoch; None for anything else."""
    try:
        moment = datetime.fromisoformat(text)
        return None if moment.tzinfo is None else moment.timestamp()
    except (ValueError, OverflowError):
        return None


def span(seconds: float) -> str:
    """Return a duration such as `45 days`."""
    days, hours = int(seconds // _DAY), int(seconds // _HOUR)
    count, unit = (hours, "hour") if hours < 48 else (days, "day")  # noqa: PLR2004 - two days
    return f"{count} {unit}{'' if count == 1 else 's'}"
