"""Which model of the target branch a model succeeds: by name, path, Git's renames, or history."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple, TypeAlias, TypeVar

from mvc.objects.names import fold

FoundBy: TypeAlias = Literal["name", "path", "rename", "history", ""]


class TreeModel(NamedTuple):
    """A model of a tree."""

    path: str
    """The tracked path, without `.mvc`, as everywhere here."""
    name: str = ""
    """The name in its pointer; empty without one, or when the pointer is unreadable."""
    blake3: str = ""
    """The digest of its content; empty when the pointer is unreadable."""


class PathState(NamedTuple):
    """Pointer and report at a path from a commit of base's first-parent history until the next newer state."""

    age: int
    """The number of first-parent commits from base's tip to this commit; 0 for the tip."""
    commit: str
    pointer: str
    """The pointer's blob; empty when the commit deleted it."""
    report: str = ""
    """The report's blob; empty without one."""
    name: str = ""
    """As in `TreeModel`; if it is empty, only paths, renames and equal pointers are compared."""
    blake3: str = ""

    @property
    def pair(self) -> tuple[str, str]:
        """The blobs of pointer and report."""
        return self.pointer, self.report


class HistoryRename(NamedTuple):
    """A rename in a commit of base's first-parent history."""

    age: int
    old: str
    new: str


class PastState(NamedTuple):
    """A state and its path."""

    path: str
    state: PathState


class Lineage(NamedTuple):
    """A model of the judged tree, and the model that it succeeds."""

    path: str
    found: FoundBy = ""
    """How its predecessor was found; empty for a new model (Git tags are not searched here)."""
    before: str = ""
    """The path of its predecessor: in base, or, for `history`, of the newest of `past`."""
    past: tuple[PastState, ...] = ()
    """All its earlier pairs of pointer and report, without duplicates, newest first."""
    takes_name: bool = False
    """Whether another model had its name last: the first of `named`."""
    named: tuple[PastState, ...] = ()
    """All pairs that any model had under its name: those in base first, then newest first."""


def find_lineages(
    base: Iterable[TreeModel],
    head: Iterable[TreeModel],
    asked: Collection[str],
    renames: Iterable[tuple[str, str]] = (),
    history: Mapping[str, Sequence[PathState]] | None = None,
    moves: Iterable[HistoryRename] = (),
) -> dict[str, Lineage]:
    """Return the lineage of each path in `asked` that is in `head`.

    `base` and `head` are all models of both trees. `renames` are Git's renames between them as (old, new), the most
    likely first; renames of unknown paths, or of paths that stay, are ignored. `history` has the states of all relevant
    paths, newest first, with deletions; the first one is base's where base has the path. A path that ever had the name
    of an asked one is relevant. Names that differ only by case are one name, as they are one Git tag on many systems.

    A name takes precedence over a path, unless the model at that path would then have no successor, or the model with
    that name stays at its path, or its content is at a new path without a name of base's. Otherwise a model could
    escape a comparison by taking the name of a weaker one. For the same reason a name taken from a model that stays
    comes after a rename. By name and path, several models can succeed the same one. A rename gives a model one
    successor at most: a copy is new.
    """
    held = {model.path: _folded(model) for model in base}
    there = {model.path: _folded(model) for model in head}
    known = {path: [_folded(state) for state in states] for path, states in (history or {}).items()}
    found = _links(held, there, renames)
    past = _ancestry(known, moves)
    lineages = (_lineage(there[path], found.get(path), past) for path in asked if path in there)
    named = _Named.of(held, known)
    return {lineage.path: named.added_to(lineage, there[lineage.path].name) for lineage in lineages}


_WithName = TypeVar("_WithName", TreeModel, PathState)


def _folded(item: _WithName) -> _WithName:
    return item._replace(name=fold(item.name))


def _lineage(model: TreeModel, link: _Link | None, past: _Ancestry) -> Lineage:
    if link is not None:
        found, old = link
        return Lineage(model.path, found, old, past.states(past.standing(old)))
    life = past.lost(model)
    return Lineage(model.path, "history", life.path, past.states(life)) if life else Lineage(model.path)


class _Named(NamedTuple):
    """Who has, and who had, each name."""

    now: dict[str, list[str]]
    """The paths in base by name, without those that have none."""
    ever: dict[str, list[PastState]]
    """All states by name: those that base still has first, then newest first."""

    @classmethod
    def of(cls, base: _Tree, history: Mapping[str, Sequence[PathState]]) -> _Named:
        states = [PastState(path, state) for path, states in history.items() for state in states if state.pointer]
        states.sort(key=lambda item: (item.state is not history[item.path][0], item.state.age, item.path))
        ever: dict[str, list[PastState]] = {}
        for item in states:
            ever.setdefault(item.state.name, []).append(item)
        now: dict[str, list[str]] = {}
        for model in base.values():
            if model.name:
                now.setdefault(model.name, []).append(model.path)
        return cls(now, ever)

    def added_to(self, lineage: Lineage, name: str) -> Lineage:
        """Return a lineage with those who had its name."""
        named = tuple(self.ever.get(name, ())) if name else ()
        if name in self.now:
            takes = lineage.before not in self.now[name]
        else:
            takes = bool(named) and named[0].state.pair not in {item.state.pair for item in lineage.past}
        return lineage._replace(named=named, takes_name=takes)


_Tree: TypeAlias = Mapping[str, TreeModel]
"""The models of a tree by path."""


# Between base and head.

_Link: TypeAlias = tuple[FoundBy, str]
"""How a model of base was found, and its path."""


def _links(base: _Tree, head: _Tree, renames: Iterable[tuple[str, str]]) -> dict[str, _Link]:
    named = _by_name(base, head)
    _drop_overridden(named, base, head)
    taken = {path for path, old in named.items() if path != old and _stays(old, head, named)}
    links: dict[str, _Link] = {path: ("path", path) for path in head if path in base}
    links |= {path: ("name", old) for path, old in named.items() if path not in taken}
    links |= _by_rename(base, head, links, renames)
    for path in taken - links.keys():
        links[path] = "name", named[path]
    return links


def _by_name(base: _Tree, head: _Tree) -> dict[str, str]:
    """Return, by path, the path of the only model in base with the same name."""
    paths: dict[str, list[str]] = {}
    for model in base.values():
        paths.setdefault(model.name, []).append(model.path)
    single = {name: found[0] for name, found in paths.items() if name and len(found) == 1}
    return {model.path: single[model.name] for model in head.values() if model.name in single}


def _moved_without_name(base: _Tree, head: _Tree, named: Collection[str]) -> set[str]:
    """Return the models of base whose content is at a new path without a name of base's."""
    loose = {model.blake3 for path, model in head.items() if path not in base and path not in named} - {""}
    return {path for path, model in base.items() if model.blake3 in loose}


def _drop_overridden(named: dict[str, str], base: _Tree, head: _Tree) -> None:
    """Drop the names that the path overrides. Each one dropped may affect others."""
    moved = _moved_without_name(base, head, named)
    heirs: dict[str, set[str]] = {}
    for path, old in named.items():
        heirs.setdefault(old, set()).add(path)
    asked = list(named)
    while asked:
        path = asked.pop()
        old = named.get(path, path)
        if old == path or path not in base:
            continue
        if not heirs.get(path) or old in moved or _stays(old, head, named):
            heirs[old].remove(path)
            asked += [old, *heirs.get(path, ())]
            del named[path]


def _stays(old: str, head: _Tree, named: Mapping[str, str]) -> bool:
    """Whether base's model at `old` is succeeded by the one at the same path."""
    return old in head and named.get(old, old) == old


def _by_rename(
    base: _Tree, head: _Tree, found: Mapping[str, _Link], renames: Iterable[tuple[str, str]],
) -> dict[str, _Link]:
    """Pair deleted with new models: those of equal content first, then Git's renames of similar ones."""
    gone = base.keys() - {old for _, old in found.values()}
    new = head.keys() - found.keys()
    likely = [(old, path) for old, path in renames if old in gone and path in new]
    same = [(old, path) for old, path in likely if base[old].blake3 == head[path].blake3]
    pairs = _each_once(same)
    equal = _of_equal_content(
        [base[old] for old in sorted(gone - pairs.keys())],
        [head[path] for path in sorted(new - set(pairs.values()))],
    )
    pairs = _each_once([*pairs.items(), *equal, *likely])
    return {path: ("rename", old) for old, path in pairs.items()}


def _each_once(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the pairs with sides that are in no earlier pair."""
    chosen: dict[str, str] = {}
    taken: set[str] = set()
    for old, new in pairs:
        if old not in chosen and new not in taken:
            chosen[old] = new
            taken.add(new)
    return chosen


def _of_equal_content(gone: Iterable[TreeModel], new: Iterable[TreeModel]) -> Iterator[tuple[str, str]]:
    waiting: dict[str, list[str]] = {}
    for model in gone:
        waiting.setdefault(model.blake3, []).append(model.path)
    for model in new:
        if model.blake3 and waiting.get(model.blake3):
            yield waiting[model.blake3].pop(0), model.path


# In base's history.


class _Life(NamedTuple):
    """The states of a path from the addition of its pointer to its deletion."""

    path: str
    states: tuple[PathState, ...]
    """At least one, newest first, each with a pointer."""
    died: int | None = None
    """The age of the commit that deleted it; None while base has it."""

    @property
    def born(self) -> int:
        """The age of the commit that added it."""
        return self.states[-1].age

    @property
    def key(self) -> tuple[str, int]:
        """A unique key."""
        return self.path, self.born


def _lives(path: str, states: Iterable[PathState]) -> Iterator[_Life]:
    """Yield the lives of a path, newest first."""
    run: list[PathState] = []
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
    """The lives of all paths, and which one continues which."""

    def __init__(self, lives: Sequence[_Life]) -> None:
        self._parents: dict[tuple[str, int], _Life] = {}
        self._heirs: dict[tuple[str, int], _Life] = {}
        self._at = _grouped((life.path, life) for life in lives)
        ended = [life for life in lives if life.died is not None]
        self._named = _grouped((life.states[0].name, life) for life in ended)
        self._died = _grouped((str(life.died), life) for life in ended)
        self._bytes = _grouped((state.blake3, life) for life in ended for state in life.states)

    def follow(self, life: _Life, moved_from: str) -> None:
        """Find the life that `life` continues, among those that ended before it."""
        last = life.states[-1]
        at_once = self._died.get(str(life.born), [])
        moved = [ended for ended in at_once if ended.path == moved_from]
        alike = [ended for ended in at_once if last.blake3 and ended.states[0].blake3 == last.blake3]
        if parent := self._choose(TreeModel(life.path, last.name), life.born, moved or alike):
            self._parents[life.key] = parent
            self._heirs[parent.key] = life

    def lost(self, model: TreeModel) -> _Life | None:
        """Return the last life of a model that base does not have."""
        return self._choose(model, -1, self._bytes.get(model.blake3, ()) if model.blake3 else ())

    def standing(self, path: str) -> _Life | None:
        """Return the current life of a path of base."""
        return next((life for life in self._at.get(path, ()) if life.died is None), None)

    def states(self, life: _Life | None) -> tuple[PastState, ...]:
        """Return the states of a life and of those that it continues."""
        found: dict[tuple[str, str], PastState] = {}
        while life is not None:
            for state in life.states:
                found.setdefault(state.pair, PastState(life.path, state))
            life = self._parents.get(life.key)
        return tuple(found.values())

    def _choose(self, model: TreeModel, born: int, likely: Iterable[_Life]) -> _Life | None:
        """Return a life that ended by then and has no successor: with its name, or `likely`, or at its path."""
        named = self._named.get(model.name, ()) if model.name else ()
        here = [self._last(life) for life in self._at.get(model.path, ()) if life.born > born]
        for lives in (named, likely, here):
            free = [life for life in lives if life.key not in self._heirs]
            ended = [(life.died, life.path, life) for life in free if life.died is not None and life.died >= born]
            if ended:
                return min(ended)[2]
        return None

    def _last(self, life: _Life) -> _Life:
        """Return the last life that continues a life."""
        while life.key in self._heirs:
            life = self._heirs[life.key]
        return life


def _ancestry(history: Mapping[str, Sequence[PathState]], moves: Iterable[HistoryRename]) -> _Ancestry:
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
