"""The judge: from facts to findings, without a look at anything else. Hook, gate and promotion all ask it.

What is missing or cannot be read fails. Without a policy the defaults hold; they also hold where the policy
cannot be read, which is a finding besides.
"""

from __future__ import annotations

from collections.abc import Iterable

from mvc.errors import InvalidFormat
from mvc.objects import patterns
from mvc.objects.pointer_reader import parse as parse_pointer
from mvc.quality.files import POLICY, SUFFIX
from mvc.quality.finding import Finding, Verdict
from mvc.quality.judge import fixes
from mvc.quality.judge.facts import BlobFacts, Facts, FileAt, ModelFacts
from mvc.quality.judge.rules.model import CONFLICT, Case, judge_model, no_file, read_case, reason_of
from mvc.quality.policy.policy import STRICT, Policy, max_blob, parse_policy
from mvc.quality.reports.report import parse_report


def judge(facts: Facts, now: float) -> Verdict:
    """Return everything that is wrong with `facts`; `now` is in seconds since the epoch."""
    policy, findings = judge_policy(facts)
    cases = [read_case(policy, model) for model in facts.models]
    for case in cases:
        findings += (*judge_model(case), *_of_age(case, now))
    for blob in facts.blobs:
        findings += judge_blob(policy, blob)
    findings = _with_renames(facts, findings)
    if not _says_more(facts):
        return Verdict.of(findings)
    from mvc.quality.judge.rules.landing import judge_landing  # noqa: PLC0415 - import time: the hook does without

    return judge_landing(facts, policy, cases, findings, now)


def _of_age(case: Case, now: float) -> Iterable[Finding]:
    """Return what is wrong with the age of a bound report, where a policy speaks of that."""
    report = case.bound
    if report is None or case.demands.max_age is None:
        return ()
    from mvc.quality.judge.rules.trust import too_old  # noqa: PLC0415 - import time: few policies ask for it

    return too_old(case.path, report, case.demands, now)


def _says_more(facts: Facts) -> bool:
    """Whether the facts say what only the gate asks for."""
    asked = (facts.landing, facts.remote, *(item for model in facts.models for item in (model.past, model.signers)))
    return any(item is not None for item in asked)


def judge_policy(facts: Facts) -> tuple[Policy, list[Finding]]:
    """Return the policy that counts, and what is wrong with the one that is there."""
    file = judging_policy(facts)
    if file is None:
        note = Finding.of("MVC402", POLICY, "there is no policy, so the defaults hold", "mvc init", "note")
        return STRICT, [note] if facts.models else []
    if what := no_file(file):
        fix = fixes.untrack(POLICY, "then write it as a file")
        return STRICT, [Finding.of("MVC309", POLICY, f"the policy is {what}, no regular file; the defaults hold", fix)]
    try:
        if file.conflicted:
            raise InvalidFormat("it is in conflict")
        return parse_policy(file.raw), []
    except InvalidFormat as error:
        marked = CONFLICT.search(file.raw)
        reason = "it is in conflict" if marked else reason_of(error, POLICY)
        fix = error.fix or (fixes.unmarked(POLICY) if marked else fixes.stage(POLICY, "once it is mended"))
        return STRICT, [Finding.of("MVC401", POLICY, f"the policy cannot be read: {reason}; the defaults hold", fix)]


def judging_policy(facts: Facts) -> FileAt | None:
    """Return the policy's file: `Facts.policy`, or the one by which a change mends that."""
    if facts.landing is None:
        return facts.policy
    from mvc.quality.judge.rules.guarded import mended_policy  # noqa: PLC0415 - import time: the hook does without

    return mended_policy(facts.landing) or facts.policy


def judge_blob(policy: Policy, blob: BlobFacts) -> tuple[Finding, ...]:
    """Return what is wrong with a file that would enter Git as it is."""
    git = policy.defaults.git
    if patterns.last(git.allow, blob.path):
        return ()
    said = {
        "MVC301": blob.size > max_blob(policy) and f"it has {blob.size:,} bytes, Git may have {git.max_blob} of a file",
        "MVC302": (pattern := patterns.in_any_case(git.forbid, blob.path)) and f"the policy keeps {pattern} out of Git",
        "MVC303": blob.kind and f"by its first bytes it is {blob.kind}, which stays out of Git",
    }
    fix = fixes.out_of_history(blob.path, blob.commit) if blob.commit else fixes.track(blob.path)
    where = f"in the commit {blob.commit[:12]}: " if blob.commit else ""
    return tuple(Finding.of(code, blob.path, f"{where}{message}", fix) for code, message in said.items() if message)


# A model that was renamed without its report.


def _with_renames(facts: Facts, findings: Iterable[Finding]) -> list[Finding]:
    """Where a model without a report and a report without a pointer are of the same bytes, let the fix say it."""
    found = list(findings)
    orphans = {finding.path for finding in found if finding.code == "MVC106"}
    lonely = {finding.path for finding in found if finding.code == "MVC101"} if orphans else set()
    if not lonely:
        return found
    new = {_named(model): model.path for model in facts.models if model.path in lonely}
    old = {_subject(model): model.path for model in facts.models if model.path in orphans}
    lines: dict[tuple[str, str], str] = {}
    for blake3 in (old.keys() & new.keys()) - {""}:
        line = fixes.rename(old[blake3] + SUFFIX, new[blake3] + SUFFIX)
        lines |= {("MVC106", old[blake3]): line, ("MVC101", new[blake3]): line}
    return [finding._replace(fix=lines.get((finding.code, finding.path), finding.fix)) for finding in found]


def _named(model: ModelFacts) -> str:
    """Return the blake3 in a pointer; empty when there is none to be read."""
    try:
        return parse_pointer(model.pointer.raw).digest.blake3 if model.pointer else ""
    except InvalidFormat:
        return ""


def _subject(model: ModelFacts) -> str:
    """Return the blake3 that a report is of; empty when there is none to be read."""
    try:
        return parse_report(model.report.raw, "").model.blake3 if model.report else ""
    except InvalidFormat:
        return ""
