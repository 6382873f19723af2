"""A tracked path by itself: its pointer, its content, its report."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TypeVar

from mvc.errors import InvalidFormat, InvalidName
from mvc.modelfiles import formats
from mvc.objects.digest import Digest
from mvc.objects.names import check_path
from mvc.objects.pointer import SUFFIX as POINTER_SUFFIX
from mvc.objects.pointer import Pointer
from mvc.objects.pointer_reader import parse as parse_pointer
from mvc.quality.files import SUFFIX
from mvc.quality.finding import Finding
from mvc.quality.judge import fixes
from mvc.quality.judge.facts import FileAt, ModelFacts
from mvc.quality.judge.rules.figures import judge_figures
from mvc.quality.judge.rules.pickled import judge_pickles
from mvc.quality.policy.demands import Demands, demands
from mvc.quality.policy.policy import Policy
from mvc.quality.reports.report import Report, parse_report
from mvc.quality.reports.tags import SEMVER, fits
from mvc.quality.words import clipped, short

T = TypeVar("T")

_SUBMODULE = "160000"
_KINDS = {"120000": "a symlink", "040000": "a directory", _SUBMODULE: "a submodule"}
CONFLICT = re.compile(rb"^(?:<{7}|={7}|>{7})(?: |\r?$)", re.MULTILINE)
"""What Git leaves in a file that it could not merge; somebody may have taken away a part of it."""


class Case(NamedTuple):
    """A tracked path, what is demanded of it, and what its files say; a finding where they cannot be read."""

    model: ModelFacts
    demands: Demands
    pointer: Pointer | Finding | None
    report: Report | Finding | None

    @property
    def path(self) -> str:
        """The tracked path."""
        return self.model.path

    @property
    def bound(self) -> Report | None:
        """The report, if it is of just the bytes that the pointer stands for."""
        if not isinstance(self.pointer, Pointer) or not isinstance(self.report, Report):
            return None
        return None if _difference(self.report, self.pointer.digest) else self.report

    def finding(self, code: str, message: str, fix: str) -> Finding:
        """Return a finding about it."""
        return Finding.of(code, self.path, message, fix)


def read_case(policy: Policy, model: ModelFacts) -> Case:
    """Return what is known of a tracked path, its files read."""
    pointer = _read(model.path, "pointer", model.pointer, parse_pointer)
    return Case(model, demands(policy, model.path), pointer, _read(model.path, "report", model.report, parse_report))


def judge_model(case: Case) -> Iterator[Finding]:
    """Yield what is wrong with a tracked path, as far as its own files tell."""
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


def _of_name(case: Case) -> Iterator[Finding]:
    try:
        check_path(case.path)
    except InvalidName as error:
        fix = fixes.untrack(case.path + POINTER_SUFFIX, "then give the model another name")
        yield case.finding("MVC304", error.message, fix)


def _of_content(case: Case, pointer: Pointer) -> Iterator[Finding]:
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


def _of_report(case: Case) -> Iterator[Finding]:
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
        yield from judge_figures(case.path, case.report, _directed(case))


def _directed(case: Case) -> Demands:
    """Return what is demanded; which way a metric is better, the report before may say as well."""
    if case.model.past is None:
        return case.demands
    from mvc.quality.judge.rules.regressions import directed  # noqa: PLC0415 - import time: the hook does without

    return directed(case.demands, case.model.past)


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


def _of_tag(case: Case, report: Report) -> Iterator[Finding]:
    fix = fixes.another_tag(case.path, report, case.demands)
    if not report.tag:
        yield case.finding("MVC104", "the report has no tag", fix)
        return
    for pattern in [tag.pattern for tag in case.demands.tags if not fits(tag.pattern, report.tag)]:
        expected = "a version such as v1.2.0" if pattern == SEMVER else clipped(pattern)
        yield case.finding("MVC105", f"the report's tag is {clipped(report.tag)}, expected {expected}", fix)


# Reading.


def _read(path: str, what: str, file: FileAt | None, parse: Callable[[bytes, str], T]) -> T | Finding | None:
    """Return what a pointer or report says, or why it cannot be read; None when there is none."""
    if file is None:
        return None
    name = path + (SUFFIX if what == "report" else POINTER_SUFFIX)
    if file.conflicted:
        return _conflict(path, what, fixes.settle(name))
    if kind := no_file(file):
        fix = fixes.anew(path, what, submodule=file.mode == _SUBMODULE)
        return Finding.of("MVC309", path, f"the {what} is {kind}, no regular file", fix)
    try:
        return parse(file.raw, name)
    except InvalidFormat as error:
        if CONFLICT.search(file.raw):
            return _conflict(path, what, fixes.unmarked(name))
        fix = error.fix or fixes.mended(path, what)
        code = "MVC102" if what == "report" else "MVC304"
        return Finding.of(code, path, f"the {what} cannot be read: {reason_of(error, name)}", fix)


def _conflict(path: str, what: str, fix: str) -> Finding:
    return Finding.of("MVC305", path, f"the {what} is in conflict: Git could not merge it", fix)


def no_file(file: FileAt) -> str:
    """Return what it is, unless a regular file."""
    return "" if file.mode.startswith("100") else _KINDS.get(file.mode, f"of mode {file.mode}")


def reason_of(error: InvalidFormat, path: str) -> str:
    """Return why a file cannot be read, without its name."""
    return error.message.removeprefix(f"{path}: ")
