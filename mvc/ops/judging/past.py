"""What the target branch, its history and the Git tags know of the models that a change touches."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import cache
from typing import NamedTuple

from mvc.objects.pointer import SUFFIX
from mvc.ops.judging.blobs import REGULAR, Blobs
from mvc.ops.judging.touched_models import is_pointer, stem
from mvc.quality.files import SIGNATURES
from mvc.quality.files import SUFFIX as REPORT
from mvc.quality.judge.facts import ModelVersion, Past
from mvc.quality.judge.lineage import Lineage, PastState, PathState, Rename, TreeModel, find_lineages
from mvc.scm.history import Step, VersionTag, aside, files_at, first_parents, renames, renames_in, version_tags
from mvc.scm.index_changes import Entry
from mvc.scm.landing import Landed, list_tree, tree_of

_PATTERNS = (f"*{SUFFIX}", f"*{REPORT}")


class Trees(NamedTuple):
    """Both trees, as far as pointers and reports go."""

    base: Mapping[str, Entry]
    judged: Mapping[str, Entry]


# What was before.


class Models(NamedTuple):
    """The models of a change, and what was before them."""

    pasts: dict[str, Past]
    """Of each path that was asked for and is there, or is gone and has no successor."""
    names: dict[str, str]
    """By tracked path of the judged tree, the name that its pointer gives it."""
    gone: tuple[ModelVersion, ...]


def read_past(place: Landed, trees: Trees, blobs: Blobs, changed: Collection[str]) -> Models:
    """Return what is known of the tracked paths that changed.

    Raises:
        MvcError: Git cannot read it, or this clone lacks some of it.

    """
    base, judged = _pointers(trees.base), _pointers(trees.judged)
    gone = base.keys() - judged.keys()
    near = gone.union(changed)
    blobs.load_files(side[path] for side in (base, judged) for path in near & side.keys())
    blobs.load_files(entry for path in near if (entry := trees.base.get(path + REPORT)))
    blobs.load_names(entry for side in (base, judged) for entry in side.values())
    source = _Source(place, trees, blobs)
    asked = sorted(judged.keys() & set(changed))
    found = source.descents(_held(base, near, blobs), _held(judged, near, blobs), asked)
    blobs.load(stood.state.report for descent in found.values() for stood in descent.past)
    pasts = {path: source.past(descent) for path, descent in found.items()}
    for path, versions in source.registered(pasts).items():
        pasts[path] = pasts[path]._replace(registered=versions)
    for path, versions in source.aside(pasts).items():
        pasts[path] = pasts[path]._replace(merged_branch_reports=versions)
    followed = {past.before.path for past in pasts.values() if past.before}
    for path in gone - followed:
        version = source.version(path)
        pasts[path] = Past(version, "path", (version,))
    names = {path: blobs.name(entry.oid) for path, entry in judged.items()}
    return Models(pasts, names, tuple(map(source.version, sorted(gone))))


def _pointers(entries: Mapping[str, Entry]) -> dict[str, Entry]:
    """Return the pointers by tracked path."""
    return {path.removesuffix(SUFFIX): entry for path, entry in entries.items() if is_pointer(path)}


def _held(pointers: Mapping[str, Entry], near: Collection[str], blobs: Blobs) -> dict[str, TreeModel]:
    """Return the models of a tree; which bytes they are of is only told of those `near` the change."""
    return {
        path: TreeModel(path, *blobs.identity(entry.oid)) if path in near else TreeModel(path, blobs.name(entry.oid))
        for path, entry in pointers.items()
    }


class _Source(NamedTuple):
    """Where it is looked up."""

    place: Landed
    trees: Trees
    blobs: Blobs

    def version(self, path: str) -> ModelVersion:
        """Return what base has at `path`, which was loaded."""
        pointer, report = (self.blobs.file(self.trees.base.get(path + suffix)) for suffix in (SUFFIX, REPORT))
        return ModelVersion(path, pointer, report, self.place.base)

    def descents(
        self, base: Mapping[str, TreeModel], judged: Mapping[str, TreeModel], asked: Collection[str],
    ) -> dict[str, Lineage]:
        """Return what each of the `asked` succeeds; the history is only read when there is one."""
        if not asked:
            return {}
        steps = first_parents(self.place.git, self.place.base, *_PATTERNS)
        history = _histories(steps)
        names = {judged[path].name for path in asked} - {""}
        twins = {path for path, held in base.items() if held.name in names}
        ended = {path for path, states in history.items() if not states[0].pointer}
        wanted = {path: history[path] for path in {*asked, *twins, *ended, *base.keys() - judged} if path in history}
        self.blobs.load(state.pointer for states in wanted.values() for state in states)
        told = {path: [self._told(state) for state in states] for path, states in wanted.items()}
        moves = self._moves(steps) if ended else []
        return find_lineages(base.values(), judged.values(), asked, self._renames(base, judged), told, moves)

    def _told(self, state: PathState) -> PathState:
        name, blake3 = self.blobs.identity(state.pointer)
        return state._replace(name=name, blake3=blake3)

    def _renames(self, base: Mapping[str, TreeModel], judged: Mapping[str, TreeModel]) -> list[tuple[str, str]]:
        """Return what Git sees renamed: pointers first, then reports."""
        if base.keys() <= judged.keys() or judged.keys() <= base.keys():
            return []
        git, old, new = self.place.git, tree_of(self.place.git, self.place.base), self.place.tree
        return [pair for pattern in _PATTERNS for pair in _stems(renames(git, old, new, pattern))]

    def _moves(self, steps: Iterable[Step]) -> list[Rename]:
        """Return what Git sees renamed in the history; of two that say otherwise the last counts, a pointer's."""
        ages = {step.commit: age for age, step in enumerate(steps) if _has_move(step)}
        found = []
        for pattern in reversed(_PATTERNS):
            for commit, pair in renames_in(self.place.git, ages, pattern):
                found += [Rename(ages[commit], old, new) for old, new in _stems([pair])]
        return found

    def past(self, descent: Lineage) -> Past:
        """Return what was before a model."""
        versions = tuple(map(self._stood, descent.past))
        if descent.found == "history":
            return Past(versions[0], "history", versions)
        return Past(self.version(descent.before) if descent.before else None, descent.found, versions)

    def _stood(self, stood: PastState) -> ModelVersion:
        pointer, report = (self.blobs.regular(oid) for oid in (stood.state.pointer, stood.state.report))
        return ModelVersion(stood.path, pointer, report, stood.state.commit)

    # Git tags.

    def registered(self, pasts: Mapping[str, Past]) -> dict[str, tuple[ModelVersion, ...]]:
        """Return the versions that Git tags register of each model."""
        called = {path: self._called(path, past) for path, past in pasts.items()}
        tags = version_tags(self.place.git, self.place.base, set().union(*called.values())) if called else []
        if not tags:
            return {}
        meant = {
            path: [(tag, _places(path, pasts[path])) for tag in tags if tag.name in called[path]] for path in pasts
        }
        wanted = {(tag.commit, place) for pairs in meant.values() for tag, places in pairs for place in places}
        oids = files_at(self.place.git, ((commit, f"{place}{suffix}") for commit, place in wanted for suffix in _BOTH))
        self.blobs.load(oids.values())
        elsewhere = cache(self._elsewhere)
        return {path: tuple(self._tagged(pairs, oids, elsewhere)) for path, pairs in meant.items()}

    def _called(self, path: str, past: Past) -> set[str]:
        """Return the names under which a model may be registered: its own, or that of its file without the end."""
        files = {_file_name(path), *([_file_name(past.before.path)] if past.before and past.before.pointer else [])}
        return self._names(path, past) | files

    def _names(self, path: str, past: Past) -> set[str]:
        """Return the names in the pointers of a model, now and before."""
        pointers = self.trees.judged.get(path + SUFFIX), past.before and past.before.pointer
        return {self.blobs.identity(pointer.oid)[0] for pointer in pointers if pointer} - {""}

    def _tagged(
        self, pairs: Iterable[tuple[VersionTag, tuple[str, ...]]], oids: Mapping[tuple[str, str], str],
        elsewhere: Callable[[VersionTag], tuple[ModelVersion, ...]],
    ) -> Iterator[ModelVersion]:
        """Yield what stands in each tag's commit at the first of its places that has a pointer, else elsewhere."""
        for tag, places in pairs:
            place = next((place for place in places if (tag.commit, place + SUFFIX) in oids), "")
            if place:
                yield self._registered(tag, place, *(oids.get((tag.commit, place + suffix), "") for suffix in _BOTH))
            else:
                yield from elsewhere(tag)

    def _elsewhere(self, tag: VersionTag) -> tuple[ModelVersion, ...]:
        """Return what a tag may register where base never had it: pointers of that name, or files called so.

        A file that base has itself is no other's version, unless its pointer says the name.
        """
        there = list_tree(self.place.git, tree_of(self.place.git, tag.commit))
        pointers = _pointers(there)
        self.blobs.load_names(pointers.values())
        names = {path: self.blobs.name(entry.oid) for path, entry in pointers.items()}
        found = [path for path, name in names.items() if tag.name == (name or self._newly_called(path))]
        files = {path: [there.get(path + suffix) for suffix in _BOTH] for path in sorted(found)}
        self.blobs.load_files(entry for pair in files.values() for entry in pair if entry)
        return tuple(self._registered(tag, path, *map(_regular, pair)) for path, pair in files.items())

    def _newly_called(self, path: str) -> str:
        """Return what a model without a name is called; empty where base has one at that path."""
        return "" if path + SUFFIX in self.trees.base else _file_name(path)

    def _registered(self, tag: VersionTag, place: str, pointer: str, report: str) -> ModelVersion:
        files = self.blobs.regular(pointer), self.blobs.regular(report)
        return ModelVersion(place, *files, tag.commit, tag.tag, tag.merged)

    # Branches that were merged.

    def aside(self, pasts: Mapping[str, Past]) -> dict[str, tuple[ModelVersion, ...]]:
        """Return the reports that branches merged into base had of each model: at its paths, or under its name."""
        brought = _brought(aside(self.place.git, self.place.base, *_PATTERNS)) if pasts else {}
        if not brought:
            return {}
        names = {path: self._names(path, past) for path, past in pasts.items()}
        named = self._named(brought, set().union(*names.values()))
        wanted = {
            path: [*((place, "") for place in _places(path, past)), *(at for name in names[path] for at in named[name])]
            for path, past in pasts.items()
        }
        places = {place for pairs in wanted.values() for place, _ in pairs if place in brought}
        self.blobs.load(oid for place in places for oid in brought[place].reports)
        return {path: tuple(self._reports(brought, pairs)) for path, pairs in wanted.items()}

    def _named(self, brought: Mapping[str, _Brought], names: Collection[str]) -> dict[str, list[tuple[str, str]]]:
        """Return where pointers with each of these names stood, and the blake3 in them."""
        there = [(path, oid) for path, files in brought.items() for oid in files.pointers] if names else []
        self.blobs.load_names(Entry(REGULAR[0], oid) for _, oid in there)
        meant = [(path, oid) for path, oid in there if self.blobs.name(oid) in names]
        self.blobs.load(oid for _, oid in meant)
        found: dict[str, list[tuple[str, str]]] = {name: [] for name in names}
        for path, oid in meant:
            name, blake3 = self.blobs.identity(oid)
            found[name].append((path, blake3))
        return found

    def _reports(self, brought: Mapping[str, _Brought], wanted: Iterable[tuple[str, str]]) -> Iterator[ModelVersion]:
        """Yield the reports at these places, those that speak of a blake3 where one is given."""
        for place, blake3 in wanted:
            for oid, commit in brought[place].reports.items() if place in brought else ():
                report = self.blobs.regular(oid)
                if report and blake3.encode() in report.raw:
                    yield ModelVersion(place, None, report, commit)


_BOTH = (SUFFIX, REPORT)


def _regular(entry: Entry | None) -> str:
    """Return the blob of a regular file; empty for anything else."""
    return entry.oid if entry and entry.mode in REGULAR else ""


def _places(path: str, past: Past) -> tuple[str, ...]:
    """Return the paths at which a model stands or stood."""
    return tuple(dict.fromkeys([path, *(version.path for version in past.versions)]))


def _file_name(path: str) -> str:
    """Return a file's name without its last suffix: how a model without a name is registered."""
    name = path.rpartition("/")[2]
    return name.rpartition(".")[0] or name


def _stems(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(stem(old), stem(new)) for old, new in pairs if stem(old) and stem(new)]


# History.


def _histories(steps: list[Step]) -> dict[str, list[PathState]]:
    """Return the states of each path that ever had a pointer, the newest first."""
    current: dict[str, tuple[str, str]] = {}
    found: dict[str, list[PathState]] = {}
    for age in range(len(steps) - 1, -1, -1):
        for path in _apply(steps[age], current):
            found.setdefault(path, []).append(PathState(age, steps[age].commit, *current[path]))
    return {path: states[::-1] for path, states in found.items() if any(state.pointer for state in states)}


def _apply(step: Step, current: dict[str, tuple[str, str]]) -> set[str]:
    """Change what stands at each path as a commit does; the paths that it touches."""
    touched = set()
    for change in step.changes:
        path = stem(change.path)
        if path and not change.path.endswith(SIGNATURES):
            oid = change.oid if change.mode in REGULAR else ""
            pointer, report = current.get(path, ("", ""))
            current[path] = (oid, report) if is_pointer(change.path) else (pointer, oid)
            touched.add(path)
    return touched


class _Brought(NamedTuple):
    """What commits brought at a path: blobs, each with the oldest of those commits."""

    pointers: dict[str, str]
    reports: dict[str, str]


def _brought(steps: Iterable[Step]) -> dict[str, _Brought]:
    """Return the pointers and reports that commits brought; the newest commit comes first."""
    found: dict[str, _Brought] = {}
    for step in steps:
        for change in step.changes:
            path = stem(change.path)
            if path and change.mode in REGULAR and not change.path.endswith(SIGNATURES):
                there = found.setdefault(path, _Brought({}, {}))
                (there.pointers if is_pointer(change.path) else there.reports)[change.oid] = step.commit
    return found


def _has_move(step: Step) -> bool:
    """Whether a commit takes a pointer away, and brings another."""
    pointers = [change for change in step.changes if is_pointer(change.path)]
    came = any(not change.old_mode.strip("0") for change in pointers)
    return came and any(not change.mode.strip("0") for change in pointers)
