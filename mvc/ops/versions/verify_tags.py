"""`mvc verify --tags`: compares the tags of versions and stages with each other, and with their commits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from mvc.errors import CorruptObject
from mvc.objects.pointer import path_of
from mvc.ops.shared.versions.read import checked, files_of
from mvc.ops.shared.versions.tag_signatures import Keys, signature_problem
from mvc.project import Project
from mvc.registry.event import Event, read_events
from mvc.registry.problems import TagProblem, tag_problems
from mvc.scm.commits import CommitPath
from mvc.scm.incomplete import Lack, lacks_versions
from mvc.scm.tags import read_tags

_BATCH = 500
"""Tags whose pointers and reports are in memory at once."""


class VerifiedTags(NamedTuple):
    """The number of tags of versions and stages, and what is wrong with them."""

    tags: int
    signed: int
    """How many have a signature that counts."""
    problems: tuple[TagProblem, ...]
    incomplete: Lack | None = None
    """Why this clone may lack tags."""

    @property
    def exit_code(self) -> int:
        """1 if a tag is wrong, 3 if none is but some may be missing, else 0."""
        if any(problem.severity == "error" for problem in self.problems):
            return 1
        return 3 if self.incomplete else 0


def verify_tags(project: Project, now: float) -> VerifiedTags:
    """Verify all tags of versions and stages; signatures at `now`, in seconds since the epoch.

    Raises:
        MvcError: Git or `ssh-keygen` cannot be used.
    """
    found = [*read_events(read_tags(project.git))]
    events = [item for item in found if isinstance(item, Event)]
    incomplete = lacks_versions(project.git)
    unsigned = list(_signature_problems(project, events, now))
    problems = [*tag_problems(found, now, complete=incomplete is None), *_forged(project, events), *unsigned]
    signed = sum(event.is_signed for event in events) - len(unsigned)
    order = sorted(problems, key=lambda problem: (problem.severity, problem.tag))
    return VerifiedTags(len(found), signed, tuple(order), incomplete)


def _forged(project: Project, events: Iterable[Event]) -> Iterator[TagProblem]:
    """Yield the tags whose commit does not have what they say."""
    claims = [(event, event.trailers.pointer) for event in events]
    told = [(event, CommitPath(event.commit, path_of(pointer))) for event, pointer in claims if pointer]
    for start in range(0, len(told), _BATCH):
        batch = told[start : start + _BATCH]
        files = files_of(project, dict.fromkeys(place for _, place in batch))
        for event, place in batch:
            try:
                checked(event, files.get(place))
            except CorruptObject as error:
                yield TagProblem(event.tag, "error", error.message)


def _signature_problems(project: Project, events: Iterable[Event], now: float) -> Iterator[TagProblem]:
    keys = Keys.read(project)
    for event in events:
        if event.is_signed and (problem := signature_problem(project, keys, event, now)):
            yield TagProblem(event.tag, "error" if keys.allowed else "warning", f"signature: {problem}")
