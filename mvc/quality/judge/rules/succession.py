"""Which version follows which: tags that are unique and go up, and earlier versions that come back."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mvc.quality.finding import Finding
from mvc.quality.judge import fixes
from mvc.quality.judge.facts import ModelFacts, Past, Version
from mvc.quality.judge.rules import references
from mvc.quality.policy.demands import Demands
from mvc.quality.reports.report import Report
from mvc.quality.reports.tags import parse_version
from mvc.quality.words import clipped, short

_COMMIT = 12
"""Digits of a commit that are shown."""

# Earlier versions.


def returning(model: ModelFacts) -> Version | None:
    """Return the earlier pair that a change brings back; None when it brings none back."""
    past = model.past
    if past is None or (past.before and past.found != "history" and _is_same(model, past.before)):
        return None  # it never went
    known = (*((past.before,) if past.before else ()), *past.versions)
    found = next((version for version in known if _is_same(model, version)), None)
    if found is None or found.tag:
        return found
    tags = (item.tag for item in past.registered if item.tag and _is_same(model, item))
    return Version(found.path, found.pointer, found.report, found.commit, next(tags, ""))


def _is_same(model: ModelFacts, version: Version) -> bool:
    """Whether a version is the model's pair: its report, byte for byte, beside a pointer to the same content."""
    if model.report is None or version.report is None or model.report.raw != version.report.raw:
        return False
    now, then = (references.read(item) for item in (_version(model), version))
    if now is None or then is None:
        return False
    pointers = [references.pointer_of(item.pointer) for item in (now.version, then.version)]
    return len({pointer.content for pointer in pointers if pointer}) == 1


def _version(model: ModelFacts) -> Version:
    return Version(model.path, model.pointer, model.report, "")


def judge_return(path: str, version: Version, demanded: Demands) -> Iterator[Finding]:
    """Yield what the policy has against an earlier pair that comes back, or the note that it does."""
    yield from _denied(path, version, demanded) or _noted(path, version)


def _denied(path: str, version: Version, demanded: Demands) -> list[Finding]:
    rollbacks = {tag.rollback for tag in demanded.tags}
    if "deny" in rollbacks:
        reason = "the policy lets none come back"
    elif "registered" in rollbacks and not version.tag:
        reason = "the policy lets only those come back that a Git tag registers"
    else:
        return []
    return [Finding.of("MVC123", path, f"{_told(version)} comes back, and {reason}", fixes.newer(path))]


def _noted(path: str, version: Version) -> list[Finding]:
    return [Finding.of("MVC120", path, f"{_told(version)} comes back", fixes.versions(path), "note")]


def _told(version: Version) -> str:
    report = references.report_of(version)
    name = version.tag or (report.tag if report else "")
    return f"the earlier version {f'{clipped(name)} ' if name else ''}of commit {version.commit[:_COMMIT]}"


# Tags.


def judge_tag(path: str, report: Report, demanded: Demands, past: Past) -> Iterator[Finding]:
    """Yield what is wrong with the tag of a bound report, as the successor of those before."""
    if report.tag:
        yield from _taken(path, report, demanded, past)
        yield from _lower(path, report, demanded, past)


def _taken(path: str, report: Report, demanded: Demands, past: Past) -> Iterator[Finding]:
    """Find fault with a tag that other bytes of the model have."""
    if not any(tag.unique for tag in demanded.tags):
        return
    given = (*((past.before,) if past.before else ()), *past.versions)
    known = any(_bytes_tagged(version, report.tag) == report.model.blake3 for version in given)
    for version in (*given, *past.registered, *(() if known else past.aside)):
        other = _bytes_tagged(version, report.tag)
        if other and other != report.model.blake3:
            have, want = short(report.model.blake3, other), short(other, report.model.blake3)
            since = _since(version, past)
            message = f"the tag {clipped(report.tag)} is that of {want} since {since}, and the report's model is {have}"
            yield Finding.of("MVC121", path, message, fixes.higher_tag(path, report))
            return


def _since(version: Version, past: Past) -> str:
    where = f"commit {version.commit[:_COMMIT]}"
    if version in past.aside:
        return f"{where}, on a branch that was merged"
    return f"the Git tag {clipped(version.tag)}" if version.tag else where


def _bytes_tagged(version: Version, tag: str) -> str:
    """Return the model's blake3 in a version that has `tag`; empty when it has another."""
    if version.tag and _is_one(references.registers(version.tag), tag):
        pointer = references.pointer_of(version.pointer)
        if pointer is not None:
            return pointer.digest.blake3
    if version.report is None or not _may_say(version.report.raw, tag):
        return ""
    report = references.report_of(version)
    return report.model.blake3 if report and _is_one(report.tag, tag) else ""


def _is_one(tag: str, other: str) -> bool:
    """Whether two tags are one: `v1.2.0` and `1.2.0` are."""
    return tag == other or (_bare(tag) == _bare(other) and parse_version(tag) is not None)


def _bare(tag: str) -> str:
    return tag.removeprefix("v")


def _may_say(raw: bytes, tag: str) -> bool:
    """Whether a report may have a tag: YAML breaks and doubles only what is no part of a word, or has a backslash."""
    return b"\\" in raw or all(word.encode() in raw for word in re.findall(r"[^\s'\"]+", _bare(tag)))


def _lower(path: str, report: Report, demanded: Demands, past: Past) -> Iterator[Finding]:
    """Find fault with a version that is lower than the one before, or the same for other bytes."""
    before, new = references.base(past), parse_version(report.tag)
    old = parse_version(before.report.tag) if before else None
    if before is None or old is None or new is None or not any(tag.monotonic for tag in demanded.tags):
        return
    same = old.rank == new.rank and before.report.model.blake3 == report.model.blake3
    if not same and not new.rank > old.rank:
        message = f"the tag {clipped(report.tag)} does not come after {clipped(before.report.tag)}, the one before"
        yield Finding.of("MVC122", path, message, fixes.higher_tag(path, report))
