"""Which model of the target branch a model succeeds: by name, by path, by Git's renames, else by what once was."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple, TypeAlias

Found: TypeAlias = Literal["name", "path", "rename", "history", ""]


class Held(NamedTuple):
    """A model that a tree has."""

    path: str
    """The tracked path, as everywhere here: without `.mvc`."""
    name: str = ""
    """As its pointer says it; empty when it says none, or cannot be read."""
    blake3: str = ""
    """Of its content; empty when its pointer cannot be read."""


class State(NamedTuple):
    """What a path has from a commit of base's first-parent history on, until its next newer state."""

    age: int
    """How many commits the commit lies behind base's tip, on the first-parent history; the tip's age is 0."""
    commit: str
    pointer: str
    """The pointer's blob; empty when this commit has none there any more."""
    report: str = ""
    """The report's blob; empty when there is none."""
    name: str = ""
    """As in `Held`; may be left empty, then only paths, renames and equal pointers tell."""
    blake3: str = ""


class Move(NamedTuple):
    """A rename that Git sees in a commit of base's first-parent history."""

    age: int
    old: str
    new: str


class Stood(NamedTuple):
    """A state, and the path that had it."""

    path: str
    state: State


class Descent(NamedTuple):
    """A model of the judged tree, and what it comes from."""

    path: str
    found: Found = ""
    """How; empty when it is new, as far as base and its history tell (Git tags are not asked here)."""
    before: str = ""
    """The path of what it succeeds: in base, or, for `history`, in the newest of `stood`."""
    stood: tuple[Stood, ...] = ()
    """Every state with a pointer that belongs to it, each pair of pointer and report once, the newest first."""


def descents(
    base: Iterable[Held],
    head: Iterable[Held],
    asked: Collection[str],
    renames: Iterable[tuple[str, str]] = (),
    history: Mapping[str, Sequence[State]] | None = None,
    moves: Iterable[Move] = (),
) -> dict[str, Descent]:
    """Return, for each path of `head` that is `asked` for, what it succeeds.

    `base` and `head` are all models of both trees. `renames` are Git's between them, as (old, new), those that
    count most first; one that speaks of a path that stays, or of none, does no harm. `history` has the states of
    each path that may matter, the newest first, deletions too; base's own state comes first where base has the path.

    A name counts before a path, unless the model that stood at that path would then have no successor, or the one
    that had the name stays where it was, or its bytes are at a new path that has no name of base's: nobody escapes a
    comparison by taking a weaker model's name. For the same reason a name that was taken from one that stays counts
    after a rename. Name and path may say twice that a model succeeds the same one. A rename says it once, and not of
    what already has a successor: a copy is new.
    """
    held = {model.path: model for model in base}
    there = {model.path: model for model in head}
    found = _links(held, there, renames)
    past = _ancestry(history or {}, moves)
    return {path: _descent(there[path], found.get(path), past) for path in asked if path in there}


def _descent(model: Held, link: _Link | None, past: _Ancestry) -> Descent:
    if link is not None:
        found, old = link
        return Descent(model.path, found, old, past.stood(past.standing(old)))
    life = past.lost(model)
    return Descent(model.path, "history", life.path, past.stood(life)) if life else Descent(model.path)


# Between base and head.

_Link: TypeAlias = tuple[Found, str]
"""How a model succeeds one of base, and the path of that."""


def _links(
    base: Mapping[str, Held], head: Mapping[str, Held], renames: Iterable[tuple[str, str]],
) -> dict[str, _Link]:
    named = _by_name(base, head)
    _drop_strays(named, base, head)
    taken = {path for path, old in named.items() if path != old and _stays(old, head, named)}
    links: dict[str, _Link] = {path: ("path", path) for path in head if path in base}
    links |= {path: ("name", old) for path, old in named.items() if path not in taken}
    links |= _by_rename(base, head, links, renames)
    for path in taken - links.keys():
        links[path] = "name", named[path]
    return links


def _by_name(base: Mapping[str, Held], head: Mapping[str, Held]) -> dict[str, str]:
    """Return, by the path of a model, that of the one model of base that has its name."""
    paths: dict[str, list[str]] = {}
    for model in base.values():
        paths.setdefault(model.name, []).append(model.path)
    single = {name: found[0] for name, found in paths.items() if name and len(found) == 1}
    return {model.path: single[model.name] for model in head.values() if model.name in single}


def _kept_apart(base: Mapping[str, Held], head: Mapping[str, Held], named: Collection[str]) -> set[str]:
    """Return base's models whose bytes are at a new path that no name links."""
    loose = {model.blake3 for path, model in head.items() if path not in base and path not in named} - {""}
    return {path for path, model in base.items() if model.blake3 in loose}


def _drop_strays(named: dict[str, str], base: Mapping[str, Held], head: Mapping[str, Held]) -> None:
    """Drop the names that count for nothing: there the path says it. What is dropped may make others such."""
    apart = _kept_apart(base, head, named)
    heirs: dict[str, set[str]] = {}
    for path, old in named.items():
        heirs.setdefault(old, set()).add(path)
    asked = list(named)
    while asked:
        path = asked.pop()
        old = named.get(path, path)
        if old == path or path not in base:
            continue
        if not heirs.get(path) or old in apart or _stays(old, head, named):
            heirs[old].remove(path)
            asked += [old, *heirs.get(path, ())]
            del named[path]


def _stays(old: str, head: Mapping[str, Held], named: Mapping[str, str]) -> bool:
    """Whether base's model at `old` is still there, and is followed by what is."""
    return old in head and named.get(old, old) == old


def _by_rename(
    base: Mapping[str, Held], head: Mapping[str, Held], found: Mapping[str, _Link], renames: Iterable[tuple[str, str]],
) -> dict[str, _Link]:
    """Pair what is gone with what is new: where the bytes are the same, then where Git sees likeness."""
    gone = base.keys() - {old for _, old in found.values()}
    new = head.keys() - found.keys()
    likely = [(old, path) for old, path in renames if old in gone and path in new]
    same = [(old, path) for old, path in likely if base[old].blake3 == head[path].blake3]
    pairs = _each_once(same)
    equal = _of_equal_bytes(
        [base[old] for old in sorted(gone - pairs.keys())],
        [head[path] for path in sorted(new - set(pairs.values()))],
    )
    pairs = _each_once([*pairs.items(), *equal, *likely])
    return {path: ("rename", old) for old, path in pairs.items()}


def _each_once(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return those pairs of which neither side is in one before it."""
    chosen: dict[str, str] = {}
    taken: set[str] = set()
    for old, new in pairs:
        if old not in chosen and new not in taken:
            chosen[old] = new
            taken.add(new)
    return chosen


def _of_equal_bytes(gone: Iterable[Held], new: Iterable[Held]) -> Iterator[tuple[str, str]]:
    waiting: dict[str, list[str]] = {}
    for model in gone:
        waiting.setdefault(model.blake3, []).append(model.path)
    for model in new:
        if model.blake3 and waiting.get(model.blake3):
            yield waiting[model.blake3].pop(0), model.path


# In base's history.


class _Life(NamedTuple):
    """A path's states from where its pointer came until it went."""

    path: str
    states: tuple[State, ...]
    """At least one, the newest first, each with a pointer."""
    died: int | None = None
    """The age of the commit that took it away; None when base has it."""

    @property
    def born(self) -> int:
        """The age of the commit that brought it."""
        return self.states[-1].age

    @property
    def key(self) -> tuple[str, int]:
        """What tells it from all others."""
        return self.path, self.born


def _lives(path: str, states: Iterable[State]) -> Iterator[_Life]:
    """Yield the lives of a path, the newest first."""
    run: list[State] = []
    died: int | None = None
    for state in states:
        if state.pointer:
            run.append(state)
            continue
        if run:
            yield _Life(path, tuple(run), died)
        run, died = [], state.age
    if run:
        yield _Life(path, tuple(run), died)


class _Ancestry:
    """The lives of all paths, and which of them goes on in which."""

    def __init__(self, lives: Sequence[_Life]) -> None:
        self._parents: dict[tuple[str, int], _Life] = {}
        self._heirs: dict[tuple[str, int], _Life] = {}
        self._at = _grouped((life.path, life) for life in lives)
        ended = [life for life in lives if life.died is not None]
        self._named = _grouped((life.states[0].name, life) for life in ended)
        self._died = _grouped((str(life.died), life) for life in ended)
        self._bytes = _grouped((state.blake3, life) for life in ended for state in life.states)

    def follow(self, life: _Life, moved_from: str) -> None:
        """Let `life` go on from one that had ended when it came."""
        last = life.states[-1]
        at_once = self._died.get(str(life.born), [])
        moved = [ended for ended in at_once if ended.path == moved_from]
        alike = [ended for ended in at_once if _is_like(ended, last.blake3)]
        if parent := self._choose(Held(life.path, last.name), life.born, moved or alike):
            self._parents[life.key] = parent
            self._heirs[parent.key] = life

    def lost(self, model: Held) -> _Life | None:
        """Return the last life of a model that base has no more."""
        return self._choose(model, -1, self._bytes.get(model.blake3, ()) if model.blake3 else ())

    def standing(self, path: str) -> _Life | None:
        """Return the life of a path of base."""
        return next((life for life in self._at.get(path, ()) if life.died is None), None)

    def stood(self, life: _Life | None) -> tuple[Stood, ...]:
        """Return the states of a life and of those that it goes on from."""
        found: dict[tuple[str, str], Stood] = {}
        while life is not None:
            for state in life.states:
                found.setdefault((state.pointer, state.report), Stood(life.path, state))
            life = self._parents.get(life.key)
        return tuple(found.values())

    def _choose(self, model: Held, born: int, likely: Iterable[_Life]) -> _Life | None:
        """Return what had ended by then and goes on in nothing else: of its name, or `likely`, or at its path."""
        named = self._named.get(model.name, ()) if model.name else ()
        here = [self._last(life) for life in self._at.get(model.path, ()) if life.born > born]
        for lives in (named, likely, here):
            free = [life for life in lives if life.key not in self._heirs]
            ended = [(life.died, life.path, life) for life in free if life.died is not None and life.died >= born]
            if ended:
                return min(ended)[2]
        return None

    def _last(self, life: _Life) -> _Life:
        """Return what has become of a life."""
        while life.key in self._heirs:
            life = self._heirs[life.key]
        return life


def _ancestry(history: Mapping[str, Sequence[State]], moves: Iterable[Move]) -> _Ancestry:
    lives = [life for path, states in history.items() for life in _lives(path, states)]
    moved = {(move.age, move.new): move.old for move in moves}
    ancestry = _Ancestry(lives)
    for life in sorted(lives, key=lambda life: (-life.born, life.path)):
        ancestry.follow(life, moved.get((life.born, life.path), ""))
    return ancestry


def _grouped(pairs: Iterable[tuple[str, _Life]]) -> dict[str, list[_Life]]:
    groups: dict[str, list[_Life]] = {}
    for key, life in pairs:
        groups.setdefault(key, []).append(life)
    return groups


def _is_like(ended: _Life, blake3: str) -> bool:
    """Whether a life ended with these bytes."""
    return bool(blake3) and ended.states[0].blake3 == blake3
