"""`mvc gate`: judges the changes that merging head into base would land."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from mvc import config
from mvc.errors import MvcError, UsageError
from mvc.objects.pointer import SUFFIX
from mvc.ops.judging.ci import CiJob, ci_job, read_event
from mvc.ops.judging.gathering import gate_facts, tree_facts
from mvc.ops.judging.revisions import Revisions, partial_clone_hint, revisions, typed_commit, typed_head
from mvc.ops.judging.subjects import content_sha256
from mvc.ops.shared.evidence.cached_content import with_files
from mvc.ops.shared.evidence.judged_predictions import with_recomputed
from mvc.ops.shared.evidence.pickle_scans import with_scans
from mvc.ops.shared.evidence.remote_objects import ask_remote
from mvc.project import CONFIG, FOLDER, Project
from mvc.quality.files import POLICY, FileAt, ModelFiles
from mvc.quality.files import SUFFIX as REPORT
from mvc.quality.finding import Gated
from mvc.quality.judge.facts import Facts
from mvc.quality.judge.judge import judge
from mvc.quality.judge.rules.past.references import history
from mvc.quality.pointer_files import is_other
from mvc.scm.commits import committed_file, contains, tree_of
from mvc.scm.merging.landing import list_tree, reading
from mvc.scm.plumbing import Git

_VERSIONS = 12
"""Of a model, as many as a reviewer sees of a metric."""


class GateOptions(NamedTuple):
    """The arguments of `mvc gate`."""

    base: str = ""
    """A revision; empty: the CI system's, or the default branch."""
    head: str = ""
    """A revision; empty: the CI system's, or HEAD."""
    whole: bool = False
    """Judge the whole tree of head by its own policy."""
    remote: str = ""
    """Check that this remote has the objects that the change needs."""
    recompute: bool = False
    """Compute the metrics again from the predictions that reports name."""
    sha256: bool = False
    """Compute the SHA-256 of the contents that the cache has."""


def find_revisions(project: Project, options: GateOptions) -> Revisions:
    """Return the commits to judge, and how they were found.

    Raises:
        UsageError: a revision is not a commit, or neither side is set up for mvc.
        MvcError: a commit is missing.
    """
    git = reading(project.around.environ, project.layout)
    if options.whole:
        if options.base:
            raise UsageError("--all judges a tree by itself, without --base", "mvc gate --all --head REV")
        found = _whole(git, options.head)
        _check_set_up(git, found.head)
        return found
    environ = project.around.environ
    job = CiJob() if options.base and options.head else ci_job(environ, read_event(environ))
    found = revisions(git, job, options.base, options.head)
    with partial_clone_hint(git, found.system):
        _check_set_up(git, found.base, found.head)
    if not _must_differ(found) and contains(git, found.base, found.head):
        return found.without_base("it contains head, and nothing tells what was before, so all of head is judged")
    return found


def _must_differ(found: Revisions) -> bool:
    """Whether nothing is judged if base contains head; else it is a build of the default branch."""
    return found.is_pull_request or found.may_be_merged


def _whole(git: Git, head: str) -> Revisions:
    found = Revisions("", "")
    found = typed_head(git, found, head) if head else found.with_head(typed_commit(git, "HEAD"), "HEAD")
    return found.without_base("--all")


def gate(project: Project, found: Revisions, options: GateOptions, now: float) -> Gated:
    """Judge what merging head into base would land, at `now`, in seconds since the epoch.

    Raises:
        UsageError: a setting is wrong.
        MvcError: the change cannot be judged.
    """
    git = reading(project.around.environ, project.layout)
    if _must_differ(found) and contains(git, found.base, found.head):
        return _nothing(found)
    return _judge(project, git, found, options, now)


def _judge(project: Project, git: Git, found: Revisions, options: GateOptions, now: float) -> Gated:
    with partial_clone_hint(git, found.system):
        settings = settings_at(project, git, found.base or found.head)
    with project.with_settings(settings) as variant:
        with partial_clone_hint(git, found.system):
            if found.base:
                facts = gate_facts(variant, found.base, found.head, now)
            else:
                facts = tree_facts(variant, found.head, now)
        if options.remote:
            facts = _with_remote(variant, facts, options.remote)
        if options.recompute:
            facts = with_recomputed(variant, facts, options.remote, found.head)
        verdict = judge(facts, now)
        sha256 = dict(content_sha256(variant.cache, facts.models)) if options.sha256 else {}
    return Gated(
        verdict.passed, found.base, found.head, verdict.models, verdict.findings,
        entered=verdict.entered, files=_files(facts), sha256=sha256, versions=dict(_versions(facts)),
    )


def _files(facts: Facts) -> dict[str, FileAt]:
    models = [(model.path + suffix, file) for model in facts.models
              for suffix, file in ((SUFFIX, model.pointer), (REPORT, model.report))]
    return {path: file for path, file in (*models, (POLICY, facts.policy.file)) if file and not is_other(file.oid)}


def _versions(facts: Facts) -> Iterator[tuple[str, tuple[ModelFiles, ...]]]:
    for model in facts.models:
        if model.past is not None:
            before = dict.fromkeys(ModelFiles(item.pointer, item.report) for item in history(model.past))
            yield model.path, (ModelFiles(model.pointer, model.report), *islice(before, _VERSIONS - 1))


def _with_remote(project: Project, facts: Facts, remote: str) -> Facts:
    """Ask the remote. This fetches lists of files, so the models are completed once more."""
    asked = ask_remote(project, remote, facts.models)
    policy = facts.policy.policy
    models = with_scans(project, policy, with_files(project, policy, facts.models))
    return facts._replace(models=models, remote=asked)


def _nothing(found: Revisions) -> Gated:
    if found.is_pull_request:
        message = f"{found.base[:12]} contains {found.head[:12]} already, but this job is for a pull request"
        raise MvcError(message, "check out the branch to merge, or mvc gate --base REV --head REV")
    return Gated(passed=True, base=found.base, head=found.head, judged=False)


def _check_set_up(git: Git, *commits: str) -> None:
    """Check that one of the commits has `.mvc/` or a pointer.

    Raises:
        UsageError: neither has.
    """
    for commit in commits:
        if git.attempt("cat-file", "-e", f"{commit}:{FOLDER}").returncode == 0:
            return
        if any(path.endswith(SUFFIX) for path in list_tree(git, tree_of(git, commit))):
            return
    raise UsageError("mvc is not set up: neither side has .mvc/ or a pointer", "mvc init")


def settings_at(project: Project, git: Git, commit: str) -> config.Settings:
    """Return the settings with the committed ones of `commit`, not those of the workspace.

    Raises:
        UsageError: a config file or `MVC_*` variable is invalid.
    """
    return config.merge([
        project.config_layer("user"),
        config.file_layer("project", committed_file(git, commit, CONFIG), CONFIG),
        project.config_layer("local"),
        config.environment_layer(project.around.environ),
    ])
