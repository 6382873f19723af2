"""Judges a commit of the index or, for the framework pre-commit, a range of commits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mvc.fs.scratch import Scratch
from mvc.ops.judging.index_facts import index_facts, landed_waivers
from mvc.ops.shared.evidence.known_reports import KnownReports
from mvc.project import Project
from mvc.quality.files import POLICY, WAIVERS
from mvc.quality.finding import Verdict
from mvc.quality.judge.facts import Facts, GivenTags
from mvc.quality.judge.judge import judge, with_waivers
from mvc.quality.reports.report_document import ParseReport
from mvc.scm.index_changes import Index, in_hook, read_index
from mvc.scm.plumbing import Git

PARTS: dict[str, frozenset[str]] = {
    "no-raw-models": frozenset({"MVC301", "MVC302", "MVC303", "MVC308"}),
    "lint": frozenset({"MVC102", "MVC304", "MVC305", "MVC309", "MVC401"}),
}
"""Hooks for the framework pre-commit that check only some codes: content in Git, unreadable files."""
_AGE = "MVC127"


def judge_index(project: Project, now: float, index: Index | None = None) -> Verdict:
    """Judge the changes in the index at `now`, in seconds since the epoch.

    `index` is read if not given. When the policy changes, it is applied to the other models as well; their errors
    are warnings, so that a stricter policy can be committed before they meet it.

    Raises:
        MvcError: it can't be judged.
    """
    reports = KnownReports(project)
    verdict = _judge(project, now, index or read_index(project.git, project.layout.git_dir), reports.parse)
    reports.remember()
    return verdict


def _judge(project: Project, now: float, index: Index, parse: ParseReport) -> Verdict:
    staged = index_facts(project, index)
    if staged is None:
        return Verdict(())
    facts = staged.facts._replace(given=_given_tags(project, staged.facts, index))
    verdict = judge(facts, now, parse)
    if not verdict.passed and WAIVERS in index.entries:
        facts = facts._replace(landed_waivers=landed_waivers(project))
        verdict = Verdict.of(with_waivers(facts, verdict.findings, now))
    verdict = _without_old_age(verdict, facts, index)
    if not staged.others:
        return verdict
    others = judge(Facts(facts.policy, staged.others, landed_waivers=facts.landed_waivers), now, parse)
    softer = (
        finding._replace(severity="warning") if finding.severity == "error" else finding
        for finding in others.findings
        if finding.path != POLICY or finding.severity == "note"
    )
    return Verdict.of((*verdict.findings, *softer))


def _given_tags(project: Project, facts: Facts, index: Index) -> tuple[GivenTags, ...]:
    new = [model for model in facts.models if model.report and model.report.oid not in index.known]
    if not new:
        return ()
    from mvc.ops.shared.evidence.given_tags import landed_tags  # noqa: PLC0415 - import time: only for new reports

    return landed_tags(project, new)


def judge_range(project: Project, base: str, tip: str, now: float) -> Verdict:
    """Judge the changes of `tip` since it forked from `base`; all of `tip` when `base` is empty.

    Raises:
        UsageError: no such revision.
        MvcError: it can't be judged.
    """
    with _as_index(project, base, tip) as variant:
        return judge_index(variant, now)


@contextmanager
def _as_index(project: Project, base: str, tip: str) -> Iterator[Project]:
    """Return a project whose index is `tip` and whose HEAD is where `tip` forked from `base`; unborn without `base`.

    Its Git directory is a temporary one, like that of a linked worktree.
    """
    from mvc.scm.commits import resolve  # noqa: PLC0415 - import time: few hooks judge a range

    commit = resolve(project.git, tip)
    head = _fork_point(project.git, resolve(project.git, base), commit) if base else "ref: refs/mvc/none"
    with Scratch(f"{project.home}/tmp") as scratch:
        for name, text in (("HEAD", head), ("commondir", project.layout.common_dir)):
            with open(f"{scratch.path}/{name}", "w", encoding="utf-8", errors="surrogateescape") as file:
                file.write(f"{text}\n")
        environ = {key: value for key, value in project.git.environ.items() if not key.startswith("GITHEAD_")}
        git = Git(project.root, in_hook(environ)).with_environ(GIT_DIR=scratch.path, GIT_WORK_TREE=project.root)
        git.run("read-tree", commit)
        with project.with_git(git, scratch.path) as variant:
            yield variant


def _fork_point(git: Git, base: str, tip: str) -> str:
    """Return the merge base; `base` itself when there is no common history."""
    done = git.attempt("merge-base", base, tip)
    return done.stdout.decode().strip() if done.returncode == 0 else base


def _without_old_age(verdict: Verdict, facts: Facts, index: Index) -> Verdict:
    """Leave out the age of reports on HEAD or a merged branch: they were judged when they were committed."""
    old = {model.path for model in facts.models if model.report and model.report.oid in index.known}
    return Verdict(tuple(item for item in verdict.findings if item.code != _AGE or item.path not in old))


def only_part(verdict: Verdict, part: str) -> Verdict:
    """Return the findings of one of the `PARTS`; all findings for any other hook."""
    if part not in PARTS:
        return verdict
    return Verdict(tuple(item for item in verdict.findings if item.code in PARTS[part]))
