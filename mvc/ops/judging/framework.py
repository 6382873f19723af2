"""What the framework pre-commit asks besides: to judge the changes between two revisions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mvc.fs.scratch import Scratch
from mvc.ops.judging.hook import judge_index
from mvc.project import Project
from mvc.quality.finding import Verdict
from mvc.scm.commits import resolve
from mvc.scm.index_changes import in_hook
from mvc.scm.plumbing import Git


def judge_range(project: Project, base: str, tip: str, now: float) -> Verdict:
    """Judge what `tip` changes since it forked from `base`; all that it has when `base` is empty.

    Raises:
        UsageError: no such revision.
        MvcError: it can't be judged.

    """
    with _as_index(project, base, tip) as variant:
        return judge_index(variant, now)


@contextmanager
def _as_index(project: Project, base: str, tip: str) -> Iterator[Project]:
    """Give Git `tip` as index and the fork point as HEAD, in a Git directory like that of a linked worktree."""
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
