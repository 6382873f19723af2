"""`mvc gate`: whether what merging head into base would land may land."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeVar

from mvc import config
from mvc.config import Settings
from mvc.errors import MvcError, UsageError
from mvc.objects.pointer import SUFFIX
from mvc.ops.judging.cached_content import with_files
from mvc.ops.judging.gathering import gate_facts, tree_facts
from mvc.ops.judging.pickle_scans import with_scans
from mvc.ops.judging.remote_objects import ask_remote
from mvc.ops.judging.revisions import Revisions, Told, lacking, read_event, revisions, told
from mvc.project import CONFIG, FOLDER, Project
from mvc.quality.finding import Finding, Judged, Verdict
from mvc.quality.judge.facts import Facts
from mvc.quality.judge.judge import judge, judging_policy
from mvc.scm.landing import contains, find_commit, list_tree, reading, tree_of
from mvc.scm.plumbing import Git, committed_file

T = TypeVar("T")


class GateOptions(NamedTuple):
    """What is asked."""

    base: str = ""
    """A revision; empty for what the CI system tells, or the default branch."""
    head: str = ""
    """A revision; empty for what the CI system tells, or HEAD."""
    whole: bool = False
    """Judge all that head has, by its own policy."""
    remote: str = ""
    """Ask this remote whether it holds what the change needs."""


class Gated(NamedTuple):
    """The verdict, and on what."""

    passed: bool
    base: str
    """The commit; empty when a whole tree is judged."""
    head: str
    models: tuple[Judged, ...] = ()
    findings: tuple[Finding, ...] = ()
    judged: bool = True
    """False where base has head already, so that there was nothing to judge."""


def gate(project: Project, options: GateOptions, now: float) -> Gated:
    """Judge a change at `now`, in seconds since the epoch.

    Raises:
        UsageError: a revision names nothing, or mvc is set up on neither side.
        MvcError: it can't be judged.

    """
    git = reading(project.around.environ, project.layout)
    if options.whole:
        if options.base:
            raise UsageError("--all judges a tree by itself: it has no --base", "mvc gate --all --head REV")
        return _whole(project, git, options, now)
    environ = project.around.environ
    said = Told() if options.base and options.head else told(environ, read_event(environ))
    found = revisions(git, said, options.base, options.head)
    _check_set_up(git, found.base, found.head)
    if contains(git, found.base, found.head):
        return _nothing(found)
    settings = _reading(git, found, lambda: settings_at(project, git, found.base))
    with project.with_settings(settings) as judging:
        facts = _reading(git, found, lambda: gate_facts(judging, found.base, found.head, now))
        return _gated(found, _judged(judging, facts, options.remote, now))


def _whole(project: Project, git: Git, options: GateOptions, now: float) -> Gated:
    head = find_commit(git, options.head or "HEAD")
    if not head:
        raise UsageError(f"{options.head or 'HEAD'!r} is no revision of this repository", "git log --oneline")
    _check_set_up(git, head)
    whole = Revisions("", head)
    settings = _reading(git, whole, lambda: settings_at(project, git, head))
    with project.with_settings(settings) as judging:
        facts = _reading(git, whole, lambda: tree_facts(judging, head, now))
        return _gated(whole, _judged(judging, facts, options.remote, now))


def _reading(git: Git, found: Revisions, read: Callable[[], T]) -> T:
    """Return what `read` does; an error says what a partial clone needs."""
    try:
        return read()
    except MvcError as error:
        raise lacking(git, found.system, error) from None


def _judged(project: Project, facts: Facts, remote: str, now: float) -> Verdict:
    if remote:
        asked = ask_remote(project, remote, facts.models)
        policy = judging_policy(facts)
        models = with_files(project, policy, facts.models)  # more may be known of them now
        models = with_scans(project, policy, models)
        facts = facts._replace(models=models, remote=asked)
    return judge(facts, now)


def _nothing(found: Revisions) -> Gated:
    if found.pull:
        message = f"{found.base[:12]} has {found.head[:12]} already, although a pull request is to be judged"
        raise MvcError(message, "check out what is to be merged, or mvc gate --base REV --head REV")
    return Gated(passed=True, base=found.base, head=found.head, judged=False)


def _gated(found: Revisions, verdict: Verdict) -> Gated:
    return Gated(verdict.passed, found.base, found.head, verdict.models, verdict.findings)


def _check_set_up(git: Git, *commits: str) -> None:
    """Make sure that one of the commits has something of mvc's.

    Raises:
        UsageError: none has.

    """
    for commit in commits:
        if git.attempt("cat-file", "-e", f"{commit}:{FOLDER}").returncode == 0:
            return
        if any(path.endswith(SUFFIX) for path in list_tree(git, tree_of(git, commit))):
            return
    raise UsageError("mvc is not set up: neither side has .mvc/ or a pointer", "mvc init")


def settings_at(project: Project, git: Git, commit: str) -> Settings:
    """Return the settings with the committed ones as `commit` has them: nothing of the workspace judges.

    Raises:
        UsageError: a config file or `MVC_*` variable is wrong.

    """
    return config.merge([
        project.config_layer("user"),
        config.file_layer("project", committed_file(git, commit, CONFIG), CONFIG),
        project.config_layer("local"),
        config.environment_layer(project.around.environ),
    ])
