"""The judge: from facts to findings, without a look at anything else. Hook, gate and promotion all ask it.

What is missing or cannot be read fails. Without a policy the defaults hold; they also hold where the policy
cannot be read, which is a finding besides.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TypeVar

from mvc.errors import InvalidFormat, InvalidName
from mvc.objects import pointer as pointers
from mvc.objects.digest import Digest
from mvc.objects.names import check_path
from mvc.objects.pointer import Pointer
from mvc.quality import fixes, formats, patterns
from mvc.quality.demands import Demands, demands
from mvc.quality.facts import BlobFacts, Facts, FileAt, ModelFacts, Past
from mvc.quality.files import POLICY, SUFFIX
from mvc.quality.finding import Finding, Judged, Severity, Verdict
from mvc.quality.policy import STRICT, Policy, max_blob, parse_policy
from mvc.quality.report import Report, parse_report
from mvc.quality.rules.figures import judge_figures
from mvc.quality.rules.guarded import judge_guarded, mended_policy
from mvc.quality.rules.moves import judge_moves
from mvc.quality.rules.pickled import judge_pickles
from mvc.quality.rules.pushed import judge_remote
from mvc.quality.rules.regressions import compare, directed
from mvc.quality.rules.succession import judge_return, judge_tag, returning
from mvc.quality.rules.trust import judge_trust
from mvc.quality.rules.waivers import waived
from mvc.quality.tags import SEMVER, fits
from mvc.quality.words import clipped, one_line, short

T = TypeVar("T")

_SUBMODULE = "160000"
_KINDS = {"120000": "a symlink", "040000": "a directory", _SUBMODULE: "a submodule"}
_CONFLICT = re.compile(rb"^<{7}(?: |\r?$)", re.MULTILINE)


def judge(facts: Facts, now: float) -> Verdict:
    """Return everything that is wrong with `facts`; `now` is in seconds since the epoch."""
    policy, findings = judge_policy(facts)
    cases = [_case(policy, model) for model in facts.models]
    for case in cases:
        findings += _of_model(case)
        findings += _of_trust(case, policy, now)
    shown = [_beside_the_past(case, case.model.past) for case in cases if case.model.past is not None]
    findings += (finding for _, found in shown for finding in found)
    for blob in facts.blobs:
        findings += judge_blob(policy, blob)
    findings = _with_renames(facts, findings)
    findings += judge_remote(facts.remote) if facts.remote else ()
    if facts.landing is not None:
        findings += (*judge_guarded(facts.landing, policy), *judge_moves(facts, policy))
        findings = waived(facts, findings, now)
    return Verdict.of(findings, (judged for judged, _ in shown))


def judge_policy(facts: Facts) -> tuple[Policy, list[Finding]]:
    """Return the policy that counts, and what is wrong with the one that is there."""
    file = judging_policy(facts)
    if file is None:
        note = _finding("MVC402", POLICY, "there is no policy, so the defaults hold", "mvc init", "note")
        return STRICT, [note] if facts.models else []
    if what := _no_file(file):
        fix = fixes.untrack(POLICY, "then write it as a file")
        return STRICT, [_finding("MVC309", POLICY, f"the policy is {what}, no regular file; the defaults hold", fix)]
    try:
        if file.conflicted:
            raise InvalidFormat("it is in conflict")
        return parse_policy(file.raw), []
    except InvalidFormat as error:
        reason = "it is in conflict" if _CONFLICT.search(file.raw) else _reason(error, POLICY)
        fix = error.fix or fixes.stage(POLICY, "once it is mended")
        return STRICT, [_finding("MVC401", POLICY, f"the policy cannot be read: {reason}; the defaults hold", fix)]


def judging_policy(facts: Facts) -> FileAt | None:
    """Return the policy's file: `Facts.policy`, or the one by which a change mends that."""
    return (mended_policy(facts.landing) if facts.landing else None) or facts.policy


def judge_blob(policy: Policy, blob: BlobFacts) -> tuple[Finding, ...]:
    """Return what is wrong with a file that would enter Git as it is."""
    git = policy.defaults.git
    if patterns.last(git.allow, blob.path):
        return ()
    said = {
        "MVC301": blob.size > max_blob(policy) and f"it has {blob.size:,} bytes, Git may have {git.max_blob} of a file",
        "MVC302": (pattern := patterns.last(git.forbid, blob.path)) and f"the policy keeps {pattern} out of Git",
        "MVC303": blob.kind and f"by its first bytes it is {blob.kind}, which stays out of Git",
    }
    fix = fixes.out_of_history(blob.path, blob.commit) if blob.commit else fixes.track(blob.path)
    where = f"in the commit {blob.commit[:12]}: " if blob.commit else ""
    return tuple(_finding(code, blob.path, f"{where}{message}", fix) for code, message in said.items() if message)


# A model: its pointer, its content, its report.


class _Case(NamedTuple):
    """A tracked path, what is demanded of it, and what its files say; a finding where they cannot be read."""

    model: ModelFacts
    demands: Demands
    pointer: Pointer | Finding | None
    report: Report | Finding | None

    @property
    def path(self) -> str:
        return self.model.path

    @property
    def bound(self) -> Report | None:
        """The report, if it is of just the bytes that the pointer stands for."""
        if not isinstance(self.pointer, Pointer) or not isinstance(self.report, Report):
            return None
        return None if _difference(self.report, self.pointer.digest) else self.report

    def finding(self, code: str, message: str, fix: str) -> Finding:
        return _finding(code, self.path, message, fix)


def _case(policy: Policy, model: ModelFacts) -> _Case:
    pointer = _read(model.path, "pointer", model.pointer, pointers.parse)
    return _Case(model, demands(policy, model.path), pointer, _read(model.path, "report", model.report, parse_report))


def _of_model(case: _Case) -> Iterator[Finding]:
    if case.pointer is None:
        if case.report is not None:
            instead = f"or, if the model stays: {fixes.add(case.path)}"
            fix = fixes.untrack(case.path + SUFFIX, instead)
            yield case.finding("MVC106", "its report is there, its pointer is not", fix)
        return
    yield from _of_name(case)
    if isinstance(case.pointer, Finding):
        yield case.pointer
    else:
        yield from _of_content(case, case.pointer)
    yield from _of_report(case)


def _of_name(case: _Case) -> Iterator[Finding]:
    try:
        check_path(case.path)
    except InvalidName as error:
        fix = fixes.untrack(case.path + pointers.SUFFIX, "then give the model another name")
        yield case.finding("MVC304", error.message, fix)


def _of_content(case: _Case, pointer: Pointer) -> Iterator[Finding]:
    if case.model.kept is False:
        yield case.finding("MVC306", "the cache does not hold what its pointer stands for", fixes.bring(case.path))
    if case.model.in_git:
        fix = fixes.untrack(case.path, recursive=pointer.kind == "dir")
        yield case.finding("MVC308", "Git has the content itself, beside its pointer", fix)
    names = _names(case.model, pointer)
    if names is None and case.demands.deny and case.model.kept is not False:
        message = "the policy denies formats, and the cache does not hold the list of its files"
        yield case.finding("MVC306", message, fixes.bring(case.path))
    if found := formats.denied(case.demands.deny, [case.path, *(f"{case.path}/{name}" for name in names or ())]):
        file, name = found
        message = f"{'it' if file == case.path else file} is {name}, which the policy denies"
        yield case.finding("MVC307", message, fixes.other_format(case.path))
    if case.demands.pickle == "scan":
        yield from judge_pickles(case.path, case.model.scanned or ())


def _names(model: ModelFacts, pointer: Pointer) -> Iterable[str] | None:
    """Return the names of the files in a directory; None when nobody can say."""
    if pointer.manifest is not None:
        return [entry.path for entry in pointer.manifest.entries]
    return () if pointer.kind == "file" else model.files


def _of_report(case: _Case) -> Iterator[Finding]:
    if case.report is None:
        if case.demands.report == "required":
            yield case.finding("MVC101", "it has no evaluation report", fixes.first_report(case.path, case.demands))
        return
    if isinstance(case.report, Finding):
        yield case.report
        return
    yield from _of_tag(case, case.report)
    if isinstance(case.pointer, Pointer) and (difference := _difference(case.report, case.pointer.digest)):
        yield case.finding("MVC103", difference, fixes.next_report(case.path, case.report))
    else:
        yield from judge_figures(case.path, case.report, directed(case.demands, case.model.past))


def _difference(report: Report, digest: Digest) -> str:
    """Return how the bytes that a report is of differ from a pointer's; empty when they are the same."""
    said = report.model
    if said.blake3 != digest.blake3:
        have, want = short(said.blake3, digest.blake3), short(digest.blake3, said.blake3)
        return f"the report is of {have}, the pointer says {want}"
    if said.xxh128 not in ("", digest.xxh128):
        return f"the report says xxh128 {clipped(said.xxh128)}, the pointer {digest.xxh128}"
    if said.size not in (None, digest.size):
        return f"the report says {said.size} bytes, the pointer {digest.size}"
    return ""


def _of_tag(case: _Case, report: Report) -> Iterator[Finding]:
    fix = fixes.another_tag(case.path, report, case.demands)
    if not report.tag:
        yield case.finding("MVC104", "the report has no tag", fix)
        return
    for pattern in [tag.pattern for tag in case.demands.tags if not fits(tag.pattern, report.tag)]:
        expected = "a version such as v1.2.0" if pattern == SEMVER else clipped(pattern)
        yield case.finding("MVC105", f"the report's tag is {clipped(report.tag)}, expected {expected}", fix)


# What only the gate asks: who signed, and what was before.


def _of_trust(case: _Case, policy: Policy, now: float) -> Iterator[Finding]:
    signers, report = case.model.signers, case.bound
    if signers is None or report is None:
        return iter(())
    return judge_trust(case.path, report, case.demands, signers, policy.evaluators, now)


def _beside_the_past(case: _Case, past: Past) -> tuple[Judged, tuple[Finding, ...]]:
    """Return how to show a model beside what was before, and what is wrong with it as the successor."""
    judged = _judged(case, past)
    report, version = case.bound, returning(case.model)
    if report is None:
        return judged, ()
    if version is not None:  # it regressed from nothing: it was there
        metrics = tuple(metric._replace(regressions=()) for metric in case.demands.metrics)
        rows, _ = compare(case.path, report, case.demands._replace(metrics=metrics), past)
        back = tuple(judge_return(case.path, version, case.demands))
        return judged._replace(change="restored", comparisons=rows), back
    rows, found = compare(case.path, report, case.demands, past)
    return judged._replace(comparisons=rows), (*found, *judge_tag(case.path, report, case.demands, past))


def _judged(case: _Case, past: Past) -> Judged:
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


# Reading.


def _read(path: str, what: str, file: FileAt | None, parse: Callable[[bytes, str], T]) -> T | Finding | None:
    """Return what a pointer or report says, or why it cannot be read; None when there is none."""
    if file is None:
        return None
    name = path + (SUFFIX if what == "report" else pointers.SUFFIX)
    if file.conflicted:
        return _conflict(path, what, fixes.settle(name))
    if kind := _no_file(file):
        fix = fixes.anew(path, what, submodule=file.mode == _SUBMODULE)
        return _finding("MVC309", path, f"the {what} is {kind}, no regular file", fix)
    try:
        return parse(file.raw, name)
    except InvalidFormat as error:
        if _CONFLICT.search(file.raw):
            return _conflict(path, what, fixes.stage(name, "once it is mended"))
        fix = error.fix or fixes.mended(path, what)
        code = "MVC102" if what == "report" else "MVC304"
        return _finding(code, path, f"the {what} cannot be read: {_reason(error, name)}", fix)


def _conflict(path: str, what: str, fix: str) -> Finding:
    return _finding("MVC305", path, f"the {what} is in conflict: Git could not merge it", fix)


def _no_file(file: FileAt) -> str:
    """Return what it is, unless a regular file."""
    return "" if file.mode.startswith("100") else _KINDS.get(file.mode, f"of mode {file.mode}")


def _reason(error: InvalidFormat, path: str) -> str:
    return error.message.removeprefix(f"{path}: ")


def _finding(code: str, path: str, message: str, fix: str, severity: Severity = "error") -> Finding:
    return Finding(code, severity, path, one_line(message), fix)


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
        return pointers.parse(model.pointer.raw).digest.blake3 if model.pointer else ""
    except InvalidFormat:
        return ""


def _subject(model: ModelFacts) -> str:
    """Return the blake3 that a report is of; empty when there is none to be read."""
    try:
        return parse_report(model.report.raw, "").model.blake3 if model.report else ""
    except InvalidFormat:
        return ""
