"""What only the tree as a whole shows: names and paths that stand twice, moves out of a rule, exchanged models."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

from mvc.objects import patterns
from mvc.objects.names import fold
from mvc.objects.pointer import SUFFIX
from mvc.quality.files import SIGNATURES
from mvc.quality.files import SUFFIX as REPORT
from mvc.quality.finding import Finding
from mvc.quality.judge import fixes
from mvc.quality.judge.facts import Facts, Landing, ModelFacts, Placed, Tracked, Version
from mvc.quality.judge.rules.strictness import loses
from mvc.quality.policy.demands import demands
from mvc.quality.policy.policy import Policy
from mvc.quality.words import clipped

_FEW = 3
"""Losses that are named."""
_DVC = ".dvc"
"""How DVC's pointers end."""
_HARMLESS = re.compile(r"\.git(ignore|attributes|keep)|(README|LICENSE).*(?<!\.dvc)", re.DOTALL)
"""Files that people have beside models and in directories that are to stay."""


def judge_moves(facts: Facts, policy: Policy) -> Iterator[Finding]:
    """Yield what is wrong with the tracked paths of a change, taken together."""
    landing = facts.landing or Landing()
    changed = {model.path for model in facts.models if model.pointer is not None}
    yield from _twins(landing.tracked, changed)
    yield from _nested(landing.tracked, changed)
    yield from _namesakes(landing.tracked, changed)
    for model in facts.models:
        yield from _moved_out(model, landing.gone, policy)
    yield from _exchanged(facts.models, landing, policy)
    yield from _displaced(landing, policy)


# Paths and names that stand twice. What the change leaves alone is none of its business.


def _twins(tracked: Iterable[Tracked], changed: set[str]) -> Iterator[Finding]:
    """Find fault with two paths that are one where case does not count, or how an accent is composed."""
    for paths in _grouped((fold(item.path), item.path) for item in tracked):
        for path in paths:
            if path in changed:
                other = next(item for item in paths if item != path)
                message = f"where case and composition do not count, it is {clipped(other)}"
                yield Finding.of("MVC323", path, message, fixes.another_path(path))


def _nested(tracked: Iterable[Tracked], changed: set[str]) -> Iterator[Finding]:
    """Find fault with a path below another tracked one."""
    there = {fold(item.path): item.path for item in tracked}
    for key, path in there.items():
        above = next((there[part] for part in _above(key) if part in there), "")
        if above and {path, above} & changed:
            message = f"it lies in {clipped(above)}, which is tracked itself"
            yield Finding.of("MVC323", path, message, fixes.another_path(path))


def _above(path: str) -> Iterator[str]:
    while path := path.rpartition("/")[0]:
        yield path


def _namesakes(tracked: Iterable[Tracked], changed: set[str]) -> Iterator[Finding]:
    """Find fault with a name that two models have."""
    names = {item.path: item.name for item in tracked}
    for paths in _grouped((name, path) for path, name in names.items() if name):
        for path in paths:
            if path in changed:
                other = next(item for item in paths if item != path)
                message = f"its name {clipped(names[path])} is that of {clipped(other)}, too"
                yield Finding.of("MVC324", path, message, fixes.another_name(path))


def _grouped(pairs: Iterable[tuple[str, str]]) -> list[list[str]]:
    """Return the paths of each key that has several."""
    groups: dict[str, set[str]] = {}
    for key, path in pairs:
        groups.setdefault(key, set()).add(path)
    return [sorted(paths) for paths in groups.values() if len(paths) > 1]


# Moves.


def _moved_out(model: ModelFacts, gone: Iterable[Version], policy: Policy) -> Iterator[Finding]:
    """Find fault with a move to where less is demanded, and with what takes the place of a model there."""
    before = model.past.before.path if model.past and model.past.before else model.path
    taken = [version.path for version in gone if _takes(model.path, version.path)]
    for old in (before, *taken) if model.pointer is not None else ():
        if lost := loses(demands(policy, old), demands(policy, model.path)):
            moved = old == before
            named = ", ".join(map(clipped, lost[:_FEW])) + (" …" if len(lost) > _FEW else "")
            verb = "was" if moved else "takes the place of"
            message = f"it {verb} {clipped(old)}, of which the policy demands more: {named}"
            fix = fixes.move_back(model.path, old) if moved else fixes.tracked_apart(model.path, old)
            yield Finding.of("MVC325", model.path, message, fix)
            return


def _takes(path: str, gone: str) -> bool:
    """Whether `path` is that of what is gone, spelled otherwise, or a directory in which that lay."""
    return fold(path) in (fold(gone), *_above(fold(gone)))


def _exchanged(models: Iterable[ModelFacts], landing: Landing, policy: Policy) -> Iterator[Finding]:
    """Find fault with a model that is gone and one that is new, under one rule that asks for metrics.

    New is also what only has the name of one that stays: that one goes on where it was.
    """
    there = {model.path: model.past for model in models if model.pointer is not None and model.past is not None}
    before = {path: past.before.path for path, past in there.items() if past.before}
    staying = {item.path for item in landing.tracked} - {path for path in there if before.get(path) != path}
    new = [path for path in there if path not in before or (before[path] != path and before[path] in staying)]
    followed = set(before.values())
    gone = {version.path: version.commit for version in landing.gone if version.path not in followed}
    for rule in policy.rules if new and gone else ():
        out = next((path for path in sorted(gone) if patterns.means(rule.match, path)), "") if rule.metrics else ""
        for path in new if out else ():
            if patterns.means(rule.match, path):
                stays = before.get(path)
                now = f"it is compared only with {clipped(stays)}, which stays," if stays else "it is new"
                message = f"{now} and {clipped(out)} is gone, under one rule with metrics"
                yield Finding.of("MVC326", path, message, fixes.succeed(path, out, gone[out]))


# What stands in the place of a model.


def _displaced(landing: Landing, policy: Policy) -> Iterator[Finding]:
    """Find fault with a model that is gone and needed a report, where Git has something in its place."""
    judged = [item for item in landing.gone if item.report and demands(policy, item.path).report == "required"]
    gone = {fold(item.path): item for item in judged}
    found = _in_the_place(landing, gone) if gone else {}
    for key in sorted(found):
        path, file = gone[key].path, found[key]
        message = f"it is no longer tracked, and in its place Git has {clipped(file)}, which nobody judges"
        yield Finding.of("MVC327", path, message, fixes.tracked_again(path, file))


def _in_the_place(landing: Landing, gone: Collection[str]) -> dict[str, str]:
    """Return a file that is none of mvc's, by the path of what is gone: at it, below or above it, or one of DVC's."""
    ours = {item.path + suffix for item in landing.tracked for suffix in (SUFFIX, REPORT, REPORT + SIGNATURES)}
    files = {fold(file.path): file for file in landing.files if file.path not in ours}
    inside = {key: file for key, file in files.items() if not _is_harmless(file)}
    below = {part: file.path for key, file in inside.items() for part in _above(key) if part in gone}
    return below | {path: files[key].path for path in gone for key in _names_over(path) if key in files}


def _is_harmless(file: Placed) -> bool:
    """Whether a file may lie where a directory was tracked: a regular one that nobody takes for a model."""
    return file.mode == "100644" and _HARMLESS.fullmatch(file.path.rpartition("/")[2]) is not None


def _names_over(path: str) -> Iterator[str]:
    """Yield what a file is called that stands for a path, or for a directory in which it lies."""
    for part in (*_above(path), path):
        yield from (f"{part}{_DVC}", part)
