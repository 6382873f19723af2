"""The merge driver: merges pointers, reports and `.gitignore` files for Git."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from mvc.objects.pointer import SUFFIX
from mvc.ops.merging.marks import Labels
from mvc.ops.merging.pointer_files import Contested, merge_pointers, merge_where_decided, read_pointers
from mvc.ops.shared.conflicts.ignore_files import merge_ignore_files
from mvc.ops.shared.conflicts.lines import taking_files_line
from mvc.ops.shared.conflicts.outcome import Outcome, Texts
from mvc.ops.shared.conflicts.summary import SideSummary, choosing_line, in_one_line, summarize
from mvc.ops.shared.conflicts.versions import SideName, Version, find_origin
from mvc.ops.shared.reports import model_of
from mvc.ops.shared.revisions import COMPANIONS
from mvc.project import Project
from mvc.quality.files import SUFFIX as REPORT
from mvc.scm.blobs import blob_name
from mvc.scm.commits import committed_file
from mvc.scm.index_changes import merged_commits
from mvc.scm.merging.text_merge import merge_texts
from mvc.scm.plumbing import Git
from mvc.workspace.tracked import parsed


def merge_file(project: Project, path: str, texts: Texts, marker_size: int) -> Outcome:
    """Return the merge of three versions of the file `path` (from the top of the worktree).

    Raises:
        MvcError: Git or the cache cannot be read or written.
    """
    if f"/{path}".endswith("/.gitignore"):
        return merge_ignore_files(project.git, texts, marker_size)
    sides = _Sides(project, path, texts)
    if path.endswith(REPORT):
        from mvc.ops.merging.report_files import merge_reports  # noqa: PLC0415 - YAML takes 40 ms

        outcome = merge_reports(path, texts, sides.labels, marker_size)
        return outcome if outcome.clean else outcome._replace(lines=tuple(sides.explain_reports()))
    if path.endswith(SUFFIX) and (found := read_pointers(sides.tracked, texts)):
        outcome, contested = merge_pointers(project, sides.tracked, texts, found, sides.labels, marker_size)
        return outcome._replace(lines=tuple(sides.explain(contested))) if contested else outcome
    return merge_as_text(project.git, path, texts, marker_size)


def merge_ancestors(project: Project, path: str, texts: Texts, marker_size: int) -> Outcome:
    """Return the merge of two common ancestors. What both changed is as in their own common ancestor, without markers.

    Raises:
        MvcError: as `merge_file`.
    """
    outcome = merge_file(project, path, texts, marker_size)
    if outcome.clean:
        return outcome
    found = read_pointers(model_of(path), texts) if path.endswith(SUFFIX) else None
    merged = found and merge_where_decided(project, found)
    return Outcome(merged or texts.base, clean=True)


def merge_as_text(git: Git, path: str, texts: Texts, marker_size: int) -> Outcome:
    """Merge lines, as Git does; what was a pointer on a side must be one afterwards."""
    raw, clean = merge_texts(git, texts, marker_size)
    was_pointer = any(parsed(path, side).pointer for side in texts)
    return Outcome(raw, clean and not (was_pointer and parsed(path, raw).pointer is None))


class _Sides:
    """Both sides of a merge as a person reads them; they are looked up for a conflict only."""

    def __init__(self, project: Project, path: str, texts: Texts) -> None:
        self.tracked = model_of(path)
        self._project = project
        self._suffix = path.removeprefix(self.tracked)
        self._texts = texts

    def labels(self) -> Labels:
        """Return what stands beside the conflict markers."""
        return Labels(*(f"{side.side}: {in_one_line(side)}" for side in self._summaries))

    def explain(self, contested: Contested) -> Iterator[str]:
        """Yield the lines that tell what both sides changed, and what to type."""
        shell = self._project.shell
        yield f"{shell.show(self.tracked)}: both sides changed {contested.what}"
        for side in self._summaries:
            yield f"  {side.side:<6}  {in_one_line(side)}"
        single = taking_files_line(shell, self.tracked, contested.files) if contested.files else ""
        yield f"  try: {contested.fix or single or choosing_line(shell, self._summaries, self.tracked)}"

    def explain_reports(self) -> Iterator[str]:
        """Yield the same about reports, if they are of the same content."""
        ours, theirs = self._summaries
        if ours.blake3 and ours.blake3 == theirs.blake3:
            yield from self.explain(Contested("its report"))

    @cached_property
    def _summaries(self) -> tuple[SideSummary, SideSummary]:
        git, git_dir = self._project.git, self._project.layout.git_dir
        return (
            self._summary("ours", self._texts.ours, "HEAD"),
            self._summary("theirs", self._texts.theirs, *merged_commits(git, git_dir)),
        )

    def _summary(self, side: SideName, raw: bytes, *tips: str) -> SideSummary:
        project = self._project
        origin = find_origin(project, self._suffix, blob_name(project.git, raw), *tips)
        files: dict[str, bytes | None] = {
            suffix: committed_file(project.git, origin.commit, origin.path + suffix) if origin.commit else None
            for suffix in (SUFFIX, *COMPANIONS)
        }
        return summarize(Version(side, self.tracked, files | {self._suffix: raw}, origin))
