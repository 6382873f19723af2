"""The judge: returns findings about facts and reads nothing else. Hook, gate and promotion call it.

Anything missing or unreadable is an error. Without a readable policy the defaults apply.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mvc.errors import InvalidFormat
from mvc.objects.names import fold
from mvc.objects.parsing import patterns
from mvc.objects.pointer import SUFFIX as POINTER
from mvc.objects.pointer import Pointer
from mvc.quality.files import SUFFIX
from mvc.quality.finding import Finding, Verdict
from mvc.quality.judge import fixes
from mvc.quality.judge.facts import BlobFacts, Facts, GivenTags, ModelFacts, Past
from mvc.quality.judge.rules.model import ParsedModel, judge_model, parse_model
from mvc.quality.pointer_files import is_other, pointer_in_file
from mvc.quality.policy.demands import asks_for_report
from mvc.quality.policy.foreign import is_foreign
from mvc.quality.policy.policy import Policy, max_blob
from mvc.quality.reports.binding import digests
from mvc.quality.reports.report_document import ParseReport, parse_report


def judge(facts: Facts, now: float, parse: ParseReport = parse_report) -> Verdict:
    """Return all findings about `facts`; `now` is in seconds since the epoch, `parse` parses the models' reports."""
    verdict, policy = _judge(facts, now, parse), facts.policy.policy
    if not policy.has_other_pointers:
        return verdict
    from mvc.quality.judge.tools import in_their_tools  # noqa: PLC0415 - import time: only with DVC or git-lfs

    return verdict._replace(findings=tuple(in_their_tools(policy, facts.models, verdict.findings)))


def _judge(facts: Facts, now: float, parse: ParseReport) -> Verdict:
    policy = facts.policy.policy
    facts = facts._replace(models=tuple(model for model in facts.models if not _is_foreign(policy, model)))
    findings = [*facts.policy.findings] if facts.policy.file or facts.models else []
    is_from_the_gate = _is_from_the_gate(facts)
    models: list[ParsedModel] = []
    for model in (parse_model(policy, model, parse) for model in facts.models):
        findings += (*judge_model(model), *_of_age(model, now))
        models += [model] if is_from_the_gate else []  # the hook may judge very many
    findings += _of_companions(facts)
    for given in facts.given:
        findings += _of_given_tags(policy, given)
    for blob in facts.blobs:
        findings += judge_blob(policy, blob)
    findings = _with_renames(facts, findings)
    if not is_from_the_gate:
        return Verdict.of(with_waivers(facts, findings, now))
    from mvc.quality.judge.rules.landing import judge_landing  # noqa: PLC0415 - import time: the hook does without

    return judge_landing(facts, models, findings, now)


def _of_companions(facts: Facts) -> Iterable[Finding]:
    if not facts.companions:
        return ()
    from mvc.quality.judge.rules.companions import judge_companions  # noqa: PLC0415 - import time: few models have any

    return [finding for item in facts.companions for finding in judge_companions(item)]


def with_waivers(facts: Facts, findings: Sequence[Finding], now: float) -> Sequence[Finding]:
    """Return the findings, waived ones as notes, where the facts have waivers that landed."""
    if not facts.landed_waivers:
        return findings
    from mvc.quality.judge.rules.waivers import waived  # noqa: PLC0415 - import time: few repositories have waivers

    return waived(facts, findings, now)


def _is_foreign(policy: Policy, model: ModelFacts) -> bool:
    """Whether a file that is called like a pointer is another program's, and allowed in Git."""
    pointer, past = model.pointer, model.past
    if pointer is None or not pointer.is_regular or model.report or model.in_git or (past and past.found):
        return False
    if is_other(pointer.oid):
        return False
    return is_foreign(policy, model.path + POINTER, pointer.raw)


def _of_age(model: ParsedModel, now: float) -> Iterable[Finding]:
    """Return findings about the age of a matching report, where the policy limits it."""
    report = model.matching_report
    if report is None or model.demands.max_age is None:
        return ()
    from mvc.quality.judge.rules.trust import too_old  # noqa: PLC0415 - import time: few policies limit the age

    return too_old(model.path, report, model.demands, now)


def _of_given_tags(policy: Policy, given: GivenTags) -> Iterable[Finding]:
    """Return MVC121 if other content of the model has the tag of its report."""
    model = parse_model(policy, given.model)
    report, pointer = model.matching_report, model.pointer
    if report is None or not report.tag or not isinstance(pointer, Pointer):
        return ()
    from mvc.quality.judge.rules.past.succession import taken  # noqa: PLC0415 - import time: only for new reports

    past = Past(versions=given.versions, registered=given.registered)
    return taken(model.path, report, pointer, model.demands, past)


def _is_from_the_gate(facts: Facts) -> bool:
    """Whether the facts have anything that only the gate collects."""
    asked = (facts.landing, facts.remote, *(item for model in facts.models for item in (model.past, model.signers)))
    return any(item is not None for item in asked)


def judge_blob(policy: Policy, blob: BlobFacts) -> tuple[Finding, ...]:
    """Return findings about a file that would be committed as it is; none if its move makes nothing worse."""
    messages = _refusals(policy, blob, blob.path)
    if any(_is_no_worse(policy, blob, old) for old in blob.moved_from):
        return ()
    where = f"in commit {blob.commit[:12]}: " if blob.commit else ""
    return tuple(Finding.of(code, blob.path, f"{where}{text}", _way_out(blob, code)) for code, text in messages.items())


def _way_out(blob: BlobFacts, code: str) -> str:
    if blob.commit:
        return fixes.out_of_history(blob.path, blob.commit)
    return fixes.allowed(blob.path, fixes.untrack(blob.path)) if code == "MVC304" else fixes.track(blob.path)


def _refusals(policy: Policy, blob: BlobFacts, path: str) -> dict[str, str]:
    """Return the codes and messages that a file gets at `path`."""
    git = policy.defaults.git
    if patterns.last(git.allow, path):
        return {}
    is_large = blob.size > max_blob(policy) and not blob.restored
    messages = {
        "MVC301": is_large and f"{blob.size:,} bytes, at most {git.max_blob} are allowed in Git",
        "MVC302": (pattern := patterns.in_any_case(git.forbid, path)) and f"the policy forbids {pattern} in Git",
        "MVC303": blob.kind and f"it is a {blob.kind} file by its first bytes, which is not allowed in Git",
    }
    return {code: text for code, text in messages.items() if text} | _of_pointer_name(path)


def _of_pointer_name(path: str) -> dict[str, str]:
    """Return MVC304 for a file that is a pointer where case does not count."""
    if not fold(path).endswith(POINTER) or path.endswith(POINTER):
        return {}
    return {"MVC304": f"it would be a pointer where case does not count: their names end in {POINTER}"}


def _is_no_worse(policy: Policy, blob: BlobFacts, old: str) -> bool:
    """Whether a file that moved from `old` was refused there for the same, and no report is demanded only now."""
    refused = _refusals(policy, blob, blob.path).keys() <= _refusals(policy, blob, old).keys()
    return refused and asks_for_report(policy, blob.path) <= asks_for_report(policy, old)


# A model that was renamed without its report.


def _with_renames(facts: Facts, findings: Iterable[Finding]) -> list[Finding]:
    """Suggest a rename where a model without a report and a report without a pointer have the same content."""
    found = list(findings)
    orphans = {finding.path for finding in found if finding.code == "MVC106"}
    lonely = {finding.path for finding in found if finding.code == "MVC101"} if orphans else set()
    if not lonely:
        return found
    pointers = [(model.path, pointer_in_file(model.pointer)) for model in facts.models if model.path in lonely]
    new = {pointer.identity: path for path, pointer in pointers if pointer}
    old = {digest: model.path for model in facts.models if model.path in orphans for digest in _digests(model)}
    lines: dict[tuple[str, str], str] = {}
    for digest in old.keys() & new.keys():
        line = fixes.rename(old[digest] + SUFFIX, new[digest] + SUFFIX)
        lines |= {("MVC106", old[digest]): line, ("MVC101", new[digest]): line}
    return [finding._replace(fix=lines.get((finding.code, finding.path), finding.fix)) for finding in found]


def _digests(model: ModelFacts) -> tuple[str, ...]:
    try:
        return digests(parse_report(model.report.raw, "").model) if model.report else ()
    except InvalidFormat:
        return ()
