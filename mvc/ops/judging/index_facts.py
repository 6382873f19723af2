"""What the hook judges: the models and files that a commit would change, as the index has them."""

from __future__ import annotations

from itertools import filterfalse
from typing import NamedTuple

from mvc.errors import InvalidFormat
from mvc.objects.pointer import SUFFIX
from mvc.objects.pointer_reader import parse
from mvc.ops.judging.cached_content import is_kept, with_files
from mvc.ops.judging.pickle_scans import with_scans
from mvc.ops.judging.touched_models import GITLINK, SYMLINK, enters, is_left, is_model, is_pointer, read_files, touched
from mvc.project import FOLDER, Project
from mvc.quality.files import POLICY, FileAt
from mvc.quality.files import SUFFIX as REPORT
from mvc.quality.judge.facts import Facts, ModelFacts
from mvc.quality.policy.parsed_policy import read_policy
from mvc.scm.index import IndexPaths
from mvc.scm.index_changes import Index


class Staged(NamedTuple):
    """What the index brings."""

    facts: Facts
    """What the commit would change."""
    others: tuple[ModelFacts, ...] = ()
    """The models that it would not: judged besides when the policy changes."""


def index_facts(project: Project, index: Index) -> Staged | None:
    """Return what a commit of `index` would bring; None where nothing is mvc's, neither there nor in HEAD.

    Raises:
        MvcError: Git or the cache cannot be read.

    """
    if not any(path.startswith(f"{FOLDER}/") or is_pointer(path) for path in (*index.entries, *index.changes)):
        return None
    changed = {path for path in touched(index) if is_model(index, path)}
    tracked = {path.removesuffix(SUFFIX) for path in index.entries if is_pointer(path)}
    others = tracked - changed if POLICY in index.changes else set()
    ours = [POLICY, *(path + suffix for path in (*changed, *others) for suffix in (SUFFIX, REPORT))]
    foreign = [path for path in index.changes if enters(index, path, tracked)]
    files, blobs = read_files(project.git, index, ours, foreign)
    source = _Source(project, index, files, IndexPaths(sorted(index.entries)))
    parsed = read_policy(files.get(POLICY))
    policy = parsed.policy
    models = (source.model(path) for path in sorted(changed))
    left = with_files(project, policy, (model for model in models if is_left(index, model)))
    left = (*with_scans(project, policy, filter(_is_here, left)), *filterfalse(_is_here, left))
    rest = with_files(project, policy, (source.model(path) for path in sorted(others)))
    return Staged(Facts(parsed, left, blobs), rest)


def _is_here(model: ModelFacts) -> bool:
    """Whether the commit brings it, and the cache has all of it."""
    return model.in_cache is True


class _Source(NamedTuple):
    """What the facts of a model are taken from."""

    project: Project
    staged: Index
    files: dict[str, FileAt]
    paths: IndexPaths

    def model(self, path: str) -> ModelFacts:
        """Return the facts of a tracked path. The cache is asked for what a pointer that is new here names."""
        pointer = self.files.get(path + SUFFIX)
        new = pointer is not None and pointer.oid not in self.staged.known
        kept = _kept(self.project, pointer) if pointer and new else None
        return ModelFacts(path, pointer, self.files.get(path + REPORT), kept, bool(self.paths.at_or_below(path)))


def _kept(project: Project, pointer: FileAt) -> bool | None:
    """Return whether the cache has all that a pointer needs; None for what is no pointer."""
    if pointer.conflicted or pointer.mode in (GITLINK, SYMLINK):
        return None
    try:
        return is_kept(project, parse(pointer.raw))
    except InvalidFormat:
        return None
