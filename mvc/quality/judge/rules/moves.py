"""Findings about a tree as a whole: duplicate names and paths, moves out of a rule, exchanged models."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from mvc.objects.names import fold
from mvc.objects.parsing import patterns
from mvc.objects.pointer import SUFFIX
from mvc.quality.files import POLICY, REVOKED, SIGNATURES, SIGNERS, WAIVERS
from mvc.quality.files import SUFFIX as REPORT
from mvc.quality.finding import Finding
from mvc.quality.judge import fixes
from mvc.quality.judge.facts import BroughtFile, Facts, Landing, ModelFacts, ModelVersion, Past, TrackedName
from mvc.quality.judge.rules.strictness import loses
from mvc.quality.policy.demands import asks_for_report, demands
from mvc.quality.policy.policy import Policy
from mvc.quality.words import clipped

_FEW = 3
"""Lost demands that are listed."""
_OF_A_MODEL = ("", SUFFIX, REPORT, REPORT + SIGNATURES)
"""Suffixes of the content and the files of a tracked path."""
_OF_MVC = (POLICY, SIGNERS, REVOKED, WAIVERS, ".mvc/config.yaml")
_HARMLESS = re.compile(r"\.git(ignore|attributes|keep)|(README|LICENSE).*(?<!\.dvc)", re.DOTALL)
"""Names of files that may lie next to models and keep a directory in Git."""


def judge_moves(facts: Facts, policy: Policy) -> Iterator[Finding]:
    """Yield findings about the tracked paths of a change as a whole."""
    landing = facts.landing or Landing()
    changed = {model.path for model in facts.models if model.pointer is not None}
    yield from _twins(landing.tracked, changed)
    yield from _nested(landing.tracked, changed)
    yield from _misspelled(landing)
    yield from _namesakes(landing.tracked, changed)
    for model in facts.models:
        yield from [*_moved_out(model, landing.gone, policy)] or _beside_a_rule(model, policy)
    yield from _exchanged(facts.models, landing, policy)
    yield from _displaced(landing, policy)
    yield from _claimed(landing, policy)


# Duplicate paths and names. Those that the change does not touch are not reported.


def _twins(tracked: Iterable[TrackedName], changed: set[str]) -> Iterator[Finding]:
    """Yield MVC323 for two paths that differ only by case or Unicode composition."""
    for paths in _grouped((fold(item.path), item.path) for item in tracked):
        for path in paths:
            if path in changed:
                other = next(item for item in paths if item != path)
                message = f"{clipped(other)} differs only by case or Unicode composition"
                yield Finding.of("MVC323", path, message, fixes.another_path(path))


def _nested(tracked: Iterable[TrackedName], changed: set[str]) -> Iterator[Finding]:
    """Yield MVC323 for a path below another tracked path."""
    there = {fold(item.path): item.path for item in tracked}
    for key, path in there.items():
        above = next((there[part] for part in _above(key) if part in there), "")
        if above and {path, above} & changed:
            message = f"it is inside {clipped(above)}, which is tracked as well"
            yield Finding.of("MVC323", path, message, fixes.another_path(path))


def _above(path: str) -> Iterator[str]:
    while path := path.rpartition("/")[0]:
        yield path


def _misspelled(landing: Landing) -> Iterator[Finding]:
    """Yield MVC323 for a file that differs only by case or composition from a file of mvc, or from content."""
    ours = {item.path + suffix: item.path for item in landing.tracked for suffix in _OF_A_MODEL}
    ours |= {path + suffix: path for path in _OF_MVC for suffix in ("", SIGNATURES)}
    meant = {fold(name): name for name in ours}
    for file in landing.files:
        parts = [file.path, *_above(file.path)]
        name = next((meant[fold(part)] for part in parts if fold(part) in meant and part not in ours), "")
        if name:
            message = f"{clipped(file.path)} differs only by case or Unicode composition from {clipped(name)}"
            yield Finding.of("MVC323", ours[name], message, fixes.untrack(file.path))


def _namesakes(tracked: Iterable[TrackedName], changed: set[str]) -> Iterator[Finding]:
    """Yield MVC324 for a name that two models have; names that differ only by case are one."""
    names = {item.path: item.name for item in tracked}
    for paths in _grouped((fold(name), path) for path, name in names.items() if name):
        for path in paths:
            if path in changed:
                other = next(item for item in paths if item != path)
                how = " as well" if names[other] == names[path] else ", which differs only by case"
                message = f"{clipped(other)} has the name {clipped(names[other])}{how}"
                yield Finding.of("MVC324", path, message, fixes.another_name(path))


def _grouped(pairs: Iterable[tuple[str, str]]) -> list[list[str]]:
    """Return the paths of each key that has more than one."""
    groups: dict[str, set[str]] = {}
    for key, path in pairs:
        groups.setdefault(key, set()).add(path)
    return [sorted(paths) for paths in groups.values() if len(paths) > 1]


# Moves.


def _moved_out(model: ModelFacts, gone: Iterable[ModelVersion], policy: Policy) -> Iterator[Finding]:
    """Yield MVC325 for a move to a path with weaker demands, and for a path that replaces a deleted model's."""
    if model.pointer is None:
        return
    for old, verb, fix in _replaced(model, gone):
        if lost := loses(demands(policy, old), demands(policy, model.path)):
            message = f"it {verb} {clipped(old)}, where the policy demands more: {_few(lost)}"
            yield Finding.of("MVC325", model.path, message, fix)
            return


class _Replaced(NamedTuple):
    """A path whose demands a model must meet."""

    path: str
    verb: str
    """What the model did to it."""
    fix: str


def _replaced(model: ModelFacts, gone: Iterable[ModelVersion]) -> Iterator[_Replaced]:
    past = model.past or Past()
    if past.before:
        yield _Replaced(past.before.path, "was moved from", fixes.move_back(model.path, past.before.path))
    if past.holder:
        yield _Replaced(past.holder.path, "takes the name of", fixes.another_name(model.path))
    for version in gone:
        if _takes(model.path, version.path):
            yield _Replaced(version.path, "replaces", fixes.tracked_apart(model.path, version.path))


def _beside_a_rule(model: ModelFacts, policy: Policy) -> Iterator[Finding]:
    """Yield MVC325 for a path that only its case, or composition, keeps out of a rule with more demands."""
    if model.pointer is None:
        return
    if lost := loses(demands(policy, model.path, in_any_case=True), demands(policy, model.path)):
        message = f"only its case keeps it out of a rule, where the policy demands more: {_few(lost)}"
        yield Finding.of("MVC325", model.path, message, fixes.another_path(model.path))


def _few(words: list[str]) -> str:
    return ", ".join(map(clipped, words[:_FEW])) + (" …" if len(words) > _FEW else "")


def _takes(path: str, gone: str) -> bool:
    """Whether `path` is the deleted path, ignoring case, or a directory that contained it."""
    return fold(path) in (fold(gone), *_above(fold(gone)))


def _exchanged(models: Iterable[ModelFacts], landing: Landing, policy: Policy) -> Iterator[Finding]:
    """Yield MVC326 for a deleted and a new model under one rule with metrics.

    A model that only took the name of one that stays at its path counts as new.
    """
    there = {model.path: model.past for model in models if model.pointer is not None and model.past is not None}
    before = {path: old.path for path, past in there.items() if (old := past.before or past.holder)}
    staying = {item.path for item in landing.tracked} - {path for path in there if before.get(path) != path}
    new = [path for path in there if path not in before or (before[path] != path and before[path] in staying)]
    followed = set(before.values())
    gone = {version.path: version.commit for version in landing.gone if version.path not in followed}
    for rule in policy.rules if new and gone else ():
        out = next((path for path in sorted(gone) if patterns.matches(rule.match, path)), "") if rule.metrics else ""
        for path in new if out else ():
            if patterns.matches(rule.match, path):
                stays = before.get(path)
                now = f"it is compared only with {clipped(stays)}, which stays" if stays else "it is new"
                message = f"{now}, and {clipped(out)} is deleted, under one rule with metrics"
                yield Finding.of("MVC326", path, message, fixes.succeed(path, out, gone[out]))


# Files in place of a model.


def _displaced(landing: Landing, policy: Policy) -> Iterator[Finding]:
    """Yield MVC327 for an untracked model that needed a report, where the change adds a file in its place."""
    gone = _judged_before(landing, policy)
    found = _in_the_place(landing, gone) if gone else {}
    for key in sorted(found):
        path, file = gone[key].path, found[key]
        message = f"it is no longer tracked, and Git has {clipped(file)} in its place, which is not judged"
        yield Finding.of("MVC327", path, message, fixes.tracked_again(path, file))


def _judged_before(landing: Landing, policy: Policy) -> dict[str, ModelVersion]:
    judged = [item for item in landing.gone if item.report and demands(policy, item.path).report == "required"]
    return {fold(item.path): item for item in judged}


def _in_the_place(landing: Landing, gone: Collection[str]) -> dict[str, str]:
    """Return, by deleted path, a file not of mvc at that path, above or below it, or one that leaves such to DVC."""
    ours = {item.path + suffix for item in landing.tracked for suffix in (SUFFIX, REPORT, REPORT + SIGNATURES)}
    files = {fold(file.path): file for file in landing.files if file.path not in ours}
    claimed = {fold(claim): file.path for file in landing.files for claim in file.claims}
    inside = {key: file.path for key, file in files.items() if not _is_harmless(file)} | claimed
    below = {part: file for key, file in inside.items() for part in _above(key) if part in gone}
    at = {key: file.path for key, file in files.items()} | claimed
    return below | {path: at[key] for path in gone for key in (*_above(path), path) if key in at}


def _claimed(landing: Landing, policy: Policy) -> Iterator[Finding]:
    """Yield MVC327 for a tracked path that the change leaves to DVC as well, else MVC328 where a rule judges it."""
    claims = [(file, claim) for file in landing.files for claim in file.claims]
    tracked = _Places.of(item.path for item in landing.tracked) if claims else _Places({}, {})
    gone = _Places.of(item.path for item in _judged_before(landing, policy).values())
    for file, claim in claims:
        if held := tracked.overlapping(claim):
            message = f"{clipped(file.path)} leaves {clipped(claim)} to DVC, whose content is not judged"
            yield Finding.of("MVC327", held, message, fixes.untrack(file.path))
        elif not gone.overlapping(claim) and asks_for_report(policy, claim):
            yield from _unjudged(file, claim, policy)


class _Places(NamedTuple):
    """Paths, and the directories above them."""

    at: Mapping[str, str]
    """By folded path."""
    above: Mapping[str, str]
    """For each folded directory a path in it."""

    @classmethod
    def of(cls, paths: Iterable[str]) -> _Places:
        at = {fold(path): path for path in paths}
        return cls(at, {part: path for key, path in at.items() for part in _above(key)})

    def overlapping(self, claim: str) -> str:
        """Return a path that is `claim`, or above or below it; empty when there is none."""
        key = fold(claim)
        return next((self.at[part] for part in (key, *_above(key)) if part in self.at), self.above.get(key, ""))


def _unjudged(file: BroughtFile, claim: str, policy: Policy) -> Iterator[Finding]:
    """Yield MVC328, unless the policy allows the path in Git."""
    if not patterns.last(policy.defaults.git.allow, claim):
        keeper = "Git LFS keeps its content" if file.path == claim else f"{clipped(file.path)} leaves it to DVC"
        message = f"a rule demands a report of it, and {keeper}, which is not judged"
        yield Finding.of("MVC328", claim, message, fixes.tracked_instead(claim, file.path))


def _is_harmless(file: BroughtFile) -> bool:
    """Whether a file may lie where a directory was tracked: a regular file with a name such as README."""
    return file.mode == "100644" and _HARMLESS.fullmatch(file.path.rpartition("/")[2]) is not None
