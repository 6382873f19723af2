"""What the framework pre-commit runs: the index judged, or what lies between two revisions; all of it, or one kind."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from mvc.errors import UsageError
from mvc.fs.scratch import Scratch
from mvc.ops.judging.hook import judge_index
from mvc.project import Project
from mvc.quality.finding import Verdict
from mvc.scm.changes import commits_of
from mvc.scm.index_changes import in_hook
from mvc.scm.plumbing import Git

CHECKS: dict[str, frozenset[str]] = {
    "no-raw-models": frozenset({"MVC301", "MVC302", "MVC303", "MVC308"}),
    "lint": frozenset({"MVC102", "MVC304", "MVC305", "MVC309", "MVC401"}),
}
"""By name: the codes that count. No raw models: what Git itself would hold; lint: what cannot be read."""


def judge_staged(project: Project, now: float, codes: Collection[str] = ()) -> Verdict:
    """Judge what the index would change; only by `codes` where there are some."""
    with project.with_git(Git(project.root, in_hook(project.around.environ))) as variant:
        return _only(judge_index(variant, now), codes)


def judge_range(project: Project, base: str, tip: str, now: float, codes: Collection[str] = ()) -> Verdict:
    """Judge what `tip` has otherwise than where it left `base`; all that it has where `base` is empty.

    Raises:
        UsageError: no such revision.

    """
    with _as_index(project, base, tip) as variant:
        return _only(judge_index(variant, now), codes)


def _only(verdict: Verdict, codes: Collection[str]) -> Verdict:
    return Verdict(tuple(item for item in verdict.findings if item.code in codes)) if codes else verdict


@contextmanager
def _as_index(project: Project, base: str, tip: str) -> Iterator[Project]:
    """Let Git see `tip` as the index, and where it left `base` as HEAD: in a Git directory as linked worktrees have."""
    commit = _resolved(project.git, tip)
    head = _fork_point(project.git, _resolved(project.git, base), commit) if base else "ref: refs/mvc/none"
    with Scratch(f"{project.home}/tmp") as scratch:
        for name, text in (("HEAD", head), ("commondir", project.layout.common_dir)):
            with open(f"{scratch.path}/{name}", "w", encoding="utf-8", errors="surrogateescape") as file:
                file.write(f"{text}\n")
        environ = in_hook({key: value for key, value in project.git.environ.items() if not key.startswith("GITHEAD_")})
        git = Git(project.root, {**environ, "GIT_DIR": scratch.path, "GIT_WORK_TREE": project.root})
        git.run("read-tree", commit)
        with project.with_git(git, scratch.path) as variant:
            yield variant


def _resolved(git: Git, revision: str) -> str:
    found = commits_of(git, [revision])
    if not found:
        raise UsageError(f"{revision!r} is no revision of this repository", "git log --oneline")
    return found[0]


def _fork_point(git: Git, base: str, tip: str) -> str:
    """Return where the two histories part; `base` itself when they have nothing in common."""
    done = git.attempt("merge-base", base, tip)
    return done.stdout.decode().strip() if done.returncode == 0 else base
