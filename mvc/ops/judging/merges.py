"""What a merge made of models: content that is on neither side, and reports that Git mixed from both sides' lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from mvc.objects.pointer import SUFFIX
from mvc.quality.files import SUFFIX as REPORT
from mvc.quality.judge.facts import ModelFacts
from mvc.scm.blobs import read_blobs
from mvc.scm.commits import CommitPath, blobs_at
from mvc.scm.plumbing import Git


def with_merges(
    git: Git, commits: Sequence[str], models: Iterable[ModelFacts], missing: str = "",
) -> Iterator[ModelFacts]:
    """Yield the models with what a merge of `commits` made of them.

    `missing` is the commit that is not merged in the workspace yet, or empty.
    """
    models = list(models)
    names = [model.path + suffix for model in models for suffix in (SUFFIX, REPORT)]
    found = blobs_at(git, (CommitPath(commit, name) for commit in commits for name in names))
    for model in models:
        pointers, reports = (
            [found.get(CommitPath(commit, model.path + suffix), "") for commit in commits]
            for suffix in (SUFFIX, REPORT)
        )
        is_new = model.pointer is not None and all(pointers) and model.pointer.oid not in pointers
        mixed = model.report is not None and all(reports) and model.report.oid not in reports
        sides = read_blobs(git, reports) if mixed else []
        is_mixed = model.report is not None and mixed and is_mixture(model.report.raw, sides)
        yield model._replace(merged=missing if is_new else None, mixed=is_mixed)


def is_mixture(report: bytes, sides: Iterable[bytes]) -> bool:
    """Whether each line of a report is one of a side, so that no evaluation wrote it; a new one has its own time."""
    known = {line for side in sides for line in side.splitlines()}
    return known.issuperset(report.splitlines())
