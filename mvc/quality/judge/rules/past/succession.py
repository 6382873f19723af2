"""Successive versions of a model: unique and increasing tags, and earlier versions that return."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from mvc.objects.pointer import Pointer
from mvc.quality.finding import Finding
from mvc.quality.judge import fixes, report_fixes
from mvc.quality.judge.facts import ModelFacts, ModelVersion, Past
from mvc.quality.judge.rules.past import references
from mvc.quality.pointer_files import pointer_in_file
from mvc.quality.policy.demands import Demands
from mvc.quality.reports.binding import is_of, named_like
from mvc.quality.reports.report import Report
from mvc.quality.reports.tags import compare, fits, spelling
from mvc.quality.words import clipped, short

_COMMIT = 12
"""Digits of a commit."""

# Earlier versions.


def returning(model: ModelFacts, past: Past) -> ModelVersion | None:
    """Return the earlier version that a change restores; None when it restores none."""
    if past.before and past.found != "history" and _is_same(model, past.before):
        return None  # it is still there
    versions = (*((past.before,) if past.before else ()), *past.versions)
    found = next((version for version in versions if _is_same(model, version)), None)
    if found is None or found.tag:
        return found
    tags = (item.tag for item in past.registered if references.is_registered(item) and _is_same(model, item))
    return ModelVersion(found.path, found.pointer, found.report, found.commit, next(tags, ""))


def _is_same(model: ModelFacts, version: ModelVersion) -> bool:
    """Whether a version has exactly the model's report, and a pointer to the same content."""
    if model.report is None or version.report is None or model.report.raw != version.report.raw:
        return False
    current = ModelVersion(model.path, model.pointer, model.report, "")
    now, then = (references.read_version(item) for item in (current, version))
    if now is None or then is None:
        return False
    pointers = [pointer_in_file(item.pointer) for item in (now.version, then.version)]
    return len({pointer.content for pointer in pointers if pointer}) == 1


def judge_return(path: str, version: ModelVersion, demanded: Demands) -> Iterator[Finding]:
    """Yield MVC123 if the policy forbids the earlier version to return, else MVC120."""
    rollbacks = {tag.rollback for tag in demanded.tags}
    if "deny" in rollbacks:
        reason = "the policy forbids earlier versions to return"
    elif "registered" in rollbacks and not version.tag:
        reason = "the policy allows only versions with a Git tag to return"
    else:
        yield Finding.of("MVC120", path, f"{_described(version)} returns", fixes.versions(path), "note")
        return
    yield Finding.of("MVC123", path, f"{_described(version)} returns: {reason}", report_fixes.newer(path))


def _described(version: ModelVersion) -> str:
    report = references.report_of(version)
    name = version.tag or (report.tag if report else "")
    return f"earlier version {f'{clipped(name)} ' if name else ''}of commit {version.commit[:_COMMIT]}"


# Kinds.


def judge_kind(path: str, pointer: Pointer, past: Past) -> Iterator[Finding]:
    """Yield MVC103 if an earlier version has the same digest for a directory, and this one for a file, or conversely.

    The digest of a directory is that of the list of its files, which is a file as well: a report names only the digest.
    """
    known = (*((past.before,) if past.before else ()), *past.versions, *past.registered)
    for version in known:
        old = pointer_in_file(version.pointer)
        if old and old.identity == pointer.identity and old.kind != pointer.kind:
            message = f"the report is of a {_KINDS[old.kind]}, the pointer of a {_KINDS[pointer.kind]} with its digest"
            yield Finding.of("MVC103", path, message, fixes.add(path))
            return


_KINDS = {"file": "file", "dir": "directory"}


# Tags.


def judge_tag(path: str, report: Report, pointer: Pointer, demanded: Demands, past: Past) -> Iterator[Finding]:
    """Yield findings about the tag of a report that matches the pointer, compared with earlier ones."""
    if report.tag:
        yield from taken(path, report, pointer, demanded, past)
        yield from _lower(path, report, pointer, demanded, past)


def taken(path: str, report: Report, pointer: Pointer, demanded: Demands, past: Past) -> Iterator[Finding]:
    """Yield MVC121 for a tag that other content of the model has."""
    if not any(tag.unique for tag in demanded.tags):
        return
    given = (*((past.before,) if past.before else ()), *past.versions)
    legitimate = any(_content_tagged(version, report.tag, pointer) == pointer.identity for version in given)
    for version in (*given, *past.named, *past.registered, *(() if legitimate else past.merged_branch_reports)):
        other = _content_tagged(version, report.tag, pointer)
        if other and other != pointer.identity:
            have, want = short(pointer.identity, other), short(other, pointer.identity)
            since = _since(version, past)
            message = f"tag {clipped(report.tag)} is taken by {want} since {since}; the report's model is {have}"
            yield Finding.of("MVC121", path, message, report_fixes.higher_tag(path, report))
            return


def _since(version: ModelVersion, past: Past) -> str:
    where = f"commit {version.commit[:_COMMIT]}"
    if version in past.merged_branch_reports:
        return f"{where}, on a merged branch"
    return f"Git tag {clipped(version.tag)}" if version.tag else where


def _content_tagged(version: ModelVersion, tag: str, pointer: Pointer) -> str:
    """Return the content of a version with the tag `tag`, in the digest that `pointer` has; empty for another tag."""
    there = pointer_in_file(version.pointer)
    if there and version.tag and spelling(references.registers(version.tag)) == spelling(tag):
        found = references.read_version(version)
        return (named_like(found.report.model, pointer) if found else "") or there.identity
    if version.report is None or not _may_have(version.report.raw, tag):
        return ""
    report = references.report_of(version)
    if report is None or spelling(report.tag) != spelling(tag):
        return ""
    return named_like(report.model, pointer) or report.model.blake3


def _may_have(raw: bytes, tag: str) -> bool:
    """Whether a report may have a tag: its words are in the text, unless YAML escapes are (a quick check)."""
    text = raw.lower()
    return b"\\" in raw or all(word.encode() in text for word in re.findall(r"[^\s'\"]+", spelling(tag)))


def _lower(path: str, report: Report, pointer: Pointer, demanded: Demands, past: Past) -> Iterator[Finding]:
    """Yield MVC122 for a tag that is lower than the one before, or the same for other content, or has no order with it.

    Tags of different patterns need no order: the policy's was changed since, or MVC105 refuses the tag.
    """
    before = references.base(past)
    old = before.report.tag if before else ""
    if before is None or not old or not any(tag.monotonic for tag in demanded.tags):
        return
    order, same = compare(report.tag, old), is_of(before.report.model, pointer)
    if order == 1 or (order == 0 and same) or (order is None and not _fit((report.tag, old), demanded)):
        return
    how = "has no order with" if order is None else "is not higher than"
    message = f"tag {clipped(report.tag)} {how} the tag before, {clipped(old)}"
    yield Finding.of("MVC122", path, message, report_fixes.higher_tag(path, report))


def _fit(tags: Iterable[str], demanded: Demands) -> bool:
    return all(fits(item.pattern, tag) for item in demanded.tags for tag in tags)
