"""`mvc resolve`: settles a conflict in pointer, report, signatures, `.gitignore` and workspace together."""

from __future__ import annotations

import sys
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import NamedTuple

from mvc.errors import MissingObject, MvcError, UsageError
from mvc.fs.files import aside_line
from mvc.fs.tree import Replacement, replace_files
from mvc.objects.pointer import SUFFIX, Pointer
from mvc.ops.shared.checkout import CheckoutResult, Guard, check_out_selected, has_content, plan_checkout
from mvc.ops.shared.conflicts.ignore_files import merge_ignore_files, with_merged_block
from mvc.ops.shared.conflicts.outcome import Texts
from mvc.ops.shared.conflicts.summary import SideSummary, summarize
from mvc.ops.shared.conflicts.versions import Conflict, Stages, Version, find_conflicts, versions
from mvc.ops.shared.evidence.committed_reports import uncommitted_reports
from mvc.ops.shared.pointers import publish_pointers, stop_ignoring
from mvc.ops.shared.remotes import configured_remotes
from mvc.ops.shared.reports import model_of
from mvc.ops.shared.workspace_content import check_saved, named_objects, observe_path, same_content
from mvc.ops.workspace.after_checkout import check_deletion, delete_untracked
from mvc.ops.workspace.planning.choice import Choice, Reason, choose
from mvc.ops.workspace.planning.inner_choice import merged_version
from mvc.project import Project
from mvc.quality.files import SIGNATURES, has_conflict_marks
from mvc.quality.files import SUFFIX as REPORT
from mvc.quality.reports.signers import together
from mvc.scm.blobs import read_blobs
from mvc.scm.index import conflicts, staged_file
from mvc.scm.merging.operation import operation
from mvc.scm.staging import stage
from mvc.workspace.checkout import Checkout
from mvc.workspace.observe import Observed
from mvc.workspace.rename import remove_file
from mvc.workspace.scan import refusal
from mvc.workspace.tracked import Selection, Tracked, holder_of, matching


class Resolved(NamedTuple):
    """A path whose conflict is settled."""

    path: str
    chosen: SideSummary
    reason: Reason | None
    """Why this side is the better one; None if the user named it."""
    files: tuple[str, ...]
    """In a directory, the files that were chosen, if the others are merged; empty if all of it is as on that side."""


class Resolution(NamedTuple):
    """What was settled, what was written to the workspace, and the files that are still in conflict."""

    resolved: tuple[Resolved, ...]
    checked_out: CheckoutResult
    left: tuple[str, ...]
    proceed: str
    """The command line that continues what stopped at the conflict, when nothing is left."""


class _Plan(NamedTuple):
    """What settles one path."""

    chosen: Version
    reason: Reason | None
    observed: Observed
    there: Pointer | None
    """What the workspace may have, if the chosen side deleted the path."""
    files: tuple[str, ...] = ()


def resolve(project: Project, paths: Iterable[str], choice: Choice) -> Resolution:
    """Take one side of the conflicts at `paths` (from the top of the worktree). Nothing is changed if one is refused.

    A `.gitignore` has what both sides say about mvc's paths. Predictions follow the report that names them.

    Raises:
        UsageError: a path is not in conflict.
        Refused: the sides cannot be compared.
        MissingObject: the cache lacks the content of the chosen side.
        MvcError: content or a report would be lost.
    """
    with project.locks.worktree(), project.locks.store():
        guard = Guard(project, named_objects(project), force=False)
        plans, ignoring = _plans(guard, list(paths), choice)
        _check_reports(project, plans)
        _settle_ignore_files(project, ignoring)
        _delete(project, [plan for plan in plans if plan.chosen.item is None])
        _publish(project, [plan.chosen for plan in plans])
        result = _check_out(guard, plans)
    left = tuple(conflicts(project.git))
    proceed = "" if left else operation(project.git, project.layout.git_dir).proceed
    resolved = tuple(Resolved(plan.chosen.path, summarize(plan.chosen), plan.reason, plan.files) for plan in plans)
    return Resolution(resolved, result, left, proceed)


# What is in conflict.


class _Selected(NamedTuple):
    """A path in conflict, or the files `inside` a directory in conflict."""

    conflict: Conflict
    inside: tuple[str, ...] = ()
    is_staged: bool = False
    """Whether the index has it as resolved: the same command was stopped before it had updated the workspace."""


def _selected(project: Project, paths: list[str]) -> tuple[list[_Selected], dict[str, Stages]]:
    """Return what is in conflict at, below or above `paths`, and the `.gitignore` files there and beside."""
    files, open_ = conflicts(project.git), find_conflicts(project)
    known = find_conflicts(project, resolved=True) | open_
    ignoring = {name: stages for name, stages in files.items() if f"/{name}".endswith("/.gitignore")}
    found: dict[str, list[str]] = {}
    whole: set[str] = set()
    lists: set[str] = set()
    for path in paths:
        wanted, holder = model_of(path), holder_of(known, path)
        below = [name for name in known if _is_at_or_below(name, wanted)] or matching(wanted, known)
        below = [name for name in below if name in open_] or below
        lists_here = {name for name in ignoring if _is_at_or_below(name, path)}
        if not (below or holder or lists_here):
            raise _not_in_conflict(project, path, files, open_)
        lists |= lists_here
        whole |= set(below)
        found |= {name: [] for name in below}
        if holder and not below and holder not in whole:
            found.setdefault(holder, []).append(path[len(holder) + 1 :])
    lists |= {f"{path.rpartition('/')[0]}/.gitignore".removeprefix("/") for path in found}
    selected = [_Selected(known[name], tuple(inside), name not in open_) for name, inside in found.items()]
    return selected, {name: stages for name, stages in ignoring.items() if name in lists}


def _is_at_or_below(name: str, path: str) -> bool:
    return not path or name == path or name.startswith(f"{path}/")


def _not_in_conflict(
    project: Project, path: str, files: Container[str], known: Iterable[str],
) -> UsageError:
    if path in files:
        return UsageError(f"{path} is not a file of mvc", project.shell.line("git add --", path))
    names = ", ".join(known)
    return UsageError(f"{path} is not in conflict", f"mvc status  # in conflict: {names}" if names else "mvc status")


# Checks: nothing is written yet.


def _plans(guard: Guard, paths: list[str], choice: Choice) -> tuple[list[_Plan], dict[str, Stages]]:
    """Return what settles `paths` and the predictions in conflict that the chosen reports name, and `.gitignore` files.

    Predictions are the evidence of a report, so they are taken from the same side.
    """
    project = guard.project
    selected, ignoring = _selected(project, paths)
    named = {name for item in selected for version in versions(project, item.conflict) for name in _evidence(version)}
    plans = [_plan(guard, item, choice) for item in selected if item.conflict.path not in named]
    sides = {name: plan.chosen.side for plan in plans for name in _evidence(plan.chosen)}
    later = [item for item in selected if item.conflict.path in named]
    there = {item.conflict.path for item in selected}
    if beside := [name for name in find_conflicts(project) if name in sides and name not in there]:
        more, lists = _selected(project, beside)
        later, ignoring = later + more, ignoring | lists
    plans += [_plan(guard, item, Choice(side) if (side := sides.get(item.conflict.path)) else choice) for item in later]
    return plans, ignoring


def _evidence(version: Version) -> list[str]:
    """Return the path of the predictions that a version's report names."""
    report = version.report
    return [report.predictions.path] if report and report.predictions else []


def _plan(guard: Guard, selected: _Selected, choice: Choice) -> _Plan:
    project, path = guard.project, selected.conflict.path
    both = versions(project, selected.conflict)
    chosen, reason = choose(project, both, choice)
    files: tuple[str, ...] = ()
    if selected.inside:
        chosen, files = merged_version(project, selected.conflict, both, chosen, selected.inside)
    else:
        chosen = _with_all_signatures(chosen, both)
    files_of_git = chosen.files.items()
    if selected.is_staged and any(staged_file(project.git, path + suffix) != raw for suffix, raw in files_of_git):
        raise _not_in_conflict(project, path, (), ())
    item, before = chosen.item, observe_path(project, path)
    if item is not None and item.pointer is None:
        line = f"{project.shell.line('mvc resolve', path)} --{'theirs' if chosen.side == 'ours' else 'ours'}"
        raise MvcError(f"{path}: the pointer of {chosen.side} cannot be read: {item.problem}", line)
    if item is not None:
        _check_content(guard, item, before, chosen, choice)
    others = [version.item.pointer for version in both if version.item and version.item.pointer]
    there = next((pointer for pointer in others if same_content(pointer, before)), next(iter(others), None))
    if item is None and there is not None:
        check_deletion(project, path, there, before)
    return _Plan(chosen, reason, before, there, files)


def _with_all_signatures(chosen: Version, both: tuple[Version, Version]) -> Version:
    """Return the version with the signatures of both sides, if their reports are the same."""
    reports, signatures = ([version.files[suffix] for version in both] for suffix in (REPORT, REPORT + SIGNATURES))
    if reports[0] is None or reports[0] != reports[1] or signatures == [None, None]:
        return chosen
    if not (valid := together(*(raw for raw in signatures if raw is not None))):
        return chosen
    return Version(chosen.side, chosen.path, {**chosen.files, REPORT + SIGNATURES: valid}, chosen.origin)


def _check_content(guard: Guard, item: Tracked, before: Observed, chosen: Version, choice: Choice) -> None:
    """Check that the cache has the chosen content, and that none of the workspace is lost."""
    project, path, pointer = guard.project, item.path, item.pointer
    if pointer is None or same_content(pointer, before):
        return
    if not has_content(project, pointer):
        raise MissingObject(f"the cache does not hold {chosen.side} of {path}", _fetching(project, chosen, choice))
    if error := refusal(path, before.scan.bound(), project.shell.show):
        raise error
    plan = plan_checkout(project, pointer, before, Selection(item))
    keep = f"{project.shell.line('mvc add', path)}  # keeps it, in place of both sides"
    check_saved(project, guard.named, item, plan, "changed here and {}, so not overwritten", lambda: keep)


def _fetching(project: Project, chosen: Version, choice: Choice) -> str:
    if not configured_remotes(project.settings):
        return f"mvc remote add NAME URL  # that has the content of {chosen.path}; then again"
    again = f"--best {choice.metric}" if choice.metric else f"--{choice.side}"
    rev = f"--rev {chosen.origin.commit[:12]}" if chosen.origin.commit else "--all-commits"
    line = project.shell.line("mvc resolve", chosen.path)
    return f"{project.shell.line(f'mvc fetch {rev}', chosen.origin.path or chosen.path)} && {line} {again}"


def _check_reports(project: Project, plans: Iterable[_Plan]) -> None:
    """Refuse to overwrite a report that was recorded since."""
    names = [plan.chosen.path + suffix for plan in plans for suffix in plan.chosen.files if suffix != SUFFIX]
    there = {name: raw for name in names if (raw := project.tree.read(name, sys.maxsize)) is not None}
    unsaved = uncommitted_reports(project, [name for name, raw in there.items() if not has_conflict_marks(raw)])
    if name := min(unsaved, default=""):
        raise MvcError(f"{name} is in no commit, so not overwritten", aside_line(project.shell.show(name)))


# Files of Git.


def _settle_ignore_files(project: Project, found: Mapping[str, Stages]) -> None:
    """Merge `.gitignore` files in conflict. What the user merged by hand is kept.

    Raises:
        MvcError: the user's own lines are in conflict.
    """
    settled = [_settled(project, name, stages) for name, stages in found.items()]
    if settled:
        with project.staging() as staging:
            replace_files(project.tree, staging, settled)
        stage(project.git, [item.path for item in settled])


def _settled(project: Project, name: str, stages: Stages) -> Replacement:
    there = project.tree.read(name, sys.maxsize)
    found = dict(zip(stages, read_blobs(project.git, stages.values()), strict=True))
    texts = Texts(*(found.get(stage, b"") for stage in (1, 2, 3)))
    if there is not None and not has_conflict_marks(there):
        return Replacement(name, there, with_merged_block(there, texts))
    outcome = merge_ignore_files(project.git, texts, 7)
    if not outcome.clean:
        line = f"{project.shell.line('git add --', name)}  # once they are merged; then again"
        raise MvcError(f"{name}: lines that are not mvc's are in conflict", line)
    return Replacement(name, there, outcome.raw)


def _publish(project: Project, chosen: Iterable[Version]) -> None:
    """Write and stage pointers, reports and signatures; before, remove those that the chosen side does not have."""
    files = {version.path + suffix: raw for version in chosen for suffix, raw in version.files.items()}
    gone = [name for name, raw in files.items() if raw is None]
    for name in gone:
        remove_file(project.tree, name)
    stage(project.git, gone)
    there = {name: project.tree.read(name, sys.maxsize) for name in files}
    publish_pointers(project, [Replacement(name, there[name], raw) for name, raw in files.items() if raw is not None])


# The workspace.


def _delete(project: Project, plans: Sequence[_Plan]) -> None:
    """Delete the content of paths that the chosen side deleted, and their lines in `.gitignore`."""
    paths = [plan.chosen.path for plan in plans]
    with project.staging() as staging:
        tools = Checkout(project.tree, staging, project.links, project.around.progress)
        for plan in plans:
            if plan.there is not None:
                delete_untracked(project, tools, plan.chosen.path, plan.there)
    if paths:
        stage(project.git, stop_ignoring(project, paths))


def _check_out(guard: Guard, plans: Sequence[_Plan]) -> CheckoutResult:
    selected = [Selection(plan.chosen.item) for plan in plans if plan.chosen.item]
    observed = {plan.chosen.path: plan.observed for plan in plans}
    return check_out_selected(guard, selected, named_objects(guard.project), observed=observed)
