"""The facts that the hook judges: the models and files of the index that a commit would change."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from mvc.objects.pointer import SUFFIX
from mvc.ops.judging.touched_models import (
    ContentInGit,
    content_in_git,
    enters,
    is_left,
    read_files,
    touched_models,
    with_restored,
)
from mvc.ops.shared.evidence.cached_content import in_cache, with_files
from mvc.ops.shared.evidence.pickle_scans import with_scans
from mvc.project import FOLDER, Project
from mvc.quality.files import POLICY, SUBMODULE, SYMLINK, WAIVERS, FileAt
from mvc.quality.files import SUFFIX as REPORT
from mvc.quality.judge.facts import BlobFacts, Companions, Facts, ModelFacts
from mvc.quality.pointer_files import is_pointer, may_have_parts, pointer_in_file
from mvc.quality.policy.parsed_policy import read_policy
from mvc.quality.policy.policy import Policy, max_blob
from mvc.scm.commits import committed_file, head
from mvc.scm.index_changes import Index, merged_commits
from mvc.scm.plumbing import Git


class Staged(NamedTuple):
    """The facts about an index."""

    facts: Facts
    """The models and files that the commit would change."""
    others: tuple[ModelFacts, ...] = ()
    """The unchanged models, when the policy changes: they are judged by it as well."""


def index_facts(project: Project, index: Index) -> Staged | None:
    """Return the facts about a commit of `index`; None when neither index nor HEAD has a file of mvc.

    Raises:
        MvcError: Git or the cache cannot be read.
    """
    if not any(path.startswith(f"{FOLDER}/") or is_pointer(path) for path in (*index.entries, *index.changes)):
        return None
    read = _read(project, index)
    parsed = read_policy(read.files.get(POLICY))
    if parsed.policy.has_other_pointers:
        from mvc.ops.shared.other_pointers.view import PointerView  # noqa: PLC0415 - import time: only with DVC or git-lfs

        index = PointerView(project.git, parsed.policy.pointers).index(index)
        read = _read(project, index)
    content, changed, others, files, blobs = read

    def model_at(path: str) -> ModelFacts:
        pointer = files.get(path + SUFFIX)
        there, mismatch = _in_cache(project, index, pointer)
        return ModelFacts(path, pointer, files.get(path + REPORT), there, content.is_at(path), mismatch=mismatch)

    left = [model for model in map(model_at, sorted(changed)) if is_left(index, model)]
    if merging := merged_commits(project.git, project.layout.git_dir):
        from mvc.ops.judging.merges import with_merges  # noqa: PLC0415 - import time: only while a merge goes on

        left = [*with_merges(project.git, ["HEAD", *merging], left)]
    if parsed.policy.has_other_pointers:
        from mvc.ops.shared.other_pointers.workspace import with_content  # noqa: PLC0415 - import time, as above

        left = [*with_content(project, left)]
    models = _scanned(project, parsed.policy, with_files(project, parsed.policy, left))
    models = _with_parts(project, index, _with_sources(project.git, index, parsed.policy, models))
    rest = with_files(project, parsed.policy, map(model_at, sorted(others)))
    blobs = with_restored(project.git, "HEAD", index, blobs, max_blob(parsed.policy))
    return Staged(Facts(parsed, models, blobs, companions=_companions(project.git, index, models)), rest)


def _with_parts(project: Project, index: Index, models: tuple[ModelFacts, ...]) -> tuple[ModelFacts, ...]:
    if not any(may_have_parts(model.path, model.pointer) for model in models):
        return models
    from mvc.ops.shared.evidence.model_parts import with_parts  # noqa: PLC0415 - import time: few models have parts

    return with_parts(project.cache, models, lambda path: path + SUFFIX in index.entries)


def _with_sources(git: Git, index: Index, policy: Policy, models: tuple[ModelFacts, ...]) -> tuple[ModelFacts, ...]:
    if not any(rule.sources for rule in policy.rules):
        return models
    from mvc.ops.judging.blobs import file_of_index  # noqa: PLC0415 - import time: few policies ask for that
    from mvc.ops.shared.evidence.source_reports import with_sources  # noqa: PLC0415

    return with_sources(git, head(git) or "", policy, models, partial(file_of_index, git, index))


def _companions(git: Git, index: Index, models: tuple[ModelFacts, ...]) -> tuple[Companions, ...]:
    """Return what the models were evaluated with, where their reports name any."""
    if not any(model.report and b"with:" in model.report.raw for model in models):
        return ()
    from mvc.ops.judging.companions import of_index  # noqa: PLC0415 - import time: few reports name any

    return of_index(git, index, models)


class _Read(NamedTuple):
    """What was read of an index."""

    content: ContentInGit
    changed: set[str]
    """The tracked paths that the commit changes."""
    others: set[str]
    """The other ones, if the policy changes."""
    files: dict[str, FileAt]
    blobs: tuple[BlobFacts, ...]


def _read(project: Project, index: Index) -> _Read:
    content = content_in_git(project.git, index)
    changed = touched_models(index, content)
    tracked = {path.removesuffix(SUFFIX) for path in index.entries if is_pointer(path)}
    others = tracked - changed if POLICY in index.changes else set()
    ours = [POLICY, *(path + suffix for path in (*changed, *others) for suffix in (SUFFIX, REPORT))]
    foreign = [path for path in index.changes if enters(index, path, tracked, content)]
    files, blobs, _ = read_files(project.git, index, ours, foreign)
    return _Read(content, changed, others, files, blobs)


def _scanned(project: Project, policy: Policy, models: tuple[ModelFacts, ...]) -> tuple[ModelFacts, ...]:
    """Scan the models that the commit adds or changes, if the cache has them."""
    here = [model for model in models if model.in_cache]
    return (*with_scans(project, policy, here), *(model for model in models if not model.in_cache))


def _in_cache(project: Project, index: Index, pointer: FileAt | None) -> tuple[bool | None, str]:
    """Return whether the cache has the content of a pointer (None unless it is new and can be read), and a mismatch."""
    if pointer is None or pointer.oid in index.known or pointer.conflicted or pointer.mode in (SUBMODULE, SYMLINK):
        return None, ""
    found = pointer_in_file(pointer)
    return in_cache(project, found) if found and not found.other else (None, "")


def landed_waivers(project: Project) -> tuple[FileAt, ...]:
    """Return the waivers of HEAD and of the commits that are being merged; new ones do not count before they land.

    Raises:
        MvcError: Git cannot read them.
    """
    parents = [head(project.git), *merged_commits(project.git, project.layout.git_dir)]
    files = (committed_file(project.git, commit, WAIVERS) for commit in parents if commit)
    return tuple(FileAt("100644", raw) for raw in files if raw is not None)
