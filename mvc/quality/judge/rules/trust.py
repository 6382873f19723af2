"""Whether a report can be trusted: who signed it, what its assurance is worth, how old it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from mvc.quality.finding import Finding
from mvc.quality.judge import fixes
from mvc.quality.judge.facts import Signer
from mvc.quality.policy.demands import Demands, rank
from mvc.quality.reports.report import Report
from mvc.quality.words import clipped

AHEAD = 3600
"""Seconds that a report may be from the future: clocks differ."""

_HOUR, _DAY = 3600, 24 * 3600


def judge_trust(
    path: str,
    report: Report,
    demanded: Demands,
    signers: Sequence[Signer],
    evaluators: Mapping[str, Sequence[str]],
) -> Iterator[Finding]:
    """Yield what is wrong with signatures and assurance of a bound report."""
    counting = [signer for signer in signers if not signer.problem]
    yield from unassured(path, report, demanded, counting, evaluators)
    yield from too_few(path, demanded, counting)
    yield from not_counting(path, signers)


def unassured(
    path: str, report: Report, demanded: Demands, counting: Sequence[Signer], evaluators: Mapping[str, Sequence[str]],
) -> Iterator[Finding]:
    """Yield MVC124: less is claimed than demanded, or nobody whose word counts for the claim has signed it."""
    if demanded.assurance == "self":
        return
    claim = report.evaluator.assurance if report.evaluator else "self"
    if not rank(claim) >= rank(demanded.assurance):
        message = f"the report claims the assurance {claim}, the policy demands {demanded.assurance}"
    elif not {signer.principal for signer in counting}.intersection(evaluators.get(claim, ())):
        message = f"the report claims the assurance {claim}, and none of the policy's evaluators for that has signed it"
    else:
        return
    yield Finding.of("MVC124", path, message, fixes.assured(path, demanded.assurance))


def too_few(path: str, demanded: Demands, counting: Sequence[Signer]) -> Iterator[Finding]:
    """Yield MVC125: fewer have signed than the policy demands."""
    count = distinct(counting)
    if not count >= demanded.signatures:
        by = f": {', '.join(sorted({clipped(signer.principal) for signer in counting}))}" if counting else ""
        signed = f"{count} {'has' if count == 1 else 'have'} signed it{by}"
        each = ", each with a key and a name of their own" if demanded.signatures > 1 else ""
        message = f"{signed}; the policy demands {demanded.signatures}{each}"
        fix = fixes.sign(path, "by somebody whose signature counts, and has not yet")
        yield Finding.of("MVC125", path, message, fix)


def not_counting(path: str, signers: Iterable[Signer]) -> Iterator[Finding]:
    """Yield MVC126: a signature that does not count."""
    for signer in signers:
        if signer.problem:
            who = " ".join(filter(None, (clipped(signer.principal), signer.key)))
            message = f"a signature{f' by {who}' if who else ''} does not count: {signer.problem}"
            fix = fixes.sign(path, "once more; what no longer fits is dropped")
            yield Finding.of("MVC126", path, message, fix, "warning")


def too_old(path: str, report: Report, demanded: Demands, now: float) -> Iterator[Finding]:
    """Yield MVC127: older than the policy allows, or nobody can tell; `now` is in seconds since the epoch."""
    if demanded.max_age is None:
        return
    created = _moment(report.created_at)
    if created is None:
        said = f"is {clipped(report.created_at)!r}, no time with a zone" if report.created_at else "is missing"
        message = f"created_at {said}: nobody can tell how old the report is"
    elif not created - now <= AHEAD:
        message = f"created_at is {clipped(report.created_at)}, which is yet to come"
    elif not now - created <= demanded.max_age:
        message = f"the report is {span(now - created)} old, {span(demanded.max_age)} at most are allowed"
    else:
        return
    yield Finding.of("MVC127", path, message, fixes.evaluated_again(path, report))


def distinct(signers: Iterable[Signer]) -> int:
    """Return how many have signed: one key with several names is one, and so is one name with several keys."""
    names: dict[str, set[str]] = {}
    for signer in signers:
        names.setdefault(signer.key, set()).add(signer.principal)
    key_of: dict[str, str] = {}
    return sum(_give(key, names, key_of, set()) for key in sorted(names))


def _give(key: str, names: Mapping[str, set[str]], key_of: dict[str, str], tried: set[str]) -> bool:
    """Give `key` a name of its own, others another one for that if need be: Kuhn's matching."""
    for name in sorted(names[key] - tried):
        tried.add(name)
        if name not in key_of or _give(key_of[name], names, key_of, tried):
            key_of[name] = key
            return True
    return False


def _moment(text: str) -> float | None:
    """Return a time with a zone in seconds since the epoch; None when it is none."""
    try:
        moment = datetime.fromisoformat(text)
        return None if moment.tzinfo is None else moment.timestamp()
    except (ValueError, OverflowError):
        return None


def span(seconds: float) -> str:
    """Return a span of time for people."""
    days, hours = int(seconds // _DAY), int(seconds // _HOUR)
    count, unit = (hours, "hour") if hours < 48 else (days, "day")  # noqa: PLR2004 - two days
    return f"{count} {unit}{'' if count == 1 else 's'}"
