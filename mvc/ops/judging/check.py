"""`mvc eval check`: judges the models of the workspace as the hook does.

Findings are remembered by the content of policy, pointer and report, unless they depend on the time or on another
model's report. Whether the cache has the content of a model is checked each time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import NamedTuple

from blake3 import blake3

from mvc._version import __version__
from mvc.objects.pointer import SUFFIX as POINTER
from mvc.ops.judging.companions import of_workspace
from mvc.ops.judging.index_facts import landed_waivers
from mvc.ops.shared.evidence.cached_content import in_cache, with_files
from mvc.ops.shared.evidence.given_tags import landed_tags
from mvc.ops.shared.evidence.known_reports import KnownReports
from mvc.ops.shared.evidence.model_parts import with_parts
from mvc.ops.shared.evidence.pickle_scans import with_scans
from mvc.ops.shared.evidence.source_reports import with_sources
from mvc.ops.shared.other_pointers.workspace import pointers_here, with_content
from mvc.ops.shared.reports import file_in
from mvc.ops.shared.selection import chosen
from mvc.project import Project
from mvc.quality.files import POLICY, SIGNATURES, SUFFIX, WAIVERS, FileAt
from mvc.quality.finding import Finding, Verdict
from mvc.quality.judge.facts import Facts, ModelFacts
from mvc.quality.judge.judge import judge, with_waivers
from mvc.quality.pointer_files import is_other
from mvc.quality.policy.demands import Demands, demands
from mvc.quality.policy.parsed_policy import ParsedPolicy, read_policy
from mvc.scm.commits import head
from mvc.scm.index import files_ending, index_paths, staged_file
from mvc.workspace.catalog import Catalog
from mvc.workspace.ignore import in_workspace, not_excluded
from mvc.workspace.tracked import Tracked

_ABOUT_SEVERAL_MODELS = frozenset({"MVC101", "MVC106", "MVC314"})
"""Codes whose messages depend on other models: such verdicts are not remembered."""


class Checked(NamedTuple):
    """The checked models, and the findings."""

    passed: bool
    models: tuple[str, ...]
    findings: tuple[Finding, ...]


def check(project: Project, paths: Iterable[str], now: float) -> Checked:
    """Judge the tracked `paths`, or all, at `now`, in seconds since the epoch.

    Raises:
        MvcError: a path is not tracked; or Git, the cache, a report or the policy can't be read.
    """
    parsed = read_policy(file_in(project.tree, POLICY))
    asked = [path.removesuffix(SIGNATURES).removesuffix(SUFFIX) for path in paths]
    models = [*with_content(project, _models(project, asked))]
    keys = verdict_keys(parsed, models)
    remembered = _remembered(project.catalog, keys)
    fresh = with_files(project, parsed.policy, (model for model in models if model.path not in remembered))
    fresh = with_scans(project, parsed.policy, fresh)
    fresh = with_parts(project.cache, fresh, lambda path: project.tree.lstat(path + POINTER) is not None)
    fresh = with_sources(project.git, head(project.git) or "", parsed.policy, fresh, partial(file_in, project.tree))
    verdict = judge(Facts(parsed, fresh or tuple(models[:1])), now, KnownReports(project).parse)
    _remember(project.catalog, fresh, keys, verdict)
    beside = judge(_beside(project, parsed, models), now).findings
    known = (finding for findings in remembered.values() for finding in findings)
    found = Verdict.of((*beside, *verdict.findings, *known))
    if not found.passed and file_in(project.tree, WAIVERS):
        facts = Facts(parsed, tuple(models), landed_waivers=landed_waivers(project))
        found = Verdict.of(with_waivers(facts, found.findings, now))
    return Checked(found.passed, tuple(model.path for model in models), found.findings)


def _beside(project: Project, parsed: ParsedPolicy, models: list[ModelFacts]) -> Facts:
    """Return the facts that do not depend on a model's files alone."""
    return Facts(parsed, companions=of_workspace(project, models), given=landed_tags(project, models))


# The workspace.


def _models(project: Project, paths: list[str]) -> Iterator[ModelFacts]:
    others = pointers_here(project)
    tracked = project.tracked() | {path: Tracked(path) for path in others}
    entries = files_ending(project.git, SUFFIX)
    conflicts = {entry.path for entry in entries if entry.stage}
    in_git, rules = index_paths(project.git), in_workspace(project.tree)
    for selection in chosen(project, tracked, paths) if paths or tracked else ():
        item = selection.item
        report = _report(project, item, conflicts)
        if other := others.get(item.path):
            yield ModelFacts(item.path, other, report)
            continue
        pointer = _pointer(project, item)
        there, mismatch = (None, "") if item.pointer is None else in_cache(project, item.pointer)
        beside = bool(not_excluded(rules, item.path, in_git.at_or_below(item.path)))
        yield ModelFacts(item.path, pointer, report, there, beside, mismatch=mismatch)
    if not paths:
        for path in sorted({entry.path.removesuffix(SUFFIX) for entry in entries} - set(tracked)):
            report = file_in(project.tree, path + SUFFIX)
            if path and not path.endswith("/") and report and b"mvc-eval" in report.raw:
                yield ModelFacts(path, None, report)


def _pointer(project: Project, item: Tracked) -> FileAt:
    unread = item.condition == "invalid" and not item.raw and bool(item.problem)
    there = file_in(project.tree, item.pointer_path) if unread else None
    left_out = item.condition == "not-checked-out" and not item.raw  # a partial clone may lack it: an error
    raw = staged_file(project.git, item.pointer_path) or b"" if left_out else item.raw
    return there or FileAt("100644", raw, conflicted=item.condition == "conflict")


def _report(project: Project, item: Tracked, conflicts: set[str]) -> FileAt | None:
    path = item.path + SUFFIX
    if path in conflicts:
        return FileAt("100644", b"", conflicted=True)
    found = file_in(project.tree, path)
    if found is None and item.condition == "not-checked-out":
        raw = staged_file(project.git, path)
        return None if raw is None else FileAt("100644", raw)
    return found


# Remembered verdicts.


def verdict_keys(parsed: ParsedPolicy, models: Iterable[ModelFacts]) -> dict[str, str]:
    """Return a key for each model whose verdict depends only on its files and the policy."""
    alone = not any(rule.max_age or rule.sources for rule in parsed.policy.rules)
    return {
        model.path: _key(parsed.file, model.pointer, model.report) for model in models
        if model.pointer is not None and model.in_cache is not False and not model.mismatch and not model.in_git
        and not is_other(model.pointer.oid)  # depends on the content as well
        and (alone or _is_alone(demands(parsed.policy, model.path)))
    }


def _is_alone(demanded: Demands) -> bool:
    """Whether neither the time nor a report of another model decides."""
    return demanded.max_age is None and demanded.sources == "optional"


def _key(*files: FileAt | None) -> str:
    """Return a hash of mvc's version and of the files."""
    parts = [__version__.encode()]
    parts += [b"" if file is None else f"{file.mode} {file.conflicted} ".encode() + file.raw for file in files]
    return blake3(b"".join(b"%d:%s" % (len(part), part) for part in parts)).hexdigest()


def _remembered(catalog: Catalog, keys: Mapping[str, str]) -> dict[str, list[Finding]]:
    """Return the findings of each model whose verdict is remembered under its key."""
    return {
        path: [Finding(*fields) for fields in json.loads(text)] if text else []
        for path, (key, text) in catalog.verdicts().items() if keys.get(path) == key
    }


def _remember(catalog: Catalog, models: Iterable[ModelFacts], keys: Mapping[str, str], verdict: Verdict) -> None:
    found: dict[str, list[Finding]] = {}
    for finding in verdict.findings:
        found.setdefault(finding.path, []).append(finding)
    for model in models:
        findings = found.get(model.path, [])
        if model.path in keys and not _ABOUT_SEVERAL_MODELS.intersection(finding.code for finding in findings):
            catalog.set_verdict(model.path, keys[model.path], json.dumps(findings) if findings else "")
