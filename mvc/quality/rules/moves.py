"""What only the tree as a whole shows: names and paths that stand twice, moves out of a rule, exchanged models."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mvc.objects.names import fold
from mvc.quality import fixes, patterns
from mvc.quality.demands import demands
from mvc.quality.facts import Facts, Landing, ModelFacts, Tracked
from mvc.quality.finding import Finding
from mvc.quality.policy import Policy
from mvc.quality.rules.strictness import loses
from mvc.quality.words import clipped

_FEW = 3
"""Losses that are named."""


def judge_moves(facts: Facts, policy: Policy) -> Iterator[Finding]:
    """Yield what is wrong with the tracked paths of a change, taken together."""
    landing = facts.landing or Landing()
    changed = {model.path for model in facts.models if model.pointer is not None}
    yield from _twins(landing.tracked, changed)
    yield from _nested(landing.tracked, changed)
    yield from _namesakes(landing.tracked, changed)
    for model in facts.models:
        yield from _moved_out(model, policy)
    yield from _exchanged(facts.models, landing, policy)


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


def _moved_out(model: ModelFacts, policy: Policy) -> Iterator[Finding]:
    """Find fault with a move to where less is demanded."""
    before = model.past.before if model.past else None
    if model.pointer is None or before is None or before.path == model.path:
        return
    if lost := loses(demands(policy, before.path), demands(policy, model.path)):
        named = ", ".join(map(clipped, lost[:_FEW])) + (" …" if len(lost) > _FEW else "")
        message = f"it was {clipped(before.path)}, of which the policy demands more: {named}"
        yield Finding.of("MVC325", model.path, message, fixes.move_back(model.path, before.path))


def _exchanged(models: Iterable[ModelFacts], landing: Landing, policy: Policy) -> Iterator[Finding]:
    """Find fault with a model that is gone and one that is new, under one rule that asks for metrics."""
    there = [model for model in models if model.pointer is not None and model.past is not None]
    followed = {model.past.before.path for model in there if model.past and model.past.before}
    new = [model.path for model in there if model.past and model.past.before is None]
    gone = {version.path: version.commit for version in landing.gone if version.path not in followed}
    for rule in policy.rules if new and gone else ():
        out = next((path for path in sorted(gone) if patterns.means(rule.match, path)), "") if rule.metrics else ""
        for path in new if out else ():
            if patterns.means(rule.match, path):
                message = f"it is new and {clipped(out)} is gone, under one rule with metrics: nothing is compared"
                yield Finding.of("MVC326", path, message, fixes.succeed(path, out, gone[out]))
