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
from mvc.quality.facts import BlobFacts, Facts, FileAt, ModelFacts
from mvc.quality.figures import judge_figures
from mvc.quality.files import POLICY, SUFFIX
from mvc.quality.finding import Finding, Severity, Verdict
from mvc.quality.policy import STRICT, Policy, max_blob, parse_policy
from mvc.quality.report import Report, parse_report
from mvc.quality.tags import SEMVER, fits
from mvc.quality.words import clipped, one_line, short

T = TypeVar("T")

_SUBMODULE = "160000"
_KINDS = {"120000": "a symlink", "040000": "a directory", _SUBMODULE: "a submodule"}
_CONFLICT = re.compile(rb"^<{7}(?: |\r?$)", re.MULTILINE)


def judge(facts: Facts, now: float) -> Verdict:  # noqa: ARG001 - ages count where there is a base: at the gate
    """Return everything that is wrong with `facts`; `now` is in seconds since the epoch."""
    policy, findings = judge_policy(facts)
    for model in facts.models:
        findings += judge_model(policy, model)
    for blob in facts.blobs:
        findings += judge_blob(policy, blob)
    return Verdict.of(_with_renames(facts, findings))


def judge_policy(facts: Facts) -> tuple[Policy, list[Finding]]:
    """Return the policy that counts, and what is wrong with the one that is there."""
    if facts.policy is None:
        note = _finding("MVC402", POLICY, "there is no policy, so the defaults hold", "mvc init", "note")
        return STRICT, [note] if facts.models else []
    if what := _no_file(facts.policy):
        fix = fixes.untrack(POLICY, "then write it as a file")
        return STRICT, [_finding("MVC309", POLICY, f"the policy is {what}, no regular file; the defaults hold", fix)]
    try:
        if facts.policy.conflicted:
            raise InvalidFormat("it is in conflict")
        return parse_policy(facts.policy.raw), []
    except InvalidFormat as error:
        reason = "it is in conflict" if _CONFLICT.search(facts.policy.raw) else _reason(error, POLICY)
        fix = error.fix or fixes.stage(POLICY, "once it is mended")
        return STRICT, [_finding("MVC401", POLICY, f"the policy cannot be read: {reason}; the defaults hold", fix)]


def judge_model(policy: Policy, model: ModelFacts) -> tuple[Finding, ...]:
    """Return what is wrong with one tracked path."""
    return tuple(dict.fromkeys(_of_model(_Case(model, demands(policy, model.path)))))


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
    fix = fixes.track(blob.path)
    return tuple(_finding(code, blob.path, message, fix) for code, message in said.items() if message)


# A model: its pointer, its content, its report.


class _Case(NamedTuple):
    """A tracked path, and what is demanded of it."""

    model: ModelFacts
    demands: Demands

    @property
    def path(self) -> str:
        return self.model.path

    def finding(self, code: str, message: str, fix: str) -> Finding:
        return _finding(code, self.path, message, fix)


def _of_model(case: _Case) -> Iterator[Finding]:
    if case.model.pointer is None:
        if case.model.report is not None:
            instead = f"or, if the model stays: {fixes.add(case.path)}"
            fix = fixes.untrack(case.path + SUFFIX, instead)
            yield case.finding("MVC106", "its report is there, its pointer is not", fix)
        return
    yield from _of_name(case)
    pointer = _read(case, "pointer", case.model.pointer, pointers.parse)
    if isinstance(pointer, Finding):
        yield pointer
    else:
        yield from _of_content(case, pointer)
    yield from _of_report(case, pointer if isinstance(pointer, Pointer) else None)


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


def _names(model: ModelFacts, pointer: Pointer) -> Iterable[str] | None:
    """Return the names of the files in a directory; None when nobody can say."""
    if pointer.manifest is not None:
        return [entry.path for entry in pointer.manifest.entries]
    return () if pointer.kind == "file" else model.files


def _of_report(case: _Case, pointer: Pointer | None) -> Iterator[Finding]:
    if case.model.report is None:
        if case.demands.report == "required":
            yield case.finding("MVC101", "it has no evaluation report", fixes.first_report(case.path, case.demands))
        return
    report = _read(case, "report", case.model.report, parse_report)
    if isinstance(report, Finding):
        yield report
        return
    yield from _of_tag(case, report)
    if pointer and (difference := _difference(report, pointer.digest)):
        yield case.finding("MVC103", difference, fixes.next_report(case.path, report))
    else:
        yield from judge_figures(case.path, report, case.demands)


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


# Reading.


def _read(case: _Case, what: str, file: FileAt, parse: Callable[[bytes, str], T]) -> T | Finding:
    """Return what a pointer or report says, or why it cannot be read."""
    path = case.path + (SUFFIX if what == "report" else pointers.SUFFIX)
    if file.conflicted:
        return _conflict(case, what, fixes.settle(path))
    if kind := _no_file(file):
        fix = fixes.anew(case.path, what, submodule=file.mode == _SUBMODULE)
        return case.finding("MVC309", f"the {what} is {kind}, no regular file", fix)
    try:
        return parse(file.raw, path)
    except InvalidFormat as error:
        if _CONFLICT.search(file.raw):
            return _conflict(case, what, fixes.stage(path, "once it is mended"))
        fix = error.fix or fixes.mended(case.path, what)
        code = "MVC102" if what == "report" else "MVC304"
        return case.finding(code, f"the {what} cannot be read: {_reason(error, path)}", fix)


def _conflict(case: _Case, what: str, fix: str) -> Finding:
    return case.finding("MVC305", f"the {what} is in conflict: Git could not merge it", fix)


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
