"""Findings about one tracked path: its pointer, its content, its report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TypeVar

from mvc.errors import InvalidFormat, InvalidName
from mvc.modelfiles import formats
from mvc.objects.names import check_path
from mvc.objects.pointer import SUFFIX as POINTER_SUFFIX
from mvc.objects.pointer import Pointer
from mvc.objects.pointer_lines import is_directory
from mvc.quality.files import SUBMODULE, SUFFIX, FileAt
from mvc.quality.finding import Finding
from mvc.quality.judge import fixes, report_fixes
from mvc.quality.judge.facts import ModelFacts
from mvc.quality.judge.rules.figures import judge_figures
from mvc.quality.pointer_files import name_of, read_pointer, tool_of
from mvc.quality.policy.demands import Demands, demands
from mvc.quality.policy.policy import Policy
from mvc.quality.reports.binding import difference
from mvc.quality.reports.report import Report
from mvc.quality.reports.report_document import ParseReport, parse_report
from mvc.quality.reports.tags import SEMVER, fits
from mvc.quality.words import clipped, without_path

T = TypeVar("T")


class ParsedModel(NamedTuple):
    """A tracked path, its demands, and its parsed files; a finding for an unreadable file."""

    facts: ModelFacts
    demands: Demands
    pointer: Pointer | Finding | None
    report: Report | Finding | None

    @property
    def path(self) -> str:
        """The tracked path."""
        return self.facts.path

    @property
    def matching_report(self) -> Report | None:
        """The report, if it is of the content that the pointer names."""
        if not isinstance(self.pointer, Pointer) or not isinstance(self.report, Report):
            return None
        return None if difference(self.report.model, self.pointer, self.facts.content) else self.report

    def finding(self, code: str, message: str, fix: str) -> Finding:
        """Return a finding about it."""
        return Finding.of(code, self.path, message, fix)


def parse_model(policy: Policy, model: ModelFacts, parse: ParseReport = parse_report) -> ParsedModel:
    """Parse the files of a tracked path."""
    pointer = _parsed(model, "pointer", model.pointer, read_pointer)
    report = _parsed(model, "report", model.report, lambda file, name: parse(file.raw, name))
    return ParsedModel(model, demands(policy, model.path), pointer, report)


def judge_model(model: ParsedModel) -> Iterator[Finding]:
    """Yield findings about the files of a tracked path."""
    if model.pointer is None:
        if model.report is not None:
            fix = fixes.untrack(model.path + SUFFIX, f"or, if the model stays: {fixes.add(model.path)}")
            name = clipped(model.path)
            message = f"report has no pointer: {name}{SUFFIX} exists, {name}{POINTER_SUFFIX} does not"
            yield model.finding("MVC106", message, fix)
        return
    yield from _of_name(model)
    if isinstance(model.pointer, Finding):
        yield model.pointer
    else:
        yield from _of_content(model, model.pointer)
    yield from _of_report(model)


def _of_name(model: ParsedModel) -> Iterator[Finding]:
    try:
        check_path(model.path)
    except InvalidName as error:
        fix = fixes.untrack(model.path + POINTER_SUFFIX, "then give the model another name")
        yield model.finding("MVC304", error.message, fix)


def _of_content(model: ParsedModel, pointer: Pointer) -> Iterator[Finding]:
    facts = model.facts
    if facts.mismatch:
        message = f"the pointer disagrees with its content in the cache: {facts.mismatch}"
        yield model.finding("MVC312", message, fixes.add(model.path))
    elif facts.in_cache is False:
        yield model.finding("MVC306", "the cache does not have all of its content", fixes.bring(model.path))
    if facts.in_git:
        fix = fixes.untrack(model.path, recursive=True)  # below a file, too: a branch may track something there
        yield model.finding("MVC308", "Git has the content as well as the pointer", fix)
    names = _names(facts, pointer)
    if names is None and model.demands.deny and facts.in_cache is not False:
        message = "the policy denies formats, and the list of its files is not in the cache"
        yield model.finding("MVC306", message, fixes.bring(model.path))
    if found := formats.denied(model.demands.deny, [model.path, *(f"{model.path}/{name}" for name in names or ())]):
        file, name = found
        message = f"{'it' if file == model.path else file} matches {name}, which the policy denies"
        yield model.finding("MVC307", message, fixes.other_format(model.path))
    if model.demands.pickle == "scan":
        from mvc.quality.judge.rules.pickled import judge_pickles  # noqa: PLC0415 - import time: few policies ask

        yield from judge_pickles(model.path, facts.pickle_scans or ())
    if facts.parts:
        from mvc.quality.judge.rules.parts import judge_parts  # noqa: PLC0415 - import time: few models have parts

        has_report = facts.report is not None
        yield from judge_parts(model.path, facts.parts, model.matching_report, has_report=has_report)


def _names(model: ModelFacts, pointer: Pointer) -> Iterable[str] | None:
    """Return the names of the files in a directory; None when they are unknown."""
    if pointer.manifest is not None:
        return [entry.path for entry in pointer.manifest.entries]
    return () if pointer.kind == "file" else model.files


def _of_report(model: ParsedModel) -> Iterator[Finding]:
    if model.report is None:
        if model.demands.report == "required":
            fix = _after_merge(model, report_fixes.first_report(model.path, model.demands))
            yield model.finding("MVC101", "no evaluation report", fix)
        return
    if isinstance(model.report, Finding):
        yield model.report
        return
    yield from _of_tag(model, model.report)
    if isinstance(model.pointer, Pointer) and (
        found := difference(model.report.model, model.pointer, model.facts.content)
    ):
        is_merged = model.facts.merged is not None
        start = "the merge of both sides needs a report of its own: " if is_merged else ""
        line = report_fixes.next_report(model.path, model.report, "evaluates the merge" if is_merged else "")
        yield model.finding("MVC103", start + found, _after_merge(model, line))
    elif model.facts.mixed:
        message = "Git mixed the report from the lines of both sides: it is of no evaluation"
        yield model.finding("MVC128", message, fixes.one_of_both(model.path + SUFFIX))
    else:
        yield from judge_figures(model.path, model.report, _with_directions(model))
        if model.demands.evidence and model.report.predictions is None:
            fix = report_fixes.scored(model.path, model.report)
            yield model.finding("MVC228", "the policy demands predictions, and the report names none", fix)
        yield from _of_inputs(model, model.report)


def _of_inputs(model: ParsedModel, report: Report) -> Iterator[Finding]:
    if model.demands.companions or model.demands.sources == "required":
        from mvc.quality.judge.rules.companions import judge_inputs  # noqa: PLC0415 - import time: few policies ask

        yield from judge_inputs(model.facts, report, model.demands)


def _after_merge(model: ParsedModel, line: str) -> str:
    merged = model.facts.merged
    return line if merged is None else report_fixes.of_merge(model.path, merged, line)


def _with_directions(model: ParsedModel) -> Demands:
    """Return the demands; the report before may say which direction of a metric is better."""
    if model.facts.past is None:
        return model.demands
    from mvc.quality.judge.rules.past.regressions import with_directions  # noqa: PLC0415 - import time: not for the hook

    return with_directions(model.demands, model.facts.past)


def _of_tag(model: ParsedModel, report: Report) -> Iterator[Finding]:
    fix = report_fixes.another_tag(model.path, report, model.demands)
    if not report.tag:
        yield model.finding("MVC104", "the report has no tag", fix)
        return
    for pattern in [tag.pattern for tag in model.demands.tags if not fits(tag.pattern, report.tag)]:
        expected = "a version such as v1.2.0" if pattern == SEMVER else clipped(pattern)
        yield model.finding("MVC105", f"invalid tag {clipped(report.tag)}: expected {expected}", fix)


def _parsed(
    model: ModelFacts, what: str, file: FileAt | None, parse: Callable[[FileAt, str], T],
) -> T | Finding | None:
    """Return a pointer or report, or a finding that says why it cannot be read; None without a file."""
    if file is None:
        return None
    path = model.path
    name = path + SUFFIX if what == "report" else name_of(path, file)
    lists_files = what == "pointer" and is_directory(file.raw)
    if file.conflicted:
        return _conflict(path, what, fixes.merge(path) if lists_files else fixes.settle(path))
    if kind := file.irregular_kind:
        fix = report_fixes.rewritten(path, what, submodule=file.mode == SUBMODULE)
        return Finding.of("MVC309", path, f"the {what} is {kind}, not a regular file", fix)
    try:
        return parse(file, name)
    except InvalidFormat as error:
        if file.has_conflict_marks:
            return _conflict(path, what, fixes.merge(path) if lists_files else fixes.unmarked(name))
        code = "MVC102" if what == "report" else "MVC304"
        message = f"cannot read the {what}: {without_path(error.message, name)}"
        fix = error.fix or report_fixes.replaced(path, what)
        foreign = what == "pointer" and file.raw and not file.raw.startswith(b"mvc: ") and tool_of(name) == "mvc"
        return Finding.of(code, path, message, fixes.allowed(name, fix) if foreign else fix)


def _conflict(path: str, what: str, fix: str) -> Finding:
    return Finding.of("MVC305", path, f"the {what} has a merge conflict", fix)
