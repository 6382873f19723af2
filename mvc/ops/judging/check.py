"""`mvc eval check`: the hook's judge over the models of the workspace, as pointers and reports lie there.

What was found is remembered by the content of policy, pointer and report, unless it depends on the time. Whether the
cache has the model's content is asked anew each time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from blake3 import blake3

from mvc._version import __version__
from mvc.ops.judging.cached_content import is_kept, with_files
from mvc.ops.judging.pickle_scans import with_scans
from mvc.ops.shared.reports import file_in
from mvc.ops.shared.selection import chosen
from mvc.project import Project
from mvc.quality.files import POLICY, SIGNATURES, SUFFIX
from mvc.quality.finding import Finding, Verdict
from mvc.quality.judge.facts import Facts, FileAt, ModelFacts
from mvc.quality.judge.judge import judge, judge_policy
from mvc.quality.policy.demands import demands
from mvc.scm.plumbing import index_paths, list_files, staged_file
from mvc.workspace.tracked import Tracked

_TOGETHER = frozenset({"MVC101", "MVC106"})
"""What they say depends on other models, too: such verdicts are not remembered."""
_AGE = re.compile(rb"max_age|\\")
"""What stands in a policy that says how old a report may be: the word, or an escape that may be a part of it."""


class Checked(NamedTuple):
    """What was found, and in which models it was looked for."""

    passed: bool
    models: tuple[str, ...]
    findings: tuple[Finding, ...]


def check(project: Project, paths: Iterable[str], now: float) -> Checked:
    """Judge the tracked `paths`, or all, at `now`, in seconds since the epoch.

    Raises:
        MvcError: a path is not tracked; or Git, the cache, a report or the policy can't be read.

    """
    policy = file_in(project.tree, POLICY)
    models = list(_models(project, [path.removesuffix(SIGNATURES).removesuffix(SUFFIX) for path in paths]))
    known = project.catalog.verdicts()
    keys = {model.path: _key(policy, model) for model in _lasting(policy, models)}
    told = {model.path: known[model.path][1] for model in models if _is_known(model, keys, known)}
    fresh = with_files(project, policy, (model for model in models if model.path not in told))
    fresh = with_scans(project, policy, fresh)
    verdict = judge(Facts(policy, fresh or tuple(models[:1])), now)
    _remember(project, fresh, keys, verdict)
    found = Verdict.of((*verdict.findings, *(item for text in told.values() for item in _decoded(text))))
    return Checked(found.passed, tuple(model.path for model in models), found.findings)


# What lies in the workspace.


def _models(project: Project, paths: list[str]) -> Iterator[ModelFacts]:
    tracked = project.tracked()
    entries = list_files(project.git, f"*{SUFFIX}")
    conflicts = {entry.path for entry in entries if entry.stage}
    in_git = index_paths(project.git)
    for selection in chosen(project, tracked, paths) if paths or tracked else ():
        item = selection.item
        report = _report(project, item, conflicts)
        pointer = _pointer(project, item)
        yield ModelFacts(item.path, pointer, report, _kept(project, item), bool(in_git.at_or_below(item.path)))
    if not paths:
        for path in sorted({entry.path.removesuffix(SUFFIX) for entry in entries} - set(tracked)):
            report = file_in(project.tree, path + SUFFIX)
            if path and not path.endswith("/") and report and b"mvc-eval" in report.raw:
                yield ModelFacts(path, None, report)


def _pointer(project: Project, item: Tracked) -> FileAt:
    unread = item.condition == "invalid" and not item.raw and bool(item.problem)
    there = file_in(project.tree, item.pointer_path) if unread else None
    return there or FileAt("100644", item.raw, conflicted=item.condition == "conflict")


def _report(project: Project, item: Tracked, conflicts: set[str]) -> FileAt | None:
    path = item.path + SUFFIX
    if path in conflicts:
        return FileAt("100644", b"", conflicted=True)
    found = file_in(project.tree, path)
    if found is None and item.condition == "not-checked-out":
        raw = staged_file(project.git, path)
        return None if raw is None else FileAt("100644", raw)
    return found


def _kept(project: Project, item: Tracked) -> bool | None:
    return None if item.pointer is None else is_kept(project, item.pointer)


# What is remembered.


def _lasting(policy: FileAt | None, models: Iterable[ModelFacts]) -> Iterator[ModelFacts]:
    """Yield the models of which the verdict rests on their files alone, and is the same at any time."""
    rules = None
    if policy is not None and _AGE.search(policy.raw):  # parsing takes time
        rules, _ = judge_policy(Facts(policy))
    for model in models:
        if _is_ordinary(model) and (rules is None or demands(rules, model.path).max_age is None):
            yield model


def _key(policy: FileAt | None, model: ModelFacts) -> str:
    """Return one word for all that a verdict rests on; the cache and other models apart."""
    parts = (__version__.encode(), *(_bytes(file) for file in (policy, model.pointer, model.report)))
    return blake3(b"".join(b"%d:%s" % (len(part), part) for part in parts)).hexdigest()


def _bytes(file: FileAt | None) -> bytes:
    return b"" if file is None else f"{file.mode} {file.conflicted} ".encode() + file.raw


def _is_known(model: ModelFacts, keys: dict[str, str], known: dict[str, tuple[str, str]]) -> bool:
    told = known.get(model.path)
    return told is not None and told[0] == keys.get(model.path)


def _is_ordinary(model: ModelFacts) -> bool:
    return model.pointer is not None and model.kept is not False and not model.in_git


def _remember(project: Project, models: Iterable[ModelFacts], keys: dict[str, str], verdict: Verdict) -> None:
    found: dict[str, list[Finding]] = {}
    for finding in verdict.findings:
        found.setdefault(finding.path, []).append(finding)
    for model in models:
        findings = found.get(model.path, [])
        if model.path in keys and not _TOGETHER.intersection(finding.code for finding in findings):
            project.catalog.set_verdict(model.path, keys[model.path], json.dumps(findings) if findings else "")


def _decoded(text: str) -> Iterator[Finding]:
    return (Finding(*fields) for fields in json.loads(text)) if text else iter(())
